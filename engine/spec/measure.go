package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Measure says what an evaluation compares generated images with, and how. Two values of a metric are comparable exactly if the
// parts of their measures that decide the metric are equal: see Of. Fields are empty where nothing depends on them.
type Measure struct {
	Metrics  []Metric `json:"metrics,omitempty"` // with their arguments, by name
	Samples  int      `json:"samples,omitempty"` // generated images, compared with as many real ones
	Real     string   `json:"real,omitempty"`    // SPLIT:DIGEST of the set that the real ones are drawn from
	Floor    string   `json:"floor,omitempty"`   // likewise, of the other set that floors are drawn from, if there is another
	Features string   `json:"features,omitempty"`
	Tests    string   `json:"tests,omitempty"` // digest of the images that the script's tests are of
	Train    string   `json:"train,omitempty"` // digest of the training images, where losses and watches are compared
}

// digits is how many hexadecimal digits of a digest stand for it where people read it.
const digits = 16

// Short is a digest as tables have it.
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
	return strings.Join(parts, " ")
}

func byName(metrics []Metric) []Metric {
	return slices.SortedFunc(slices.Values(metrics), func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
}

// Of is the part of the measure that decides whether values of some columns are comparable. A metric's need its arguments, the
// features, the number of samples and the real images; its floor and a Parzen window without a sigma need the set of floors, too.
// Those of tests need the images that they are of, and all others, losses and watches, the training images, whose digest is given.
// What an equation computes is the script's business: a column has one meaning in all trials of a study.
func (m Measure) Of(train string, columns ...string) Measure {
	var part Measure
	for _, column := range columns {
		base, isFloor := strings.CutSuffix(column, Floor)
		i := slices.IndexFunc(m.Metrics, func(x Metric) bool { return slices.Contains(x.Columns(), base) })
		switch {
		case i >= 0:
			if x := m.Metrics[i]; !slices.Contains(part.Metrics, x) {
				part.Metrics = append(part.Metrics, x)
			}
			if isFloor || m.Metrics[i].Name == Parzen && m.Metrics[i].Sigma == 0 {
				part.Floor = m.Floor
			}
			fallthrough
		case column == Spread && m.Samples > 0:
			part.Samples, part.Real, part.Features = m.Samples, m.Real, m.Features
		case strings.HasPrefix(column, TestPrefix) && m.Tests != "":
			part.Tests = m.Tests
		default:
			part.Train = Short(train)
		}
	}
	return part
}

// TestPrefix begins the columns of a script's tests.
const TestPrefix = "test_"
