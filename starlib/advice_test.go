package starlib_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/model"
)

// lists has what advice must list, from the tables of the engine.
func lists() (metrics, optimizers, files string) {
	and := func(names []string) string {
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
	var calls, rules, own, layouts []string
	for _, m := range metric.All {
		calls = append(calls, m.Name+"()")
	}
	for rule := range model.Rules {
		rules = append(rules, string(rule))
	}
	slices.Sort(rules)
	for _, s := range catalogue.DataSets {
		switch {
		case s.Files:
			own = append(own, s.Builtin+"(path)")
		case strings.Contains(s.Args, "path?"):
			layouts = append(layouts, s.Builtin+"(path)")
		}
	}
	return and(calls), and(rules), and(own) + " read files, " + and(layouts) + " other sets in their layout"
}

// Code of Python and PyTorch is answered by what to write instead, and a suggestion is a name that may be meant.
func TestErrorsInForeignCodeSayWhatToWrite(t *testing.T) {
	metrics, optimizers, files := lists()
	for _, c := range []struct{ expression, want string }{
		{`x[:, 0]`, "; tensors have no index: slice(x, axis, lo, hi) takes part of an axis by its name"},
		{`x[..., None]`, "; tensors have no index: slice(x, axis, lo, hi) takes part of an axis by its name"},
		{`1 if x is None else 2`, `conditional expression without else clause; there is no "is" in Starlark: write == or !=`},
		{`0 < batch_of < 1`, "< does not associate with <; write a < b and b < c"},
		{`k % 2`, "operator %: tensors have only + - * /: a - b * floor(a / b) is the remainder"},
		{`2 // k`, "operator //: tensors have only + - * /: write floor(a / b)"},
		{`k | k`, "maximum(a, b) is or of truth values"},
		{`round(k)`, "undefined: round; math.round(x) is for numbers, floor(x + 0.5) for tensors"},
		{`tan(k)`, "undefined: tan; write sin(x) / cos(x)"},
		{`lion(1e-3)`, "undefined: lion; the optimizers are " + optimizers},
		{`lpips()`, "undefined: lpips; the metrics are " + metrics},
		{`cmaes()`, "undefined: cmaes; the searches are gp(), grid(), latin_hypercube(), nsga2(), points(), random(), sobol() and tpe()"},
		{`svhn()`, "undefined: svhn; " + files},
		{`open("a")`, "undefined: open; scripts read only the files that they load"},
		{`np.zeros(3)`, "undefined: np; scripts load no libraries"},
		{`sqrt(2)`, "sqrt: for parameter x: got int 2, want a tensor; math.sqrt is for numbers"},
		{`exp(2.5)`, "exp: for parameter x: got float 2.5, want a tensor; math.exp is for numbers"},
		{`sum([k, k])`, "sum: for parameter x: got a list, want a tensor: loop over its elements"},
		{`flatten(relu)`, "flatten: for parameter x: got the function relu, want a tensor: call it, relu(...)"},
		{`where(k, 1, 2)`, "where: for parameter condition: got f32[b4], want truth values, as from less(a, b)"},
		{`"%.3f" % 0.1`, "unknown conversion %.; numbers are formatted in full"},
		{`adam(1e-3, weight_decay = 0.1)`, `adam: there is no argument "weight_decay": adamw(decay = ...) has it`},
		{`choice([1, 2])`, "choice: got a list, want its values one by one: choice(*[1, 2])"},
		{`evaluate(metrics = fid())`, "evaluate: for parameter metrics: got the metric fid(), want a list of metrics: [fid()]"},
		{`evaluate(metrics = ["fid"])`, `got string "fid", want metrics such as fid(): the metrics are ` + metrics},
		{`gan(evaluate = fid())`, "gan: for parameter evaluate: got the metric fid(), want evaluate(metrics = [fid()], ...)"},
		{`gan(steps = 3)`, `gan: there is no argument "steps" (did you mean d_steps?)`},
		// A similar name is not necessarily meant.
		{`hint(k)`, "undefined: hint"},
		{`text(k)`, "undefined: text"},
		{`cnt(k)`, "undefined: cnt"},
	} {
		got := traced(t, c.expression)
		if !strings.Contains(got, c.want) || strings.Contains(got, "did you mean") && !strings.Contains(c.want, "did you mean") {
			t.Errorf("%s: got %q, want %q", c.expression, got, c.want)
		}
	}
}

// A schedule becomes an input where a tensor is expected, as it does with an operator.
func TestFunctionsOfOneTensorTakeSchedules(t *testing.T) {
	for _, expression := range []string{`floor(linear(0, 1, epochs = 1)) * k`, `exp(linear(0, 1, epochs = 1)) * k`,
		`sqrt(real(2, name = "two")) * k`, `+k`} {
		if got := traced(t, expression); got != "" {
			t.Errorf("%s: got %q, want no error", expression, got)
		}
	}
}
