package spec

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestSpecsForTheSameImagesAreWrittenAlike(t *testing.T) {
	for _, c := range []struct {
		want  string
		specs []Data
	}{
		{`mnist(split="train", size=32)`, []Data{{Name: "mnist", Size: 32}, {Name: "mnist", Size: 32, Split: "train"}}},
		{`mnist12k(split="test")`, []Data{{Name: "mnist12k", Split: "test"}, {Name: "mnist", Subset: true, Split: "test"}}},
		{`cifar10(split="train", channels=1, classes=[2,5])`, []Data{{Name: "cifar10", Channels: 1, Classes: []int{5, 2, 5}}}},
		{`ring(split="train", modes=8, count=10000, radius=2, sigma=0.02)`, []Data{{Name: "ring"}, {Name: "ring", Modes: 8, Radius: 2}}},
		{`parquet(path="a b/\"c\"", split="train", drawn=7, column="img", label_column="y")`,
			[]Data{{Name: "parquet", Path: `a b/"c"`, Limit: 7, Column: "img", LabelColumn: "y"}}},
		{`dicom(path="x", split="train", window=(-600,1500))`, []Data{{Name: "dicom", Path: "x", Window: [2]float64{-600, 1500}}}},
		{`ellipses(split="train", size=64, count=10000, seed=18446744073709551615)`, []Data{{Name: "ellipses", Seed: math.MaxUint64}}},
	} {
		for _, spec := range c.specs {
			if got := spec.String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if err := spec.Validate(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestValidateTellsAllFaults(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		spec Data
		want []string
	}{
		{Data{Name: "imagenet"}, []string{`data set: got "imagenet", want one of mnist, mnist12k, cifar10, images`}},
		{Data{Name: "images"}, []string{"images: path: got none, want a folder or a file"}},
		{Data{Name: "mnist", Split: "all", Size: -1, Channels: 2, Limit: -3, Classes: []int{}}, []string{
			`mnist: split: got "all", want "train" or "test"`, "mnist: size: got -1", "mnist: channels: got 2, want 1, 3, or 0",
			"mnist: limit: got -3", "mnist: classes: got an empty list"}},
		{Data{Name: "mnist", Classes: []int{3, -1}, Size: 1 << 20}, []string{"classes: got [-1 3]", "size: got 1048576, want 1 to 16384"}},
		{Data{Name: "dicom", Path: "x", Window: [2]float64{40, -0.5}}, []string{"window: got centre 40 and width -0.5, want a width above 0"}},
		{Data{Name: "dicom", Path: "x", Window: [2]float64{nan, 400}}, []string{"window: got centre NaN"}},
		{Data{Name: "ring", Size: 32, Modes: -1, Count: -1, Radius: -1, Sigma: nan}, []string{"size and channels: got 32 and 0, want none",
			"modes: got -1", "count: got -1", "radius: got -1", "sigma: got NaN"}},
		{Data{Name: "grid", Modes: 24}, []string{"grid: modes: got 24, want a square such as 9, 16 or 25"}},
	} {
		err := fmt.Sprint(c.spec.Validate())
		for _, part := range c.want {
			if !strings.Contains(err, part) {
				t.Errorf("%v: got error %s, want %q in it", c.spec, err, part)
			}
		}
	}
}
