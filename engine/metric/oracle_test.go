package metric

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// The tests of this file compare the metrics with public packages, on features that bench/metrics/oracle.py makes in the same way. Its
// stored output is testdata/oracle.json; STARSWEEP_PYTHON_METRICS names a Python that runs it again. UPDATE=1 writes the table in
// docs/metrics.md.

// recipe says how to make features: see features in oracle.py.
type recipe struct {
	Seed        uint64
	N, D        int
	Mean, Scale float64
	Factor      float64
	Relu        bool
	Repeat      int
}

func (r *recipe) UnmarshalJSON(b []byte) error {
	type plain recipe
	p := plain{Scale: 1, Repeat: 1}
	err := json.Unmarshal(b, &p)
	*r = recipe(p)
	return err
}

// bell is number i of a seed: the sum of four uniform numbers, minus 2.
func bell(seed uint64, i int) float64 {
	s := -2.0
	for j := range 4 {
		z := seed + uint64(4*i+j+1)*0x9E3779B97F4A7C15 // splitmix64
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		s += float64(z>>40) * 0x1p-24
	}
	return s
}

func (r recipe) features() Features {
	f := Features{r.N, r.D, make([]float32, r.N*r.D)}
	for i := range f.X {
		row, c := i/r.D/r.Repeat, i%r.D
		x := r.Mean + float64(r.Scale*bell(r.Seed, row*r.D+c)) // conversions keep products and sums apart: no fused rounding
		x += float64(float64(r.Factor*bell(r.Seed+1, row)) * float64(c%7-3))
		if r.Relu {
			x = max(x, 0)
		}
		f.X[i] = float32(x)
	}
	return f
}

// oracle is one case with the values of the packages, by metric and package.
type oracle struct {
	Name       string
	K          int
	Cluster    bool
	Real, Fake recipe
	Values     map[string]map[string]float64
}

// chances is the denominator of a metric that counts, or 0.
func (o oracle) chances(metric string) float64 {
	switch metric {
	case "precision":
		return float64(o.Fake.N)
	case "recall", "coverage":
		return float64(o.Real.N)
	case "density":
		return float64(o.K * o.Fake.N)
	}
	return 0
}

// ours computes the same metrics with this package.
func (o oracle) ours(t *testing.T, p *Products) map[string]float64 {
	ctx := context.Background()
	real, fake := o.Real.features(), o.Fake.features()
	n := min(real.N, fake.N)
	v := map[string]float64{}
	var errs [8]error
	mr, _ := Measure(real)
	mf, _ := Measure(fake)
	v["FID"], errs[0] = FID(mr, mf)
	v["KID"], _, errs[1] = KID(ctx, real.Slice(0, n), fake.Slice(0, n), 1, n, random(1))
	lap, err := overlap(ctx, p, real, fake, o.K)
	v["precision"], v["recall"], v["density"], v["coverage"], errs[2] = lap.Precision, lap.Recall, lap.Density, lap.Coverage, err
	v["inception score"], v["inception score, deviation"], errs[4] = InceptionScore(real, 10, nil)
	v["parzen window"], v["parzen window, error"], errs[5] = ParzenWindow(ctx, real.Slice(0, min(real.N, 100)), fake, 0.5)
	c := prdOfHistograms(positive(real.Row(0)), positive(fake.Row(0)), 1001)
	v["prd F8 of histograms"], v["prd F1/8 of histograms"] = c.f(8), c.f(1./8)
	if o.Cluster && !testing.Short() { // ten clusterings
		c, errs[6] = PRD(ctx, p, real.Slice(0, n), fake.Slice(0, n), PRDOptions{}, random(1))
		v["prd F8"], v["prd F1/8"] = c.F8, c.F1over8
	}
	for _, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", o.Name, err)
		}
	}
	return v
}

func positive(x []float32) (h []float64) {
	var s float64
	for _, v := range x {
		h = append(h, math.Abs(float64(v)))
		s += math.Abs(float64(v))
	}
	for i := range h {
		h[i] /= s
	}
	return h
}

