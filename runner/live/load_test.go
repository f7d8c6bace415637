//go:build unix

package live_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/live"
)

// cpu is the processor time that this process has used.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Ten pages follow a study in which eight trials record 100 epochs a second, beside 1,000 trials of 20 epochs that have ended. All of it is
// in this process: the writer, which syncs every row, the server and its clients.
func TestTenPagesFollowAHundredRowsASecond(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	const trials, epochs, lanes, seconds = 1000, 20, 8, 15
	s := newStudy(t, "load")
	for i := range trials {
		id := fmt.Sprintf("t%05d", i)
		s.begin(t, id, "done")
		for n := 1; n <= epochs; n++ {
			s.epoch(t, id, n)
		}
		s.end(t, id, results.Completed, "")
	}
	for i := range lanes {
		s.begin(t, fmt.Sprint("r", i), "running")
	}
	x := serve(t, s.dir, func(c *live.Config) { c.Every, c.Share = 0, 0 })
	for range 10 {
		f := x.follow(t, "topic=state&topic=report")
		f.next(t)
		go func() {
			for f.lines.Scan() {
			}
		}()
	}
	last := x.follow(t, "topic=state")
	rows, start, used := 0, time.Now(), cpu(t)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ; time.Since(start) < seconds*time.Second; rows++ {
		<-tick.C
		s.epoch(t, fmt.Sprint("r", rows%lanes), rows/lanes+1)
	}
	took := time.Since(start)
	share := (cpu(t) - used).Seconds() / took.Seconds()
	t.Logf("%.0f rows a second, %.1f %% of a core", float64(rows)/took.Seconds(), 100*share)
	if share > 0.3 {
		t.Errorf("it takes %.0f %% of a core, want about 10 %%", 100*share)
	}
	last.until(t, "live-workers", fmt.Sprintf("%d of 9", (rows-1)/lanes+1))
}
