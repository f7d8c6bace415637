package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/onnx"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
)

// toONNX is the format of a generator; the others are those of a study.
const toONNX = "onnx"

// checkONNX returns the error of a command line with --to onnx.
func (o *exportOptions) checkONNX() error {
	switch {
	case o.trial == "":
		return usageErrorf("--to %s: want --trial, the trial whose generator is written", toONNX)
	case o.where != "" || len(o.objectives) > 0:
		return usageErrorf("--to %s: want neither --where nor --objective: it writes one trial", toONNX)
	case o.out == "":
		return usageErrorf("--to %s: want --out, the file to write", toONNX)
	case !strings.EqualFold(filepath.Ext(o.out), ".onnx"):
		return usageErrorf("--out: got %q, want a name that ends with .onnx", o.out)
	}
	if _, err := os.Lstat(o.out); err == nil {
		return usageErrorf("--out: %s: the file exists already: choose another name, or remove it", plain.Line(o.out))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return durable.StorageError(o.out, err)
	}
	return nil
}

// exportONNX writes the generator of a trial as a model of ONNX, with the weights that the study keeps.
func exportONNX(ctx context.Context, env *Env, dir, trial, out string) error {
	v, t, err := env.openTrial(ctx, dir, trial)
	if err != nil {
		return err
	}
	defer v.Close()
	c, err := keptWeights(v, t)
	if err != nil {
		return err
	}
	state, err := execute.StateOf(&c)
	if err != nil {
		return asUsageError(err)
	}
	m := modelOf(v.Meta(), t, &c)
	m.Producer[1] = env.Version
	steps := max(1, int(c.Row.Images)/(t.Job.Program.Batches*t.Job.Program.Config.Batch))
	m.Real = func(n *expr.Node) float64 {
		return t.Job.Reals[n.Attr.(expr.Leaf).Index].Value.At(max(0, c.Row.Epoch*steps-1), steps)
	}
	m.Tensor = func(n *expr.Node) ([]byte, error) { return tensorOf(t.ID, state, n) }
	file, err := onnx.Encode(m)
	if err != nil {
		return usageErrorf("trial %s cannot be written: %w", t.ID, err)
	}
	if err := durable.MkdirAll(filepath.Dir(out)); err != nil {
		return err
	}
	err = durable.WriteShared(out, func(w io.Writer) error { _, err := w.Write(file); return err })
	if err != nil {
		return err
	}
	var given []string
	for _, in := range m.Inputs {
		given = append(given, in.Name+axesOf(in.Node.Shape))
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: generator of trial %s after epoch %d of %d: %s\n  from %s to %s%s\n", plain.Line(out), t.ID,
		c.Row.Epoch, t.Length, v.Meta().Label(t.Point, t.Seed), strings.Join(given, ", "), m.Output.Name, axesOf(m.Output.Node.Shape))
	return err
}

// axesOf is a shape as users of a model see it: [batch, 28, 28, 1].
func axesOf(s expr.Shape) string {
	var sizes []string
	for _, a := range []byte(s.Axes()) {
		if a == 'b' {
			sizes = append(sizes, "batch")
		} else {
			sizes = append(sizes, fmt.Sprint(s.Size(a)))
		}
	}
	return "[" + strings.Join(sizes, ", ") + "]"
}

// modelOf describes the generator of a trial: what it is given, what it returns, where it comes from.
func modelOf(m results.Meta, t *restored, c *results.Checkpoint) onnx.Model {
	p, label := t.Job.Program, m.Label(t.Point, t.Seed)
	doc := fmt.Sprintf("Generator of trial %s of the study %s after epoch %d: %s.", t.ID, m.Study, c.Row.Epoch, label)
	model := onnx.Model{Name: m.Study, Doc: doc, Producer: [2]string{"starsweep"}}
	for _, g := range p.Given {
		model.Inputs = append(model.Inputs, onnx.Named{Name: g.Name, Doc: g.What, Node: g.Node})
	}
	model.Output = onnx.Named{Name: "images", Doc: "batch, height, width, channels; those of the data are from -1 to 1", Node: p.Sample}
	layout, values := "batch, height, width, channels", "-1 (black) to 1 (white)"
	if !p.Sample.Shape.Has('h') {
		model.Output = onnx.Named{Name: "points", Doc: "coordinates", Node: p.Sample}
		layout, values = "batch, coordinates", "coordinates"
	}
	weights := "those of the epoch"
	for _, n := range expr.Order(p.Sample) {
		if l, ok := n.Attr.(expr.Leaf); ok && l.Role == expr.State && strings.HasSuffix(l.Name, ".ema") {
			weights = "moving averages"
		}
	}
	precision := "float32"
	if p.Config.BF16 {
		precision = "float32; trained with products of bfloat16"
	}
	model.Metadata = [][2]string{{"study", m.Study}, {"trial", t.ID}, {"configuration", t.Configuration}, {"hyperparameters", label},
		{"epoch", fmt.Sprint(c.Row.Epoch)}, {"weights", weights}, {"layout", layout}, {"range", values}, {"precision", precision}}
	return model
}

// tensorOf is the value of a weight or a buffer of a trial.
func tensorOf(trial string, state []train.Tensor, n *expr.Node) ([]byte, error) {
	name := n.Attr.(expr.Leaf).Name
	i := slices.IndexFunc(state, func(x train.Tensor) bool { return x.Name == name })
	if i < 0 {
		return nil, usageErrorf("checkpoint of trial %s: it lacks %s", trial, name)
	}
	if x := state[i]; x.DType != n.Shape.DType || !slices.Equal(x.Shape, n.Shape.Dims()) {
		return nil, usageErrorf("checkpoint of trial %s: %s: got %v%v, want %v", trial, name, x.DType, x.Shape, n.Shape)
	}
	return state[i].Data, nil
}
