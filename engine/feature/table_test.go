package feature

import (
	"errors"
	"io/fs"
	"testing"
)

// An extractor rejects the images that its declaration excludes, and no others; its features and logits are those declared.
func TestExtractorsAreWhatTheyDeclare(t *testing.T) {
	for _, r := range table {
		e, _, err := open(r.Name, Store{})
		if errors.Is(err, fs.ErrNotExist) {
			continue // its weights are not in the binary
		} else if err != nil {
			t.Fatal(err)
		}
		for _, channels := range []int{1, 3} {
			d, err := e.Dim(32, 32, channels)
			if (err == nil) != r.Takes(channels) {
				t.Errorf("%s of %d channels: got %v, and it is declared to take them: %t", r.Name, channels, err, r.Takes(channels))
			}
			if want := Width(r.Name, 32*32*channels); err == nil && d != want {
				t.Errorf("%s: got %d features, want %d", r.Name, d, want)
			}
		}
		if (e.Logits > 0) != r.Logits {
			t.Errorf("%s: got %d logits, and it is declared to have some: %t", r.Name, e.Logits, r.Logits)
		}
	}
}
