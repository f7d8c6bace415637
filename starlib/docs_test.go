package starlib_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/starlib"
)

const reference = "../docs/language.md"

// block is a piece of code in a document.
type block struct {
	line int // of its first line, from 1
	code string
}

// blocks lists the blocks of a document that are fenced as python.
func blocks(t *testing.T, path string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n, inside := 0, false
	for line := range strings.Lines(string(text)) {
		n++
		fence := strings.TrimRight(line, "\n")
		switch {
		case !inside && fence == "```python":
			inside = true
			all = append(all, block{line: n + 1})
		case inside && fence == "```":
			inside = false
		case inside:
			all[len(all)-1].code += line
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s: got no python blocks, want some", path)
	}
	return all
}

// Every whole script of the documents traces, plain and under its profiles; every other piece evaluates, except for its lack of
// a main.
func TestDocumentedScriptsTrace(t *testing.T) {
	for _, path := range []string{reference, "../README.md"} {
		whole := 0
		for _, b := range blocks(t, path) {
			place := fmt.Sprintf("%s:%d", path, b.line)
			s, err := starlib.Loader{Catalogue: catalogue, Reserved: results.Reserved()}.Load(context.Background(), "doc.star", []byte(b.code))
			if !strings.Contains(b.code, "main = study(") {
				if err == nil || !strings.Contains(err.Error(), "got no global named main") {
					t.Errorf("%s: got %v, want no error except that there is no main", place, err)
				}
				continue
			}
			whole++
			if err != nil {
				t.Errorf("%s: %v", place, err)
				continue
			}
			for _, profile := range append(s.Profiles, "") {
				if err := traceAll(s, profile); err != nil {
					t.Errorf("%s: profile %q: %v", place, profile, err)
				}
			}
		}
		if whole == 0 {
			t.Errorf("%s: got no whole script, want some", path)
		}
	}
}

// traceAll traces every point of a study; in the short tests the first and the last.
func traceAll(s *starlib.Study, profile string) error {
	s, err := s.With(profile, nil)
	if err != nil {
		return err
	}
	points, err := listed(s)
	if err != nil {
		return err
	}
	for i, p := range points {
		if testing.Short() && i > 0 && i < len(points)-1 {
			continue
		}
		if err := tracedOrSkipped(context.Background(), s, p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if w := s.Warnings(); len(w) > 0 {
		return fmt.Errorf("got warnings %q, want none", w)
	}
	return nil
}

// The reference has every name that a script can use, and the arguments of every builtin and every function of @std.
func TestTheDocumentNamesAllThatAScriptCanSay(t *testing.T) {
	raw, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	names := starlib.Builtins(catalogue)
	for _, module := range []string{"nn", "init"} {
		members := membersOf(t, module)
		if len(members) < 5 {
			t.Fatalf("got the members %q of %s, want more", members, module)
		}
		for _, m := range members {
			names = append(names, module+"."+m)
		}
	}
	slices.Sort(names)
	arguments := 0
	for _, name := range names {
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(text) {
			t.Errorf("%s lacks %s", reference, name)
			continue
		}
		for _, arg := range argumentsOf(name) {
			arguments++
			if !written(text, name, arg) {
				t.Errorf("%s: no %s(...) there names the argument %s", reference, name, arg)
			}
		}
	}
	if arguments < 200 {
		t.Errorf("got %d arguments of builtins, want 200 or more: are they still found?", arguments)
	}
	for file, source := range starlib.Std() {
		if !strings.Contains(text, file) {
			t.Errorf("%s lacks %s", reference, file)
		}
		for _, def := range regexp.MustCompile(`(?m)^def ([a-z]\w*)\((.*)\):$`).FindAllStringSubmatch(source, -1) {
			if def[2] == "" && !strings.Contains(text, def[1]+"()") {
				t.Errorf("%s lacks %s() of %s", reference, def[1], file)
			}
			for _, arg := range regexp.MustCompile(`(\w+)(?: = [^,]+)?(?:, |$)`).FindAllStringSubmatch(def[2], -1) {
				if !written(text, def[1], arg[1]) {
					t.Errorf("%s: no %s(...) there names the argument %s, which %s has", reference, def[1], arg[1], file)
				}
			}
		}
	}
}

// written reports whether the text has a call of the function that names the argument.
func written(text, function, argument string) bool {
	named := regexp.MustCompile(`\b` + argument + `\b`)
	for _, at := range regexp.MustCompile(`\b`+regexp.QuoteMeta(function)+`\(`).FindAllStringIndex(text, -1) {
		depth, end := 1, at[1]
		for ; end < len(text) && depth > 0; end++ {
			switch text[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		if named.MatchString(text[at[1]:end]) {
			return true
		}
	}
	return false
}

// membersOf lists the members of a module.
func membersOf(t *testing.T, module string) (members []string) {
	t.Helper()
	l := starlib.Loader{Catalogue: catalogue, Print: func(line string) { members = append(members, strings.Fields(line)...) }}
	_, err := l.Load(context.Background(), "dir.star", []byte("print(' '.join(dir("+module+")))"))
	if err == nil || !strings.Contains(err.Error(), "no global named main") {
		t.Fatal(err)
	}
	return members
}

// argumentsOf returns the arguments of a builtin: its error lists them if it is passed one that it does not have. Functions of tensors
// are called inside a network, and functions of several forms in each.
func argumentsOf(name string) (arguments []string) {
	const script = `
def network(x):
    return %s(%s**{"?": 0})

def trial(p):
    return job(data = ring(), players = {"a": player(network = network, loss = lambda a, x: mean(a(x)), optimizer = sgd(1))},
        batch = 1, epochs = 1)

main = study(trial = trial)
`
	for _, first := range []string{"", "1, ", "1, 2, ", "x, "} {
		s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "ask.star", fmt.Appendf(nil, script, name, first))
		if err == nil {
			_, err = s.Job(context.Background(), nil)
		}
		if err == nil {
			continue
		}
		if _, list, ok := strings.Cut(err.Error(), `there is no argument "?"; want one of `); ok {
			arguments = append(arguments, strings.Split(list, ", ")...)
		}
	}
	slices.Sort(arguments)
	return slices.Compact(arguments)
}
