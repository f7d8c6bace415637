package starlib

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/draw"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/optimizer"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// trial is what trial(p) returns, gan(...) or job(...), as a Starlark value.
type trial struct {
	kit.Opaque
	pos      string
	data     dataset
	latent   *draw.Latent // nil: there is no z
	players  []*player
	aliases  map[string]string // of a gan: the names D and G that losses know its players by
	sample   *kit.Function     // nil: the generator of latents, or nothing
	batch    int
	epochs   int
	bf16     bool // precision = "bf16"
	evaluate spec.Evaluation
	watches  []watch
}

func (t *trial) String() string { return "trial" }
func (t *trial) Type() string   { return "trial" }

// Held lists all that is called while the trial is traced.
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
	noise     *kit.Function // applied to all that the network reads in training
	optimizer optimizer.Value
	steps     int
	clip      *spec.Schedule
	critic    bool          // d_real and d_fake are recorded
	logit     *kit.Function // the part of its output that they are the means of; nil: all of it
	image     bool          // the network must give images of the data set's shape
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

// watch is a number recorded beside the losses, or one of the test split.
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

// lossArg is an argument that is the losses of a GAN.
type lossArg struct{ *lossValue }

func (a *lossArg) Unpack(v starlark.Value) error {
	l, ok := v.(*lossValue)
	if f, isFunction := v.(*starlark.Function); isFunction {
		return fmt.Errorf("got the function %s, want the loss that it returns: %s()", f.Name(), f.Name())
	}
	if !ok {
		return fmt.Errorf("got %s, want loss(critic = ..., generator = ...) or one of @std//losses.star", kit.Describe(v))
	}
	a.lossValue = l
	return nil
}

func makeLoss(c kit.Call) (starlark.Value, error) {
	l := &lossValue{}
	var clip number.OrNone
	if err := c.Keywords("critic", &l.critic, "generator", &l.generator, "clip?", &clip); err != nil {
		return nil, err
	}
	l.clip = clip.Schedule
	return l, number.AboveZero.Check(c, "clip", l.clip)
}

// latentArg is an argument that is a latent distribution or None.
type latentArg struct{ *draw.Latent }

func (a *latentArg) Unpack(v starlark.Value) error {
	l, ok := v.(draw.Latent)
	if !ok {
		return fmt.Errorf("got %s, want normal(size) or uniform(size)", kit.Describe(v))
	}
	a.Latent = &l
	return nil
}

// functionOrNone is an argument that is a function or None.
type functionOrNone struct{ *kit.Function }

func (o *functionOrNone) Unpack(v starlark.Value) error {
	if v == starlark.None {
		return nil
	}
	var f kit.Function
	err := f.Unpack(v)
	o.Function = &f
	return err
}

// criticArg is an argument that says whether d_real and d_fake are recorded: True, False, or a function from the critic's output to
// what is averaged, one number an example.
type criticArg struct {
	read  bool
	logit *kit.Function
}

func (a *criticArg) Unpack(v starlark.Value) error {
	if read, ok := v.(starlark.Bool); ok {
		*a = criticArg{read: bool(read)}
		return nil
	}
	var f kit.Function
	if err := f.Unpack(v); err != nil {
		return fmt.Errorf("got %s, want True, False, or a function from the network's output to one number an example", kit.Describe(v))
	}
	*a = criticArg{read: true, logit: &f}
	return nil
}

// optimizersArg is one optimizer for all players, or a dict of one for each.
type optimizersArg struct {
	all  *optimizer.Value
	each map[string]optimizer.Value
}

func (o *optimizersArg) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case optimizer.Value:
		o.all = &v
		return nil
	case *starlark.Dict:
		o.each = map[string]optimizer.Value{}
		for k, e := range v.Entries() {
			name, _ := starlark.AsString(k)
			opt, ok := e.(optimizer.Value)
			if !ok || name != "generator" && name != "discriminator" {
				return fmt.Errorf(`got %s: %s, want {"generator": adam(...), "discriminator": adam(...)}`, kit.Describe(k), kit.Describe(e))
			}
			o.each[name] = opt
		}
		if len(o.each) == 2 {
			return nil
		}
	}
	return fmt.Errorf(`got %s, want adam(...) or {"generator": adam(...), "discriminator": adam(...)}`, kit.Describe(v))
}

