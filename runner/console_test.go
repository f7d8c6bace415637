package runner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// screen is a terminal for tests. It understands line ends, cursor up, erasing and synchronized output, and it scrolls. Lines that are too
// long continue in the next row; when the screen becomes narrower, its lines are wrapped again, as on most terminals.
type screen struct {
	columns, rows int
	lines         []string // of text, each of one row or several
	row           int      // of the cursor, counted from the end: 0 is below the last line
	writes        int
}

func (s *screen) Write(p []byte) (int, error) {
	s.writes++
	text := strings.NewReplacer(beginFrame, "", endFrame, "").Replace(string(p))
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			var n int
			end := strings.IndexAny(text, "AJ")
			if text[end] == 'A' {
				fmt.Sscanf(text, "\x1b[%dA", &n)
				s.row += n
			} else {
				s.erase()
			}
			text = text[end+1:]
		case text[0] == '\r' && !strings.HasPrefix(text, "\r\n"):
			text = text[1:]
		default:
			line, rest, ended := strings.Cut(text, "\n")
			line, erased := strings.CutSuffix(strings.TrimSuffix(line, "\r"), "\x1b[K")
			if !ended || s.row > 0 && !erased {
				panic(fmt.Sprintf("a line without end, or over an old one: %q", text))
			}
			s.put(line)
			text = rest
		}
	}
	return len(p), nil
}

// put writes a line at the cursor, over one that takes one row.
func (s *screen) put(line string) {
	if s.row == 0 {
		s.lines = append(s.lines, line)
		return
	}
	at, rows := len(s.lines), 0
	for rows < s.row {
		at--
		rows += s.rowsOf(s.lines[at])
	}
	if rows != s.row || s.rowsOf(s.lines[at]) != 1 || s.rowsOf(line) != 1 {
		panic(fmt.Sprintf("%q is written over a part of %q", line, s.lines[at]))
	}
	s.lines[at] = line
	s.row--
}

func (s *screen) rowsOf(line string) int {
	return max(1, (len([]rune(line))+s.columns-1)/s.columns)
}

// erase removes everything below the cursor, which is at the beginning of a row.
func (s *screen) erase() {
	for s.row > 0 {
		last := s.lines[len(s.lines)-1]
		if n := s.rowsOf(last); n <= s.row {
			s.lines, s.row = s.lines[:len(s.lines)-1], s.row-n
		} else { // within a line: its beginning stays
			s.lines[len(s.lines)-1] = string([]rune(last)[:(n-s.row)*s.columns])
			s.row = 0
		}
	}
}

func (s *screen) show() string { return strings.Join(s.lines, "\n") }

// pinned is a console on a screen of this size, with rows of one part at its bottom.
func pinned(columns, rows int, texts ...string) (*screen, *console) {
	s := &screen{columns: columns, rows: rows}
	c := &console{to: s, size: func() (int, int) { return s.columns, s.rows }}
	c.pin(plainRows(texts...))
	return s, c
}

func plainRows(texts ...string) (rows []row) {
	for _, text := range texts {
		rows = append(rows, plainRow(text))
	}
	return rows
}

func TestMessagesScrollAboveThePinnedRows(t *testing.T) {
	s, c := pinned(80, 24, "one", "two")
	fmt.Fprint(c, "a warn")
	fmt.Fprint(c, "ing\nand more\nunfin")
	c.pin(plainRows("one goes on", "two"))
	if got, want := s.show(), "a warning\nand more\none goes on\ntwo"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c.pin(plainRows("done"))
	fmt.Fprint(c, "ished\n")
	c.release()
	c.release() // may be called again
	fmt.Fprint(c, "bye\n")
	if got, want := s.show(), "a warning\nand more\nunfinished\ndone\nbye"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A terminal that shows what it is sent piece by piece would flicker.
func TestAFrameIsOneWriteAndAnEqualOneNone(t *testing.T) {
	s, c := pinned(80, 24, "one", "two")
	if s.writes != 1 {
		t.Errorf("got %d writes for one frame", s.writes)
	}
	c.pin(plainRows("one", "two"))
	if s.writes != 1 {
		t.Errorf("got a write for an equal frame")
	}
	c.pin(plainRows("one", "2"))
	fmt.Fprint(c, "a message\n")
	if got, want := s.show(), "a message\none\n2"; s.writes != 3 || got != want {
		t.Errorf("got %d writes and\n%s\nwant 3 and\n%s", s.writes, got, want)
	}
	var b strings.Builder
	c = &console{to: &b, size: func() (int, int) { return 80, 24 }}
	c.pin(plainRows("one"))
	b.Reset()
	c.pin(plainRows("two"))
	if got, want := b.String(), beginFrame+"\r\x1b[1Atwo\x1b[K\r\n\x1b[J"+endFrame; got != want {
		t.Errorf("got %q, want %q: nothing is erased before it is written over", got, want)
	}
}

func TestPinnedRowsSurviveAResize(t *testing.T) {
	long := strings.Repeat("0123456789", 10)
	s, c := pinned(80, 24)
	fmt.Fprint(c, "before\n")
	for _, columns := range []int{80, 40, 17, 33, 120, 80} {
		s.columns = columns
		c.pin(plainRows(long, long, "study"))
		got := strings.Split(s.show(), "\n")
		if len(got) != 4 || got[0] != "before" || got[1] != cut(long, columns-1) || got[3] != "study" {
			t.Errorf("%d columns: got\n%s", columns, s.show())
		}
	}
	for _, columns := range []int{2, 1, 80} { // too narrow for anything
		s.columns = columns
		c.pin(plainRows(long, long, "study"))
	}
	s.rows = 3 // only what fits: the last rows
	c.pin(plainRows(long, "trial", "study"))
	if !slices.Equal(c.drawn, []string{"trial", "study"}) {
		t.Errorf("got %q on 3 rows", c.drawn)
	}
}

func TestColoursAreLeftOutWhereNobodyWantsThem(t *testing.T) {
	for _, colour := range []bool{true, false} {
		var b strings.Builder
		c := &console{to: &b, size: func() (int, int) { return 80, 24 }, colour: colour}
		c.pin([]row{{{text: "3 failed", style: red}}})
		if got := strings.Contains(b.String(), "\x1b[31m3 failed\x1b[m"); got != colour {
			t.Errorf("colours %t: got %q", colour, b.String())
		}
	}
}
