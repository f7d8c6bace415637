package starlib_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/starsweep/starsweep/starlib"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// FuzzLoad: no text makes the loader or a trial panic, and every error has a place.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatalf("got %d wrong scripts, %v; want some", len(archives), err)
	}
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(a.Files[0].Data))
	}
	examples, err := filepath.Glob("../examples/*.star")
	if err != nil || len(examples) == 0 {
		f.Fatalf("got %d examples, %v; want some", len(examples), err)
	}
	for _, path := range examples {
		source, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source))
	}
	for source := range starlib.Std() {
		f.Add(starlib.Std()[source])
	}
	f.Fuzz(func(t *testing.T, source string) {
		// No deadline: a script that does not end within 100,000 steps runs into the time limit of go test.
		ctx := context.Background()
		l := starlib.Loader{Catalogue: catalogue, Limits: sandbox.Limits{Steps: 100_000}}
		s, err := l.Load(ctx, "fuzz.star", []byte(source))
		if err != nil {
			placed(t, err)
			return
		}
		points, err := listed(s)
		if err != nil {
			placed(t, err)
			return
		}
		for _, p := range points[:min(2, len(points))] {
			if err := tracedOrSkipped(ctx, s, p); err != nil {
				placed(t, err)
			}
		}
	})
}

func placed(t *testing.T, err error) {
	t.Helper()
	var e *starlib.Error
	if !errors.As(err, &e) || !strings.Contains(e.Pos, ".star:") {
		t.Errorf("got the error %v, want one with a place", err)
	}
	if strings.Contains(err.Error(), "internal error") {
		t.Errorf("got an internal error: %v", err)
	}
}
