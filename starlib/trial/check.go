package trial

import (
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Sets holds functions that return what is known about data sets without opening them.
type Sets struct {
	Images func(spec.Data) (n int, known bool) // counts the examples of a set; nil: unknown
	Fits   func(spec.Data) error               // refuses a set that needs more memory than there is; nil: none
}

// most is the largest number of examples that a data set may have, and whether that is known without opening it.
func (s Sets) most(d spec.Data) (n int, known bool) {
	if s.Images != nil {
		n, known = s.Images(d)
	}
	if d.Limit > 0 && (!known || n > d.Limit) {
		return d.Limit, true
	}
	return n, known
}

// CheckData refuses what a run would refuse as soon as it opens the data, and returns the number of iterations of an epoch, 0 if it is not
// known. It notes what training is too short for, unless a profile or an override made it short.
func (t *Trial) CheckData(p *model.Program, sets Sets, n *kit.Notes, shortened bool) (perEpoch int, err error) {
	var errs []error
	fail := func(format string, a ...any) {
		errs = append(errs, &kit.Error{Pos: t.Pos, Msg: fmt.Sprintf(format, a...)})
	}
	if sets.Fits != nil {
		if err := sets.Fits(t.Data.Data); err != nil {
			fail("data: %v", err)
		}
	}
	examples, known := sets.most(t.Data.Data)
	want := p.Batches * p.Config.Batch
	if known && examples < want {
		fail("data: got %d images, want at least the %d of one iteration (%d x %d): lower batch, or take more images", examples, want, p.Batches,
			p.Config.Batch)
	}
	enough := func(who string, e spec.Evaluation) {
		compared, known, what := examples, known, "the trial's data have"
		if e.Real == "test" {
			compared, known = sets.most(t.Data.Data.Test())
			what = "their test split has"
		}
		if known && compared < e.Samples {
			fail(`%s: got %d samples, and %s only %d images to compare with: want fewer samples, or another split: real = "train" or "test"`,
				who, e.Samples, what, compared)
		}
	}
	if e := t.Evaluation; len(e.Metrics) > 0 {
		if enough("evaluate", e); e.Final != nil {
			enough("final", *e.Final)
		}
	}
	if image := t.Data.Image(); t.Evaluation.Sheet > maxSheet/image.Elems() {
		fail("evaluate: got sheet = %d images of %d numbers, %.3g numbers in total, want at most %.3g", t.Evaluation.Sheet, image.Elems(),
			float64(t.Evaluation.Sheet)*float64(image.Elems()), float64(maxSheet))
	}
	if t.Evaluation.Every > t.Epochs && !shortened {
		n.Add(t.Pos, fmt.Sprintf("evaluate: got every = %d of %d epochs: only the last is evaluated", t.Evaluation.Every, t.Epochs))
	}
	if rule, times := t.Evaluation.Collapse, t.Evaluation.Times(t.Epochs); rule != nil && rule.Evaluations > times && !shortened &&
		*rule != spec.StandardCollapse() { // which nobody asked for
		n.Add(t.Pos, fmt.Sprintf("collapse: got evaluations = %d of %d: no trial counts as collapsed", rule.Evaluations, times))
	}
	if known && examples >= want {
		perEpoch = examples / want
	}
	return perEpoch, errors.Join(errs...)
}

// maxSheet bounds the values of a sheet of samples, which is one picture: 16,384 x 16,384 in grey.
const maxSheet = 1 << 28

// CheckMetrics refuses metrics of images that the trial's program does not generate.
func (t *Trial) CheckMetrics(p *model.Program) error {
	if len(t.Evaluation.Metrics) > 0 && p.Sample == nil {
		return &kit.Error{Pos: t.Pos, Msg: "evaluate: got metrics of a job that generates no images, want sample = ..., which generates them"}
	}
	return nil
}
