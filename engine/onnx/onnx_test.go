package onnx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/onnx"
	"github.com/starsweep/starsweep/internal/exprtest"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// model is the model of an expression: its inputs of no role are those of the model, and v has the values of all others.
func model(v exprtest.Values, out *Node) onnx.Model {
	m := onnx.Model{Name: "example", Producer: [2]string{"starsweep", "test"}, Output: onnx.Named{Name: "out", Node: out}}
	for _, n := range Order(out) {
		if l, ok := n.Attr.(Leaf); ok && l.Role == Other {
			m.Inputs = append(m.Inputs, onnx.Named{Name: l.Name, Node: n})
		}
	}
	m.Real = func(n *Node) float64 { return n.Value }
	m.Tensor = func(n *Node) (b []byte, err error) {
		for _, x := range v.Of(n) {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		}
		return b, nil
	}
	return m
}

// write writes an example with what its model is given and should return, for run.py.
func write(t *testing.T, folder, name string, out *Node) {
	t.Helper()
	v := exprtest.Values{"y": {2, 0, 1}}
	m := model(v, out)
	file, err := onnx.Encode(m)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	tensors := []safetensors.Tensor{tensorOf("out", out.Shape, exprtest.Eval(t, v, out)[0])}
	for _, in := range m.Inputs {
		s := in.Node.Shape
		if x := v.Of(in.Node); s.DType == I32 {
			tensors = append(tensors, safetensors.New(in.Name, s.Dims(), converted[int64](x)))
		} else {
			tensors = append(tensors, tensorOf(in.Name, s, x))
		}
	}
	var data bytes.Buffer
	if err := safetensors.Write(&data, tensors, nil); err != nil {
		t.Fatal(err)
	}
	for extension, b := range map[string][]byte{".onnx": file, ".safetensors": data.Bytes()} {
		if err := os.WriteFile(filepath.Join(folder, name+extension), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func tensorOf(name string, s Shape, x []float64) safetensors.Tensor {
	if s.DType == I32 {
		return safetensors.New(name, s.Dims(), converted[int32](x))
	}
	return safetensors.New(name, s.Dims(), converted[float32](x))
}

func converted[T int32 | int64 | float32](x []float64) (y []T) {
	for _, v := range x {
		y = append(y, T(v))
	}
	return y
}

// TestONNXRuntimeAgreesOnEveryOperation compares with the backend cpu, for all examples at once and for the first alone.
func TestONNXRuntimeAgreesOnEveryOperation(t *testing.T) {
	python := require.Tool(t, "STARSWEEP_PYTHON_ONNX", "onnx")
	folder := t.TempDir()
	for name, build := range translated() {
		g, in := inputs()
		write(t, folder, name, build(g, in))
	}
	out, err := exec.Command(python, "testdata/run.py", folder).Output()
	if err != nil {
		t.Fatal(err, string(err.(*exec.ExitError).Stderr))
	}
	lines := 0
	for line := range bytes.Lines(out) {
		var r struct {
			Name, Error string
			Difference  float64
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if lines++; r.Error != "" || !(r.Difference <= 2e-6) {
			t.Errorf("%s: off by %g %s", r.Name, r.Difference, r.Error)
		}
	}
	if lines != len(translated()) {
		t.Errorf("got %d results, want %d", lines, len(translated()))
	}
}

// refused are operations that no model has, with a part of the error.
var refused = map[string]struct {
	build build
	why   string
}{
	"bits": {func(g *Graph, in given) *Node {
		return Mul(in.z, Uniform(g.Const(U32, 1), g.Const(U32, 2), 3, Of(F32, "c", 2)))
	},
		"bits: got a random draw that no input of the model replaces"},
	"xor": {func(g *Graph, in given) *Node { return Xor(in.y, g.Const(I32, 1)) }, "xor: got bits of an integer"},
	"shr": {func(g *Graph, in given) *Node { return Shr(in.y, g.Const(I32, 1)) }, "shr: got bits of an integer"},
	"conv_kernel_grad": {func(_ *Graph, in given) *Node {
		return ConvKernel(in.x, in.x, Window2{H: Valid(4, 1, 1), W: Valid(5, 1, 1)})
	},
		"conv_kernel_grad: got a sum over the axis b of examples"},
	"sum over examples":   {func(_ *Graph, in given) *Node { return Sum(in.x, "bhw") }, "sum: got an operation along the axis b of examples"},
	"amax over examples":  {func(_ *Graph, in given) *Node { return Amax(in.x, "b") }, "amax: got an operation along the axis b"},
	"slice of examples":   {func(_ *Graph, in given) *Node { return Slice(in.x, 'b', 0, 1, 1) }, "slice: got an operation along the axis b"},
	"pad of examples":     {func(_ *Graph, in given) *Node { return Pad(in.x, 'b', 0, 1, 1) }, "pad: got an operation along the axis b"},
	"reverse of examples": {func(_ *Graph, in given) *Node { return Reverse(in.x, 'b') }, "reverse: got an operation along the axis b"},
	"concat of examples":  {func(_ *Graph, in given) *Node { return Concat('b', in.x, in.x) }, "concat: got an operation along the axis b"},
	"rename of examples":  {func(_ *Graph, in given) *Node { return Rename(in.x, "b", "j") }, "rename: got an operation along the axis b"},
	"merge of examples":   {func(_ *Graph, in given) *Node { return Merge(in.x, "bhw", 'b') }, "merge: got an operation along the axis b"},
	"iota of examples":    {func(g *Graph, in given) *Node { return Add(in.y, g.Iota('b', 3)) }, "iota: got an operation along the axis b"},
	"dot over examples": {func(_ *Graph, in given) *Node { return Dot(in.z, in.z, "b") },
		"dot: got an operation along the axis b"},
	"put of examples": {func(_ *Graph, in given) *Node { return Put(in.z, in.y, 'j', 3) },
		"dot: got an operation along the axis b"},
	"take of examples": {func(g *Graph, in given) *Node { return Take(in.z, g.Iota('w', 2), 'b') },
		"take: got an operation along the axis b"},
	"arithmetic of u32": {func(g *Graph, in given) *Node { return Add(Convert(in.y, U32), g.Const(U32, 3)) },
		"add: got u32, which ONNX Runtime"},
	"real images": {func(g *Graph, in given) *Node { return g.Leaf(Leaf{Role: Images, Name: "x0", Shape: in.x.Shape}) },
		"input: got the x0 of training"},
	"a convolution of f64": {func(g *Graph, in given) *Node {
		return Conv(Convert(in.x, F64), Convert(in.k, F64), Window2{H: Valid(4, 3, 1), W: Valid(5, 2, 1)})
	}, "conv: got f64, want f32"},
	"packed trials": {func(g *Graph, in given) *Node { return Sin(g.Input("packed", Of(F32, "kb", 2, 3))) }, "sin: got packed trials"},
}

func TestWhatAModelCannotHaveIsRefusedWithItsPlace(t *testing.T) {
	for name, c := range refused {
		g, in := inputs()
		before := g.At("study.star:3:7")
		out := c.build(g, in)
		g.At(before)
		_, err := onnx.Encode(model(nil, out))
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "onnx: study.star:3:7: "+c.why) {
			t.Errorf("%s: got the error %v, want one that begins with study.star:3:7: %s", name, err, c.why)
		}
	}
}

func TestEveryOperationIsTranslatedOrRefused(t *testing.T) {
	tested := map[string]bool{}
	add := func(build build) {
		g, in := inputs()
		for _, n := range Order(build(g, in)) {
			tested[n.Op.Name] = true
		}
	}
	for _, build := range translated() {
		add(build)
	}
	for name, c := range refused {
		if _, operation := Ops[name]; operation {
			add(c.build)
		}
	}
	for name := range Ops {
		if !tested[name] {
			t.Errorf("%s is neither translated nor refused in a test", name)
		}
	}
}

func TestAnOutputThatReadsNoInputHasNoNumberOfExamples(t *testing.T) {
	g := New()
	_, err := onnx.Encode(model(nil, Expand(scale(g), Of(F32, "b", 3))))
	if err == nil || !strings.Contains(err.Error(), "got no input with the axis b of examples, want one") {
		t.Errorf("got %v", err)
	}
}

func TestAMissingWeightIsAnError(t *testing.T) {
	g, in := inputs()
	m := model(nil, Mul(in.z, scale(g)))
	m.Tensor = func(*Node) ([]byte, error) { return nil, errors.New("lost") }
	if _, err := onnx.Encode(m); err == nil || err.Error() != "lost" {
		t.Errorf("got %v, want lost", err)
	}
	m = model(nil, Mul(in.z, scale(g)))
	m.Tensor = func(*Node) ([]byte, error) { return []byte{1}, nil }
	if _, err := onnx.Encode(m); err == nil || !strings.Contains(err.Error(), "net/scale: got 1 bytes, want 4") {
		t.Errorf("got %v", err)
	}
}
