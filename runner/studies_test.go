package runner_test

import (
	"bytes"
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

	"github.com/starsweep/starsweep/internal/require"
)

// A page of docs/studies has commands on the tables that are kept beside it, and their output: each block of sh is run, and what follows
// it is what it printed. Blocks of "sh study" make the tables, for hours: make study-NAME runs them.
func TestPagesOfStudiesShowWhatTheirCommandsPrint(t *testing.T) {
	if testing.Short() {
		t.Skip("analyses all kept studies: go test without -short")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "studies", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		if name == "README" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for _, problem := range follow(t, root, name, os.Getenv("UPDATE") != "") {
				t.Errorf("%s: make studies writes it anew; read the diff", problem)
			}
		})
	}
}

// studiesInDuckDB prints the studies below a folder with their numbers of trials in two tables, a line each.
const studiesInDuckDB = `
import duckdb, pathlib, sys
for study in sorted(pathlib.Path(sys.argv[1]).glob("*/study.json")):
    count = lambda what, table: duckdb.sql(f"SELECT {what} FROM '{study.parent}/{table}/*.parquet'").fetchall()[0][0]
    print(study.parent.name, count("count(*)", "trials"), count("count(DISTINCT trial)", "epochs"))
`

// Readers of a page open its tables without starsweep.
func TestTheTablesOfStudiesOpenInDuckDB(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts Python")
	}
	c := exec.Command(require.Tool(t, "STARSWEEP_PYTHON", "python"), "-c", studiesInDuckDB, filepath.Join("..", "docs", "studies"))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var opened []string
	for line := range strings.Lines(string(out)) {
		var name string
		var trials, trained int
		if _, err := fmt.Sscan(line, &name, &trials, &trained); err != nil || trials == 0 || trained < trials {
			t.Errorf("got %q, want a study whose trials all have epochs: %v", line, err)
		}
		opened = append(opened, name)
	}
	if !slices.Contains(opened, "ns_gan_penalty") {
		t.Errorf("got the studies %v, want also ns_gan_penalty", opened)
	}
}

// mostKept is the size of what is kept of a study.
const mostKept = 3_000_000

// studyBlock is a block of commands with what is shown of its output, as a text or between comments, for output that is Markdown.
var studyBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n" +
	"(?:\n*(?:```text\n(.*?)^```\n|<!-- output -->\n(.*?)^<!-- end of output -->\n))?")

// follower runs the commands of a page of root in a copy of docs/studies. Pictures of a page begin with its name and a hyphen; tables are
// kept in a folder of that name.
type follower struct {
	t                *testing.T
	root, work, name string
	update           bool
	problems         []string
}

var studies = filepath.Join("docs", "studies")

// follow compares what the commands of a page print and draw with what is there, or writes it anew.
func follow(t *testing.T, root, name string, update bool) []string {
	t.Helper()
	f := &follower{t: t, root: root, work: t.TempDir(), name: name, update: update}
	must(t, os.CopyFS(filepath.Join(f.work, studies), os.DirFS(filepath.Join(root, studies))))
	for _, dir := range []string{f.root, f.work} {
		must(t, os.MkdirAll(filepath.Join(dir, studies, "figures"), 0o777))
	}
	entries, err := os.ReadDir(root)
	must(t, err)
	for _, e := range entries {
		if e.Name() != "docs" {
			must(t, os.Symlink(filepath.Join(root, e.Name()), filepath.Join(f.work, e.Name())))
		}
	}
	for _, path := range f.pictures(f.work) { // which the commands draw again
		must(t, os.Remove(path))
	}
	if size := sizeOf(t, filepath.Join(root, studies, name)); size > mostKept {
		f.problem("docs/studies/%s has %d bytes, want at most %d", name, size, mostKept)
	}
	f.page()
	f.compare()
	slices.Sort(f.problems)
	return slices.Compact(f.problems)
}

func (f *follower) problem(format string, a ...any) {
	f.problems = append(f.problems, fmt.Sprintf(format, a...))
}

// pictures are those of the page.
func (f *follower) pictures(dir string) []string {
	list, err := filepath.Glob(filepath.Join(dir, studies, "figures", f.name+"-*"))
	must(f.t, err)
	return list
}

// page runs the commands.
func (f *follower) page() {
	path := filepath.Join(f.root, studies, f.name+".md")
	b, err := os.ReadFile(path)
	must(f.t, err)
	text := string(b)
	if !strings.Contains(text, "\n```sh study\n") {
		f.problem("%s.md has no block of sh study, which makes its tables", f.name)
	}
	if rest := studyBlock.ReplaceAllString(text, ""); strings.Contains(rest, "```text\n") || strings.Contains(rest, "<!-- output -->\n") {
		f.problem("%s.md shows an output that is of no command", f.name)
	}
	now := studyBlock.ReplaceAllStringFunc(text, func(block string) string {
		m := studyBlock.FindStringSubmatch(block)
		output := printed(f.t, f.work, m[1])
		if output != m[2]+m[3] && !f.update {
			f.problem("%s.md: %s\nprinted\n%s\nthe page shows\n%s", f.name, m[1], output, m[2]+m[3])
		}
		command := "```sh\n" + m[1] + "```\n"
		switch {
		case strings.HasSuffix(block, "<!-- end of output -->\n"):
			return command + "\n<!-- output -->\n" + output + "<!-- end of output -->\n"
		case output == "":
			return command
		}
		return command + "\n```text\n" + output + "```\n"
	})
	if f.update && now != text {
		must(f.t, os.WriteFile(path, []byte(now), 0o666))
	}
}

