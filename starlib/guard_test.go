package starlib_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/starlib"
)

// bombs are scripts that ask for gigabytes, or for eternity.
var bombs = map[string]string{
	"keys of one hash":           "def f():\n  d = {}\n  for i in range(400000):\n    d[i * (1 << 32)] = i\nf()",
	"floats of one hash":         "def f():\n  d = {}\n  for i in range(400000):\n    d[i * 4294967296.0] = i\nf()",
	"tuples of one hash":         "def f():\n  d = {}\n  for i in range(400000):\n    d[(i * (1 << 32),)] = i\nf()",
	"comprehension of one hash":  "x = {i * (1 << 32): i for i in range(400000)}",
	"setdefault of one hash":     "def f():\n  d = {}\n  for i in range(400000):\n    d.setdefault(i * (1 << 32), i)\nf()",
	"dict of pairs of one hash":  "x = dict([(i * (1 << 32), i) for i in range(200000)])",
	"asked for keys of one hash": "def f():\n  d = {}\n  for i in range(400000):\n    d.get(i * (1 << 32))\n    i * (1 << 32) in d\nf()",
	"list of a range":            `x = list(range(1000000000))`,
	"text repeated":              `x = "x" * 10000000000`,
	"text repeated by 2^29":      `x = "x" * 536870912`,
	"list repeated":              `x = [0] * 500000000`,
	"tuple repeated":             `x = 500000000 * (0,)`,
	"endless comprehension":      `x = [i for i in range(10000000000)]`,
	"dicts in comprehension":     `x = [{} for i in range(10000000000)]`,
	"nested comprehension":       `x = [0 for i in range(100000) for j in range(100000)]`,
	"list doubled":               "def f():\n  x = [0]\n  for i in range(60):\n    x = x + x\nf()",
	"list doubled in place":      "def f():\n  x = [0]\n  for i in range(60):\n    x += x\nf()",
	"text doubled":               "def f():\n  x = 'a'\n  for i in range(60):\n    x += x\nf()",
	"list extended by itself":    "def f():\n  x = [0]\n  for i in range(60):\n    x.extend(x)\nf()",
	"many long texts":            "def f():\n  x = 'a' * 1000000\n  return [x + str(i) for i in range(100000)]\nf()",
	"many slices":                "def f():\n  x = [0] * 300000\n  return [x[:] for i in range(100000)]\nf()",
	"star arguments":             "def f(*x):\n  return 0\nf(*range(1000000000))",
	"sorted":                     `x = sorted(range(1000000000))`,
	"enumerate":                  `x = enumerate(range(1000000000))`,
	"zip":                        `x = zip(range(1000000000), range(1000000000))`,
	"reversed":                   `x = reversed(range(1000000000))`,
	"sum by any":                 `x = any(range(-1000000000, 0)) or all(range(1, 1000000000))`,
	"max of a range":             `x = max(range(1000000000))`,
	"join":                       "x = ('y' * 100000).join(['z'] * 100000)",
	"replace":                    "x = ('y' * 100000).replace('y', 'z' * 100000)",
	"replace of nothing":         "x = ('y' * 100000).replace('', 'z' * 100000)",
	"format":                     "x = ('{0}' * 100000).format('z' * 100000)",
	"percent":                    "x = ('%s' * 1000) % ((('z' * 1000000),) * 1000)",
	"text of shared lists":       "def f():\n  x = [0]\n  for i in range(60):\n    x = [x, x]\n  return str(x)\nf()",
	"printed shared tuples":      "def f():\n  x = (0,)\n  for i in range(60):\n    x = (x, x)\n  print(x)\nf()",
	"failing with all":           "def f():\n  x = (0,)\n  for i in range(60):\n    x = (x, x)\n  fail(x)\nf()",
	"large integers":             "def f():\n  x = 3\n  for i in range(60):\n    x = x * x\nf()",
	"integers shifted":           "def f():\n  x = 1\n  for i in range(1000000):\n    x = x << 500\nf()",
	"integers subtracted":        "def f():\n  x = 1\n  for i in range(1000000):\n    x = x - (0 - x)\nf()",
	"large integer negated":      large("-x"),
	"large integer inverted":     large("~x"),
	"large integer divided":      large("(x // 3, x % 7)"),
	"large integer printed":      large("(str(x), '%d' % x)"),
	"large integer read":         "x = int('9' * 1000000)",
	"large integer masked":       large("(x & x, x ^ 1, x >> 1)"),
	"dict of all":                "x = dict([(i, i) for i in range(10)] * 100000000)",
	"dict united":                "def f():\n  x = {}\n  for i in range(1000000000):\n    x = x | {i: i}\nf()",
	"method by getattr":          "x = getattr('y' * 1000000, 'replace')('y', 'z' * 1000000)",
	"method as a value":          "r = ('y' * 1000000).replace\nx = r('y', 'z' * 1000000)",
	"loop":                       "def f():\n  for i in range(1000000000):\n    pass\nf()",
	"elems":                      "x = [list(('y' * 1000000).elems()) for i in range(100000)]",
	"bytes":                      "x = b'y' * 10000000000",
	"default argument":           "def f(x = [0] * 1000000000):\n  pass",
	"lambda":                     "f = lambda: [0] * 1000000000\nf()",
	"in a condition":             "x = 1 if [0] * 1000000000 else 2",
	"in an index":                "x = {0: [0] * 1000000000}[0]",
	"by a keyword":               "def f(x):\n  pass\nf(x = [0] * 1000000000)",
	"equal shared lists":         sharing("[0]", "[x, x]", "x == y"),
	"ordered shared tuples":      sharing("(0,)", "(x, x)", "x < y"),
	"wide shared lists":          "def f():\n  x = [1]\n  for i in range(8):\n    x = [x] * 1000\n  return x == x[:]\nf()",
	"list holds shared":          sharing("(0,)", "(x, x)", "x in [y]"),
	"index of shared":            sharing("(0,)", "(x, x)", "[x].index(y)"),
	"shared key":                 sharing("(0,)", "(x, x)", "{x: 1}"),
	"shared index":               sharing("(0,)", "(x, x)", "{}.get(x)"),
	"shared subscript":           sharing("(0,)", "(x, x)", "{}[x]"),
	"shared pairs":               sharing("(0,)", "(x, x)", "dict([(x, 1)])"),
	"shared by arguments":        "def g(*x):\n  return x\ndef f():\n  x = 1\n  for i in range(60):\n    x = g(x, x)\n  return {x: 1}\nf()",
	"sorted shared":              sharing("(0,)", "(x, x)", "sorted([x, y])"),
	"max of shared":              sharing("(0,)", "(x, x)", "max(x, y)"),
	"keyword dicts":              "def g(**k):\n  return k\ndef f():\n  d = {'k%d' % i: i for i in range(2000)}\n  return [g(**d) for i in range(1000000)]\nf()",
	"in two keyword dicts":       "def f(**k):\n  pass\nf(**{'x': [0] * 1000000000})",
}

