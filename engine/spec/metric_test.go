package spec

import (
	"encoding/json"
	"testing"
)

// The texts and files of studies that exist must keep their meaning.
func TestMetricsAreWrittenAsInScriptsAndAsFlatObjects(t *testing.T) {
	for _, c := range []struct {
		metric     Metric
		text, file string
	}{
		{Metric{Name: "fid"}, "fid()", `{"name":"fid"}`},
		{Metric{Name: "precision_recall", Args: []Arg{{"k", 3}}}, "precision_recall(k=3)", `{"name":"precision_recall","k":3}`},
		{Metric{Name: "kid", Args: []Arg{{"subsets", 100}, {"size", 2_000_000}}}, "kid(subsets=100, size=2000000)",
			`{"name":"kid","subsets":100,"size":2000000}`},
		{Metric{Name: "parzen", Args: []Arg{{"sigma", 0.125}}}, "parzen(sigma=0.125)", `{"name":"parzen","sigma":0.125}`},
	} {
		if got := c.metric.String(); got != c.text {
			t.Errorf("got %s, want %s", got, c.text)
		}
		file, err := json.Marshal(c.metric)
		if err != nil || string(file) != c.file {
			t.Errorf("%v: got %s and %v, want %s", c.metric, file, err, c.file)
		}
		var back Metric
		if err := json.Unmarshal([]byte(c.file), &back); err != nil || !back.Equal(c.metric) {
			t.Errorf("%s: got %v and %v, want %v", c.file, back, err, c.metric)
		}
	}
	for _, damaged := range []string{`7`, `["fid"]`, `{"name":3}`, `{"name":"kid","size":"many"}`} {
		if err := json.Unmarshal([]byte(damaged), new(Metric)); err == nil {
			t.Errorf("%s: got no error", damaged)
		}
	}
}

func TestSettingAnArgumentLeavesTheOriginalAlone(t *testing.T) {
	m := Metric{Name: "kid", Args: []Arg{{"subsets", 100}}}
	other := m.With("subsets", 5).With("size", 50)
	if m.String() != "kid(subsets=100)" || other.String() != "kid(subsets=5, size=50)" {
		t.Errorf("got %v and %v", m, other)
	}
	if got := m.Arg("size"); got != 0 {
		t.Errorf("got size %v, want 0 for an argument that is not set", got)
	}
}
