package starsweep

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Every recipe of ARCHITECTURE.md has a script in testdata/recipes that follows it. What it adds to the tree lies under tree/: whole
// files, and for files that exist edits: "after: " with the beginning of a line, and what to insert after it. build
// makes a starsweep of it, which the rest of the script uses, and compares the files with those that the recipe names.
func TestRecipesNameEveryFileThatTheyTouch(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: builds a starsweep for each recipe")
	}
	recipes := recipes(t)
	scripts, err := filepath.Glob("testdata/recipes/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txtar")
		if _, ok := recipes[name]; !ok {
			t.Errorf("%s follows no recipe of ARCHITECTURE.md, which has: %v", script, recipes)
		}
	}
	if len(scripts) != len(recipes) {
		t.Errorf("got %d scripts for %d recipes", len(scripts), len(recipes))
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/recipes",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("STARSWEEP_HOME", filepath.Join(e.WorkDir, "home"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"build": func(ts *testscript.TestScript, _ bool, _ []string) {
			build(ts, recipes[strings.TrimPrefix(filepath.Base(ts.Getenv("WORK")), "script-")])
		}},
	})
}

// recipe is a paragraph of ARCHITECTURE.md that begins "**A new layer** touches two files"
type recipe struct {
	count int
	files []string // with NAME for what the new thing is called
}

// recipes reads ARCHITECTURE.md. A recipe is named after what it makes: "data-set", "operation" (of the expression graph).
func recipes(t *testing.T) map[string]recipe {
	t.Helper()
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Recipes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	all := map[string]recipe{}
	for _, text := range strings.Split(section, "\n**A new ")[1:] {
		p := regexp.MustCompile(`^([a-z ]+)\*\*[a-z ]* touches (\w+) files?:`).FindStringSubmatch(text)
		if p == nil {
			t.Fatalf("a recipe does not begin with the number of files that it touches: **A new %.60s", text)
		}
		name, _, _ := strings.Cut(p[1], " of ")
		r := recipe{count: slices.Index([]string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight"}, p[2])}
		for _, path := range regexp.MustCompile("`([\\w/]+/[\\w/]+\\.(?:go|star|html))`").FindAllStringSubmatch(text, -1) {
			if !strings.HasSuffix(path[1], "_test.go") {
				r.files = append(r.files, path[1])
			}
		}
		all[strings.ReplaceAll(name, " ", "-")] = r
	}
	if len(all) == 0 {
		t.Fatal("ARCHITECTURE.md has no recipe that says how many files it touches")
	}
	return all
}

// build lays the script's tree over the module, compares its files with the recipe's, and puts a starsweep made of it in the path.
func build(ts *testscript.TestScript, r recipe) {
	tree := ts.MkAbs("tree")
	overlay, touched := map[string]string{}, []string{}
	ts.Check(filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(tree, path)
		if err != nil {
			return err
		}
		target, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		touched, overlay[target] = append(touched, filepath.ToSlash(name)), path
		return edit(target, path)
	}))
	ts.Check(r.compare(touched))
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("overlay.json"), list, 0o600))
	bin := ts.MkAbs("bin")
	cmd := exec.Command("go", "build", "-overlay", ts.MkAbs("overlay.json"), "-o", bin+"/", "./runner/cmd/starsweep")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("%v\n%s", err, out)
	}
	ts.Setenv("PATH", bin+string(filepath.ListSeparator)+ts.Getenv("PATH"))
}

// compare wants the files touched to be those of the recipe, in number and by name.
func (r recipe) compare(touched []string) error {
	left := slices.Clone(r.files)
	slices.SortFunc(left, func(a, b string) int { return cmp.Compare(strings.Count(a, "NAME"), strings.Count(b, "NAME")) })
	for _, name := range touched {
		i := slices.IndexFunc(left, func(file string) bool {
			return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(file), "NAME", `[a-z0-9]+`) + "$").MatchString(name)
		})
		if i < 0 {
			return fmt.Errorf("%s: the recipe names %v", name, r.files)
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 || len(touched) != r.count {
		return fmt.Errorf("the recipe says that it touches %d files, and names %v; the script touches %v", r.count, r.files, touched)
	}
	return nil
}

// edit replaces the file at path, which holds edits of the target, by the target with these edits. A new file is left alone.
func edit(target, path string) error {
	whole, err := os.ReadFile(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	edits, err2 := os.ReadFile(path)
	if err != nil || err2 != nil {
		return errors.Join(err, err2)
	}
	lines, at := strings.SplitAfter(string(whole), "\n"), -1
	for line := range strings.Lines(string(edits)) {
		what, beginning, isEdit := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case isEdit && (what == "after" || what == "instead of"):
			if at, err = find(lines, beginning); err != nil {
				return fmt.Errorf("%s: %w", target, err)
			}
			if what == "instead of" {
				lines = slices.Delete(lines, at, at+1)
				at--
			}
			at++
		case at < 0:
			return fmt.Errorf("%s: got %q, want a line that begins \"after: \" or \"instead of: \"", path, line)
		default:
			lines = slices.Insert(lines, at, line)
			at++
		}
	}
	return os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600)
}

// find is the index of the one line with that beginning, indentation aside.
func find(lines []string, beginning string) (at int, err error) {
	at = -1
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), beginning) {
			if at >= 0 {
				return 0, fmt.Errorf("lines %d and %d begin %q, want one", at+1, i+1, beginning)
			}
			at = i
		}
	}
	if at < 0 {
		return 0, fmt.Errorf("no line begins %q", beginning)
	}
	return at, nil
}
