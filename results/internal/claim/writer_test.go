package claim

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// beat lets a writer beat n times.
func beat(t testing.TB, d *Desk, n int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for range n {
		check(t, d.beat())
	}
}

// age makes the heartbeat of d older than any live writer's.
func age(t testing.TB, d *Desk, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	check(t, os.Chtimes(d.heartbeat(d.w.Name), at, at))
}

func TestAWriterIsStaleOnceItsHeartbeatIsOldAndStandsStill(t *testing.T) {
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	take(t, a, "x", 0, 1)
	age(t, a, 7*time.Hour)
	taken(t, b, "x") // at first sight it may beat any moment
	beat(t, b, patience-1)
	taken(t, b, "x")
	beat(t, a, 1)
	beat(t, b, patience)
	taken(t, b, "x")
	beat(t, b, patience) // it stands still but is young
	taken(t, b, "x")
	age(t, a, 7*time.Hour)
	taken(t, b, "x")
	beat(t, b, patience)
	take(t, b, "x", 0, 2)
}

// A writer that was itself stopped, for however long, believes in others that were stopped with it.
func TestAWriterThatDidNotBeatKnowsNothingOfOthers(t *testing.T) {
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	take(t, a, "x", 0, 1)
	taken(t, b, "x")
	age(t, a, 1000*time.Hour)
	for range 100 {
		taken(t, b, "x")
	}
}

// The file system's clock goes forth and back by hours between any two events; only who beats counts.
func TestClocksThatJumpChangeNothing(t *testing.T) {
	dir := t.TempDir()
	a, dead, b := join(t, dir), join(t, dir), join(t, dir)
	var jump time.Duration
	written := map[time.Time]time.Time{} // what the clock said at each time
	b.o.ModTime = func(path string) (time.Time, error) {
		at, err := modTime(path)
		if _, ok := written[at]; !ok && err == nil {
			written[at] = at.Add(jump)
		}
		return written[at], err
	}
	take(t, a, "x", 0, 1)
	take(t, dead, "y", 0, 1)
	over := 0
	for i := range 12 {
		jump = time.Duration(i%3-1) * 24 * time.Hour
		time.Sleep(5 * time.Millisecond) // file systems' clocks tick so often
		beat(t, a, 1)
		taken(t, b, "x")
		if c, err := b.Take("y", 0); err == nil && over == 0 {
			over = i
			held(t, c, true)
		}
		beat(t, b, 1)
	}
	if over < patience {
		t.Errorf("the dead writer's trial was taken over at round %d, want %d at the earliest", over, patience)
	}
}

func TestAClockThatWasSetBackDoesNotKeepADeadWriterAlive(t *testing.T) {
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	take(t, a, "x", 0, 1)
	age(t, a, -1000*time.Hour)
	taken(t, b, "x")
	beat(t, b, 6)
	taken(t, b, "x")
	beat(t, b, 1)
	take(t, b, "x", 0, 2)
}

func TestAHeartbeatThatSomebodyRemovesComesBack(t *testing.T) {
	dir := t.TempDir()
	a, b := join(t, dir), join(t, dir)
	take(t, a, "x", 0, 1)
	check(t, os.Remove(a.heartbeat(a.w.Name)))
	taken(t, b, "x")
	take(t, a, "y", 0, 1)
	beat(t, b, patience-1)
	beat(t, a, 1)
	beat(t, b, 1)
	taken(t, b, "x")
	check(t, os.Remove(a.heartbeat(a.w.Name)))
	taken(t, b, "x")
	beat(t, b, patience)
	take(t, b, "x", 0, 2)
}

func TestAHeartbeatBeatsAndIsNeverCut(t *testing.T) {
	dir := t.TempDir()
	d, err := Join(dir, NewWriter("cpu"), Options{HeartbeatEvery: time.Millisecond})
	check(t, err)
	path := d.heartbeat(d.w.Name)
	first, err := modTime(path)
	check(t, err)
	for deadline := time.Now().Add(10 * time.Second); ; {
		content, err := read(path)
		check(t, err)
		if parse(content) != d.Writer() {
			t.Fatalf("got %q", content)
		}
		if now, _ := modTime(path); now.After(first) {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("no beat in 10 s")
		}
	}
	check(t, d.Close())
	files(t, filepath.Join(dir, "writers"))
}

func TestNamesOfWritersAreNamesOfFiles(t *testing.T) {
	a, b := NewWriter(""), NewWriter("")
	if a.Name == b.Name || !regexp.MustCompile(`^[A-Za-z0-9-]+-[0-9]+-[0-9a-f]{12}$`).MatchString(a.Name) {
		t.Errorf("got %q and %q", a.Name, b.Name)
	}
	for host, want := range map[string]string{"node-7.cluster.org": "node-7", "../ü:*": "host", "": "host", "Bücher": "Bcher",
		"a123456789b123456789c123456789d123456789": "a123456789b123456789c123456789d1"} {
		if got := fileName(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}
