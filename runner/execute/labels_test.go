package execute

import (
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
)

func TestLabelsMustMatchTheScript(t *testing.T) {
	set := &data.Set{N: 4, Classes: 3, Labels: []int32{0, 2, 2, 0}, ClassNames: []string{"cat", "dog", "fox"}}
	whole := &data.Set{N: 3, Classes: 3, Labels: []int32{0, 2, 1}}
	for _, c := range []struct {
		d      spec.Data
		set    *data.Set
		labels int
		want   string
	}{
		{spec.Data{Name: "images"}, whole, 3, ""},
		{spec.Data{Name: "images"}, whole, 0, ""}, // not said: nothing reads them
		{spec.Data{Name: "images"}, whole, 10, "got images of 3 classes, but the script says labels = 10"},
		{spec.Data{Name: "parquet"}, whole, 2, "got images of 3 classes, but the script says labels = 2"},
		{spec.Data{Name: "dicom"}, &data.Set{N: 3}, 2, "the images have no labels, but the script says labels = 2"},
		{spec.Data{Name: "images"}, set, 3, `no image has the label 1 ("dog"): list the labels that exist in classes = [...]`},
		{spec.Data{Name: "images", Limit: 2}, set, 3, `("dog"): raise limit, or list`},
		{spec.Data{Name: "images", Classes: []int{2, 0}}, set, 3, ""},
		{spec.Data{Name: "images", Classes: []int{2, 1}}, set, 3, `no image has the label 1 ("dog")`},
		{spec.Data{Name: "mnist"}, &data.Set{N: 1, Classes: 10, Labels: []int32{4}}, 10, ""},
		{spec.Data{Name: "mnist"}, &data.Set{N: 1, Classes: 26, Labels: []int32{4}}, 10, "got images of 26 classes, want 10"},
	} {
		c.d.Files = c.d.Name != "mnist"
		err := checkLabels(c.d, c.set, c.labels)
		if got := ""; err != nil {
			got = err.Error()
			if c.want == "" || !strings.Contains(got, c.want) {
				t.Errorf("%v: got %q, want %q", c.d, got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("%v: got no error, want %q", c.d, c.want)
		}
	}
}
