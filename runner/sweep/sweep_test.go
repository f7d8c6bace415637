package sweep_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

func TestARecordedSuggestionIsTheSame(t *testing.T) {
	want := sweep.Suggestion{Index: 17, Seed: math.MaxUint32, Point: spec.Point{
		{Name: "loss", Value: spec.StringValue("a \"b\"\n")}, {Name: "lr", Value: spec.FloatValue(0.1 + 0.2)},
		{Name: "whole", Value: spec.FloatValue(3)}, {Name: "big", Value: spec.FloatValue(math.Inf(1))},
		{Name: "n", Value: spec.IntValue(math.MaxInt64)}, {Name: "on", Value: spec.BoolValue(true)}, {Name: "none"}},
		Saw: sweep.Seen{"0123456789abcdef": {State: sweep.Completed, Epochs: 5}}}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got sweep.Suggestion
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, %v, want %+v", b, got, err, want)
	}
	for _, wrong := range []string{`{"point": [{"name": "lr", "kind": "float", "value": "x"}]}`, `{"point": [{"name": "lr", "kind": "real"}]}`,
		`{"point": [3]}`} {
		if err := json.Unmarshal([]byte(wrong), &got); err == nil {
			t.Errorf("%s: got no error", wrong)
		}
	}
}
