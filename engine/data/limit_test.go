package data

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

func TestALimitOfFilesTakesAllClasses(t *testing.T) {
	var l layout
	for _, class := range []struct {
		name string
		n    int
	}{{"a", 30}, {"b", 10}, {"c", 1}} {
		for i := range class.n {
			l = append(l, class.name+"/"+string(rune('A'+i))+".png")
		}
	}
	dir := l.in(t)[0]
	var before *Set
	for limit, want := range map[int][]int{1: {1, 0, 0}, 3: {1, 1, 1}, 8: {5, 2, 1}, 21: {15, 5, 1}, 41: {30, 10, 1}, 100: {30, 10, 1}} {
		s := open(t, store(t), spec.Data{Name: "images", Path: dir, Limit: limit})
		got := make([]int, 3)
		for _, label := range s.Labels {
			got[label]++
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("limit %d: got %v of each class, want %v", limit, got, want)
		}
		if !slices.IsSorted(s.U8) {
			t.Errorf("limit %d: got the order %v, want that of the files", limit, s.U8)
		}
	}
	for _, limit := range []int{3, 8, 20, 41} { // each holds the one before
		s := open(t, store(t), spec.Data{Name: "images", Path: dir, Limit: limit})
		if before != nil {
			for _, shade := range before.U8 {
				if !slices.Contains(s.U8, shade) {
					t.Errorf("limit %d lacks image %d of limit %d", limit, shade, before.N)
				}
			}
		}
		before = s
	}
	one := open(t, store(t), spec.Data{Name: "images", Path: dir, Limit: 5, Unlabelled: true})
	if slices.Equal(one.U8, []uint8{0, 1, 2, 3, 4}) {
		t.Errorf("without labels, a limit took the first images")
	}
}

func TestSizesAreHeldAgainstTheMemory(t *testing.T) {
	st := store(t)
	st.Memory = 10_000
	for _, c := range []struct {
		wanted spec.Data
		want   string
	}{
		{spec.Data{Name: "ring", Count: 2_000_000_000}, "2000000000 points need 32.0 GB of memory, and one set may take 10.0 kB: lower count"},
		{spec.Data{Name: "ellipses", Count: 1_000_000_000}, "1000000000 phantoms of 64 x 64 need 4.1 TB"},
		{spec.Data{Name: "mnist12k", Limit: 13},
			"13 images of 28 x 28 x 1 need 10.2 kB of memory, and one set may take 10.0 kB: set size or limit"},
		{spec.Data{Name: "mnist12k", Limit: 12, Size: 29}, "12 images of 29 x 29 x 1 need 40.4 kB"},
	} {
		_, err := st.Open(context.Background(), c.wanted)
		wantError(t, err, c.wanted.Name+": ", c.want)
	}
	for _, wanted := range []spec.Data{{Name: "ring", Count: 2_000_000_000}, {Name: "mnist", Limit: 13}, {Name: "cifar10", Size: 4096}} {
		wantError(t, st.Fits(wanted), wanted.Name+": ", "one set may take 10.0 kB")
	}
	if err := st.Fits(spec.Data{Name: "mnist", Limit: 12}); err != nil {
		t.Error(err)
	}
	_, err := st.Shape(spec.Data{Name: "ring", Count: 2_000_000_000})
	wantError(t, err, "ring: 2000000000 points need")
}
