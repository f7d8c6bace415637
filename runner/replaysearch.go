package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

func replaySearchCommand(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "replay-search DIR",
		Short: "Make every suggestion and verdict of a study again",
		Long: `Replay-search makes every suggestion of a search that learns, or of adaptive
seeds, again, from what it saw of the trials before it, and every verdict of a
judge, from the epochs that the judge saw, and compares them with the record. It
trains nothing and changes nothing. What a search saw of other studies is part
of the record: they may be gone.

A suggestion is a function of what it saw, whatever the number of workers was
and whatever was killed, so there is no difference, unless the record was
changed or another version of starsweep made it.`,
		Example: "  starsweep replay-search runs/tpe_mnist",
		Args:    oneStudy,
		RunE: func(c *cobra.Command, args []string) error {
			v, err := env.openView(args[0])
			if err != nil {
				return err
			}
			defer v.Close()
			return newSearchReplay(env, v).all(c.Context())
		},
	}
	return exits(c, exitScript, exitDifferent, exitStorage)
}

// searchReplay makes suggestions and verdicts again. It is the history that a suggestion saw.
type searchReplay struct {
	env     *Env
	view    *results.View
	sources map[string]sweep.Source  // by what they are made of
	made    []execute.Suggested      // those before the one that is made again
	sights  sweep.Seen               // all that they and it saw
	trials  map[string][]sweep.Epoch // by ID, all that are recorded
	err     error                    // of reading them

	suggestions, verdicts int
	differences           []string
}

func newSearchReplay(env *Env, v *results.View) *searchReplay {
	return &searchReplay{env: env, view: v, sources: map[string]sweep.Source{}, sights: sweep.Seen{}, trials: map[string][]sweep.Epoch{}}
}

func (r *searchReplay) all(ctx context.Context) error {
	if err := r.suggest(ctx); err != nil {
		return err
	}
	if err := r.judge(ctx); err != nil {
		return err
	}
	for _, d := range r.differences {
		fmt.Fprintln(r.env.Stdout, plain.Line(d))
	}
	what := fmt.Sprintf("%s and %s", plain.Count(r.suggestions, "suggestion"), plain.Count(r.verdicts, "verdict"))
	if n := len(r.differences); n > 0 {
		return withCode(exitDifferent, fmt.Errorf("%s made again: %s", what, plain.Count(n, "difference")))
	}
	fmt.Fprintf(r.env.Stdout, "%s made again: no difference\n", what)
	return nil
}

func (r *searchReplay) differs(format string, a ...any) {
	r.differences = append(r.differences, fmt.Sprintf(format, a...))
}

// suggest makes every suggestion again.
func (r *searchReplay) suggest(ctx context.Context) error {
	for i := 0; ctx.Err() == nil; i++ {
		want, found, err := r.recorded(i)
		if err != nil || !found {
			return err
		}
		for id, sight := range want.Saw {
			r.sights[id] = sight
		}
		source, err := r.source(ctx, want)
		if err != nil {
			return fmt.Errorf("suggestion %d: %w", i, err)
		}
		got, err := source.Next(i, r)
		switch {
		case r.err != nil:
			return r.err
		case errors.Is(err, sweep.ErrWait):
			r.differs("suggestion %d: it saw epochs that are not recorded", i)
		case errors.Is(err, io.EOF):
			r.differs("suggestion %d: got no more, want %v seed=%d", i, want.Point, want.Seed)
		case err != nil:
			return fmt.Errorf("suggestion %d: %w", i, err)
		case !reflect.DeepEqual(got, want.Suggestion):
			r.differs("suggestion %d: got %v seed=%d, want %v seed=%d%s", i, got.Point, got.Seed, want.Point, want.Seed, r.madeBy(want))
		}
		r.suggestions++
		r.made = append(r.made, want)
	}
	return context.Cause(ctx)
}

// recorded is suggestion i, if the study has so many.
func (r *searchReplay) recorded(i int) (s execute.Suggested, found bool, err error) {
	text, err := r.view.Decision(results.Suggestions, i)
	if err != nil || text == nil {
		return s, false, err
	}
	if err := json.Unmarshal(text, &s); err != nil || s.Index != i {
		return s, false, withCode(exitStorage, fmt.Errorf("%w: suggestion %d is not readable", results.ErrCorrupt, i))
	}
	return s, true, nil
}

func (r *searchReplay) madeBy(s execute.Suggested) string {
	if s.Version == r.env.Version {
		return ""
	}
	return fmt.Sprintf(" (starsweep %s made it, and this is %s)", s.Version, r.env.Version)
}

// source is the source of a suggestion.
func (r *searchReplay) source(ctx context.Context, s execute.Suggested) (sweep.Source, error) {
	key := strings.Join(append([]string{s.Script, s.Profile}, s.Set...), "\x00")
	if known := r.sources[key]; known != nil {
		return known, nil
	}
	script, err := r.env.loadCopy(ctx, r.view, s.Script, scriptOptions{profile: s.Profile, set: s.Set})
	if err != nil {
		return nil, err
	}
	from, err := sourceOf(ctx, script.Study)
	if err != nil {
		return nil, err
	}
	if l, learns := from.(*search.Learner); learns && len(script.Search.Warm) > 0 {
		if err := warmAgain(l, r.view); err != nil {
			return nil, err
		}
	}
	r.sources[key] = from
	return from, nil
}

// Len is the number of suggestions before the one that is made again.
func (r *searchReplay) Len() int { return len(r.made) }

// At is an earlier suggestion, as far as it was seen.
func (r *searchReplay) At(i int) sweep.Trial {
	s := r.made[i]
	t := sweep.Trial{Suggestion: s.Suggestion, ID: s.Trial, State: sweep.Running}
	sight, seen := r.sights[s.Trial]
	if !seen {
		return t
	}
	t.State = sight.State
	for _, e := range r.epochs(s.Trial) {
		if e.Epoch <= sight.Epochs {
			t.Epochs = append(t.Epochs, e)
		}
	}
	return t
}

// epochs are the recorded epochs of a trial.
func (r *searchReplay) epochs(id string) []sweep.Epoch {
	if known, ok := r.trials[id]; ok {
		return known
	}
	if _, begun := r.view.State(id); !begun {
		return nil
	}
	rows, err := r.view.Epochs(id)
	if err != nil && r.err == nil {
		r.err = err
	}
	r.trials[id] = execute.EpochsOf(rows)
	return r.trials[id]
}
