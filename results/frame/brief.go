package frame

import (
	"slices"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
)

// Brief is the text of a measure as captions have it, such as
//
//	small-mnist, 2,000 samples against the test split
//
// without the digests by which measures are compared. The metric itself is left out if it is one of those named and has no arguments:
// the caption has it already. A measure of digests only, as that of losses, is empty.
func Brief(measure string, metrics ...string) string {
	var parts []string
	samples, real, features, final := "", "", "", ""
	for _, word := range words(measure) {
		if inner, isFinal := strings.CutPrefix(word, "final("); isFinal {
			var own []string
			for _, name := range metrics {
				own = append(own, spec.Course(name))
			}
			final = Brief(strings.TrimSuffix(inner, ")"), own...)
			continue
		}
		name, value, assigned := strings.Cut(word, "=")
		call := strings.Contains(name, "(")
		value, _, _ = strings.Cut(value, ":") // its digest
		switch {
		case call || !assigned:
			if word = strings.TrimSuffix(word, "()"); !slices.Contains(metrics, word) {
				parts = append(parts, word)
			}
		case name == "samples":
			samples = thousands(value) + " samples"
		case name == "real":
			real = "the " + value + " split"
		case name == "features":
			features = value
		case name == "floor":
			parts = append(parts, "floors of the "+value+" split")
		}
	}
	parts = append(parts, features, joined(samples, real))
	text := strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
	switch {
	case final == "":
		return text
	case text == "":
		return final + ", after the last epoch"
	}
	return text + ", and after the last epoch " + final
}

// Part is metric.Deciding of a measure that is recorded as text, for a column of a metric: what else was measured at the same time is
// left out.
func Part(measure, column string) string {
	base, isFloor := strings.CutSuffix(column, metric.Floor)
	others := isFloor // whether the images that floors are drawn from count
	var parts []string
	for _, word := range words(measure) {
		name, arguments, call := strings.Cut(word, "(")
		row, known := metric.Lookup(name)
		switch {
		case metric.OfPixels(column) && strings.HasPrefix(word, "features="):
			continue // it is of pixels
		case !call || !known:
		case !slices.ContainsFunc(row.Columns, func(c metric.Column) bool { return c.Name == base }):
			continue
		default:
			others = others || slices.ContainsFunc(row.Params, func(p metric.Param) bool { return !strings.Contains(arguments, p.Name+"=") })
		}
		parts = append(parts, word)
	}
	if !others {
		parts = slices.DeleteFunc(parts, func(word string) bool { return strings.HasPrefix(word, "floor=") })
	}
	return strings.Join(parts, " ")
}

func joined(samples, real string) string {
	if samples == "" || real == "" {
		return samples + real
	}
	return samples + " against " + real
}

// words divides a measure at the spaces that are not within parentheses.
func words(measure string) []string {
	depth := 0
	return strings.FieldsFunc(measure, func(r rune) bool {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		return r == ' ' && depth <= 0
	})
}

// thousands writes a whole number with commas: 2,000.
func thousands(digits string) string {
	if _, err := strconv.Atoi(digits); err != nil {
		return digits
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
