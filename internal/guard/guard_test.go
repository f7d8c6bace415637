package guard

import (
	"context"
	"strings"
	"testing"
)

func TestAPanicIsOneLineThatNamesThePlace(t *testing.T) {
	var none []int
	for what, f := range map[string]func() error{
		"index out of range": func() error { _ = none[len(what())]; return nil },
		"nil pointer":        func() error { var p *struct{ x int }; p.x = 0; return nil },
		"no luck":            func() error { panic("no luck") },
	} {
		err := Run(f)
		if err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "(guard_test.go:") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s and its place in one line", err, what)
		}
	}
	ended, err := Interruptible(context.Background(), func() error { panic("no luck elsewhere") }) // on its own goroutine
	if !ended || err == nil || !strings.Contains(err.Error(), "no luck elsewhere, in ") {
		t.Errorf("got %v, want the panic", err)
	}
	if err := Run(func() error { return nil }); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

// what hides from the compiler that an index is out of range.
func what() string { return "what" }
