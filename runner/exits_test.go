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

// The same mistake has the same exit code, whichever command meets it.
func TestTheSameMistakeHasOneExitCode(t *testing.T) {
	home := t.TempDir()
	at := func(name string) string { return filepath.Join(home, name) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		check(os.MkdirAll(filepath.Dir(at(name)), 0o777))
		check(os.WriteFile(at(name), []byte(text), 0o666))
	}
	edit := func(dir, name, old, new string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(at(dir), name))
		check(err)
		write(filepath.Join(dir, name), strings.Replace(string(b), old, new, 1))
	}
	write("small.star", smallStudy)
	write("other.star", strings.Replace(smallStudy, `{"lr": choice(1e-3, 1e-2)}`, `{"lr": choice(1e-3, 1e-2), "x": choice(1, 2)}`, 1))
	pictures := func(path string) string {
		return strings.NewReplacer("ring(count = 64)", `images(path = "`+path+`", size = 2, channels = 1)`, "mlp([4], 2)", "image_mlp([4], 2)",
			`"mlp")`, `"mlp", "image_mlp")`).Replace(smallStudy)
	}
	write("missing.star", pictures(at("no pictures")))
	write("mnist.star", strings.NewReplacer("ring(count = 64)", "mnist()", "mlp([4], 2)", "image_mlp([4], 28)",
		`"mlp")`, `"mlp", "image_mlp")`).Replace(smallStudy))
	write("text.tar", "not an archive")
	write("damaged.star", pictures(at("text.tar")))
	write("folder.star/x", "")
	check(syscall.Mkfifo(at("pipe.star"), 0o600))
	check(os.Symlink("/dev/zero", at("device.star")))
	write("empty/x", "")
	if code, text := command(t, home, "run", at("small.star"), "--backend", "cpu", "--dir", at("sound")); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	for _, name := range []string{"no meta", "cut meta", "edited meta", "newer", "foreign journal", "journal is a folder", "locked"} {
		check(os.CopyFS(at(name), os.DirFS(at("sound"))))
	}
	check(os.Remove(at("no meta/study.json")))
	write("cut meta/study.json", "{")
	edit("edited meta", "study.json", `"lr"`, `"rate"`)
	edit("newer", "study.json", `"schema": `, `"schema": 1`)
	check(os.CopyFS(at("foreign journal/copy"), os.DirFS(at("sound"))))
	if code, text := command(t, home, "run", at("other.star"), "--backend", "cpu", "--dir", at("foreign")); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	b, err := os.ReadFile(at("foreign/journal"))
	check(err)
	write("foreign journal/journal", string(b))
	check(os.Remove(at("journal is a folder/journal")))
	write("journal is a folder/journal/x", "")
	holder, err := results.Open(at("locked"))
	check(err)
	meta := holder.Meta()
	check(holder.Close())
	writer, err := results.Create(at("locked"), meta, nil, results.Options{Now: time.Now})
	check(err)
	defer writer.Close()

	readers := [][]string{{"status", "DIR"}, {"report", "DIR"}, {"pareto", "DIR", "--objective", "d_real=min"},
		{"export", "DIR", "trials", "--csv"}}
	writers := [][]string{{"run", at("small.star"), "--backend", "cpu", "--dir", "DIR"}}
	both := append(writers, readers...)
	scripts := [][]string{{"check", "DIR"}, {"plan", "DIR"}, {"show", "DIR"}, {"run", "DIR", "--backend", "cpu", "--dir", at("new")}}
	data := func(path string) [][]string {
		return [][]string{{"run", at("DIR"), "--backend", "cpu", "--dir", at("new")}, {"data", "show", "images", "--path", path, "--size", "2"},
			{"eval", "--real", path, "--fake", path, "--features", "pixels", "--backend", "cpu"}}
	}
	for _, c := range []struct {
		mistake, dir string
		want         int
		commands     [][]string
	}{
		{"no directory", at("absent"), 2, readers},
		{"an empty directory", at("empty"), 2, readers},
		{"a file", at("text.tar"), 80, both},
		{"no study.json", at("no meta"), 80, both},
		{"a study.json that is cut", at("cut meta"), 80, both},
		{"a study.json that was edited", at("edited meta"), 80, both},
		{"another version", at("newer"), 2, both},
		{"a journal of another study", at("foreign journal"), 80, both},
		{"a journal that is a folder", at("journal is a folder"), 80, both},
		{"another study", at("foreign"), 2, writers},
		{"a study that is written", at("locked"), 80, writers},
		{"a study that is read while it is written", at("locked"), 0, readers},
		{"no script", at("absent.star"), 2, scripts},
		{"a folder as script", at("folder.star"), 2, scripts},
		{"a pipe as script", at("pipe.star"), 2, scripts},
		{"a device as script", at("device.star"), 2, scripts},
		{"no data", "missing.star", 2, data(at("no pictures"))},
		{"damaged data", "damaged.star", 2, data(at("text.tar"))},
		{"unknown data", "", 2, [][]string{{"data", "show", "nosuch"}, {"data", "get", "nosuch"}}},
		{"data that were not fetched", "", 2, [][]string{{"data", "show", "mnist"}, {"run", at("mnist.star"), "--dir", at("new")},
			{"plan", at("mnist.star"), "--trials"}}},
		{"an unknown backend", at("small.star"), 2, [][]string{{"run", "DIR", "--backend", "tpu"}, {"bench", "--backend", "tpu"},
			{"eval", "--real", home, "--fake", home, "--backend", "tpu"}}},
		{"a device that is not here", at("small.star"), 77, [][]string{{"run", "DIR", "--backend", "xla:cpu"}, {"bench", "--backend", "xla:cpu"},
			{"eval", "--real", home, "--fake", home, "--backend", "xla:cpu"}}},
		{"unknown flags", at("small.star"), 2, [][]string{{"run", "DIR", "--x"}, {"status", "--x"}, {"doctor", "--x"}, {"data", "list", "--x"}}},
		{"too many arguments", "x", 2, [][]string{{"run", "DIR", "DIR"}, {"check", "DIR", "DIR"}, {"status", "DIR", "DIR"},
			{"report", "DIR", "DIR"},
			{"pareto", "DIR", "DIR"}, {"export", "DIR"}, {"data", "show"}, {"doctor", "DIR"}, {"version", "DIR"}, {"bench", "DIR"}}},
	} {
		for _, args := range c.commands {
			var line []string
			for _, a := range args {
				line = append(line, strings.Replace(a, "DIR", c.dir, 1))
			}
			code, text := command(t, home, line...)
			if code != c.want {
				t.Errorf("%s: %q: got exit code %d, want %d\n%s", c.mistake, line, code, c.want, text)
			}
			if c.want != 0 && (!strings.Contains(text, "starsweep: ") || strings.Contains(text, "goroutine")) {
				t.Errorf("%s: %q: got %q, want an error", c.mistake, line, text)
			}
		}
	}
}
