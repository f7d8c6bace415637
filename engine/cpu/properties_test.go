package cpu

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// property is an operation on random operands, which this backend and GoMLX's Go backend must compute alike.
type property struct {
	takes func(dtypes.DType) bool // dtypes of the first operand
	draw  func(r *draw) trial
	more  int // number of trials for each trial of a simple operation; 0 means 1
}

// trial is a graph on some operands, and another way to compute the same results.
type trial struct {
	in        []operand
	graph     build
	plain     build        // by other operations, where the Go backend lacks this one or some of its forms; nil means graph
	loops     func() []any // without a backend; nil means plain
	tolerance float64      // of floats
}

type operand struct {
	shape shapes.Shape
	flat  any
}

// draw is the source of trials. d is the dtype of the first operand.
type draw struct {
	*rand.Rand
	d dtypes.DType
}

// edges are sizes at which vector code is likely to fail.
var edges = []int{1, 7, 15, 17, 31, 33}

func (r *draw) pick(v ...int) int { return v[r.IntN(len(v))] }

// shape draws a shape of the given rank with sizes from edges, and sometimes an empty or a long axis. It bounds the number of elements.
func (r *draw) shape(rank int) shapes.Shape {
	dims, n := make([]int, rank), 1
	for i := range dims {
		dims[i] = edges[r.IntN(len(edges))]
		if n*dims[i] > 4000 {
			dims[i] = r.pick(1, 2, 3)
		}
		n *= dims[i]
	}
	switch {
	case rank == 0:
	case r.IntN(15) == 0:
		dims[r.IntN(rank)] = 0
	case r.IntN(10) == 0 && n < 50:
		dims[0] = 2*block + 1
	}
	return shapes.Make(r.d, dims...)
}

// filled returns an operand of random values.
func (r *draw) filled(s shapes.Shape) operand { return operand{s, values(r.Rand, s.DType, s.Size())} }

// some returns some axes below n, in any order.
func (r *draw) some(n int) []int { return r.Perm(n)[:r.IntN(n+1)] }

// chained fuses the graph of a trial with operations on its operands and results that do not change them: max(x, x) and x or x.
func chained(graph build) build {
	same := func(f compute.Function, v []compute.Value) (out []compute.Value) {
		for _, x := range v {
			if must(f.Shape(x)).DType == dtypes.Bool {
				out = append(out, must(f.LogicalOr(x, x)))
			} else {
				out = append(out, must(f.Max(x, x)))
			}
		}
		return out
	}
	return func(f compute.Function, in []compute.Value) []compute.Value { return same(f, graph(f, same(f, in))) }
}

func one(v compute.Value, err error) []compute.Value { return []compute.Value{must(v, err)} }

// Sets of dtypes
var (
	all      = func(dtypes.DType) bool { return true }
	numbers  = func(d dtypes.DType) bool { return d != dtypes.Bool }
	integers = func(d dtypes.DType) bool { return d.IsInt() }
	signed   = func(d dtypes.DType) bool { return d.IsFloat() || d.IsInt() && !d.IsUnsigned() }
	floats   = func(d dtypes.DType) bool { return d.IsFloat() }
	truths   = func(d dtypes.DType) bool { return d == dtypes.Bool }
)

// properties returns those of all operations, by the file that implements them.
func properties() map[compute.OpType]property {
	p := map[compute.OpType]property{}
	for _, of := range []map[compute.OpType]property{
		elementwiseProperties(), moveProperties(), indexProperties(), reduceProperties(), windowProperties(), productProperties(),
		batchNormProperties(), randomProperties(), sortProperties(), controlProperties(),
	} {
		maps.Copy(p, of)
	}
	return p
}

func TestEveryOperationHasAProperty(t *testing.T) {
	p, have := properties(), must(New("")).Capabilities().Operations
	for op := range have {
		if _, ok := p[op]; !ok {
			t.Errorf("%s is in Capabilities, but has no property", op)
		}
	}
	for op := range p {
		if !have[op] {
			t.Errorf("%s has a property, but is not in Capabilities", op)
		}
	}
}

// trials calls do with trials of every operation and every dtype that it supports. The odd ones are chained.
func trials(count int, do func(op compute.OpType, i int, t trial)) {
	for op, p := range properties() {
		for _, d := range supported {
			for i := range count * max(1, p.more) {
				if !p.takes(d) {
					break
				}
				name := fnv.New64()
				fmt.Fprint(name, op, d)
				t := p.draw(&draw{rand.New(rand.NewPCG(name.Sum64(), uint64(i))), d})
				if i%2 == 1 {
					t.graph = chained(t.graph)
				}
				do(op, i, t)
			}
		}
	}
}

