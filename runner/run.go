package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/plan"
)

type runOptions struct {
	scriptOptions
	dir, backend    string
	workers         int
	keepCheckpoints bool
}

func runCommand(env *Env) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run SCRIPT",
		Short: "train every trial of a study",
		Long: `run trains every trial of a study that is not finished yet and leaves tables in one directory. Stop it whenever you
like, or let it be killed: the same command continues, finished trials are skipped, and a half-done trial goes on
from its last epoch, bit for bit as if nothing had happened.`,
		Args: oneScript,
		RunE: func(c *cobra.Command, args []string) error { return run(c.Context(), env, args[0], o) },
	}
	o.flags(c)
	c.Flags().StringVar(&o.dir, "dir", "", "directory of the study (default runs/NAME, or runs/NAME-PROFILE)")
	backendFlag(c, &o.backend)
	c.Flags().IntVar(&o.workers, "workers", 1, "trials that train at the same time")
	c.Flags().BoolVar(&o.keepCheckpoints, "keep-checkpoints", false, "keep the last checkpoint of finished trials")
	return c
}

func backendFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "backend", "auto", "one of "+strings.Join(train.Names, ", ")+", or xla:/path/of/plugin.so")
}

// openBackend opens a backend by name; one that is not there is a fault of its own kind.
func (e *Env) openBackend(name string) (*train.Backend, error) {
	b, err := train.Open(name, e.trainOptions())
	return b, mistake(err)
}

func (e *Env) trainOptions() train.Options {
	return train.Options{PluginDir: e.plugins(), Plugins: filepath.SplitList(e.Getenv("PJRT_PLUGIN_LIBRARY_PATH")), Now: e.Now}
}

func (e *Env) store() *data.Store {
	return &data.Store{Dir: e.data(), Cache: e.cache(), GoProxy: e.Getenv("GOPROXY"), Memory: int64(machine.Memory(e.System).Free()),
		Warn: e.warn}
}

// evaluation is what a bench of evaluations works with.
func (e *Env) evaluation(b *train.Backend, p *passes, open func(context.Context, spec.Data) (*data.Set, error)) evaluation.Config {
	return evaluation.Config{Backend: b.Compute(), Numerics: b.Numerics(), Networks: e.networks(), Cache: filepath.Join(e.cache(), "features"),
		Open: open, Warn: e.warn, Progress: p.watch, Now: e.Now}
}

func run(ctx context.Context, env *Env, script string, o runOptions) error {
	if o.workers < 1 {
		return usage("--workers: got %d, want at least 1", o.workers)
	}
	var (
		s       *study
		p       *plan.Plan
		backend *train.Backend
	)
	_, err := interruptible(ctx, func() (err error) {
		if s, err = load(ctx, env, script, o.scriptOptions); err != nil {
			return err
		}
		if p, err = s.plan(ctx, env); err != nil {
			return err
		}
		backend, err = env.openBackend(o.backend)
		return err
	})
	if err != nil {
		return err
	}
	t := &trainer{plan: p, backend: backend, store: env.store(), now: env.Now, warn: env.warn, version: env.Version, settings: settings(s),
		passes: newPasses(env), overlaps: backend.Accelerator() || runtime.GOMAXPROCS(0) >= overlapCores}
	t.store.Progress = t.passes.watch
	defer func() {
		if !t.abandoned.Load() {
			backend.Close()
		}
	}()
	dir, err := s.directory(o)
	if err != nil {
		return err
	}
	meta, files, err := describe(s, p, env.Version)
	if err != nil {
		return err
	}
	meta.Origin = origin(dir, s.path)
	study, err := env.openStudy(dir, meta, files, o)
	if err != nil {
		return err
	}
	t.study, t.script, t.memory = study, meta.ScriptHash, newMemory(env)
	t.reads, t.profile = newReader(t.images, env.networks()), o.profile
	t.bench = evaluation.New(env.evaluation(backend, t.passes, t.images))
	fmt.Fprintf(env.Stdout, "%s: %s on %s\n", s.Name, p.Summary(), backend.Device())
	start := env.Now()
	count, err := t.all(ctx, env, o.workers)
	closed := study.Close()
	if !t.abandoned.Load() {
		closed = errors.Join(closed, t.bench.Close())
	}
	if err == nil {
		err = closed
	}
	if count != nil { // something has begun
		env.farewell(count, p.Len(), env.Now().Sub(start).Seconds())
		if drawn := env.report(dir); err == nil {
			err = drawn
		}
	}
	if ctx.Err() != nil && !errors.Is(err, results.ErrStorage) {
		fmt.Fprintf(env.Stderr, "starsweep: interrupted; run the same command again to continue\n")
		return withCode(exitInterrupted, errReported)
	}
	if err != nil {
		return err
	}
	return failures(count, p.Len())
}

// overlapCores is from how many cores on epochs are looked at while the next one trains. Training on the processor leaves 7 % of
// two cores idle, half of sixteen: docs/performance.md.
const overlapCores = 4

