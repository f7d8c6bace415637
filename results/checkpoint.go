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

// saveCheckpoint replaces the checkpoint of a trial. The old one remains until the new one is on disk and held returns no error.
func (v *View) saveCheckpoint(c Checkpoint, held func() error) error {
	trial := c.Row.Trial
	row, err := json.Marshal(c.Row)
	if err != nil {
		return fmt.Errorf("checkpoint of trial %s: %w", trial, err)
	}
	metadata := map[string]string{rowKey: string(row)}
	for name, value := range c.Meta {
		if strings.HasPrefix(name, "starsweep.") {
			return fmt.Errorf("checkpoint of trial %s: metadata %q: names that begin with starsweep. are reserved", trial, name)
		}
		metadata[name] = value
	}
	metadata[sumKey] = checksum(c.Tensors, metadata)
	path := v.checkpointPath(trial)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.WriteChecked(path, func(w io.Writer) error { return safetensors.Write(w, c.Tensors, metadata) }, held)
}

// HasCheckpoint reports whether there is a checkpoint of a trial, sound or not.
func (v *View) HasCheckpoint(trial string) bool {
	_, err := os.Stat(v.checkpointPath(trial))
	return err == nil
}

// checkpoints are the trials of which there is a checkpoint, sound or not.
func (v *View) checkpoints() (map[string]bool, error) {
	dir := filepath.Join(v.dir, "checkpoints")
	files, _, err := regular.Names(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, durable.StorageError(dir, err)
	}
	there := map[string]bool{}
	for _, name := range files {
		if id, ok := strings.CutSuffix(name, checkpointSuffix); ok {
			there[id] = true
		}
	}
	return there, nil
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
