package report

import (
	"fmt"
	"html/template"
	"slices"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
)

// history is how a search went, and what it saved.
type history struct {
	Metric  string
	Graph   *graph
	Records table // trials that were better than all before
	Saved   string
}

// recordsShown is how many records the table has at most: the last ones.
const recordsShown = 20

// history shows the trials of a search in their order. A full grid is no search; of it, only what judges saved is shown.
func (s *study) history() (template.HTML, error) {
	h := history{Saved: s.saved()}
	if objectives := s.measuredObjectives(); len(objectives) > 0 && s.searched() {
		h.Metric = objectives[0]
		if err := s.records(&h); err != nil {
			return "", err
		}
	}
	if h.Saved == "" && h.Graph == nil {
		return "", nil
	}
	return render("history", h)
}

// searched reports whether the configurations are fewer than all combinations of the levels.
func (s *study) searched() bool {
	all := 1.0
	for _, x := range s.frame.Varied() {
		all *= float64(len(x.Levels))
	}
	return len(s.frame.Varied()) > 0 && float64(len(s.configurations)) < all
}

// records draws the objective in the order in which trials started, and lists the records.
func (s *study) records(h *history) error {
	g, err := drawn(figure.History(s.frame, figure.Options{Y: h.Metric, By: colours(s.frame), Small: true}))
	if err != nil {
		return err
	}
	h.Graph = &g
	h.Records.Caption = "Trials that were better than all before them"
	for i, name := range []string{"started as", "trial", h.Metric, "hyperparameters"} {
		h.Records.column(name, i == 0 || i == 2)
	}
	o := s.meta.Objectives[slices.IndexFunc(s.meta.Objectives, func(o results.Objective) bool { return o.Metric == h.Metric })]
	rows, best := figure.Records(s.frame, o)
	if left := len(best) - recordsShown; left > 0 {
		h.Records.Caption += fmt.Sprintf(", the last %d", recordsShown)
		best = best[left:]
	}
	for _, i := range best {
		r := rows[i]
		cells := h.Records.cells(fmt.Sprint(i+1), r.ID, value(r.Values[h.Metric]), s.configuration(r))
		ref := s.Trial(r.ID)
		cells[1].Trial = &ref
		h.Records.Rows = append(h.Records.Rows, line{Cells: cells})
	}
	return nil
}

// saved says what trials that judges stopped would have cost: the epochs that they did not train, at their own pace.
func (s *study) saved() string {
	stopped, left, seconds := 0, 0, 0.0
	for _, r := range s.frame.Rows {
		t := s.byID[r.ID]
		if t.Status != results.Pruned && t.Status != results.Collapsed || t.Epochs == 0 || t.Epochs >= t.Length {
			continue
		}
		stopped++
		left += t.Length - t.Epochs
		seconds += r.Seconds / float64(t.Epochs) * float64(t.Length-t.Epochs)
	}
	if stopped == 0 {
		return ""
	}
	return fmt.Sprintf("%s stopped before the end of the budget, which saved %s: about %s at their own pace",
		plain.Count(stopped, "trial"), plain.Count(left, "epoch"), duration(seconds))
}

// coursesShown is how many trials figures of courses are made of at most.
const coursesShown = 1000

// thinned is the frame with as many trials as courses are made of, evenly spaced in their order.
func (s *study) thinned() *frame.Frame {
	n := len(s.frame.Rows)
	if n <= coursesShown {
		return s.frame
	}
	f := *s.frame
	f.Rows = make([]frame.Row, coursesShown)
	for i := range f.Rows {
		f.Rows[i] = s.frame.Rows[i*n/coursesShown]
	}
	f.Left = append(slices.Clone(f.Left), frame.Omission{Reason: "trials between those shown, which are evenly spaced", N: n - coursesShown})
	return &f
}
