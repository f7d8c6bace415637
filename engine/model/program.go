package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
)

// Player is a network with a loss and an optimizer. A GAN has two, a classifier is one.
type Player struct {
	Name        string
	Steps       int // updates per iteration; 0 never updates the player
	Optimizer   Optimizer
	ClipWeights *spec.Schedule // weights are clamped to ± this after each update (Arjovsky et al. 2017, algorithm 1)
	Critic      bool           // record its mean output on real and on generated examples as d_real and d_fake; see critic.go
	// Logit returns the part of a critic's output, one number per example, whose means are d_real and d_fake; nil is all of it.
	Logit func(t *Trace, out *expr.Node) (*expr.Node, error)
	// Loss traces the player's loss, one number, with the current weights of all players.
	Loss func(t *Trace) (*expr.Node, error)
}

// Watch is a number that is recorded in addition to the losses.
type Watch struct {
	Name  string
	Test  bool // computed on the test split after training, with the weights that sampling uses; else on every minibatch
	Value func(t *Trace) (*expr.Node, error)
}

// Recorded is a number that a step records.
type Recorded struct {
	Name string // of its column
	Loss string // the player whose loss it is; "" for any other number
	Node *expr.Node
}

// Program is a model's training step, its sampling and its tests, as expressions over the inputs
//
//	seed, step   u32        the trial's seed, the iteration from 0 (while sampling: the number of the batch)
//	x0, x1, ...  [b h w c]  the minibatches of an iteration; for tests x0, from the test split
//	y0, y1, ...  i32 [b]    their labels, if they are used
//	Vars                    by name
//	reals                   one each, in the order in which Print names them
//
// It holds no numbers of trials, which belong to jobs.
type Program struct {
	Config   Config
	Batches  int // minibatches per iteration
	Vars     []Var
	Reals    int          // the number of the script's real numbers that are inputs
	Next     []*expr.Node // of Vars, in their order
	Recorded []Recorded
	Finite   *expr.Node // 0 if every weight and loss is finite, else not a number
	Sample   *expr.Node // images [b h w c] from the current weights; nil if there is nothing to sample
	Turns    []int      // classes of the images of Sample, in turn in every batch; nil if it reads no labels
	Given    []Given    // what Sample draws or chooses, in the order in which it does
	Test     []Recorded // the tests, over x0 and y0 of TestBatch examples
	TestOne  []Recorded // the same over one example, for the rest of a split
	Unread   []string   // why a critic has no d_real or d_fake

	structure   []string // of the players
	fingerprint string
}

// TestBatch is the number of examples per call of the tests. It divides the test splits of MNIST and CIFAR-10.
const TestBatch = 250

// Build traces one iteration, in which the players are updated in turn, each with the newest weights of the others, the sampling and
// the tests. reals are the inputs of the program, in its order, followed by named numbers that nothing uses. Errors in the script
// carry their place.
func Build(c Config, players []Player, watches []Watch, sample func(t *Trace) (*expr.Node, error)) (p *Program, reals []Real, err error) {
	t := newTrace(c)
	p = &Program{Config: c}
	for _, q := range players {
		p.Batches = max(p.Batches, q.Steps)
		p.structure = append(p.structure, q.structure())
	}
	failed := t.Graph.Try(func() { err = p.trace(t, players, watches, sample) })
	if failed != nil {
		err = failed
	}
	if err != nil {
		return nil, nil, err
	}
	p.Vars = t.vars
	used := make([]bool, len(t.reals))
	for _, i := range expr.NumberReals(p.outputs()...) {
		used[i] = true
		reals = append(reals, t.reals[i])
	}
	p.Reals = len(reals)
	for i, r := range t.reals {
		if !used[i] && isNamed(r.Value) {
			reals = append(reals, r)
		}
	}
	p.fingerprint = p.identify()
	return p, reals, nil
}

// isNamed reports whether a number has a name or is computed from one that has.
func isNamed(s spec.Schedule) bool {
	for range s.Named() {
		return true
	}
	return false
}

