package evaluation

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// A file of the cache is a safetensors file after its own SHA-256: the features [n d] and the logits [n c] of some images, with metadata
// that names the images and the extractor. Several processes may write the same file. Anything else in its place, and any error, only
// costs time.
const (
	cacheVersion = 2 // changes with the layout, and with anything in extractors that their digest does not cover
	cacheBytes   = 8 << 30
	cacheSuffix  = ".features"
	ofKey        = "starsweep.features"
)

// selection is some images of a set. It and the network determine the features.
type selection struct {
	size
	digest string // of the set's content
	which  string // images, and in which order
	count  int
}

// cached returns the results of compute, from the cache if possible.
func (c *Comparer) cached(net network, s selection, compute func() (features, logits metric.Features, err error)) (
	features, logits metric.Features, err error) {
	if net.extractor == nil || c.Cache == "" { // points are their own features
		return compute()
	}
	width, err := net.extractor.Dim(s.h, s.w, s.c)
	if err != nil {
		return features, logits, err
	}
	of := fmt.Sprintf("version %d; numerics %s; extractor %s %s; batch %d; images %s: %s, %d", cacheVersion, c.Numerics, net.extractor.Name,
		net.extractor.Digest, net.extractor.Batch(s.h, s.w, s.c), s.digest, s.which, s.count)
	path := filepath.Join(c.Cache, fmt.Sprintf("%x%s", sha256.Sum256([]byte(of)), cacheSuffix))
	features, logits, err = readFeatures(path, of, s.count, width, net.extractor.Logits)
	if err == nil {
		if c.Now != nil {
			_ = os.Chtimes(path, c.Now(), c.Now()) // for trim; in a folder without write permission nothing is trimmed
		}
		return features, logits, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		c.warn(fmt.Errorf("%s: %w; the features are computed again", path, err))
	}
	if features, logits, err = compute(); err != nil {
		return features, logits, err
	}
	if err := writeFeatures(path, of, features, logits); err != nil {
		c.warn(fmt.Errorf("features of images are not cached: %w", err))
	} else if err := trim(c.Cache, filepath.Base(path), cacheBytes); err != nil {
		c.warn(fmt.Errorf("old features are not removed from the cache: %w", err))
	}
	return features, logits, nil
}

func writeFeatures(path, of string, features, logits metric.Features) error {
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.RemoveAll(path); err != nil { // a folder, say, that a rename does not replace
			return err
		}
	}
	var file bytes.Buffer
	tensors := []safetensors.Tensor{
		safetensors.New("features", []int{features.N, features.D}, features.X),
		safetensors.New("logits", []int{logits.N, logits.D}, logits.X),
	}
	if err := safetensors.Write(&file, tensors, map[string]string{ofKey: of}); err != nil {
		return err
	}
	sum := sha256.Sum256(file.Bytes())
	return durable.WriteShared(path, func(w io.Writer) error {
		if _, err := w.Write(sum[:]); err != nil {
			return err
		}
		_, err := w.Write(file.Bytes())
		return err
	})
}

// readFeatures reads n features of a width, and logits. A file that is larger than they are is not read.
func readFeatures(path, of string, n, width, classes int) (features, logits metric.Features, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return features, logits, err
	}
	if err := regular.Check(info.Mode()); err != nil {
		return features, logits, err
	}
	const header = 1 << 16
	if most := int64(4*n*(width+classes) + header); info.Size() > most {
		return features, logits, fmt.Errorf("got %d bytes, want at most %d", info.Size(), most)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return features, logits, err
	}
	if len(file) < sha256.Size || [sha256.Size]byte(file) != sha256.Sum256(file[sha256.Size:]) {
		return features, logits, fmt.Errorf("the file is damaged: its SHA-256 is not the one that it begins with")
	}
	tensors, metadata, err := safetensors.Read(file[sha256.Size:])
	if err != nil {
		return features, logits, err
	}
	if got := metadata[ofKey]; got != of {
		return features, logits, fmt.Errorf("got the features of %q, want those of %q", got, of)
	}
	for _, want := range []struct {
		name string
		d    int
		to   *metric.Features
	}{{"features", width, &features}, {"logits", classes, &logits}} {
		i := slices.IndexFunc(tensors, func(t safetensors.Tensor) bool { return t.Name == want.name })
		if i < 0 || !slices.Equal(tensors[i].Shape, []int{n, want.d}) {
			return features, logits, fmt.Errorf("%s: want [%d %d]", want.name, n, want.d)
		}
		x, err := safetensors.Values[float32](tensors[i])
		if err != nil {
			return features, logits, err
		}
		*want.to = metric.Features{N: n, D: want.d, X: x}
	}
	return features, logits, nil
}

// trim removes the files that were not used for the longest until all of them take at most so many bytes, except one.
func trim(dir, keep string, most int64) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() { // else another process has removed it
			files = append(files, info)
			most -= info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, f := range files {
		if most >= 0 {
			return nil
		}
		if f.Name() == keep {
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		most += f.Size()
	}
	return nil
}
