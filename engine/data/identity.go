package data

import (
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"

	"github.com/starsweep/starsweep/internal/regular"
)

// filesIdentity identifies the content of files. If the system records when a file was last changed in any way, it is that time, the
// inode, the size and the time of modification: unlike the latter (rsync -t, touch -r), no program can set it back. Elsewhere the
// content is hashed. Undetected remain a second change within one tick of the file system's clock, a few milliseconds, after the
// first was read, and changes after the system clock was set back.
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
