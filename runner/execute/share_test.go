package execute

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Executors over one directory divide the trials among themselves, and all of them wait for the last one.
func TestTwoExecutorsShareAStudy(t *testing.T) {
	alone := newWorld(t, strings.Replace(rings, "choice(1e-3, 1e-2)", "choice(1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)", 1))
	alone.mustRun(1)
	w := newWorld(t, alone.script)
	d := &diary{}
	var group sync.WaitGroup
	for range 2 {
		x := w.executor()
		group.Go(func() {
			if err := w.run(x, 2, d); err != nil {
				t.Error(err)
			}
			for _, s := range w.states() {
				if s.Status != results.Completed {
					t.Errorf("an executor has left, and trial %s is %s", s.ID, s.Status)
				}
			}
		})
	}
	group.Wait()
	if d.count("begins") != 6 || d.count("epoch 1") != 6 || d.count("epoch 5") != 6 {
		t.Errorf("want every epoch of 6 trials once, got %v", d.all())
	}
	if got, want := w.rows(), alone.rows(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// other is a process that writes the study of a world, apart from its executors.
func (w *world) other() *results.Writer {
	w.Helper()
	o, err := results.Continue(w.dir, results.Options{Now: time.Now, HeartbeatEvery: beat, StaleAfter: 10 * beat})
	if err != nil {
		w.Fatal(err)
	}
	return o
}

// steal makes a process the holder of a trial that another one trains, as if it had taken that one for dead.
func (w *world) steal(by *results.Writer, trial string) {
	claims := filepath.Join(w.dir, "claims")
	files, err := filepath.Glob(filepath.Join(claims, trial+".*"))
	if err != nil || len(files) != 1 {
		w.Fatalf("got the claims %v, %v, want one", files, err)
	}
	var generation int
	if _, err := fmt.Sscanf(filepath.Ext(files[0]), ".%d", &generation); err != nil {
		w.Fatal(err)
	}
	const unplanned = "fedcba9876543210"
	c, err := by.Claim(unplanned)
	if err != nil {
		w.Fatal(err)
	}
	err = os.Link(filepath.Join(claims, unplanned+".000001"), filepath.Join(claims, fmt.Sprintf("%s.%06d", trial, generation+1)))
	if err := errors.Join(err, c.Release()); err != nil {
		w.Fatal(err)
	}
}

// A process that was taken for dead records nothing more of the trial. It leaves the trial to the other one, and takes it over if that
// dies.
func TestALostClaimEndsASessionWithoutARow(t *testing.T) {
	w := newWorld(t, strings.Replace(rings, "choice(1e-3, 1e-2)", "choice(1e-3)", 1))
	w.mustRun(1)
	want := w.rows()

	w = newWorld(t, w.script)
	x := w.executor()
	x.overlaps = false
	thief := w.other()
	stolen := make(chan string, 1)
	d := &diary{}
	d.epoch = func(p plan.Trial, row results.Epoch) {
		if row.Epoch == 2 && len(stolen) == 0 {
			w.steal(thief, p.ID)
			stolen <- p.ID
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- w.run(x, 1, d) }()
	id := <-stolen
	time.Sleep(300 * time.Millisecond)
	if s, _ := w.view().State(id); s.Epochs != 2 || s.Status != results.Interrupted {
		t.Errorf("got %+v of a trial that was taken over, want no epoch after the second", s)
	}
	if d.count("begins") != 1 || d.count(string(results.Interrupted)) != 1 {
		t.Errorf("got the events %v, want one begin", d.all())
	}
	stolen <- id
	if err := thief.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := w.rows(); got != want || d.count("begins") != 2 {
		t.Errorf("got\n%s\nafter %v, want\n%s", got, d.all(), want)
	}
}

// die begins a trial in a process that dies before it finishes an epoch.
func (w *world) die(p plan.Trial) {
	w.Helper()
	trial, err := json.Marshal(Record(p, time.Now()))
	if err != nil {
		w.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), mortal+w.dir, mortalTrial+string(trial))
	if out, err := c.CombinedOutput(); err != nil {
		w.Fatalf("%v: %s", err, out)
	}
}

// The variables that tell a process of this test to begin a trial and die.
const mortal, mortalTrial = "STARSWEEP_TEST_DIR=", "STARSWEEP_TEST_TRIAL="

func TestMain(m *testing.M) {
	dir := os.Getenv(strings.TrimSuffix(mortal, "="))
	if dir == "" {
		os.Exit(m.Run())
	}
	var trial results.Trial
	err := json.Unmarshal([]byte(os.Getenv(strings.TrimSuffix(mortalTrial, "="))), &trial)
	var w *results.Writer
	if err == nil {
		w, err = results.Continue(dir, results.Options{Now: time.Now})
	}
	var c *results.Claim
	if err == nil {
		c, err = w.Claim(trial.ID)
	}
	if err == nil {
		err = c.Begin(trial, nil)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0) // without a word to the others
}

// A trial that was begun three times without an epoch is trained after all others, and one that was begun six times fails.
func TestATrialWhoseWorkersDieGoesToTheEndAndFailsAtLast(t *testing.T) {
	w := newWorld(t, rings)
	x := w.executor()
	if err := x.Prepare(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	first := x.Plan.At(0)
	for range sweep.LateAfter {
		w.die(first)
	}
	d := &diary{}
	if err := w.run(x, 1, d); err != nil {
		t.Fatal(err)
	}
	if events := d.all(); !strings.HasPrefix(events[0], x.Plan.ID(1)) || d.count("completed") != 2 {
		t.Errorf("got the events %v, want trial %s last", events, first.ID)
	}

	for _, starves := range []bool{false, true} {
		w = newWorld(t, rings)
		w.config = func(c *Config) { c.Starved = starves }
		x = w.executor()
		if err := x.Prepare(t.Context(), func() {}); err != nil {
			t.Fatal(err)
		}
		for range sweep.GiveUpAfter {
			w.die(first)
		}
		d = &diary{}
		if err := w.run(x, 1, d); err != nil {
			t.Fatal(err)
		}
		reason, failure := sweep.GiveUpReason, ""
		if starves {
			reason, failure = reason+starved, sweep.FailureMemory
		}
		s, _ := w.view().State(first.ID)
		if s.Status != results.Failed || s.Reason != reason || string(s.Failure) != failure || d.count("begins") != 1 {
			t.Errorf("got %s: %s (%s) after the events %v", s.Status, s.Reason, s.Failure, d.all())
		}
	}
}

// Of the trials of a process that died, one may be why. Each then runs alone, so that it does not take others with it.
func TestATrialThatMayKillItsWorkerRunsAlone(t *testing.T) {
	w := newWorld(t, strings.Replace(rings, "choice(1e-3, 1e-2)", "choice(1e-4, 1e-3, 1e-2)", 1))
	x := w.executor()
	if err := x.Prepare(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	for range sweep.LateAfter {
		w.die(x.Plan.At(0))
		w.die(x.Plan.At(1))
	}
	d := &diary{}
	if err := w.run(x, 3, d); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, e := range d.all() {
		order = append(order, strings.Fields(e)[0])
	}
	if got, want := slices.Compact(order), []string{x.Plan.ID(2), x.Plan.ID(0), x.Plan.ID(1)}; !slices.Equal(got, want) {
		t.Errorf("got events of the trials %v in turn, want %v", got, want)
	}
}

// The last process to leave a finished study joins its tables, whoever that is.
func TestTheLastProcessJoinsTheTables(t *testing.T) {
	w := newWorld(t, rings)
	var group sync.WaitGroup
	for range 3 {
		x := w.executor()
		group.Go(func() {
			if err := w.run(x, 1); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, table := range []results.Table{results.Trials, results.Epochs, results.Samples} {
		files, err := filepath.Glob(filepath.Join(w.dir, string(table), "*.parquet"))
		if err != nil || len(files) != 1 {
			t.Errorf("got the files %v, %v, want one", files, err)
		}
	}
}

// Weights that need not stay are removed, by default all but those of the front.
func TestTheWeightsOfTheFrontStay(t *testing.T) {
	for keep, want := range map[results.Keep]int{results.KeepFront: 1, "": 1, results.KeepAll: 2, results.KeepNone: 0} {
		w := newWorld(t, strings.Replace(rings, "study(trial", "study(objectives = {\"fid\": \"min\"}, trial", 1))
		w.keep = keep
		w.mustRun(1)
		files, err := filepath.Glob(filepath.Join(w.dir, "checkpoints", "*"))
		if err != nil || len(files) != want {
			t.Errorf("keep %q: got the files %v, %v, want %d", keep, files, err, want)
		}
	}
}

// A checkpoint whose row is not the recorded one, written by a process that was frozen while another trained the trial elsewhere, is of no
// use. The trial starts again from its beginning.
func TestACheckpointOfOtherNumbersIsNotUsed(t *testing.T) {
	w := newWorld(t, rings)
	w.set = []string{"lr=0.001"}
	w.mustRun(1)
	want := w.rows()

	w = newWorld(t, rings)
	w.set = []string{"lr=0.001"}
	x := w.executor()
	ctx, cancel := background(t)
	if err := x.Prepare(ctx, func() {}); err != nil {
		t.Fatal(err)
	}
	if err := x.Run(ctx, 1, &diary{epoch: stopAfter(3, cancel)}); err == nil {
		t.Error("got no error of an interrupted run")
	}
	id := x.Plan.ID(0)
	c, err := x.Study.Claim(id)
	if err != nil {
		t.Fatal(err)
	}
	from, err := c.Checkpoint()
	if err == nil {
		err = c.Begin(Record(x.Plan.At(0), time.Now()), from)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name := range from.Row.Metrics {
		from.Row.Metrics[name]++
	}
	if err := errors.Join(c.SaveCheckpoint(*from), c.Release(), x.Close()); err != nil {
		t.Fatal(err)
	}
	d := &diary{}
	w.mustRun(1, d)
	if got := w.rows(); got != want || d.count("epoch 1") != 1 {
		t.Errorf("got\n%s\nafter %v, want\n%s", got, d.all(), want)
	}
}
