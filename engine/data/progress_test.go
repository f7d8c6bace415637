package data

import (
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/pass"
)

// Reading a set reports every image once, and ends.
func TestReadingImagesReportsItsProgress(t *testing.T) {
	var last pass.Pass
	calls := 0
	st := &Store{Progress: func(p *pass.Pass) {
		if p.Done < last.Done {
			t.Errorf("got %d images after %d", p.Done, last.Done)
		}
		last = *p
		calls++
	}}
	set, err := st.Open(t.Context(), spec.Data{Name: "ellipses", Count: 50, Size: 16})
	if err != nil {
		t.Fatal(err)
	}
	if last.What != "reading images of ellipses" || last.Done != set.N || last.Total != set.N || !last.Over || calls != set.N+2 {
		t.Errorf("got %+v after %d calls, want %d of %d images, over", last, calls, set.N, set.N)
	}
}
