package claim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/starsweep/starsweep/internal/durable"
)

// Suggest offers content as suggestion i and returns what suggestion i is: that of whoever was first. It survives a power failure, since
// trials depend on it.
func (d *Desk) Suggest(i int, content []byte) ([]byte, error) {
	path := suggestion(d.dir, i)
	if kept, err := read(path); kept != nil || err != nil {
		return kept, err
	}
	f, err := durable.CreateTemp(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, durable.StorageError(f.Name(), err)
	}
	if err := d.link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, durable.StorageError(path, fmt.Errorf("the file system must be one that links files: %w", err))
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil { // also for the suggestion of another, which may not have got there
		return nil, err
	}
	kept, err := read(path)
	if kept == nil && err == nil {
		err = durable.StorageError(path, errors.New("got an empty file, or a link to none, want a suggestion: remove it"))
	}
	return kept, err
}

// Suggestion returns suggestion i, nil if there is none.
func (d *Desk) Suggestion(i int) ([]byte, error) { return ReadSuggestion(d.dir, i) }

// ReadSuggestion returns suggestion i of the study in dir, nil if there is none.
func ReadSuggestion(dir string, i int) ([]byte, error) { return read(suggestion(dir, i)) }

func suggestion(dir string, i int) string {
	return filepath.Join(dir, "suggestions", fmt.Sprintf("%06d.json", i))
}
