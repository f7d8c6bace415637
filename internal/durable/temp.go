package durable

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// TempSuffix ends the name of a file that is still being written. A glob such as *.parquet never matches it.
const TempSuffix = ".tmp"

// shared matches the names that CreateTemp chooses.
var shared = regexp.MustCompile(`^\..+\.[0-9a-f]{16}` + regexp.QuoteMeta(TempSuffix) + `$`)

// abandonedAfter is how long a temporary file remains unwritten before its writer counts as dead.
const abandonedAfter = 24 * time.Hour

// CreateTemp creates a file next to path, with a unique name, for the caller to write, close and rename to path. It removes
// the files in the same folder that it created earlier and that nobody has written to for a day, by the file system's own
// clock: their writers have crashed.
func CreateTemp(path string) (*os.File, error) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	name := fmt.Sprintf(".%s.%016x%s", base, rand.Uint64(), TempSuffix)
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, StorageError(path, err)
	}
	if info, err := f.Stat(); err == nil {
		removeAbandoned(dir, info.ModTime())
	}
	return f, nil
}

// removeAbandoned removes temporary files that were last written to a day before now. It ignores errors: such files take up
// space and do no other harm.
func removeAbandoned(dir string, now time.Time) {
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if !shared.MatchString(f.Name()) {
			continue
		}
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > abandonedAfter {
			os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}
