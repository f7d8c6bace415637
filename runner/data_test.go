package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
)

// classes is a folder of class folders, with a file that is not a picture.
func classes(t *testing.T, names ...string) string {
	dir := t.TempDir()
	for i, name := range names {
		fatal(t, os.MkdirAll(filepath.Join(dir, name), 0o777))
		for file, b := range photos(t, 4, 4, false, 50*i, 50*i+20) {
			fatal(t, os.WriteFile(filepath.Join(dir, name, file), b, 0o666))
		}
	}
	fatal(t, os.WriteFile(filepath.Join(dir, names[0], "x.heic"), nil, 0o666))
	return dir
}

func TestEvalTakesPicturesBesideSubFolders(t *testing.T) {
	dir := classes(t, "a", "test", "train")
	for file, b := range photos(t, 2, 4, false, 0, 200) {
		fatal(t, os.WriteFile(filepath.Join(dir, file), b, 0o666))
	}
	v, stderr, code := eval(t, "--real", dir, "--fake", dir, "--features", "pixels", "--metrics", "fid")
	if code != 0 || v.Real.Samples != 14 {
		t.Errorf("got exit code %d, %d samples, want 14: %s", code, v.Real.Samples, stderr)
	}
	if want := dir + ": left out files that are not PNG, JPEG, GIF, BMP, TIFF or WebP images: 1 .heic\n"; !strings.Contains(stderr, want) {
		t.Errorf("got %q, want %q", stderr, want)
	}
}

func TestMessagesOfEvalNameItsFlags(t *testing.T) {
	mixed := photos(t, 3, 4, true, 0, 256)
	for _, b := range photos(t, 1, 5, true, 0, 256) {
		mixed["x.png"] = b
	}
	colour := photos(t, 3, 4, true, 0, 256)
	for _, b := range photos(t, 1, 4, false, 0, 256) {
		colour["x.png"] = b
	}
	for want, path := range map[string]string{"want 4 x 4 as the first image is: set --size\n": folder(t, "sizes", mixed),
		"set --channels to 1 or 3\n": folder(t, "channels", colour)} {
		if _, stderr, code := eval(t, "--real", path, "--fake", path, "--features", "pixels"); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("got exit code %d, %q, want %q", code, stderr, want)
		}
	}
}

func TestCheckRefusesSetsThatNoMemoryHolds(t *testing.T) {
	script := filepath.Join(t.TempDir(), "study.star")
	fatal(t, os.WriteFile(script, []byte(`
load("@std//losses.star", "hinge")

def trial(p):
    return gan(data = ellipses(size = 512, count = 2000000000),
        generator = lambda z: reshape(nn.dense(z, 512 * 512), h = 512, w = 512, c = 1),
        discriminator = lambda x: nn.dense(flatten(x), 1), latent = normal(2), loss = hinge(), optimizer = sgd(lr = 0.1),
        batch = 2, epochs = 1)

main = study(trial = trial)
`), 0o666))
	want := "study.star:5:15: data: ellipses: 2000000000 phantoms of 512 x 512 need 524.3 TB of memory, and one set may take "
	if code, text := command(t, t.TempDir(), "check", script); code != 11 || !strings.Contains(text, want) {
		t.Errorf("got exit code %d, %q, want %q", code, text, want)
	}
}

func TestDataShowSaysWhatIsLeftOut(t *testing.T) {
	code, text := command(t, t.TempDir(), "data", "show", "images", "--path", classes(t, "boat", "train"))
	for _, want := range []string{"8 images of 4 x 4 x 3, 2 classes", "classes boat, train", "note: the folder train counts as a class",
		"note: left out files that are not PNG, JPEG, GIF, BMP, TIFF or WebP images: 1 .heic"} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("got exit code %d, %q, want %q", code, text, want)
		}
	}
}

