package frame

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/results"
)

// Change adds to each row how a metric changed until the epoch of the row: its value there divided by that some epochs earlier. It returns
// the name of these values, which are measured as the metric is. A row has none where one of the two was not measured or is not positive.
func (f *Frame) Change(v *results.View, metric string, epochs int) (name string, err error) {
	name = fmt.Sprintf("%s / %s %d epochs earlier", metric, metric, epochs)
	f.Measures[name] = f.Measures[metric]
	for _, r := range f.Rows {
		if len(r.Values) == 0 {
			continue
		}
		at, values, err := f.CourseOf(v, r.ID, metric)
		if err != nil {
			return "", err
		}
		now, before := slices.Index(at, r.Epoch), slices.Index(at, r.Epoch-epochs)
		if now >= 0 && before >= 0 && values[now] > 0 && values[before] > 0 {
			r.Values[name] = values[now] / values[before]
		}
	}
	return name, nil
}
