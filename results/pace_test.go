package results

import (
	"fmt"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results/internal/journal"
)

// Each of many writers makes files less often, but no later than after half its time.
func TestManyWritersMakeFewFiles(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m := Meta{Study: "ring", Script: "ring.star", ScriptHash: "5c41", Version: "0.1.0", Metrics: []string{"fid"}}
	w, err := Create(t.TempDir(), m, nil, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	now = now.Add(time.Hour)
	for _, c := range []struct {
		writers int
		want    time.Duration
	}{{1, 36 * time.Second}, {10, 6 * time.Minute}, {200, 30 * time.Minute}} {
		for i := range c.writers {
			w.view.journals.readers[fmt.Sprint(i)] = journal.NewReader("")
		}
		if got := w.every(); got != c.want {
			t.Errorf("%d writers: rows wait for %v, want %v", c.writers, got, c.want)
		}
	}
	clear(w.view.journals.readers)
}
