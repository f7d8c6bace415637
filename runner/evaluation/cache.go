package evaluation

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// A cache file is safetensors: the features [n d] and the logits [n c] of real images, and in its metadata what they are of and the
// SHA-256 of the numbers. It is published whole by a rename, so that several processes may write the same one.
const (
	ofKey  = "starsweep.features"
	sumKey = "starsweep.sha256"
)

// cached gives what compute gives, from the cache if it is there. What says which images these are.
func (b *Bench) cached(net network, what string, compute func() (features, logits metric.Features, err error)) (features, logits metric.Features, err error) {
	if net.extractor == nil || b.Cache == "" { // points are their own features
		return compute()
	}
	of := fmt.Sprintf("1 %s %s %s %s", b.Numerics, net.extractor.Name, net.extractor.Digest, what)
	path := filepath.Join(b.Cache, fmt.Sprintf("%x.safetensors", sha256.Sum256([]byte(of))))
	features, logits, err = readFeatures(path, of)
	if err == nil {
		return features, logits, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		b.warn(fmt.Errorf("%s: %w; the features are computed again", path, err))
	}
	b.say(fmt.Sprintf("taking real images through %s; the cache keeps the features", net.extractor.Name))
	if features, logits, err = compute(); err != nil {
		return features, logits, err
	}
	if err := writeFeatures(path, of, features, logits); err != nil {
		b.warn(fmt.Errorf("the features of real images are not kept: %w", err))
	}
	return features, logits, nil
}

func writeFeatures(path, of string, features, logits metric.Features) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o666))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }() // of no effect after the rename
	tensors := []safetensors.Tensor{
		safetensors.New("features", []int{features.N, features.D}, features.X),
		safetensors.New("logits", []int{logits.N, logits.D}, logits.X),
	}
	if err := safetensors.Write(f, tensors, map[string]string{ofKey: of, sumKey: sum(tensors)}); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

func readFeatures(path, of string) (features, logits metric.Features, err error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return features, logits, err
	}
	tensors, metadata, err := safetensors.Read(file)
	if err != nil {
		return features, logits, err
	}
	if got := metadata[ofKey]; got != of {
		return features, logits, fmt.Errorf("got the features of %q, want those of %q", got, of)
	}
	if got, want := sum(tensors), metadata[sumKey]; got != want {
		return features, logits, fmt.Errorf("got SHA-256 %s, want %s", got, want)
	}
	for _, t := range tensors {
		x, err := safetensors.Values[float32](t)
		if err != nil {
			return features, logits, err
		}
		m := metric.Features{N: t.Shape[0], D: t.Shape[1], X: x}
		if t.Name == "features" {
			features = m
		} else {
			logits = m
		}
	}
	return features, logits, nil
}

// sum is the SHA-256 of all numbers in order.
func sum(tensors []safetensors.Tensor) string {
	h := sha256.New()
	for _, t := range tensors {
		h.Write(t.Data)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
