package starlib_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/starlib"
)

// text is everything in a job that decides its trials.
func text(job *model.Job) string {
	s := fmt.Sprintln(job.Program.Fingerprint(), job.Program.Config, job.Data, job.Epochs, job.Evaluation)
	for _, r := range job.Reals {
		s += fmt.Sprintln(r.Site, r.Value)
	}
	for _, c := range job.Columns() {
		s += fmt.Sprintln(c.Name, c.Value)
	}
	return s
}

// sameJobs compares the jobs of a study with those of separate evaluations without symbols.
func sameJobs(t *testing.T, shared *starlib.Study, points []spec.Point, fresh func() *starlib.Study) {
	t.Helper()
	for _, p := range points {
		got, err := shared.Job(context.Background(), p)
		want, wantErr := fresh().PlainJob(context.Background(), p)
		switch {
		case err != nil || wantErr != nil:
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%v: got the error\n%v\nwant\n%v", p, err, wantErr)
			}
		case text(got) != text(want):
			t.Errorf("%v: got\n%s\nwant\n%s", p, text(got), text(want))
		}
		if t.Failed() {
			return
		}
	}
}

func pointsOf(t *testing.T, s *starlib.Study) []spec.Point {
	t.Helper()
	points, err := listed(s)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

func TestExamplesHaveTheJobsOfPlainEvaluations(t *testing.T) {
	files, err := filepath.Glob("../examples/*.star")
	if more := os.Getenv("STARSWEEP_SCRIPTS"); more != "" {
		files, err = filepath.Glob(more)
	}
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d examples, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(filepath.Dir(path), name)) }
			study := func() *starlib.Study {
				s, err := starlib.Loader{Catalogue: catalogue, Reserved: results.Reserved(), Read: read}.Load(context.Background(), path, source)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			s := study()
			points := pointsOf(t, s)
			every := max(1, len(points)/6)
			var some []spec.Point
			for i := 0; i < len(points); i += every {
				some = append(some, points[i])
			}
			sameJobs(t, s, some, study)
		})
	}
}

// numbers are studies of p's numbers a and b, floats, and k, an int. %s is the trial's body, %s the loss, %s the rate.
const numbers = `
load("@std//losses.star", "hinge", "wasserstein_gp", "dragan", "r1", "label_smoothing")
load("@std//mlp.star", "mlp")

def pick(x, y):
    return x if x > y else y

def trial(p):
    %s
    def critic(D, G, x, z):
        y, m = mean(D(x)), mean(square(D(stop_gradient(G(z)))))
        return %s
    return gan(data = ring(), generator = mlp([3], 2), discriminator = mlp([3], 1), latent = normal(2),
        loss = loss(critic = critic, generator = lambda D, G, z: -mean(D(G(z)))),
        optimizer = sgd(lr = %s), batch = 4, epochs = 1)

main = study(trial = trial, space = {"a": uniform(0.1, 3), "b": uniform(0.1, 3), "k": integers(1, 9), "s": choice("u", "v")},
    search = random(trials = %d, seed = 3))
`

func numberStudy(t *testing.T, body, loss, lr string, trials int) *starlib.Study {
	t.Helper()
	return studyOf(t, fmt.Sprintf(numbers, body, loss, lr, trials))
}

func studyOf(t *testing.T, source string) *starlib.Study {
	t.Helper()
	s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "s.star", []byte(source))
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	return s
}

