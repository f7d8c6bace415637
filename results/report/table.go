package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// table is a table on the page.
type table struct {
	ID, Caption string // of the table; for those that cannot see it, too
	Sortable    bool
	Example     string // of a filter
	Head        []head
	Rows        []line
}

type head struct {
	Text   string
	Number bool
}

// Parts are the text up to and after each underscore, where a narrow heading may have a new line.
func (h head) Parts() []string { return strings.SplitAfter(h.Text, "_") }

type line struct {
	ID    string // for links
	Cells []cell
}

// cell is a cell; one of a trial is a link.
type cell struct {
	Text, Class string
	Trial       *Ref
}

// add adds a column.
func (t *table) column(text string, isNumber bool) { t.Head = append(t.Head, head{text, isNumber}) }

// cells makes texts cells, with the classes of their columns.
func (t *table) cells(texts ...string) []cell {
	list := make([]cell, len(texts))
	for i, text := range texts {
		list[i] = cell{Text: plain.Line(text)}
		if t.Head[i].Number {
			list[i].Class = "n"
		}
	}
	return list
}

// shown is how many trials a table lists, and pointsShown how many points of a front. The tables of the study have all.
const shown, pointsShown = 500, 100

// listed is the table of trials.
type listed struct {
	Table     table
	Left, All int
	By        string // what those that are listed are best by
	Dir       string
}

func (s *study) table() (template.HTML, error) {
	if len(s.trials) == 0 {
		return "", nil
	}
	l := listed{All: len(s.trials), Left: len(s.trials) - len(s.listed), Dir: s.Dir()}
	if l.Left > 0 {
		l.By = "the first by index and those named above"
		if len(s.meta.Objectives) > 0 {
			l.By = "the best by rank, then " + s.meta.Objectives[0].Metric + ", and those named above"
		}
	}
	l.Table = table{ID: "table-of-trials", Sortable: true, Caption: "Trials with the last measured value of each metric"}
	l.Table.Example = "completed seed=0"
	if len(s.meta.Objectives) > 0 {
		l.Table.Example = fmt.Sprintf("completed %s<%s", s.meta.Objectives[0].Metric, "10")
	}
	s.fill(&l.Table, s.listed)
	return render("table", l)
}

// metrics are those that some of the trials have, the objectives first.
func (s *study) metrics(chosen []*trial) (names []string) {
	for _, o := range s.meta.Objectives {
		names = append(names, o.Metric)
	}
	for _, name := range s.meta.Metrics {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(chosen, func(t *trial) bool { _, any := t.Last[name]; return any })
	})
}

// fill fills the table of trials.
func (s *study) fill(t *table, chosen []*trial) {
	metrics := s.metrics(chosen)
	t.column("index", true)
	t.column("trial", false)
	var columns []results.Column
	for _, c := range s.meta.Columns {
		first := chosen[0].Point[c.Name]
		if slices.ContainsFunc(chosen, func(t *trial) bool { return t.Point[c.Name] != first }) {
			columns = append(columns, c)
			t.column(c.Name, c.Kind == spec.Int || c.Kind == spec.Float)
		}
	}
	t.column("seed", true)
	t.column("status", false)
	t.column("epochs", true)
	if len(s.points) > 0 {
		t.column("rank", true)
	}
	for _, name := range metrics {
		t.column(name, true)
	}
	t.column("remark", false)
	for _, x := range chosen {
		texts := []string{fmt.Sprint(x.Index), x.ID}
		for _, c := range columns {
			text := ""
			if level := x.Point[c.Name]; level != nil {
				text = frame.Text(level)
			}
			texts = append(texts, text)
		}
		status := len(texts) + 1
		texts = append(texts, fmt.Sprint(x.Seed), string(x.Status), fmt.Sprint(x.Epochs))
		if len(s.points) > 0 {
			rank := ""
			if x.rank > 0 {
				rank = fmt.Sprint(x.rank)
			}
			texts = append(texts, rank)
		}
		for _, name := range metrics {
			text := ""
			if v, any := x.Last[name]; any {
				text = value(v)
			}
			texts = append(texts, text)
		}
		cells := t.cells(append(texts, x.remark())...)
		cells[status].Class = "status " + string(x.Status)
		cells[len(cells)-1].Class = "long"
		if s.options.Link != nil {
			r := s.Trial(x.ID)
			cells[1].Trial = &r
		}
		t.Rows = append(t.Rows, line{"trial-" + x.ID, cells})
	}
}

// remark says what is special about a trial.
func (t *trial) remark() string {
	text := t.Remark()
	if t.Failure != "" {
		text = string(t.Failure) + ": " + text
	}
	if !t.InPlan {
		text = "of an earlier plan; " + text
	}
	return trimmed(text)
}
