package runner_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const emptyFile = "empty file"

// strays are what may lie in a study's folder that no process of a study has put there.
var strays = map[string]func(path string) error{
	"folder": func(path string) error {
		return os.MkdirAll(filepath.Join(path, "with", "something"), 0o777)
	},
	"named pipe": func(path string) error { return syscall.Mkfifo(path, 0o666) },
	emptyFile: func(path string) error {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			return err
		}
		old := time.Now().Add(-time.Hour)
		return os.Chtimes(path, old, old)
	},
	"link to nowhere": func(path string) error { return os.Symlink("nowhere", path) },
	"link to itself":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
}

// names are those of strays by folder: one that no process of a study gives, and then such as it gives. A digit takes the place of #.
func (l *lab) names() map[string][]string {
	trials, err := filepath.Glob(filepath.Join(l.whole, "checkpoints", "*"))
	if err != nil || len(trials) == 0 {
		l.Fatalf("got the checkpoints %v, %v", trials, err)
	}
	trial := strings.TrimSuffix(filepath.Base(trials[0]), ".safetensors")
	const segment = "host-1-#-000000000000-000000000010.parquet"
	return map[string][]string{
		"writers":      {"junk#.txt", "host-1-#"},
		"claims":       {"junk#.txt", trial + ".000001", "0123456789abcde#.000001"},
		"journal":      {"junk#.txt", "host-1-#"},
		"suggestions":  {"junk#.txt", "00000#.json"},
		"verdicts":     {"junk#.txt", "00000#.json"},
		"warm":         {"junk#.txt", "00000#.json"},
		"script":       {"junk#.txt", "0123456789abcde#"},
		"checkpoints":  {"junk#.txt", "0123456789abcde#.safetensors", trial + ".safetensors"},
		"trials":       {"junk#.parquet", segment},
		"epochs":       {"junk#.parquet", segment},
		"samples":      {"junk#.parquet", segment},
		"measurements": {"junk#.parquet", segment},
		"pareto":       {"junk#.parquet", segment},
	}
}

func (l *lab) stray(dir, folder, name, kind string) {
	l.Helper()
	path := filepath.Join(dir, folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		l.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		l.Fatal(err)
	}
	if err := strays[kind](path); err != nil {
		l.Fatal(err)
	}
}

// Whatever else lies in the folders of a study, commands go on as if it were not there, and verify names it.
func TestStrayEntriesInTheFoldersOfAStudyAreIgnored(t *testing.T) {
	l := newLab(t, killStudy)
	t.Run("all at once", func(t *testing.T) {
		l := *l
		l.T = t
		dir := l.copyOf(l.whole)
		var placed []string
		for folder, names := range l.names() {
			for i, kind := range slices.Sorted(maps.Keys(strays)) {
				if kind == emptyFile { // of a process that may live: some commands would wait to see
					continue
				}
				for _, name := range names {
					name = strings.Replace(name, "#", strconv.Itoa(i), 1)
					l.stray(dir, folder, name, kind)
					placed = append(placed, folder+"/"+name)
				}
			}
		}
		l.ignored(dir, placed...)
	})
	if testing.Short() {
		t.Skip("runs 1,500 commands")
	}
	for folder, names := range l.names() {
		for _, name := range names {
			for kind := range strays {
				name := strings.Replace(name, "#", "0", 1)
				t.Run(strings.Join([]string{folder, name, kind}, "/"), func(t *testing.T) {
					t.Parallel() // some wait for half a minute, to see that a writer is dead
					l := *l
					l.T = t
					dir := l.copyOf(l.whole)
					l.stray(dir, folder, name, kind)
					l.ignored(dir, folder+"/"+name)
				})
			}
		}
	}
}

// ignored runs commands on a study with entries that are not of it. They must not change its tables, and verify names the entries.
func (l *lab) ignored(dir string, entries ...string) {
	l.Helper()
	for _, args := range [][]string{
		{"verify", dir}, {"status", dir}, {"export", dir, "epochs", "--csv"}, {"pareto", dir}, {"diff", dir, l.whole}, {"report", dir},
		{"archive", dir, "--out", filepath.Join(l.TempDir(), "study.tar.gz")}, {"repair", dir, "--dry-run"}, {"repair", dir},
		{"compact", dir}, l.args(dir),
	} {
		code, text := l.bounded(args)
		if code != 0 && (args[0] != "verify" || code != 31) {
			l.Errorf("%q: got exit code %d\n%s", args[0], code, text)
		}
		for _, entry := range entries {
			if args[0] == "verify" && !strings.Contains(text, entry) {
				l.Errorf("verify does not name %s\n%s", entry, text)
			}
		}
	}
	l.same(dir)
}

// bounded runs a command, which must end.
func (l *lab) bounded(args []string) (code int, text string) {
	l.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		code, text = command(l.T, l.home, args...)
	}()
	select {
	case <-ended:
		return code, text
	case <-time.After(2 * time.Minute):
		l.Fatalf("%q hangs", args)
		return 0, ""
	}
}
