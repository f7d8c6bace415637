package export

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/results"
)

// writeMLflow writes the file store of MLflow 3: an experiment, and a run for each trial with parameters, metrics by epoch, tags, and
// sample sheets as artifacts. The files name the folder that holds them: an export that moves is written anew.
func writeMLflow(s *study, f *folder) error {
	sum := sha256.Sum256([]byte(s.meta.ID()))
	experiment := fmt.Sprintf("%018d", binary.BigEndian.Uint64(sum[:])%1e18)
	location := url.URL{Scheme: "file", Path: filepath.ToSlash(f.final) + "/" + experiment}
	created, updated := int64(0), int64(0)
	for i, t := range s.trials {
		if ms := t.Started.UnixMilli(); i == 0 || ms < created {
			created = ms
		}
		updated = max(updated, t.Started.UnixMilli())
	}
	meta := yaml{{"artifact_location", location.String()}, {"creation_time", created}, {"experiment_id", experiment},
		{"last_update_time", updated}, {"lifecycle_stage", "active"}, {"name", s.meta.Study}}
	if err := f.write(experiment+"/meta.yaml", meta.encode()); err != nil {
		return err
	}
	for _, t := range s.trials {
		if err := s.writeMLflowRun(f, t, experiment, location); err != nil {
			return err
		}
	}
	return nil
}

// runStatuses are MLflow's numbers: 1 running, 3 finished, 4 failed, 5 killed.
var runStatuses = map[results.Status]int64{results.Interrupted: 1, results.Paused: 1, results.Completed: 3, results.Failed: 4,
	results.Diverged: 4, results.Collapsed: 5, results.Pruned: 5, results.Skipped: 5}

func (s *study) writeMLflowRun(f *folder, t *trial, experiment string, location url.URL) error {
	id := safe(t.ID)
	dir := experiment + "/" + id + "/"
	for _, part := range []string{"params", "metrics", "tags", "artifacts"} { // MLflow takes no other folder as a run
		if err := f.folder(dir + part); err != nil {
			return err
		}
	}
	for _, c := range append(s.point(t), cell{"seed", t.Seed}) {
		if err := f.write(dir+"params/"+c.name, []byte(text(c.value))); err != nil {
			return err
		}
	}
	end, err := s.writeMetrics(f, dir, t)
	if err != nil {
		return err
	}
	for p, err := range s.sheets(t) {
		if err != nil {
			return err
		}
		if err := f.write(dir+"artifacts/samples/"+p.file(), p.png); err != nil {
			return err
		}
	}
	label := s.meta.Label(t.Point, t.Seed)
	tags := []cell{{"mlflow.runName", label}, {"mlflow.source.type", "LOCAL"}, {"mlflow.source.name", s.meta.Script}}
	for _, c := range s.facts(t) {
		tags = append(tags, cell{"starsweep." + c.name, c.value})
	}
	for _, c := range tags {
		if err := f.write(dir+"tags/"+c.name, []byte(text(c.value))); err != nil {
			return err
		}
	}
	location.Path += "/" + id + "/artifacts"
	meta := yaml{{"artifact_uri", location.String()}, {"end_time", end}, {"entry_point_name", ""}, {"experiment_id", experiment},
		{"lifecycle_stage", "active"}, {"run_id", id}, {"run_name", label}, {"run_uuid", id}, {"source_name", ""}, {"source_type", int64(4)},
		{"source_version", ""}, {"start_time", t.Started.UnixMilli()}, {"status", runStatuses[t.Status]}, {"tags", nil}, {"user_id", ""}}
	return f.write(dir+"meta.yaml", meta.encode())
}

// writeMetrics writes a file a metric, with a line an epoch: the time, the value and the step, which is the epoch. It returns the end of
// a finished trial.
func (s *study) writeMetrics(f *folder, dir string, t *trial) (end any, err error) {
	lines := map[string]*strings.Builder{}
	var names []string
	last := t.Started.UnixMilli()
	for e, err := range s.epochs(t) {
		if err != nil {
			return nil, err
		}
		last = e.end.UnixMilli()
		for _, v := range e.values {
			if lines[v.name] == nil {
				lines[v.name] = &strings.Builder{}
				names = append(names, v.name)
			}
			fmt.Fprintf(lines[v.name], "%d %s %d\n", last, text(v.value), e.number)
		}
	}
	for _, name := range names {
		err := f.create(dir+"metrics/"+name, func(w io.Writer) error { _, err := io.WriteString(w, lines[name].String()); return err })
		if err != nil {
			return nil, err
		}
	}
	for _, o := range s.meta.Objectives {
		if best, measured := t.Best[o.Metric]; measured && !slices.Contains(names, "best_"+o.Metric) {
			line := fmt.Sprintf("%d %s %d\n", last, text(best.Value), best.Epoch)
			if err := f.write(dir+"metrics/best_"+o.Metric, []byte(line)); err != nil {
				return nil, err
			}
		}
	}
	if t.unfinished() {
		return nil, nil
	}
	return last, nil
}

// yaml is a flat YAML document.
type yaml []cell

// encode quotes texts in ASCII, with escapes that Go and YAML share. Nil is null, or an empty list for tags.
func (y yaml) encode() []byte {
	var b strings.Builder
	for _, c := range y {
		value := "null"
		switch v := c.value.(type) {
		case string:
			value = strconv.QuoteToASCII(v)
		case int64:
			value = strconv.FormatInt(v, 10)
		case nil:
			if c.name == "tags" {
				value = "[]"
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", c.name, value)
	}
	return []byte(b.String())
}
