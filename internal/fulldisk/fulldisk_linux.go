package fulldisk

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/starsweep/starsweep/internal/require"
)

// Mount mounts a small file system until the end of the test, which it skips where that is not allowed. Sizes are those of tmpfs, such
// as 64k. Function enlarge changes the size.
func Mount(t *testing.T, size string) (dir string, enlarge func(size string)) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		require.Unavailable(t, "mounting a small tmpfs takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func(size string) {
		t.Helper()
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size="+size); err != nil {
			t.Fatal(err)
		}
	}
}
