package effect_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

// population is a made-up study of two losses at several configurations. The logarithm of a value is normal around that of its
// configuration, with a deviation of its own; a trial may also come out near 400, as if it had collapsed.
type population struct {
	centre, spread [2][]float64
	lost           float64
}

func drawn(random *rand.Rand, configurations int, lost float64) population {
	p := population{lost: lost}
	for range configurations {
		shared := 3.5 + 0.6*random.NormFloat64()
		for l := range 2 {
			p.centre[l] = append(p.centre[l], shared+0.2*float64(l)+0.2*random.NormFloat64())
			p.spread[l] = append(p.spread[l], math.Exp(math.Log(0.12)+0.5*random.NormFloat64()))
		}
	}
	return p
}

func (p population) value(random *rand.Rand, l, c int) float64 {
	if random.Float64() < p.lost {
		return 400 * math.Exp(0.1*random.NormFloat64())
	}
	return math.Exp(p.centre[l][c] + p.spread[l][c]*random.NormFloat64())
}

// study is a frame of some seeds, and of one seed of so many configurations.
func (p population) study(random *rand.Rand, seeds, single int) *frame.Frame {
	lrs := frame.Factor{Name: "lr", Kind: spec.Float}
	var cells []cell
	for c := range p.centre[0] {
		lrs.Levels = append(lrs.Levels, float64(c))
		for l, name := range []string{"ns", "wgan"} {
			x := cell{point: at(name, float64(c))}
			for s := range seeds {
				if s == 0 || c >= single {
					x.values = append(x.values, p.value(random, l, c))
				}
			}
			cells = append(cells, x)
		}
	}
	return framed([]frame.Factor{lrs, loss}, cells...)
}

// run is one run of every configuration: the statistics of one loss, then those of the pair.
func (p population) run(random *rand.Rand) []float64 {
	var of [2][]float64
	for l := range 2 {
		var y, logs []float64
		for c := range p.centre[l] {
			y = append(y, p.value(random, l, c))
			logs = append(logs, math.Log(y[c]))
		}
		slices.Sort(y)
		of[l] = []float64{stat.Mean(y, nil), frame.Quantile(y, 0.5), y[0], frame.Quantile(y, 0.75) - frame.Quantile(y, 0.25),
			stat.StdDev(logs, nil)}
	}
	values := slices.Clone(of[0])
	for k := range of[0] {
		if effect.Statistics[k].Spread {
			values = append(values, math.Log(of[1][k]/of[0][k]))
		} else {
			values = append(values, of[1][k]-of[0][k])
		}
	}
	return values
}

// truth is what a run gives on average.
func truth(runs int, run func() []float64) []float64 {
	mean := run()
	for i := 1; i < runs; i++ {
		for k, y := range run() {
			mean[k] += (y - mean[k]) / float64(i+1)
		}
	}
	return mean
}

// coverage counts how often intervals hold the truth, by statistic of a level and of a pair.
type coverage struct {
	held, of []int
}

func (c *coverage) add(a *effect.Analysis, truth []float64) {
	list := append(slices.Clone(a.Levels[0].Values), a.Pairs[0].Values...)
	if c.of == nil {
		c.held, c.of = make([]int, len(list)), make([]int, len(list))
	}
	for k, e := range list {
		want := truth[k]
		if at := k - len(effect.Statistics); at >= 0 && effect.Statistics[at].Spread {
			want = math.Exp(want)
		}
		if math.IsNaN(e.Low) {
			continue
		}
		if c.of[k]++; e.Low <= want && want <= e.High {
			c.held[k]++
		}
	}
}

func (c *coverage) String() string {
	var b strings.Builder
	for k := range c.of {
		if c.of[k] == 0 {
			b.WriteString("     -")
			continue
		}
		fmt.Fprintf(&b, " %3.0f %%", 100*float64(c.held[k])/float64(c.of[k]))
	}
	return b.String()
}

