package evaluation

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestTheCacheRemovesFilesThatWereNotUsedForLong(t *testing.T) {
	dir := t.TempDir()
	start := time.Unix(1e9, 0)
	for i, name := range []string{"used.features", "old.features", "older.features", "new.features"} {
		path := filepath.Join(dir, name)
		age := time.Duration(i) * time.Hour
		if name == "new.features" { // the one just written has the clock of another machine
			age = 100 * time.Hour
		}
		if err := os.WriteFile(path, make([]byte, 100), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, start, start.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		most int64
		want []string
	}{{400, []string{"new", "old", "older", "used"}}, {399, []string{"new", "old", "used"}}, {200, []string{"new", "used"}},
		{50, []string{"new"}}} {
		if err := trim(dir, "new.features", c.most); err != nil {
			t.Fatal(err)
		}
		var got []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			got = append(got, e.Name()[:len(e.Name())-len(cacheSuffix)])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("at most %d bytes: got %v, want %v", c.most, got, c.want)
		}
	}
}
