package execute

import (
	"slices"
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestAStudyIsTrainedOnce(t *testing.T) {
	w := newWorld(t, rings)
	d := &diary{}
	w.mustRun(2, d)
	for _, s := range w.states() {
		if s.Status != results.Completed || s.Epochs != 5 {
			t.Errorf("got %+v, want 5 epochs", s)
		}
	}
	if d.count("begins") != 2 || d.count("epoch 5") != 2 || d.count("completed") != 2 {
		t.Errorf("got the events %v", d.all())
	}
	again := &diary{}
	w.mustRun(2, again)
	if events := again.all(); len(events) > 0 {
		t.Errorf("got the events %v of a finished study", events)
	}
}

// Both ways of evaluating epochs produce the same rows in the same order.
func TestAnEpochIsEvaluatedBetweenOthersOrBesideTheNext(t *testing.T) {
	rows := map[bool]string{}
	for _, overlaps := range []bool{false, true} {
		w := newWorld(t, rings)
		x := w.executor()
		x.overlaps = overlaps
		d := &diary{}
		if err := w.run(x, 1, d); err != nil {
			t.Fatal(err)
		}
		rows[overlaps] = w.rows()
		id := w.states()[0].ID
		i := slices.Index(d.all(), id+" epoch 1")
		for epoch := range 5 {
			if got, want := d.all()[i+epoch], id+" epoch "+string(rune('1'+epoch)); got != want {
				t.Errorf("overlaps %t: got %q, want %q", overlaps, got, want)
			}
		}
	}
	if rows[false] != rows[true] {
		t.Errorf("got\n%s\nbeside the next epoch, and otherwise\n%s", rows[true], rows[false])
	}
}
