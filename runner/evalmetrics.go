package runner

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// metricOptions choose the metrics of eval and their arguments.
type metricOptions struct {
	names []string
	args  map[string]*metricArg // by name
}

// metricArg is the flag of an argument, which several metrics may share: a number above 0.
type metricArg struct {
	real  bool
	value float64 // 0: not given
}

func (a *metricArg) String() string {
	if a.value == 0 {
		return ""
	}
	return strconv.FormatFloat(a.value, 'g', -1, 64)
}

func (a *metricArg) Type() string {
	if a.real {
		return "float"
	}
	return "int"
}

func (a *metricArg) Set(text string) (err error) {
	want := "1 or more"
	if a.real {
		want = "a number above 0"
		a.value, err = strconv.ParseFloat(text, 64)
	} else {
		var n uint64
		n, err = strconv.ParseUint(text, 10, 31)
		a.value = float64(n)
	}
	if err != nil || !(a.value > 0) {
		return fmt.Errorf("got %s, want %s", text, want)
	}
	return nil
}

// flags adds --metrics and a flag for every argument that has one in the table of metrics.
func (o *metricOptions) flags(f *pflag.FlagSet) {
	var standard []string
	o.args = map[string]*metricArg{}
	help := map[string]string{}
	for _, m := range metric.All {
		if m.Default {
			standard = append(standard, m.Name)
		}
		for _, a := range m.Params {
			if a.Flag == "" {
				continue
			}
			if o.args[a.Name] == nil {
				o.args[a.Name], help[a.Name] = &metricArg{real: a.Real}, a.Flag
			}
			if a.Default != 0 {
				help[a.Name] += fmt.Sprintf("; default %g for %s", a.Default, m.Name)
			}
		}
	}
	f.StringSliceVar(&o.names, "metrics", standard, "metrics to compute: "+strings.Join(metric.Names(metric.All), ", "))
	for _, name := range slices.Sorted(maps.Keys(o.args)) {
		f.Var(o.args[name], name, help[name])
	}
}

// better says in words which values of a column are better.
var better = map[pareto.Direction]string{pareto.Min: "lower is better", pareto.Max: "higher is better"}

// listMetrics describes metrics, one per line, for the help of eval.
func listMetrics(all []metric.Definition) string {
	var b strings.Builder
	width := widest(metric.Names(all))
	for _, m := range all {
		fmt.Fprintf(&b, "\n  %-*s  %s; %s", width, m.Name, m.Doc, better[m.Columns[0].Better])
	}
	return b.String()
}

// widest is the width of a column of names, in characters.
func widest(names []string) (width int) {
	for _, name := range names {
		width = max(width, utf8.RuneCountInString(name))
	}
	return width
}

// check reports unknown metrics.
func (o *metricOptions) check() error {
	for _, name := range o.names {
		if _, ok := metric.Lookup(name); !ok {
			return usageErrorf("--metrics: got %q, want some of %s", name, strings.Join(metric.Names(metric.All), ", "))
		}
	}
	return nil
}

// metrics are those requested, for n samples per set. There are no other real images to choose an argument.
func (o *metricOptions) metrics(n int) (all []spec.Metric, err error) {
	for _, name := range o.names {
		row, _ := metric.Lookup(name) // check has found all
		m := row.Standard()
		for _, a := range row.Params {
			switch given := o.args[a.Name]; {
			case a.Flag != "" && given.value > 0:
				m = m.With(a.Name, given.value)
			case a.Flag != "" && a.Default == 0:
				return nil, fmt.Errorf("%s: got no %s, want --%s above 0", name, a.Name, a.Name)
			case a.Clamp:
				m = m.With(a.Name, min(a.Default, float64(n)))
			}
		}
		all = append(all, m)
	}
	return all, nil
}
