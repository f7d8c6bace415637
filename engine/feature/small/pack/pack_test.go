package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/feature/small"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/exprtest"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner"
	"github.com/starsweep/starsweep/starlib"
)

// train runs the smoke profile of a script in the folder above, and returns the study's directory.
func train(t *testing.T, home, script string, args ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var b bytes.Buffer
	args = append([]string{"run", script, "--profile", "smoke", "--backend", "cpu", "--dir", dir}, args...)
	env := runner.Env{Args: args, Stdout: &b, Stderr: &b, Home: home, Getenv: func(string) string { return "" }, Now: time.Now,
		Version: "test"}
	if code := runner.Main(context.Background(), env); code != 0 {
		t.Fatalf("exit code %d\n%s", code, b.String())
	}
	return dir
}

// file is the result of pack for a study.
func file(t *testing.T, dir, declaration string) []byte {
	t.Helper()
	text, err := os.ReadFile(declaration)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pack(dir, text)
	if err != nil {
		t.Fatal(err)
	}
	return p.file
}

// build builds the network of a file as expressions of x, following the documentation of the format.
func build(t *testing.T, g *expr.Graph, file []byte, x *expr.Node) (feature, logits *expr.Node, values exprtest.Values) {
	t.Helper()
	n, w, _, err := small.Unmarshal(file)
	if err != nil {
		t.Fatal(err)
	}
	values = exprtest.Values{}
	weight := func(name, axes string) *expr.Node {
		for _, v := range w[name].Data {
			values[name] = append(values[name], float64(v))
		}
		return g.Input(name, expr.Of(expr.F32, axes, w[name].Shape...))
	}
	windows := func(of func(in int) expr.Window) expr.Window2 {
		return expr.Window2{H: of(x.Shape.Size('h')), W: of(x.Shape.Size('w'))}
	}
	for name, l := range n.Named() {
		switch l.Kind {
		case "conv":
			same := windows(func(in int) expr.Window { return expr.Same(in, l.Kernel, l.Stride) })
			x = expr.Add(expr.Conv(x, weight(name+"/kernel", "hwio"), same), weight(name+"/bias", "c"))
		case "relu":
			x = expr.Relu(x)
		case "max_pool":
			x = expr.MaxPool(x, windows(func(in int) expr.Window { return expr.Valid(in, l.Window, l.Window) }))
		case "global_avg_pool":
			x = expr.Mean(x, "hw")
		case "dense":
			x = expr.Add(expr.Rename(expr.Dot(x, weight(name+"/kernel", "co"), "c"), "o", "c"), weight(name+"/bias", "c"))
		default:
			t.Fatalf("%s: unknown layer", name)
		}
		if name == n.Feature {
			feature = x
		}
	}
	return feature, x, values
}

// trained returns the features in the test of a trained network: the operand of its only product, the last dense layer.
func trained(t *testing.T, script, dir string) (feature *expr.Node, values exprtest.Values) {
	t.Helper()
	source, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	s, err := starlib.Loader{Catalogue: spec.Catalogue{DataSets: data.Declarations()}}.Load(context.Background(), script, source)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.With("smoke", nil); err != nil {
		t.Fatal(err)
	}
	job, err := s.Job(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range expr.Order(job.Program.Test[0].Node) {
		if n.Op.Name == "dot" && n.Args[0].Shape.Axes() == "bc" && feature == nil {
			feature = n.Args[0]
		}
	}
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	c, err := v.LoadCheckpoint(v.Trials()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	values = exprtest.Values{}
	for _, x := range c.Tensors {
		if x.DType != safetensors.F32 {
			continue
		}
		numbers, err := safetensors.Values[float32](x)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range numbers {
			values[x.Name] = append(values[x.Name], float64(v))
		}
	}
	return feature, values
}

// images returns images of a set, float32 converted to float64.
func images(set *data.Set, from, n int) []float64 {
	index := make([]int32, n)
	for i := range index {
		index[i] = int32(from + i)
	}
	x := make([]float32, n*set.H*set.W*set.C)
	set.Batch(x, index)
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	return wide
}

func open(t *testing.T, home string, d spec.Data) *data.Set {
	t.Helper()
	set, err := (&data.Store{Dir: filepath.Join(home, "data")}).Open(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func cifarHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(require.Shared(t), "data", "cifar10"), filepath.Join(home, "data", "cifar10")); err != nil {
		t.Fatal(err)
	}
	return home
}

var (
	mnistTest = spec.Data{Name: "mnist12k", Split: "test", Size: 32, Channels: 1} // 2,000 images that are in the binary
	cifarTest = spec.Data{Name: "cifar10", Split: "test", Size: 32, Channels: 3}
)

func TestAPackedNetworkHasTheFeaturesOfTheTrainedOne(t *testing.T) {
	for _, c := range []struct {
		name string
		home func(t *testing.T) string
		test spec.Data
	}{
		{"mnist", func(t *testing.T) string { return t.TempDir() }, mnistTest},
		{"cifar10", cifarHome, cifarTest},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "cifar10" && testing.Short() {
				t.Skip("-short: the small set only")
			}
			home := c.home(t)
			dir := train(t, home, "../"+c.name+".star", "--keep", "all")
			x := images(open(t, home, c.test), 0, model.TestBatch)

			feature, values := trained(t, "../"+c.name+".star", dir)
			values["x0"] = x
			want := exprtest.Eval(t, values, feature)[0]

			packed := file(t, dir, "../"+c.name+".json")
			g := expr.New()
			feature, _, values = build(t, g, packed, g.Input("x", expr.Of(expr.F32, "bhwc", model.TestBatch, 32, 32, c.test.Channels)))
			values["x"] = x
			exprtest.Close(t, "features", exprtest.Eval(t, values, feature)[0], want, 1e-3)

			if again := file(t, dir, "../"+c.name+".json"); !bytes.Equal(again, packed) {
				t.Error("the same trial gave other bytes")
			}
		})
	}
}

func TestErrorsOfPackSayWhatIsWrong(t *testing.T) {
	mnist, err := os.ReadFile("../mnist.json")
	if err != nil {
		t.Fatal(err)
	}
	kept := train(t, t.TempDir(), "../mnist.star", "--keep", "all", "--set", "images=128")
	for _, c := range []struct{ name, dir, declaration, want string }{
		{"no study", t.TempDir(), string(mnist), "study.json"},
		{"no checkpoint", train(t, t.TempDir(), "../mnist.star", "--keep", "none", "--set", "images=128"), string(mnist),
			"run the study with --keep all"},
		{"another width", kept, strings.Replace(string(mnist), `"filters": 64`, `"filters": 60`, 1),
			"batch_norm2: got 64 numbers for 60 channels"},
		{"another norm", kept, strings.Replace(string(mnist), `{"kind": "batch_norm", "eps": 1e-3},`, ``, 1),
			"batch_norm1: got 32 numbers for 64 channels"},
		{"another kernel", kept, strings.Replace(string(mnist), `"kernel": 5`, `"kernel": 3`, 1),
			"tensor conv1/kernel: got [5 5 1 32], want [3 3 1 32]"},
		{"another layer", kept, strings.Replace(string(mnist), `{"kind": "global_avg_pool"}`,
			`{"kind": "conv", "filters": 3, "kernel": 1, "stride": 1}, {"kind": "global_avg_pool"}`, 1),
			"tensor conv4/kernel: got [], want [1 1 128 3]"},
		{"no declaration", kept, "", "declaration of a network: EOF"},
	} {
		if _, err := pack(c.dir, []byte(c.declaration)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}