// Every argument of a data set is a flag of data show, except those that say what a script expects.
func TestDataShowTakesTheArgumentsOfEverySet(t *testing.T) {
	_, help := command(t, t.TempDir(), "data", "show", "--help")
	for _, s := range data.Declarations() {
		for arg := range strings.FieldsSeq(s.Args) {
			arg = strings.ReplaceAll(strings.TrimSuffix(arg, "?"), "_", "-")
			if !slices.Contains([]string{"labels", "subset"}, arg) && !strings.Contains(help, "--"+arg+" ") {
				t.Errorf("%s: data show has no flag --%s", s.Name, arg)
			}
		}
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"ring --modes 3 --count 6 --radius 1 --sigma 0.1 --seed 2", 0, "ring: 6 images of 1 x 1 x 2, 3 classes"},
		{"ellipses --count 2 --size 16", 0, "ellipses: 2 images of 16 x 16 x 1, no classes"},
		{"mnist12k --limit 3 --classes 1,2", 0, "mnist12k: 3 images of 28 x 28 x 1, 10 classes"},
		{"mnist12k --modes 3", 2, "--modes: mnist12k has no such argument"},
		{"mnist12k --plane axial", 2, "--plane: mnist12k has no such argument"},
		{"nifti --path . --window 40", 2, `got "40", want two numbers such as -600,1500`},
		{"nifti --path . --slices 0.8,0.2", 2, "slices: got 0.8 to 0.2, want a part of 0 to 1"},
		{"nifti --path . --plane oblique", 2, `plane: got "oblique", want one of axial, coronal, sagittal`},
		{"nosuch --modes 3", 2, `data set: got "nosuch", want one of mnist`},
	} {
		code, text := command(t, t.TempDir(), append([]string{"data", "show"}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: got exit code %d, %q, want %d, %q", c.args, code, text, c.code, c.want)
		}
	}
}

func TestTheHelpOfUnknownCommandsIsAUsageError(t *testing.T) {
	for args, want := range map[string]string{
		"help nosuch":      `starsweep has no command "nosuch"`,
		"help data nosuch": `starsweep data has no command "nosuch"`,
	} {
		if code, text := command(t, t.TempDir(), strings.Fields(args)...); code != 2 || !strings.Contains(text, want) {
			t.Errorf("%s: got exit code %d, %q, want 2, %q", args, code, text, want)
		}
	}
	if code, text := command(t, t.TempDir(), "help", "data", "get"); code != 0 || !strings.Contains(text, "Get downloads a data set") {
		t.Errorf("help data get: got exit code %d, %q", code, text)
	}
}

func TestRunWarnsOnceOfWhatIsLeftOutAndRefusesOtherLabels(t *testing.T) {
	dir := classes(t, "a", "b")
	script := filepath.Join(t.TempDir(), "study.star")
	for _, c := range []struct {
		labels, code int
		want         string
	}{
		{2, 0, dir + ": left out files that are not PNG, JPEG, GIF, BMP, TIFF or WebP images: 1 .heic\n"},
		{3, 11, "data: got images of 2 classes, but the script says labels = 3"},
	} {
		fatal(t, os.WriteFile(script, fmt.Appendf(nil, `
load("@std//losses.star", "hinge")

def G(z):
    return reshape(nn.dense(z, 48), h = 4, w = 4, c = 3)

def trial(p):
    return gan(data = images(path = %q, size = 4, channels = 3, labels = %d, limit = p.limit), generator = G,
        discriminator = lambda x: nn.dense(flatten(x), 1), latent = normal(2), loss = hinge(),
        optimizer = sgd(lr = 0.1), batch = 2, epochs = 1)

main = study(trial = trial, space = {"limit": choice(4, 6)})
`, dir, c.labels), 0o666))
		code, text := command(t, t.TempDir(), "run", script, "--dir", filepath.Join(t.TempDir(), "run"), "--backend", "cpu")
		if code != c.code || strings.Count(text, c.want) != 1 {
			t.Errorf("labels = %d: got exit code %d, %q, want %d, %q once", c.labels, code, text, c.code, c.want)
		}
	}
}
