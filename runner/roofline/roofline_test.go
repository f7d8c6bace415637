package roofline

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/cpu"
)

// Two steps of one second each: products by shape, other operations by kind, and the time between operations.
func TestASumOfTimingsIsAStep(t *testing.T) {
	r := New([]cpu.Timing{
		{What: "loop [4]", Calls: 2, Time: 200 * time.Millisecond, Bytes: 2e9},
		{What: "loop [8]", Calls: 4, Time: 200 * time.Millisecond, Bytes: 2e9},
		{What: "product [2 3]", Calls: 2, Time: 500 * time.Millisecond, Flop: 10e9, Bytes: 1e9},
		{What: "product [2 9]", Calls: 2, Time: time.Second, Flop: 30e9, Bytes: 1e9},
		{What: "copy [1]", Calls: 2, Time: time.Millisecond},
	}, cpu.Peak{Flop: 40e9, Bytes: 20e9}, 2, 2)
	var names []string
	share := 0.0
	for _, o := range r.Operations {
		names = append(names, o.What)
		share += o.Share
	}
	if got, want := strings.Join(names, ", "), "product [2 9], product [2 3], loop, copy, between the operations"; got != want {
		t.Errorf("got the operations %s, want %s", got, want)
	}
	if math.Abs(share-1) > 1e-12 {
		t.Errorf("got shares that add up to %g, want 1", share)
	}
	loop := r.Operations[2]
	if loop.Calls != 3 || loop.Seconds != .2 || loop.GBytes != 10 || loop.OfMemory != .5 {
		t.Errorf("got %+v, want 3 calls and 0.2 s a step, and half the rate of memory", loop)
	}
	if all := r.products(); math.Abs(all.GFlops-40/1.5) > 1e-9 || math.Abs(all.OfPeak-1/1.5) > 1e-12 || all.Calls != 2 {
		t.Errorf("got %+v for all products, want two thirds of the peak", all)
	}
	var b strings.Builder
	if err := r.Write(&b, "a step"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n### a step\n", "| product [2 9] | 1 | 500.00 | 50.0 % | 30.0 | 75 % | 1.0 | 5 % |",
		"| others | 1 | 0.50 | 0.1 % |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got no %q in\n%s", want, &b)
		}
	}
	if strings.Contains(b.String(), "| copy") {
		t.Errorf("an operation of a twentieth of a percent has a row of its own:\n%s", &b)
	}
}