func (t trial) operands() (in []any, ss []shapes.Shape) {
	for _, o := range t.in {
		in, ss = append(in, o.flat), append(ss, o.shape)
	}
	return in, ss
}

// want returns the results of the Go backend or of plain loops.
func (t trial) want(ref compute.Backend) ([]any, error) {
	in, ss := t.operands()
	switch {
	case t.loops != nil:
		return t.loops(), nil
	case t.plain != nil:
		return tryRun(ref, t.plain, in, ss...)
	}
	return tryRun(ref, t.graph, in, ss...)
}

func TestOperationsAgreeWithTheGoBackend(t *testing.T) {
	count := 30
	if testing.Short() {
		count = 4
	}
	ref, all := reference(), ours()
	compared, alone := map[compute.OpType]int{}, map[compute.OpType]int{}
	trials(count, func(op compute.OpType, i int, c trial) {
		in, ss := c.operands()
		want, err := c.want(ref)
		switch {
		case err == nil:
			compared[op]++
		case !slices.ContainsFunc(ss, func(s shapes.Shape) bool { return s.Size() == 0 }): // it may not support these
			t.Logf("%s of %v, trial %d: the Go backend: %v", op, ss, i, err)
			alone[op]++
		}
		for _, b := range all {
			got, err := tryRun(b, c.graph, in, ss...)
			if err != nil {
				t.Errorf("%s of %v, trial %d: %s: %v", op, ss, i, b, err)
				continue
			}
			for k := range want {
				if err := similar(got[k], want[k], c.tolerance); err != nil {
					t.Errorf("%s of %v, trial %d: %s: result %d: %v", op, ss, i, b.Description(), k, err)
				}
			}
		}
	})
	for op := range properties() {
		if compared[op] == 0 || alone[op] > 0 {
			t.Errorf("%s: %d comparisons, %d without the Go backend", op, compared[op], alone[op])
		}
	}
}

func TestUnsupportedDTypesAreErrorsThatNameTheOperation(t *testing.T) {
	b := must(New(""))
	for op, p := range properties() {
		for _, d := range supported {
			if p.takes(d) {
				continue
			}
			c := p.draw(&draw{rand.New(rand.NewPCG(1, 2)), d})
			in, ss := c.operands()
			if _, err := tryRun(b, c.graph, in, ss...); err == nil || !strings.Contains(err.Error(), "backend cpu: "+op.String()) {
				t.Errorf("%s of %s: got the error %v", op, d, err)
			}
		}
	}
}

// Operations that Capabilities does not list are nevertheless methods of a Function.
func TestUnsupportedOperationsAreErrorsThatNameThem(t *testing.T) {
	b := must(New(""))
	have, lacking := b.Capabilities().Operations, 0
	methods := reflect.TypeFor[compute.Function]()
	for i := range methods.NumMethod() {
		m := methods.Method(i)
		op, err := compute.OpTypeString(m.Name)
		if err != nil || have[op] {
			continue
		}
		lacking++
		call := reflect.ValueOf(b.Builder("test").Main()).MethodByName(m.Name)
		var in []reflect.Value
		for j := range call.Type().NumIn() {
			in = append(in, reflect.Zero(call.Type().In(j)))
		}
		if call.Type().IsVariadic() {
			in = in[:len(in)-1]
		}
		out := call.Call(in)
		err, _ = out[len(out)-1].Interface().(error)
		if !errors.Is(err, compute.ErrNotImplemented) || !strings.Contains(err.Error(), m.Name) {
			t.Errorf("%s: got the error %v", m.Name, err)
		}
	}
	if lacking < 10 {
		t.Errorf("only %d operations are lacking: the test misses them", lacking)
	}
}

// They are the same bit by bit, since the order of sums depends on sizes alone.
func TestResultsAreTheSameForAnyNumberOfThreads(t *testing.T) {
	count := 8
	if testing.Short() {
		count = 2
	}
	var all []*Backend
	for _, n := range []int{1, 2, 3, 5, 16, 1} {
		all = append(all, must(New(fmt.Sprint("threads=", n))))
	}
	trials(count, func(op compute.OpType, i int, c trial) {
		in, ss := c.operands()
		var want []any
		for _, b := range all {
			got := execute(b, compiled(b, c.graph, ss...), in...)
			if want == nil {
				want = got
			}
			if !slices.EqualFunc(got, want, sameBits) {
				t.Errorf("%s of %v, trial %d: %s differs", op, ss, i, b.Description())
			}
		}
	})
}

// sameBits compares slices bit by bit, so that NaN equals NaN.
func sameBits(a, b any) bool {
	bytes := func(x any) []byte {
		v := reflect.ValueOf(x)
		return of[byte](v.UnsafePointer(), v.Len()*int(v.Type().Elem().Size()))
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && slices.Equal(bytes(a), bytes(b))
}
