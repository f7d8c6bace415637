package starsweep

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// Lines of hand-written files have at most 140 characters, a tab counting as one, and scripts at most 400 lines. The lengths of Go
// files and functions are revive's. Goldens of messages and tables in documents have lines of any width.
func TestFilesFitAScreen(t *testing.T) {
	const lines, characters = 400, 140
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && path != ".ci" && path != ".github" && (strings.HasPrefix(d.Name(), ".") || d.Name() == "runs"):
			return filepath.SkipDir
		case d.IsDir() || !edited(path):
			return nil
		}
		found++
		text, err := os.ReadFile(path)
		if err != nil || bytes.HasPrefix(text, []byte("// Code generated")) {
			return err
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			if n++; utf8.RuneCountInString(strings.TrimRight(line, "\n")) > characters {
				t.Errorf("%s:%d: longer than %d characters", path, n, characters)
			}
		}
		if n > lines && filepath.Ext(path) != ".go" {
			t.Errorf("%s: %d lines, want at most %d", path, n, lines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 400 {
		t.Errorf("found only %d files", found)
	}
}

// edited reports whether a file is written by hand, line by line.
func edited(path string) bool {
	switch filepath.Ext(path) {
	case ".go", ".star", ".py", ".sh", ".yml", ".toml", ".mk":
		return true
	case "":
		return filepath.Base(path) == "Makefile" || filepath.Dir(path) == ".ci"
	}
	return strings.HasPrefix(filepath.ToSlash(path), "testdata/recipes/")
}
