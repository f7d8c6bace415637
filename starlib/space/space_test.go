package space

import (
	"fmt"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/spec"
)

// evaluate evaluates an expression of the family's builtins.
func evaluate(expression string) (starlark.Value, error) {
	env := starlark.StringDict{}
	for _, family := range []starlark.StringDict{Dimensions, Searches} {
		for name, v := range family {
			env[name] = v
		}
	}
	return starlark.EvalOptions(&syntax.FileOptions{}, new(starlark.Thread), "s.star", expression, env)
}

func TestDimensionsHaveTheirValues(t *testing.T) {
	for expression, want := range map[string]string{
		"choice(1, 2)":             "x int [1 2]",
		"choice(1, 2.5)":           "x float [1.0 2.5]",
		`choice("a", "b")`:         `x string ["a" "b"]`,
		"log_uniform(0.1, 10)":     "x float 0.1 to 10 true",
		"integers(1, 8)":           "x int 1 to 8 false",
		"integers(2, 8, step = 3)": "x int 2 to 8 false by 3",
		"integers(2, 9, step = 3)": "integers: got the step 3.0 in the range 2.0 to 9.0, want one that ends there: " +
			"the last value is 8.0",
		"integers(2, 8, step = 0)":                               "integers: for parameter step: got 0, want a positive int",
		`when(log_uniform(1, 2), norm = "none", depth = [2, 3])`: `x float 1 to 2 true when norm = "none" when depth = 2 or 3`,
		"derived(lambda p: p.a + 1)":                             "x none 0 to 0 false derived",
		`when(derived(len), a = 1)`:                              "x none 0 to 0 false when a = 1 derived",
		"derived(2)":                                             "derived: for parameter function: got int 2, want a function",
		`when(when(choice(1), a = 1), b = True)`:                 "x int [1] when a = 1 when b = True",
		`when(choice(1))`: "when: got 1 dimensions and 0 conditions, want one dimension and conditions: " +
			`when(uniform(0, 0.3), norm = "none")`,
		`when(3, a = 1)`:                      "when: got int 3, want a dimension such as uniform(0, 0.3)",
		`when(choice(1), a = [])`:             "when: a: got an empty list, want at least one value",
		`when(choice(1), a = choice)`:         "when: a: got the function choice, want a bool, an int of 64 bits, a finite float or a string",
		`when(when(choice(1), a = 1), a = 2)`: "when: got two conditions of a, want one with a list of values",
		"choice(1, 'a')":                      `choice: got string "a" and int 1, want values of one type`,
		"log_uniform(0, 1)":                   "log_uniform: got 0.0 as the low end of a logarithmic range, want a positive number",
		"log_uniform(1, float('inf'))":        "log_uniform: got an infinite range, want finite ends",
		"choice([1, 2])":                      "choice: got a list, want its values one by one: choice(*[1, 2])",
		"choice(1, values = 2)":               `choice: got the argument "values", want values only`,
		"integers(1, 99999999999999999999)": "integers: for parameter hi: 99999999999999999999 out of range " +
			"(want value in signed 64-bit range)",
	} {
		v, err := evaluate(expression)
		got := fmt.Sprint(err)
		if err == nil {
			d, err := v.(Dimension).Named("x")
			if err != nil {
				t.Fatal(err)
			}
			if got = fmt.Sprintf("%s %s %v", d.Name, d.Kind, d.Choices); len(d.Choices) == 0 {
				got = fmt.Sprintf("%s %s %g to %g %t", d.Name, d.Kind, d.Lo, d.Hi, d.Log)
				if d.Step > 0 {
					got += fmt.Sprintf(" by %g", d.Step)
				}
			}
			for _, c := range d.When {
				got += " when " + c.String()
			}
			if d.Derived {
				got += " derived"
			}
		}
		if got != want {
			t.Errorf("%s: got  %s\nwant %s", expression, got, want)
		}
	}
}

