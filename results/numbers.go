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
