package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/memory"
)

type evalOptions struct {
	real, fake, features, backend string
	metricOptions
	samples, size, channels int
	floor, json             bool
}

func evalCommand(env *Env) *cobra.Command {
	var o evalOptions
	c := &cobra.Command{
		Use:   "eval --real PATH --fake PATH",
		Short: "Compare any images or features with real ones",
		Long: `Eval compares two sets of images: folders, zip or tar files, or Parquet files
with a column of images. One extractor (see starsweep features list) computes
features of both, and the metrics compare the features. Matrices of features
that were computed elsewhere, (samples, features) as .npy, are compared as they
are. docs/metrics.md defines the metrics:
` + listMetrics(metric.All),
		Example: `  starsweep eval --real cifar10-test/ --fake samples.zip
  starsweep eval --real real.npy --fake fake.npy --metrics fid,precision_recall --k 5 --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return eval(c.Context(), env, o) },
	}
	f := c.Flags()
	f.StringVar(&o.real, "real", "", "`path` of the real images or features")
	f.StringVar(&o.fake, "fake", "", "`path` of the generated images or features")
	o.metricOptions.flags(f)
	f.StringVar(&o.features, "features", feature.Names()[0], "extractor of features of images: "+strings.Join(feature.Names(), ", "))
	f.IntVar(&o.samples, "samples", 0, "number of samples to draw at random from each set (default all)")
	f.IntVar(&o.size, "size", 0, "resize images to this height and width")
	f.IntVar(&o.channels, "channels", 0, "convert images to 1 channel (grey) or 3 (colour)")
	f.BoolVar(&o.floor, "floor", false, "also compare real samples with the same number of other real samples; needs --samples")
	f.BoolVar(&o.json, "json", false, "print JSON")
	backendFlag(c, &o.backend)
	return exits(c, exitNoDevice)
}

// comparison is the result that eval prints.
type comparison struct {
	Real       evalSide           `json:"real"`
	Fake       evalSide           `json:"fake"`
	Features   string             `json:"features"` // name and digest of the extractor, "npy" without one
	Dimensions int                `json:"dimensions"`
	Metrics    []string           `json:"metrics"` // with their arguments
	Values     map[string]float64 `json:"values"`
	Floors     map[string]float64 `json:"floors,omitempty"` // of as many other real samples

	columns []string // names of the values in order
}

// evalSide is one of the two sets as eval prints it.
type evalSide struct {
	Path    string `json:"path"`
	Samples int    `json:"samples"`

	set, others evaluation.Set // the samples that are compared, and as many others for a floor
}

func eval(ctx context.Context, env *Env, o evalOptions) error {
	if o.real == "" || o.fake == "" {
		return usageErrorf("got fewer than two sets, want --real PATH --fake PATH")
	}
	if o.features == spec.PointFeatures {
		return usageErrorf("--features: got %q, which no image has; want one of %s", o.features, strings.Join(feature.Names(), ", "))
	}
	if err := o.check(); err != nil {
		return err
	}
	backend, err := env.openBackend(o.backend)
	if err != nil {
		return err
	}
	defer backend.Close()
	p := newPasses(env)
	comparer := evaluation.New(env.evaluation(backend, p, nil))
	v, err := o.compare(ctx, env, comparer, p)
	if closed := comparer.Close(); err == nil {
		err = closed
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return asUsageError(err)
	case o.json:
		return v.json(env.Stdout)
	}
	return v.table(env.Stdout)
}

// compare reads both sets and compares them.
func (o evalOptions) compare(ctx context.Context, env *Env, c *evaluation.Comparer, p *passes) (*comparison, error) {
	real, err := o.open(ctx, env, o.real, p)
	if err != nil {
		return nil, err
	}
	fake := real
	if o.fake != o.real {
		if fake, err = o.open(ctx, env, o.fake, p); err != nil {
			return nil, err
		}
	}
	if err := checkComparable(real, fake); err != nil {
		return nil, err
	}
	if err := o.checkMemory(env, real, fake); err != nil {
		return nil, err
	}
	v := &comparison{}
	if v.Real, v.Features, err = o.extract(ctx, c, "real images", real, o.floor); err != nil {
		return nil, err
	}
	if v.Fake, _, err = o.extract(ctx, c, "generated images", fake, false); err != nil {
		return nil, err
	}
	v.Dimensions = v.Real.set.Features.D
	n := min(v.Real.Samples, v.Fake.Samples)
	metrics, err := o.parse(n)
	if err != nil {
		return nil, err
	}
	for _, m := range metrics {
		row, _ := metric.Lookup(m.Name)
		v.Metrics = append(v.Metrics, m.String())
		for _, column := range row.Columns {
			v.columns = append(v.columns, column.Name)
		}
		if row.Biased && n <= v.Dimensions {
			warn(env, []string{biasWarning(m, n, v.Dimensions, "--floor")})
		}
	}
	if v.Values, err = c.Compare(ctx, metrics, v.Real.set, v.Fake.set); err != nil {
		return nil, err
	}
	if o.floor {
		if v.Floors, err = c.Compare(ctx, metrics, v.Real.set, v.Real.others); err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
	}
	return v, nil
}

// checkMemory is an error if a comparison of two sets needs more memory than there is.
func (o evalOptions) checkMemory(env *Env, real, fake *imageSet) error {
	n := max(real.count(), fake.count())
	if o.samples > 0 {
		n = min(n, o.samples)
	}
	metrics, err := o.parse(n)
	if err != nil {
		return nil // another error, reported once the samples are drawn
	}
	e, height, width, channels := spec.Evaluation{Samples: n, Metrics: metrics, Features: spec.PointFeatures}, 1, 1, real.matrix.D
	if set := real.images; set != nil {
		e.Features, height, width, channels = o.features, set.H, set.W, set.C
	}
	kept, passing := evaluation.Memory(e, height, width, channels)
	if err := env.memory().Check(memory.Need{Kept: kept, Own: passing}, false); err != nil {
		return fmt.Errorf("comparing up to %d samples per set: %w; lower --samples", n, err)
	}
	return nil
}

// extract computes the features of a side, and those of an equal number of other samples for a floor.
func (o evalOptions) extract(ctx context.Context, c *evaluation.Comparer, what string, s *imageSet, others bool) (
	side evalSide, extractor string, err error) {
	index, err := o.draw(s, others)
	if err != nil {
		return side, "", err
	}
	var all evaluation.Set
	if s.images == nil {
		extractor = "npy"
		if all.Features = s.matrix; len(index) < s.matrix.N || others {
			all.Features = s.matrix.Pick(index)
		}
	} else if all, extractor, err = c.Extract(ctx, o.features, what, s.images, index); err != nil {
		return side, "", fmt.Errorf("%s: %w", s.path, err)
	}
	f := all.Features
	if at := slices.IndexFunc(f.X, func(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) }); at >= 0 {
		return side, "", fmt.Errorf("%s: sample %d, feature %d: got %g, want a finite number", s.path, index[at/f.D], at%f.D, f.X[at])
	}
	side = evalSide{Path: s.path, Samples: len(index), set: all}
	if others {
		side.Samples = o.samples
		side.set, side.others = all.Slice(0, o.samples), all.Slice(o.samples, len(index))
	}
	return side, extractor, nil
}

// draw chooses the samples: all in order, or some at random, followed by an equal number of others for a floor.
func (o evalOptions) draw(s *imageSet, others bool) ([]int, error) {
	n, want := s.count(), o.samples
	switch {
	case o.samples < 0 || o.samples > n:
		return nil, fmt.Errorf("%s: got %d samples, want at least --samples %d", s.path, n, o.samples)
	case others && (o.samples == 0 || 2*o.samples > n):
		return nil, fmt.Errorf("--floor: got %d samples in %s and --samples %d, want --samples from 1 to %d: "+
			"a floor needs as many other samples as are compared", n, s.path, o.samples, n/2)
	case others:
		want *= 2
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	if o.samples > 0 && o.samples < n {
		rand.New(rand.NewPCG(0, 0)).Shuffle(n, func(i, j int) { index[i], index[j] = index[j], index[i] })
		index = index[:want]
	}
	return index, nil
}

// parse returns the metrics for n samples per set.
func (o evalOptions) parse(n int) ([]spec.Metric, error) {
	metrics, err := o.metrics(n)
	if err != nil {
		return nil, err
	}
	return metrics, metric.Validate(spec.Evaluation{Samples: n, Features: o.features, Metrics: metrics}, hasLogits(o.features))
}

// hasLogits reports whether the features of an extractor have logits.
func hasLogits(extractor string) bool {
	return slices.ContainsFunc(feature.Declarations(), func(x spec.Extractor) bool { return x.Name == extractor && x.Logits })
}

func (v *comparison) table(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "real\t%s: %d samples\n", plain.Line(v.Real.Path), v.Real.Samples)
	fmt.Fprintf(w, "fake\t%s: %d samples\n", plain.Line(v.Fake.Path), v.Fake.Samples)
	fmt.Fprintf(w, "features\t%s, %d per sample\n\n", v.Features, v.Dimensions)
	w.Flush()
	if v.Floors != nil {
		fmt.Fprintln(w, "metric\tvalue\tfloor")
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

func (v *comparison) json(to io.Writer) error {
	enc := json.NewEncoder(to)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
