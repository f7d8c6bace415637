package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
)

// value is the name of a tensor in the model.
type value string

// graph is the progress of one model.
type graph struct {
	Model
	done    map[*expr.Node]value
	tensors map[value]tensor // that may become initializers
	used    []tensor         // initializers, in the order of first use
	listed  map[value]bool   // used, by name
	nodes   []message
	results int // of nodes
	bytes   int // of used
	place   string
	err     error // of Tensor
}

func newGraph(m Model) *graph {
	return &graph{Model: m, done: map[*expr.Node]value{}, tensors: map[value]tensor{}, listed: map[value]bool{}}
}

// build adds everything that the output reads. It panics with an *expr.Error at an operation that is refused.
func (g *graph) build() {
	for _, in := range g.Inputs {
		v := value(in.Name)
		if in.Node.Shape.DType == expr.I32 {
			v = g.cast(v, expr.I32)
		}
		g.done[in.Node] = v
	}
	out := g.value(g.Output.Node)
	if g.Output.Node.Shape.Has('b') && g.examples() == "" {
		refuse(g.Output.Node, "got no input with the axis b of examples, want one that says how many there are")
	}
	g.nodes = append(g.nodes, node("Identity", g.Output.Name, "", []string{string(g.use(out))}, nil))
}

// value is the tensor of n, added to the graph once.
func (g *graph) value(n *expr.Node) value {
	if v, ok := g.done[n]; ok {
		return v
	}
	if n.Shape.Has('k') {
		refuse(n, "got packed trials %v, want one", n.Shape)
	}
	outer := g.place
	g.place = n.Pos
	v := rules[n.Op.Name](g, n)
	g.place = outer
	g.done[n] = v
	return v
}

// arg is the value of n's i-th argument.
func (g *graph) arg(n *expr.Node, i int) value { return g.value(n.Args[i]) }

// refuse panics with an error about n.
func refuse(n *expr.Node, format string, a ...any) {
	n.Graph().At(n.Pos)
	n.Graph().Fail(n.Op.Name, n.Args, format, a...)
}

// apart refuses n if it works along axis b, since a model treats every example by itself.
func apart(n *expr.Node, axes string) {
	if strings.ContainsRune(axes, 'b') {
		refuse(n, "got an operation along the axis b of examples, want each example treated by itself: a model takes any number of them")
	}
}

// add adds a node and returns its result.
func (g *graph) add(kind string, args []value, attributes ...encoder) value {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = string(g.use(a))
	}
	g.results++
	result := fmt.Sprintf("%s_%d", kind, g.results)
	g.nodes = append(g.nodes, node(kind, result, g.place, names, attributes))
	return value(result)
}

// use makes v an initializer if it is a tensor that is known already.
func (g *graph) use(v value) value {
	if t, ok := g.tensors[v]; ok && !g.listed[v] {
		g.listed[v] = true
		g.used = append(g.used, t)
		g.bytes += len(t.data)
	}
	return v
}

// constant is a known tensor, under a name that no other tensor has.
func (g *graph) constant(name string, dtype int64, dims []int, data []byte) value {
	v := value(name)
	g.tensors[v] = tensor{name, dtype, dims, data}
	return v
}

// integers is a vector of int64: a shape, axes, bounds.
func (g *graph) integers(v ...int) value {
	var data []byte
	for _, n := range v {
		data = binary.LittleEndian.AppendUint64(data, uint64(n))
	}
	return g.constant(strings.ReplaceAll(fmt.Sprint("integers/", v), " ", ","), int64Type, []int{len(v)}, data)
}

// scalar is a number.
func (g *graph) scalar(d expr.DType, v float64) value {
	return g.constant(fmt.Sprintf("number/%v/%v", d, v), dtypes[d], nil, number(nil, d, v))
}

// number appends a number as it is in memory.
func number(b []byte, d expr.DType, v float64) []byte {
	switch d {
	case expr.F32:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
	case expr.F64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	case expr.U32:
		return binary.LittleEndian.AppendUint32(b, uint32(v))
	case expr.I32:
		return binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
	}
	if v != 0 {
		return append(b, 1)
	}
	return append(b, 0)
}

// leaf is an input of the program that is no input of the model: its value is known.
func leaf(g *graph, n *expr.Node) value {
	l := n.Attr.(expr.Leaf)
	if l.Role == expr.Seed || l.Role == expr.Step || l.Role == expr.Images || l.Role == expr.Labels {
		refuse(n, "got the %s of training, which a model does not have", l.Name)
	}
	if l.Role == expr.Real {
		return g.constant(l.Name, dtypes[n.Shape.DType], nil, number(nil, n.Shape.DType, g.Real(n)))
	}
	data, err := g.Tensor(n)
	if err == nil && len(data) != n.Shape.Bytes() {
		err = fmt.Errorf("%s: got %d bytes, want %d for %v", l.Name, len(data), n.Shape.Bytes(), n.Shape)
	}
	if err != nil && g.err == nil {
		g.err = err
	}
	return g.constant(l.Name, dtypes[n.Shape.DType], n.Shape.Dims(), data)
}

// count is 0, 1, 2, ...
func count(g *graph, n *expr.Node) value {
	i := n.Attr.(expr.Index)
	apart(n, string(rune(i.A)))
	var data []byte
	for v := range i.Size {
		data = number(data, expr.I32, float64(v))
	}
	return g.constant(fmt.Sprintf("count/%d", i.Size), dtypes[expr.I32], []int{i.Size}, data)
}

func (g *graph) cast(v value, d expr.DType) value {
	return g.add("Cast", []value{v}, integer("to", int(dtypes[d])))
}
