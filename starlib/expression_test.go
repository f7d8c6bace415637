package starlib_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// inLoss is a script whose critic evaluates an expression v of x [b4 h8 w8 c3], k [b4] and f [b4 c5].
const inLoss = `
load("@std//losses.star", "hinge")

def ask(D, G, x, y, z):
    k, f = mean(x, "hwc"), nn_of(x)
    v = %s
    return mean(D(x)) + mean(D(G(z))) + 0 * (mean(v) if type(v) == "tensor" else 0)

def nn_of(x):
    return concat([slice(flatten(x), "c", 0, 5)])

def trial(p):
    return gan(data = cifar10(size = 8), generator = lambda z: reshape(nn.dense(z, 192), 8, 8, 3),
        discriminator = lambda x: nn.dense(flatten(x), 1), latent = normal(2),
        loss = loss(critic = ask, generator = lambda D, G, z: -mean(D(G(z)))), optimizer = adam(lr = 1e-3), batch = 4, epochs = 1)

main = study(trial = trial)
`

// traced is the error of an expression inside a loss, without its place; "" if there is none.
func traced(t *testing.T, expression string) string {
	t.Helper()
	s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "study.star", fmt.Appendf(nil, inLoss, expression))
	if err == nil {
		_, err = s.Job(context.Background(), nil)
	}
	if err == nil {
		return ""
	}
	if own, ok := err.(*starlib.Error); ok {
		return own.Msg
	}
	return err.Error()
}

const (
	noTruth = "got f32[b4] as a condition, want where(condition, a, b), which chooses element by element: " +
		"values are unknown while a network is traced"
	noCompare = ", want less(a, b), greater(a, b) or equal(a, b), which compare elements; where(condition, a, b) chooses by them"
)

