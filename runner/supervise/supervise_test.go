package supervise

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	done, usage, crashed, interrupted = 0, 2, 1, 75
)

// fakes are made-up worker processes: function run is one of them, from its start to its end.
type fakes struct {
	run    func(index, start int, w *Worker) End
	killed int // processes that the kernel has killed

	mu     sync.Mutex
	starts []int // by index
	hungry []int // the starts after a lack of memory
	said   []string
	waits  []time.Duration
}

func (f *fakes) options(processes int) Options {
	f.starts = make([]int, processes+1)
	return Options{
		Processes: processes,
		Start:     f.start,
		Say: func(format string, a ...any) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.said = append(f.said, fmt.Sprintf(format, a...))
		},
		Killed: func() int { f.mu.Lock(); defer f.mu.Unlock(); return f.killed },
		After: func(d time.Duration) <-chan time.Time { // no wait in a test takes long
			f.mu.Lock()
			defer f.mu.Unlock()
			f.waits = append(f.waits, d)
			now := make(chan time.Time, 1)
			now <- time.Time{}
			return now
		},
		Codes: []int{usage, crashed, done, interrupted}, Crashed: crashed, Interrupted: interrupted,
		Final: func(code int) bool { return code == usage },
	}
}

func (f *fakes) start(index int, starved bool) (*Process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starts[index]++
	nth := f.starts[index]
	if starved {
		f.hungry = append(f.hungry, nth)
	}
	requests, ask := io.Pipe()
	reports, report := io.Pipe()
	end := make(chan End, 1)
	go func() {
		e := f.run(index, nth, &Worker{Requests: requests, Reports: report})
		_, _ = report.Close(), requests.Close()
		end <- e
	}()
	return &Process{PID: 100*index + nth, Pipe: Pipe{ask, reports}, Wait: func() End { return <-end },
		Kill: func() { _ = requests.CloseWithError(io.ErrClosedPipe) }}, nil
}

// inOrderly ends a worker in order.
func inOrderly(w *Worker, code int) End {
	w.End()
	return End{Code: code}
}

func TestAWorkerThatDiesIsReplacedAndItsEndIsSaid(t *testing.T) {
	var f *fakes
	ends := []End{{Signal: syscall.SIGKILL}, {Signal: syscall.SIGSEGV}, {Code: 2}, {Signal: syscall.SIGKILL}, {Code: 2, Starved: true}}
	f = &fakes{run: func(_, nth int, w *Worker) End {
		if nth > len(ends) {
			return inOrderly(w, done)
		}
		if nth == 1 {
			f.mu.Lock()
			f.killed++
			f.mu.Unlock()
		}
		return ends[nth-1]
	}}
	if code := Run(f.options(1)); code != done {
		t.Errorf("got code %d, want %d", code, done)
	}
	want := []string{
		"the worker process (pid 101) was killed, probably by the kernel, which ran out of memory; another one is started",
		"the worker process (pid 102) was ended by a signal: segmentation fault; another one is started in 500ms",
		"the worker process (pid 103) crashed with exit code 2; another one is started in 1s",
		"the worker process (pid 104) was killed; another one is started in 2s",
		"the worker process (pid 105) ran out of memory; another one is started in 4s",
	}
	if !slices.Equal(f.said, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(f.said, "\n"), strings.Join(want, "\n"))
	}
	if !slices.Equal(f.hungry, []int{2, 6}) {
		t.Errorf("the starts %v were told that the memory ran out, want those of processes 2 and 6", f.hungry)
	}
}

