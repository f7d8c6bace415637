package lower_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"

	_ "github.com/starsweep/starsweep/engine/cpu"
	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// backends made so far, by configuration: a plugin is loaded once per process.
var backends = struct {
	sync.Mutex
	made map[string]compute.Backend
}{made: map[string]compute.Backend{}}

// open makes the backend of a configuration.
func open(t testing.TB, config string) compute.Backend {
	t.Helper()
	t.Setenv("GOMLX_NO_AUTO_INSTALL", "1")
	backends.Lock()
	defer backends.Unlock()
	if b, ok := backends.made[config]; ok {
		return b
	}
	b, err := compute.NewWithConfig(config)
	if err != nil {
		t.Fatalf("backend %s: %v", config, err)
	}
	backends.made[config] = b
	return b
}

// each runs a test on every backend at hand: cpu, and without -short GoMLX's own and the PJRT plugin (an absolute path) that
// STARSWEEP_PJRT names.
func each(t *testing.T, do func(t *testing.T, b compute.Backend)) {
	configs := map[string]string{"cpu": "cpu"}
	if !testing.Short() {
		configs["go"] = "go:parallelism=-1"
		if p := os.Getenv("STARSWEEP_PJRT"); p != "" {
			configs["xla"] = "xla:" + p
		}
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) { do(t, open(t, config)) })
	}
}

// values are the elements of inputs, by name.
type values map[string][]float64

// program is a compiled tuple that is run on values.
type program struct {
	*lower.Exec
}

func compile(t testing.TB, b compute.Backend, outs ...*Node) program {
	t.Helper()
	e, err := lower.Compile(b, outs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Finalize)
	return program{e}
}

func (p program) run(t testing.TB, in values) (out [][]float64) {
	t.Helper()
	var args []*tensors.Tensor
	for _, n := range p.Inputs {
		if n.Op.Name == "real" {
			args = append(args, lower.RealValue(n))
			continue
		}
		v, ok := in[n.Attr.(Leaf).Name]
		if !ok {
			t.Fatalf("no value for %v", n.Attr)
		}
		args = append(args, lower.Tensor(n.Shape, v))
	}
	res, err := p.Run(args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range res {
		out = append(out, lower.Floats(r))
		r.MustFinalizeAll()
	}
	for _, a := range args {
		a.MustFinalizeAll()
	}
	return out
}

// eval runs outs once.
func eval(t testing.TB, b compute.Backend, in values, outs ...*Node) [][]float64 {
	t.Helper()
	return compile(t, b, outs...).run(t, in)
}

// argument is the i-th input of an example.
func argument(i int) string { return fmt.Sprint("x", i) }