// openStudy makes the directory of a study, or continues it.
func (e *Env) openStudy(dir string, m results.Meta, files map[string][]byte, o runOptions) (*results.Study, error) {
	study, err := results.Create(dir, m, files, results.Options{Now: e.Now, FlushEvery: flushEvery, KeepCheckpoints: o.keepCheckpoints})
	if err != nil {
		return nil, mistake(err)
	}
	if n := study.Found.Dropped; n > 0 {
		e.warn(fmt.Errorf("cut %d bytes from the journal's end: a record that was not written whole, or was damaged since", n))
	}
	const most = 20
	for i, note := range study.Found.Notes {
		if i == most {
			e.warn(fmt.Errorf("and %d more of the like", len(study.Found.Notes)-most))
			break
		}
		e.warn(errors.New(note))
	}
	e.warnOfParts(dir, study.Meta())
	return study, nil
}

// warnOfParts warns of parts of a directory's path that readers take for columns, as lr=0.5 in /scratch/lr=0.5/study: DuckDB and others
// then show the path's value in every row, in place of the file's.
func (e *Env) warnOfParts(dir string, m results.Meta) {
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	for part := range strings.SplitSeq(filepath.ToSlash(dir), "/") {
		name, _, isPart := strings.Cut(part, "=")
		for _, t := range results.Tables() {
			if isPart && slices.ContainsFunc(m.Fields(t), func(f results.Field) bool { return strings.EqualFold(f.Name, name) }) {
				e.warn(fmt.Errorf("%s: some readers take the folder %q for a value of the column %s in every row "+
					"(DuckDB: hive_partitioning = false): choose another --dir",
					dir, part, name))
				break
			}
		}
	}
}

// flushEvery is how long finished rows of a young study wait before the tables show them.
const flushEvery = 2 * time.Second

func (e *Env) warn(err error) { fmt.Fprintf(e.Stderr, "starsweep: warning: %v\n", err) }

// settings is the script's settings as a JSON object.
func settings(s *study) string {
	all := map[string]any{}
	for _, x := range s.Settings {
		all[x.Name] = x.Value.Any()
	}
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Sprintf("%q", s.Settings.String()) // an infinity or a NaN, which JSON lacks
	}
	return string(b)
}

// failures is the fault of a study that is over.
func failures(count tally, trials int) error {
	switch failed := count[results.Failed]; {
	case failed > 0 && failed == trials:
		return withCode(exitAllFailed, fmt.Errorf("all %d trials failed; the same command tries them again", failed))
	case failed > 0:
		return withCode(exitSomeFailed,
			fmt.Errorf("%d of %d trials failed: see the column reason of the trials table; the same command tries them again", failed, trials))
	}
	return nil
}

// farewell says how the trials ended.
func (e *Env) farewell(count tally, total int, seconds float64) {
	var parts []string
	sum := 0
	for _, status := range []results.Status{results.Completed, results.Pruned, results.Collapsed, results.Diverged, results.Failed} {
		if n := count[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
			sum += n
		}
	}
	if sum < total {
		parts = append(parts, fmt.Sprintf("%d to do", total-sum))
	}
	fmt.Fprintf(e.Stdout, "%s of %d trials, %.0f s\n", strings.Join(parts, ", "), total, seconds)
}

// report draws the study's page, and tells where everything lies and the best of every objective.
func (e *Env) report(dir string) error {
	v, err := e.view(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	path, err := report.File(v)
	if err != nil {
		return err
	}
	tables := "trials,epochs,samples"
	if len(v.Meta().Objectives) > 0 {
		tables += ",pareto"
	}
	fmt.Fprintf(e.Stdout, "tables   %s/{%s}/*.parquet\nreport   %s\n", dir, tables, path)
	trials := v.Trials()
	for _, o := range v.Meta().Objectives {
		for _, line := range best(v.Meta(), trials, o) {
			fmt.Fprintf(e.Stdout, "best     %s\n", line)
		}
	}
	return nil
}

func reportCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "report DIR", Short: "draw the page of a study, finished or not", Args: oneStudy,
		RunE: func(_ *cobra.Command, args []string) error { return env.report(args[0]) },
	}
}

// describe is what the tables need to know of a study, and its files.
func describe(s *study, p *plan.Plan, version string) (results.Meta, map[string][]byte, error) {
	m := results.Meta{Study: s.Name, Script: filepath.Base(s.path), ScriptHash: s.hash, Version: version}
	for _, d := range s.Space {
		m.Columns = append(m.Columns, results.Column{Name: d.Name, Kind: results.Kind(d.Kind.String())})
	}
	add := func(name string) {
		if name != "" && !slices.Contains(m.Metrics, name) {
			m.Metrics = append(m.Metrics, name)
		}
	}
	for _, program := range p.Programs {
		for _, r := range append(slices.Clone(program.Readings), program.Test...) {
			add(r.Name)
			if r.Loss != "" && !slices.Contains(m.Losses, r.Name) {
				m.Losses = append(m.Losses, r.Name)
			}
		}
	}
	for _, t := range p.Kinds {
		for _, c := range t.Job.Columns() {
			add(c.Name)
		}
		for _, name := range t.Job.Evaluate.Columns() {
			add(name)
		}
	}
	for _, o := range s.Objectives {
		goal := results.Min
		if o.Maximize {
			goal = results.Max
		}
		m.Objectives = append(m.Objectives, results.Objective{Metric: o.Name, Goal: goal})
	}
	if err := m.Check(); err != nil {
		return m, nil, withCode(exitSpace, fmt.Errorf("%s: %w", s.Pos(), err))
	}
	return m, s.Files, nil
}
