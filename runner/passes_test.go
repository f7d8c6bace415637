package runner

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/pass"
)

// Without a terminal, a pass prints a line every ten seconds, and at its end if it has printed one before. A short pass prints none.
func TestPassesPrintALineEveryTenSeconds(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := newPasses(&Env{Stderr: &out, Now: func() time.Time { return now }})
	long := pass.Observer(p.watch).Begin("real images through inception", 1000)
	short := pass.Observer(p.watch).Begin("generated images through inception", 10)
	for range 50 {
		now = now.Add(time.Second)
		long.Advance(20)
		if short.Over {
			continue
		}
		if short.Advance(2); short.Done == 10 {
			short.End()
		}
	}
	long.End()
	want := "real images through inception: 200 of 1000, 20/s, 40s left\n" +
		"real images through inception: 400 of 1000, 20/s, 30s left\n" +
		"real images through inception: 600 of 1000, 20/s, 20s left\n" +
		"real images through inception: 800 of 1000, 20/s, 10s left\n" +
		"real images through inception: 1000 of 1000, 20/s, 0s left\n" +
		"real images through inception: 1000 of 1000, 20/s, in 50s\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestPassesAreALineOfTheTerminalWhileTheyLast(t *testing.T) {
	s := &screen{columns: 80, rows: 24}
	c := &console{to: s, size: func() (int, int) { return s.columns, s.rows }}
	now := time.Unix(0, 0)
	p := newPasses(&Env{Stderr: c, console: c, Size: c.size, Now: func() time.Time { return now }})
	one := pass.Observer(p.watch).Begin("real images through small-mnist", 100)
	now = now.Add(500 * time.Millisecond)
	one.Advance(1)
	if got := s.show(); strings.TrimSpace(got) != "" {
		t.Errorf("half a second: got %q", got)
	}
	now = now.Add(1500 * time.Millisecond)
	one.Advance(9)
	if got, want := s.show(), "real images through small-mnist:  10 of 100  5/s  18s left"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	rows := p.join() // a study begins
	if got := s.show(); strings.TrimSpace(got) != "" {
		t.Errorf("with a picture: got %q", got)
	}
	for columns, want := range map[int]string{80: "real images through small-mnist:  10 of 100  5/s  18s left",
		40: "real images thro… 10 of 100 5/s 18s left",
		20: "10 of 100 18s left", 10: "18s left"} {
		if got := rows(); len(got) != 1 || got[0].text(columns) != want {
			t.Errorf("the rows of the picture: got %q, want %q", got[0].text(columns), want)
		}
	}
	one.End()
	if got := rows(); len(got) != 0 {
		t.Errorf("after the end: got %q", got[0].text(80))
	}
}