// decisions are uses of numbers of p that decide something or nothing: the body of trial, the loss and the learning rate, with the most
// evaluations that the points of a study need. Of 40 points all differ in real numbers, and 9 in integers.
var decisions = []struct {
	body, loss, lr string
	evaluations    int
}{
	{"w = p.a", "w * y + m", "p.b", 1},
	{"w = 10 * p.a / p.b - 1", "w * y + m", "0.1", 1},
	{"w = real(p.a, name = 'w')", "w * y + (w * 2) * m", "0.1", 1},
	{"w = -p.a + math.sqrt(p.b)", "w * y + m", "p.a / 100", 1},
	{"w = linear(p.a, p.b, epochs = 3)", "w * y + m", "w * 0.1", 1},
	{"w = piecewise([p.a, p.b, 0.5], epochs = [1, 2])", "w * y + m", "0.1", 1},
	{"w = cosine(p.a, 0, epochs = p.b)", "w * y + m", "0.1", 1},
	{"w = max(p.a, p.b)", "w * y + m", "0.1", 1},
	{"w = abs(p.a - p.b)", "w * y + m", "0.1", 1},
	{"w = float(p.k)", "w * y + m", "0.1", 1},
	{"w = real(p.k)", "w * y + m", "0.1", 1},
	{"w = p.a * p.k", "w * y + m", "0.1", 1},
	{"pass", "p.a * y + 3 * p.b * m", "0.1", 1},
	{"pass", "wasserstein_gp(weight = p.a).critic(D, G, x, z)", "0.1", 1},
	{"pass", "dragan(weight = p.a, reach = p.b).critic(D, G, x, z)", "0.1", 1},
	{"pass", "r1(weight = p.a).critic(D, G, x, z)", "0.1", 1},
	{"g = wasserstein_gp(weight = p.a)", "g.critic(D, G, x, z)", "p.a", 1},
	{"pass", "leaky_relu(y, slope = p.a) + m", "0.1", 1},
	{"pass", "clamp(y, -p.a, p.a) + m", "0.1", 1},
	{"pass", "maximum(y, p.a) + m", "0.1", 1},
	{"ws = [p.a, p.b]", "ws[0] * y + ws[1] * m", "0.1", 1},
	{"ws = {'a': p.a, 'b': (p.b, 1)}", "ws['a'] * y + ws['b'][0] * m", "0.1", 1},
	{"o = struct(w = p.a)", "o.w * y + m", "0.1", 1},
	{"w = pick(p.a, 0)\n    pass", "w * y + m", "0.1", all},
	{"w = p.a if p.a > 1 else p.b", "w * y + m", "0.1", all},
	{"w = p.b if p.a else 1.0", "w * y + m", "0.1", all},
	{"w = p.a or 3.0", "w * y + m", "0.1", all},
	{"w = p.b if p.s == 'u' else p.a", "w * y + m", "0.1", 2},
	{"w = p.b if type(p.a) == 'float' else 0.0", "w * y + m", "0.1", 1},
	{"w = 1.0 if p.a in [1, p.b] else p.a", "w * y + m", "0.1", all},
	{"w = 1.0 if [p.a] == [p.b] else p.a", "w * y + m", "0.1", all},
	{"w = 1.0 if (p.a, 1) < (p.b, 1) else p.a", "w * y + m", "0.1", all},
	{"w = sorted([p.a, 1.0, p.b])[1]", "w * y + m", "0.1", all},
	{"w = min([p.a, 1.0])", "w * y + m", "0.1", all},
	{"w = max(p.a, 1)", "w * y + m", "0.1", all},
	{"w = len(str(p.a)) * 1.0", "w * y + m", "0.1", all},
	{"w = len('%s' % p.a) * 1.0", "w * y + m", "0.1", all},
	{"w = len('%d' % p.k) * 1.0", "w * y + m", "0.1", ints},
	{"w = len('%r' % [p.a]) * 1.0", "w * y + m", "0.1", all},
	{"w = len('{}'.format(p.a)) * 1.0", "w * y + m", "0.1", all},
	{"w = len(repr(struct(w = p.a))) * 1.0", "w * y + m", "0.1", all},
	{"w = {p.a: 2.0}.get(p.b, 3.0)", "w * y + m", "0.1", all},
	{"w = {1.0: p.a}[1.0]", "w * y + m", "0.1", 1},
	{"ws = [p.a, 1.0, 2.0]\n    w = 1.0 * ws.index(1.0)", "w * y + m", "0.1", all},
	{"ws = [p.a]\n    ws.append(p.b)\n    ws += [p.a * 2]\n    ws.extend([p.b * 3])", "ws[3] * y + ws[2] * m", "0.1", 1},
	{"vs = [p.a, 0.5]\n    w = piecewise(vs, epochs = [1])\n    vs[0] = p.b\n    vs[1] = 9.0", "w * y + m", "0.1", 1},
	{"ws = [w * 2 for w in [p.a, p.b]]", "ws[0] * y + ws[1] * m", "0.1", 1},
	{"w = [p.a, p.b][p.k % 2]", "w * y + m", "0.1", ints},
	{"w = [1.0, 2.0] * p.k", "w[0] * y + m", "0.1", ints},
	{"w = 1.0 * len(range(p.k))", "w * y + m", "0.1", ints},
	{"w = 1.0 * int(p.a)", "w * y + m", "0.1", 1},
	{"n = int(p.a)", "n * y + m", "0.1", all},
	{"n = p.k", "n * y + m", "0.1", ints},
	{"pass", "p.k * y + m", "0.1", ints},
	{"n = int(p.a * 2) + 1", "mean(mlp([n], 1)(x)) if False else n * y", "0.1", all},
	{"w = math.floor(p.a)", "real(w) * y + m", "0.1", all}, // integers that functions capture are sizes
	{"w = linear(p.a, 0, epochs = 2)(1)", "w * y + m", "0.1", all},
	{"pass", "y * p.a if p.a < 1 else m * p.b", "0.1", all},
	{"w = 1 / (p.a - p.a)", "w * y", "0.1", all},
	{"w = 'x' * p.a", "w * y", "0.1", all},
	{"w = p.a", "undefined_axis(w) if False else mean(D(x), 'q')", "0.1", 1},
	{"w = real(p.a, name = 'w')\n    v = real(p.b, name = 'w')", "w * y + v * m", "0.1", all},
	{"w = real(p.a, name = 'w')\n    v = real(p.a * 1, name = 'w')", "w * y + v * m", "0.1", 1},
	{"pass", "m + y", "p.a - 1", all},                                     // below 0 for some
	{"pass", "dropout_like(y) if False else nn_rate(p.a, y)", "0.1", all}, // above 1 for some
	{"w = hasattr(p, 'a') and 2.0", "w * y + m", "getattr(p, 'b')", 1},
	{"w = 1.0 * len(str(p))", "w * y + m", "0.1", all},
	{"w = 1.0 * len([x for x in dir(p)])", "w * y + m", "0.1", 1},
	{"w = bool(p.a) * 1", "w * y + m", "0.1", all},
	{"w = any([p.a]) and 1.0", "w * y + m", "0.1", all},
	{"w = 1.0 * len(list(zip([p.a], [p.b])))", "w * y + m", "0.1", 1},
	{"w = len(str(sgd(lr = p.a))) * 1.0", "w * y + m", "0.1", 1},
	{"w = +p.a", "w * y + m", "0.1", 1},
	{"w = p.a // 0.5 + p.b % 0.25", "w * y + m", "0.1", 1},
}

