package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
)

// Difference is a property in which trials differ that have equal hyperparameters and seeds.
type Difference struct {
	Name   string   // of a setting, or epochs_planned, data, train_digest, test_digest, measure, script, configuration
	Values []string // of each trial or row; empty where there is none
}

// Differences returns properties that distinguish trials with equal labels, the most specific first, and no more than necessary.
func Differences(trials []State, labels []string) (list []Difference) {
	texts := slices.Clone(labels)
	slices.Sort(texts)
	if len(slices.Compact(texts)) == len(labels) {
		return nil
	}
	texts = slices.Clone(labels)
	for d := range aspects(trials) {
		first, splits := map[string]string{}, false
		for i, text := range texts {
			value, known := first[text]
			if !known {
				first[text] = d.Values[i]
			}
			splits = splits || known && value != d.Values[i]
		}
		if !splits {
			continue
		}
		list = append(list, d)
		for i, value := range d.Values {
			texts[i] += "\n" + value
		}
	}
	return list
}

// aspects yields all properties in which trials may differ, the most specific first.
func aspects(trials []State) func(yield func(Difference) bool) {
	return func(yield func(Difference) bool) {
		aspect := func(name string, value func(State) string) bool {
			d := Difference{name, make([]string, len(trials))}
			for i, t := range trials {
				d.Values[i] = value(t)
			}
			return yield(d)
		}
		names, settings := settingsOf(trials)
		for _, name := range names {
			if !aspect(name, func(t State) string { return string(settings[t.Settings][name]) }) {
				return
			}
		}
		_ = aspect("epochs_planned", func(t State) string { return fmt.Sprint(t.Length) }) &&
			aspect("data", func(t State) string { return t.Data }) &&
			aspect("train_digest", func(t State) string { return spec.Short(t.Train) }) &&
			aspect("test_digest", func(t State) string { return spec.Short(t.Test) }) &&
			aspect("measure", func(t State) string { return t.Measure.String() }) &&
			aspect("script", func(t State) string { return t.Script }) &&
			aspect("configuration", func(t State) string { return t.Configuration })
	}
}

// settingsOf parses the settings of trials, which are few texts of many trials, and lists their names.
func settingsOf(trials []State) (names []string, settings map[string]map[string]json.RawMessage) {
	settings, met := map[string]map[string]json.RawMessage{}, map[string]bool{}
	for _, t := range trials {
		if settings[t.Settings] != nil {
			continue
		}
		parsed := map[string]json.RawMessage{}
		if t.Settings != "" && json.Unmarshal([]byte(t.Settings), &parsed) != nil {
			parsed["settings"] = json.RawMessage(t.Settings)
		}
		settings[t.Settings] = parsed
		for name := range parsed {
			met[name] = true
		}
	}
	return slices.Sorted(maps.Keys(met)), settings
}

// Apart returns what distinguishes rows of the pareto table with equal hyperparameters, seeds and planned lengths. The rows have one
// scope and measure.
func (v *View) Apart(rows []Row) []Difference {
	if len(rows) < 2 || rows[0]["scope"] == string(ScopeTrial) {
		return nil // they differ in their epochs
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	configurations := map[replicate]*trial{} // one trial of each
	for _, t := range v.fold.ordered() {
		configurations[replicate{t.Configuration, 0, t.Length}] = t
		configurations[replicate{t.Configuration, 0, 0}] = t
	}
	trials, labels := make([]State, len(rows)), make([]string, len(rows))
	for i, row := range rows {
		id, _ := row["trial"].(string)
		seed, _ := row["seed"].(int64)
		length, _ := row["epochs_planned"].(int32)
		t := v.fold.trial(id)
		if t == nil {
			configuration, _ := row["configuration"].(string)
			t = cmp.Or(configurations[replicate{configuration, 0, int(length)}], configurations[replicate{configuration, 0, 0}])
		}
		trials[i] = v.fold.state(t)
		trials[i].Length = int(length)
		labels[i] = fmt.Sprint(v.file.Label(row, seed), " ", length)
	}
	return Differences(trials, labels)
}
