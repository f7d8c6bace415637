package report

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// origin is how the study was made.
type origin struct {
	Facts   []fact
	Scripts []source
	Dir     string
}

type fact struct {
	Name   string
	Values []string
}

// source is a file of the script.
type source struct{ Name, Text, Cut string }

// longestScript is how much of a file of the script the page shows.
const longestScript = 60_000

func (s *study) origin() (template.HTML, error) {
	x := origin{Dir: s.Dir()}
	add := func(name string, values ...string) {
		if len(values) > 0 {
			x.Facts = append(x.Facts, fact{name, values})
		}
	}
	plan, planned := s.Plan()
	hash := s.meta.ScriptHash
	if planned {
		hash = plan.Script
	}
	add("script", s.meta.Script+", "+hash)
	if planned && plan.Profile != "" {
		add("profile", plan.Profile)
	}
	if planned {
		add("settings", settings(plan.Settings)...)
		add("newest plan", fmt.Sprintf("%s, begun %s UTC", plain.Count(len(plan.Trials), "trial"), plan.Began.UTC().Format("2006-01-02 15:04")))
	}
	for _, column := range []struct{ name, text string }{{"version", "starsweep"}, {"backend", "backend"}, {"device", "device"}} {
		add(column.text, s.made[column.name]...)
	}
	data, measures := map[string]bool{}, map[string]bool{}
	for _, t := range s.trials {
		if !t.InPlan {
			continue
		}
		text := t.Data + ": training images " + spec.Short(t.Train)
		if t.Test != "" {
			text += ", test split " + spec.Short(t.Test)
		}
		data[text], measures[t.Measure.String()] = true, true
	}
	add("data, with digests", slices.Sorted(maps.Keys(data))...)
	delete(measures, "")
	add("measures", slices.Sorted(maps.Keys(measures))...)
	files, err := results.ScriptFiles(s.Dir(), hash)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, cut := string(files[name]), ""
		if len(text) > longestScript {
			text, cut = text[:longestScript], fmt.Sprintf("the first %d of %d bytes", longestScript, len(files[name]))
		}
		x.Scripts = append(x.Scripts, source{plain.Line(name), text, cut})
	}
	return render("origin", x)
}

// settings are the values of settings, one text each.
func settings(text string) (list []string) {
	var parsed map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &parsed) != nil {
		return []string{text}
	}
	for _, name := range slices.Sorted(maps.Keys(parsed)) {
		list = append(list, name+" = "+strings.TrimSpace(string(parsed[name])))
	}
	return list
}