const all, ints = 40, 9

// A number is evaluated anew only if its value decided something.
func TestOnlyNumbersThatDecideAreEvaluatedAnew(t *testing.T) {
	for _, c := range decisions {
		name := strings.ReplaceAll(c.body+"; "+c.loss+"; "+c.lr, "\n    ", "; ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.loss = strings.NewReplacer("undefined_axis(w) if False else ", "", "dropout_like(y) if False else nn_rate(p.a, y)",
				"mean(nn.dropout(D(x), p.a))",
				"mean(mlp([n], 1)(x)) if False else ", "").Replace(c.loss)
			study := func() *starlib.Study { return numberStudy(t, c.body, c.loss, c.lr, 40) }
			s := study()
			points := pointsOf(t, s)
			for _, p := range points[10:] {
				s.Job(context.Background(), p) // errors are compared below
			}
			if testing.Short() {
				points = points[:10]
			}
			sameJobs(t, s, points, study)
			if _, _, got := s.Traces(); got > c.evaluations {
				t.Errorf("got %d evaluations of 40 points, want at most %d", got, c.evaluations)
			}
		})
	}
}

// author writes scripts about numbers of p.
type author struct{ *rand.Rand }

func (a author) one(of ...string) string { return of[a.IntN(len(of))] }

// number is an expression, mostly of p's numbers.
func (a author) number(depth int) string {
	if depth == 0 {
		return a.one("p.a", "p.b", "p.a", "p.b", "p.k", "1.7", "3", "-0.6", "w0", "w1")
	}
	x, y := a.number(depth-1), a.number(a.IntN(depth))
	switch a.IntN(28) {
	case 0:
		return fmt.Sprintf("(%s if %s %s %s else %s)", x, a.number(0), a.one("<", ">", "==", "!="), y, a.number(0))
	case 1:
		return fmt.Sprintf("real(%s)", x)
	case 2:
		return fmt.Sprintf("real(%s, name = %q)", x, a.one("n1", "n2", "n3"))
	case 3:
		return fmt.Sprintf("linear(%s, %s, epochs = 3)", x, y)
	case 4:
		return fmt.Sprintf("math.%s(%s)", a.one("exp", "sqrt", "sin", "floor", "fabs"), x)
	case 5:
		return fmt.Sprintf("%s(%s)", a.one("float", "int", "abs"), x)
	case 6:
		return fmt.Sprintf("%s(%s, %s)", a.one("max", "min"), x, y)
	case 7:
		return fmt.Sprintf("[%s, %s][%s]", x, y, a.one("0", "1", "p.k % 2", "int(p.a) % 2"))
	case 8:
		return fmt.Sprintf("{%q: %s}[%q]", "x", x, "x")
	case 9:
		return fmt.Sprintf("len(%s)", a.one("str("+x+")", "'%s' % ("+x+")", "[1] * ("+x+")"))
	case 10:
		return fmt.Sprintf("twice(%s)", x)
	case 11:
		return fmt.Sprintf("(%s %s %s)", x, a.one("or", "and"), y)
	case 12:
		return fmt.Sprintf("piecewise([%s, %s], epochs = [1])", x, y)
	case 13:
		return fmt.Sprintf("struct(v = %s).v", x)
	case 14:
		return fmt.Sprintf("math.%s(%s, %s)", a.one("pow", "copysign", "mod"), x, y)
	case 15:
		return fmt.Sprintf("[1.0, 2.0, %s].index(%s)", x, a.one("1.0", "2.0", y))
	case 16:
		return fmt.Sprintf("(%s in [1, %s, {'q': %s}]) * 1", x, y, x)
	case 17:
		return fmt.Sprintf("max([%s, %s], key = lambda v: -v)", x, y)
	case 18:
		return fmt.Sprintf("[v * 2 for v in [%s, %s] if v][0]", x, y)
	case 19:
		return fmt.Sprintf("dict([('u', %s)], z = %s).get('z')", x, y)
	case 20:
		return fmt.Sprintf("cosine(%s, %s, epochs = p.b)", x, y)
	case 21:
		return fmt.Sprintf("(lambda q = %s: q + 1)()", x)
	default:
		return fmt.Sprintf("(%s %s %s)", x, a.one("+", "-", "*", "*", "/", "//", "%"), y)
	}
}

