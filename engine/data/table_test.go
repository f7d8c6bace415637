package data

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

func TestRowsOfTheTableAreComplete(t *testing.T) {
	language, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sets {
		if r.Doc == "" || r.from == "" || r.find == nil || (r.Default.Count > 0) != (r.drawn != nil) {
			t.Errorf("%s: got no description, origin or way to open it, or no memory of examples that are drawn", r.Name)
		}
		if r.known == nil && !r.Files && r.drawn == nil {
			t.Errorf("%s: got a set that is neither published nor the user's own files nor drawn", r.Name)
		}
		if d := r.Default; d.Size != 0 && d.Size != r.Size || r.drawn != nil && !r.Points && d.Size == 0 {
			t.Errorf("%s: got the size %d, and %d by default, want the same", r.Name, r.Size, d.Size)
		}
		if r.Subset != "" {
			if s, ok := lookup(r.Subset); !ok || s.Builtin != "" {
				t.Errorf("%s: got the subset %q, want a set without a builtin", r.Name, r.Subset)
			}
		}
		if row := "| `" + r.Builtin + "` |"; r.Builtin != "" && !strings.Contains(string(language), row) {
			t.Errorf("docs/language.md has no row %s", row)
		}
		for arg := range strings.FieldsSeq(r.Args) {
			if !regexp.MustCompile(`^[a-z_]+\??$`).MatchString(arg) {
				t.Errorf("%s: got the argument %q", r.Name, arg)
			}
		}
	}
}

// The generator of a set that is drawn has 8 bytes for its name: sets whose names agree in them would share their draws.
func TestSetsThatAreDrawnHaveStreamsOfTheirOwn(t *testing.T) {
	taken := map[string]string{"subset": "the choice of a limited number of files", "grid": "gaussian_grid"} // survey.selection, findGrid
	for _, r := range sets {
		if r.drawn == nil {
			continue
		}
		stream := r.Name[:min(8, len(r.Name))]
		if owner := taken[stream]; owner != "" {
			t.Errorf("%s: its first 8 bytes are those of %s", r.Name, owner)
		}
		taken[stream] = r.Name
	}
}

// The cache holds images of a set that is drawn under the identity of its source, which changes with the code that draws.
func TestSetsThatAreDrawnAndCachedHaveAnIdentity(t *testing.T) {
	for _, r := range sets {
		if r.drawn == nil {
			continue
		}
		wanted, _, err := complete(spec.Data{Name: r.Name})
		if err != nil {
			t.Fatal(err)
		}
		src, err := r.find(t.Context(), store(t), wanted)
		if err != nil {
			t.Fatal(err)
		}
		if identity, err := src.identity(); err != nil || (identity == "") != r.Points {
			t.Errorf("%s: got the identity %q and %v, want one of images that are drawn, and none of points, which are not cached", r.Name,
				identity, err)
		}
	}
}

func TestRequestsForTheSameImagesAreWrittenAlike(t *testing.T) {
	for _, c := range []struct {
		want  string
		asked []spec.Data
	}{
		{`mnist(split="train", size=32)`, []spec.Data{{Name: "mnist", Size: 32}, {Name: "mnist", Size: 32, Split: "train"}}},
		{`mnist12k(split="test")`, []spec.Data{{Name: "mnist12k", Split: "test"}}},
		{`cifar10(split="train", channels=1, classes=[2,5])`, []spec.Data{{Name: "cifar10", Channels: 1, Classes: []int{5, 2, 5}}}},
		{`ring(split="train", modes=8, count=10000, radius=2, sigma=0.02)`, []spec.Data{{Name: "ring"}, {Name: "ring", Modes: 8, Radius: 2}}},
		{`parquet(path="a b/\"c\"", split="train", drawn=7, column="img", label_column="y")`,
			[]spec.Data{{Name: "parquet", Path: `a b/"c"`, Limit: 7, Column: "img", LabelColumn: "y"}}},
		{`dicom(path="x", split="train", window=(-600,1500))`, []spec.Data{{Name: "dicom", Path: "x", Window: [2]float64{-600, 1500}}}},
		{`nifti(path="x", split="train", plane=axial, slices=(0.2,0.8))`, []spec.Data{
			{Name: "nifti", Path: "x", Slices: [2]float64{0.2, 0.8}}, {Name: "nifti", Path: "x", Plane: "axial", Slices: [2]float64{0.2, 0.8}}}},
		{`ellipses(split="train", size=64, count=10000, seed=18446744073709551615)`, []spec.Data{{Name: "ellipses", Seed: math.MaxUint64}}},
	} {
		for _, d := range c.asked {
			if got, _, err := complete(d); err != nil || got.String() != c.want {
				t.Errorf("got %v and %v, want %s", got, err, c.want)
			}
		}
	}
}

func TestRequestsAreRefusedWithAllReasons(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		asked spec.Data
		want  []string
	}{
		{spec.Data{Name: "imagenet"}, []string{`data set: got "imagenet", want one of mnist, mnist12k, cifar10, images`}},
		{spec.Data{Name: "images"}, []string{"images: path: got none, want a folder or a file"}},
		{spec.Data{Name: "mnist", Split: "all", Size: -1, Channels: 2, Limit: -3, Classes: []int{}}, []string{
			`mnist: split: got "all", want "train" or "test"`, "mnist: size: got -1", "mnist: channels: got 2, want 1, 3, or 0",
			"mnist: limit: got -3", "mnist: classes: got an empty list"}},
		{spec.Data{Name: "mnist", Classes: []int{3, -1}, Size: 1 << 20}, []string{"classes: got [-1 3]", "size: got 1048576, want 1 to 16384"}},
		{spec.Data{Name: "dicom", Path: "x", Window: [2]float64{40, -0.5}}, []string{
			"window: got centre 40 and width -0.5, want a width above 0"}},
		{spec.Data{Name: "dicom", Path: "x", Window: [2]float64{nan, 400}}, []string{"window: got centre NaN"}},
		{spec.Data{Name: "nifti", Path: "x", Plane: "oblique", Slices: [2]float64{0.5, 0.5}}, []string{
			`nifti: plane: got "oblique", want one of axial, coronal, sagittal`, "nifti: slices: got 0.5 to 0.5, want a part of 0 to 1"}},
		{spec.Data{Name: "nifti", Path: "x", Slices: [2]float64{0, nan}}, []string{"nifti: slices: got 0 to NaN"}},
		{spec.Data{Name: "ring", Size: 32, Modes: -1, Count: -1, Radius: -1, Sigma: nan}, []string{"size and channels: got 32 and 0, want none",
			"modes: got -1", "count: got -1", "radius: got -1", "sigma: got NaN"}},
		{spec.Data{Name: "gaussian_grid", Modes: 24}, []string{"gaussian_grid: modes: got 24, want a square such as 9, 16 or 25"}},
	} {
		_, _, refused := complete(c.asked)
		err := fmt.Sprint(refused)
		for _, part := range c.want {
			if !strings.Contains(err, part) {
				t.Errorf("%v: got error %s, want %q in it", c.asked, err, part)
			}
		}
	}
}
