package plain_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/starsweep/starsweep/internal/plain"
)

type detailed struct{}

func (detailed) Error() string  { return "short" }
func (detailed) Detail() string { return "long\n  in f" }

func TestErrorsKeepTheirLinesAndEscapeThoseOfNames(t *testing.T) {
	missing := &fs.PathError{Op: "open", Path: "a\nb/\x1b[31m", Err: errors.New("no such file")}
	path := `open a\nb/\u001b[31m: no such file`
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("one"), "one"},
		{errors.New("a\nb: bad"), `a\nb: bad`},
		{missing, path},
		{fmt.Errorf("a\nb: %w", missing), `a\nb: ` + path},
		{errors.Join(missing, errors.New("two")), path + "\ntwo"},
		{fmt.Errorf("no source has it in a\nb:\n%w", errors.Join(missing, missing)), `no source has it in a\nb:` + "\n" + path + "\n" + path},
		{fmt.Errorf("%w\nor unzip a\nb", missing), path + "\n" + `or unzip a\nb`},
		{fmt.Errorf("a\nb: %w: %w", missing, errors.New("c\nd")), `a\nb: ` + path + `: c\nd`},
		{fmt.Errorf("x\n: %w", detailed{}), `x\n: ` + "long\n  in f"},
		{detailed{}, "long\n  in f"},
		{errors.Join(detailed{}, detailed{}), "long\n  in f\nlong\n  in f"},
		{hidden{missing}, `hidden\n`},
	} {
		if got := plain.Error(c.err); got != c.want {
			t.Errorf("%q: got\n%s\nwant\n%s", c.err, got, c.want)
		}
	}
}

// hidden wraps an error without showing it.
type hidden struct{ error }

func (hidden) Error() string   { return "hidden\n" }
func (h hidden) Unwrap() error { return h.error }