// Random scripts have the jobs, or the errors, of evaluations without symbols.
func TestRandomScriptsHaveTheJobsOfPlainEvaluations(t *testing.T) {
	scripts := 400
	if testing.Short() {
		scripts = 60
	}
	jobs, failures := 0, 0
	for i := range scripts {
		a := author{rand.New(rand.NewPCG(uint64(i), 7))}
		body := fmt.Sprintf("twice = lambda x: 2 * x\n    w0 = 0.5\n    w1 = %s\n    w0 = %s\n    late = lambda: %s", a.number(1), a.number(2),
			a.number(1))
		loss := fmt.Sprintf("w0 * y + (%s) * m + late() * y", a.number(2))
		lr := a.one("0.1", "w1", a.number(1), "0.01 * ("+a.number(2)+")", fmt.Sprintf("linear(%s, 0.1, epochs = 1)", a.number(1)),
			"cosine(1, p.a - 0.5, epochs = 1)", "0.1, momentum = p.a - 0.1", "0.1, clip_norm = p.a - 0.3, ema = p.b / 3.1")
		study := func() *starlib.Study { return numberStudy(t, body, loss, lr, 6) }
		s := study()
		points := pointsOf(t, s)
		sameJobs(t, s, points, study)
		if t.Failed() {
			t.Fatalf("script %d:\n"+numbers, i, body, loss, lr, 6)
		}
		for _, p := range points {
			if _, err := s.Job(context.Background(), p); err != nil {
				failures++
			} else {
				jobs++
			}
		}
	}
	if jobs < scripts || failures < scripts/4 {
		t.Errorf("got %d jobs and %d errors of %d scripts: the scripts test too little", jobs, failures, scripts)
	}
}
