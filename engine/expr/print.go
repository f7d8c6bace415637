package expr

import (
	"crypto/sha256"
	enc "encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// Print writes one line per node, numbered by first use from the outputs. Reals appear as r0, r1, ... without their values, so two
// trials that differ only in reals have the same text.
func Print(outs ...*Node) string {
	var b strings.Builder
	name, reals := map[*Node]string{}, 0
	for i, n := range Order(outs...) {
		name[n] = fmt.Sprintf("%%%d", i)
		fmt.Fprintf(&b, "%s = %s", name[n], n.Op.Name)
		for _, a := range n.Args {
			b.WriteString(" " + name[a])
		}
		switch {
		case n.Op.Name == "real":
			fmt.Fprintf(&b, " r%d", reals)
			reals++
		case n.Attr != nil:
			fmt.Fprintf(&b, " {%v}", n.Attr)
		}
		fmt.Fprintf(&b, " : %v\n", n.Shape)
	}
	b.WriteString("return")
	for _, o := range outs {
		b.WriteString(" " + name[o])
	}
	return b.String() + "\n"
}

// NumberReals sets the indices of the reals that outs depend on to 0, 1, ..., in the order in which Print names them, and returns
// their former indices.
func NumberReals(outs ...*Node) (had []int) {
	for _, n := range Order(outs...) {
		if l, ok := n.Attr.(Leaf); ok && l.Role == Real {
			had = append(had, l.Index)
			l.Index = len(had) - 1
			l.Name = realName(l.Index)
			n.Attr = l
		}
	}
	return had
}

// Fingerprint identifies the program that computes the outputs, in this order, independently of the values of its reals: 16
// hexadecimal digits of a SHA-256 over the numbering of Print. It is the same in every process, and changes when the language does.
func Fingerprint(outs ...*Node) string {
	order := Order(outs...)
	number := make([]uint32, 0)
	if len(outs) > 0 {
		number = make([]uint32, outs[0].g.nodes)
	}
	b := make([]byte, 0, 32*len(order))
	for i, n := range order {
		number[n.id] = uint32(i)
		b = append(b, n.Op.Name...)
		b = append(b, 0, byte(len(n.Args)>>8), byte(len(n.Args)))
		for _, a := range n.Args {
			b = enc.AppendUvarint(b, uint64(number[a.id]))
		}
		b = appendAttr(b, n)
	}
	for _, o := range outs {
		b = enc.AppendUvarint(b, uint64(number[o.id]))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// appendAttr encodes an attribute: every field, strings with their length.
func appendAttr(b []byte, n *Node) []byte {
	num := func(v ...int) {
		for _, x := range v {
			b = enc.AppendVarint(b, int64(x))
		}
	}
	text := func(s string) { num(len(s)); b = append(b, s...) }
	shape := func(s Shape) {
		num(int(s.DType))
		for _, x := range s.size {
			num(int(x))
		}
	}
	switch a := n.Attr.(type) {
	case nil:
	case Leaf:
		if n.Op.Name != "real" { // reals are named by the order of their use
			text(a.Name)
		}
		shape(a.Shape)
	case Number:
		num(int(a.DType))
		b = enc.LittleEndian.AppendUint64(b, math.Float64bits(a.V))
	case string:
		text(a)
	case DType:
		num(int(a))
	case Shape:
		shape(a)
	case Axis:
		num(int(a.A), a.Lo, a.Hi, a.Step)
	case Fold:
		num(int(a.One))
		shape(a.Many)
	case Names:
		text(a.From)
		text(a.To)
	case Index:
		num(int(a.A), a.Size)
	case Draw:
		num(int(a.Stream))
		shape(a.Shape)
	case Window2:
		for _, w := range [2]Window{a.H, a.W} {
			num(w.In, w.Kernel, w.Stride, w.Lo, w.Hi)
		}
	default:
		panic(fmt.Sprintf("expr: %s has an attribute of type %T", n.Op.Name, a))
	}
	return b
}
