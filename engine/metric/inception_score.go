package metric

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// inceptionScore is the metric inception_score().
var inceptionScore = Definition{
	Name:   "inception_score",
	Doc:    "Inception score, its mean and deviation over splits (Salimans et al. 2016)",
	Params: []Param{{Name: "splits", Default: 10}},
	Columns: []Column{{Name: "inception_score", Better: pareto.Max, Low: 1, High: math.Inf(1)},
		{Name: "inception_score_std", Deviation: true, High: math.Inf(1)}},
	Logits:     true,
	MinSamples: func(m spec.Metric) (int, string) { return int(m.Arg("splits")), "each split needs one" },
	compute: func(_ context.Context, c *Comparison, m spec.Metric) ([]float64, error) {
		if c.Fake.Logits.D == 0 {
			return nil, ErrNoLogits
		}
		mean, std, err := InceptionScore(c.Fake.Logits, int(m.Arg("splits")), nil)
		return []float64{mean, std}, err
	},
	memory: func(_ spec.Metric, n, _ int) Memory {
		const classes = 1008 // of the widest logits
		return Memory{Work: double * (n + classes)}
	},
}

// InceptionScore is exp E KL(p(y|x) || p(y)) (Salimans et al. 2016, section 4), its mean and standard deviation (ddof 0)
// over splits, of logits [N, classes] in float64. Papers use 10 splits; split i has the samples iN/splits to (i+1)N/splits,
// after a shuffle if rng is not nil (torch-fidelity shuffles).
func InceptionScore(logits Features, splits int, rng *rand.Rand) (mean, std float64, err error) {
	if splits < 1 {
		return 0, 0, fmt.Errorf("inception score: got %d splits, want 1 or more", splits)
	}
	if err := logits.check("logit features", splits); err != nil {
		return 0, 0, fmt.Errorf("inception score of %d splits: %w", splits, err)
	}
	order := make([]int, logits.N)
	for i := range order {
		order[i] = i
	}
	if rng != nil {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	scores := make([]float64, splits)
	for i := range scores {
		scores[i] = splitScore(logits, order[i*logits.N/splits:(i+1)*logits.N/splits])
	}
	mean, std = meanStd(scores)
	return mean, std, nil
}

// splitScore is the score of some rows: E Σ p log p - Σ q log q for q = E p, exponentiated.
func splitScore(logits Features, rows []int) float64 {
	q := make([]float64, logits.D)
	var divergence float64 // Σ over samples and classes of p log p
	for _, i := range rows {
		row := logits.Row(i)
		log := logSumExp(row)
		for j, v := range row {
			lp := float64(v) - log
			p := math.Exp(lp)
			divergence += p * lp
			q[j] += p
		}
	}
	n := float64(len(rows))
	divergence /= n
	for _, v := range q {
		if v > 0 {
			divergence -= v / n * math.Log(v/n)
		}
	}
	return math.Exp(divergence)
}

func logSumExp[T float32 | float64](v []T) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = max(top, float64(x))
	}
	var s float64
	for _, x := range v {
		if d := float64(x) - top; !(d < -60) { // smaller terms change no digit of s, which is at least 1, and denormal numbers are slow
			s += math.Exp(d)
		}
	}
	return top + math.Log(s)
}
