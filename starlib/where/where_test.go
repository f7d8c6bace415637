package where_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib/where"
)

var columns = []string{"trial", "seed", "status", "epoch", "lr", "loss", "penalty", "norm", "fid"}

func TestConditionsChooseTrials(t *testing.T) {
	row := map[string]any{"trial": "a1", "seed": int64(3), "status": "completed", "lr": 0.001, "loss": "ns", "norm": true, "fid": 12.5}
	for text, want := range map[string]bool{
		`lr < 0.01 and loss == "ns"`:                   true,
		`lr < 0.01 and loss == "wgan-gp"`:              false,
		`lr == 1e-3`:                                   true,
		`loss in ["ns", "ls"] and norm`:                true,
		`penalty == None`:                              true,
		`penalty < 10`:                                 false, // it has none
		`penalty > 10 or loss == "ns"`:                 true,
		`penalty * 2 + 1 <= 5`:                         false,
		`penalty or False`:                             false,
		`penalty`:                                      false,
		`not (fid < 12) and seed % 2 == 1`:             true,
		`status.startswith("comp") and len(trial) > 1`: true,
		`max(lr, 1) == 1`:                              true,
		"(lr <\n 1)":                                   true,
		`any([x == loss for x in ["ns"]])`:             true,
	} {
		holds, err := where.Compile(t.Context(), "--where", text, columns)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		got, err := holds(row)
		if err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestWrongConditionsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		`lrr < 0.1`:                              `--where:1:1: there is no column "lrr" (did you mean lr?)`,
		`lr < 0.1 and batch > 1`:                 `--where:1:14: there is no column "batch"; want one of epoch, fid, `,
		`lr = 0.1`:                               `--where:1:4: got =, which assigns; compare with ==`,
		`lr <`:                                   `--where:1:5: `,
		``:                                       `--where: got no expression`,
		"lr\nlr":                                 `--where:2:1: got a second statement`,
		`load("x", "y")`:                         `--where:1:1: got a statement`,
		`lr && loss`:                             `--where:1:`,
		`loss < 3`:                               `--where:1:6: `,
		`lr + loss < 3`:                          `--where:1:4: `,
		`lr`:                                     `--where:1:1: got float 0.5, want True or False`,
		`"x" * 1000000000 == ""`:                 `--where:1:5: `,
		`len([x for x in range(100000000)]) > 0`: `--where:1:`,
	} {
		holds, err := where.Compile(t.Context(), "--where", text, columns)
		if err == nil {
			_, err = holds(map[string]any{"lr": 0.5, "loss": "ns"})
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestConditionsEndWithTheirContext(t *testing.T) {
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	holds, err := where.Compile(ctx, "--where", "lr < 1", columns)
	if err != nil {
		t.Fatal(err)
	}
	cancel(stop)
	if _, err := holds(map[string]any{"lr": 0.5}); !errors.Is(err, stop) {
		t.Errorf("got error %v, want that of the context", err)
	}
}

func TestTheColumnsOfACondition(t *testing.T) {
	got, err := where.Columns("--rule", `fid < 2 and (lr in [1e-3, seed] or fid > lr) and loss != "norm"`, columns)
	if err != nil || strings.Join(got, " ") != "fid lr seed loss" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := where.Columns("--rule", "fid = 2", columns); err == nil || !strings.Contains(err.Error(), "--rule:1:5: got =") {
		t.Errorf("got %v, want an error with its place", err)
	}
}