// An exit code counts if the worker says that it ends in order: Go's runtime and libraries end processes with codes of ours.
func TestAnExitCodeIsPassedOnIfTheWorkerEndsInOrder(t *testing.T) {
	for _, code := range []int{done, usage, interrupted, 80} {
		f := &fakes{run: func(_, _ int, w *Worker) End { return inOrderly(w, code) }}
		if got := Run(f.options(1)); got != code || f.starts[1] != 1 || f.said != nil {
			t.Errorf("code %d: got %d after %d starts, %v", code, got, f.starts[1], f.said)
		}
	}
	f := &fakes{run: func(_, nth int, w *Worker) End {
		w.End()
		if nth == 1 {
			return End{Signal: syscall.SIGKILL} // at its very end
		}
		return End{}
	}}
	if got := Run(f.options(1)); got != done || f.starts[1] != 2 {
		t.Errorf("got code %d after %d starts, want 0 after 2", got, f.starts[1])
	}
}

// Messages arrive whole and in order, and those of a process that was replaced too.
func TestWhatWorkersTellIsHeard(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	f := &fakes{run: func(_, nth int, w *Worker) End {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { w.Tell([]byte(long)); w.Progress() })
		}
		all.Wait()
		w.Tell([]byte{})
		w.Tell(make([]byte, mostTold+1)) // not sent
		if nth == 1 {
			_, _ = w.Reports.Write([]byte{tells, 9, 0, 0, 0, 'x'}) // killed in the middle
			return End{Signal: syscall.SIGKILL}
		}
		return inOrderly(w, done)
	}}
	heard := map[int][]string{}
	o := f.options(1)
	o.Heard = func(p *Process, message []byte) { heard[p.PID] = append(heard[p.PID], string(message)) }
	want := []string{long, long, long, long, ""}
	if code := Run(o); code != done || !slices.Equal(heard[101], want) || !slices.Equal(heard[102], want) || len(heard) != 2 {
		t.Errorf("got code %d and %d, %d messages", code, len(heard[101]), len(heard[102]))
	}
}

func TestAWorkerWithoutProgressIsGivenUp(t *testing.T) {
	f := &fakes{run: func(_, _ int, _ *Worker) End { return End{Signal: syscall.SIGABRT} }}
	if code := Run(f.options(1)); code != crashed {
		t.Errorf("got code %d, want %d", code, crashed)
	}
	if f.starts[1] != mostFruitless {
		t.Errorf("got %d starts, want %d", f.starts[1], mostFruitless)
	}
	if last := f.said[len(f.said)-1]; !strings.HasSuffix(last, "the last of 20 times without progress: it is not started again") {
		t.Errorf("got %q", last)
	}
	if longest := slices.Max(f.waits); longest != longestWait {
		t.Errorf("it waited for %v, want no longer than %v", longest, longestWait)
	}

	f = &fakes{run: func(_, nth int, w *Worker) End {
		if nth == 5*mostFruitless {
			return inOrderly(w, done)
		}
		if nth%10 == 0 {
			w.Progress()
		}
		return End{Signal: syscall.SIGABRT}
	}}
	if code := Run(f.options(1)); code != done {
		t.Errorf("with progress: got code %d, want %d", code, done)
	}
}

// A worker whose device is lost is replaced. If the device cannot be opened any more, its successor ends in order, with the same code.
func TestAWorkerThatCannotGoOnIsReplaced(t *testing.T) {
	const noDevice = 77
	for _, last := range []int{done, noDevice} {
		f := &fakes{run: func(_, nth int, w *Worker) End {
			if nth == 3 {
				return inOrderly(w, last)
			}
			w.Progress()
			w.Replace()
			return inOrderly(w, noDevice)
		}}
		if code := Run(f.options(1)); code != last || f.starts[1] != 3 {
			t.Errorf("got code %d after %d starts, want %d after 3", code, f.starts[1], last)
		}
		if want := "the worker process (pid 101) cannot go on; another one is started"; f.said[0] != want {
			t.Errorf("got %q, want %q", f.said[0], want)
		}
	}
	f := &fakes{run: func(_, _ int, w *Worker) End {
		w.Replace()
		return inOrderly(w, noDevice)
	}}
	if code := Run(f.options(1)); code != noDevice || f.starts[1] != mostFruitless {
		t.Errorf("got code %d after %d starts, want %d after %d", code, f.starts[1], noDevice, mostFruitless)
	}
}

