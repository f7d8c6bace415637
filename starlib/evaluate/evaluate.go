// Package evaluate is the family of evaluations: when a trial is evaluated, and by which metrics, features and rule of collapse. Its
// builtins are generated from engine/metric's table and a catalogue of extractors. Trials hold an evaluation, completed for their data.
package evaluate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/data"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Value is when and how a trial is evaluated. The parts that depend on the data stay open until a trial is declared.
type Value struct {
	kit.Opaque
	spec.Evaluation
	features featuresValue
	final    *finalValue // nil: trials are not measured otherwise after their last epoch
}

// finalValue is what trials are measured by after their last epoch as well.
type finalValue struct {
	kit.Opaque
	spec.Evaluation
	features featuresValue
}

func (f finalValue) Type() string { return "final" }

func (f *finalValue) Unpack(v starlark.Value) error {
	given, ok := v.(finalValue)
	if !ok {
		return fmt.Errorf("got %s, want final(metrics = [fid()], features = inception())", kit.Describe(v))
	}
	*f = given
	return nil
}

var _ starlark.Comparable = Value{}

func (e Value) Type() string { return "evaluate" }

// CompareSameType compares by text.
func (e Value) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, e, y)
}

func (e *Value) Unpack(v starlark.Value) error {
	switch given := v.(type) {
	case Value:
		*e = given
		return nil
	case metricValue:
		return fmt.Errorf("got the metric %v, want evaluate(metrics = [%v], ...)", given.Metric, given.Metric)
	}
	return fmt.Errorf("got %s, want evaluate(...)", kit.Describe(v))
}

// Default draws a sheet after the last epoch, and measures nothing.
var Default = Value{Evaluation: spec.Evaluation{Sheet: 64}}

// standardSamples is the default number of samples that metrics measure: the size of the test splits of MNIST and CIFAR-10.
const standardSamples = 10_000

func makeEvaluate(c kit.Call, extractors []spec.Extractor) (starlark.Value, error) {
	e := Default
	var (
		every = kit.Natural(0)
		sheet = kit.Count(e.Sheet)
		rule  collapseArg
		final finalValue
	)
	err := compared(c, extractors, &e.Evaluation, &e.features, "every?", &every, "sheet?", &sheet, "collapse?", &rule, "final??", &final)
	if err != nil {
		return nil, err
	}
	e.Every, e.Sheet = int(every), int(sheet)
	if len(e.Metrics) == 0 && (e.Real != "" || e.Features != "") {
		kit.Note(c.Thread, "evaluate: got features or real without metrics: only metrics use them")
	}
	if len(final.Metrics) > 0 {
		if e.final = &final; len(e.Metrics) == 0 {
			return nil, errors.New("evaluate: got final = ... without metrics: want metrics, which every evaluation measures, too")
		}
	}
	if e.Collapse = rule.Collapse; !rule.given && metric.DetectCollapse(e.Metrics) {
		standard := spec.StandardCollapse()
		e.Collapse = &standard
	}
	return e, kit.Each("evaluate: ", metric.Validate(e.Evaluation, e.features.mayHaveLogits())).Err()
}

func makeFinal(c kit.Call, extractors []spec.Extractor) (starlark.Value, error) {
	var f finalValue
	if err := compared(c, extractors, &f.Evaluation, &f.features); err != nil {
		return nil, err
	}
	if len(f.Metrics) == 0 {
		return nil, errors.New("final: got no metrics, want those that are measured after the last epoch, such as metrics = [fid()]")
	}
	return f, kit.Each("final: ", metric.Validate(f.Evaluation, f.features.mayHaveLogits())).Err()
}

// compared unpacks what is compared: the arguments that evaluate and final have in common, beside others.
func compared(c kit.Call, extractors []spec.Extractor, e *spec.Evaluation, features *featuresValue, others ...any) error {
	if len(extractors) > 0 {
		features.candidates = extractors[:1]
	}
	var metrics metricList
	var samples kit.Count
	err := c.Keywords(append([]any{"metrics?", &metrics, "samples?", &samples, "features??", features, "real??", &e.Real}, others...)...)
	if e.Metrics, e.Samples, e.Features = metrics, int(samples), features.name; len(metrics) > 0 {
		e.Samples = cmp.Or(e.Samples, standardSamples)
	}
	return err
}