// bounds are the largest relative differences that the tests accept. Metrics that count have none: the counts are equal. With fewer
// samples than features the packages differ from each other by about 1e-8.
var bounds = map[string]float64{
	"FID": 1e-6, "KID": 1e-9, "inception score": 1e-12, "inception score, deviation": 1e-10,
	"parzen window": 1e-10, "parzen window, error": 1e-8,
	"prd F8 of histograms": 1e-12, "prd F1/8 of histograms": 1e-12,
	"prd F8": 0.02, "prd F1/8": 0.02, // clusters are drawn at random
}

func difference(got, want float64) float64 { return math.Abs(got-want) / max(math.Abs(want), 1e-3) }

func storedOracles(t *testing.T) []oracle {
	b, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	return readOracles(t, b)
}

func readOracles(t *testing.T, b []byte) (all []oracle) {
	if err := json.Unmarshal(b, &all); err != nil || len(all) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return all
}

func TestMetricsAgreeWithThePublicPackages(t *testing.T) {
	agree(t, storedOracles(t))
}

func TestMetricsAgreeWithThePublicPackagesAsInstalled(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts Python")
	}
	python := require.Option(t, "STARSWEEP_PYTHON_METRICS", "make agreement sets it")
	out, err := exec.Command(python, "../../bench/metrics/oracle.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	agree(t, readOracles(t, out))
}

// agree compares the metrics with all values of all cases, and the worst differences with the table in the docs.
func agree(t *testing.T, cases []oracle) {
	p := products(t)
	worst := map[[2]string]float64{} // by metric and package
	for _, o := range cases {
		got := o.ours(t, p)
		for metric, by := range o.Values {
			if _, ok := got[metric]; !ok && o.Cluster && testing.Short() {
				continue
			}
			for who, want := range by {
				pair, d := [2]string{metric, who}, difference(got[metric], want)
				if n := o.chances(metric); n > 0 {
					d = math.Abs(math.Round(got[metric]*n) - math.Round(want*n))
				} else if !(bounds[metric] > 0) {
					t.Fatalf("no bound for %s", metric)
				}
				worst[pair] = max(worst[pair], d)
				if !(d <= bounds[metric]) {
					t.Errorf("%s: %s: got %.12g, %s: %.12g, difference %.1g, want at most %g", o.Name, metric, got[metric], who, want, d, bounds[metric])
				}
			}
		}
	}
	checkTable(t, worst)
}

const docs = "../../docs/metrics.md"

// checkTable requires a row in the docs for every pair, with a difference of at least a tenth of the one found: the last bits differ
// between processors. UPDATE=1 writes the table.
func checkTable(t *testing.T, worst map[[2]string]float64) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	const start, end = "<!-- agreement: written by UPDATE=1 go test ./engine/metric -->\n", "<!-- end of agreement -->"
	before, rest, ok := strings.Cut(string(text), start)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no agreement table", docs)
	}
	pairs := make([][2]string, 0, len(worst))
	for pair := range worst {
		pairs = append(pairs, pair)
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	if os.Getenv("UPDATE") != "" && !testing.Short() { // with all rows only
		var b strings.Builder
		b.WriteString("| metric | against | worst relative difference |\n|---|---|---|\n")
		for _, pair := range pairs {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", pair[0], pair[1], upwards(worst[pair]))
		}
		if err := os.WriteFile(docs, []byte(before+start+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, pair := range pairs {
		_, row, found := strings.Cut(table, fmt.Sprintf("| %s | %s | ", pair[0], pair[1]))
		var stated float64
		if row, _, _ = strings.Cut(row, " |"); row != "0" {
			fmt.Sscanf(row, "%g", &stated)
		}
		if !found || worst[pair] > 10*stated {
			t.Errorf("%s: %s against %s: the table says %q, found %.1g: run UPDATE=1 go test ./engine/metric and read the diff",
				docs, pair[0], pair[1], row, worst[pair])
		}
	}
}

// upwards rounds up to one digit.
func upwards(d float64) string {
	if d == 0 {
		return "0"
	}
	unit := math.Pow(10, math.Floor(math.Log10(d)))
	return fmt.Sprintf("%.0e", math.Ceil(d/unit)*unit)
}
