package number

import (
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// The tree finds what was made by the values that were read, for any values of the others.
func TestTreeFindsByWhatDecided(t *testing.T) {
	point := func(a int64, b bool, c float64) spec.Point {
		return spec.Point{{Name: "a", Value: spec.IntValue(a)}, {Name: "b", Value: spec.BoolValue(b)}, {Name: "c", Value: spec.FloatValue(c)}}
	}
	var tree Tree[string]
	if tree.Find(point(1, true, 1)) != nil {
		t.Error("an empty tree finds something")
	}
	first, second, late := "a=1, b", "a=2", "late"
	if n, stored := tree.Add([]string{"a", "b"}, point(1, true, 1), &first); n != 2 || !stored {
		t.Errorf("got %d new nodes, want 2", n)
	}
	if n, stored := tree.Add([]string{"a"}, point(2, true, 1), &second); n != 1 || !stored {
		t.Errorf("got %d new nodes, want 1", n)
	}
	if n, stored := tree.Add([]string{"a", "b"}, point(1, true, 2), &late); n != 0 || stored {
		t.Errorf("got %d new nodes, stored = %t, of what was made before", n, stored)
	}
	for _, c := range []struct {
		point spec.Point
		want  *string
	}{
		{point(1, true, 1), &first}, {point(1, true, 9), &first}, {point(1, false, 1), nil}, {point(2, false, 3), &second},
		{point(3, true, 1), nil},
	} {
		if got := tree.Find(c.point); got != c.want {
			t.Errorf("%v: got %v, want %v", c.point, got, c.want)
		}
	}
}
