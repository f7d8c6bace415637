package data

import (
	"os"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// labelsOf are the labels of a split by the names of their classes, read with the cache of st.
func labelsOf(t *testing.T, st *Store, dir, split string) (names []string, classes []string) {
	t.Helper()
	set := open(t, st, spec.Data{Name: "images", Path: dir, Split: split})
	for _, label := range set.Labels {
		classes = append(classes, set.ClassNames[label])
	}
	return set.ClassNames, classes
}

// A label means the same in every split, even if the training split has no folder of its own, and after a class came that only
// one split has: that split's files are other ones, those of the others are not.
func TestALabelMeansTheSameInEverySplit(t *testing.T) {
	for _, train := range []string{"train/", ""} {
		dir, st := t.TempDir(), store(t)
		write(t, dir, train+"cat/1.png", tile(t, 1, 1, 1))
		write(t, dir, train+"dog/2.png", tile(t, 1, 1, 2))
		write(t, dir, "test/dog/3.png", tile(t, 1, 1, 3))
		agree := func(want ...string) {
			t.Helper()
			for split, classes := range map[string][]string{"train": {"cat", "dog"}, "test": {"dog"}} {
				if split == "test" && slices.Contains(want, "ant") {
					classes = []string{"ant", "dog"}
				}
				names, got := labelsOf(t, st, dir, split)
				if !slices.Equal(names, want) || !slices.Equal(got, classes) {
					t.Errorf("train in %q: %s: got images of %q, classes %q, want %q of %q", train, split, got, names, classes, want)
				}
			}
		}
		agree("cat", "dog")
		write(t, dir, "test/ant/4.png", tile(t, 1, 1, 4))
		agree("ant", "cat", "dog")
		if err := os.RemoveAll(dir + "/test/ant"); err != nil {
			t.Fatal(err)
		}
		agree("cat", "dog")
	}
}
