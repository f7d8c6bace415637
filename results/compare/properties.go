package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// Property is something that the studies were made with, as text. It is empty on the side that lacks it.
type Property struct {
	Kind string `json:"kind"` // study, profile, setting, version, backend, data, hyperparameter, metric, objective
	Name string `json:"name,omitempty"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Script is a file of the newest plans' scripts that differs.
type Script struct {
	File string `json:"file"`
	Diff string `json:"diff"` // unified
}

// properties returns the properties in which the studies differ.
func properties(a, b *results.View) ([]Property, error) {
	list := []Property{}
	inA, err := propertiesOf(a)
	if err != nil {
		return nil, err
	}
	inB, err := propertiesOf(b)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		for _, name := range byName(slices.Concat(slices.Collect(maps.Keys(inA[k])), slices.Collect(maps.Keys(inB[k])))) {
			if x, y := inA[k][name], inB[k][name]; x != y {
				list = append(list, Property{k, name, x, y})
			}
		}
	}
	return list, nil
}

// kinds are those of Property, in the order in which they are shown.
var kinds = []string{"study", "script", "profile", "setting", "version", "backend", "data", "hyperparameter", "metric", "objective"}

// propertiesOf returns the properties of a study, by kind and name.
func propertiesOf(v *results.View) (map[string]map[string]string, error) {
	m := v.Meta()
	all := map[string]map[string]string{
		"study":  {"": m.Study},
		"script": {"": m.Script},
	}
	set := func(kind, name, value string) {
		if all[kind] == nil {
			all[kind] = map[string]string{}
		}
		all[kind][name] = value
	}
	if p, found := v.Plan(); found {
		set("profile", "", p.Profile)
		settings := map[string]json.RawMessage{}
		if json.Unmarshal([]byte(p.Settings), &settings) != nil {
			set("setting", "", p.Settings)
		}
		for name, value := range settings {
			set("setting", name, string(value))
		}
	}
	tried, planned := map[string][]string{}, map[any]bool{}
	for _, t := range v.Trials() {
		if !t.InPlan {
			continue
		}
		planned[t.ID] = true
		tried["data "+t.Data] = append(tried["data "+t.Data], digests(t.Trial))
		for _, c := range m.Columns {
			tried["hyperparameter "+c.Name] = append(tried["hyperparameter "+c.Name], value(t.Point[c.Name]))
		}
	}
	for row, err := range v.Rows(results.Trials) {
		if err != nil {
			return nil, err
		}
		for _, kind := range []string{"version", "backend"} {
			if text, _ := row[kind].(string); planned[row["trial"]] {
				tried[kind] = append(tried[kind], text)
			}
		}
	}
	for key, values := range tried {
		kind, name, _ := strings.Cut(key, " ")
		values = slices.DeleteFunc(byName(values), func(s string) bool { return s == "" })
		set(kind, name, shortened(values))
	}
	for _, name := range m.Metrics {
		set("metric", name, "measured")
	}
	for _, o := range m.Objectives {
		set("objective", o.Metric, string(o.Direction))
	}
	return all, nil
}

// shortened joins values; of many, the number says more.
func shortened(values []string) string {
	const most = 12
	text := strings.Join(values[:min(len(values), most)], ", ")
	if len(values) > most {
		return fmt.Sprintf("%s and %d more", text, len(values)-most)
	}
	return text
}

// digests are those of a trial's images.
func digests(t results.Trial) string {
	if t.Test == "" {
		return "train " + spec.Short(t.Train)
	}
	return "train " + spec.Short(t.Train) + ", test " + spec.Short(t.Test)
}

// value is a hyperparameter in the notation of scripts.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case float64:
		return spec.FloatValue(v).String()
	case bool:
		return spec.BoolValue(v).String()
	}
	return fmt.Sprint(v)
}

// scripts compares the copies of the newest plans' scripts, file by file.
func scripts(a, b *results.View) ([]Script, error) {
	list := []Script{}
	inA, err := scriptFiles(a)
	if err != nil {
		return nil, err
	}
	inB, err := scriptFiles(b)
	if err != nil {
		return nil, err
	}
	for _, name := range byName(slices.Concat(slices.Collect(maps.Keys(inA)), slices.Collect(maps.Keys(inB)))) {
		text := diff.Diff("A/"+name, inA[name], "B/"+name, inB[name])
		if len(text) > 0 {
			_, text, _ := strings.Cut(string(text), "\n") // a line that repeats the names
			list = append(list, Script{name, text})
		}
	}
	return list, nil
}

// scriptFiles returns the files of a study's newest script by slash-separated path.
func scriptFiles(v *results.View) (map[string][]byte, error) {
	hash := v.Meta().ScriptHash
	if p, found := v.Plan(); found && p.Script != "" {
		hash = p.Script
	}
	return results.ScriptFiles(v.Dir(), hash)
}
