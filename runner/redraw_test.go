package runner_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results"
)

// The journal of a killed study has lost its last sheet and its last epoch, which the checkpoint still has: the same sheet is drawn
// again.
func TestASheetThatTheJournalLostIsDrawnAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a study for three seconds")
	}
	home, dir := t.TempDir(), filepath.Join(t.TempDir(), "study")
	script := filepath.Join(home, "redraw.star")
	text := strings.NewReplacer("epochs = 2)", "epochs = 100000, evaluate = evaluate(every = 1, sheet = 4))", "choice(1e-3, 1e-2)",
		"choice(1e-3)").Replace(smallStudy)
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(limit time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		c := exec.CommandContext(ctx, "starsweep", "run", script, "--backend", "cpu", "--dir", dir)
		c.Env = append(os.Environ(), "STARSWEEP_HOME="+home)
		if text, err := c.CombinedOutput(); err == nil || ctx.Err() == nil {
			t.Fatalf("it ended by itself: %v\n%s", err, text)
		}
	}
	run(1500 * time.Millisecond)
	before := pictures(t, dir)
	journals, err := filepath.Glob(filepath.Join(dir, "journal", "*"))
	if err != nil || len(journals) != 1 {
		t.Fatalf("got the journals %v, %v, want that of one process", journals, err)
	}
	path := journals[0]
	journal, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := lastPicture(journal)
	if len(before) < 3 || cut == 0 {
		require.Unavailable(t, "only %d epochs before the kill: the machine is too slow", len(before))
	}
	if err := os.WriteFile(path, journal[:cut], 0o666); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"trials", "epochs", "samples"} { // so that nothing comes back from there
		if err := os.RemoveAll(filepath.Join(dir, table)); err != nil {
			t.Fatal(err)
		}
	}
	lost := len(pictures(t, dir)) + 1
	run(1500 * time.Millisecond)
	after := pictures(t, dir)
	if want := before[lost]; want == nil || !bytes.Equal(after[lost], want) {
		t.Errorf("the picture of epoch %d: got %d bytes, want the %d that it had", lost, len(after[lost]), len(want))
	}
	for epoch := 1; epoch <= len(after); epoch++ {
		if after[epoch] == nil {
			t.Errorf("epoch %d has no picture", epoch)
		}
	}
}

// pictures returns the sample sheets of a study of one trial, by epoch.
func pictures(t *testing.T, dir string) map[int][]byte {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	all := map[int][]byte{}
	for row, err := range v.Rows(results.Samples) {
		if err != nil {
			t.Fatal(err)
		}
		all[int(row["epoch"].(int32))] = row["png"].([]byte)
	}
	return all
}

// lastPicture returns where in a journal the sample sheet of the last complete epoch begins; 0 if there is none.
func lastPicture(journal []byte) (at int) {
	sheet := 0
	for i := 0; i+8 < len(journal); i += 8 + int(binary.LittleEndian.Uint32(journal[i:])) {
		switch payload := journal[i+8:]; {
		case bytes.HasPrefix(payload, []byte(`{"sample"`)):
			sheet = i
		case bytes.HasPrefix(payload, []byte(`{"epoch"`)):
			at = sheet
		}
	}
	return at
}
