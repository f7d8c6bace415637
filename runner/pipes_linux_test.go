package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

// A named pipe in the place of a study's file would make who opens it wait for ever. Every command ends instead; those that need the
// file say what is there, and the others go on. A run makes tables again, and renames them over the pipe, and takes back what a journal
// held. See TestStrayEntriesInTheFoldersOfAStudyAreIgnored for pipes that are in no file's place.
func TestNamedPipesInThePlaceOfFilesAreErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("runs 20 commands")
	}
	whole := newLab(t, killStudy)
	journals, err := filepath.Glob(filepath.Join(whole.whole, "journal", "*"))
	if err != nil || len(journals) != 1 {
		t.Fatalf("got the journals %v, %v", journals, err)
	}
	const named, goesOn = "named pipe", ""
	type wants struct{ status, verify, export, compact, run string }
	for file, want := range map[string]wants{
		"study.json":                            {named, named, named, named, named},
		"journal/" + filepath.Base(journals[0]): {goesOn, filepath.Base(journals[0]), goesOn, goesOn, goesOn},
		"epochs/0-compact.parquet":              {goesOn, named, goesOn, goesOn, goesOn},
		"pareto/pareto.parquet":                 {goesOn, named, goesOn, goesOn, goesOn},
	} {
		t.Run(strings.ReplaceAll(file, "/", " "), func(t *testing.T) {
			l := *whole
			l.T = t
			for _, c := range []struct {
				want string
				args func(dir string) []string
			}{
				{want.status, func(dir string) []string { return []string{"status", dir} }},
				{want.verify, func(dir string) []string { return []string{"verify", dir} }},
				{want.export, func(dir string) []string { return []string{"export", dir, string(results.Epochs), "--csv"} }},
				{want.compact, func(dir string) []string { return []string{"compact", dir} }},
				{want.run, func(dir string) []string { return l.args(dir) }},
			} {
				dir := l.copyOf(whole.whole)
				l.pipe(filepath.Join(dir, file))
				l.ends(c.want, c.args(dir))
				if args := c.args(dir); args[0] == "run" && c.want == goesOn {
					l.same(dir)
				}
			}
		})
	}
}

// A file cannot take the place of a folder.
func TestAFolderInThePlaceOfATableIsNamed(t *testing.T) {
	l := newLab(t, killStudy)
	for _, file := range []string{"epochs/0-compact.parquet", "pareto/pareto.parquet"} {
		dir := l.copyOf(l.whole)
		l.stray(dir, filepath.Dir(file), filepath.Base(file), "folder")
		l.ends(file+": got a folder, want a file: move it away", l.args(dir))
		l.ends(file, []string{"verify", dir})
		l.ends("", []string{"export", dir, "epochs", "--csv"})
	}
}

// pipe puts a named pipe in the place of a file.
func (l *lab) pipe(path string) {
	l.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		l.Fatal(err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		l.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		l.Fatal(err)
	}
}

// ends runs a command, which must end, with an error that has want in it, or without one if that is empty.
func (l *lab) ends(want string, args []string) {
	l.Helper()
	type end struct {
		code int
		text string
	}
	ended := make(chan end, 1)
	go func() {
		code, text := command(l.T, l.home, args...)
		ended <- end{code, text}
	}()
	select {
	case e := <-ended:
		if (e.code != 0) != (want != "") || !strings.Contains(e.text, want) {
			l.Errorf("%q: got exit code %d\n%s\nwant %q", args, e.code, e.text, want)
		}
	case <-time.After(time.Minute):
		l.Fatalf("%q hangs", args)
	}
}
