package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/evaluation"
)

type evalOptions struct {
	real, fake, features, backend string
	metrics                       []string
	k, samples, size, channels    int
	sigma                         float64
	floor, json                   bool
}

// evalMetrics are the metrics by the names of --metrics, and those of them that are measured if none is named.
var (
	evalMetrics     = []string{spec.FID, spec.KID, spec.PrecisionRecall, spec.DensityCoverage, spec.InceptionScore, spec.PRD, spec.Parzen}
	standardMetrics = evalMetrics[:4]
)

func evalCommand(env *Env) *cobra.Command {
	var o evalOptions
	c := &cobra.Command{
		Use:   "eval --real PATH --fake PATH",
		Short: "measure any images, or features, against real ones",
		Long: `eval compares two sets of images: folders, zip or tar files, Parquet files with a column of images. Both go through one
feature extractor (see starsweep features list), and the metrics compare the features. Matrices of features that were
computed elsewhere, (samples, features) as .npy, are compared as they are. docs/metrics.md defines every number.`,
		Example: `  starsweep eval --real cifar10-test/ --fake samples.zip
  starsweep eval --real real.npy --fake fake.npy --metrics fid,precision_recall --k 5 --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return eval(c.Context(), env, o) },
	}
	f := c.Flags()
	f.StringVar(&o.real, "real", "", "real images or features")
	f.StringVar(&o.fake, "fake", "", "generated ones")
	f.StringSliceVar(&o.metrics, "metrics", standardMetrics, "some of "+strings.Join(evalMetrics, ","))
	f.StringVar(&o.features, "features", "inception", "extractor of features for images: "+strings.Join(spec.Extractors, ", "))
	f.IntVar(&o.k, "k", 3, "neighbours of precision, recall, density and coverage")
	f.IntVar(&o.samples, "samples", 0, "compare so many of each, drawn at random (default all)")
	f.IntVar(&o.size, "size", 0, "resize images to this height and width first")
	f.IntVar(&o.channels, "channels", 0, "1 or 3: make images grey or coloured first")
	f.Float64Var(&o.sigma, "sigma", 0, "deviation of the Parzen window")
	f.BoolVar(&o.floor, "floor", false, "measure real samples against other real ones too, half of them or as many as there are fake ones")
	f.BoolVar(&o.json, "json", false, "print JSON")
	backendFlag(c, &o.backend)
	return c
}

// verdict is what eval prints.
type verdict struct {
	Real       evalSide           `json:"real"`
	Fake       evalSide           `json:"fake"`
	Features   string             `json:"features"` // name and digest of the extractor, "npy" without one
	Dimensions int                `json:"dimensions"`
	Metrics    []string           `json:"metrics"` // with their options
	Values     map[string]float64 `json:"values"`
	Floors     map[string]float64 `json:"floors,omitempty"`
	FloorN     int                `json:"floor_samples,omitempty"` // of each of the two sets

	columns []string // names of the values in order
}

// evalSide is one of the two sets as eval prints it.
type evalSide struct {
	Path    string `json:"path"`
	Samples int    `json:"samples"`

	set evaluation.Set
}

func eval(ctx context.Context, env *Env, o evalOptions) error {
	if o.real == "" || o.fake == "" {
		return usage("want two sets to compare: --real PATH --fake PATH")
	}
	if o.features == spec.PointFeatures {
		return usage("--features: got %q, which are those of no image; want one of %s", o.features, strings.Join(spec.Extractors, ", "))
	}
	for _, name := range o.metrics {
		if !slices.Contains(evalMetrics, name) {
			return usage("--metrics: got %q, want some of %s", name, strings.Join(evalMetrics, ", "))
		}
	}
	backend, err := env.openBackend(o.backend)
	if err != nil {
		return err
	}
	defer backend.Close()
	b := evaluation.New(env.evaluation(backend, newPasses(env), nil))
	v, err := o.compare(ctx, env, b)
	if closed := b.Close(); err == nil {
		err = closed
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return withCode(exitUsage, err)
	case o.json:
		return v.json(env.Stdout)
	}
	return v.table(env.Stdout)
}

// compare reads both sets and measures.
func (o evalOptions) compare(ctx context.Context, env *Env, b *evaluation.Bench) (*verdict, error) {
	real, err := o.open(ctx, env, o.real)
	if err != nil {
		return nil, err
	}
	fake, err := o.open(ctx, env, o.fake)
	if err != nil {
		return nil, err
	}
	if err := alike(real, fake); err != nil {
		return nil, err
	}
	v := &verdict{}
	if v.Real, v.Features, err = o.extract(ctx, b, "real images", real); err != nil {
		return nil, err
	}
	if v.Fake, _, err = o.extract(ctx, b, "generated images", fake); err != nil {
		return nil, err
	}
	v.Dimensions = v.Real.set.Features.D
	if d := v.Fake.set.Features.D; d != v.Dimensions {
		return nil, fmt.Errorf("got %d features a sample in %s and %d in %s: images of different sizes want --size", v.Dimensions, o.real, d, o.fake)
	}
	metrics, err := o.parse(min(v.Real.Samples, v.Fake.Samples))
	if err != nil {
		return nil, err
	}
	for _, m := range metrics {
		v.Metrics = append(v.Metrics, m.String())
		v.columns = append(v.columns, m.Columns()...)
	}
	if n := min(v.Real.Samples, v.Fake.Samples); slices.Contains(o.metrics, spec.FID) && n <= v.Dimensions {
		fmt.Fprintf(env.Stderr, "starsweep: warning: fid of %d samples of %d features is far too high: read it beside --floor, or take more samples\n", n, v.Dimensions)
	}
	if v.Values, err = b.Compare(ctx, metrics, v.Real.set, v.Fake.set); err != nil {
		return nil, err
	}
	if o.floor {
		v.FloorN = min(v.Real.Samples/2, v.Fake.Samples)
		if metrics, err = o.parse(v.FloorN); err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		v.Floors, err = b.Floor(ctx, metrics, v.Real.set, v.FloorN)
	}
	return v, err
}

// extract takes a side to features.
func (o evalOptions) extract(ctx context.Context, b *evaluation.Bench, what string, s *imageSet) (side evalSide, extractor string, err error) {
	index, err := o.draw(s)
	if err != nil {
		return side, "", err
	}
	side = evalSide{Path: s.path, Samples: len(index)}
	if s.images == nil {
		extractor = "npy"
		if side.set.Features = s.matrix; len(index) < s.matrix.N {
			side.set.Features = s.matrix.Pick(index)
		}
	} else if side.set, extractor, err = b.Extract(ctx, o.features, what, s.images, index); err != nil {
		return side, "", err
	}
	f := side.set.Features
	if at := slices.IndexFunc(f.X, func(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) }); at >= 0 {
		return side, "", fmt.Errorf("%s: sample %d, feature %d: got %g, want a number", s.path, index[at/f.D], at%f.D, f.X[at])
	}
	return side, extractor, nil
}

// draw chooses the samples: all in order, or some at random.
func (o evalOptions) draw(s *imageSet) ([]int, error) {
	n := s.count()
	if o.samples < 0 || o.samples > n {
		return nil, fmt.Errorf("%s: got %d samples, want --samples %d", s.path, n, o.samples)
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	if o.samples > 0 && o.samples < n {
		rand.New(rand.NewPCG(0, 0)).Shuffle(n, func(i, j int) { index[i], index[j] = index[j], index[i] })
		index = index[:o.samples]
	}
	return index, nil
}

// parse gives the metrics for n samples of each set. KID takes subsets of 1000, the packages' choice, or of all samples where
// these are fewer.
func (o evalOptions) parse(n int) ([]spec.Metric, error) {
	e := spec.Evaluate{Samples: n, Features: o.features}
	for _, name := range o.metrics {
		m := spec.Metric{Name: name}
		switch name {
		case spec.PrecisionRecall, spec.DensityCoverage:
			m.K = o.k
		case spec.KID:
			m.Subsets, m.Size = 100, min(1000, n)
		case spec.InceptionScore:
			m.Splits = 10
		case spec.Parzen:
			if m.Sigma = o.sigma; m.Sigma <= 0 {
				return nil, errors.New("parzen: got no deviation, want --sigma above 0")
			}
		}
		e.Metrics = append(e.Metrics, m)
	}
	if o.k < 1 {
		return nil, fmt.Errorf("--k: got %d, want 1 or more", o.k)
	}
	return e.Metrics, e.Validate()
}

func (v *verdict) table(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "real\t%s: %d samples\n", v.Real.Path, v.Real.Samples)
	fmt.Fprintf(w, "fake\t%s: %d samples\n", v.Fake.Path, v.Fake.Samples)
	fmt.Fprintf(w, "features\t%s, %d a sample\n\n", v.Features, v.Dimensions)
	w.Flush()
	if v.Floors != nil {
		fmt.Fprintf(w, "metric\tvalue\tfloor of %d\n", v.FloorN)
	}
	for _, name := range v.columns {
		fmt.Fprintf(w, "%s\t%.6g", name, v.Values[name])
		if v.Floors != nil {
			fmt.Fprintf(w, "\t%.6g", v.Floors[name])
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func (v *verdict) json(to io.Writer) error {
	enc := json.NewEncoder(to)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
