package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep/search"
	"github.com/starsweep/starsweep/starlib"
)

// scriptOptions are the flags of every command that reads a script.
type scriptOptions struct {
	profile string
	set     []string
}

func (o *scriptOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.profile, "profile", "", "`name` of a profile of the script, such as smoke")
	c.Flags().StringArrayVar(&o.set, "set", nil, "override a setting, or pin a hyperparameter, with `NAME=VALUE`; may be repeated")
}

// script is a study as its script declares it, with the overrides of the command line.
type script struct {
	*starlib.Study
	path, hash string
	learner    *search.Learner // its search, if that learns, once it is planned
}

func load(ctx context.Context, env *Env, path string, o scriptOptions) (*script, error) {
	source, err := readScript(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageErrorf("%s: no such script", path)
	} else if err != nil {
		return nil, usageErrorf("%v", err)
	}
	folder, err := os.OpenRoot(filepath.Dir(path)) // a link that leads out of the folder is an error
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	defer folder.Close()
	l := starlib.Loader{
		Catalogue: catalogue(),
		Read:      func(name string) ([]byte, error) { return readScript(folder.FS(), name) },
		Reserved:  results.Reserved(),
		Print:     func(line string) { fmt.Fprintln(env.Stderr, line) },
		Images:    env.counter(),
		Fits:      env.store().Fits,
	}
	s, err := l.Load(ctx, plain.Line(path), source)
	if err != nil {
		return nil, err
	}
	if !folderName(s.Name) {
		return nil, usageErrorf("%q: the study would be called %q, which is not a valid name of a folder: rename the script", path, s.Name)
	}
	if s, err = s.With(o.profile, o.set); err != nil {
		return nil, withCode(exitUsage, err)
	}
	return &script{Study: s, path: path, hash: hash(s.Files)}, nil
}

// catalogue returns the extractors and data sets that scripts can choose.
func catalogue() spec.Catalogue {
	return spec.Catalogue{Extractors: feature.Declarations(), DataSets: data.Declarations()}
}

// readScript reads a script, up to one byte more than scripts may have. Pipes and devices, which may never end, are errors.
func readScript(dir fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if err := regular.Check(info.Mode()); err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, starlib.MaxSource+1))
}

// asked is what a search needs to know of a study.
func asked(s *starlib.Study) search.Study {
	return search.Study{Space: s.Space, Search: s.Search, Seeds: s.Seeds, Adaptive: s.Adaptive, Objectives: s.Objectives,
		Derive: s.Derivation(), Allows: s.Constraint()}
}

// grows reports whether trials of a study depend on the results of others.
func grows(s *starlib.Study) bool { return s.Search.Kind.Learns() || s.Adaptive != nil }

// source suggests the trials of a study that grows.
type source interface {
	plan.Source
	Sample(context.Context) (spec.Points, error) // points by which the study is known before it has trials
}

// sourceOf returns the source of a study. Its errors name the argument of study(...) that is wrong.
func sourceOf(ctx context.Context, s *starlib.Study) (source, error) {
	if s.Adaptive != nil {
		return search.NewAdaptive(ctx, asked(s))
	}
	return search.NewLearner(ctx, asked(s))
}

// searchOf returns the search of a study whose points are known. Its errors are those of the script, with their places.
func searchOf(ctx context.Context, s *starlib.Study) (*search.Blocks, error) {
	all, err := search.New(ctx, asked(s))
	if err != nil && ctx.Err() == nil {
		err = s.Locate(err)
	}
	return all, err
}

// source returns the source of the study, with its sample. Its errors are those of the script, with their places.
func (s *script) source(ctx context.Context) (from source, sample spec.Points, err error) {
	if from, err = sourceOf(ctx, s.Study); err == nil {
		sample, err = from.Sample(ctx)
	}
	if err != nil && ctx.Err() == nil {
		err = s.Locate(err)
	}
	return from, sample, err
}

