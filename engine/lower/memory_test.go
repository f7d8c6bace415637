package lower_test

import (
	"runtime"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// square is sum(tanh(x)·exp(x)) of x [b 1000 c 10], 40,000 bytes each.
func square() *expr.Node {
	g := expr.New()
	x := g.Leaf(expr.Leaf{Role: expr.State, Name: "x", Shape: expr.Of(expr.F32, "bc", 1000, 10)})
	return expr.Sum(expr.Mul(expr.Tanh(x), expr.Exp(x)), "bc")
}

func TestLiveMemoryIsWhatIsAliveAtOnce(t *testing.T) {
	// tanh, exp and their product; two of them are freed before the sum
	if got, want := lower.Live(square()), (lower.Memory{Work: 3*40000 - 4, Results: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMemoryIsKnownWhereTheBackendPlansIt(t *testing.T) {
	for _, x := range []struct {
		backend string
		planned bool
	}{{"cpu:threads=1", true}, {"cpu:threads=1,nofuse", true}, {"go", false}} {
		b, err := lower.Open(x.backend)
		if err != nil {
			t.Fatal(err)
		}
		e, err := lower.Compile(b, square())
		if err != nil {
			t.Fatal(err)
		}
		m, ok := e.Memory()
		if ok != x.planned {
			t.Errorf("%s: got planned %v, want %v", x.backend, ok, x.planned)
		}
		if !ok {
			continue
		}
		if m.Results < 4 || m.Results > 1000 || m.Fixed == 0 || m.Total() != m.Work+m.Results+m.Fixed {
			t.Errorf("%s: got %+v", x.backend, m)
		}
		low, high := 0, 40000 // all in one loop
		if x.backend != "cpu:threads=1" {
			low, high = 2*40000, 4*40000
		}
		if m.Work < low || m.Work > high {
			t.Errorf("%s: got temporaries of %d bytes, want %d to %d", x.backend, m.Work, low, high)
		}
		e.Release() // nothing is kept yet: it must not fail
	}
}

func TestMemoryOfAProgramIsThatOfItsNodes(t *testing.T) {
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	b, err := lower.Open("cpu:threads=1")
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	g := expr.New()
	x := g.Leaf(expr.Leaf{Role: expr.State, Name: "x", Shape: expr.Of(expr.F32, "b", 4)})
	for range 20000 {
		x = expr.Tanh(expr.Add(x, expr.Exp(x)))
	}
	e, err := lower.Compile(b, x)
	if err != nil {
		t.Fatal(err)
	}
	lives := heap() - before
	m, _ := e.Memory()
	t.Logf("%d nodes live on %d bytes, planned %d", 3*20000, lives, m.Fixed)
	if m.Fixed < lives || m.Fixed > 2*lives {
		t.Errorf("got %d bytes planned for a program that lives on %d", m.Fixed, lives)
	}
	runtime.KeepAlive(g)
}
