package runner_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner"
)

// killed runs the study until a line of its output matches, and kills it.
func (l *lab) killed(dir, line string) {
	l.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		l.Fatal(err)
	}
	defer r.Close()
	c := exec.Command("starsweep", l.args(dir)...)
	c.Env = append(os.Environ(), "STARSWEEP_HOME="+l.home)
	c.Stderr = w
	err = c.Start()
	w.Close()
	if err != nil {
		l.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	var text bytes.Buffer
	for chunk := make([]byte, 1<<12); !regexp.MustCompile(line).Match(text.Bytes()); {
		n, err := r.Read(chunk)
		text.Write(chunk[:n])
		if err != nil {
			l.Fatalf("no line matches %q: %v\n%s", line, err, &text)
		}
	}
}

// states are directories of the study: one that was killed twice, so that it has everything that a run may leave, one of which the
// second process went on with the trials of the first, and one that is finished.
func (l *lab) states() []string {
	l.Helper()
	half, taken := filepath.Join(l.TempDir(), "half"), filepath.Join(l.TempDir(), "taken over")
	l.killed(half, `trial 3/8 .* epoch 2/6`)
	l.killed(half, `trial 6/8 .* epoch 3/6`)
	l.killed(taken, `trial 3/8 .* epoch 2/6`)
	l.killed(taken, `trial 3/8 .* epoch 4/6`)
	return []string{half, taken, l.whole}
}

// copyOf copies a directory.
func (l *lab) copyOf(dir string) string {
	l.Helper()
	to := filepath.Join(l.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		l.Fatal(err)
	}
	return to
}

// damaged is a study in which something was damaged: the next run ends with the right tables, or refuses, and says which file is
// damaged. After `repair` it ends with the right tables in any case.
func (l *lab) damaged(dir, path, what string) (refused bool) {
	l.Helper()
	defer func() {
		if l.Failed() {
			l.Logf("after this damage to %s: %s", path, what)
		}
	}()
	code, text := command(l.T, l.home, l.args(dir)...)
	if strings.Contains(text, "goroutine ") {
		l.Fatalf("%s, %s: panics:\n%s", path, what, text)
	}
	if code == 0 {
		var lost []results.Table
		// A finished trial does not run again for a picture, and one that is resumed has only the weights of its last epoch.
		if strings.Contains(text, "pictures are lost") || strings.Contains(text, "the sample sheets of these epochs are lost") {
			lost = append(lost, results.Samples)
		}
		l.same(dir, lost...)
		return false
	}
	if !strings.Contains(text, filepath.Base(path)) {
		l.Errorf("%s, %s: exit code %d, and the message does not name the file:\n%s", path, what, code, text)
	}
	return true
}

// files returns the files in dir, without those that no run reads.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			path, err = filepath.Rel(dir, path)
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return path == "report.html" })
}

// damages are what may happen to a file. Nil: it is removed.
func damages(content []byte, r *rand.Rand) map[string][]byte {
	list := map[string][]byte{"removed": nil, "emptied": {}}
	n := len(content)
	if n == 0 {
		return list
	}
	list["its last byte cut off"], list["its second half cut off"] = content[:n-1], content[:n/2]
	for where, at := range map[string]int{"first byte": 0, "last byte": n - 1, "end": max(0, n-1-r.IntN(64)), "inside": r.IntN(n)} {
		flipped := bytes.Clone(content)
		flipped[at] ^= 1 << r.IntN(8)
		list["a bit flipped: "+where] = flipped
	}
	return list
}

