package export

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// study is what an export shows: the chosen trials of a view.
type study struct {
	ctx    context.Context
	view   *results.View
	meta   results.Meta
	trials []*trial
	kept   map[string]bool // by trial, and by configuration of a trial
	bare   bool            // without sheets
	rows   map[results.Table]func(id string) iter.Seq2[results.Row, error]
}

// trial is one of them.
type trial struct {
	results.State
	row results.Row // of the trials table; nil for a trial that has none
}

func newStudy(ctx context.Context, v *results.View, o Options) (*study, error) {
	s := &study{ctx: ctx, view: v, meta: v.Meta(), bare: o.NoSheets, kept: map[string]bool{},
		rows: map[results.Table]func(string) iter.Seq2[results.Row, error]{}}
	for _, t := range []results.Table{results.Trials, results.Epochs, results.Samples} {
		s.rows[t] = v.RowsByTrial(t)
	}
	if len(o.Objectives) > 0 {
		s.meta.Objectives = o.Objectives
	}
	columns := frame.Columns(s.meta)
	trained, err := v.Trained()
	if err != nil {
		return nil, err
	}
	for _, state := range v.Trials() {
		if o.Where != nil {
			in, err := o.Where(cells(state, trained[state.ID] != "", columns))
			if err != nil {
				return nil, refuse("trial %s: %w", state.ID, err)
			}
			if !in {
				continue
			}
		}
		t := &trial{State: state}
		for row, err := range s.rows[results.Trials](state.ID) {
			if err != nil {
				return nil, err
			}
			t.row = row
		}
		s.trials = append(s.trials, t)
		s.kept[t.ID], s.kept[t.Configuration] = true, true
	}
	return s, nil
}

// cells are the columns that a condition reads. The metrics are the last measured values, of any measure.
func cells(s results.State, held bool, columns []string) map[string]any {
	r := frame.Row{ID: s.ID, Seed: s.Seed, Configuration: s.Configuration, Status: s.Status.Stands(held), Epoch: s.Epochs, Point: s.Point,
		Values: s.Last}
	return r.Cells(columns)
}

// unfinished reports whether the trial may still train.
func (t *trial) unfinished() bool {
	return !t.Status.Final()
}

// cell is a value with the name of its column.
type cell struct {
	name  string
	value any // bool, int32, int64, float64, string or time.Time
}

// point is the hyperparameters that apply to a trial, in the order of the columns.
func (s *study) point(t *trial) (list []cell) {
	for _, c := range s.meta.Columns {
		if value := t.Point[c.Name]; value != nil {
			list = append(list, cell{c.Name, value})
		}
	}
	return list
}

// facts are what the trials table says of a finished trial besides its hyperparameters and its values: texts, counts and times.
func (s *study) facts(t *trial) []cell {
	list := []cell{{"trial", t.ID}, {"configuration", t.Configuration}, {"index", int64(t.Index)}, {"seed", t.Seed},
		{"status", string(t.Status)}}
	if remark := t.Remark(); remark != "" {
		list = append(list, cell{"reason", remark})
	}
	hyperparameters := s.point(t)
	for _, f := range s.view.Fields(results.Trials) {
		known := slices.ContainsFunc(slices.Concat(list, hyperparameters), func(c cell) bool { return c.name == f.Name })
		value := t.row[f.Name]
		if known || value == nil || value == "" || f.Name == "study" || f.Type == results.TypeFloat && !f.Timing {
			continue
		}
		list = append(list, cell{f.Name, value})
	}
	return list
}

// epoch is an epoch of a trial.
type epoch struct {
	number int
	end    time.Time // counted in seconds of training and evaluation from the beginning of the trial
	values []number
	row    results.Row
}

// number is a measured value.
type number struct {
	name  string
	value float64
}

// epochs yields the epochs of a trial with the floats of the epochs table.
func (s *study) epochs(t *trial) iter.Seq2[epoch, error] {
	fields := s.view.Fields(results.Epochs)
	return func(yield func(epoch, error) bool) {
		end := t.Started
		for row, err := range s.rows[results.Epochs](t.ID) {
			if err == nil {
				err = s.ctx.Err()
			}
			if err != nil {
				yield(epoch{}, err)
				return
			}
			e := epoch{number: int(row["epoch"].(int32)), row: row}
			for _, f := range fields {
				if x, isFloat := row[f.Name].(float64); isFloat && !f.Origin {
					e.values = append(e.values, number{f.Name, x})
				}
			}
			for _, name := range []string{"seconds_train", "seconds_evaluate"} {
				if seconds, measured := row[name].(float64); measured && seconds > 0 {
					end = end.Add(time.Duration(seconds * float64(time.Second)))
				}
			}
			e.end = end
			if !yield(e, nil) {
				return
			}
		}
	}
}

// sheet is a sample sheet.
type sheet struct {
	epoch         int
	kind          string
	width, height int32
	png           []byte
}

// file is the name of the picture.
func (s sheet) file() string { return fmt.Sprintf("%s-%04d.png", safe(s.kind), s.epoch) }

// sheets yields the sample sheets of a trial.
func (s *study) sheets(t *trial) iter.Seq2[sheet, error] {
	return func(yield func(sheet, error) bool) {
		for row, err := range s.rows[results.Samples](t.ID) {
			if err == nil {
				err = s.ctx.Err()
			}
			if err != nil {
				yield(sheet{}, err)
				return
			}
			if !yield(sheetOf(row), nil) {
				return
			}
		}
	}
}

// sheetOf is the sheet of a row of the samples table.
func sheetOf(row results.Row) (p sheet) {
	number, _ := row["epoch"].(int32)
	p.epoch = int(number)
	p.kind, _ = row["kind"].(string)
	p.width, _ = row["image_width"].(int32)
	p.height, _ = row["image_height"].(int32)
	p.png, _ = row["png"].([]byte)
	return p
}

// levels are the different values of a hyperparameter among the chosen trials: numbers in ascending order, others as the trials have them.
func (s *study) levels(name string) (list []any) {
	for _, t := range s.trials {
		if value := t.Point[name]; value != nil && !slices.Contains(list, value) {
			list = append(list, value)
		}
	}
	slices.SortStableFunc(list, func(a, b any) int { return cmp.Compare(numeric(a), numeric(b)) })
	return list
}

// numeric is the number of a value, 0 for others.
func numeric(value any) float64 {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}
