package plain_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/plain"
)

func TestWhatCouldMoveTheCursorIsEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"lr=0.001 \"ns\" é 日本 👩‍🔬":  "lr=0.001 \"ns\" é 日本 👩‍🔬",
		"\x1b[2J\x1b[31mRED":        `\u001b[2J\u001b[31mRED`,
		"a\nb\tc\rd\x00\x7f":        `a\nb\tc\rd\u0000\u007f`,
		"c1 \u009b31m":              `c1 \u009b31m`,
		"abc\u202egnp.exe":          `abc\u202egnp.exe`,
		"\u2028\u2066\u200f\u061c.": `\u2028\u2066\u200f\u061c.`,
		"not \xff utf-8 \xe2\x82":   `not \xff utf-8 \xe2\x82`,
		"� is a character":          "� is a character",
	} {
		if got := plain.Line(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestValuesAreQuotedWhereTheyAreNotOneWord(t *testing.T) {
	for in, want := range map[string]string{
		"ns-gan": "ns-gan", "": `""`, "a b": `"a b"`, `say "x"`: `"say \"x\""`, `\n`: `"\\n"`, "a\nb": `"a\nb"`, "x=1": `"x=1"`,
	} {
		if got := plain.Value(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestAWriterEscapesCharactersThatAreSplitBetweenWrites(t *testing.T) {
	const in = "fid\t1.5\n\x1b[31mé日\u202e\n"
	const want = "fid\t1.5\n" + `\u001b[31mé日\u202e` + "\n"
	for step := 1; step <= len(in); step++ {
		var b strings.Builder
		w := plain.NewWriter(&b)
		for at := 0; at < len(in); at += step {
			if n, err := w.Write([]byte(in[at:min(len(in), at+step)])); err != nil || n == 0 {
				t.Fatal(n, err)
			}
		}
		if b.String() != want {
			t.Errorf("%d bytes at a time: got %q, want %q", step, b.String(), want)
		}
	}
}

func TestEscapedJSONHasTheSameValues(t *testing.T) {
	const value = "\x1b\u009b\u202e\u2028\r\n é"
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if _, err := plain.NewWriter(&b).Write(encoded); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil || got != value {
		t.Errorf("%s: got %q, %v; want %q", b.String(), got, err, value)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for text, want := range map[string]string{"=1+1": "'=1+1", "@sum": "'@sum", "-x": "'-x", "\tx": "'\tx", "ns-gan": "ns-gan", "": ""} {
		if got := plain.Cell(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
