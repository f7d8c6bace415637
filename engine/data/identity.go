package data

import (
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"

	"github.com/starsweep/starsweep/internal/regular"
)

// filesIdentity stands for the content of files. Where the system notes when a file was last changed in any way, which no program can
// set back, as it can the time of modification (rsync -t, touch -r), that, the inode, the size and the time of modification stand for
// it; elsewhere the content is hashed. What remains: two changes within one tick of the file system's clock, some milliseconds, of
// which the first was read, and a system clock that was set back.
func filesIdentity(files []string) (string, error) {
	h := sha256.New()
	for _, file := range files {
		abs, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		f, err := regular.Open(file)
		if err != nil {
			return "", err
		}
		info, err := f.Stat()
		if err == nil {
			fmt.Fprintf(h, "%q %d %d ", abs, info.Size(), info.ModTime().UnixNano())
			if stamp, ok := changeStamp(info); ok {
				fmt.Fprintln(h, stamp)
			} else {
				_, err = io.Copy(h, f)
			}
		}
		f.Close() // only read
		if err != nil {
			return "", err
		}
	}
	return sum(h), nil
}