func (p *Program) trace(t *Trace, players []Player, watches []Watch, sample func(t *Trace) (*expr.Node, error)) error {
	finite := t.Number(0)
	var errs []error
	for _, q := range players { // report the errors of all players
		var err error
		failed := t.Graph.Try(func() { finite, err = p.move(t, q, finite) })
		errs = append(errs, err, failed)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.Finite = finite
	for _, v := range t.vars {
		p.Next = append(p.Next, t.now[v.Name])
	}
	// Buffers that these calls change are dropped: watches have no effect on training.
	watched, err := p.measure(t, "watch", false, watches)
	if err != nil {
		return err
	}
	p.Recorded = append(p.Recorded, watched...)
	for _, v := range t.vars {
		t.now[v.Name] = t.leaf[v.Name]
		if average := t.leaf[v.Name+".ema"]; average != nil {
			t.now[v.Name] = average
		}
	}
	t.Training = false
	if sample != nil {
		if p.Sample, err = sample(t); err == nil && len(t.vars) > len(p.Next) {
			err = fmt.Errorf("sampling uses the parameter %s, which no loss trains", t.vars[len(p.Next)].Name)
		}
		if err != nil {
			return err
		}
		p.Turns = t.turns
		p.Given = readBy(p.Sample, t.given)
	}
	t.batches = 1
	t.testing = TestBatch
	if p.Test, err = p.measure(t, "test", true, watches); err != nil {
		return err
	}
	t.testing = 1
	p.TestOne, err = p.measure(t, "test", true, watches)
	return err
}

// readBy returns those of the tensors that an expression reads, each once and each with its own name.
func readBy(out *expr.Node, given []Given) (read []Given) {
	if out == nil {
		return nil
	}
	reads, same := map[*expr.Node]bool{}, map[string]int{}
	for _, n := range expr.Order(out) {
		reads[n] = true
	}
	for _, g := range given {
		if !reads[g.Node] {
			continue
		}
		reads[g.Node] = false
		if same[g.Name]++; same[g.Name] > 1 {
			g.Name = fmt.Sprint(g.Name, same[g.Name])
		}
		read = append(read, g)
	}
	return read
}

// move traces the updates of a player. It adds a term to finite that is NaN if a loss or a weight is not finite.
func (p *Program) move(t *Trace, q Player, finite *expr.Node) (*expr.Node, error) {
	if q.Steps < 0 || p.Batches == 0 {
		return finite, fmt.Errorf("%s: got %d updates per iteration, want 1 or more, or 0 to keep it fixed while another player is updated",
			q.Name, q.Steps)
	}
	for i := range q.Steps {
		t.batches = p.Batches - q.Steps + i + 1
		t.calls = nil
		loss, err := q.Loss(t)
		if err != nil {
			return finite, err
		}
		if loss.Shape.Axes() != "" {
			return finite, fmt.Errorf("the loss of the %s is %v, want one number: use mean(...) or sum(...)", q.Name, loss.Shape)
		}
		t.Graph.At("")
		calls := t.calls
		norm, err := q.improve(t, loss)
		if err != nil {
			return finite, err
		}
		finite = expr.Add(finite, expr.Mul(loss, t.Number(0)))
		if i < q.Steps-1 {
			continue
		}
		p.Recorded = append(p.Recorded, Recorded{Name: "loss_" + q.Name, Loss: q.Name, Node: loss})
		p.read("grad_norm_"+q.Name, norm)
		if q.Critic {
			if err := p.readCritic(t, q, calls); err != nil {
				return finite, err
			}
		}
	}
	for _, v := range t.weights(q.Name) {
		w := t.now[v.Name]
		finite = expr.Add(finite, expr.Sum(expr.Mul(w, t.Number(0)), w.Shape.Axes()))
	}
	return finite, nil
}

// measure traces the watches of training or those of the test split.
func (p *Program) measure(t *Trace, what string, test bool, watches []Watch) (recorded []Recorded, err error) {
	var errs []error
	for _, w := range watches {
		if w.Test != test {
			continue
		}
		var v *expr.Node
		failed := t.Graph.Try(func() { v, err = w.Value(t) })
		switch {
		case failed != nil:
			err = failed
		case err != nil:
		case v.Shape.Axes() != "":
			err = fmt.Errorf("%s: %s is %v, want one number: use mean(...) or sum(...)", what, w.Name, v.Shape)
		case len(t.vars) > len(p.Next):
			return nil, fmt.Errorf("%s: %s uses the parameter %s, which no loss trains", what, w.Name, t.vars[len(p.Next)].Name)
		}
		errs = append(errs, err)
		recorded = append(recorded, Recorded{Name: w.Name, Node: v})
	}
	return recorded, errors.Join(errs...)
}

func (p *Program) read(name string, n *expr.Node) {
	p.Recorded = append(p.Recorded, Recorded{Name: name, Node: n})
}

// Step lists the results of an iteration: the next state, the recorded numbers, Finite.
func (p *Program) Step() []*expr.Node {
	outs := append([]*expr.Node{}, p.Next...)
	for _, r := range p.Recorded {
		outs = append(outs, r.Node)
	}
	return append(outs, p.Finite)
}

// Fingerprint identifies the program: trials with one fingerprint differ only in real numbers, data and seeds.
func (p *Program) Fingerprint() string { return p.fingerprint }

// Identity is the fingerprint with everything else that distinguishes programs: programs of equal identity are interchangeable.
func (p *Program) Identity() string {
	return fmt.Sprint(p.fingerprint, p.Config, p.structure, p.Unread)
}

// outputs lists the results of the program: steps, samples, tests.
func (p *Program) outputs() []*expr.Node {
	outs := p.Step()
	if p.Sample != nil {
		outs = append(outs, p.Sample)
	}
	for _, r := range p.tests() {
		outs = append(outs, r.Node)
	}
	return outs
}

func (p *Program) tests() []Recorded { return append(slices.Clone(p.Test), p.TestOne...) }

func (p *Program) identify() string {
	b := fmt.Appendln(nil, expr.Fingerprint(p.outputs()...), p.Batches)
	if p.Config.BF16 {
		b = append(b, "bf16\n"...)
	}
	for _, v := range p.Vars {
		b = v.appendTo(b)
	}
	for _, r := range append(slices.Clone(p.Recorded), p.tests()...) {
		b = append(b, r.Name...)
		b = append(b, 0)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// appendTo encodes v without its shape, which the expression of its next value has.
func (v Var) appendTo(b []byte) []byte {
	b = append(b, v.Name...)
	b = append(b, 0)
	b = append(b, v.Stream...)
	b = append(b, 0, byte(v.Role), byte(v.Init.Kind))
	for _, a := range v.Init.Args {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(a))
	}
	for _, n := range [...]int{v.Init.FanIn, v.Init.FanOut, v.Init.Rows} {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}

// Parameters returns the number of trained numbers of a player, or of all players if the name is empty.
func (p *Program) Parameters(player string) (n int) {
	for _, v := range p.Vars {
		if v.Role == Weight && (player == "" || v.Player() == player) {
			n += v.Shape.Elems()
		}
	}
	return n
}

// StateBytes returns the size of the state.
func (p *Program) StateBytes() (n int) {
	for _, v := range p.Vars {
		n += v.Shape.Elems() * v.Shape.DType.Bytes()
	}
	return n
}

// Rebind returns the numbers of a program for players with the same structure and other numbers.
func (p *Program) Rebind(reals []Real, players []Player) ([]Real, error) {
	if len(players) != len(p.structure) {
		return nil, fmt.Errorf("got %d players, want %d", len(players), len(p.structure))
	}
	own := map[string]spec.Schedule{}
	for i, q := range players {
		if got, want := q.structure(), p.structure[i]; got != want {
			return nil, fmt.Errorf("got the player %s, want %s", got, want)
		}
		for _, r := range q.reals() {
			own[r.Site] = r.Value
		}
	}
	bound := slices.Clone(reals)
	for i, r := range bound {
		if v, ok := own[r.Site]; ok {
			bound[i].Value = v
		}
	}
	return bound, nil
}
