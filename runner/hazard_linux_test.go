package runner_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/starsweep/starsweep/internal/require"
)

// A disk that fills up, at whatever moment, is an error that names it. With more room the study goes on to the same tables.
func TestAFullDiskEndsARunThatGoesOnLater(t *testing.T) {
	l := newLab(t, killStudy)
	full := 0
	sizes := []string{"64k", "224k", "48k", "96k", "128k", "160k", "288k", "384k"}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		t.Run(size, func(t *testing.T) {
			l := *l
			l.T = t
			disk := t.TempDir()
			if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
				require.Unavailable(t, "mounting a small tmpfs takes root: %v", err)
			}
			defer unix.Unmount(disk, unix.MNT_DETACH)
			dir := filepath.Join(disk, "study")
			for range 2 { // and again while it is full
				switch code, text := command(t, l.home, l.args(dir)...); {
				case code == 80 && strings.Contains(text, "no space left on device") && strings.Contains(text, disk):
					full++
				case code != 0:
					t.Fatalf("exit code %d\n%s", code, text)
				}
			}
			if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=20m"); err != nil {
				t.Fatal(err)
			}
			l.run(dir)
			l.same(dir)
		})
	}
	if full == 0 {
		t.Error("no disk was full: choose smaller ones")
	}
}
