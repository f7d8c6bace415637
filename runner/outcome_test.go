package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/supervise"
)

// Exit code 75 means that work is left. A full disk is not hidden by an interrupt, and a lost device is left for another process.
func TestTheExitCodeSaysWhyATrainingDidNotComeToItsEnd(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	storage := fmt.Errorf("disk: %w", results.ErrStorage)
	const again = "; run the same command again to continue"
	for _, c := range []struct {
		ctx     context.Context
		err     error
		code    int
		said    string // for people, about the study
		reports string // to the supervisor
	}{
		{t.Context(), storage, exitStorage, "", "o"},
		{interrupted, storage, exitStorage, "", "o"},
		{interrupted, context.Canceled, exitInterrupted, "interrupted" + again, "o"},
		{interrupted, execute.ErrStopped, exitInterrupted, "interrupted" + again, "o"},
		{t.Context(), execute.ErrAsked, exitInterrupted, "asked to stop" + again, "o"},
		{t.Context(), execute.ErrStopped, exitInterrupted, "the budget of 3h0m0s is used up" + again, "o"},
		{t.Context(), fmt.Errorf("step 3: %w", execute.ErrDeviceLost), exitNoDevice, "", "r"},
		{t.Context(), errors.New("other"), exitInternal, "", "o"},
	} {
		var reports bytes.Buffer
		w := &supervise.Worker{Reports: &reports}
		x := &training{runOptions: runOptions{budget: 3 * time.Hour}, ctx: c.ctx, env: &Env{Worker: w}}
		err, said := x.ended(c.err), ""
		code := exitCode(err)
		if code == exitInterrupted {
			said = err.Error()
		}
		w.End()
		if code != c.code || said != c.said || reports.String() != c.reports {
			t.Errorf("%v: got code %d, %q, report %q, want %d, %q, %q", c.err, code, said, &reports, c.code, c.said, c.reports)
		}
	}
}