// points returns the points of the search, a sample of them if it learns, and how many the constraint left out.
func (s *script) points(ctx context.Context) (points spec.Points, leftOut int, err error) {
	if s.Search.Kind.Learns() {
		_, points, err = s.source(ctx)
		return points, 0, err
	}
	all, err := searchOf(ctx, s.Study)
	if err != nil {
		return points, 0, err
	}
	return all.Points, all.LeftOut, nil
}

// plan plans the trials of the study, checks everything that can be checked without training, and prints warnings. All commands use
// it, so that they report the same errors.
func (s *script) plan(ctx context.Context, env *Env) (*plan.Plan, error) {
	p, err := s.expand(ctx)
	if err != nil {
		return nil, err
	}
	if !p.Grows() && p.Len() == p.Skipped {
		return nil, s.skipsAll(ctx, p.At(0).Point)
	}
	if _, _, err := studyMeta(s, p, env.Version); err != nil {
		return nil, err
	}
	warn(env, append(s.Warnings(), biasWarnings(p)...))
	return p, nil
}

// skipsAll is the error of a study without a trial to train, with the reason why a point is skipped.
func (s *script) skipsAll(ctx context.Context, point spec.Point) error {
	var skip *model.Skipped
	if _, err := s.Job(ctx, point); !errors.As(err, &skip) {
		return err
	}
	return withCode(exitSpace, fmt.Errorf("%s: the script skips every trial, want at least one to train: %s", s.Pos(), skip.Reason))
}

// expand makes the plan of the study's search, and checks that its trials are comparable in what the search, the seeds and the rules
// compare.
func (s *script) expand(ctx context.Context) (*plan.Plan, error) {
	p, err := s.trials(ctx)
	if err != nil {
		return nil, err
	}
	if p.Grows() {
		who := fmt.Sprintf("%s learns from", s.Search.Kind)
		if s.Adaptive != nil {
			who = "seeds: adaptive(...) compares points by"
		}
		for _, o := range s.Objectives {
			if err := s.comparable(p, who, o.Name); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range judges(s.Study).Contests {
		for _, name := range c.Metrics() {
			if err := s.comparable(p, "prune compares trials by", name); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// trials makes the plan of the study's search.
func (s *script) trials(ctx context.Context) (*plan.Plan, error) {
	if !grows(s.Study) {
		all, err := searchOf(ctx, s.Study)
		if err != nil {
			return nil, err
		}
		return plan.Make(ctx, s, all)
	}
	from, sample, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	s.learner, _ = from.(*search.Learner)
	p, err := plan.Grow(ctx, s, from, sample)
	if err != nil {
		return nil, err
	}
	if a, adaptive := from.(*search.Adaptive); adaptive {
		p.LeftOut = a.LeftOut
		if len(p.Families) == 0 {
			return nil, s.skipsAll(ctx, sample.At(0))
		}
	}
	return p, nil
}

// comparable returns an error if trials of a plan measure a metric in different ways, so that numbers would be compared that mean different
// things. who does what with them begins its text.
func (s *script) comparable(p *plan.Plan, who, name string) error {
	way := func(f plan.Family) string {
		in := f.Job.Unread()
		return metric.Deciding(in.Measure, in.Train, name).String()
	}
	for _, f := range p.Families {
		if first := p.Families[0]; way(f) != way(first) {
			return withCode(exitSpace, fmt.Errorf("%s: %s %s, and trials measure it in different ways: with %v by %s, with %v by %s; want "+
				"the same data and evaluate(...) at every point", s.Pos(), who, name, first.Point, way(first), f.Point, way(f)))
		}
	}
	return nil
}

// hash returns a hash of the names and contents of files.
func hash(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:hashLength]
}

const hashLength = 16

// isHash reports whether a name may be a hash.
func isHash(name string) bool {
	_, err := hex.DecodeString(name)
	return err == nil && len(name) == hashLength
}
