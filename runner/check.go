package runner

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/runner/plan"
)

func checkCommand(env *Env) *cobra.Command {
	var o scriptOptions
	c := &cobra.Command{
		Use:   "check SCRIPT",
		Short: "Check a script and every point of its search space",
		Long: `Check evaluates a script, builds the job of every point of its search space and
traces it: names, types, shapes and losses. It reports every distinct error
with the number of configurations that have it. It trains nothing and opens no
data.`,
		Example: `  starsweep check examples/quickstart.star
  starsweep check examples/quickstart.star --profile smoke`,
		Args: oneScript,
		RunE: func(c *cobra.Command, args []string) error { return check(c.Context(), env, args[0], o) },
	}
	o.flags(c)
	return exits(c, exitScript, exitSpace)
}

func check(ctx context.Context, env *Env, path string, o scriptOptions) error {
	start := env.Now()
	s, err := load(ctx, env, path, o)
	if err != nil {
		return err
	}
	p, err := s.plan(ctx, env)
	if err != nil {
		return err
	}
	if err := env.checkMemory(p); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s: ok: %s, checked in %.2f s\n", plain.Line(path), p.Summary(), env.Now().Sub(start).Seconds())
	names := players(p.Programs)
	width := widest(names)
	for _, name := range names {
		lo, hi := parameterRange(p.Programs, name)
		if lo == hi {
			fmt.Fprintf(env.Stdout, "  %-*s  %s parameters\n", width, name, grouped(lo))
		} else {
			fmt.Fprintf(env.Stdout, "  %-*s  %s to %s parameters\n", width, name, grouped(lo), grouped(hi))
		}
	}
	return nil
}

// checkMemory warns of trials that would fail because they do not fit into the memory of this machine.
func (e *Env) checkMemory(p *plan.Plan) error {
	pool := e.memory()
	if pool.Room().Bytes == 0 {
		return nil
	}
	b, err := e.openBackend("cpu")
	if err != nil {
		return err
	}
	defer b.Close()
	errs, err := pool.Unfit(p, b, e.counter())
	if err != nil {
		return err
	}
	_, what := p.Traced()
	for _, x := range errs.List {
		warn(e, []string{fmt.Sprintf("%d of %d %s will fail, first with %v: %v", x.Count, errs.Points, what, x.Point, x.Err)})
	}
	return nil
}

// players lists the players of programs, in the order of their first appearance.
func players(programs []*model.Program) (names []string) {
	for _, p := range programs {
		for _, v := range p.Vars {
			if v.Role == model.Weight && !slices.Contains(names, v.Player()) {
				names = append(names, v.Player())
			}
		}
	}
	return names
}

func parameterRange(programs []*model.Program, player string) (lo, hi int) {
	for i, p := range programs {
		n := p.Parameters(player)
		if i == 0 {
			lo = n
		}
		lo, hi = min(lo, n), max(hi, n)
	}
	return lo, hi
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
