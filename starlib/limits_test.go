package starlib_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// The size of files is bounded as well: parsing counts no steps.
func TestFilesAreNoLargerThanParsingBears(t *testing.T) {
	long := []byte("x = " + strings.Repeat("1+", sandbox.MaxSource/2) + "1")
	_, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "long.star", long)
	want := "long.star:1:1: got a file of more than 1048576 bytes, want fewer"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	loader := starlib.Loader{Catalogue: catalogue, Read: func(string) ([]byte, error) { return long, nil }}
	_, err = loader.Load(context.Background(), "short.star", []byte(`load("long.star", "x")`))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("loaded: got %v, want %s", err, want)
	}
}

// A network that makes too many expressions pays for them.
func TestGraphBombsEndWithAnError(t *testing.T) {
	source := strings.Replace(design, "discriminator32(norm = not wgan)", "bomb", 1)
	source = strings.Replace(source, "def trial(p):", `def bomb(x):
    y = nn.dense(flatten(x), 1)
    for i in range(1000):
        y = grad(sum(exp(y * y)), x)
    return y

def trial(p):`, 1)
	s := load(t, source)
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Job(context.Background(), points[0]); err == nil || !strings.Contains(err.Error(), "does too much work") {
		t.Errorf("got %v, want an error that the script does too much work", err)
	}
}

// A script ends with the context of its caller.
func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l := starlib.Loader{Catalogue: catalogue, Print: func(string) { cancel() }}
	source := "def f():\n  print('go')\n  for i in range(1000):\n    pass\nf()"
	if _, err := l.Load(ctx, "slow.star", []byte(source)); !errors.Is(err, context.Canceled) || errors.As(err, new(*starlib.Error)) {
		t.Errorf("got %v, want the end of the context, not an error of the script", err)
	}
}
