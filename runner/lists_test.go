package runner

import (
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/pareto"
)

// A name of any length is followed by two spaces, and all descriptions begin in one column.
func TestDescriptionsOfMetricsAreAligned(t *testing.T) {
	long := metric.Definition{Name: "a_metric_with_quite_a_long_name", Doc: "its description",
		Columns: []metric.Column{{Name: "x", Better: pareto.Min}}}
	for _, all := range [][]metric.Definition{metric.All, append([]metric.Definition{long}, metric.All...)} {
		lines, width := strings.Split(strings.TrimPrefix(listMetrics(all), "\n"), "\n"), widest(metric.Names(all))
		for i, m := range all {
			if got, want := strings.Index(lines[i], "  "+m.Doc), 2+width; got != want {
				t.Errorf("got the description of %s after %d characters, want %d: %s", m.Name, got, want, lines[i])
			}
		}
	}
}
