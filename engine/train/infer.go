package train

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
)

// Sample generates images from, from+1, ..., to-1 of an endless sequence [to-from h w c] with the current weights. Batch number i of the
// sampling program draws its latents from the seed and i, so that an image with the same number shows the same latent at every epoch.
// The program makes a batch at a time: multiples of Config.SampleBatch cost no more than they need. Training is not affected.
func (r *Run) Sample(from, to int) ([]float32, error) {
	p := r.job.Program
	if p.Sample == nil {
		return nil, errors.New("the program generates no images")
	}
	each := p.Sample.Shape.Without("b").Elems()
	images := make([]float32, 0, (to-from)*each)
	for b := range r.sampleBatches(from, to) {
		batch, err := r.infer(r.c.sample, b.number, Images{}, nil, p.Sample)
		if err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		for _, v := range batch[0][b.from*each : b.to*each] {
			images = append(images, float32(v))
		}
	}
	return images, nil
}

// part is what is wanted of a batch of samples: those from, from+1, ..., to-1 of it.
type part struct {
	number   uint32
	from, to int
}

// sampleBatches are the batches that samples from, from+1, ..., to-1 are in.
func (r *Run) sampleBatches(from, to int) iter.Seq[part] {
	size := r.job.Program.Config.SampleBatch
	return func(yield func(part) bool) {
		for first := from / size * size; first < to; first += size {
			if !yield(part{uint32(first / size), max(from-first, 0), min(to-first, size)}) {
				return
			}
		}
	}
}

// Given returns what Sample draws or chooses for the same samples: for each tensor of the program's Given, in their order, the numbers of
// each sample.
func (r *Run) Given(from, to int) ([][]float64, error) {
	p := r.job.Program
	var outs []*expr.Node
	for _, g := range p.Given {
		if !g.Node.Shape.Has('b') {
			return nil, fmt.Errorf("sample: %s is drawn once for a batch of samples, and belongs to none of them", g.Name)
		}
		outs = append(outs, g.Node)
	}
	if len(outs) == 0 {
		return nil, nil
	}
	e, err := r.c.given.Do(context.Background(), struct{}{}, func() (*lower.Exec, error) { return r.c.build("latents", outs...) })
	if err != nil {
		return nil, err
	}
	given := make([][]float64, len(outs))
	for b := range r.sampleBatches(from, to) {
		batch, err := r.infer(e, b.number, Images{}, nil, outs...)
		if err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		for i, o := range outs {
			each := o.Shape.Without("b").Elems()
			given[i] = append(given[i], batch[i][b.from*each:b.to*each]...)
		}
	}
	return given, nil
}

// Test returns the program's tests as means over all images, with the current weights. Training is not affected. Every image counts
// once: whole batches are weighted by their size, and the images left over are read one by one.
func (r *Run) Test(ctx context.Context, images Images) ([]Value, error) {
	p := r.job.Program
	if len(p.Test) == 0 {
		return nil, errors.New("the program has no tests")
	}
	if err := images.check(p.Config.Image); err != nil {
		return nil, fmt.Errorf("test: %w", err)
	}
	if images.N == 0 {
		return nil, errors.New("test: got no images, want at least one")
	}
	tests, size := p.Test, model.TestBatch
	e := r.c.test
	values := make([]Value, len(tests))
	for i, q := range tests {
		values[i].Name = q.Name
	}
	index := make([]int32, 0, model.TestBatch)
	for at := 0; at < images.N; at += size {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if at+size > images.N { // once, at the end of the whole batches
			var err error
			if e, err = r.c.testOne.Do(ctx, struct{}{}, func() (*lower.Exec, error) { return r.c.build("test", nodes(p.TestOne)...) }); err != nil {
				return nil, err
			}
			tests, size = p.TestOne, 1
		}
		index = index[:0]
		for i := range size {
			index = append(index, int32(at+i))
		}
		got, err := r.infer(e, uint32(at), images, index, nodes(tests)...)
		if err != nil {
			return nil, fmt.Errorf("test: %w", err)
		}
		for i, v := range got {
			values[i].V += v[0] * float64(size) / float64(images.N)
		}
	}
	return values, nil
}

// nodes are the expressions of recorded numbers.
func nodes(recorded []model.Recorded) (list []*expr.Node) {
	for _, q := range recorded {
		list = append(list, q.Node)
	}
	return list
}

// infer evaluates outs, expressions of the run's program that e was compiled from, with the present weights, on the images at
// index. The step seeds the draws of the call.
func (r *Run) infer(e *lower.Exec, step uint32, images Images, index []int32, outs ...*expr.Node) (got [][]float64, err error) {
	if err := r.lost(); err != nil {
		return nil, err
	}
	ls := leaves(outs...)
	in := make([]*lower.Buffer, len(ls))
	var own []*lower.Buffer
	defer func() { err = errors.Join(err, lower.Free(own...)) }()
	for i, l := range ls {
		if l.Role == expr.State {
			in[i] = r.state[l.Index]
			continue
		}
		if images.N == 0 && (l.Role == expr.Images || l.Role == expr.Labels) {
			return nil, errors.New("the program reads data, and there are none")
		}
		if in[i], err = r.on.Input(l.Shape); err != nil {
			return nil, err
		}
		own = append(own, in[i])
		switch l.Role {
		case expr.Seed:
			err = lower.Write(in[i], r.seed)
		case expr.Step:
			err = lower.Write(in[i], step)
		case expr.Real:
			err = lower.Write(in[i], r.real(l.Index, max(0, r.step-1)))
		case expr.Images:
			pixels := make([]float32, len(index)*images.size())
			images.Batch(pixels, index)
			err = lower.Write(in[i], pixels...)
		case expr.Labels:
			if len(images.Labels) != images.N {
				return nil, missingLabels(images)
			}
			labels := make([]int32, len(index))
			for j, at := range index {
				labels[j] = images.Labels[at]
			}
			err = lower.Write(in[i], labels...)
		}
		if err != nil {
			return nil, err
		}
	}
	results, err := e.Run(r.on, in...)
	if err != nil {
		return nil, err
	}
	for _, t := range results {
		v, err := t.Floats()
		if err != nil {
			return nil, errors.Join(err, lower.Free(results...))
		}
		got = append(got, v)
	}
	return got, lower.Free(results...)
}
