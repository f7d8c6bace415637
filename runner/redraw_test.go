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

// The journal of a killed study has lost its last picture and its last epoch, which the checkpoint still has: the picture is drawn
// again, and is the same.
func TestAPictureThatTheJournalLostIsDrawnAgain(t *testing.T) {
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
	pictures := func() map[int][]byte {
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
	before := pictures()
	path := filepath.Join(dir, "journal")
	journal, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last, cut := 0, 0 // cut before the picture of the last epoch that is there
	for at := 0; at+8 < len(journal); at += 8 + int(binary.LittleEndian.Uint32(journal[at:])) {
		switch payload := journal[at+8:]; {
		case bytes.HasPrefix(payload, []byte(`{"sample"`)):
			last = at
		case bytes.HasPrefix(payload, []byte(`{"epoch"`)):
			cut = last
		}
	}
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
	lost := len(pictures()) + 1
	run(1500 * time.Millisecond)
	after := pictures()
	if want := before[lost]; want == nil || !bytes.Equal(after[lost], want) {
		t.Errorf("the picture of epoch %d: got %d bytes, want the %d that it had", lost, len(after[lost]), len(want))
	}
	for epoch := 1; epoch <= len(after); epoch++ {
		if after[epoch] == nil {
			t.Errorf("epoch %d has no picture", epoch)
		}
	}
}
