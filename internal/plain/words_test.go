package plain_test

import (
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/plain"
)

func TestCountsAndListsInWords(t *testing.T) {
	for n, want := range map[int]string{0: "0 trials", 1: "1 trial", 2: "2 trials"} {
		if got := plain.Count(n, "trial"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for text, want := range map[string]string{"": "", "a": "a", "a b": "a and b", "a b c": "a, b and c"} {
		if got := plain.List(strings.Fields(text)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
