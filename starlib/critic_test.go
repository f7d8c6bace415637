package starlib_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// asked is the study of the losses' tests, with a critic that is called in all the ways that published methods use.
const asked = `
def G(z):
    return nn.dense(z, 2)

def D(x%s):
    d = nn.dense(x, 1) * nn.dense(x, 1)
    return %s

def wrap(x):
    return 0.5 * flip(x, "c") + 0.1

def ask(D, G, x, z):
    f = stop_gradient(G(z))
    half = 0.5 * x + 0.5 * f
    return %s

def trial(p):
    return gan(data = ring(), generator = G, discriminator = D, latent = normal(3),
        loss = loss(critic = ask, generator = lambda D, G, z: mean(D(G(z)))), critic = %s, optimizer = sgd(lr = 0), batch = 5, epochs = 1)

main = study(trial = trial)
`

func wrapped(x vec) vec { return vec{.5*x[1] + .1, .5*x[0] + .1} }

// criticCase is a loss that calls a critic, with what is recorded of the critic's outputs.
type criticCase struct {
	what, parameters, output, loss, critic string
	real, fake                             func(w world) float64 // nil: not recorded
	warned                                 []string
}

func criticCases() []criticCase {
	dx := func(w world) float64 { return mean(w.Dx) }
	df := func(w world) float64 { return mean(w.Df) }
	wx := func(w world) float64 { return mean(func(i int) float64 { return w.D(wrapped(w.x[i])) }) }
	wf := func(w world) float64 { return mean(func(i int) float64 { return w.D(wrapped(w.fake[i])) }) }
	twice := "concat([d, 3 * d])"
	return []criticCase{
		{what: "plain", loss: `mean(D(f)) - mean(D(x))`, real: dx, fake: df},
		{what: "augmented", loss: `mean(D(wrap(f))) - mean(D(wrap(x)))`, real: wx, fake: wf},
		{what: "consistency", loss: `mean(D(f)) - mean(D(x)) + mean(square(D(x) - D(wrap(x))))`, real: dx, fake: df},
		{what: "the wrapped before the plain", loss: `mean(square(D(wrap(f)) - D(f))) - mean(D(wrap(x)) + D(x))`, real: dx, fake: df},
		{what: "interpolated", loss: `mean(D(half)) + mean(D(f)) - mean(D(x))`, real: dx, fake: df},
		{what: "R1 of augmented", loss: `mean(D(wrap(f))) - mean(D(wrap(x))) + mean(square(grad(sum(D(wrap(x))), x)))`, real: wx, fake: wf},
		{what: "adaptive", loss: `mean(D(f + mean(x) - mean(x))) - mean(D(x))`, real: dx, fake: df},
		{what: "two of one kind", loss: `mean(D(f)) - mean(D(x)) + mean(D(G(z)))`, real: dx, fake: df},
		{what: "two latents", loss: `mean(D(f)) - mean(D(x)) + mean(D(G(0.0 * z)))`, real: dx,
			fake: func(w world) float64 { return (mean(w.Df) + w.D(vec{.05, -.1})) / 2 }},
		{what: "only interpolated", loss: `mean(D(half))`, warned: []string{
			"the discriminator has no d_real: its loss does not apply it to real examples, or only together with others, " +
				"and no d_fake: its loss does not apply it to generated examples, or only together with others (critic = "}},
		{what: "one batch of both", loss: `mean(D(concat([x, f], "b")))`, warned: []string{"no d_real: "}},
		{what: "two outputs", output: twice, loss: `mean(D(f)) - mean(D(x))`, warned: []string{
			"the discriminator has no d_fake: it returns f64[b5 c2], want one number per example or per pixel, and no d_real: it returns f64"}},
		{what: "one of two outputs", output: twice, critic: `lambda out: slice(out, "c", 0, 1)`, loss: `mean(D(f)) - mean(D(x))`, real: dx,
			fake: df},
		{what: "no number per example", output: "mean(d)", loss: `D(f) - D(x)`, warned: []string{"no d_real: "}},
		{what: "a number per example", output: `sum(d, "c")`, loss: `mean(D(f) - D(x))`, real: dx, fake: df},
		{what: "not asked for", critic: "False", loss: `mean(D(f)) - mean(D(x))`},
		{what: "with other arguments", parameters: ", s = 1", output: "d * s", loss: `mean(D(f, 1) - D(x, 1) + D(x, 2))`, fake: df,
			warned: []string{"the discriminator has no d_real: its loss applies it to real examples with different labels or other arguments"}},
	}
}

func TestOutputsOfTheCriticAreRecorded(t *testing.T) {
	for _, c := range criticCases() {
		t.Run(c.what, func(t *testing.T) {
			output, critic := c.output, c.critic
			if output == "" {
				output = "d"
			}
			if critic == "" {
				critic = "True"
			}
			source := fmt.Sprintf(asked, c.parameters, output, c.loss, critic)
			w, got := evaluate(t, source)
			for name, want := range map[string]func(w world) float64{"d_real": c.real, "d_fake": c.fake} {
				v, recorded := got[name]
				switch {
				case recorded != (want != nil):
					t.Errorf("%s: got it recorded: %t, want %t", name, recorded, want != nil)
				case recorded:
					near(t, name, v, want(w))
				}
			}
			s := load(t, strings.ReplaceAll(source, "f64", "f32"))
			jobs(t, s)
			warnings := s.Warnings()
			if len(warnings) != len(c.warned) || slices.ContainsFunc(c.warned, func(part string) bool {
				return !strings.Contains(strings.Join(warnings, "\n"), strings.ReplaceAll(part, "f64", "f32"))
			}) {
				t.Errorf("got the warnings %q, want %q", warnings, c.warned)
			}
		})
	}
}

// The output of another player's network that makes no examples, such as features, counts as real if its input is real.
func TestFeaturesOfRealDataAreReal(t *testing.T) {
	s := load(t, `
load("@std//mlp.star", "mlp")

def trial(p):
    step = sgd(lr = 1e-3)
    return job(data = ring(), latent = normal(3), batch = 5, epochs = 1, players = {
        "critic": player(network = mlp([], 1), optimizer = step, critic = True,
                         loss = lambda critic, trunk, maker, x, z: mean(critic(trunk(maker(z)))) - mean(critic(trunk(x)))),
        "trunk": player(network = mlp([], 4), optimizer = step, loss = lambda trunk, x: mean(trunk(x))),
        "maker": player(network = mlp([], 2), optimizer = step, loss = lambda maker, z: mean(maker(z))),
    })

main = study(trial = trial)
`)
	var names []string
	for _, r := range jobs(t, s)[0].Program.Recorded {
		names = append(names, r.Name)
	}
	if got, want := strings.Join(names[:4], " "), "loss_critic grad_norm_critic d_fake d_real"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
