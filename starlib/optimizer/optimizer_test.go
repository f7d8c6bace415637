package optimizer

import (
	"fmt"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func TestRulesHaveTheirNumbers(t *testing.T) {
	for expression, want := range map[string]string{
		"adam(0.001)":                       "[{lr 0.001} {beta1 0.9} {beta2 0.999} {eps 1e-07}]",
		"adam(1, betas = (0, 0.5))":         "[{lr 1.0} {beta1 0.0} {beta2 0.5} {eps 1e-07}]",
		"adamw(0.1)":                        "[{lr 0.1} {beta1 0.9} {beta2 0.999} {eps 1e-07} {decay 0.004}]",
		"sgd(0.1, momentum = 0.9)":          "[{lr 0.1} {momentum 0.9}]",
		"rmsprop(lr = 1, rho = 0.5)":        "[{lr 1.0} {rho 0.5} {eps 1e-07} {momentum 0.0}]",
		"adam(-1)":                          "adam: for parameter lr: got -1.0, want a finite number of 0 or more",
		"adam(1, betas = (0.9, 1))":         "adam: for parameter betas: got 1.0, want a number from 0 to below 1",
		"adam(1, eps = 0)":                  "adam: for parameter eps: got 0.0, want a finite number above 0",
		"sgd(1, ema = 1)":                   "sgd: for parameter ema: got 1.0, want a number from 0 to below 1",
		"sgd(1, clip_norm = 0)":             "sgd: for parameter clip_norm: got 0.0, want a finite number above 0",
		"sgd(1, clip_value = None)":         "[{lr 1.0} {momentum 0.0}]",
		"adam(1, betas = 0.9)":              "adam: for parameter betas: got float 0.9, want a pair of numbers",
		"adam(1) == adam(1)":                "got optimizer == optimizer, want a comparison of the numbers that optimizers are made from",
		"rmsprop(1, momentum = 1, rho = 1)": "rmsprop: for parameter rho: got 1.0, want a number from 0 to below 1",
	} {
		v, err := starlark.EvalOptions(&syntax.FileOptions{}, new(starlark.Thread), "o.star", expression, Builtins)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(v.(Value).Params)
		}
		if got != want {
			t.Errorf("%s: got  %s\nwant %s", expression, got, want)
		}
	}
}