// A bit flipped in any file of the directory, or its end cut off, never leads to wrong numbers. Without STARSWEEP_KILLS, two of the
// damages hit each file.
func TestNoDamageLeadsToWrongNumbers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs hundreds of small studies")
	}
	l := newLab(t, killStudy)
	r := rand.New(rand.NewPCG(1, 1))
	runs, refused, next, waits := 0, map[string]int{}, 0, map[string]int{}
	for _, state := range l.states() {
		for _, path := range files(t, state) {
			content, err := os.ReadFile(filepath.Join(state, path))
			if err != nil {
				t.Fatal(err)
			}
			list := damages(content, r)
			kinds := slices.Sorted(maps.Keys(list))
			if os.Getenv("STARSWEEP_KILLS") == "" && path != "study.json" {
				some := 2
				if folder, _, _ := strings.Cut(filepath.ToSlash(path), "/"); folder == "claims" || folder == "writers" {
					some = 1 - waits[folder] // a run waits half a minute for a writer that it cannot tell from a live one
					waits[folder] = 1
				}
				kinds = append(kinds, kinds...)[next%len(kinds):][:some]
				next += some
			}
			for _, kind := range kinds {
				dir := l.copyOf(state)
				if damaged := filepath.Join(dir, path); list[kind] == nil {
					err = os.Remove(damaged)
				} else {
					err = os.WriteFile(damaged, list[kind], 0o666)
				}
				if err != nil {
					t.Fatal(err)
				}
				runs++
				if l.damaged(dir, path, filepath.Base(state)+", "+kind) {
					if refused[path]++; path == "study.json" {
						t.Errorf("%s: %s, and the run refuses", path, kind)
					}
				}
				os.RemoveAll(filepath.Dir(dir))
			}
		}
	}
	t.Logf("%d runs, refused: %v", runs, refused)
}

// tornStudy takes an instant.
const tornStudy = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = ring(count = 64), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = p.lr), batch = 16, epochs = 2,
               evaluate = evaluate(every = 1, samples = 20, metrics = [fid()]))

main = study(trial = trial, space = {"lr": choice(1e-3, 1e-2)}, objectives = {"fid": "min"})
`

// A process that dies while it writes leaves a part of a record, of any length, or all of it with bytes that never got to the disk.
func TestARecordThatIsCutAtAnyPlaceIsMadeAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("runs hundreds of small studies")
	}
	step := 29
	if os.Getenv("STARSWEEP_KILLS") != "" {
		step = 1
	}
	l := newLab(t, tornStudy)
	half := filepath.Join(t.TempDir(), "half")
	l.killed(half, `trial 1/2 .* epoch 1/2`)
	for _, state := range []string{half, l.whole} {
		journals := slices.DeleteFunc(files(t, state), func(path string) bool { return !strings.HasPrefix(path, "journal") })
		if len(journals) == 0 {
			t.Fatal("found no journal")
		}
		for _, path := range journals {
			content, err := os.ReadFile(filepath.Join(state, path))
			if err != nil {
				t.Fatal(err)
			}
			last := lastRecord(content)
			dir := filepath.Join(t.TempDir(), "torn")
			places := 0
			for cut := last; cut < len(content); cut++ {
				if ends := cut < last+12 || cut > len(content)-4; !ends && cut%step != 0 {
					continue
				}
				places++
				torn := content[:cut]
				if cut%2 == 0 { // the length of the file got there, not its bytes
					torn = slices.Concat(torn, make([]byte, len(content)-cut))
				}
				err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(state)), os.WriteFile(filepath.Join(dir, path), torn, 0o666))
				if err != nil {
					t.Fatal(err)
				}
				l.run(dir)
				l.same(dir)
			}
			t.Logf("%s: the last record of %s, %d bytes, was cut at %d places", filepath.Base(state), path, len(content)-last, places)
		}
	}
}

// lastRecord returns where the last record of a journal begins: 4 bytes of length, 4 of checksum, and the payload.
func lastRecord(journal []byte) (at int) {
	for next := 0; next+8 <= len(journal); {
		at = next
		next += 8 + int(binary.LittleEndian.Uint32(journal[next:]))
	}
	return at
}

// The clock of the process goes forth and back by days between any two readings.
func TestAClockThatJumpsChangesNothing(t *testing.T) {
	l := newLab(t, killStudy)
	r := rand.New(rand.NewPCG(2, 2))
	now := func() time.Time { return time.Now().Add(time.Duration(r.IntN(1000)-500) * time.Hour).Round(0) }
	dir := filepath.Join(t.TempDir(), "study")
	for range 2 {
		var text bytes.Buffer
		code := runner.Main(context.Background(), runner.Env{Args: l.args(dir, "--workers", "1"), Stdout: &text, Stderr: &text, Home: l.home,
			Now: now, Version: "test", Getenv: func(string) string { return "" }})
		if code != 0 {
			t.Fatalf("exit code %d\n%s", code, &text)
		}
		l.same(dir)
	}
}
