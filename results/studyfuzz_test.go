package results

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// Any bytes in the place of study.json are an error that says what to do, or a study, which is the same once it is written again.
func FuzzStudyFile(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, studyFile)
	m := Meta{Study: "ring", Script: "ring.star",
		Columns: []Column{{Name: "lr", Kind: spec.Float}, {Name: "norm", Kind: spec.Bool, Optional: true}},
		Metrics: []string{"fid"}, Objectives: []Objective{{Metric: "fid", Direction: pareto.Min}}}
	study := file{Schema: SchemaVersion, ID: m.ID(), Created: time.Unix(0, 0).UTC(), Growth: 1, Meta: m.normal()}
	study.Sum = study.sum()
	if err := writeFile(dir, study); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if got, err := readFile(dir); err != nil || !reflect.DeepEqual(got, study) {
		f.Fatalf("got %+v, %v, want %+v", got, err, study)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"fid"`), []byte(`"kid"`), 1))
	f.Add(bytes.Replace(good, []byte(`"schema": 4`), []byte(`"schema": 3`), 1))
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"schema":1e99}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, studyFile), content, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := readFile(dir)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrOther) {
				t.Errorf("got %v, want ErrCorrupt or ErrOther", err)
			}
			return
		}
		if err := writeFile(dir, got); err != nil {
			t.Fatal(err)
		}
		if again, err := readFile(dir); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("written again, it is\n%+v, %v, want\n%+v", again, err, got)
		}
	})
}
