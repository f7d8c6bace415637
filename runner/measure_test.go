package runner_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// Measured as in the run, kept weights have the numbers of the run, bit for bit.
func TestMeasureGivesTheNumbersOfTheRun(t *testing.T) {
	home, dir, script := t.TempDir(), filepath.Join(t.TempDir(), "study"), filepath.Join(t.TempDir(), "averaged.star")
	if err := os.WriteFile(script, []byte(averaged), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run", script, "--dir", dir, "--keep", "all"}, {"measure", dir, "--which", "all"}} {
		if code, text := command(t, home, append(args, "--backend", "cpu")...); code != 0 {
			t.Fatalf("%v: exit code %d\n%s", args, code, text)
		}
	}
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	last := func(table results.Table) (row results.Row) {
		n := 0
		for r, err := range v.Rows(table) {
			if err != nil {
				t.Fatal(err)
			}
			row, n = r, n+1
		}
		if n == 0 || row["epoch"] != int32(3) {
			t.Fatalf("%s: got %d rows, the last of epoch %v, want one of epoch 3", table, n, row["epoch"])
		}
		return row
	}
	run, again := last(results.Epochs), last(results.Measurements)
	for _, name := range []string{"fid", "fid_floor", "spread"} {
		was, ok := run[name].(float64)
		is, _ := again[name].(float64)
		if !ok || math.Float64bits(was) != math.Float64bits(is) {
			t.Errorf("%s: got %v, want that of the run, %v", name, again[name], run[name])
		}
	}
	for _, name := range []string{"measure", "extractor", "trial", "samples"} {
		if run[name] != again[name] || run[name] == nil {
			t.Errorf("%s: got %v, want that of the run, %v", name, again[name], run[name])
		}
	}
}
