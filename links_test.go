package starsweep

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	links := 0
	linked := map[string]bool{"README.md": true}
	for _, page := range documents(t) {
		text := prose(t, page)
		for _, picture := range regexp.MustCompile(`!\[\s*\]\([^)]*\)`).FindAllString(text, -1) {
			t.Errorf("%s: %s: want a text for those who do not see the picture", page, picture)
		}
		for _, link := range destination.FindAllStringSubmatch(text, -1) {
			target, err := url.Parse(link[1] + link[2] + link[3])
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			} else if target.Scheme != "" { // other sites are not asked
				continue
			}
			links++
			path := page
			if target.Path != "" {
				path = filepath.Join(filepath.Dir(page), target.Path)
			}
			if path != page {
				linked[path] = true
			}
			if _, err := os.Stat(path); err != nil || !filepath.IsLocal(path) {
				t.Errorf("%s: link to %s: want a file of this repository, got %v", page, target, err)
			} else if target.Fragment != "" && !anchors(t, path)[target.Fragment] {
				t.Errorf("%s: link to %s: no heading has that anchor", page, target)
			}
		}
	}
	for _, page := range documents(t) {
		if !linked[page] {
			t.Errorf("no document links to %s", page)
		}
	}
	if links < 20 {
		t.Errorf("found only %d links", links)
	}
}

// destination is that of a link or a picture in Markdown, of the definition of one, or of one in HTML.
var destination = regexp.MustCompile(`\]\(<?([^)\s>]+)[^)]*\)|(?m)^\[[^\]]+\]:\s*(\S+)|(?:href|src)="([^"]+)"`)

// Commands, comments and scripts name documents and sections, which move.
func TestNamedDocumentsExist(t *testing.T) {
	named := regexp.MustCompile(`\b(docs/[\w/]+\.md)(?:#([\w-]+))?`)
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "runs") {
			return filepath.SkipDir
		}
		if err != nil || !slices.Contains([]string{".go", ".star", ".md", ".py", ".txtar"}, filepath.Ext(path)) {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			found++
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s names %s, which does not exist", path, m[1])
			} else if m[2] != "" && !anchors(t, m[1])[m[2]] {
				t.Errorf("%s names %s#%s, but no heading has that anchor", path, m[1], m[2])
			}
		}
		return err
	})
	if err != nil || found < 20 {
		t.Errorf("found %d names of documents, %v", found, err)
	}
}

// documents are the Markdown files of the module.
func documents(t *testing.T) (pages []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "runs" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// prose is a page without its blocks of code.
func prose(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(string(text), "")
}

// anchors are those that GitHub generates for the headings of a page: lower case, without punctuation, with hyphens for spaces, and
// counted where headings are equal.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(t, page), -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1])
		name := anchor
		for i := 1; all[name]; i++ { // equal headings are counted
			name = fmt.Sprintf("%s-%d", anchor, i)
		}
		all[name] = true
	}
	return all
}