// compare compares the pictures.
func (f *follower) compare() {
	for _, path := range slices.Concat(f.pictures(f.work), f.pictures(f.root)) {
		below := filepath.Join(studies, "figures", filepath.Base(path))
		drawn, err := os.ReadFile(filepath.Join(f.work, below))
		had, errHad := os.ReadFile(filepath.Join(f.root, below))
		switch {
		case bytes.Equal(drawn, had) && err == nil && errHad == nil:
		case f.update && err == nil:
			must(f.t, os.WriteFile(filepath.Join(f.root, below), drawn, 0o666))
		case err != nil:
			f.problem("%s is drawn by no command of the page: remove it", below)
		default:
			f.problem("%s is not what the command draws", below)
		}
	}
}

// printed is what commands print in a folder. They end with 0.
func printed(t *testing.T, dir, script string) string {
	t.Helper()
	c := exec.Command("bash", "-euo", "pipefail", "-c", script)
	c.Dir = dir
	c.Env = append(os.Environ(), "STARSWEEP_HOME="+t.TempDir())
	var errs bytes.Buffer
	c.Stderr = &errs
	output, err := c.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%s%v\n%s", script, err, &errs)
	}
	return string(output)
}

func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case path == dir && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || d.IsDir():
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	must(t, err)
	return size
}

const (
	pageStudy = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = ring(count = 64), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = p.lr), batch = 8, epochs = 2)

main = study(trial = trial, space = {"lr": choice(0.01, 0.1)}, seeds = 2, objectives = {"loss_generator": "min"})
`
	studyPage = "# A small study\n\n" +
		"```sh study\nstarsweep run study.star --backend cpu --dir runs\n" +
		"starsweep export runs --to parquet --out docs/studies/small --no-sheets\n```\n\n" +
		"```sh\nstarsweep effect docs/studies/small --of lr\n```\n\nA finding.\n\n" +
		"```sh\nstarsweep table docs/studies/small --top 1\n```\n\n<!-- output -->\n<!-- end of output -->\n" +
		"```sh\nstarsweep figure box docs/studies/small --x lr --out docs/studies/figures/small-box.svg\n```\n"
)

// The mechanism itself, with a small study.
func TestAPageOfAStudyIsComparedAndWrittenAnew(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	must(t, os.MkdirAll(at("docs/studies"), 0o777))
	must(t, os.WriteFile(at("study.star"), []byte(pageStudy), 0o666))
	page := filepath.Join(at("docs/studies"), "small.md")
	must(t, os.WriteFile(page, []byte(studyPage), 0o666))
	study := regexp.MustCompile("(?ms)^```sh study\n(.*?)^```$").FindStringSubmatch(studyPage)[1]
	c := exec.Command("bash", "-euo", "pipefail", "-c", study)
	c.Dir = root
	if output, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	wantProblemsOf := func(name string, update bool, want ...string) {
		t.Helper()
		problems := follow(t, root, name, update)
		for i, problem := range problems {
			if len(problems) != len(want) || !strings.Contains(problem, want[i]) {
				t.Errorf("got %q, want %q", problems, want)
				return
			}
		}
		if len(problems) != len(want) {
			t.Errorf("got no problems, want %q", want)
		}
	}
	wantProblems := func(update bool, want ...string) {
		t.Helper()
		wantProblemsOf("small", update, want...)
	}
	wantProblems(false, "small-box.svg is not what the command draws", "small.md: starsweep effect", "small.md: starsweep figure",
		"small.md: starsweep table")
	wantProblems(true)
	wantProblems(false)
	again := "# The tables of another page\n\n```sh study\nstarsweep measure runs\n```\n\n```sh\nstarsweep table docs/studies/small\n```\n"
	must(t, os.WriteFile(filepath.Join(at("docs/studies"), "again.md"), []byte(again), 0o666))
	wantProblemsOf("again", false, "again.md: starsweep table")
	wantProblemsOf("again", true)
	wantProblemsOf("again", false)
	b, err := os.ReadFile(page)
	must(t, err)
	if now := string(b); !strings.Contains(now, "<!-- output -->\nThe best 1 of 2") || !strings.Contains(now, "```text\nloss_generator (low") {
		t.Errorf("got the page\n%s", now)
	}
	must(t, os.WriteFile(page, bytes.Replace(b, []byte("0.1 against 0.01"), []byte("0.1 against 0.02"), 1), 0o666))
	must(t, os.WriteFile(at("docs/studies/figures/small-old.svg"), []byte("x"), 0o666))
	wantProblems(false, "small-old.svg is drawn by no command", "small.md: starsweep effect")
	must(t, os.Remove(at("docs/studies/figures/small-old.svg")))
	twice := strings.Replace(string(b), "<!-- end of output -->\n", "<!-- end of output -->\n\n```text\nThe best 1 of 2\n```\n", 1)
	must(t, os.WriteFile(page, []byte(twice), 0o666))
	wantProblems(false, "small.md shows an output that is of no command")
	must(t, os.WriteFile(page, []byte(strings.Replace(string(b), "sh study", "text study", 1)), 0o666))
	must(t, os.WriteFile(at("docs/studies/small/large"), make([]byte, mostKept), 0o666))
	wantProblems(false, "docs/studies/small has 30", "small.md has no block of sh study")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
