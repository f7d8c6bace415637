package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
)

// graph is a figure on the page or, if it could not be drawn, why.
type graph struct {
	SVG     template.HTML
	Caption string
	Missing string
	figure  *figure.Figure
}

// graphs are figures of one kind, under a heading.
type graphs struct {
	Heading string
	List    []graph
}

// shareNotes takes the facts about metrics and what all captions have in common out of the captions of a section, which says them once.
func shareNotes(groups ...graphs) []string {
	return append(commonNotes(groups...), facts(groups...)...)
}

// commonNotes takes the same out of the captions, and returns it without the facts.
func commonNotes(groups ...graphs) []string {
	notes := figure.Notes(figures(groups)...)
	for _, g := range groups {
		for i, one := range g.List {
			if one.figure != nil {
				g.List[i].Caption = one.figure.Own(notes)
			}
		}
	}
	return notes
}

// facts say which values of the metrics are better, and how they were measured.
func facts(groups ...graphs) []string { return figure.Facts(figures(groups)...) }

func figures(groups []graphs) (all []*figure.Figure) {
	for _, g := range groups {
		for _, one := range g.List {
			if one.figure != nil {
				all = append(all, one.figure)
			}
		}
	}
	return all
}

// drawn is a figure with the ink of the page. An error says that the trials have nothing that such a figure could show.
func drawn(f *figure.Figure, err error) (graph, error) {
	if err != nil {
		return graph{Missing: err.Error()}, nil
	}
	var b strings.Builder
	if err := f.SVG(&b, figure.Inline); err != nil {
		return graph{}, err
	}
	return graph{SVG: template.HTML(b.String()), Caption: f.Caption, figure: f}, nil
}

// colours is the factor that has colours: the first one with several levels, unless it is a text of too many.
func colours(f *frame.Frame) string {
	for _, x := range f.Varied() {
		if numeric(x) || len(x.Levels) <= 8 {
			return x.Name
		}
	}
	return ""
}

// most is how many figures a section has at most.
const most = 24

// factors shows what each factor does to each objective.
func (s *study) factors() (template.HTML, error) {
	varied, objectives := s.frame.Varied(), s.measuredObjectives()
	if len(objectives) == 0 || len(varied) == 0 {
		return "", nil
	}
	x := map[string]any{"Left": 0}
	if all := len(varied) * len(objectives); all > most {
		objectives = objectives[:max(1, min(len(objectives), most/len(varied)))]
		varied = varied[:min(len(varied), most)]
		x["Left"] = all - len(varied)*len(objectives)
	}
	var list []graphs
	for _, factor := range varied {
		g := graphs{Heading: factor.Name}
		for _, name := range objectives {
			one, err := drawn(figure.Box(s.frame, figure.Options{X: factor.Name, Y: name, Small: true}))
			if err != nil {
				return "", err
			}
			g.List = append(g.List, one)
		}
		list = append(list, g)
	}
	x["Factors"], x["Notes"] = list, shareNotes(list...)
	return render("factors", x)
}

// measuredObjectives are the objectives that some trial has measured.
func (s *study) measuredObjectives() (list []string) {
	for _, o := range s.meta.Objectives {
		if slices.Contains(s.frame.Metrics, o.Metric) {
			list = append(list, o.Metric)
		}
	}
	return list
}

// courses shows the objectives and the losses over the epochs.
func (s *study) courses() (template.HTML, error) {
	if !slices.ContainsFunc(s.trials, func(t *trial) bool { return t.InPlan && t.Epochs > 1 }) {
		return "", nil
	}
	var list []graphs
	laid := s.thinned()
	for _, part := range []graphs{{Heading: "Objectives"}, {Heading: "Losses"}} {
		metrics := s.measuredObjectives()
		if part.Heading == "Losses" {
			metrics = s.meta.Losses
		}
		for _, name := range metrics[:min(len(metrics), most/2)] {
			if !slices.Contains(s.frame.Metrics, name) {
				continue
			}
			one, err := drawn(figure.Curves(s.View, laid, figure.Options{Y: name, By: colours(laid), Small: true}))
			if err != nil {
				return "", err
			}
			part.List = append(part.List, one)
		}
		if len(part.List) > 0 {
			list = append(list, part)
		}
	}
	if len(list) == 0 {
		return "", nil
	}
	return render("courses", map[string]any{"Kinds": list, "Notes": shareNotes(list...)})
}

// pictures shows the points of a front by pairs of objectives.
func (s *study) pictures(f *frame.Frame) (list []graph, left int, err error) {
	const mostPairs = 6
	var pairs [][2]results.Objective
	for i, a := range s.meta.Objectives {
		for _, b := range s.meta.Objectives[i+1:] {
			pairs = append(pairs, [2]results.Objective{a, b})
		}
	}
	if len(pairs) > mostPairs {
		pairs, left = pairs[:mostPairs], len(pairs)-mostPairs
	}
	for _, p := range pairs {
		g, err := drawn(figure.Front(f, figure.Options{X: p[0].Metric, Y: p[1].Metric, By: colours(f), Small: true}))
		if err != nil {
			return nil, 0, fmt.Errorf("front of %s and %s: %w", p[0].Metric, p[1].Metric, err)
		}
		list = append(list, g)
	}
	return list, left, nil
}
