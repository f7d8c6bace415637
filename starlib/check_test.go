package starlib_test

import (
	"context"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// tenThousand is the thesis's study with 316 learning rates: 10,112 points.
func tenThousand() string {
	return strings.Replace(design, "choice(1e-2, 1e-3, 1e-4, 1e-5)", "choice(*[i * 1e-6 for i in range(1, 317)])", 1)
}

// The goal: 10,000 configurations in 2 seconds on 2 cores, from the text of the script.
func BenchmarkCheckOfTenThousandConfigurations(b *testing.B) {
	source := tenThousand()
	for b.Loop() {
		s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "study.star", []byte(source))
		if err != nil {
			b.Fatal(err)
		}
		all := jobs(b, s)
		b.ReportMetric(float64(len(all)), "points")
		b.ReportMetric(float64(programs(all)), "programs")
	}
}
