package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// sayWhoElseTrains prints which processes train the study already. The workers of one command do not count each other.
func (t *training) sayWhoElseTrains() error {
	others, err := t.study.Others()
	if err != nil || len(others) == 0 || t.env.role.Of > 1 {
		return err
	}
	what := "1 other process trains"
	if len(others) > 1 {
		what = fmt.Sprintf("%d other processes train", len(others))
	}
	var names []string
	for _, p := range others {
		names = append(names, p.String())
	}
	fmt.Fprintf(t.env.Stdout, "joined: %s this study (%s)\n", what, strings.Join(names, ", "))
	return nil
}

// heldNow counts the trials that processes hold which have the study open, by process.
func heldNow(v *results.View) map[string]int {
	claims, _ := v.Claims() // without which nobody is named
	held := map[string]int{}
	for id, c := range claims {
		if s, begun := v.State(id); c.Live && begun && s.InPlan {
			held[c.Process]++
		}
	}
	return held
}

// held counts the trials that other processes hold, by process, as far as the disk says.
func (t *training) held() map[string]int {
	claims, _ := t.study.Claims() // an error of the disk has ended the training, or ends the closing of the study
	held := map[string]int{}
	for i := range t.plan.Len() {
		if c := claims[t.plan.ID(i)]; c.Live && !c.Mine {
			held[c.Process]++
		}
	}
	return held
}

// waitsAfter is the number of seconds for which this process has trained nothing when it says so.
const waitsAfter = 3

// sayWhenItWaits prints once for which processes this one waits if they have all trials that are left, until ctx is done.
func (t *training) sayWhenItWaits(ctx context.Context) {
	var held map[string]int
	for idle := 0; len(held) == 0; idle++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		if len(t.executor.Steps()) > 0 {
			idle = 0
		} else if idle >= waitsAfter {
			held = t.held()
		}
	}
	for _, process := range slices.Sorted(maps.Keys(held)) {
		fmt.Fprintf(t.env.Stderr, "starsweep: waiting for %s in %s, to take over what it may leave\n",
			plain.Count(held[process], "trial"), process)
	}
}
