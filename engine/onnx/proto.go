package onnx

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/starsweep/starsweep/engine/expr"
)

// message is an encoded message of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). The numbers of its fields are
// in the functions that write them.
type message []byte

func (m *message) text(field protowire.Number, s string) {
	s = strings.ToValidUTF8(s, "\ufffd") // or no other program reads the file
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
}

func (m *message) data(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) number(field protowire.Number, n int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(n))
}

// dtypes are the values of TensorProto.DataType.
var dtypes = map[expr.DType]int64{expr.F32: 1, expr.I32: 6, expr.Bool: 9, expr.F64: 11, expr.U32: 12}

const int64Type = 7 // of shapes and labels

// tensor is a TensorProto: an initializer.
type tensor struct {
	name  string
	dtype int64
	dims  []int
	data  []byte
}

func (t tensor) message() (m message) {
	for _, n := range t.dims {
		m.number(1, int64(n))
	}
	m.number(2, t.dtype)
	m.text(8, t.name)
	m.data(9, t.data)
	return m
}

// attribute is an AttributeProto of integers: one, or a list.
type attribute struct {
	name string
	one  bool
	v    []int
}

func (a attribute) message() (m message) {
	m.text(1, a.name)
	for _, n := range a.v {
		if a.one {
			m.number(3, int64(n))
		} else {
			m.number(8, int64(n))
		}
	}
	if a.one {
		m.number(20, 2)
	} else {
		m.number(20, 7)
	}
	return m
}

// integer is an attribute that is one number, list one that is several.
func integer(name string, v int) attribute { return attribute{name, true, []int{v}} }

func list(name string, v ...int) attribute { return attribute{name, false, v} }

// text is an attribute that is a string.
type text struct{ name, value string }

func (a text) message() (m message) {
	m.text(1, a.name)
	m.text(4, a.value)
	m.number(20, 3)
	return m
}

type encoder interface{ message() message }

// valueInfo is a ValueInfoProto: an input or output. The size of axis b is the name batch.
func valueInfo(n Named, dtype int64) (m message) {
	var shape, tensorType, typeProto message
	for _, a := range []byte(n.Node.Shape.Axes()) {
		var d message
		if a == 'b' {
			d.text(2, "batch")
		} else {
			d.number(1, int64(n.Node.Shape.Size(a)))
		}
		shape.data(1, d)
	}
	tensorType.number(1, dtype)
	tensorType.data(2, shape)
	typeProto.data(1, tensorType)
	m.text(1, n.Name)
	m.data(2, typeProto)
	m.text(3, n.Doc)
	return m
}

// node is a NodeProto with one result. place is where the script has it.
func node(kind, result, place string, args []string, attributes []encoder) (m message) {
	for _, a := range args {
		m.text(1, a)
	}
	m.text(2, result)
	m.text(3, result)
	m.text(4, kind)
	for _, a := range attributes {
		m.data(5, a.message())
	}
	if place != "" {
		m.text(6, place)
	}
	return m
}

// model is the ModelProto of what has been built.
func (g *graph) model() []byte {
	var inner, opset, m message
	for _, n := range g.nodes {
		inner.data(1, n)
	}
	inner.text(2, g.Name)
	for _, t := range g.used {
		inner.data(5, t.message())
	}
	inner.text(10, g.Doc)
	for _, in := range g.Inputs {
		inner.data(11, valueInfo(in, outside(in.Node)))
	}
	inner.data(12, valueInfo(g.Output, dtypes[g.Output.Node.Shape.DType]))
	opset.text(1, "")
	opset.number(2, Opset)
	m.number(1, IRVersion)
	m.text(2, g.Producer[0])
	m.text(3, g.Producer[1])
	m.text(6, g.Doc)
	m.data(7, inner)
	m.data(8, opset)
	for _, p := range g.Metadata {
		var entry message
		entry.text(1, p[0])
		entry.text(2, p[1])
		m.data(14, entry)
	}
	return m
}

// outside is the type of an input as users give it: integers have 64 bits, NumPy's and PyTorch's standard.
func outside(n *expr.Node) int64 {
	if n.Shape.DType == expr.I32 {
		return int64Type
	}
	return dtypes[n.Shape.DType]
}
