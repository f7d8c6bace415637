package race

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
)

// estimate is what is known of the expected value of an objective at a point. Without values it has no degrees of freedom.
type estimate struct {
	mean     float64
	variance float64 // of the mean
	df       float64
}

// estimates estimates the expected values of points, on the scale that suits the objective. It is nil where nothing tells how much values
// vary: no point has two of them, or all are equal.
func estimates(values [][]float64) []estimate {
	samples := samplesOf(scaled(values))
	variance, df := pooled(samples)
	if !(variance > 0) {
		return nil
	}
	others := priorOf(samples, variance)
	es := make([]estimate, len(samples))
	for p, s := range samples {
		if s.n > 0 {
			es[p] = others.estimate(s, variance, df)
		}
	}
	return es
}

// scaled returns the values, or their logarithms if all have one sign and one normal variance on that scale makes them more probable (Box
// and Cox 1964). The order stays.
func scaled(values [][]float64) [][]float64 {
	logs, n, mean := make([][]float64, len(values)), 0.0, 0.0
	sign := 0.0
	for p, own := range values {
		for _, v := range own {
			if sign == 0 {
				sign = math.Copysign(1, v)
			}
			if v*sign <= 0 {
				return values
			}
			log := math.Log(v * sign)
			n++
			mean += (log - mean) / n
			logs[p] = append(logs[p], sign*log)
		}
	}
	raw, _ := pooled(samplesOf(values))
	log, _ := pooled(samplesOf(logs))
	if log*math.Exp(2*mean) < raw {
		return logs
	}
	return values
}

// sample sums up the values of a point.
type sample struct{ n, mean, squares float64 } // squares: the sum of the squared deviations

func samplesOf(values [][]float64) []sample {
	list := make([]sample, len(values))
	for p, own := range values {
		if len(own) > 0 {
			mean, variance := stat.PopMeanVariance(own, nil)
			list[p] = sample{float64(len(own)), mean, variance * float64(len(own))}
		}
	}
	return list
}

// pooled is the variance within points, all together.
func pooled(samples []sample) (variance, df float64) {
	squares := 0.0
	for _, s := range samples {
		squares += s.squares
		df += max(s.n-1, 0)
	}
	return squares / max(df, 1), df
}

// prior is what the variances of all points say about that of one: the inverse of chi squared with df degrees of freedom, scaled (Smyth,
// Stat. Appl. Genet. Mol. Biol. 3, 2004, section 6.2). An infinite df says that all have one variance.
type prior struct{ variance, df float64 }

// priorOf estimates the prior. Where the variances differ no more than those of equal ones would, all are taken to be the pooled one.
func priorOf(samples []sample, pooled float64) prior {
	var logs []float64
	expected := 0.0 // variance of the logarithms, if all variances were equal
	for _, s := range samples {
		if half := (s.n - 1) / 2; half > 0 && s.squares > 0 {
			logs = append(logs, math.Log(s.squares/2)-mathext.Digamma(half))
			expected += trigamma(half)
		}
	}
	if len(logs) < 2 {
		return prior{pooled, math.Inf(1)}
	}
	mean, variance := stat.MeanVariance(logs, nil)
	excess := variance - expected/float64(len(logs))
	if excess <= 0 {
		return prior{pooled, math.Inf(1)}
	}
	half := trigammaInverse(excess)
	return prior{math.Exp(mean + mathext.Digamma(half) - math.Log(half)), 2 * half}
}

// estimate is that of a point, given the pooled variance and its degrees of freedom: the variance that the prior and its own values make
// most likely, or that of its own values if that is larger, so that a point that varies more than others is not taken to be like them.
func (o prior) estimate(s sample, pooled, df float64) estimate {
	own, variance := s.squares/max(s.n-1, 1), pooled
	if !math.IsInf(o.df, 1) {
		variance = (o.df*o.variance + s.squares) / (o.df + s.n - 1)
		df = min(df, o.df+s.n-1)
	}
	return estimate{s.mean, max(variance, own) / s.n, df}
}

func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// trigammaInverse solves trigamma(x) = y by Newton's method on the reciprocal, which is convex (Smyth 2004, appendix).
func trigammaInverse(y float64) float64 {
	const most, precise = 50, 1e-10
	x := 0.5 + 1/y
	for range most {
		t := trigamma(x)
		step := t * (1 - t/y) / (-2 * mathext.Zeta(3, x))
		x += step
		if -step/x < precise {
			break
		}
	}
	return x
}