func TestExpressionsThatWouldBeWrongAreErrors(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		// Axes, in every function that takes some.
		{`mean(x, "")`, `mean: for parameter axes: got "", want at least one axis; without the argument the default applies`},
		{`mean(x, "hh")`, `mean: for parameter axes: got "hh", want each axis once`},
		{`sum(x, "hwh")`, `sum: for parameter axes: got "hwh", want each axis once`},
		{`max(x, "hh")`, `max: for parameter axes: got "hh", want each axis once`},
		{`max(x, "")`, `max: for parameter axes: got "", want at least one axis; without the argument the default applies`},
		{`min(x, axes = "cc")`, `min: for parameter axes: got "cc", want each axis once`},
		{`norm(x, "")`, `norm: for parameter axes: got "", want at least one axis; without the argument the default applies`},
		{`std(x, "bb")`, `std: for parameter axes: got "bb", want each axis once`},
		{`variance(x, "")`, `variance: for parameter axes: got "", want at least one axis; without the argument the default applies`},
		{`mean(x, "hx")`, `mean: for parameter axes: got "hx" of f32[b4 h8 w8 c3], want letters of its axes "bhwc"`},
		{`mean(f, "hw")`, `mean: for parameter axes: got "hw" of f32[b4 c5], want letters of its axes "bc"`},
		{`mean(x, (1, 2))`, `mean: for parameter axes: got tuple, want the letters of axes, such as "hw"`},
		{`mean(x, 1)`, `mean: for parameter axes: got int 1, want the letters of axes, such as "hw"`},
		{`std(mean(x, "b"))`, `std: for parameter axes: got "b" of f32[h8 w8 c3], want letters of its axes "hwc"`},
		{`nn.layer_norm(x, axes = "")`,
			`nn.layer_norm: for parameter axes: got "", want at least one axis; without the argument the default applies`},
		{`nn.layer_norm(x, axes = "cc")`, `nn.layer_norm: for parameter axes: got "cc", want each axis once`},
		{`softmax(k)`, `softmax: x: got f32[b4], want floats of axes [.. c]`},
		{`log_softmax(k)`, `log_softmax: x: got f32[b4], want floats of axes [.. c]`},
		{`concat([k], "c")`, `concat: axis c: got f32[b4], which has none (operands f32[b4])`},
		{`concat([k])`, `concat: axis c: got f32[b4], which has none (operands f32[b4])`},
		{`slice(k, "c", 0)`, `slice: axis c: got f32[b4], which has none (operands f32[b4])`},
		{`flip(k, "c")`, `flip: axis c: got f32[b4], which has none (operands f32[b4])`},
		{`flatten(k)`, `flatten: x: got f32[b4], want floats of axes [b h w c]`},
		{`reshape(x, 8, 8, 3)`, `reshape: x: got f32[b4 h8 w8 c3], want floats of axes [b c]`},
		{`reshape(f, 1, 1, 4)`, `reshape: got f32[b4 c5] and 1 x 1 x 4 = 4 elements, want equal numbers`},
		{`one_hot(k, 10)`, `one_hot: y: got f32[b4], want labels, i32 of axes [b]`},
		// One value has no spread.
		{`std(mean(x), "b")`, `std: for parameter axes: got "b" of f32[], want letters of its axes ""`},
		{`std(slice(f, "c", 0, 1), "c")`, `std: got f32[b4 c1], one value over the axes "c", want two or more: one has no spread`},
		{`variance(slice(x, "b", 0, 1))`, `variance: got f32[b1 h8 w8 c3], one value over the axes "b", want two or more: one has no spread`},
		// Truth values and comparisons.
		{`bool(k)`, "bool: " + noTruth},
		{`any([k])`, "any: " + noTruth},
		{`all((1, k))`, "all: " + noTruth},
		{`not k`, noTruth},
		{`k and 1`, noTruth},
		{`k or 1`, noTruth},
		{`1 if k else 2`, noTruth},
		{`[1 for i in (1, 2) if k]`, noTruth},
		{`(lambda a = k or 1: a)()`, noTruth},
		{`k in [k]`, "got tensor in tensor" + noCompare},
		{`k in [1, 2]`, "got tensor in int" + noCompare},
		{`1 not in (k,)`, "got int not in tensor" + noCompare},
		{`k == k`, "got tensor == tensor" + noCompare},
		{`[k] == [1]`, "got tensor == int" + noCompare},
		{`(1, [k]) != (1, [2.0])`, "got tensor != float" + noCompare},
		{`{"a": k} == {"a": 0}`, "got tensor == int" + noCompare},
		{`struct(a = k) == struct(a = 0)`, "got tensor == int" + noCompare},
		{`sorted([k, k])`, "got tensor < tensor" + noCompare},
		{`max([k, f])`, "max: got tensor > tensor" + noCompare},
	} {
		if got := traced(t, c.expression); got != c.want {
			t.Errorf("%s: got %q, want %q", c.expression, got, c.want)
		}
	}
}

func TestExpressionsThatAreRightAreTraced(t *testing.T) {
	for _, expression := range []string{
		`mean(x, "wh")`, `norm(k)`, `concat([f], "c")`, `concat([x, x], "b")`, `slice(k, "b", 0)`, `max(x, "c")`, `sum(mean(x))`, `softmax(f)`,
		`x if type(x) == "tensor" else k`, `[k] == []`, `k == None`, `[k] == [None]`, `any([k == None, True])`, `bool([k])`, `all(range(1000))`,
		`"a" in {"a": k}`, `None in [k]`,
	} {
		if got := traced(t, expression); got != "" {
			t.Errorf("%s: got %q, want no error", expression, got)
		}
	}
}

// The order in which a script names axes does not change the program.
func TestAxesInAnyOrderAreOneProgram(t *testing.T) {
	programs := map[string]string{}
	for _, expression := range []string{`max(x, "wh")`, `max(x, "hw")`, `mean(x, "chw")`, `mean(x, "hwc")`} {
		s := load(t, fmt.Sprintf(inLoss, expression))
		job, err := s.Job(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		programs[job.Program.Fingerprint()] = expression
	}
	if len(programs) != 2 {
		t.Errorf("got %d programs, want 2: %v", len(programs), programs)
	}
}
