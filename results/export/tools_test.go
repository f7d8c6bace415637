package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/export"
)

// seen is what testdata/open.py prints.
type seen struct {
	Trials    map[string]seenTrial
	Migrated  map[string]seenTrial // from MLflow's file store to a database, by MLflow
	Metrics   []string
	Groups    [][]any
	Dashboard *struct {
		Study   string
		Trials  int
		States  []string
		Picture string
		Space   []string
	}
	Experiments, Studies, Directions, Best []string
}

type seenTrial struct {
	Point         map[string]any
	Curves        map[string][][2]any
	Sheets        map[string]string
	Status        string
	Group, Name   string
	Values        []float64
	Attributes    map[string]any
	Tags          any
	Summary       map[string]any
	Distributions map[string]string
}

// see writes an export and opens it with its tool.
func see(t *testing.T, format export.Format) (s seen) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: starts Python")
	}
	python := require.Tool(t, "STARSWEEP_TOOLS", "tools")
	dir := t.TempDir()
	w := train(t, filepath.Join(dir, "study"))
	out := filepath.Join(dir, string(format))
	must(t, write(w.View(), format, out))
	c := exec.Command(python, "testdata/open.py", string(format), out)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	text, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	// Python's json writes numbers that JSON lacks.
	numbers := strings.NewReplacer(" NaN", ` "nan"`, " -Infinity", ` "-inf"`, " Infinity", ` "inf"`)
	must(t, json.Unmarshal([]byte(numbers.Replace(string(text))), &s))
	return s
}

// check compares the trials that a tool sees with those that were trained.
func (s seen) check(t *testing.T, statuses map[results.Status]string, same func(name string, want, got any) bool, curves ...string) {
	t.Helper()
	if len(s.Trials) != len(trials) {
		t.Errorf("got %d trials, want %d", len(s.Trials), len(trials))
	}
	for index, want := range trials {
		got := s.Trials[id(index)]
		if got.Status != statuses[want.status] {
			t.Errorf("trial %d (%s): got status %q, want %q", index, want.status, got.Status, statuses[want.status])
		}
		for name, value := range begun(index).Point {
			if !same(name, value, got.Point[name]) {
				t.Errorf("trial %d: %s: got %q, want %q", index, name, got.Point[name], value)
			}
		}
		sheets := map[string]string{}
		for epoch := 1; epoch <= want.epochs; epoch++ {
			sum := sha256.Sum256(picture(t, uint8(40*index+epoch)))
			sheets[fmt.Sprint(epoch)] = hex.EncodeToString(sum[:])
		}
		if !maps.Equal(got.Sheets, sheets) {
			t.Errorf("trial %d: got sheets %v, want %v", index, got.Sheets, sheets)
		}
		for _, name := range curves {
			got.checkCurve(t, index, name)
		}
	}
}

func (s seenTrial) checkCurve(t *testing.T, index int, name string) {
	t.Helper()
	curve := s.Curves[name]
	for epoch := 1; epoch <= trials[index].epochs; epoch++ {
		want, measured := measured(index, epoch).Metrics[name]
		if !measured {
			continue
		}
		if len(curve) == 0 {
			t.Errorf("trial %d: %s has no value of epoch %d", index, name, epoch)
			return
		}
		if step := curve[0][0].(float64); step != float64(epoch) || !sameNumber(want, curve[0][1]) {
			t.Errorf("trial %d: %s: got %v, want %v at epoch %d", index, name, curve[0], want, epoch)
		}
		curve = curve[1:]
	}
	if len(curve) > 0 {
		t.Errorf("trial %d: %s has %d values too many", index, name, len(curve))
	}
}

// sameNumber compares with what a tool has, in 64 or in 32 bits.
func sameNumber(want float64, got any) bool {
	switch g := got.(type) {
	case string:
		return g == map[bool]string{true: "nan", false: "-inf"}[math.IsNaN(want)] && (math.IsNaN(want) || math.IsInf(want, -1))
	case float64:
		return g == want || float32(g) == float32(want)
	}
	return false
}

// sameValue compares hyperparameters of JSON.
func sameValue(_ string, want, got any) bool {
	if n, isInt := want.(int64); isInt {
		want = float64(n)
	}
	return want == got
}