// docs/effect.md shows this table. An interval of 95 % over seeds should hold the truth in 95 % of the studies; over configurations, the
// truth is that of all configurations from which those of the study are drawn. A change that makes intervals too narrow fails here.
func TestIntervalsHoldTheTruthAsOftenAsTheySay(t *testing.T) {
	if testing.Short() {
		t.Skip("analyses 1,920 studies: go test without -short")
	}
	const studies = 240
	for _, x := range []struct {
		over           effect.Over
		configurations int
		seeds, single  int
		lost           float64
		least          float64 // of all statistics
	}{
		{effect.Seeds, 16, 2, 0, 0, 0.92}, {effect.Seeds, 16, 3, 0, 0, 0.91}, {effect.Seeds, 16, 5, 0, 0, 0.9},
		{effect.Seeds, 16, 2, 0, 0.08, 0.80}, {effect.Seeds, 16, 3, 0, 0.08, 0.80}, {effect.Seeds, 16, 5, 0, 0.08, 0.80},
		{effect.Seeds, 16, 2, 12, 0, 0.80}, {effect.Seeds, 16, 2, 8, 0, 0.80},
		{effect.Seeds, 16, 3, 12, 0, 0.80}, {effect.Seeds, 64, 2, 60, 0, 0.80},
		{effect.Configurations, 16, 1, 0, 0, 0.78}, {effect.Configurations, 16, 3, 0, 0, 0.76},
	} {
		random := rand.New(rand.NewPCG(uint64(x.seeds), 7))
		var c coverage
		var p population
		var want []float64
		if x.over == effect.Configurations {
			want = truth(50_000, func() []float64 { return drawn(random, x.configurations, x.lost).run(random) })
		}
		for i := range studies {
			if x.over == effect.Configurations {
				p = drawn(random, x.configurations, x.lost)
			} else if i%30 == 0 {
				p = drawn(random, x.configurations, x.lost)
				want = truth(20_000, func() []float64 { return p.run(random) })
			}
			a, err := effect.Of(p.study(random, x.seeds, x.single), effect.Options{Factor: "loss", Metric: "fid", Over: x.over, Seed: uint64(i)})
			if err != nil {
				t.Fatal(err)
			}
			c.add(a, want)
		}
		t.Logf("over %s, %d seeds, one of %d of %d, %2.0f %% lost:%v", x.over, x.seeds, x.single, x.configurations, 100*x.lost, &c)
		for k := range c.of {
			if share := float64(c.held[k]) / float64(c.of[k]); share < x.least {
				t.Errorf("over %s, %d seeds, %v lost: %d of %d intervals of number %d hold the truth", x.over, x.seeds, x.lost, c.held[k], c.of[k], k)
			}
		}
	}
}

// Of one seed there is no interval over seeds, whatever the statistic.
func TestOneSeedHasNoInterval(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 7))
	a, err := effect.Of(drawn(random, 16, 0).study(random, 1, 0), effect.Options{Factor: "loss", Metric: "fid"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append(slices.Clone(a.Levels[0].Values), a.Pairs[0].Values...) {
		if !math.IsNaN(e.Low) || !math.IsNaN(e.High) || !math.IsNaN(e.P) {
			t.Errorf("got %+v", e)
		}
	}
	wantNote(t, a, "one seed")
}

// The rank correlation with a factor, of studies so large that one configuration stands for several, and of small ones.
func TestIntervalsOfTheCorrelationWithAFactorHoldTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for _, configurations := range []int{16, 400} {
		x := frame.Factor{Name: "lr", Kind: spec.Float}
		var centre []float64
		for c := range configurations {
			x.Levels = append(x.Levels, float64(c))
			centre = append(centre, 2*float64(c)/float64(configurations)+random.NormFloat64())
		}
		run := func() (y []float64) {
			for _, m := range centre {
				y = append(y, m+0.4*random.NormFloat64())
			}
			return y
		}
		at := make([]float64, configurations)
		for c := range at {
			at[c] = float64(c)
		}
		want := truth(1000, func() []float64 { return []float64{effect.Spearman(at, run())} })[0]
		const studies = 60
		held := 0
		for range studies {
			a, b := run(), run()
			var cells []cell
			for c := range configurations {
				cells = append(cells, cell{map[string]any{"lr": at[c]}, []float64{a[c], b[c]}, nil})
			}
			r := analysed(t, framed([]frame.Factor{x}, cells...), effect.Options{Factor: "lr"}).Rank
			if r.Low <= want && want <= r.High {
				held++
			}
		}
		t.Logf("%d configurations: %d of %d", configurations, held, studies)
		if held < 52 { // 57 expected
			t.Errorf("%d configurations: %d of %d intervals hold the truth", configurations, held, studies)
		}
	}
}
