package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// Checkpoint is the state of a trial at the end of an epoch.
type Checkpoint struct {
	Row     Epoch // the row of the epoch; Row.Trial names the file
	Tensors []safetensors.Tensor
	Meta    map[string]string // of the caller; names that begin with "starsweep." are reserved
}

const (
	checkpointSuffix = ".safetensors"
	rowKey           = "starsweep.row"    // the epoch's row, as JSON
	sumKey           = "starsweep.crc32c" // of everything else: see checksum
)

func (v *View) checkpointPath(trial string) string {
	return filepath.Join(v.dir, "checkpoints", trial+checkpointSuffix)
}

// SaveCheckpoint replaces the checkpoint of a trial. The old one remains until the new one is on disk. Call it before AppendEpoch
// of the same row.
func (s *study) SaveCheckpoint(c Checkpoint) error {
	s.mu.Lock()
	t, err := s.trial(c.Row.Trial)
	finished := err == nil && t.outcome != nil
	s.mu.Unlock() // writing takes a while, and every trial has its own files
	if err := errors.Join(err, s.lock.check()); err != nil {
		return err
	}
	if finished {
		return fmt.Errorf("checkpoint of trial %s: the trial is finished (%s)", t.ID, t.outcome.Status)
	}
	row, err := json.Marshal(c.Row)
	if err != nil {
		return fmt.Errorf("checkpoint of trial %s: %w", t.ID, err)
	}
	metadata := map[string]string{rowKey: string(row)}
	for name, value := range c.Meta {
		if strings.HasPrefix(name, "starsweep.") {
			return fmt.Errorf("checkpoint of trial %s: metadata %q: names that begin with starsweep. are reserved", t.ID, name)
		}
		metadata[name] = value
	}
	metadata[sumKey] = checksum(c.Tensors, metadata)
	path := s.checkpointPath(t.ID)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.WriteFile(path, func(w io.Writer) error { return safetensors.Write(w, c.Tensors, metadata) })
}

// HasCheckpoint reports whether there is a checkpoint of a trial, sound or not.
func (v *View) HasCheckpoint(trial string) bool {
	_, err := os.Stat(v.checkpointPath(trial))
	return err == nil
}

// LoadCheckpoint returns the checkpoint of a trial. The error is os.ErrNotExist if there is none.
func (v *View) LoadCheckpoint(trial string) (Checkpoint, error) {
	path := v.checkpointPath(trial)
	info, err := os.Stat(path)
	if err != nil {
		return Checkpoint{}, durable.StorageError(path, err)
	}
	if err := regular.Check(info.Mode()); err != nil {
		return Checkpoint{}, durable.StorageError(path, fmt.Errorf("%w: remove it, and the trial starts from its beginning", err))
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return Checkpoint{}, durable.StorageError(path, err)
	}
	tensors, metadata, err := safetensors.Read(file)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%s: %w", path, err)
	}
	if got, want := checksum(tensors, metadata), metadata[sumKey]; got != want {
		return Checkpoint{}, fmt.Errorf("%s: the file is damaged: got checksum %s, want %q", path, got, want)
	}
	c := Checkpoint{Tensors: tensors, Meta: metadata}
	if err := json.Unmarshal([]byte(metadata[rowKey]), &c.Row); err != nil {
		return Checkpoint{}, fmt.Errorf("%s: metadata %s: %w", path, rowKey, err)
	}
	if c.Row.Trial != trial {
		return Checkpoint{}, fmt.Errorf("%s: the checkpoint is of trial %q", path, c.Row.Trial)
	}
	delete(metadata, rowKey)
	delete(metadata, sumKey)
	return c, nil
}

// ErrCheckpoint is in the chain of the error for a checkpoint from which training cannot continue. The trial can start from its
// beginning, and appends the same rows again.
var ErrCheckpoint = errors.New("the checkpoint cannot be used")

// resumable loads the checkpoint from which a trial can continue, nil if there is none. Errors: ErrCheckpoint, ErrStorage.
func (v *View) resumable(trial string) (*Checkpoint, error) {
	c, err := v.LoadCheckpoint(trial)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil && !errors.Is(err, ErrStorage):
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	case err != nil:
		return nil, err
	}
	if last := v.lastEpoch(trial); c.Row.Epoch > last+1 {
		return nil, fmt.Errorf("%w: it is of epoch %d, but the journal has lost the epochs after %d", ErrCheckpoint, c.Row.Epoch, last)
	}
	return &c, nil
}

// Resume loads the checkpoint of a trial, and appends its row if the crash came between SaveCheckpoint and AppendEpoch. Found is
// false for a trial that has none and starts from its beginning. Errors: ErrCheckpoint, ErrStorage, or those of AppendEpoch.
func (s *study) Resume(trial string) (c Checkpoint, found bool, err error) {
	from, err := s.resumable(trial)
	if err != nil || from == nil {
		return Checkpoint{}, false, err
	}
	return *from, true, s.AppendEpoch(from.Row)
}

// cleanCheckpoints removes what a crash left behind: half-written files, and checkpoints of finished or forgotten trials.
func (s *study) cleanCheckpoints() error {
	dir := filepath.Join(s.dir, "checkpoints")
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return durable.StorageError(dir, err)
	}
	for _, f := range files {
		name := f.Name()
		id, isCheckpoint := strings.CutSuffix(name, checkpointSuffix)
		t := s.trials[id]
		stale := isCheckpoint && (t == nil || t.outcome != nil && !s.options.KeepCheckpoints)
		if stale || strings.HasSuffix(name, durable.TempSuffix) {
			if err := durable.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checksum is the CRC-32C of tensors, with their names, types and shapes, and of the metadata except for itself. The format has no
// checksum, and a checkpoint may hold the only copy of an epoch's row.
func checksum(tensors []safetensors.Tensor, metadata map[string]string) string {
	sum := crc32.New(castagnoli)
	for _, t := range tensors {
		fmt.Fprintf(sum, "%q %s %v %d\n", t.Name, t.DType, t.Shape, len(t.Data))
		sum.Write(t.Data)
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if key != sumKey {
			fmt.Fprintf(sum, "%q=%q\n", key, metadata[key])
		}
	}
	return fmt.Sprintf("%08x", sum.Sum32())
}