// of is a player's optimizer. An average of weights serves sampling, so of one optimizer for both only the generator has it.
func (o optimizersArg) of(player string) optimizer.Value {
	if o.all == nil {
		return o.each[player]
	}
	own := *o.all
	if player == "discriminator" {
		own.EMA = nil
	}
	return own
}

// precision is an argument: "f32", or "bf16" for products of bfloat16.
type precision string

func (p *precision) Unpack(v starlark.Value) error {
	s, ok := v.(starlark.String)
	if !ok || s != "f32" && s != "bf16" {
		return fmt.Errorf(`got %s, want "f32" or "bf16"`, kit.Describe(v))
	}
	*p = precision(s)
	return nil
}

// makeGAN is gan(...): two players, the discriminator first. A player of no steps is never updated, which benchmarks use.
func makeGAN(c kit.Call) (starlark.Value, error) {
	t := &trial{pos: kit.Here(c.Thread).String(), aliases: map[string]string{"D": "discriminator", "G": "generator"}}
	var (
		generator, discriminator kit.Function
		z                        latentArg
		loss                     lossArg
		noise                    functionOrNone
		optimizers               optimizersArg
		batch, epochs            kit.Count
		dSteps, gSteps           = kit.Natural(1), kit.Natural(1)
		evaluate                 = standardEvaluate
		numbers                  = precision("f32")
		critic                   = criticArg{read: true}
		watches, tests           = new(starlark.Dict), new(starlark.Dict)
	)
	err := c.Keywords("data", &t.data, "generator", &generator, "discriminator", &discriminator, "latent", &z, "loss", &loss,
		"optimizer", &optimizers, "batch", &batch, "epochs", &epochs, "noise?", &noise, "d_steps?", &dSteps, "g_steps?", &gSteps,
		"evaluate??", &evaluate, "watch?", &watches, "test?", &tests, "precision?", &numbers, "critic?", &critic)
	if err != nil {
		return nil, err
	}
	t.latent, t.batch, t.epochs, t.bf16 = z.Latent, int(batch), int(epochs), numbers == "bf16"
	t.players = []*player{
		{name: "discriminator", network: discriminator, loss: loss.critic, noise: noise.Function, optimizer: optimizers.of("discriminator"),
			steps: int(dSteps), clip: loss.clip, critic: critic.read, logit: critic.logit},
		{name: "generator", network: generator, loss: loss.generator, optimizer: optimizers.of("generator"), steps: int(gSteps), image: true},
	}
	return t, t.finish(c, evaluate, watches, tests)
}

func makePlayer(c kit.Call) (starlark.Value, error) {
	p := &player{}
	var clip number.OrNone
	var noise functionOrNone
	var critic criticArg
	steps := kit.Count(1)
	err := c.Keywords("network", &p.network, "loss", &p.loss, "optimizer", &p.optimizer, "steps?", &steps, "clip?", &clip, "noise?", &noise,
		"critic?", &critic)
	if err != nil {
		return nil, err
	}
	p.steps, p.clip, p.noise, p.critic, p.logit = int(steps), clip.Schedule, noise.Function, critic.read, critic.logit
	return p, number.AboveZero.Check(c, "clip", p.clip)
}

// makeJob is job(...): any number of players under names of their own.
func makeJob(c kit.Call) (starlark.Value, error) {
	t := &trial{pos: kit.Here(c.Thread).String()}
	var (
		players       *starlark.Dict
		z             latentArg
		batch, epochs kit.Count
		evaluate      = standardEvaluate
		numbers       = precision("f32")
		watches       = new(starlark.Dict)
		tests         = new(starlark.Dict)
		sample        functionOrNone
	)
	err := c.Keywords("data", &t.data, "players", &players, "batch", &batch, "epochs", &epochs, "latent??", &z, "sample?", &sample,
		"evaluate??", &evaluate, "watch?", &watches, "test?", &tests, "precision?", &numbers)
	if err != nil {
		return nil, err
	}
	t.latent, t.batch, t.epochs, t.sample, t.bf16 = z.Latent, int(batch), int(epochs), sample.Function, numbers == "bf16"
	for k, v := range players.Entries() {
		name, _ := starlark.AsString(k)
		if !kit.IsWord(name) || slices.Contains(given, name) {
			return nil, fmt.Errorf("job: for parameter players: got %s as a name, want a word other than %v", kit.Describe(k), given)
		}
		declared, ok := v.(*player)
		if !ok {
			return nil, fmt.Errorf("job: for parameter players: %s: got %s, want player(network = ..., loss = ..., optimizer = ...)", name,
				kit.Describe(v))
		}
		p := *declared
		p.name = name
		t.players = append(t.players, &p)
	}
	if len(t.players) == 0 {
		return nil, fmt.Errorf("job: for parameter players: got none, want at least one")
	}
	return t, t.finish(c, evaluate, watches, tests)
}

