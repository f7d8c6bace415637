// Package draw is the family of random numbers: normal and uniform, which are the distribution of latent vectors, draws inside
// networks and losses, and, for uniform, a dimension of the space. The loader of starlib composes its builtins; package trial
// declares latents with them.
package draw

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/space"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// Latent is the distribution of z, [b c] with c = size.
type Latent struct {
	kit.Opaque
	kind string // normal or uniform
	size int
}

func (l Latent) String() string { return fmt.Sprintf("%s(%d)", l.kind, l.size) }
func (l Latent) Type() string   { return "latent" }

// Draw is z for the batch that is being traced.
func (l Latent) Draw(t *tensor.Tracer) *expr.Node {
	s := expr.Of(t.Config.DType, "bc", t.Examples(), l.size)
	if l.kind == "normal" {
		return t.Given("latent", "from N(0, 1)", t.Normal("latent", s))
	}
	// From (-1, 1), as in the first papers.
	return t.Given("latent", "uniform on (-1, 1)", expr.Sub(expr.Scale(t.Uniform("latent", s), 2), t.Number(1)))
}

// random is the builtin normal or uniform, whose meaning depends on its arguments, as in mathematics: normal(64) is the distribution of
// a latent vector, normal(per_example = True) or normal(like = x) is a draw inside a loss or a network, and uniform(0.1, 0.5) is a
// dimension of the space.
func random(kind string, draw func(t *tensor.Tracer, s expr.Shape) *expr.Node) *starlark.Builtin {
	return kit.Builtin(kind, func(c kit.Call) (starlark.Value, error) {
		if len(c.Args) == 2 && kind == "uniform" {
			return space.Uniform(c)
		}
		if len(c.Args) > 0 || len(c.Kwargs) > 0 && c.Kwargs[0][0] == starlark.String("size") {
			var n kit.Count
			if err := c.Unpack("size", &n); err != nil {
				return nil, err
			}
			return Latent{kind: kind, size: int(n)}, nil
		}
		t, err := tensor.Of(c)
		if err != nil {
			return nil, fmt.Errorf("%s: got no size, want %s(size) for a latent vector; draws exist only inside networks and losses", kind, kind)
		}
		var like tensor.Tensor
		perExample := false
		if err := c.Keywords("per_example?", &perExample, "like?", &like); err != nil {
			return nil, err
		}
		s := expr.Of(t.Config.DType, "")
		switch {
		case like.Node != nil:
			s = like.Shape
		case perExample:
			s = s.With('b', t.Examples())
		}
		return t.Value(draw(t, s))
	})
}

var draws = map[string]func(t *tensor.Tracer, s expr.Shape) *expr.Node{
	"normal": func(t *tensor.Tracer, s expr.Shape) *expr.Node {
		return t.Given("noise", "from N(0, 1)", t.Normal(t.Stream, s))
	},
	"uniform": func(t *tensor.Tracer, s expr.Shape) *expr.Node {
		return t.Given("noise", "uniform on (0, 1)", t.Uniform(t.Stream, s))
	},
}

// Builtins returns normal and uniform, and normal_like and uniform_like.
func Builtins() starlark.StringDict {
	d := starlark.StringDict{}
	for kind, draw := range draws {
		d[kind] = random(kind, draw)
		d[kind+"_like"] = tensor.Builtin(kind+"_like", func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
			var x tensor.Tensor
			if err := c.Unpack("x", &x); err != nil {
				return nil, err
			}
			return draw(t, x.Shape.As(t.Config.DType)), nil
		})
	}
	return d
}
