package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// said is what the study asked and what came out, in a line each.
type said struct {
	Asked, Trained string
	Best           []bestOf
	Front, Factors string
	Ended          string
	Earlier        string
	Left           []frame.Omission
}

// bestOf is the best configuration by an objective.
type bestOf struct {
	Objective, Value, Of string
	Trial                Ref
}

func (s *study) summary() (template.HTML, error) {
	x := said{Asked: s.asked(), Trained: s.trained(), Best: s.best(), Left: s.frame.Left}
	if n := len(s.trials) - s.planned(); n > 0 {
		x.Earlier = plain.Count(n, "trial") + " of earlier plans in the same folder count in fronts and are listed, but are in no figure"
	}
	if best, all := s.onFront(); all > 0 && len(s.meta.Objectives) > 1 {
		x.Front = fmt.Sprintf("%d of %s, by %s", best, plain.Count(all, "trial"), names(s.meta.Objectives))
	}
	x.Factors = s.mattered()
	x.Ended = s.endedBadly()
	return render("study", x)
}

func (s *study) planned() (n int) {
	for _, t := range s.trials {
		if t.InPlan {
			n++
		}
	}
	return n
}

// onFront counts the trials of the front, and all that are compared, of all measures of the newest plan.
func (s *study) onFront() (best, all int) {
	newest, _ := s.Measures()
	for _, row := range s.points {
		if row["scope"] == string(results.ScopeStudy) && slices.Contains(newest, row["measure"].(string)) {
			all++
			if integer(row["rank"]) == 1 {
				best++
			}
		}
	}
	return best, all
}

func names(list []results.Objective) string {
	var texts []string
	for _, o := range list {
		texts = append(texts, o.Metric)
	}
	return plain.List(texts)
}

// asked says what was varied and what for.
func (s *study) asked() string {
	var varied, fixed []string
	for _, x := range s.frame.Factors {
		switch n := len(x.Levels); {
		case n == 0 || x.Derived:
		case n == 1:
			fixed = append(fixed, x.Name+" = "+level(x.Levels[0]))
		case n > 6 && numeric(x):
			varied = append(varied, fmt.Sprintf("%s (%s to %s, %d levels)", x.Name, level(x.Levels[0]), level(x.Levels[n-1]), n))
		default:
			var levels []string
			for _, l := range x.Levels[:min(n, 6)] {
				levels = append(levels, level(l))
			}
			if n > 6 {
				levels = append(levels, fmt.Sprintf("and %d more", n-6))
			}
			varied = append(varied, fmt.Sprintf("%s (%s)", x.Name, strings.Join(levels, ", ")))
		}
	}
	configurations, seeds := map[string]bool{}, map[int64]bool{}
	for _, r := range s.frame.Rows {
		configurations[r.Configuration], seeds[r.Seed] = true, true
	}
	text := "nothing was varied"
	if len(varied) > 0 {
		text = "what becomes of " + plain.List(varied)
	}
	if len(fixed) > 0 {
		text += ", with " + plain.List(fixed)
	}
	text += fmt.Sprintf(": %s, %s", plain.Count(len(configurations), "configuration"), plain.Count(len(seeds), "seed"))
	if len(s.meta.Objectives) > 0 {
		text += "; the best by " + objectives(s.meta.Objectives)
	}
	return text
}

// trained says how much was trained, when and where.
func (s *study) trained() string {
	count := map[results.Status]int{}
	epochs, ended := 0, 0
	var begin, end time.Time
	for _, t := range s.trials {
		if !t.InPlan {
			continue
		}
		count[t.Status]++
		epochs += t.Epochs
		if t.Status.Final() {
			ended++
		}
		if begin.IsZero() || t.Started.Before(begin) {
			begin = t.Started
		}
		if t.Started.After(end) {
			end = t.Started
		}
	}
	all := s.planned()
	if p, found := s.Plan(); found {
		all = max(all, len(p.Trials))
	}
	var parts []string
	for _, status := range statuses {
		if count[status] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[status], status))
		}
	}
	if waiting := all - s.planned(); waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d not begun", waiting))
	}
	text := fmt.Sprintf("%d of %s ended (%s)", ended, plain.Count(all, "trial"), strings.Join(parts, ", "))
	seconds := 0.0
	for _, r := range s.frame.Rows {
		seconds += r.Seconds
	}
	text += fmt.Sprintf("; %s in %s of training and evaluation", plain.Count(epochs, "epoch"), duration(seconds))
	if devices := s.made["device"]; len(devices) > 0 {
		text += " on " + plain.List(devices)
	}
	if !begin.IsZero() {
		const date = "2006-01-02 15:04"
		text += fmt.Sprintf("; begun %s UTC, the last trial %s UTC", begin.UTC().Format(date), end.UTC().Format(date))
	}
	return text
}