// large is a script that evaluates an expression of an integer of ten thousand digits again and again.
func large(expression string) string {
	return "def f():\n  x = int('9' * 10000)\n  for i in range(400000):\n    y = " + expression + "\nf()"
}

// sharing is a script that evaluates an expression of two equal values with 2^60 leaves, each made of sixty parts.
func sharing(first, next, expression string) string {
	build := "  x = " + first + "\n  for i in range(60):\n    x = " + next + "\n  return x\n"
	return "def make():\n" + build + "def f():\n  x, y = make(), make()\n  return " + expression + "\nf()"
}

// Every bomb ends with an error that has a place, soon, and without taking memory.
func TestBombsEndWithAnError(t *testing.T) {
	before := rss(t)
	for name, source := range bombs {
		start := userTime(t)
		_, err := starlib.Loader{}.Load(context.Background(), "bomb.star", []byte(source))
		if err == nil || !strings.HasPrefix(err.Error(), "bomb.star:") || !strings.Contains(err.Error(), "the script makes too much") {
			t.Errorf("%s: got %v, want an error with its place that the script makes too much", name, err)
		}
		if d := userTime(t) - start; d > 5*time.Second {
			t.Errorf("%s: took %v of the processors, want an end soon", name, d)
		}
		runtime.GC()
	}
	if after := rss(t); after-before > 400<<20 {
		t.Errorf("the process grew from %d to %d MB", before>>20, after>>20)
	}
	t.Logf("peak memory %d MB before, %d MB after", before>>20, rss(t)>>20)
}

