package sandbox

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/machine"
)

// bombs are scripts that ask for gigabytes, or never end.
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
	"keyword dicts": "def g(**k):\n  return k\ndef f():\n" +
		"  d = {'k%d' % i: i for i in range(2000)}\n  return [g(**d) for i in range(1000000)]\nf()",
	"in two keyword dicts": "def f(**k):\n  pass\nf(**{'x': [0] * 1000000000})",
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

// Every bomb ends soon with an error that has a place, and takes little memory.
func TestBombsEndWithAnError(t *testing.T) {
	before := rss(t)
	for name, source := range bombs {
		start := machine.Used().User
		_, err := evaluate(source, nil)
		if got := placed(err); !strings.HasPrefix(got, "test.star:") || !strings.Contains(got, "the script does too much work") {
			t.Errorf("%s: got %v, want an error with its place that the script does too much work", name, got)
		}
		if d := machine.Used().User - start; d > 5*time.Second {
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
	chain := func(n int) string {
		return ("def f(x):\n  if x == 0:\n    return 0\n" + strings.Repeat("  elif x == 1:\n    return 1\n", n) + "f(2)\n")
	}
	if _, err := evaluate(chain(1000), nil); err != nil {
		t.Errorf("1000: got %v, want no error", err)
	}
	start := machine.Used().User
	_, err := evaluate(chain(35_000), nil)
	if want := "got more than 1000 elif in a row, want fewer: look the value up in a dict"; err == nil ||
		!strings.HasSuffix(err.Error(), want) {
		t.Errorf("35000: got %v, want %s", err, want)
	}
	if d := machine.Used().User - start; d > 5*time.Second {
		t.Errorf("35000: took %v, want an end soon", d)
	}
}

// Keys with different hashes cost nothing more.
func TestKeysThatDifferCostNothing(t *testing.T) {
	const source = `
def f():
    d = {}
    for i in range(20000):
        d[(i, 'a')] = i
        d[-1 - i] = i
        d[str(i)] = d[(i, 'a')]
f()`
	if _, err := evaluate(source, nil); err != nil {
		t.Errorf("got %v, want no error", placed(err))
	}
}

// The interpreter's own walks of values that hold themselves do not end, or overflow the stack.
func TestValuesThatHoldThemselves(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"def make():\n  def f():\n    return f\n  return f\ng = make()",
			"test.star:2:3: the function f captures itself"},
		{"def make():\n  x = None\n  f = lambda: x\n  x = (f,)\n  return f\ng = make()",
			"test.star:3:7: the function lambda captures itself"},
		{"def make():\n  def f():\n    return g\n  def g():\n    return f\n  return [f]\nh = make()",
			"captures itself"},
		{"def make():\n  x = []\n  x.append(x)\n  return x\ng = make()\nmain = str(g)",
			"does too much work"},
		{"def make():\n  x = (0,)\n  for i in range(60):\n    x = (x, x)\n  return x\ng = make()",
			"does too much work"},
		{"def make():\n  x = (0,)\n  for i in range(100000):\n    x = (x,)\n  return x\ng = make()",
			"nested more than 1000 deep"},
		{"def make():\n  x = [0]\n  for i in range(100000):\n    x = [x]\n  print(x)\nmake()",
			"does too much work"},
	} {
		_, err := evaluate(c.source, nil)
		if got := placed(err); !strings.Contains(got, c.want) {
			t.Errorf("%s\ngot %v, want %s", c.source, got, c.want)
		}
	}
}
