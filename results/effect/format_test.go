package effect_test

import (
	"math"
	"testing"

	"github.com/starsweep/starsweep/results/effect"
)

// A number has the digits that its interval leaves, and never loses all of them.
func TestNumbersHaveTheDigitsOfTheirIntervals(t *testing.T) {
	for want, e := range map[string]effect.Estimate{
		"90 (-250 to 430)":         {Value: 91.3, Low: -251, High: 428},
		"1.25 (0.69 to 1.80)":      {Value: 1.2467, Low: 0.6931, High: 1.8},
		"0.103 (0.000442 to 24.1)": {Value: 0.10321, Low: 0.00044213, High: 24.08}, // a ratio: not 0 (0 to 24)
		"1.234":                    {Value: 1.23412, Low: math.NaN(), High: math.NaN()},
		"-":                        {Value: math.NaN()},
	} {
		if got := e.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
