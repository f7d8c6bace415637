package results_test

import (
	"bytes"
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestTheSheetsOfATrialAreReadOneByOne(t *testing.T) {
	s := create(t, t.TempDir())
	train(t, s, "a1", 0, 2)
	first, second := picture(t, 3), picture(t, 5)
	check(t, s.AppendSample(results.Sample{Trial: "a1", Epoch: 2, Kind: "grid", PNG: second},
		results.Sample{Trial: "a1", Epoch: 1, Kind: "grid", PNG: first}, results.Sample{Trial: "a1", Epoch: 1, Kind: "far", PNG: first}))
	got := s.Sheets("a1")
	if len(got) != 3 || got[0].Kind != "far" || got[1].Epoch != 1 || got[2].Epoch != 2 {
		t.Fatalf("got %+v, want three, by epoch and kind", got)
	}
	if got[0].Sum != got[1].Sum || got[1].Sum == got[2].Sum {
		t.Errorf("got %+v, want equal sums for equal pictures", got)
	}
	if png, found, err := s.Sheet("a1", 2, "grid"); err != nil || !found || !bytes.Equal(png, second) {
		t.Errorf("got %d bytes, %t, %v, want the picture of epoch 2", len(png), found, err)
	}
	if _, found, err := s.Sheet("a1", 3, "grid"); found || err != nil {
		t.Errorf("got %t, %v for a sheet that was not drawn", found, err)
	}
	if s.Sheets("b2") != nil {
		t.Error("a trial that was never begun has sheets")
	}
}

// Each time that a trial begins is known, and that it first began as well.
func TestTheStateSaysSinceWhenATrialIsTrained(t *testing.T) {
	s := create(t, t.TempDir())
	a := trial("a1", 0)
	check(t, s.BeginTrial(a))
	later := a
	later.Started = start.Add(3600e9)
	c, err := s.claim("a1")
	check(t, err)
	check(t, c.Release())
	check(t, s.BeginTrial(later))
	got, _ := s.State("a1")
	if !got.Started.Equal(start.Truncate(1e6)) || !got.Since.Equal(later.Started.Truncate(1e6)) {
		t.Errorf("got %v and %v, want %v and %v", got.Started, got.Since, start, later.Started)
	}
}
