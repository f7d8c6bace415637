package runner

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/standing"
)

// sayHowItLeaves prints what becomes of the epochs in progress when the run is asked to leave, by an interrupt or by a request in the
// directory, unless it is over before. A run that leaves at once prints nothing.
func (t *training) sayHowItLeaves(over context.Context) {
	how := ""
	select {
	case <-over.Done():
		return
	case <-t.ctx.Done():
		how = leaving(t.executor.Steps(), t.grace) + "; interrupt again to leave at once"
	case <-t.executor.Asked():
		how = "asked to stop: " + leaving(t.executor.Steps(), t.grace) + "; interrupt to leave at once"
	}
	if t.env.atOnce(t.ctx).Err() == nil {
		fmt.Fprintf(t.env.Stderr, "starsweep: %s\n", how)
	}
}

// leaving says what becomes of epochs in progress.
func leaving(steps []execute.Step, grace time.Duration) string {
	var finishing []string
	var takes time.Duration
	for _, s := range steps {
		if s.Left <= grace {
			finishing = append(finishing, fmt.Sprintf("epoch %d of trial %d", s.Epoch, s.Trial.Place))
			takes = max(takes, s.Left)
		}
	}
	var parts []string
	const most = 3
	switch n := len(finishing); {
	case n > most:
		parts = append(parts, fmt.Sprintf("finishing the epochs of %s, about %s", plain.Count(n, "trial"), standing.Rounded(takes.Seconds())))
	case n > 0:
		parts = append(parts, fmt.Sprintf("finishing %s, about %s", strings.Join(finishing, ", "), standing.Rounded(takes.Seconds())))
	}
	if n := len(steps) - len(finishing); n > 0 {
		parts = append(parts, fmt.Sprintf("leaving %s after the last finished epoch, since the next may take more than %v (--grace)",
			plain.Count(n, "trial"), grace))
	}
	if len(parts) == 0 {
		return "no epoch is in progress"
	}
	return strings.Join(parts, "; ")
}
