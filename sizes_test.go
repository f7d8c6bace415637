package starsweep

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// revive measures Go; this is the rest that people edit. Goldens of messages and tables in documents have lines of any width.
func TestScriptsFitAScreen(t *testing.T) {
	const lines, characters = 400, 140
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && path != ".ci" && path != ".github" && (strings.HasPrefix(d.Name(), ".") || d.Name() == "runs"):
			return filepath.SkipDir
		case d.IsDir() || !isScript(path):
			return nil
		}
		found++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			if n++; utf8.RuneCountInString(strings.TrimRight(line, "\n")) > characters {
				t.Errorf("%s:%d: longer than %d characters", path, n, characters)
			}
		}
		if n > lines {
			t.Errorf("%s: %d lines, want at most %d", path, n, lines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 30 {
		t.Errorf("found only %d scripts", found)
	}
}

func isScript(path string) bool {
	switch filepath.Ext(path) {
	case ".star", ".py", ".sh", ".yml", ".toml", ".mk":
		return true
	case "":
		return filepath.Base(path) == "Makefile" || filepath.Dir(path) == ".ci"
	}
	return strings.HasPrefix(filepath.ToSlash(path), "testdata/recipes/")
}
