package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/starsweep/starsweep/internal/durable"
)

// Rehearse says what Repair would say, and changes nothing: it repairs a folder of links to the files of the study. A study replaces
// and removes files, but changes none in place except those of its own process, so that all changes stay in that folder.
func Rehearse(dir string, o Options) (r Recovery, err error) {
	if holder, found := oldHolder(dir); found {
		return Recovery{}, fmt.Errorf("%s: %w by %s: wait for it or stop it", dir, ErrInUse, holder)
	}
	scratch, err := os.MkdirTemp("", "starsweep-rehearsal-")
	if err != nil {
		return Recovery{}, durable.StorageError(os.TempDir(), err)
	}
	defer os.RemoveAll(scratch) // nothing depends on it
	if err := linkTree(dir, scratch); err != nil {
		return Recovery{}, err
	}
	r, err = Repair(scratch, o)
	for i, note := range r.Notes {
		r.Notes[i] = strings.ReplaceAll(note, scratch, dir)
	}
	if err != nil {
		err = &rehearsedError{err, strings.ReplaceAll(err.Error(), scratch, dir)}
	}
	return r, err
}

// rehearsedError is an error of a rehearsal with the paths of the study.
type rehearsedError struct {
	err  error
	text string
}

func (e *rehearsedError) Error() string { return e.text }
func (e *rehearsedError) Unwrap() error { return e.err }

// linkTree makes the folders of a study in another folder, with links to its files. The lock of the old schema is written in place: it
// is left out.
func linkTree(from, to string) error {
	whole, err := filepath.EvalSymlinks(from)
	if err == nil {
		whole, err = filepath.Abs(whole)
	}
	if err != nil {
		return durable.StorageError(from, err)
	}
	err = filepath.WalkDir(whole, func(path string, d fs.DirEntry, err error) error {
		below, relErr := filepath.Rel(whole, path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && below != ".": // a live process has removed it
			return nil
		case err != nil:
			return err
		case relErr != nil:
			return relErr
		case below == "." || path == lockPath(whole):
			return nil
		case d.IsDir():
			return os.Mkdir(filepath.Join(to, below), 0o777)
		}
		return os.Symlink(path, filepath.Join(to, below))
	})
	return durable.StorageError(from, err)
}
