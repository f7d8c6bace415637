package starlib_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/starlib"
)

// Every example loads, and every point of it traces, plain and under each of its profiles.
func TestExamplesTrace(t *testing.T) {
	files, err := filepath.Glob("../examples/*.star")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d examples, %v; want some", len(files), err)
	}
	// Trials of the papers' studies and ours, plain and smoke.
	trials := map[string][2]int{"quickstart": {4, 2}, "mnist_grid": {128, 2}, "cifar10_grid": {128, 2}, "cifar10_grey": {64, 2},
		"instance_noise": {128, 4}, "ct_dcgan": {24, 1}, "ring": {40, 5}}
	for _, path := range files {
		name := filepath.Base(path[:len(path)-len(".star")])
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := starlib.Loader{Catalogue: catalogue, Reserved: results.Reserved()}.Load(context.Background(), path, source)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(source, []byte(`"""`)) || len(s.Profiles) < 2 {
				t.Errorf("got profiles %q, want smoke and small, and a docstring", s.Profiles)
			}
			for _, profile := range append(s.Profiles, "") {
				chosen, err := s.With(profile, nil)
				if err != nil {
					t.Fatal(err)
				}
				points, err := listed(chosen)
				if err != nil {
					t.Fatal(err)
				}
				if want, known := trials[name]; known && (profile == "" && len(points) != want[0] || profile == "smoke" && len(points) != want[1]) {
					t.Errorf("profile %q: got %d trials, want %v (plain, smoke)", profile, len(points), want)
				}
				for _, p := range points {
					if _, err := chosen.Job(context.Background(), p); err != nil {
						t.Fatalf("%q %s: %v", profile, p, err)
					}
				}
				if w := chosen.Warnings(); len(w) > 0 {
					t.Errorf("profile %q: got warnings %q, want none", profile, w)
				}
			}
		})
	}
}