// makings are the columns of the trials table that say what the trials were made with.
var makings = []string{"version", "backend", "device"}

// makings counts the trials of the newest plan by what they were made with: by column, the values with the number of trials where there are
// several.
func (s *study) makings() (map[string][]string, error) {
	count, met := map[[2]string]int{}, map[string][]string{}
	for row, err := range s.Rows(results.Trials) {
		if err != nil {
			return nil, err
		}
		if !s.byID[row["trial"].(string)].InPlan {
			continue
		}
		for _, column := range makings {
			v := value(row[column])
			if v == "" {
				continue
			}
			if count[[2]string{column, v}]++; count[[2]string{column, v}] == 1 {
				met[column] = append(met[column], v)
			}
		}
	}
	for column, values := range met {
		for i, v := range values {
			if len(values) > 1 {
				values[i] = fmt.Sprintf("%s (%s)", v, plain.Count(count[[2]string{column, v}], "trial"))
			}
		}
	}
	return met, nil
}

// duration is a time for people.
func duration(seconds float64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%.0f min", seconds/60)
	case seconds < 48*3600:
		return fmt.Sprintf("%.1f h", seconds/3600)
	}
	return fmt.Sprintf("%.1f days", seconds/86400)
}

// best are the configurations with the best mean of each objective.
func (s *study) best() (list []bestOf) {
	for _, o := range s.meta.Objectives {
		var top frame.Summary
		var of []frame.Row
		for _, g := range s.configurations {
			x := g.Summary(o.Metric)
			if x.N > 0 && (of == nil || o.Better(x.Mean, top.Mean)) {
				top, of = x, g.Rows
			}
		}
		if of == nil {
			continue
		}
		text := value(top.Mean)
		if top.N > 1 {
			text = fmt.Sprintf("%s ± %s (mean ± standard deviation, n = %d)", text, value(top.SD), top.N)
		}
		r := slices.MinFunc(of, func(a, b frame.Row) int {
			x, anyX := a.Values[o.Metric]
			y, anyY := b.Values[o.Metric]
			if anyX && (!anyY || o.Better(x, y)) {
				return -1
			} else if anyY && (!anyX || o.Better(y, x)) {
				return 1
			}
			return 0
		})
		list = append(list, bestOf{o.Metric, text, s.configuration(r), s.Trial(r.ID)})
	}
	return list
}

// configuration names the configuration of a row by the hyperparameters that vary.
func (s *study) configuration(r frame.Row) string {
	var parts []string
	for _, x := range s.frame.Varied() {
		if v := r.Point[x.Name]; v != nil {
			parts = append(parts, x.Name+" "+level(v))
		}
	}
	return strings.Join(parts, ", ")
}

// endedBadly says how many trials ended before their time, and at which level of which factor most of them did.
func (s *study) endedBadly() string {
	bad := func(r frame.Row) bool {
		return r.Status == results.Diverged || r.Status == results.Collapsed || r.Status == results.Failed
	}
	total := len(slices.DeleteFunc(slices.Clone(s.frame.Rows), func(r frame.Row) bool { return !bad(r) }))
	if total == 0 {
		return ""
	}
	text, most, excess := "", 0, 0.0
	for _, x := range s.frame.Varied() {
		for _, g := range spreads(s.frame, x) {
			n := len(slices.DeleteFunc(slices.Clone(g.rows), func(r frame.Row) bool { return !bad(r) }))
			over := float64(n) - float64(total)*float64(len(g.rows))/float64(len(s.frame.Rows))
			if over > excess+0.5 {
				text, most, excess = x.Name+" "+g.name, n, over
			}
		}
	}
	line := fmt.Sprintf("%s collapsed, diverged or failed", plain.Count(total, "trial"))
	if most > total/2 {
		line += fmt.Sprintf(", %d of them with %s", most, text)
	}
	return line
}
