package runner

import "testing"

func TestAStudyWithFailedTrialsHasAnExitCodeOfItsOwn(t *testing.T) {
	const see = ": see the column reason of the trials table; "
	for _, c := range []struct {
		failures
		trials, code int
		text         string
	}{
		{failures{}, 2, exitDone, ""},
		{failures{}, 0, exitDone, ""},
		{failures{again: 1}, 2, exitSomeFailed, "1 of 2 trials failed" + see + "the same command runs them again"},
		{failures{again: 2}, 2, exitAllFailed, "all 2 trials failed" + see + "the same command runs them again"},
		{failures{retry: 1}, 2, exitSomeFailed, "1 of 2 trials failed" + see +
			"they need too much memory, and only starsweep retry out --failure memory runs them again"},
		{failures{again: 1, retry: 2}, 3, exitAllFailed, "all 3 trials failed" + see +
			"the same command runs 1 of them again, and starsweep retry out --failure memory the 2 that need too much memory"},
	} {
		code, text := exitDone, ""
		if err := c.of(c.trials, "out"); err != nil {
			code, text = exitCode(err), err.Error()
		}
		if code != c.code || text != c.text {
			t.Errorf("%+v: got code %d, %q, want %d, %q", c.failures, code, text, c.code, c.text)
		}
	}
}
