package results

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// numbersOf are the numbers of an epoch's row, in less memory than an Epoch takes.
type numbersOf struct {
	step, images                  int64
	secondsTrain, secondsEvaluate float64
	backend                       string
	evaluated                     bool
	names                         []string // of the metrics, sorted; shared by all rows with the same ones
	values                        []float64
}

// interned has one copy of each list of names and each text.
type interned map[string][]string

func (in interned) of(e *Epoch) *numbersOf {
	n := &numbersOf{step: e.Step, images: e.Images, secondsTrain: e.SecondsTrain, secondsEvaluate: e.SecondsEvaluate,
		evaluated: e.Evaluated, backend: in.list(e.Backend)[0], values: make([]float64, len(e.Metrics))}
	names := slices.Sorted(maps.Keys(e.Metrics))
	n.names = in.list(names...)
	for i, name := range n.names {
		n.values[i] = e.Metrics[name]
	}
	return n
}

func (in interned) list(names ...string) []string {
	key := strconv.Itoa(len(names)) + "\x00" + strings.Join(names, "\x00")
	if in[key] == nil {
		in[key] = append([]string{}, names...)
	}
	return in[key]
}

// epoch is the row that n was made of.
func (n *numbersOf) epoch(r *row) Epoch {
	e := Epoch{Trial: r.trial.id, Epoch: r.epoch, Step: n.step, Images: n.images, Evaluated: n.evaluated, Backend: n.backend,
		SecondsTrain: n.secondsTrain, SecondsEvaluate: n.secondsEvaluate, Metrics: make(Metrics, len(n.names))}
	for i, name := range n.names {
		e.Metrics[name] = n.values[i]
	}
	return e
}

// equal reports whether two epochs have the same numbers, times apart.
func (n *numbersOf) equal(m *numbersOf) bool {
	same := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b }
	return n.step == m.step && n.images == m.images && n.evaluated == m.evaluated && slices.Equal(n.names, m.names) &&
		slices.EqualFunc(n.values, m.values, same)
}

// Course returns the epochs of a trial, in order, without reading files. The first n of them may be compared with other trials: those
// within the budget of the newest plan and, of a trial that goes on, before its former end; none of one that is not finished, failed or
// diverged.
func (v *View) Course(id string) (epochs []Epoch, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.fold.trial(id)
	if t == nil {
		return nil, 0
	}
	for _, r := range t.epochRows {
		epochs = append(epochs, r.numbers.epoch(r))
	}
	return epochs, min(t.usableUntil(v.fold.budget(t)), len(epochs))
}

// Compared returns the epoch at which a trial is compared with others: that of the pareto table or, without an epoch that has all
// objectives, the last one that was evaluated within the budget, else the last. Found is false for a trial that is not compared. With best
// it is the epoch where the first objective is best.
func (v *View) Compared(id string, best bool) (e Epoch, found bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.fold.trial(id)
	if t == nil {
		return Epoch{}, false
	}
	rows := t.epochRows[:min(t.usableUntil(v.fold.budget(t)), len(t.epochRows))]
	if len(rows) == 0 {
		return Epoch{}, false
	}
	at := len(rows) - 1
	if p, any := v.fold.representative(t, t.points, Comparison{Best: best}); any {
		at = p.epoch - 1
	} else if i := slices.IndexFunc(rows, func(r *row) bool { return r.numbers.evaluated }); i >= 0 {
		for !rows[at].numbers.evaluated {
			at--
		}
	}
	return rows[at].numbers.epoch(rows[at]), true
}
