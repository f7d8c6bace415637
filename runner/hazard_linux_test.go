package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/fulldisk"
)

// A disk that fills up, at whatever moment, is an error that names it. With more room the study goes on to the same tables.
func TestAFullDiskEndsARunThatGoesOnLater(t *testing.T) {
	l := newLab(t, killStudy)
	full, mounted := 0, false
	sizes := []string{"64k", "224k", "48k", "96k", "128k", "160k", "288k", "384k"}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		t.Run(size, func(t *testing.T) {
			l := *l
			l.T = t
			disk, enlarge := fulldisk.Mount(t, size)
			mounted = true
			dir := filepath.Join(disk, "study")
			for range 2 { // and again while it is full
				switch code, text := command(t, l.home, l.args(dir)...); {
				case code == 80 && strings.Contains(text, "no space left on device") && strings.Contains(text, disk):
					full++
				case code != 0:
					t.Fatalf("exit code %d\n%s", code, text)
				}
			}
			enlarge("20m")
			l.run(dir)
			l.same(dir)
		})
	}
	if mounted && full == 0 {
		t.Error("no disk was full: choose smaller ones")
	}
}

// A process is stopped while it trains, for so long that another one takes its trials over, and then goes on.
func TestAStoppedProcessChangesNothingWhenItGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a heartbeat to grow old")
	}
	k := newKiller(t, killStudy, 2)
	dir := filepath.Join(t.TempDir(), "study")
	first := k.start(dir)
	for begun := 0; begun == 0; time.Sleep(time.Millisecond) {
		begun = len(rowsOf(t, dir))
	}
	stopped := append(descendants(first.Process.Pid), first.Process.Pid)
	for _, pid := range stopped {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	heartbeats, err := filepath.Glob(filepath.Join(dir, "writers", "*"))
	if err != nil || len(heartbeats) == 0 {
		t.Fatalf("found heartbeats %q, %v", heartbeats, err)
	}
	old := time.Now().Add(-2 * time.Minute)
	for _, path := range heartbeats { // instead of waiting
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	second := k.start(dir)
	if !k.ended(second, 2*time.Minute) {
		t.Fatalf("nobody took over what the stopped process held:\n%s", second.output)
	}
	k.same(dir)
	for _, pid := range stopped {
		syscall.Kill(pid, syscall.SIGCONT)
	}
	if !k.ended(first, time.Minute) {
		t.Fatalf("the process that was stopped goes on for a minute:\n%s", first.output)
	}
	k.same(dir)
}
