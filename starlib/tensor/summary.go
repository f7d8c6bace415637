package tensor

import (
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// Network is a player's network as a table of its steps, like the summary of Keras.
type Network struct {
	Name    string
	Input   expr.Shape
	Rows    []Row
	Params  int // trained numbers
	Buffers int // numbers that layers keep: moving averages
}

// Row is one step of a network: a layer, or a function that changes the shape.
type Row struct {
	Layer   string // kind and count: conv2
	Output  expr.Shape
	Params  int
	Buffers int
}

// Counted is the table with the sizes of the program's variables, which are named player/layer/name.
func (n *Network) Counted(p *model.Program) Network {
	t := *n
	for _, v := range p.Vars {
		if v.Player() != n.Name || v.Role != model.Weight && v.Role != model.Buffer {
			continue
		}
		for i := range t.Rows {
			r := &t.Rows[i]
			if !strings.HasPrefix(v.Name, n.Name+"/"+r.Layer+"/") {
				continue
			}
			if v.Role == model.Weight {
				r.Params += v.Shape.Elems()
				t.Params += v.Shape.Elems()
			} else {
				r.Buffers += v.Shape.Elems()
				t.Buffers += v.Shape.Elems()
			}
		}
	}
	return t
}
