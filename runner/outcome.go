package runner

import (
	"errors"
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/sweep"
)

// tally counts how trials ended, those of earlier runs included.
type tally map[results.Status]int

// end closes the study, and says or hands over how the run has ended. err is that of the training, which began unless an error came
// before the first trial.
func (t *training) end(began bool, err error) error {
	c := conclusion{Dir: t.dir, Planned: t.plan.Len()}
	if began {
		_, refreshErr := t.study.View().Refresh() // others may have recorded more
		if err == nil {
			err = refreshErr
		}
		if err != nil {
			c.Planned = t.plan.Most() // a search would have added more
		} else {
			c.Decided, err = t.decided()
		}
		left := t.paces.of(t.plan, c.Planned, t.epochsLeft)
		c.Counts, c.Remaining = t.executor.Counts(), left.summary(t.lanes())
		if left.trials > 0 {
			c.Left = left.text(t.lanes())
		}
	}
	failed := t.failures()
	if closeErr := t.executor.Close(); closeErr != nil && !errors.Is(err, results.ErrStorage) {
		err = closeErr
	}
	if err == nil {
		err = failed.of(t.plan.Len()-t.plan.Skipped, t.dir)
	} else {
		err = t.ended(err)
	}
	if !began {
		return err
	}
	return t.conclude(c, err)
}

// conclude ends a run that ends with an error, or nil. Of several processes, the supervisor says what concerns the study.
func (t *training) conclude(c conclusion, err error) error {
	if err != nil {
		c.Code = exitCode(err)
	}
	switch c.Code {
	case exitSomeFailed, exitAllFailed, exitInterrupted:
		c.Said, err = plain.Error(err), withCode(c.Code, errReported)
	}
	if t.env.Worker != nil {
		tell(t.env.Worker, message{t.executor.Phases(), &c})
		return err
	}
	if concludeErr := t.env.conclude(c, t.executor.Phases(), t.runOptions, t.start); err == nil {
		return concludeErr
	}
	return err
}

// lanes is the number of trials that the command trains at the same time.
func (t *training) lanes() int { return t.workers * max(1, t.env.role.Of) }

// ended returns the error of the command for that of a training which did not come to its end.
func (t *training) ended(err error) error {
	switch {
	case errors.Is(err, results.ErrStorage):
		return err
	case t.ctx.Err() != nil:
		return leaves("interrupted")
	case errors.Is(err, execute.ErrAsked):
		return leaves("asked to stop")
	case errors.Is(err, execute.ErrStopped):
		return leaves(fmt.Sprintf("the budget of %v is used up", t.budget))
	case errors.Is(err, execute.ErrDeviceLost):
		t.env.Worker.Replace()
		return withCode(exitNoDevice, fmt.Errorf("%w; its trials are left to other processes, or to the same command", err))
	}
	return err
}

// leaves is the error of a run that leaves although work remains.
func leaves(why string) error {
	return withCode(exitInterrupted, errors.New(why+"; run the same command again to continue"))
}

// epochsLeft is the number of epochs that the trial in place i of the plan still has to train.
func (t *training) epochsLeft(i int) int {
	state, begun := t.study.View().State(t.plan.ID(i))
	switch {
	case !begun:
		return t.plan.Epochs(i)
	case state.Status != results.Interrupted:
		return 0
	}
	return max(1, t.plan.Epochs(i)-state.Epochs) // its last epoch may be all that is recorded
}

// failures counts trials that failed, by what runs them again.
type failures struct {
	again int // the same command
	retry int // command retry alone: they do not fit in memory
}

func (t *training) failures() (f failures) {
	for i := range t.plan.Len() {
		state, _ := t.study.View().State(t.plan.ID(i))
		switch {
		case state.Status != results.Failed:
		case sweep.State(state.Status).RunsAgain(string(state.Failure)):
			f.again++
		default:
			f.retry++
		}
	}
	return f
}

// of returns the error of a run of this number of trials, of which these failed.
func (f failures) of(trials int, dir string) error {
	failed := f.again + f.retry
	if failed == 0 {
		return nil
	}
	code, text := exitSomeFailed, fmt.Sprintf("%d of %s failed", failed, plain.Count(trials, "trial"))
	switch {
	case failed == trials && trials == 1:
		code, text = exitAllFailed, "the only trial failed"
	case failed == trials:
		code, text = exitAllFailed, fmt.Sprintf("all %d trials failed", failed)
	}
	text += ": see the column reason of the trials table; "
	retry := fmt.Sprintf("starsweep retry %s --failure memory", dir)
	switch {
	case f.retry == 0:
		text += "the same command runs them again"
	case f.again == 0:
		text += fmt.Sprintf("they need too much memory, and only %s runs them again", retry)
	default:
		text += fmt.Sprintf("the same command runs %d of them again, and %s the %d that need too much memory", f.again, retry, f.retry)
	}
	return withCode(code, errors.New(text))
}

// printOutcomes prints the number of trials with each outcome.
func (e *Env) printOutcomes(count tally, total int, seconds float64) {
	var parts []string
	sum := 0
	statuses := []results.Status{results.Completed, results.Pruned, results.Collapsed, results.Diverged, results.Failed, results.Skipped}
	for _, status := range statuses {
		if n := count[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
			sum += n
		}
	}
	if sum < total {
		parts = append(parts, fmt.Sprintf("%d remaining", total-sum))
	}
	fmt.Fprintf(e.Stdout, "%s of %s, %.0f s\n", strings.Join(parts, ", "), plain.Count(total, "trial"), seconds)
}
