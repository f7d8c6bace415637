package starlib_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// The files testdata/*_test.star hold tests in the language of scripts: every function test_* is a test. They end by
// calling fail, which equal, near and fails of testdata/assert.star do.
func TestStar(t *testing.T) {
	files, err := filepath.Glob("testdata/*_test.star")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d files of tests, %v; want some", len(files), err)
	}
	for _, path := range files {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(source)) {
			name, isTest := strings.CutPrefix(line, "def test_")
			if !isTest {
				continue
			}
			n++
			name, _, _ = strings.Cut(name, "(")
			t.Run(strings.TrimSuffix(filepath.Base(path), "_test.star")+"/"+name, func(t *testing.T) {
				script := string(source) + fmt.Sprintf("\ntest_%s()\n\ndef trial(p):\n    return None\n\nmain = study(trial = trial)\n", name)
				read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("testdata", name)) }
				if _, err := (starlib.Loader{Catalogue: catalogue, Read: read}).Load(context.Background(), path, []byte(script)); err != nil {
					t.Error(err)
				}
			})
		}
		if n == 0 {
			t.Errorf("%s holds no function test_*", path)
		}
	}
}

// A failing assertion fails its test.
func TestStarSeesFailures(t *testing.T) {
	read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("testdata", name)) }
	l := starlib.Loader{Catalogue: catalogue, Read: read}
	_, err := l.Load(context.Background(), "x.star", []byte("load('assert.star', 'near')\nnear(1.0, 1.1)\n"))
	if err == nil || !strings.Contains(err.Error(), "got 1.0, want 1.1") {
		t.Errorf("got %v, want a failure", err)
	}
}
