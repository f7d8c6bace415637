// Package onnx writes expressions as models of ONNX (https://onnx.ai), which ONNX Runtime and other programs run without starsweep: a
// trained generator from its latents to its images. It knows engine/expr only, as engine/lower does, whose rules have the same meaning;
// package runner says what is an input and what the weights are.
//
// A model maps every example by itself, and takes any number of them: axis b has no size. Operations that mix examples, such as the mean
// over a batch, are therefore refused, and so are random draws that no input replaces.
//
// rules.go has one row per operation; axes.go and products.go have the long ones; graph.go collects the nodes; proto.go encodes them.
package onnx

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/expr"
)

// The versions that models declare. Opset 18 is of December 2022 and IR 8 of January 2021; ONNX Runtime reads both from version 1.14 on.
const (
	Opset     = 18
	IRVersion = 8
)

// Model is expressions to write.
type Model struct {
	Name     string
	Doc      string      // what it is, in a few lines
	Producer [2]string   // the program that writes it, and its version
	Metadata [][2]string // names and values
	Inputs   []Named     // expressions that are given when the model runs, instead of being computed
	Output   Named
	// Tensor is the value of any other tensor that the output reads, little-endian, in memory order; Real is that of a number.
	Tensor func(n *expr.Node) ([]byte, error)
	Real   func(n *expr.Node) float64
}

// Named is an expression that the users of a model see.
type Named struct {
	Name, Doc string
	Node      *expr.Node
}

// maxBytes is the size that protocol buffers allow.
const maxBytes = 1<<31 - 1

// Encode returns a model as the bytes of a file. Where ONNX or its runtime cannot express an operation, the error is an *expr.Error with
// its place in the script.
func Encode(m Model) ([]byte, error) {
	m.Inputs = slices.Clone(m.Inputs)
	nodes := []*expr.Node{m.Output.Node}
	for _, in := range m.Inputs {
		nodes = append(nodes, in.Node)
	}
	nodes = expr.Copy(nodes...) // rules that rewrite add nodes
	for i := range m.Inputs {
		m.Inputs[i].Node = nodes[1+i]
	}
	m.Output.Node = nodes[0]
	g := newGraph(m)
	if err := nodes[0].Graph().Try(func() { g.build() }); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	if g.err != nil {
		return nil, g.err
	}
	if g.bytes > maxBytes {
		return nil, fmt.Errorf("onnx: got weights of %d bytes, want at most the %d of one file", g.bytes, maxBytes)
	}
	return g.model(), nil
}
