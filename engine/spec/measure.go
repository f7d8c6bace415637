package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Measure says what an evaluation compares generated images with, and how. Two values of a metric are comparable if and only if the
// parts of their measures that decide the metric are equal: see engine/metric.Deciding. Fields are empty where nothing depends on them.
type Measure struct {
	Metrics  []Metric `json:"metrics,omitempty"`
	Samples  int      `json:"samples,omitempty"` // generated images, compared with as many real ones
	Real     string   `json:"real,omitempty"`    // SPLIT:DIGEST of the set that the real images are drawn from
	Floor    string   `json:"floor,omitempty"`   // likewise of the set that floors are drawn from, if it is another
	Features string   `json:"features,omitempty"`
	Tests    string   `json:"tests,omitempty"` // digest of the images that the script's tests evaluate
	Train    string   `json:"train,omitempty"` // digest of the training images, where losses and watches are compared
	Final    *Measure `json:"final,omitempty"` // of final evaluations
}

// digits is how many hexadecimal digits of a digest appear where people read it.
const digits = 16

// Short is a digest as it appears in the tables.
func Short(digest string) string { return digest[:min(digits, len(digest))] }

// Images names a split and its content, as a Measure has it.
func Images(split, digest string) string { return split + ":" + Short(digest) }

// String is canonical: equal measures have equal texts, such as
//
//	fid() kid(subsets=100, size=1000) samples=1000 real=test:0f1e2d3c4b5a6978 features=small-mnist:1c291ca54e0ba1f7
func (m Measure) String() string {
	var parts []string
	for _, x := range byName(m.Metrics) {
		parts = append(parts, x.String())
	}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	if m.Samples > 0 {
		add("samples", fmt.Sprint(m.Samples))
	}
	add("real", m.Real)
	add("floor", m.Floor)
	add("features", m.Features)
	add("tests", m.Tests)
	add("train", m.Train)
	if m.Final != nil {
		parts = append(parts, "final("+m.Final.String()+")")
	}
	return strings.Join(parts, " ")
}

func byName(metrics []Metric) []Metric {
	return slices.SortedFunc(slices.Values(metrics), func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
}
