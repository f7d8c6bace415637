//go:build unix

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

// smallStudyOf is smallStudy on images of the given size, from data.
func smallStudyOf(data, size string) string {
	return strings.NewReplacer("ring(count = 64)", data, "mlp([4], 2)", "image_mlp([4], "+size+")", `"mlp")`, `"mlp", "image_mlp")`).
		Replace(smallStudy)
}

// workspace is a temporary folder of scripts, data and studies.
type workspace struct {
	t   *testing.T
	dir string
}

func (f workspace) at(name string) string { return filepath.Join(f.dir, name) }

func (f workspace) check(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f workspace) write(name, text string) {
	f.t.Helper()
	f.check(os.MkdirAll(filepath.Dir(f.at(name)), 0o777))
	f.check(os.WriteFile(f.at(name), []byte(text), 0o666))
}

func (f workspace) edit(name, old, new string) {
	f.t.Helper()
	b, err := os.ReadFile(f.at(name))
	f.check(err)
	f.write(name, strings.Replace(string(b), old, new, 1))
}

func (f workspace) run(args ...string) {
	f.t.Helper()
	if code, text := command(f.t, f.dir, append([]string{"run", "--backend", "cpu"}, args...)...); code != 0 {
		f.t.Fatalf("exit code %d\n%s", code, text)
	}
}

// writeScripts writes scripts that load, and others that do not.
func (f workspace) writeScripts() {
	f.write("small.star", smallStudy)
	f.write("other.star", strings.Replace(smallStudy, `choice(1e-3, 1e-2)}`, `choice(1e-3, 1e-2), "x": choice(1, 2)}`, 1))
	f.write("text.tar", "not an archive")
	f.write("missing.star", smallStudyOf(`images(path = "`+f.at("no pictures")+`", size = 2, channels = 1)`, "2"))
	f.write("damaged.star", smallStudyOf(`images(path = "`+f.at("text.tar")+`", size = 2, channels = 1)`, "2"))
	f.write("mnist.star", smallStudyOf("mnist()", "28"))
	f.write("folder.star/x", "")
	f.check(syscall.Mkfifo(f.at("pipe.star"), 0o600))
	f.check(os.Symlink("/dev/zero", f.at("device.star")))
}

// writeStudies writes a study and damaged copies of it.
func (f workspace) writeStudies() {
	f.write("empty/x", "")
	f.run(f.at("small.star"), "--dir", f.at("sound"))
	for _, name := range []string{"no meta", "cut meta", "edited meta", "no description", "newer", "foreign journal",
		"journal is a file", "locked"} {
		f.check(os.CopyFS(f.at(name), os.DirFS(f.at("sound"))))
	}
	f.check(os.Remove(f.at("no meta/study.json")))
	f.write("cut meta/study.json", "{")
	f.edit("edited meta/study.json", `"lr"`, `"rate"`)
	f.write("no description/study.json", "{")
	f.check(os.RemoveAll(f.at("no description/journal")))
	f.edit("newer/study.json", `"schema": `, `"schema": 1`)
	f.edit("newer/study.json", `"growth": `, `"grown": `)
	f.check(os.CopyFS(f.at("foreign journal/copy"), os.DirFS(f.at("sound"))))
	f.run(f.at("other.star"), "--dir", f.at("foreign"))
	foreign, err := filepath.Glob(f.at("foreign/journal/*"))
	f.check(err)
	b, err := os.ReadFile(foreign[0])
	f.check(err)
	f.write("foreign journal/journal/"+filepath.Base(foreign[0]), string(b))
	f.check(os.RemoveAll(f.at("journal is a file/journal")))
	f.write("journal is a file/journal", "x")
}

// lock holds the lock of a study until the test ends.
func (f workspace) lock(name string) {
	v, err := results.Open(f.at(name))
	f.check(err)
	meta := v.Meta()
	f.check(v.Close())
	writer, err := results.Create(f.at(name), meta, nil, results.Options{Now: time.Now})
	f.check(err)
	f.t.Cleanup(func() { f.check(writer.Close()) })
}

// sameExit is an error and the exit code that all commands have for it. ARG in the commands is replaced by arg.
type sameExit struct {
	what, arg string
	want      int
	commands  [][]string
}