func TestTensorBoardSeesTheStudy(t *testing.T) {
	s := see(t, export.TensorBoard)
	statuses := map[results.Status]string{results.Completed: "success", results.Collapsed: "success", results.Pruned: "success",
		results.Diverged: "failure", results.Failed: "failure", results.Skipped: "failure", results.Interrupted: "running"}
	s.check(t, statuses, sameValue, "loss_generator", "fid", "precision")
	if want := []string{"fid", "precision", "loss_generator", "größe"}; !slices.Equal(s.Metrics, want) {
		t.Errorf("hparams: got metrics %q, want %q", s.Metrics, want)
	}
	if len(s.Groups) != len(trials)-1 || !reflect.DeepEqual(s.Groups[0], []any{"c0", 2.0}) {
		t.Errorf("hparams: got groups %v, want the first two trials in one", s.Groups)
	}
}

func TestMLflowSeesTheStudy(t *testing.T) {
	s := see(t, export.MLflow)
	statuses := map[results.Status]string{results.Completed: "FINISHED", results.Collapsed: "KILLED", results.Pruned: "KILLED",
		results.Diverged: "FAILED", results.Failed: "FAILED", results.Skipped: "KILLED", results.Interrupted: "RUNNING"}
	asText := func(_ string, want, got any) bool { return fmt.Sprint(want) == got }
	if !slices.Equal(s.Experiments, []string{"ring ü"}) {
		t.Errorf("got experiments %q", s.Experiments)
	}
	s.check(t, statuses, asText, "loss_generator", "fid", "precision", "größe")
	s.Trials = s.Migrated
	s.check(t, statuses, asText, "fid", "precision")
}

func TestWandBSeesTheStudy(t *testing.T) {
	s := see(t, export.WandB)
	statuses := map[results.Status]string{results.Completed: "success", results.Collapsed: "success", results.Pruned: "success",
		results.Diverged: "failure", results.Failed: "failure", results.Skipped: "failure", results.Interrupted: "running"}
	s.check(t, statuses, sameValue, "loss_generator", "fid", "precision", "größe")
	first := s.Trials[id(0)]
	if first.Group != "c0" || !reflect.DeepEqual(first.Tags, []any{"completed"}) || first.Summary["best_fid"] != 100/3. {
		t.Errorf("got group %q, tags %v and summary %v", first.Group, first.Tags, first.Summary)
	}
	if reason := s.Trials[id(4)].Point["reason"]; reason != trials[4].reason {
		t.Errorf("got %d bytes of a reason, want %d: a record of several blocks", len(fmt.Sprint(reason)), len(trials[4].reason))
	}
}

func TestOptunaAndItsDashboardSeeTheStudy(t *testing.T) {
	s := see(t, export.Optuna)
	statuses := map[results.Status]string{results.Completed: "COMPLETE", results.Collapsed: "PRUNED", results.Pruned: "PRUNED",
		results.Diverged: "FAIL", results.Failed: "FAIL", results.Skipped: "PRUNED", results.Interrupted: "RUNNING"}
	s.check(t, statuses, sameValue)
	for index, end := range trials { // the samplers of studies with several objectives take no pruned trial with intermediate values
		if statuses[end.status] != "PRUNED" {
			s.Trials[id(index)].checkCurve(t, index, "fid")
		} else if len(s.Trials[id(index)].Curves["fid"]) > 0 {
			t.Errorf("trial %d was pruned: got intermediate values, want none", index)
		}
	}
	if !slices.Equal(s.Metrics, []string{"fid", "precision"}) || !slices.Equal(s.Directions, []string{"MINIMIZE", "MAXIMIZE"}) {
		t.Errorf("got metrics %q and directions %q", s.Metrics, s.Directions)
	}
	if !slices.Equal(s.Best, []string{id(0)}) {
		t.Errorf("got the best trials %q, want the first: its FID is the lowest", s.Best)
	}
	first := s.Trials[id(0)]
	if want := "FloatDistribution(high=0.1, log=True, low=1e-08, step=None)"; first.Distributions["lr"] != want {
		t.Errorf("got lr from %s, want %s", first.Distributions["lr"], want)
	}
	if !slices.Equal(first.Values, []float64{100 / 3., 1}) || first.Attributes["settings"] != `{"width":3}` {
		t.Errorf("got values %v and attributes %v", first.Values, first.Attributes)
	}
	d := s.Dashboard
	space := []string{"batch", "loss", "lr", "norm", "penalty"}
	if d == nil || d.Study != "ring ü" || d.Trials != len(trials) || !slices.Equal(d.Space, space) || d.Picture == "" ||
		!slices.Contains(slices.Collect(maps.Values(first.Sheets)), d.Picture) {
		t.Errorf("the dashboard shows %+v, want the study with a sheet of its first trial", d)
	}
}
