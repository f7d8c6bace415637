package runner

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/sweep"
)

// tally counts how trials ended, those of earlier runs included.
type tally map[results.Status]int

// end closes the study, prints what has become of its trials and returns the error of the command. err is that of the training, which
// began unless an error came before the first trial.
func (t *training) end(began bool, err error) error {
	count, failed, left := tally(t.executor.Counts()), t.failures(), remaining{}
	var held map[string]int
	if began {
		left = t.paces.of(t.plan, t.epochsLeft)
		held = t.held()
	}
	if closeErr := t.executor.Close(); closeErr != nil && !errors.Is(err, results.ErrStorage) {
		err = closeErr
	}
	if began {
		if summaryErr := t.summarize(count, left, held); err == nil {
			err = summaryErr
		}
	}
	if err == nil {
		return failed.of(t.plan.Len()-t.plan.Skipped, t.dir)
	}
	return t.ended(err)
}

// summarize writes the report and prints the summary of the run. Of several processes, the first one prints it.
func (t *training) summarize(count tally, left remaining, held map[string]int) error {
	env := t.env.aloud()
	s := runSummary{eventHead: t.events().head("summary"), Planned: t.plan.Len(), Counts: map[string]int{},
		Seconds: env.Now().Sub(t.start).Seconds(), Phases: t.executor.Phases(), Remaining: left.summary(t.lanes())}
	s.PerSecond = rate(s.Phases.Images, s.Phases.Train)
	for status, n := range count {
		s.Counts[string(status)], s.Finished = n, s.Finished+n
	}
	if !t.inJSON {
		env.printOutcomes(count, s.Planned, s.Seconds)
		if left.trials > 0 {
			fmt.Fprintf(env.Stdout, "remaining %s\n", left.text(t.lanes()))
			for _, process := range slices.Sorted(maps.Keys(held)) {
				fmt.Fprintf(env.Stdout, "%d of them in %s\n", held[process], process)
			}
		}
	}
	v, err := t.env.openView(t.dir)
	if err != nil {
		return err
	}
	defer v.Close()
	s.Report = filepath.Join(v.Dir(), "report.html")
	err = report.File(s.Report, v, report.Options{})
	if err := errors.Join(err, s.summarize(v)); err != nil {
		return err
	}
	switch {
	case !t.inJSON:
		s.print(env.Stdout, max(1, env.role.Of))
	case env.role.Index <= 1:
		return t.events().write(s)
	}
	return nil
}

// lanes is the number of trials that the command trains at the same time.
func (t *training) lanes() int { return t.workers * max(1, t.env.role.Of) }

// ended returns the error of the command for that of a training which did not come to its end.
func (t *training) ended(err error) error {
	switch {
	case errors.Is(err, results.ErrStorage):
		return err
	case t.ctx.Err() != nil:
		return t.leaves("interrupted")
	case errors.Is(err, execute.ErrAsked):
		return t.leaves("asked to stop")
	case errors.Is(err, execute.ErrStopped):
		return t.leaves(fmt.Sprintf("the budget of %v is used up", t.budget))
	case errors.Is(err, execute.ErrDeviceLost):
		t.env.Worker.Replace()
		return withCode(exitNoDevice, fmt.Errorf("%w; its trials are left to other processes, or to the same command", err))
	}
	return err
}

// leaves says why a run leaves although work remains, and returns the error of its exit code.
func (t *training) leaves(why string) error {
	fmt.Fprintf(t.env.aloud().Stderr, "starsweep: %s; run the same command again to continue\n", why)
	return withCode(exitInterrupted, errReported)
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
	code, text := exitSomeFailed, fmt.Sprintf("%d of %s failed", failed, counted(trials, "trial"))
	if failed == trials {
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
	fmt.Fprintf(e.Stdout, "%s of %d trials, %.0f s\n", strings.Join(parts, ", "), total, seconds)
}
