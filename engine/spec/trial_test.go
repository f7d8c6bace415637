package spec_test

import (
	"testing"

	. "github.com/starsweep/starsweep/engine/spec"
)

// A change of these digests makes all trials of all studies new.
func TestTheIDsOfTrialsAreStable(t *testing.T) {
	if got, want := ContentID("a configuration"), "b1c6c7cfba0871d1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := TrialID("0123456789abcdef", 7), "e739c795504789bc"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if TrialID("0123456789abcdef", 7) == TrialID("0123456789abcdef", 8) || TrialID("0123456789abcdee", 7) == TrialID("0123456789abcdef", 7) {
		t.Error("got one ID for two trials")
	}
}
