package standing

import "testing"

func TestTheTimeLeftFollowsFromTheEpochsLeft(t *testing.T) {
	for _, c := range []struct {
		paces  map[string]Pace
		counts map[string]int
		want   float64 // -1: none
	}{
		// a3 has 6 epochs of 2 s left, a4 10 and a5 1 of the mean 4 s; the two that wait have 10 of 4 s each; two train at a time.
		{map[string]Pace{"a3": {4, 8}, "a0": {4, 24}}, nil, (6*2 + 10*4 + 1*4 + 2*10*4) / 2},
		// Each epoch takes 2 s, and the last trial to end is a4.
		{map[string]Pace{"a3": {4, 8}}, map[string]int{"running": 8}, 10 * 2},
		{map[string]Pace{}, nil, -1},
		{map[string]Pace{"a3": {4, 8}}, map[string]int{"interrupted": 3}, -1},
	} {
		s := &Standing{Counts: map[string]int{"running": 2, "waiting": 2}, Trials: []Trial{
			{ID: "a0", Standing: "completed", Epochs: 10, Budget: 10, Newest: true},
			{ID: "a1", Standing: "failed", Budget: 10, Newest: true},
			{ID: "a3", Standing: "running", Epochs: 4, Budget: 10, Newest: true},
			{ID: "a4", Standing: "running", Budget: 10, Newest: true},
			{ID: "a5", Standing: "interrupted", Epochs: 9, Budget: 10, Newest: true},
			{ID: "b0", Standing: "interrupted", Epochs: 9, Budget: 100},
		}}
		if c.counts != nil {
			s.Counts = c.counts
		}
		s.estimate(c.paces)
		switch {
		case s.SecondsLeft == nil && c.want >= 0:
			t.Errorf("%v: got none, want %v", c.paces, c.want)
		case s.SecondsLeft != nil && *s.SecondsLeft != c.want:
			t.Errorf("%v: got %v, want %v", c.paces, *s.SecondsLeft, c.want)
		}
	}
}

func TestTimesAreRounded(t *testing.T) {
	for seconds, want := range map[float64]string{0.4: "0s", 59: "59s", 61: "1m01s", 3660: "1h01m", 300000: "3 days"} {
		if got := Rounded(seconds); got != want {
			t.Errorf("%v seconds: got %s, want %s", seconds, got, want)
		}
	}
}
