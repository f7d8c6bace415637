package runner

import (
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestAStudyWithFailedTrialsHasAnExitCodeOfItsOwn(t *testing.T) {
	for _, c := range []struct{ completed, failed, want int }{{2, 0, exitDone}, {1, 1, exitSomeFailed}, {0, 2, exitAllFailed},
		{0, 0, exitDone}} {
		err := trialFailures(tally{results.Completed: c.completed, results.Failed: c.failed}, c.completed+c.failed)
		got := exitDone
		if err != nil {
			got = exitCode(err)
		}
		if got != c.want {
			t.Errorf("%d completed, %d failed: got exit code %d, want %d", c.completed, c.failed, got, c.want)
		}
	}
}