// Points of a list take the types of the space, and must be in it.
func TestPointsLieInTheSpace(t *testing.T) {
	lr, err := spec.Choice("lr", spec.FloatValue(1), spec.FloatValue(2))
	if err != nil {
		t.Fatal(err)
	}
	n, err := spec.Range("n", spec.Int, 1, 8, false)
	if err != nil {
		t.Fatal(err)
	}
	c, err := spec.Choice("c", spec.IntValue(5))
	if err != nil {
		t.Fatal(err)
	}
	c.When = []spec.Condition{{Name: "lr", Values: []spec.Value{spec.FloatValue(2)}}}
	for expression, want := range map[string]string{
		`points([{"lr": 1, "n": 3}])`:            "[lr=1.0 n=3]",
		`points([{"n": 8, "lr": 2.0, "c": 5}])`:  "[lr=2.0 n=8 c=5]",
		`points([{"lr": 1, "n": 9}])`:            "s.star:1:7: points: point 1: n: got 9, want a number from 1 to 8",
		`points([{"lr": 3, "n": 1}])`:            "s.star:1:7: points: point 1: lr: got 3.0, want one of [1.0 2.0]",
		`points([{"lr": 1, "n": 1, "c": None}])`: "[lr=1.0 n=1]",
		`points([{"lr": 2, "n": 1, "c": 5}])`:    "[lr=2.0 n=1 c=5]",
		`points([{"lr": 1}])`:                    "s.star:1:7: points: point 1: got no n, want every hyperparameter of the space that applies",
		`points([{"lr": 1, "n": 1}, {"l": 1}])`:  `s.star:1:7: points: point 2: there is no hyperparameter "l" (did you mean lr?)`,
		`points([{"lr": 1, "n": 1.5}])`:          "s.star:1:7: points: point 1: n: got float 1.5, want int",
		`sobol(9, first = [{"lr": 1, "n": 3}])`:  "[lr=1.0 n=3]",
		`random(9, first = [{"lr": 1, "n": 9}])`: "s.star:1:7: first: point 1: n: got 9, want a number from 1 to 8",
		`points([{"lr": True, "n": 1}])`:         "s.star:1:7: points: point 1: lr: got bool True, want float",
	} {
		v, err := evaluate(expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		points, err := v.(*Search).Within(spec.Space{lr, n, c}, nil)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(points)
		}
		if got != want {
			t.Errorf("%s: got  %s\nwant %s", expression, got, want)
		}
	}
}

func TestWrongSearches(t *testing.T) {
	for expression, want := range map[string]string{
		"points([])":                           "points: got no points, want at least one",
		"points([3])":                          "points: got int 3, want a dict of hyperparameters",
		"random(1000001)":                      "random: for parameter trials: got 1000001, want at most 1000000",
		"sobol(8, seed = 1<<32)":               "sobol: for parameter seed: got 4294967296, want at most 4294967295",
		"latin_hypercube(1, first = [{}, {}])": "latin_hypercube: for parameter first: got 2 points of 1 trials, want at most as many",
		"sobol(8, first = [1])":                "first: got int 1, want a dict of hyperparameters",
		"tpe(8, startup = 0)": "tpe: for parameter startup: got 0, want a positive int, " +
			"or warm = a study whose trials the search sees",
		"gp(8, startup = 0, warm = [])": "gp: for parameter startup: got 0, want a positive int, " +
			"or warm = a study whose trials the search sees",
		"gp(8, startup = -1)":                     "gp: for parameter startup: got int -1, want an int from 0",
		`nsga2(8, population = 0, warm = "runs")`: "nsga2: for parameter population: got 0, want a positive int",
		"tpe(8, warm = 3)":                        "tpe: for parameter warm: got int 3, want the directory of a study, or a list of them",
		`tpe(8, warm = ["runs/a", ""])`:           `tpe: for parameter warm: got string "", want the directory of a study, or a list of them`,
		`sobol(8, warm = "runs/a")`:               `sobol: there is no argument "warm"; want one of trials, seed, first`,
	} {
		if _, err := evaluate(expression); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", expression, err, want)
		}
	}
}
