package lower_test

import (
	"fmt"
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/internal/exprtest"
	"github.com/starsweep/starsweep/internal/require"
)

// open makes the backend of a configuration.
func open(t testing.TB, config string) *lower.Backend {
	t.Helper()
	return exprtest.Open(t, config)
}

// each runs a test on every backend at hand: cpu, and without -short GoMLX's own and the PJRT plugin (an absolute path) that
// STARSWEEP_PJRT names.
func each(t *testing.T, do func(t *testing.T, b *lower.Backend)) {
	configs := map[string]string{"cpu": "cpu"}
	if !testing.Short() {
		configs["go"] = "go"
		if p := require.Plugin(t); p != "" {
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
	on lower.Device
}

func compile(t testing.TB, b *lower.Backend, outs ...*Node) program {
	t.Helper()
	e, err := lower.Compile(b, outs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return program{e, b.Devices()[0]}
}

func (p program) run(t testing.TB, in values) [][]float64 {
	t.Helper()
	for _, n := range p.Inputs {
		if _, ok := in[n.Attr.(Leaf).Name]; !ok && n.Op.Name != "real" {
			t.Fatalf("no value for %v", n.Attr)
		}
	}
	out, err := exprtest.Run(p.Exec, p.on, exprtest.Values(in))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eval runs outs once.
func eval(t testing.TB, b *lower.Backend, in values, outs ...*Node) [][]float64 {
	t.Helper()
	return compile(t, b, outs...).run(t, in)
}

// argument is the i-th input of an example.
func argument(i int) string { return fmt.Sprint("x", i) }
