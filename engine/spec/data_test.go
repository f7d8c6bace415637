package spec

import (
	"errors"
	"strings"
	"testing"
)

// swiss is a set that is drawn.
var swiss = DataSet{Name: "swiss", Points: true, Default: Data{Count: 100, Radius: 2}, Check: func(d Data) error {
	if d.Count%2 == 1 {
		return errors.New("count: got an odd number")
	}
	return nil
}}

func TestACompleteRequestHasEveryDefault(t *testing.T) {
	for want, d := range map[string]Data{
		`swiss(split="train", count=100, radius=2)`: {},
		`swiss(split="test", classes=[2,5], limit=3, count=8, radius=2, seed=1)`: {Split: "test", Count: 8, Limit: 3, Seed: 1,
			Classes: []int{5, 2, 5}},
	} {
		if got := swiss.Complete(d).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	files := DataSet{Name: "slides", Files: true}
	if got := files.Complete(Data{Path: "x", Limit: 7}).String(); got != `slides(path="x", split="train", drawn=7)` {
		t.Errorf("got %s", got)
	}
	if got := files.Complete(Data{Path: "x", Limit: 7}).Test().String(); got != `slides(path="x", split="test")` {
		t.Errorf("got the test split %s", got)
	}
}

func TestTheCheckOfASetComesAfterThoseOfAll(t *testing.T) {
	err := swiss.Validate(Data{Split: "val", Count: 7, Size: 4})
	if want := "split: got \"val\", want \"train\" or \"test\"\nsize and channels: got 4 and 0, want none: the set holds points\n" +
		"count: got an odd number"; err == nil || strings.TrimSpace(err.Error()) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
