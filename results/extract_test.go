package results_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// extracted writes an extract of a study.
func extracted(t *testing.T, v *results.View, sheets bool) string {
	t.Helper()
	dir := t.TempDir()
	check(t, v.WriteExtract(sheets, func(name string, write func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(path), 0o777))
		f, err := os.Create(path)
		check(t, err)
		check(t, write(f))
		return f.Close()
	}))
	return dir
}

// everything is what a view shows.
func everything(t *testing.T, v *results.View, tables ...results.Table) (all []any) {
	t.Helper()
	p, _ := v.Plan()
	all = append(all, p, v.Meta())
	for _, s := range v.Trials() {
		all = append(all, s)
	}
	for _, table := range tables {
		for row, err := range v.Rows(table) {
			check(t, err)
			all = append(all, row)
		}
	}
	return all
}

// mixed has a finished trial, one with several generations, and one that was interrupted.
func mixed(t *testing.T) *study {
	t.Helper()
	s := create(t, t.TempDir())
	check(t, s.BeginPlan(results.Plan{Trials: []string{"a1", "b2", "c3"}, Epochs: []int{3, 3, 3}, Settings: `{"n":1}`, Script: "5c41"}))
	train(t, s, "a1", 0, 3)
	check(t, s.AppendSample(results.Sample{Trial: "a1", Epoch: 1, Kind: "grid", PNG: picture(t, 3)}))
	check(t, s.FinishTrial(results.Outcome{Trial: "a1", Status: results.Completed}))
	train(t, s, "b2", 1, 1)
	check(t, s.Forget("b2"))
	train(t, s, "b2", 1, 2)
	check(t, s.FinishTrial(results.Outcome{Trial: "b2", Status: results.Collapsed, Reason: "mode coverage"}))
	train(t, s, "c3", 2, 1)
	check(t, s.AppendMeasurement(results.Measurement{Trial: "a1", Epoch: 3, Measure: "fid() samples=9",
		Metrics: results.Metrics{"fid": 60}}))
	return s
}

func TestAnExtractShowsTheStudy(t *testing.T) {
	s := mixed(t)
	v, err := results.Open(extracted(t, s.View, true))
	check(t, err)
	defer v.Close()
	want, got := everything(t, s.View, results.Tables()...), everything(t, v, results.Tables()...)
	if len(got) != len(want) {
		t.Fatalf("got %d things, want %d", len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %+v\nwant %+v", got[i], want[i])
		}
	}
	if damage := v.Damage(); len(damage) > 0 || !v.Extract() || s.Extract() {
		t.Errorf("got damage %q, extract %v and %v", damage, v.Extract(), s.Extract())
	}
	if png, found, err := v.Sheet("a1", 1, "grid"); err != nil || !found || len(png) == 0 {
		t.Errorf("got %d bytes, %v, %v for a sheet", len(png), found, err)
	}
	if changed, err := v.Refresh(); err != nil || len(changed) != 3 {
		t.Errorf("got %v, %v, want the three trials", changed, err)
	}
	again, err := results.Open(extracted(t, v, true)) // an extract of the extract
	check(t, err)
	defer again.Close()
	if !reflect.DeepEqual(everything(t, again, results.Tables()...), got) {
		t.Error("an extract of an extract is different")
	}
}

func TestAnExtractWithoutSheetsHasTheRest(t *testing.T) {
	s := mixed(t)
	v, err := results.Open(extracted(t, s.View, false))
	check(t, err)
	defer v.Close()
	rest := []results.Table{results.Trials, results.Epochs, results.Measurements, results.Pareto}
	if got, want := everything(t, v, rest...), everything(t, s.View, rest...); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if sheets := v.Sheets("a1"); len(sheets) > 0 {
		t.Errorf("got %v", sheets)
	}
}

func TestAnExtractIsNotContinued(t *testing.T) {
	s := mixed(t)
	dir := extracted(t, s.View, false)
	_, err := results.Create(dir, meta, nil, hourly)
	wantError(t, err, dir, "an extract, which has tables and no journals: it can be read, not continued")
	_, err = results.Continue(dir, hourly)
	wantError(t, err, "an extract")
	if _, err := results.Repair(dir, hourly); err == nil {
		t.Error("an extract is repaired")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 7 { // study.json, script and five tables
		t.Errorf("got %v, %v: a writer left something", files, err)
	}
}

func TestADamagedExtractIsNotRead(t *testing.T) {
	s := mixed(t)
	for _, file := range []string{results.TableFile(results.Epochs), results.TableFile(results.Trials)} {
		dir := extracted(t, s.View, false)
		path := filepath.Join(dir, filepath.FromSlash(file))
		b, err := os.ReadFile(path)
		check(t, err)
		b[len(b)/2] ^= 1
		check(t, os.WriteFile(path, b, 0o666))
		_, err = results.Open(dir)
		wantError(t, err, path)
		found := 0
		_, err = results.Verify(t.Context(), dir, hourly, func(results.Problem) { found++ })
		check(t, err)
		if found != 1 {
			t.Errorf("%s: got %d problems, want one", file, found)
		}
	}
	dir := extracted(t, s.View, false)
	check(t, os.Remove(filepath.Join(dir, filepath.FromSlash(results.TableFile(results.Trials)))))
	_, err := results.Open(dir)
	wantError(t, err, "trials")
}

// Extracts are published: they do not say where the images lay.
func TestAnExtractHasNoFoldersOfTheMachine(t *testing.T) {
	described := meta
	described.Origin = "../../home/who/ring.star"
	s, err := createStudy(t.TempDir(), described, map[string][]byte{"ring.star": []byte("main = 1\n")}, hourly)
	check(t, err)
	defer s.Close()
	folder := t.TempDir()
	settings := fmt.Sprintf(`{"n":1e3,"path":%q,"source":"a/b"}`, filepath.Join(folder, "ct"))
	check(t, s.BeginPlan(results.Plan{Trials: []string{"a1"}, Epochs: []int{3}, Settings: settings}))
	train(t, s, "a1", 0, 3)
	check(t, s.FinishTrial(results.Outcome{Trial: "a1", Status: results.Completed, Settings: settings}))
	dir := extracted(t, s.View, true)
	if origin, err := results.Origin(dir); origin != "" || err != nil {
		t.Errorf("got the origin %q and %v, want none", origin, err)
	}
	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	const want = `{"n":1e3,"path":"ct","source":"a/b"}`
	p, _ := v.Plan()
	if p.Settings != want || v.Trials()[0].Settings != want {
		t.Errorf("got %s of the plan and %s of the trial, want %s", p.Settings, v.Trials()[0].Settings, want)
	}
}