// finish checks what gan and job have in common, and reports all mistakes.
func (t *trial) finish(c kit.Call, evaluate evaluateValue, watches, tests *starlark.Dict) error {
	var errs kit.Errors
	fault := func(format string, a ...any) { errs = append(errs, fmt.Errorf(c.Name+": "+format, a...)) }
	var err error
	if t.evaluate, err = evaluate.on(t.data); err != nil {
		errs = append(errs, kit.Each(c.Name+": for parameter evaluate: ", err)...)
	}
	steps := 0
	for _, p := range t.players {
		steps += p.steps
	}
	if steps < 1 || steps > maxSteps {
		fault("got %d updates in one iteration, want 1 to %d", steps, maxSteps)
	}
	if tests.Len() > 0 && t.data.Split != "train" {
		fault("for parameter test: got data of split %q, want split = \"train\": tests read its split \"test\"", t.data.Split)
	}
	for _, err := range append(t.watch(watches, "watch", false), t.watch(tests, "test", true)...) {
		fault("%w", err)
	}
	return errs.Err()
}

// watch adds the functions of a dict, which become columns. Those of tests begin with test_.
func (t *trial) watch(functions *starlark.Dict, parameter string, test bool) (errs []error) {
	for k, v := range functions.Entries() {
		name, _ := starlark.AsString(k)
		if !kit.IsWord(name) {
			errs = append(errs, fmt.Errorf("for parameter %s: got %s as a name, want a word: it becomes a column", parameter, kit.Describe(k)))
			continue
		}
		var f kit.Function
		if err := f.Unpack(v); err != nil {
			errs = append(errs, fmt.Errorf("for parameter %s: %s: %w", parameter, name, err))
			continue
		}
		w := watch{name, parameter + " " + name, test, f}
		if test {
			w.name = "test_" + name
		}
		t.watches = append(t.watches, w)
	}
	return errs
}

// maxSteps bounds the updates of an iteration, since they are unrolled.
const maxSteps = 64

// sampleBatch is how many images a call of the sampling program makes. It shapes the program, so it does not depend on the size of
// the sheet, which changes no number: a sheet takes as many calls as it needs, of all classes in turn if they are few.
func (t *trial) sampleBatch() int {
	if t.evaluate.Samples > 0 {
		return min(t.evaluate.Samples, maxSampleBatch)
	}
	n := max(1, min(sheetBatch, sheetValues/t.data.image().Elems()))
	classes := t.data.classes
	if t.data.Classes != nil {
		classes = len(t.data.WithDefaults().Classes)
	}
	if classes > 1 && classes <= n {
		n -= n % classes
	}
	return n
}

const (
	sheetBatch     = 64      // where images are only looked at: as many as the standard sheet has,
	sheetValues    = 1 << 22 // or so many values of large images
	maxSampleBatch = 256
)

// config is what the program is traced for.
func (t *trial) config(l Loader) model.Config {
	return model.Config{DType: l.DType, BF16: t.bf16, Batch: t.batch, SampleBatch: t.sampleBatch(), Image: t.data.image().As(l.DType),
		Classes: t.data.classes}
}

var declarations = starlark.StringDict{
	"study":  kit.Builtin("study", makeStudy),
	"gan":    kit.Builtin("gan", makeGAN),
	"job":    kit.Builtin("job", makeJob),
	"player": kit.Builtin("player", makePlayer),
	"loss":   kit.Builtin("loss", makeLoss),
}