func TestTheReaderOfTheOutputOrTheTerminalIsGoneForAllWorkers(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGPIPE, syscall.SIGHUP} {
		f := &fakes{run: func(_, _ int, _ *Worker) End { return End{Signal: s} }}
		if code := Run(f.options(1)); code != interrupted || f.starts[1] != 1 {
			t.Errorf("%v: got code %d after %d starts, want %d after 1", s, code, f.starts[1], interrupted)
		}
	}
}

func TestRequestsArePassedOnAndAWorkerThatLeavesIsNotReplaced(t *testing.T) {
	leave, atOnce := make(chan struct{}), make(chan struct{})
	f := &fakes{run: func(_, _ int, w *Worker) End {
		asked := 0
		w.Listen(func() { asked++; close(atOnce) }, func() { asked += 10 })
		if asked == 11 {
			return inOrderly(w, interrupted)
		}
		return inOrderly(w, asked)
	}}
	o := f.options(1)
	never := make(chan time.Time)
	o.After = func(time.Duration) <-chan time.Time { return never }
	o.Leave, o.AtOnce = leave, atOnce
	close(leave)
	if code := Run(o); code != interrupted {
		t.Errorf("got code %d, want %d", code, interrupted)
	}

	f = &fakes{run: func(_, _ int, _ *Worker) End { return End{Signal: syscall.SIGKILL} }}
	o = f.options(1)
	o.Leave = leave
	if code := Run(o); code != interrupted || f.starts[1] != 1 {
		t.Errorf("killed while it leaves: got code %d after %d starts, want %d after 1", code, f.starts[1], interrupted)
	}
}

func TestAWorkerThatDoesNotLeaveIsKilled(t *testing.T) {
	asked := make(chan struct{})
	close(asked)
	f := &fakes{run: func(_, _ int, w *Worker) End {
		_, err := io.ReadAll(w.Requests) // until it is killed
		if err == nil {
			return End{Code: 3}
		}
		return End{Signal: syscall.SIGKILL}
	}}
	o := f.options(1)
	o.Leave, o.AtOnce = asked, asked
	if code := Run(o); code != interrupted || !slices.Equal(f.waits, []time.Duration{untilKilled}) {
		t.Errorf("got code %d after waits %v, want %d after %v", code, f.waits, interrupted, untilKilled)
	}
}

func TestTheEndOfTheSupervisorIsARequestToLeaveAtOnce(t *testing.T) {
	requests, ask := io.Pipe()
	left := false
	ask.Close()
	(&Worker{Requests: requests}).Listen(func() { t.Error("asked to leave in order") }, func() { left = true })
	if !left {
		t.Error("not asked to leave")
	}
}

func TestSeveralWorkersHaveOneExitCode(t *testing.T) {
	for _, c := range []struct{ first, second, want int }{
		{done, done, done},
		{done, interrupted, done},       // the study is at its end
		{interrupted, crashed, crashed}, // an error counts
		{interrupted, done, done},       // whoever it was
		{interrupted, interrupted, interrupted},
	} {
		f := &fakes{run: func(index, _ int, w *Worker) End { return inOrderly(w, []int{c.first, c.second}[index-1]) }}
		if got := Run(f.options(2)); got != c.want {
			t.Errorf("%d and %d: got %d, want %d", c.first, c.second, got, c.want)
		}
	}
}

func TestAnErrorOfOneWorkerThatOthersWouldHaveStopsThem(t *testing.T) {
	f := &fakes{run: func(index, _ int, w *Worker) End {
		if index == 1 {
			return inOrderly(w, usage)
		}
		left := make(chan struct{})
		go w.Listen(func() { close(left) }, func() {})
		<-left
		return inOrderly(w, interrupted)
	}}
	if got := Run(f.options(3)); got != usage {
		t.Errorf("got %d, want %d", got, usage)
	}
}
