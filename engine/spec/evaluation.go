package spec

import (
	"fmt"
	"strings"
)

// Evaluation says when a trial is evaluated and what is measured then. It is plain data; engine/metric knows what its metrics mean
// and whether they can be computed.
type Evaluation struct {
	Every    int       // epochs between evaluations; the last epoch is always evaluated
	Sheet    int       // images on the sheet of samples
	Metrics  []Metric  // without any, only the sheet is drawn
	Samples  int       // generated images, compared with as many real ones; 0 without metrics
	Real     string    // the source of the real images: "train", the data of the trial, or "test", the test split of the same set
	Features string    // the extractor whose features are compared, by its name in the tables
	Collapse *Collapse // nil: collapse is not detected

	// Final is what trials are measured by after their last epoch as well, if no judge ends them before; nil: nothing. It has Metrics,
	// Samples, Real and Features alone, and its columns have the prefix FinalPrefix.
	Final *Evaluation
}

// FinalPrefix is the prefix of the columns of final evaluations.
const FinalPrefix = "final_"

// Course is the column by which trials are compared on their way, before their last epoch: for that of a final evaluation the same metric
// of every evaluation, and otherwise the column itself.
func Course(column string) string { return strings.TrimPrefix(column, FinalPrefix) }

// Due reports whether an epoch, counted from 1, is evaluated.
func (e Evaluation) Due(epoch, epochs int) bool {
	return epoch == epochs || e.Every > 0 && epoch%e.Every == 0
}

// Times is how often a trial of so many epochs is evaluated.
func (e Evaluation) Times(epochs int) int {
	if e.Every <= 0 {
		return 1
	}
	return (epochs + e.Every - 1) / e.Every
}

// String is canonical.
func (e Evaluation) String() string {
	s := fmt.Sprintf("every=%d sheet=%d", e.Every, e.Sheet)
	if len(e.Metrics) == 0 {
		return s
	}
	s += fmt.Sprintf(" metrics=%v samples=%d real=%s features=%s", e.Metrics, e.Samples, e.Real, e.Features)
	if e.Collapse != nil {
		s += fmt.Sprintf(" collapse=%v", *e.Collapse)
	}
	if e.Final != nil {
		s += fmt.Sprintf(" final=(%v)", *e.Final)
	}
	return s
}

// PointFeatures names the features of points in the plane: their coordinates, which no extractor computes.
const PointFeatures = "points"

// Collapse is the rule by which a generator counts as collapsed; engine/metric applies it.
type Collapse struct {
	Stop                                         bool // end the trial at once
	Evaluations                                  int
	Reach, Spread, Variety, Fidelity, Modes, Few float64
	Distinctness                                 float64
}

// StandardCollapse is the default rule of scripts.
func StandardCollapse() Collapse {
	return Collapse{Evaluations: 2, Reach: 0.05, Spread: 0.25, Variety: 0.4, Fidelity: 0.7, Modes: 0.3, Few: 0.8, Distinctness: 0.017}
}

// String is canonical.
func (c Collapse) String() string { return c.text(true, true) }

// Identity is the text of the rule in the configuration of a trial. The standard bounds of what came later, variety and distinctness, are
// left out where the rule ends no trial and changes no number: trials of directories from before keep their names.
func (c *Collapse) Identity() string {
	if c == nil {
		return "<nil>"
	}
	standard := StandardCollapse()
	distinctness := c.Stop || c.Distinctness != standard.Distinctness
	return c.text(distinctness || c.Variety != standard.Variety || c.Few != standard.Few, distinctness)
}

func (c Collapse) text(variety, distinctness bool) string {
	text := fmt.Sprintf("(stop=%t, evaluations=%d, reach=%s, spread=%s", c.Stop, c.Evaluations, shortest(c.Reach), shortest(c.Spread))
	if variety {
		text += ", variety=" + shortest(c.Variety)
	}
	text += ", fidelity=" + shortest(c.Fidelity) + ", modes=" + shortest(c.Modes)
	if variety {
		text += ", few=" + shortest(c.Few)
	}
	if distinctness {
		text += ", distinctness=" + shortest(c.Distinctness)
	}
	return text + ")"
}
