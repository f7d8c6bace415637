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
	return search.Study{Space: s.Space, Search: s.Search, Seeds: s.Seeds, Objectives: s.Objectives, Derive: s.Derivation(),
		Allows: s.Constraint()}
}

// searchOf returns the search of a study that does not learn. Its errors are those of the script, with their places.
func searchOf(ctx context.Context, s *starlib.Study) (*search.Blocks, error) {
	all, err := search.New(ctx, asked(s))
	if err != nil && ctx.Err() == nil {
		err = s.Locate(err)
	}
	return all, err
}

// learning returns the search of a study that learns, with points by which the study is known before it has trials.
func (s *script) learning(ctx context.Context) (l *search.Learner, sample spec.Points, err error) {
	if l, err = search.NewLearner(ctx, asked(s.Study)); err == nil {
		sample, err = l.Sample(ctx)
	}
	if err != nil && ctx.Err() == nil {
		err = s.Locate(err)
	}
	return l, sample, err
}

// points returns the points of the search, a sample of them if it learns, and how many the constraint left out.
func (s *script) points(ctx context.Context) (points spec.Points, leftOut int, err error) {
	if s.Search.Kind.Learns() {
		_, points, err = s.learning(ctx)
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
		return nil, withCode(exitSpace, fmt.Errorf("%s: the script skips every trial, want at least one to train: %s", s.Pos(), p.At(0).Skip))
	}
	if _, _, err := studyMeta(s, p, env.Version); err != nil {
		return nil, err
	}
	warn(env, append(s.Warnings(), biasWarnings(p)...))
	return p, nil
}

// expand makes the plan of the study's search, and checks that its trials are comparable in what the search and the rules compare.
func (s *script) expand(ctx context.Context) (*plan.Plan, error) {
	p, err := s.trials(ctx)
	if err != nil {
		return nil, err
	}
	if p.Grows() {
		for _, o := range s.Objectives {
			if err := s.comparable(p, fmt.Sprintf("%s learns from", s.Search.Kind), o.Name); err != nil {
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
	if !s.Search.Kind.Learns() {
		all, err := searchOf(ctx, s.Study)
		if err != nil {
			return nil, err
		}
		return plan.Make(ctx, s, all)
	}
	l, sample, err := s.learning(ctx)
	if err != nil {
		return nil, err
	}
	s.learner = l
	return plan.Grow(ctx, s, l, sample)
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
