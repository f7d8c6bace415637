// Package feature turns images into feature matrices, which FID, precision and recall and related metrics compare. An Extractor
// is a fixed network, written as expressions (engine/expr) and run on a device through engine/lower. Open reads its weights; its
// name and digest identify everything that decides its features. The package knows nothing of scripts and tables:
// runner/evaluation passes its matrices to engine/metric, and runner passes the folder of the networks that users added.
package feature

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/metric"
)

// Extractor is a network that computes features of images. It is safe for concurrent use.
type Extractor struct {
	Name   string
	Digest string // SHA-256, in hex, of everything that decides the features: network, weights, resize and scaling
	Logits int    // classes of the logits, 0 if it has none

	batch   int // the largest number of images in one call
	on      lower.Device
	network network

	mu       sync.Mutex               // of what follows
	weights  weights                  // only their shapes once they are on the device
	onDevice map[string]*lower.Buffer // the weights
	size     [4]int                   // of the images that program was compiled for: batch, h, w, c
	program  *lower.Exec
}

// callValues is the largest number of values in the images of one call: 20 MB.
const callValues = 5 << 20

// Batch is the number of images of a size that one call takes. It depends only on the extractor and the size: the order in which a
// backend sums may depend on the batch, so a call with fewer images is padded, never made smaller
// (TestFeaturesDoNotDependOnWhatWasExtractedBefore). Extract wastes the least work on multiples of it.
func (e *Extractor) Batch(h, w, c int) int { return batchOf(e.batch, h, w, c) }

func batchOf(most, h, w, c int) int { return max(1, min(most, callValues/max(1, h*w*c))) }

// Dim is the number of features of an h x w image with c channels.
func (e *Extractor) Dim(h, w, c int) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	outs, _, err := e.trace([4]int{1, h, w, c})
	if err != nil {
		return 0, fmt.Errorf("extractor %s: %w", e.Name, err)
	}
	return outs[0].Shape.Size('c'), nil
}

// Extract returns the features of n images, x [n h w c] in [-1, 1], and their logits if the extractor has them (else a matrix
// without columns). Images are first quantized to 8 bits, as image files are: 127.5 x + 128, clamped to 0 .. 255 and truncated
// (Karras et al., metrics/metric_utils.py of stylegan2-ada-pytorch). Images that were read from 8 bits are recovered exactly. It
// ends early with the context's cause, between two calls.
func (e *Extractor) Extract(ctx context.Context, x []float32, n, h, w, c int) (features, logits metric.Features, err error) {
	defer func() {
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("extractor %s: %w", e.Name, err)
		}
	}()
	if n < 0 || len(x) != n*h*w*c {
		return features, logits, fmt.Errorf("got %d numbers, want %d for %d images of %d x %d x %d", len(x), n*h*w*c, n, h, w, c)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	size := [4]int{e.Batch(h, w, c), h, w, c}
	if err := e.compile(size); err != nil {
		return features, logits, err
	}
	features, logits = metric.Features{N: n}, metric.Features{N: n}
	for done := 0; done < n; done += size[0] {
		if ctx.Err() != nil {
			return metric.Features{}, metric.Features{}, context.Cause(ctx)
		}
		now := min(size[0], n-done)
		if err := e.run(x[done*h*w*c:(done+now)*h*w*c], now, &features, &logits); err != nil {
			return metric.Features{}, metric.Features{}, err
		}
	}
	return features, logits, nil
}

// trace builds the program for images of a size: its outputs, and the weights that it uses.
func (e *Extractor) trace(size [4]int) (outs []*expr.Node, used weights, err error) {
	b := &builder{g: expr.New(), weights: e.weights}
	features, logits, err := b.build(e.network, size)
	if err != nil {
		return nil, nil, err
	}
	outs = []*expr.Node{features}
	if logits != nil {
		outs = append(outs, logits)
	}
	return outs, b.used(), nil
}

// compile sets e.program to a program for images of a size. It keeps no programs for other sizes: the images of one set have one size.
func (e *Extractor) compile(size [4]int) error {
	if e.program != nil && e.size == size {
		return nil
	}
	outs, _, err := e.trace(size)
	if err != nil {
		return err
	}
	program, err := lower.Compile(e.on.Backend, outs...)
	if err != nil {
		return err
	}
	if e.program != nil {
		e.program.Close()
	}
	e.program, e.size = program, size
	return e.upload()
}

// upload moves the weights that the program reads to the device, once, and keeps only their shapes.
func (e *Extractor) upload() error {
	if e.onDevice != nil {
		return nil
	}
	onDevice, shapes := map[string]*lower.Buffer{}, weights{}
	for _, n := range e.program.Inputs {
		name := n.Attr.(expr.Leaf).Name
		if name == imagesName {
			continue
		}
		b, err := e.on.Upload(n.Shape, func(elements any) { lower.Fill(elements, e.weights[name].data) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		onDevice[name] = b
	}
	for name, w := range e.weights {
		shapes[name] = tensor{shape: w.shape}
	}
	e.onDevice, e.weights = onDevice, shapes
	return nil
}

// run appends the features and logits of a batch. If there are fewer images, the rest of the batch is grey.
func (e *Extractor) run(x []float32, n int, features, logits *metric.Features) (err error) {
	images, err := e.on.Input(imagesShape(e.size))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lower.Free(images)) }()
	if err := lower.Write(images, x...); err != nil {
		return err
	}
	in := make([]*lower.Buffer, len(e.program.Inputs))
	for i, node := range e.program.Inputs {
		name := node.Attr.(expr.Leaf).Name
		if in[i] = e.onDevice[name]; name == imagesName {
			in[i] = images
		}
	}
	outs, err := e.program.Run(e.on, in...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lower.Free(outs...)) }()
	for i, to := range []*metric.Features{features, logits}[:len(outs)] {
		err := outs[i].Read(func(elements any) {
			numbers := elements.([]float32)
			to.D = len(numbers) / e.size[0]
			to.X = append(to.X, numbers[:n*to.D]...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close frees the memory on the device. The extractor cannot be used afterwards.
func (e *Extractor) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, b := range e.onDevice {
		errs = append(errs, lower.Free(b))
	}
	if e.program != nil {
		e.program.Close()
	}
	e.program, e.onDevice = nil, nil
	return errors.Join(errs...)
}
