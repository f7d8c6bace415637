package lower_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
)

// The standard output belongs to the commands.
func TestBackendsPrintNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stdout := os.Stdout
	os.Stdout = f
	defer func() { os.Stdout = stdout }()
	for _, name := range []string{"cpu", "go"} {
		b, err := lower.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
	}
	if printed, err := os.ReadFile(path); err != nil || len(printed) > 0 {
		t.Errorf("got %q, %v", printed, err)
	}
}