// Chains of elif take the compiler time by the square of their length.
func TestChainsOfElifAreBounded(t *testing.T) {
	chain := func(n int) []byte {
		return []byte("def f(x):\n  if x == 0:\n    return 0\n" + strings.Repeat("  elif x == 1:\n    return 1\n", n) + "f(2)\n")
	}
	if _, err := (starlib.Loader{}).Load(context.Background(), "chain.star", chain(1000)); err == nil ||
		!strings.Contains(err.Error(), "no global named main") {
		t.Errorf("1000: got %v, want no complaint but for main", err)
	}
	start := userTime(t)
	_, err := starlib.Loader{}.Load(context.Background(), "chain.star", chain(35_000))
	if want := "got more than 1000 elif in a row, want fewer: look the value up in a dict"; err == nil ||
		!strings.HasSuffix(err.Error(), want) {
		t.Errorf("35000: got %v, want %s", err, want)
	}
	if d := userTime(t) - start; d > 5*time.Second {
		t.Errorf("35000: took %v, want an end soon", d)
	}
}

// Dicts that programs have in earnest cost what they did.
func TestKeysThatDifferCostNothing(t *testing.T) {
	const source = "def f():\n  d = {}\n  for i in range(20000):\n    d[(i, 'a')] = i\n    d[-1 - i] = i\n    d[str(i)] = d[(i, 'a')]\n  return len(d)\nmain = f()"
	_, err := starlib.Loader{}.Load(context.Background(), "keys.star", []byte(source))
	if err == nil || !strings.Contains(err.Error(), "main: got int") {
		t.Errorf("got %v, want no complaint but for main", err)
	}
}

// What is parsed is bounded, too: the interpreter counts no steps there.
func TestFilesAreNoLargerThanParsingBears(t *testing.T) {
	long := []byte("x = " + strings.Repeat("1+", starlib.MaxSource/2) + "1")
	_, err := starlib.Loader{}.Load(context.Background(), "long.star", long)
	want := "long.star:1:1: got a file of more than 1048576 bytes, want fewer"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	loader := starlib.Loader{Read: func(string) ([]byte, error) { return long, nil }}
	_, err = loader.Load(context.Background(), "short.star", []byte(`load("long.star", "x")`))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("loaded: got %v, want %s", err, want)
	}
}

// userTime is what the process has used of the processors, which other processes cannot lengthen.
func userTime(t *testing.T) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano())
}

// rss is the peak resident memory of the process, in bytes.
func rss(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		require.Unavailable(t, "no /proc to read the memory from: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmHWM in /proc/self/status")
	return 0
}

// A network that builds without end pays for its expressions.
func TestGraphBombsEndWithAnError(t *testing.T) {
	source := strings.Replace(design, "discriminator32(norm = not wgan)", "bomb", 1)
	source = strings.Replace(source, "def trial(p):", `def bomb(x):
    y = nn.dense(flatten(x), 1)
    for i in range(1000):
        y = grad(sum(exp(y * y)), x)
    return y

def trial(p):`, 1)
	s := load(t, source)
	points, err := listed(s.Points())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Job(context.Background(), points[0]); err == nil || !strings.Contains(err.Error(), "makes too much") {
		t.Errorf("got %v, want an error that the script makes too much", err)
	}
}

// A script that would take too long for its caller ends with the caller's context.
func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l := starlib.Loader{Print: func(string) { cancel() }}
	source := "def f():\n  print('go')\n  for i in range(1000):\n    pass\nf()"
	if _, err := l.Load(ctx, "slow.star", []byte(source)); !errors.Is(err, context.Canceled) || errors.As(err, new(*starlib.Error)) {
		t.Errorf("got %v, want the end of the context, and no mistake of the script", err)
	}
}

// The interpreter's own walks never end, or overflow the stack, for values that hold themselves.
func TestValuesThatHoldThemselves(t *testing.T) {
	for source, want := range map[string]string{
		"def make():\n  def f():\n    return f\n  return f\ng = make()":                             "self.star:2:3: the function f captures itself",
		"def make():\n  x = None\n  f = lambda: x\n  x = (f,)\n  return f\ng = make()":              "self.star:3:7: the function lambda captures itself",
		"def make():\n  def f():\n    return g\n  def g():\n    return f\n  return [f]\nh = make()": "captures itself",
		"def make():\n  x = []\n  x.append(x)\n  return x\ng = make()\nmain = str(g)":               "makes too much",
		"def make():\n  x = (0,)\n  for i in range(60):\n    x = (x, x)\n  return x\ng = make()":    "makes too much",
		"def make():\n  x = (0,)\n  for i in range(100000):\n    x = (x,)\n  return x\ng = make()":  "nested more than 1000 deep",
		"def make():\n  x = [0]\n  for i in range(100000):\n    x = [x]\n  print(x)\nmake()":        "makes too much",
	} {
		_, err := starlib.Loader{}.Load(context.Background(), "self.star", []byte(source))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v, want %s", source, err, want)
		}
	}
}