// metricValue is a metric with its arguments.
type metricValue struct {
	kit.Opaque
	spec.Metric
}

var _ starlark.Comparable = metricValue{}

func (m metricValue) Type() string { return "metric" }

// CompareSameType compares by text.
func (m metricValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, m, y)
}

// metricList is a variable for a list of metrics.
type metricList []spec.Metric

func (l *metricList) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if m, isMetric := v.(metricValue); isMetric {
		return fmt.Errorf("got the metric %v, want a list of metrics: [%v]", m.Metric, m.Metric)
	}
	if _, isDict := v.(*starlark.Dict); !ok || isDict {
		return fmt.Errorf("got %s, want a list of metrics such as [fid()]", kit.Describe(v))
	}
	for e := range starlark.Elements(list) {
		m, ok := e.(metricValue)
		if b, isBuiltin := e.(*starlark.Builtin); isBuiltin {
			return fmt.Errorf("got the function %s, want the metric that it returns: %s()", b.Name(), b.Name())
		}
		if !ok {
			return fmt.Errorf("got %s, want metrics such as fid(): %s", kit.Describe(e), hint.Offered{Metrics: Metrics()}.MetricsText())
		}
		*l = append(*l, m.Metric)
	}
	return nil
}

// Metrics lists the calls of all metrics, for messages.
func Metrics() (calls []string) {
	for _, name := range metric.Names(metric.All) {
		calls = append(calls, name+"()")
	}
	return calls
}

// metricBuiltin is the builtin of a row of the table of metrics. The defaults of its arguments are those of papers.
func metricBuiltin(row metric.Definition) *starlark.Builtin {
	return kit.Builtin(row.Name, func(c kit.Call) (starlark.Value, error) {
		m := metricValue{Metric: row.Standard()}
		variables := make([]any, len(row.Params))
		var pairs []any
		for i, a := range row.Params {
			name := a.Name + "?"
			if a.Default == 0 { // None leaves it to the metric
				name += "?"
			}
			if variables[i] = new(kit.Count); a.Real {
				variables[i] = new(kit.Positive)
			}
			pairs = append(pairs, name, variables[i])
		}
		err := c.Unpack(pairs...)
		for i, a := range row.Params {
			switch v := variables[i].(type) {
			case *kit.Count:
				if *v > 0 {
					m.Metric = m.With(a.Name, float64(*v))
				}
			case *kit.Positive:
				if *v > 0 {
					m.Metric = m.With(a.Name, float64(*v))
				}
			}
		}
		return m, err
	})
}

// collapseValue is a rule for when a trial has collapsed.
type collapseValue struct {
	kit.Opaque
	spec.Collapse
}

func (r collapseValue) Type() string { return "collapse" }

// collapseArg is a variable for such a rule, or None for no detection.
type collapseArg struct {
	*spec.Collapse
	given bool
}

func (a *collapseArg) Unpack(v starlark.Value) error {
	a.given = true
	switch v := v.(type) {
	case starlark.NoneType:
		return nil
	case collapseValue:
		a.Collapse = &v.Collapse
		return nil
	}
	return fmt.Errorf("got %s, want collapse(...) or None", kit.Describe(v))
}

func makeCollapse(c kit.Call) (starlark.Value, error) {
	r := collapseValue{Collapse: spec.StandardCollapse()}
	evaluations := kit.Count(r.Evaluations)
	reach, spread := kit.Positive(r.Reach), kit.Positive(r.Spread)
	variety, distinctness := kit.Positive(r.Variety), kit.Positive(r.Distinctness)
	fidelity, modes, few := kit.Positive(r.Fidelity), kit.Positive(r.Modes), kit.Positive(r.Few)
	err := c.Keywords("stop?", &r.Stop, "evaluations?", &evaluations, "reach?", &reach, "spread?", &spread, "variety?", &variety,
		"distinctness?", &distinctness, "fidelity?", &fidelity, "modes?", &modes, "few?", &few)
	r.Evaluations = int(evaluations)
	r.Reach, r.Spread, r.Variety, r.Distinctness = float64(reach), float64(spread), float64(variety), float64(distinctness)
	r.Fidelity, r.Modes, r.Few = float64(fidelity), float64(modes), float64(few)
	return r, err
}

// featuresValue is an extractor, or several of which the data choose one: small().
type featuresValue struct {
	kit.Opaque
	name       string
	candidates []spec.Extractor // one or more
}