func (f workspace) sameExits() []sameExit {
	at := f.at
	readers := [][]string{{"status", "ARG"}, {"report", "ARG"}, {"pareto", "ARG", "--objective", "d_real=min"},
		{"export", "ARG", "trials", "--csv"}}
	writers := [][]string{{"run", at("small.star"), "--backend", "cpu", "--dir", "ARG"}}
	both := append(writers, readers...)
	scripts := [][]string{{"check", "ARG"}, {"plan", "ARG"}, {"show", "ARG"}, {"run", "ARG", "--backend", "cpu", "--dir", at("new")}}
	data := func(path string) [][]string {
		return [][]string{{"run", at("ARG"), "--backend", "cpu", "--dir", at("new")}, {"data", "show", "images", "--path", path, "--size", "2"},
			{"eval", "--real", path, "--fake", path, "--features", "pixels", "--backend", "cpu"}}
	}
	backend := func(name string) [][]string {
		return [][]string{{"run", "ARG", "--backend", name}, {"plan", "ARG", "--backend", name}, {"bench", "--backend", name},
			{"eval", "--real", f.dir, "--fake", f.dir, "--backend", name}}
	}
	return []sameExit{
		{"no directory", at("absent"), 2, readers},
		{"an empty directory", at("empty"), 2, readers},
		{"a file", at("text.tar"), 80, both},
		{"no study.json", at("no meta"), 0, both},
		{"a study.json that is cut", at("cut meta"), 0, both},
		{"a study.json that was edited", at("edited meta"), 0, both},
		{"a study.json that no journal describes", at("no description"), 80, both},
		{"another version", at("newer"), 2, both},
		{"a journal of another study", at("foreign journal"), 80, both},
		{"a file in the place of the journals", at("journal is a file"), 80, both},
		{"another study", at("foreign"), 2, writers},
		{"a study that another process writes", at("locked"), 0, both},
		{"no script", at("absent.star"), 2, scripts},
		{"a folder as script", at("folder.star"), 2, scripts},
		{"a pipe as script", at("pipe.star"), 2, scripts},
		{"a device as script", at("device.star"), 2, scripts},
		{"no data", "missing.star", 2, data(at("no pictures"))},
		{"damaged data", "damaged.star", 2, data(at("text.tar"))},
		{"unknown data", "", 2, [][]string{{"data", "show", "nosuch"}, {"data", "get", "nosuch"}}},
		{"data that were not fetched", at("mnist.star"), 2, [][]string{{"data", "show", "mnist"}, {"run", "ARG", "--dir", at("new")},
			{"plan", "ARG", "--trials"}}},
		{"an unknown backend", at("small.star"), 2, backend("tpu")},
		{"a device that is not here", at("small.star"), 77, backend("xla:cpu")},
		{"unknown flags", at("small.star"), 2, [][]string{{"run", "ARG", "--x"}, {"status", "--x"}, {"doctor", "--x"}, {"data", "list", "--x"}}},
		{"too many arguments", "x", 2, [][]string{{"run", "ARG", "ARG"}, {"check", "ARG", "ARG"}, {"status", "ARG", "ARG"},
			{"report", "ARG", "ARG"}, {"pareto", "ARG", "ARG"}, {"doctor", "ARG"}, {"version", "ARG"}, {"bench", "ARG"}}},
		{"too few arguments", "x", 2, [][]string{{"run"}, {"check"}, {"status"}, {"export", "ARG"}, {"data", "show"}, {"completion"}}},
	}
}

func TestTheSameErrorHasOneExitCode(t *testing.T) {
	f := workspace{t, t.TempDir()}
	f.writeScripts()
	f.writeStudies()
	f.lock("locked")
	for _, c := range f.sameExits() {
		for _, args := range c.commands {
			var line []string
			for _, a := range args {
				line = append(line, strings.Replace(a, "ARG", c.arg, 1))
			}
			code, text := command(t, f.dir, line...)
			if code != c.want {
				t.Errorf("%s: %q: got exit code %d, want %d\n%s", c.what, line, code, c.want, text)
			}
			if c.want != 0 && (!strings.Contains(text, "starsweep: ") || strings.Contains(text, "goroutine")) {
				t.Errorf("%s: %q: got %q, want an error", c.what, line, text)
			}
		}
	}
}
