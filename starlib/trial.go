package starlib

import (
	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/draw"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/optimizer"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// trial is what trial(p) returns: gan(...) or job(...).
type trial struct {
	kit.Opaque
	pos      string
	data     dataset
	latent   *draw.Latent // nil: there is no z
	players  []*player
	aliases  map[string]string // of gan: D and G, which losses may call its players
	sample   *kit.Function     // nil: the generator is called with latents, if there is one
	batch    int
	epochs   int
	bf16     bool // precision = "bf16"
	evaluate spec.Evaluation
	watches  []watch
}

func (t *trial) String() string { return "trial" }
func (t *trial) Type() string   { return "trial" }

// Held lists the functions that are called while the trial is traced.
func (t *trial) Held() (all []starlark.Value) {
	for _, p := range t.players {
		all = append(all, p.Held()...)
	}
	if t.sample != nil {
		all = append(all, t.sample.Fn)
	}
	for _, w := range t.watches {
		all = append(all, w.value.Fn)
	}
	return all
}

func (t *trial) Freeze() { sandbox.FreezeHeld(t) }

// player is a network with a loss and an optimizer.
type player struct {
	kit.Opaque
	name      string
	network   kit.Function
	loss      kit.Function
	noise     *kit.Function // applied to everything that the network reads in training
	optimizer optimizer.Value
	steps     int
	clip      *spec.Schedule
	critic    bool          // d_real and d_fake are recorded
	logit     *kit.Function // the part of its output that they average; nil: all of it
	image     bool          // the network must return images of the data set's shape
}

func (p *player) String() string { return "player" }
func (p *player) Type() string   { return "player" }
func (p *player) Freeze()        { sandbox.FreezeHeld(p) }

func (p *player) Held() []starlark.Value {
	all := []starlark.Value{p.network.Fn, p.loss.Fn}
	for _, f := range []*kit.Function{p.noise, p.logit} {
		if f != nil {
			all = append(all, f.Fn)
		}
	}
	return all
}

// watch is a number recorded in addition to the losses; with test, one of the test split.
type watch struct {
	name  string // of the column
	what  string // in messages
	test  bool
	value kit.Function
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

// given are the names that losses may have as parameters in addition to the players'.
var given = []string{"x", "y", "z", "batch"}

func (t *trial) player(name string) *player {
	for _, p := range t.players {
		if p.name == name {
			return p
		}
	}
	return nil
}

// modelPlayers returns the trial's players without their losses, as Program.Rebind needs them.
func (t *trial) modelPlayers() (players []model.Player) {
	for _, p := range t.players {
		players = append(players, model.Player{Name: p.name, Steps: p.steps, Optimizer: p.optimizer.Optimizer, ClipWeights: p.clip,
			Critic: p.critic})
	}
	return players
}

// sampleBatch is the number of images that a call of the sampling program makes. It is part of the program's structure, so it must not
// depend on the size of the sheet, which changes no number: a sheet takes as many calls as it needs, with all classes in turn if they
// are few.
func (t *trial) sampleBatch() int {
	if t.evaluate.Samples > 0 {
		return min(t.evaluate.Samples, maxSampleBatch)
	}
	n := max(1, min(sheetBatch, sheetValues/t.data.image().Elems()))
	classes := t.data.classes
	if t.data.Classes != nil {
		classes = len(t.data.Classes)
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

// config is the configuration that the program is traced for.
func (t *trial) config(dtype expr.DType) model.Config {
	return model.Config{DType: dtype, BF16: t.bf16, Batch: t.batch, SampleBatch: t.sampleBatch(), Image: t.data.image().As(dtype),
		Classes: t.data.classes}
}
