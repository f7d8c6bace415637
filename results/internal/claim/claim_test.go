package claim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// join is Join of a writer that beats when the test says so, and that is dead when dead has its name.
func join(t testing.TB, dir string, dead ...string) *Desk {
	t.Helper()
	d, err := Join(dir, NewWriter("cpu"), Options{HeartbeatEvery: time.Hour, StaleAfter: 6 * time.Hour,
		Dead: func(w Writer) bool { return slices.Contains(dead, w.Name) }})
	check(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func take(t testing.TB, d *Desk, trial string, known, want int) *Claim {
	t.Helper()
	c, err := d.Take(trial, known)
	check(t, err)
	if c.Generation != want {
		t.Fatalf("got generation %d, want %d", c.Generation, want)
	}
	return c
}

func taken(t testing.TB, d *Desk, trial string) {
	t.Helper()
	for known := range 3 { // the journals may know the generation of the one who has it
		if c, err := d.Take(trial, known); !errors.Is(err, ErrTaken) {
			t.Fatalf("got claim %+v and error %v, want ErrTaken", c, err)
		}
	}
}

func held(t testing.TB, c *Claim, want bool) {
	t.Helper()
	got, err := c.Held()
	check(t, err)
	if got != want {
		t.Fatalf("trial %s, generation %d: held is %v, want %v", c.Trial, c.Generation, got, want)
	}
}

func files(t testing.TB, dir string, want ...string) {
	t.Helper()
	got, err := names(dir)
	check(t, err)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got files %q, want %q", dir, got, want)
	}
}

func TestAClaimIsOfOneWriterUntilItIsReleased(t *testing.T) {
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	c := take(t, a, "x", 0, 1)
	taken(t, a, "x") // by another worker of the same process
	taken(t, b, "x")
	held(t, c, true)
	list, err := b.List()
	check(t, err)
	if len(list) != 1 || list[0].Trial != "x" || list[0].Generation != 1 || list[0].Mine || list[0].Stale || list[0].Owner != a.Writer() {
		t.Errorf("got %+v", list)
	}
	check(t, c.Release())
	check(t, c.Release())
	held(t, c, false)
	files(t, filepath.Join(dir, "claims"))
	held(t, take(t, b, "x", 7, 8), true)
	take(t, b, "x.y", 0, 1) // a name with a dot is another trial
	take(t, a, "y", 0, 1)
	check(t, b.Close())
	files(t, filepath.Join(dir, "claims"), "y.000001")
	files(t, filepath.Join(dir, "writers"), a.Writer().Name)
	for _, trial := range []string{"", ".x", "a/b", `a\b`} {
		if _, err := a.Take(trial, 0); err == nil || errors.Is(err, ErrTaken) {
			t.Errorf("trial %q: got error %v", trial, err)
		}
	}
}

// Each of many writers claims whatever it can and releases it; nobody has a trial while another one does.
func TestOfManyWritersOneAtATimeHasATrial(t *testing.T) {
	const writers, trials, rounds = 30, 5, 20
	dir := t.TempDir()
	var at [trials]atomic.Int32
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for range writers {
		d := join(t, dir)
		all.Go(func() {
			for i := range trials * rounds {
				c, err := d.Take(fmt.Sprint("t", i%trials), 0)
				if errors.Is(err, ErrTaken) {
					lost.Add(1)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := at[i%trials].Add(1); n != 1 {
					t.Errorf("%d writers have trial %d", n, i%trials)
				}
				won.Add(1)
				at[i%trials].Add(-1)
				if err := c.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if won.Load() < trials || lost.Load() == 0 {
		t.Errorf("%d claims, %d refused: the writers did not meet", won.Load(), lost.Load())
	}
	files(t, filepath.Join(dir, "claims"))
}

func TestADeadWritersClaimIsTakenOverByTheNextGeneration(t *testing.T) {
	dir := t.TempDir()
	a := join(t, dir)
	c := take(t, a, "x", 0, 1)
	b := join(t, dir, a.Writer().Name)
	d := take(t, b, "x", 0, 2)
	held(t, c, false)
	held(t, d, true)
	check(t, c.Release()) // the dead one wakes up: what it does now harms nobody
	held(t, d, true)
	check(t, d.Release())
	held(t, c, false)
	take(t, a, "x", 2, 3)
}

// A process may be stopped between its look at a claim and its link of the next generation, while others take the trial over and over.
func TestASlowWriterDoesNotKeepAGenerationBelowTheCurrentOne(t *testing.T) {
	for _, claimed := range []bool{false, true} { // when the slow writer looked
		for _, name := range []string{"another has it", "a third has it", "another had it"} {
			t.Run(fmt.Sprint(name, ", claimed before: ", claimed), func(t *testing.T) {
				dir := t.TempDir()
				dead, b := join(t, dir), join(t, dir)
				generation := 1
				if claimed {
					take(t, dead, "x", 0, 1)
					generation = 2
				}
				b.o.Dead = func(w Writer) bool { return w.Name == dead.w.Name }
				third := join(t, dir, b.w.Name)
				slow := join(t, dir, dead.w.Name)
				var current *Claim
				slow.link = func(from, to string) error {
					if current != nil {
						t.Fatal("the slow writer did not notice")
					}
					current = take(t, b, "x", 0, generation)
					switch name {
					case "a third has it":
						current = take(t, third, "x", 0, generation+1)
					case "another had it":
						check(t, current.Release())
					}
					return os.Link(from, to)
				}
				c, err := slow.Take("x", 0)
				if name == "another had it" { // which the journals tell, not the claims
					check(t, err)
					held(t, c, true)
					return
				}
				if !errors.Is(err, ErrTaken) {
					t.Errorf("got claim %+v, error %v, want ErrTaken", c, err)
				}
				held(t, current, true)
				files(t, filepath.Join(dir, "claims"), filepath.Base(current.path()))
			})
		}
	}
}

func TestAFileSystemWithoutLinksHasClaimsAllTheSame(t *testing.T) {
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	for _, d := range []*Desk{a, b} {
		d.link = func(string, string) error { return &os.LinkError{Op: "link", Err: syscall.EPERM} }
	}
	c := take(t, a, "x", 0, 1)
	taken(t, b, "x")
	held(t, c, true)
	check(t, c.Release())
	take(t, b, "x", 0, 1)
	if _, err := a.Decide(Suggestions, 0, []byte("{}")); !errors.Is(err, durable.ErrStorage) || !errors.Is(err, syscall.EPERM) {
		t.Errorf("got %v, want ErrStorage", err)
	}
}

func TestALinkThatWasMadeButReportedAsLostIsWon(t *testing.T) {
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	a.link = func(from, to string) error { return errors.Join(os.Link(from, to), fs.ErrExist) }
	take(t, a, "x", 0, 1)
	taken(t, a, "x")
	taken(t, b, "x")
}

func TestAClaimWithoutContentIsTakenOverInTime(t *testing.T) {
	dir := t.TempDir()
	a := join(t, dir)
	check(t, os.WriteFile(claimPath(dir, "x", 1), nil, 0o666)) // of a process that died on a file system without links
	taken(t, a, "x")
	beat(t, a, patience)
	take(t, a, "x", 0, 2)
}

func TestWhatDeadWritersLeftIsSwept(t *testing.T) {
	dir := t.TempDir()
	a, idle := join(t, dir), join(t, dir)
	take(t, a, "done", 0, 1)
	take(t, a, "open", 0, 1)
	live := join(t, dir)
	take(t, live, "late", 0, 1)
	b := join(t, dir, a.Writer().Name, idle.Writer().Name)
	others, err := b.Others()
	check(t, err)
	if len(others) != 1 || others[0] != live.Writer() {
		t.Errorf("got others %v, want one", others)
	}
	check(t, b.Sweep(func(trial string) bool { return trial != "open" }))
	files(t, filepath.Join(dir, "claims"), "late.000001", "open.000001")
	want := []string{a.Writer().Name, b.Writer().Name, live.Writer().Name}
	slices.Sort(want)
	files(t, filepath.Join(dir, "writers"), want...)
	take(t, b, "open", 0, 2)
	check(t, b.Sweep(func(string) bool { return true }))
	want = []string{b.Writer().Name, live.Writer().Name}
	slices.Sort(want)
	files(t, filepath.Join(dir, "writers"), want...)
}

func TestReadersSeeClaimsAndWriters(t *testing.T) {
	dir := t.TempDir()
	r, err := Read(dir)
	check(t, err)
	if len(r.Claims)+len(r.Writers) > 0 {
		t.Errorf("got %+v of a folder without claims", r)
	}
	a := join(t, dir)
	take(t, a, "x", 4, 5)
	gone := join(t, dir)
	take(t, gone, "y", 0, 1)
	check(t, os.Remove(gone.heartbeat(gone.Writer().Name)))
	r, err = Read(dir)
	check(t, err)
	if len(r.Claims) != 2 || r.Claims[0].Trial != "x" || r.Claims[0].Generation != 5 || r.Claims[0].Stale || !r.Claims[1].Stale {
		t.Errorf("got claims %+v", r.Claims)
	}
	if len(r.Writers) != 1 || r.Writers[0].Writer != a.Writer() || r.Writers[0].Dead || r.Writers[0].Beat.IsZero() {
		t.Errorf("got writers %+v", r.Writers)
	}
}

// Both a claim and its release take a few system calls and no sync, however many claims there are.
func TestAClaimTakesLessThanTwoMilliseconds(t *testing.T) {
	dir := t.TempDir()
	d := join(t, dir)
	for i := range 200 {
		take(t, join(t, dir), fmt.Sprint("other", i), 0, 1)
	}
	var took []time.Duration
	for i := range 500 {
		start := time.Now()
		c := take(t, d, fmt.Sprint("x", i), 0, 1)
		check(t, c.Release())
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("median %v, 99th percentile %v", took[len(took)/2], took[len(took)*99/100])
	if took[len(took)/2] > 2*time.Millisecond {
		t.Errorf("the median is %v", took[len(took)/2])
	}
	start := time.Now()
	if list, err := d.List(); err != nil || len(list) != 200 {
		t.Errorf("got %d claims, %v", len(list), err)
	}
	first := time.Since(start)
	start = time.Now()
	d.List()
	t.Logf("list of 200 claims: %v, then %v", first, time.Since(start))
}
