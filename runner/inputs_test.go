package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

const pictureStudy = `
load("@std//mlp.star", "image_mlp", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = images(path = p.path, size = 4, channels = 1), generator = image_mlp([4], 4), discriminator = mlp([4], 1),
               latent = normal(2), loss = least_squares(), optimizer = sgd(lr = p.lr), batch = 2, epochs = p.epochs,
               evaluate = evaluate(every = 1, metrics = [fid()], samples = 4, features = pixels(), real = "test"))

main = study(trial = trial, space = {"lr": choice(1e-3, 1e-2)}, objectives = {"fid": "min"}, settings = {"path": "", "epochs": 1},
             profiles = {"more": {"space": {"lr": choice(1e-3, 1e-2, 1e-1)}}})
`

// draw replaces the four images of a split.
func draw(t *testing.T, split string, shade uint8) {
	t.Helper()
	for i := range 4 {
		g := image.NewGray(image.Rect(0, 0, 4, 4))
		g.Pix[i] = shade
		var b bytes.Buffer
		if err := png.Encode(&b, g); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(split, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(split, fmt.Sprintf("%d.png", i)), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// cells returns columns of a table, one line per row.
func cells(t *testing.T, dir string, table results.Table, columns ...string) (lines []string) {
	t.Helper()
	v, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for row, err := range v.Rows(table) {
		if err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, c := range columns {
			line = append(line, fmt.Sprint(row[c]))
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return lines
}

func TestReplacedImagesMakeOtherTrials(t *testing.T) {
	home, dir, pictures := t.TempDir(), t.TempDir(), t.TempDir()
	script := filepath.Join(home, "pictures.star")
	if err := os.WriteFile(script, []byte(pictureStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(more ...string) string {
		t.Helper()
		code, text := command(t, home, append([]string{"run", script, "--backend", "cpu", "--dir", dir, "--set", "path=" + pictures}, more...)...)
		if code != 0 {
			t.Fatalf("exit code %d\n%s", code, text)
		}
		return text
	}
	digests := func() []string {
		return cells(t, dir, results.Trials, "lr", "train_digest", "test_digest", "fid", "measure")
	}
	want := func(text, what string) {
		t.Helper()
		if !strings.Contains(text, what) {
			t.Errorf("want %q in\n%s", what, text)
		}
	}
	train, test := filepath.Join(pictures, "train"), filepath.Join(pictures, "test")
	draw(t, train, 10)
	draw(t, test, 20)
	if text := run(); strings.Contains(text, "changed") {
		t.Errorf("got a warning of a first run:\n%s", text)
	}
	first := digests()

	draw(t, train, 200)
	text := run("--profile", "more")
	want(text, "has changed: its digest is ")
	want(text, "when these trials began, which stay as they are and do not resume: ")
	want(text, "3 completed of 3 trials")
	second := digests()
	added := slices.DeleteFunc(slices.Clone(second), func(x string) bool { return slices.Contains(first, x) })
	if len(second) != 5 || len(added) != 3 {
		t.Fatalf("got the trials\n%s\nwant three and those of the old images:\n%s", strings.Join(second, "\n"), strings.Join(first, "\n"))
	}
	for _, x := range added {
		if was, is := strings.Fields(first[0]), strings.Fields(x); was[1] == is[1] || was[2] != is[2] {
			t.Errorf("got the trial\n%s\nwant it to be of other training and the same real images", x)
		}
	}

	draw(t, test, 150)
	text = run()
	want(text, "the test split of images(")
	third := digests()
	added = slices.DeleteFunc(slices.Clone(third), func(x string) bool { return slices.Contains(second, x) })
	if len(third) != 7 || len(added) != 2 {
		t.Errorf("got the trials\n%s\nwant two of other real images", strings.Join(third, "\n"))
	}

	draw(t, train, 10)
	draw(t, test, 20)
	want(run(), "2 of 2 trials already finished")
}

func TestAPlanListsTheTrialsThatARunTrains(t *testing.T) {
	home, dir, pictures := t.TempDir(), t.TempDir(), t.TempDir()
	script := filepath.Join(home, "pictures.star")
	if err := os.WriteFile(script, []byte(pictureStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	draw(t, filepath.Join(pictures, "train"), 10)
	draw(t, filepath.Join(pictures, "test"), 20)
	_, text := command(t, home, "plan", script, "--trials", "--backend", "cpu", "--set", "path="+pictures)
	if code, text := command(t, home, "run", script, "--backend", "cpu", "--dir", dir, "--set", "path="+pictures); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	for _, id := range cells(t, dir, results.Trials, "trial") {
		if !strings.Contains(text, id+"  ") {
			t.Errorf("want the trial %s in the plan\n%s", id, text)
		}
	}
	if code, text := command(t, home, "plan", script, "--backend", "cpu", "--set", "path="+filepath.Join(pictures, "absent")); code != 0 {
		t.Errorf("exit code %d of a plan without IDs, which needs no images\n%s", code, text)
	}
}

// The size of the sheet is not part of a trial, so that a run may find a sheet of another size that a killed run has left.
func TestASheetOfAnotherSizeDoesNotStopATrial(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	script := filepath.Join(home, "sheet.star")
	study := strings.Replace(retryStudy, "epochs = 1)", "epochs = 1, evaluate = evaluate(sheet = p.sheet))", 1)
	study = strings.Replace(study, `{"batch": 8}`, `{"batch": 8, "sheet": 4}`, 1)
	if err := os.WriteFile(script, []byte(study), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(size int) string {
		t.Helper()
		code, text := command(t, home, "run", script, "--backend", "cpu", "--dir", dir, "--set", fmt.Sprint("sheet=", size))
		if code != 0 {
			t.Fatalf("exit code %d\n%s", code, text)
		}
		return text
	}
	run(4)
	if text := run(100); !strings.Contains(text, "2 of 2 trials already finished") {
		t.Errorf("want nothing to train for another sheet\n%s", text)
	}
	s, claim, first := begunAnew(t, dir)
	var sheet bytes.Buffer
	if err := png.Encode(&sheet, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	sample := results.Sample{Trial: first, Epoch: 1, Kind: "grid", PNG: sheet.Bytes()}
	if err := errors.Join(claim.AppendSample(sample), s.Close()); err != nil {
		t.Fatal(err)
	}
	if text := run(4); !strings.Contains(text, "2 completed of 2 trials") {
		t.Errorf("want the trial completed\n%s", text)
	}
}

// An unfinished trial keeps its checkpoint until its images are back.
func TestATrialResumesOnlyWithItsOwnImages(t *testing.T) {
	home, dir, pictures := t.TempDir(), t.TempDir(), t.TempDir()
	script := filepath.Join(home, "pictures.star")
	if err := os.WriteFile(script, []byte(pictureStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	states := func() (list []results.State) {
		if v, err := results.Open(dir); err == nil {
			defer v.Close()
			list = v.Trials()
		}
		slices.SortFunc(list, func(a, b results.State) int { return a.Started.Compare(b.Started) })
		return list
	}
	// run trains until the given trial, counted in the order in which trials began, has that many epochs, and then kills the run.
	run := func(trial, epochs int) string {
		ctx, kill := context.WithTimeout(t.Context(), time.Minute)
		defer kill()
		c := exec.CommandContext(ctx, "starsweep", "run", script, "--backend", "cpu", "--dir", dir, "--set", "path="+pictures, "--set",
			"epochs=1000000", "--set", "lr=0.001")
		c.Env = append(os.Environ(), "STARSWEEP_HOME="+home)
		go func() {
			for ctx.Err() == nil {
				if list := states(); len(list) > trial && list[trial].Epochs >= epochs {
					kill()
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		text, _ := c.CombinedOutput()
		return string(text)
	}
	draw(t, filepath.Join(pictures, "train"), 10)
	draw(t, filepath.Join(pictures, "test"), 20)
	run(0, 3)
	old := states()[0]
	if _, text := command(t, home, "report", dir); !strings.Contains(text, "best     fid ") {
		t.Errorf("want the best value of a trial that is not finished in\n%s", text)
	}
	draw(t, filepath.Join(pictures, "test"), 200)
	if got, want := run(1, 1), "unfinished: 1, whose checkpoints stay in case the old content returns"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant %q in it", got, want)
	}
	if list := states(); len(list) != 2 || list[0].Epochs != old.Epochs {
		t.Fatalf("got %+v, want the old trial with %d epochs and a new one", list, old.Epochs)
	}
	draw(t, filepath.Join(pictures, "test"), 20)
	run(0, old.Epochs+2)
	if list := states(); len(list) != 2 || list[0].Epochs < old.Epochs+2 {
		t.Errorf("got %+v, want the old trial to go on from epoch %d", list, old.Epochs)
	}
}
