package effect

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// table is the values of a metric by the levels of a factor and by block. A block is the trials that are equal in everything else but the
// seed.
type table struct {
	levels []any
	blocks []*block
}

type block struct {
	values []map[int64]float64 // by level and seed
	ends   []ends              // by level
}

// ends counts how trials ended.
type ends struct {
	lost   int // collapsed or diverged
	ended  int // other than by a failure
	failed int
}

// errNothing is the error of trials of one level.
var errNothing = errors.New("there is nothing to compare")

// levels are the values of the factor that are compared; nil is that of rows where it does not apply.
func (a *Analysis) levels(f *frame.Frame) ([]any, error) {
	x, known := f.Factor(a.Factor)
	switch {
	case !known:
		return nil, fmt.Errorf("factor: there is no hyperparameter %q", a.Factor)
	case x.Derived:
		return nil, fmt.Errorf("%s is derived from other hyperparameters, and differs only with them: want one of those", a.Factor)
	}
	levels := slices.Clone(x.Levels)
	if slices.ContainsFunc(f.Rows, func(r frame.Row) bool { return r.Point[a.Factor] == nil }) {
		levels = append(levels, nil)
	}
	if len(levels) < 2 {
		return nil, fmt.Errorf("%s has one level in the %d trials, %s: %w", a.Factor, len(f.Rows), texts(levels), errNothing)
	}
	return levels, nil
}

// arrange lays out the rows of a frame.
func (a *Analysis) arrange(f *frame.Frame) (*table, error) {
	levels, err := a.levels(f)
	if err != nil {
		return nil, err
	}
	t, n := &table{levels: levels}, len(levels)
	a.match(f)
	a.findWorst(f)
	blocks := map[string]*block{}
	valued, without, worst := 0, 0, 0
	for _, r := range f.Rows {
		level := slices.Index(t.levels, r.Point[a.Factor])
		key := a.key(r)
		b := blocks[key]
		if b == nil {
			b = &block{values: make([]map[int64]float64, n), ends: make([]ends, n)}
			blocks[key] = b
			t.blocks = append(t.blocks, b)
		}
		b.ends[level].count(r.Status)
		y, has := a.value(r)
		if !has {
			if len(r.Values) > 0 { // the frame says of others why they have none
				without++
			}
			continue
		}
		valued++
		if y != r.Values[a.Metric] {
			worst++
		}
		if b.values[level] == nil {
			b.values[level] = map[int64]float64{}
		}
		if _, twice := b.values[level][r.Seed]; twice {
			return nil, fmt.Errorf("several trials have the hyperparameters and the seed of trial %s: they differ in something else: "+
				"choose some by a condition", r.ID)
		}
		b.values[level][r.Seed] = y
	}
	if valued == 0 {
		return nil, fmt.Errorf("%s: none of %d trials has a value that counts", a.Metric, len(f.Rows))
	}
	if without > 0 {
		a.note("%s without a value, left out", plain.Count(without, "trial"))
	}
	if worst > 0 {
		a.note("%s that collapsed or diverged, counted as %.4g, the worst value of any trial", plain.Count(worst, "trial"), a.Worst)
	}
	return t, t.trim(a)
}

// trim removes levels of which no trial has a value.
func (t *table) trim(a *Analysis) error {
	for i := len(t.levels) - 1; i >= 0; i-- {
		if len(t.having(i)) > 0 {
			continue
		}
		a.note("no trial with %s = %s has a value: the level is left out", a.Factor, frame.Text(t.levels[i]))
		t.levels = slices.Delete(t.levels, i, i+1)
		for _, b := range t.blocks {
			b.values, b.ends = slices.Delete(b.values, i, i+1), slices.Delete(b.ends, i, i+1)
		}
	}
	if len(t.levels) < 2 {
		return fmt.Errorf("%s: trials of one level of %s have values: %w", a.Metric, a.Factor, errNothing)
	}
	return nil
}

// count counts a trial that ended so.
func (e *ends) count(s results.Status) {
	switch s {
	case results.Failed:
		e.failed++
	case results.Collapsed, results.Diverged:
		e.lost++
		e.ended++
	case results.Completed, results.Pruned:
		e.ended++
	}
}

