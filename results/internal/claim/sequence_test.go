package claim

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestADecisionIsThatOfWhoeverWasFirst(t *testing.T) {
	dir := t.TempDir()
	const writers, suggestions = 10, 20
	kept := make([][]string, writers)
	var all sync.WaitGroup
	for w := range writers {
		d := join(t, dir)
		all.Go(func() {
			for i := range suggestions {
				got, err := d.Decide(Suggestions, i, fmt.Appendf(nil, `{"from":%d,"index":%d}`, w, i))
				if err != nil {
					t.Error(err)
				}
				kept[w] = append(kept[w], string(got))
			}
		})
	}
	all.Wait()
	for w := range kept {
		for i, got := range kept[w] {
			if got != kept[0][i] || got == "" {
				t.Fatalf("suggestion %d: got %q and %q", i, got, kept[0][i])
			}
		}
	}
	got, err := ReadDecision(dir, Suggestions, 3)
	check(t, err)
	if string(got) != kept[0][3] {
		t.Errorf("got %q, want %q", got, kept[0][3])
	}
	if got, err := ReadDecision(dir, Suggestions, suggestions); got != nil || err != nil {
		t.Errorf("got %q, %v, want none", got, err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "suggestions"))
	check(t, err)
	if len(entries) != suggestions || entries[17].Name() != "000017.json" {
		t.Errorf("got %v", entries)
	}
}

// A process that died between the file and its link leaves a file that nobody reads, and that goes after a day.
func TestAHalfMadeDecisionCountsForNothing(t *testing.T) {
	dir := t.TempDir()
	d := join(t, dir)
	half := filepath.Join(dir, "suggestions", ".000000.json.0123456789abcdef.tmp")
	check(t, os.WriteFile(half, []byte(`{"ha`), 0o666))
	for i, age := range []time.Duration{time.Hour, 25 * time.Hour} {
		at := time.Now().Add(-age)
		check(t, os.Chtimes(half, at, at))
		got, err := d.Decide(Suggestions, i, []byte(`{}`))
		check(t, err)
		if string(got) != `{}` {
			t.Errorf("got %q", got)
		}
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}