var _ starlark.Comparable = featuresValue{}

func (f featuresValue) String() string { return f.name }
func (f featuresValue) Type() string   { return "features" }

// CompareSameType compares by text.
func (f featuresValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, f, y)
}

func (f *featuresValue) Unpack(v starlark.Value) error {
	given, ok := v.(featuresValue)
	if b, isBuiltin := v.(*starlark.Builtin); isBuiltin {
		return fmt.Errorf("got the function %s, want the features that it returns: %s()", b.Name(), b.Name())
	}
	if !ok {
		return fmt.Errorf("got %s, want features such as inception() or small()", kit.Describe(v))
	}
	*f = given
	return nil
}

// mayHaveLogits reports whether the features have logits, as far as that is known without data.
func (f featuresValue) mayHaveLogits() bool { return len(f.candidates) == 0 || f.candidates[0].Logits }

// extractors returns the builtins of the extractors of a catalogue.
func extractors(all []spec.Extractor) starlark.StringDict {
	byName := map[string]featuresValue{} // for extractor(name): names of extractors, and builtins that choose among several
	d := starlark.StringDict{}
	for _, x := range all {
		byName[x.Name] = featuresValue{name: x.Name, candidates: []spec.Extractor{x}}
	}
	for _, x := range all {
		if d[x.Builtin] != nil {
			continue
		}
		called := featuresValue{name: x.Name, candidates: spec.ExtractorsCalled(all, x.Builtin)}
		if len(called.candidates) > 1 {
			called.name = x.Builtin
			byName[x.Builtin] = called
		}
		d[x.Builtin] = kit.Builtin(x.Builtin, func(c kit.Call) (starlark.Value, error) { return called, c.Unpack() })
	}
	d["extractor"] = kit.Builtin("extractor", func(c kit.Call) (starlark.Value, error) {
		var name string
		if err := c.Unpack("name", &name); err != nil {
			return nil, err
		}
		f, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("extractor: %w", hint.Unknown("extractor", name, slices.Sorted(maps.Keys(byName))))
		}
		return f, nil
	})
	return d
}

// On completes the evaluation for trials on a data set.
func (e Value) On(d data.Set) (spec.Evaluation, error) {
	if len(e.Metrics) == 0 {
		return e.Evaluation, nil
	}
	out, err := on(d, e.Evaluation, e.features)
	if e.final == nil {
		return out, err
	}
	final, wrong := on(d, e.final.Evaluation, e.final.features)
	out.Final = &final
	return out, append(kit.Each("", err), kit.Each("final: ", wrong)...).Err()
}

// on completes what is compared for trials on a data set.
func on(d data.Set, out spec.Evaluation, features featuresValue) (spec.Evaluation, error) {
	channels := d.Image().Size('c')
	x := spec.ChooseExtractor(features.candidates, d.Name, channels)
	logits := x.Logits
	switch points := d.IsPoints(); {
	case points && out.Features != "" && !x.Raw:
		return out, fmt.Errorf("features: got %s for data that are points: omit features, or use pixels()", out.Features)
	case points:
		out.Features, logits = spec.PointFeatures, false
	case !x.Takes(channels):
		return out, fmt.Errorf("features: got %s, whose images have %d channels, for images of %d: "+
			"want small(), which chooses by them, or another extractor", x.Name, x.Channels, channels)
	default:
		out.Features = x.Name
	}
	if out.Real == "" {
		out.Real = "test"
		if d.Set.Files { // nothing says that they have a test split
			out.Real = "train"
		}
	}
	return out, metric.Validate(out, logits)
}

// Builtins returns the builtins of evaluations. The first extractor of the catalogue is the default.
func Builtins(catalogue spec.Catalogue) starlark.StringDict {
	d := extractors(catalogue.Extractors)
	d["evaluate"] = kit.Builtin("evaluate", func(c kit.Call) (starlark.Value, error) { return makeEvaluate(c, catalogue.Extractors) })
	d["final"] = kit.Builtin("final", func(c kit.Call) (starlark.Value, error) { return makeFinal(c, catalogue.Extractors) })
	d["collapse"] = kit.Builtin("collapse", makeCollapse)
	for _, m := range metric.All {
		d[m.Name] = metricBuiltin(m)
	}
	return d
}
