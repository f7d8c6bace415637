package effect

import (
	"math"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// Judgement compares which trials collapsed by a rule with a person's judgement of the same trials.
type Judgement struct {
	Trials                   int // that both judge
	Both, Rule, Eye, Neither int // collapsed by both, by the rule alone, by eye alone, by neither
	Agree                    Share
	Kappa                    Estimate    // Cohen's; 0 for an agreement by chance
	Missed, Alarms           []frame.Row // collapsed by eye alone, by the rule alone
	Unlabelled               int         // trials that ended and that nobody has judged
}

// Recorded is the rule of a study, by the statuses that it recorded.
func Recorded(r frame.Row) (collapsed bool, err error) { return r.Status == results.Collapsed, nil }

// Judge compares what a rule says of trials that ended with labels, by trial. It is an error if the rule returns one.
func Judge(f *frame.Frame, labels map[string]bool, rule func(frame.Row) (bool, error)) (Judgement, error) {
	var j Judgement
	for _, r := range f.Rows {
		if r.Status != results.Collapsed && r.Status != results.Completed && r.Status != results.Pruned { // no images, or none of its end
			continue
		}
		eye, judged := labels[r.ID]
		if !judged {
			j.Unlabelled++
			continue
		}
		collapsed, err := rule(r)
		if err != nil {
			return j, err
		}
		switch j.Trials++; {
		case collapsed && eye:
			j.Both++
		case collapsed:
			j.Rule++
			j.Alarms = append(j.Alarms, r)
		case eye:
			j.Eye++
			j.Missed = append(j.Missed, r)
		default:
			j.Neither++
		}
	}
	j.Agree = Wilson(float64(j.Both+j.Neither), j.Trials)
	j.Kappa = Kappa(j.Both, j.Rule, j.Eye, j.Neither)
	return j, nil
}

// Kappa is Cohen's kappa (1960) of two judges with the interval of Fleiss, Cohen and Everitt (1969). It is NaN if both always say the same
// one thing.
func Kappa(both, first, second, neither int) Estimate {
	nan := math.NaN()
	e := Estimate{nan, nan, nan, nan, nan}
	n := float64(both + first + second + neither)
	p := [2][2]float64{{float64(both) / n, float64(first) / n}, {float64(second) / n, float64(neither) / n}}
	row := [2]float64{p[0][0] + p[0][1], p[1][0] + p[1][1]}
	column := [2]float64{p[0][0] + p[1][0], p[0][1] + p[1][1]}
	chance := row[0]*column[0] + row[1]*column[1]
	if n == 0 || chance == 1 {
		return e
	}
	e.Value = (p[0][0] + p[1][1] - chance) / (1 - chance)
	variance := -math.Pow(e.Value-chance*(1-e.Value), 2)
	for i := range 2 {
		variance += p[i][i] * math.Pow(1-(row[i]+column[i])*(1-e.Value), 2)
		variance += (1 - e.Value) * (1 - e.Value) * p[i][1-i] * math.Pow(column[i]+row[1-i], 2)
	}
	half := z * math.Sqrt(max(0, variance)/n) / (1 - chance)
	e.Low, e.High = e.Value-half, min(1, e.Value+half)
	return e
}
