package trial

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/starlib/evaluate"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
)

// Builtins are the builtins that declare trials.
var Builtins = starlark.StringDict{
	"gan":    kit.Builtin("gan", makeGAN),
	"job":    kit.Builtin("job", makeJob),
	"player": kit.Builtin("player", makePlayer),
	"loss":   kit.Builtin("loss", makeLoss),
	"skip":   kit.Builtin("skip", makeSkip),
}

// makeGAN is gan(...): two players, the discriminator first. A player with 0 steps is never updated, as benchmarks need.
func makeGAN(c kit.Call) (starlark.Value, error) {
	t := &Trial{Pos: kit.Here(c.Thread).String(), Aliases: map[string]string{"D": "discriminator", "G": "generator"}}
	var (
		generator, discriminator kit.Function
		z                        latentArg
		loss                     lossArg
		noise                    functionOrNone
		optimizers               optimizersArg
		batch, epochs            kit.Count
		dSteps, gSteps           = kit.Natural(1), kit.Natural(1)
		evaluation               = evaluate.Default
		numbers                  = precision("f32")
		critic                   = criticArg{read: true}
		watches, tests           = new(starlark.Dict), new(starlark.Dict)
	)
	err := c.Keywords("data", &t.Data, "generator", &generator, "discriminator", &discriminator, "latent", &z, "loss", &loss,
		"optimizer", &optimizers, "batch", &batch, "epochs", &epochs, "noise?", &noise, "d_steps?", &dSteps, "g_steps?", &gSteps,
		"evaluate??", &evaluation, "watch?", &watches, "test?", &tests, "precision?", &numbers, "critic?", &critic)
	if err != nil {
		return nil, err
	}
	t.Latent, t.Batch, t.Epochs, t.BF16 = z.Latent, int(batch), int(epochs), numbers == "bf16"
	t.Players = []*Player{
		{Name: "discriminator", Network: discriminator, Loss: loss.critic, Noise: noise.Function, Optimizer: optimizers.of("discriminator"),
			Steps: int(dSteps), Clip: loss.clip, Critic: critic.read, Logit: critic.logit},
		{Name: "generator", Network: generator, Loss: loss.generator, Optimizer: optimizers.of("generator"), Steps: int(gSteps), Image: true},
	}
	return t, t.finish(c, evaluation, watches, tests)
}

func makePlayer(c kit.Call) (starlark.Value, error) {
	p := &Player{}
	var clip number.OrNone
	var noise functionOrNone
	var critic criticArg
	steps := kit.Count(1)
	err := c.Keywords("network", &p.Network, "loss", &p.Loss, "optimizer", &p.Optimizer, "steps?", &steps, "clip?", &clip, "noise?", &noise,
		"critic?", &critic)
	if err != nil {
		return nil, err
	}
	p.Steps, p.Clip, p.Noise, p.Critic, p.Logit = int(steps), clip.Schedule, noise.Function, critic.read, critic.logit
	return p, number.AboveZero.Check(c, "clip", p.Clip)
}

// makeJob is job(...): any number of players with names of their choice.
func makeJob(c kit.Call) (starlark.Value, error) {
	t := &Trial{Pos: kit.Here(c.Thread).String()}
	var (
		players       *starlark.Dict
		z             latentArg
		batch, epochs kit.Count
		evaluation    = evaluate.Default
		numbers       = precision("f32")
		watches       = new(starlark.Dict)
		tests         = new(starlark.Dict)
		sample        functionOrNone
	)
	err := c.Keywords("data", &t.Data, "players", &players, "batch", &batch, "epochs", &epochs, "latent??", &z, "sample?", &sample,
		"evaluate??", &evaluation, "watch?", &watches, "test?", &tests, "precision?", &numbers)
	if err != nil {
		return nil, err
	}
	t.Latent, t.Batch, t.Epochs, t.Sample, t.BF16 = z.Latent, int(batch), int(epochs), sample.Function, numbers == "bf16"
	for k, v := range players.Entries() {
		name, _ := starlark.AsString(k)
		if !kit.IsWord(name) || slices.Contains(Given, name) {
			return nil, fmt.Errorf("job: for parameter players: got %s as a name, want an identifier other than %v", kit.Describe(k), Given)
		}
		declared, ok := v.(*Player)
		if !ok {
			return nil, fmt.Errorf("job: for parameter players: %s: got %s, want player(network = ..., loss = ..., optimizer = ...)", name,
				kit.Describe(v))
		}
		p := *declared
		p.Name = name
		t.Players = append(t.Players, &p)
	}
	if len(t.Players) == 0 {
		return nil, fmt.Errorf("job: for parameter players: got none, want at least one")
	}
	return t, t.finish(c, evaluation, watches, tests)
}

// finish checks the arguments that gan and job have in common, and reports all errors.
func (t *Trial) finish(c kit.Call, evaluation evaluate.Value, watches, tests *starlark.Dict) error {
	var errs kit.Errors
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf(c.Name+": "+format, a...)) }
	var err error
	if t.Evaluation, err = evaluation.On(t.Data); err != nil {
		errs = append(errs, kit.Each(c.Name+": for parameter evaluate: ", err)...)
	}
	steps := 0
	for _, p := range t.Players {
		steps += p.Steps
	}
	if steps < 1 || steps > maxSteps {
		fail("got %d updates in one iteration, want 1 to %d", steps, maxSteps)
	}
	if tests.Len() > 0 && t.Data.Split != "train" {
		fail("for parameter test: got data of split %q, want split = \"train\": tests read its split \"test\"", t.Data.Split)
	}
	for _, err := range append(t.watch(watches, "watch", false), t.watch(tests, "test", true)...) {
		fail("%w", err)
	}
	return errs.Err()
}

// watch adds the functions of a dict, which become columns. Columns of tests begin with test_.
func (t *Trial) watch(functions *starlark.Dict, parameter string, test bool) (errs []error) {
	for k, v := range functions.Entries() {
		name, _ := starlark.AsString(k)
		if !kit.IsWord(name) {
			errs = append(errs, fmt.Errorf("for parameter %s: got %s as a name, want an identifier: it becomes a column", parameter,
				kit.Describe(k)))
			continue
		}
		var f kit.Function
		if err := f.Unpack(v); err != nil {
			errs = append(errs, fmt.Errorf("for parameter %s: %s: %w", parameter, name, err))
			continue
		}
		w := Watch{name, parameter + " " + name, test, f}
		if test {
			w.Name = "test_" + name
		}
		t.Watches = append(t.Watches, w)
	}
	return errs
}

// maxSteps bounds the updates of an iteration, which are unrolled.
const maxSteps = 64

func makeLoss(c kit.Call) (starlark.Value, error) {
	l := &lossValue{}
	var clip number.OrNone
	if err := c.Keywords("critic", &l.critic, "generator", &l.generator, "clip?", &clip); err != nil {
		return nil, err
	}
	l.clip = clip.Schedule
	return l, number.AboveZero.Check(c, "clip", l.clip)
}
