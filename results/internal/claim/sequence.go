package claim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/starsweep/starsweep/internal/durable"
)

// Sequence is a folder of numbered decisions, which all processes of a study follow.
type Sequence string

const (
	Suggestions Sequence = "suggestions" // of a search
	Verdicts    Sequence = "verdicts"    // of judges that compare trials
	Warm        Sequence = "warm"        // of which number 0 is what a search sees of other studies
)

// Sequences are all sequences.
var Sequences = []Sequence{Suggestions, Verdicts, Warm}

// Decide offers content as decision i and returns what decision i is: that of whoever was first. It survives a power failure, since
// trials depend on it.
func (d *Desk) Decide(s Sequence, i int, content []byte) ([]byte, error) {
	path := decision(d.dir, s, i)
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
	if err := durable.SyncDir(filepath.Dir(path)); err != nil { // also for the decision of another, which may not have got there
		return nil, err
	}
	kept, err := read(path)
	if kept == nil && err == nil {
		err = durable.StorageError(path, errors.New("got an empty file, or a link to none, want a decision: remove it"))
	}
	return kept, err
}

// ReadDecision returns decision i of the study in dir, nil if there is none.
func ReadDecision(dir string, s Sequence, i int) ([]byte, error) { return read(decision(dir, s, i)) }

func decision(dir string, s Sequence, i int) string {
	return filepath.Join(dir, string(s), fmt.Sprintf("%06d.json", i))
}