// lost are the shares of trials that collapsed or diverged at some levels, of the blocks in which trials of each of them ended.
func (t *table) lost(levels ...int) []Share {
	sum := make([]ends, len(levels))
	for _, b := range t.blocks {
		if slices.ContainsFunc(levels, func(l int) bool { return b.ends[l].ended == 0 }) {
			continue
		}
		for i, l := range levels {
			sum[i].lost += b.ends[l].lost
			sum[i].ended += b.ends[l].ended
		}
	}
	var shares []Share
	for _, x := range sum {
		shares = append(shares, Wilson(float64(x.lost), x.ended))
	}
	return shares
}

// failed counts the trials of a level that failed.
func (t *table) failed(level int) (n int) {
	for _, b := range t.blocks {
		n += b.ends[level].failed
	}
	return n
}

// match decides which hyperparameters are equal within a block: those that vary and are not decided by the factor. Of two losses, one
// may have a penalty and the other none: the penalty then belongs to the loss. What is derived follows from the others.
func (a *Analysis) match(f *frame.Frame) {
	for _, x := range f.Factors {
		if x.Name == a.Factor || x.Derived {
			continue
		}
		of := map[any]map[any]bool{} // values by level
		all := map[any]bool{}
		for _, r := range f.Rows {
			level := r.Point[a.Factor]
			if of[level] == nil {
				of[level] = map[any]bool{}
			}
			of[level][r.Point[x.Name]], all[r.Point[x.Name]] = true, true
		}
		several := slices.ContainsFunc(slices.Collect(maps.Values(of)), func(values map[any]bool) bool { return len(values) > 1 })
		switch {
		case several:
			a.Matched = append(a.Matched, x.Name)
		case len(all) > 1:
			a.Tied = append(a.Tied, x.Name)
		}
	}
	if derived := f.Derived(); len(derived) > 0 {
		a.note("derived from the hyperparameters, and not equal in each comparison: %s", plain.List(derived))
	}
}

// key is the same for rows of one block.
func (a *Analysis) key(r frame.Row) string {
	var b strings.Builder
	for _, name := range a.Matched {
		fmt.Fprintf(&b, "%#v\n", r.Point[name])
	}
	return b.String()
}

// findWorst finds the worst value.
func (a *Analysis) findWorst(f *frame.Frame) {
	if a.worst != nil {
		a.Worst = *a.worst
		return
	}
	a.Worst = math.NaN()
	for _, r := range f.Rows {
		y, has := r.Values[a.Metric]
		if has && (math.IsNaN(a.Worst) || (y > a.Worst) == (a.Direction == pareto.Min)) {
			a.Worst = y
		}
	}
}

// value is what a trial counts as.
func (a *Analysis) value(r frame.Row) (y float64, counts bool) {
	y, has := r.Values[a.Metric]
	if r.Status == results.Collapsed || r.Status == results.Diverged {
		switch a.Collapsed {
		case Drop:
			return 0, false
		case Worst:
			return a.Worst, !math.IsNaN(a.Worst)
		}
	}
	return y, has
}

// having are the blocks with values at some levels: by block, by seed that all these levels have, and by level.
func (t *table) having(levels ...int) (blocks design) {
	for _, b := range t.blocks {
		var seeds []int64
		for seed := range b.values[levels[0]] {
			if !slices.ContainsFunc(levels, func(l int) bool { _, has := b.values[l][seed]; return !has }) {
				seeds = append(seeds, seed)
			}
		}
		slices.Sort(seeds)
		var rows [][]float64
		for _, seed := range seeds {
			var row []float64
			for _, l := range levels {
				row = append(row, b.values[l][seed])
			}
			rows = append(rows, row)
		}
		if len(rows) > 0 {
			blocks = append(blocks, rows)
		}
	}
	return blocks
}

// numeric reports whether all levels are numbers.
func (t *table) numeric() bool {
	return !slices.ContainsFunc(t.levels, func(level any) bool {
		_, truth := level.(bool)
		return truth || math.IsNaN(frame.Number(level))
	})
}

func texts(levels []any) string {
	var list []string
	for _, level := range levels {
		list = append(list, frame.Text(level))
	}
	return cmp.Or(strings.Join(list, ", "), "none")
}
