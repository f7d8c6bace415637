package results_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// Numbers keep their bits on the way through a journal, whatever the names are; what is not a number is refused.
func TestMetricsAsJSON(t *testing.T) {
	want := results.Metrics{"fid": 0.1 + 0.2, "tiny": math.SmallestNonzeroFloat64, "huge": -math.MaxFloat64, "zero": math.Copysign(0, -1),
		"nan": math.NaN(), "up": math.Inf(1), "down": math.Inf(-1), "odd \"name\"\n\u00e9\u2028": 1e-7, "": 3}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got results.Metrics
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("got %d metrics, want %d", len(got), len(want))
	}
	for name, v := range want {
		if g := got[name]; math.Float64bits(g) != math.Float64bits(v) && !(g != g && v != v) {
			t.Errorf("%q: got %v, want %v", name, g, v)
		}
	}
	for text, say := range map[string]string{`{"a": true}`: "metric a: got string true", `{"a": null}`: "metric a: got string null",
		`{"a": "1"}`: "metric a: got string 1", `{"a": {}}`: "metric a: got string {", `{"a": [1]}`: "metric a: got string [",
		`[1]`: "metrics: got [, want an object", `{"a": 1e999}`: "metric a", `{"a": 1, "a": 2}`: "duplicate"} {
		if err := json.Unmarshal([]byte(text), &got); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: got %v, want %q", text, err, say)
		}
	}
}
