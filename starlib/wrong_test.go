package starlib_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib"
)

// Every archive of testdata/wrong has a wrong script, the files that it loads, "with" if it needs a profile or overrides, and the
// exact error. UPDATE=1 go test rewrites the errors: read the diff.
func TestWrongScripts(t *testing.T) {
	archives, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(archives) < 40 {
		t.Fatalf("got %d wrong scripts, %v; want 40 or more", len(archives), err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range a.Files {
				files[f.Name] = string(f.Data)
			}
			err = whole(files)
			if err == nil {
				t.Fatal("got no error, want one")
			}
			got := err.Error() + "\n"
			if os.Getenv("UPDATE") != "" {
				last := &a.Files[len(a.Files)-1]
				last.Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := files["error"]; got != want && os.Getenv("UPDATE") == "" {
				t.Errorf("got\n%swant\n%sto rewrite it, run: UPDATE=1 go test ./starlib -run TestWrongScripts", got, want)
			}
			if strings.Contains(got, "internal error") || strings.Contains(got, "0x") {
				t.Errorf("got an internal error: %s", got)
			}
			if _, outside := files["with"]; !outside && !strings.Contains(got, ".star:") {
				t.Errorf("got an error without a place: %s", got)
			}
		})
	}
}

// whole does everything that can be done with a script: loads it, overrides, and traces every point.
func whole(files map[string]string) error {
	read := func(name string) ([]byte, error) {
		if source, ok := files[name]; ok {
			return []byte(source), nil
		}
		return nil, fmt.Errorf("there is no file %s next to the script", name)
	}
	ctx := context.Background()
	l := starlib.Loader{Catalogue: catalogue, Read: read, Reserved: []string{"epoch", "seed", "trial"}}
	s, err := l.Load(ctx, "study.star", []byte(files["study.star"]))
	if err != nil {
		return err
	}
	profile, set := "", []string(nil)
	for line := range strings.Lines(files["with"]) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "profile "); ok {
			profile = name
		} else {
			set = append(set, line)
		}
	}
	if s, err = s.With(profile, set); err != nil {
		return err
	}
	points, err := listed(s)
	if err != nil {
		return err
	}
	for _, p := range points {
		if err := tracedOrSkipped(ctx, s, p); err != nil {
			return err
		}
	}
	return nil
}

// tracedOrSkipped traces a point, unless the script skips it.
func tracedOrSkipped(ctx context.Context, s *starlib.Study, p spec.Point) error {
	_, err := s.Job(ctx, p)
	if errors.As(err, new(*model.Skipped)) {
		return nil
	}
	return err
}
