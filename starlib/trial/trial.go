// Package trial is the family that declares trials: gan, job, player and loss. A Trial holds the functions of the script that package
// trace calls, and checks what can be checked before training: data sets and evaluations that do not fit, numbers that leave their
// bounds. The loader of starlib composes its builtins.
package trial

import (
	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/data"
	"github.com/starsweep/starsweep/starlib/draw"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/optimizer"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Trial is what trial(p) returns: gan(...) or job(...).
type Trial struct {
	kit.Opaque
	Pos        string
	Data       data.Set
	Latent     *draw.Latent // nil: there is no z
	Players    []*Player
	Aliases    map[string]string // of gan: D and G, which losses may call its players
	Sample     *kit.Function     // nil: the generator is called with latents, if there is one
	Batch      int
	Epochs     int
	BF16       bool // precision = "bf16"
	Evaluation spec.Evaluation
	Watches    []Watch
}

func (t *Trial) String() string { return "trial" }
func (t *Trial) Type() string   { return "trial" }

// Held lists the functions that are called while the trial is traced.
func (t *Trial) Held() (all []starlark.Value) {
	for _, p := range t.Players {
		all = append(all, p.Held()...)
	}
	if t.Sample != nil {
		all = append(all, t.Sample.Fn)
	}
	for _, w := range t.Watches {
		all = append(all, w.Value.Fn)
	}
	return all
}

func (t *Trial) Freeze() { sandbox.FreezeHeld(t) }

// Player is a network with a loss and an optimizer.
type Player struct {
	kit.Opaque
	Name      string
	Network   kit.Function
	Loss      kit.Function
	Noise     *kit.Function // applied to everything that the network reads in training
	Optimizer optimizer.Value
	Steps     int
	Clip      *spec.Schedule
	Critic    bool          // d_real and d_fake are recorded
	Logit     *kit.Function // the part of its output that they average; nil: all of it
	Image     bool          // the network must return images of the data set's shape
}

func (p *Player) String() string { return "player" }
func (p *Player) Type() string   { return "player" }
func (p *Player) Freeze()        { sandbox.FreezeHeld(p) }

func (p *Player) Held() []starlark.Value {
	all := []starlark.Value{p.Network.Fn, p.Loss.Fn}
	for _, f := range []*kit.Function{p.Noise, p.Logit} {
		if f != nil {
			all = append(all, f.Fn)
		}
	}
	return all
}

// Watch is a number recorded in addition to the losses; with test, one of the test split.
type Watch struct {
	Name  string // of the column
	What  string // in messages
	Test  bool
	Value kit.Function
}

// lossValue is the losses of a GAN.
type lossValue struct {
	kit.Opaque
	critic, generator kit.Function
	clip              *spec.Schedule
}

func (l *lossValue) String() string { return "loss" }
func (l *lossValue) Type() string   { return "loss" }
func (l *lossValue) Freeze()        { sandbox.FreezeHeld(l) }

func (l *lossValue) Held() []starlark.Value { return []starlark.Value{l.critic.Fn, l.generator.Fn} }

var _ starlark.HasAttrs = (*lossValue)(nil)

func (l *lossValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "critic":
		return l.critic.Fn, nil
	case "generator":
		return l.generator.Fn, nil
	}
	return nil, nil
}

func (l *lossValue) AttrNames() []string { return []string{"critic", "generator"} }

// Given are the names that losses may have as parameters in addition to the players'.
var Given = []string{"x", "y", "z", "batch"}

// Player returns the player of this name; nil if there is none.
func (t *Trial) Player(name string) *Player {
	for _, p := range t.Players {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// ModelPlayers returns the trial's players without their losses, as Program.Rebind needs them.
func (t *Trial) ModelPlayers() (players []model.Player) {
	for _, p := range t.Players {
		players = append(players, model.Player{Name: p.Name, Steps: p.Steps, Optimizer: p.Optimizer.Optimizer, ClipWeights: p.Clip,
			Critic: p.Critic})
	}
	return players
}

// SampleBatch is the number of images that a call of the sampling program makes. It is part of the program's structure, so it must not
// depend on the size of the sheet, which changes no number: a sheet takes as many calls as it needs, with all classes in turn if they
// are few.
func (t *Trial) SampleBatch() int {
	if t.Evaluation.Samples > 0 {
		return min(t.Evaluation.Samples, maxSampleBatch)
	}
	n := max(1, min(sheetBatch, sheetValues/t.Data.Image().Elems()))
	classes := t.Data.Labels()
	if t.Data.Classes != nil {
		classes = len(t.Data.Classes)
	}
	if classes > 1 && classes <= n {
		n -= n % classes
	}
	return n
}

const (
	sheetBatch     = 64      // without metrics: as many as the standard sheet has,
	sheetValues    = 1 << 22 // or as many large images as have this many values
	maxSampleBatch = 256
)

// Config is the configuration that the program is traced for.
func (t *Trial) Config(dtype expr.DType) model.Config {
	return model.Config{DType: dtype, BF16: t.BF16, Batch: t.Batch, SampleBatch: t.SampleBatch(), Image: t.Data.Image().As(dtype),
		Classes: t.Data.Labels()}
}
