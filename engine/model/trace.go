// Package model turns networks, losses and optimizers into programs: tuples of expressions that map the state of a training run,
// its real numbers and a batch to the next state and the numbers to record. A Trace collects the expressions while the networks'
// functions run with symbolic tensors; Build makes a Program from players; a Program is pure data. The package knows neither where
// the functions come from (starlib) nor how programs run (engine/train).
package model

import (
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
)

// Config has the types and sizes that a program is traced for.
type Config struct {
	DType       expr.DType
	BF16        bool       // round the operands of products and convolutions to bfloat16
	Batch       int        // examples per minibatch
	SampleBatch int        // images per call of the sampling program
	Image       expr.Shape // of one example: [h w c], or [c] for points
	Classes     int        // of the labels; 0 without labels
}

// Var is one tensor of the state of a training run.
type Var struct {
	Name   string // player/layer/name; slots of optimizers and averages end in .m, .v, .ema
	Shape  expr.Shape
	Role   Role
	Init   Init
	Stream string // names the stream of its initial values
}

// Player is the part of the name before the first slash.
func (v Var) Player() string { name, _, _ := strings.Cut(v.Name, "/"); return name }

// Role says what changes a Var.
type Role uint8

const (
	Weight  Role = iota // trained by the optimizer of its player
	Buffer              // changed by a layer: moving averages, power iteration
	Slot                // kept by an optimizer
	Average             // moving average of a weight, for sampling
)

func (r Role) String() string { return [...]string{"weight", "buffer", "slot", "average"}[r] }

// Real is a real number of a trial: an input of its program.
type Real struct {
	Site  string // its place: file:line:col, or player/lr and the like for optimizers
	Value spec.Schedule
}

// Trace is one run of a model's functions with symbolic tensors. It is not safe for concurrent use.
type Trace struct {
	Graph    *expr.Graph
	Config   Config
	Training bool // else sampling or testing: moving averages instead of batch statistics, no dropout

	seed, step *expr.Node
	vars       []Var
	leaf, now  map[string]*expr.Node // of every Var: the input, and its value at this point of the step
	reals      []Real
	realAt     map[realKey]*expr.Node
	scope      *scope
	draws      map[string]int
	streams    map[uint32]string
	calls      []Call
	examples   map[*expr.Node]bool // the results of X
	testing    int                 // examples of the test split in the batch being traced; 0 while training and sampling
	batches    int                 // minibatches requested so far; x and y belong to the last
	turns      []int               // classes that sampling has requested, in turn
	given      []Given             // what sampling has drawn or chosen
	once       map[*expr.Node]*expr.Node
}

// realKey is equal for real numbers that are one input: those of one place of the script with one value, by its text. The numbers of
// optimizers have no text, so that trials that differ in them share a program.
type realKey struct{ site, value string }

// scope is a player's network while it runs.
type scope struct {
	player string
	layers map[string]int // how often each kind of layer has appeared
}

// Call is one use of a player's network within the loss being traced.
type Call struct {
	Player  string
	In, Out *expr.Node
	With    []any // its other arguments: nodes, or representatives of values of a script
}

func newTrace(c Config) *Trace {
	g := expr.New()
	u32 := expr.Of(expr.U32, "")
	leaf := func(r expr.Role, name string) *expr.Node { return g.Leaf(expr.Leaf{Role: r, Name: name, Shape: u32}) }
	return &Trace{Graph: g, Config: c, Training: true, seed: leaf(expr.Seed, "seed"), step: leaf(expr.Step, "step"),
		leaf: map[string]*expr.Node{}, now: map[string]*expr.Node{}, realAt: map[realKey]*expr.Node{},
		draws: map[string]int{}, streams: map[uint32]string{}, once: map[*expr.Node]*expr.Node{}, examples: map[*expr.Node]bool{}}
}

// X is the current minibatch of real examples: [b h w c] in [-1, 1], or [b c].
func (t *Trace) X() *expr.Node {
	x := t.minibatch(expr.Images, "x", t.Config.Image)
	t.examples[x] = true
	return x
}

// minibatch is a leaf of the current minibatch.
func (t *Trace) minibatch(r expr.Role, name string, each expr.Shape) *expr.Node {
	i := t.batches - 1
	return t.Graph.Leaf(expr.Leaf{Role: r, Index: i, Name: fmt.Sprint(name, i), Shape: each.With('b', t.Examples())})
}

// Y is the labels of X: i32 [b], below Config.Classes.
func (t *Trace) Y() (*expr.Node, error) {
	if t.Config.Classes == 0 {
		return nil, fmt.Errorf("the data set has no labels")
	}
	return t.minibatch(expr.Labels, "y", expr.Of(expr.I32, "")), nil
}

// Examples is the number of examples in the batch being traced.
func (t *Trace) Examples() int {
	switch {
	case t.Training:
		return t.Config.Batch
	case t.testing > 0:
		return t.testing
	}
	return t.Config.SampleBatch
}

// SampleClasses records the classes that the images of a sampling batch have in turn, once sampling reads labels.
func (t *Trace) SampleClasses(turns []int) { t.turns = turns }

// Given is a tensor that sampling draws or chooses, and that whoever runs the generator elsewhere must supply.
type Given struct {
	Name string // latent, label, noise; in a program, those after the first of a name have a number: noise2
	What string // its distribution, or what it means
	Node *expr.Node
}

// Given records a tensor that sampling draws or chooses, and returns it. It has no effect in training and tests.
func (t *Trace) Given(name, what string, n *expr.Node) *expr.Node {
	if t.HasData() {
		return n
	}
	t.given = append(t.given, Given{name, what, n})
	return n
}

// HasData reports whether there are real examples to read: always except while sampling.
func (t *Trace) HasData() bool { return t.Training || t.testing > 0 }

// Call runs a player's network: within f the player's layers are named by kind and count, so that every call of one network
// uses the same parameters. in is the network's first argument, with are the others, for the record of calls.
func (t *Trace) Call(player string, in *expr.Node, f func() (*expr.Node, error), with ...any) (*expr.Node, error) {
	outer := t.scope
	t.scope = &scope{player, map[string]int{}}
	defer func() { t.scope = outer }()
	out, err := f()
	if err == nil {
		t.calls = append(t.calls, Call{player, in, out, with})
	}
	return out, err
}

// Layer opens the next layer of a kind ("conv", "dense") in the network that is running, and returns its name:
// generator/conv2.
func (t *Trace) Layer(kind string) (string, error) {
	if t.scope == nil {
		return "", fmt.Errorf("%s has parameters, so it can only be used inside a network", kind)
	}
	t.scope.layers[kind]++
	return fmt.Sprintf("%s/%s%d", t.scope.player, kind, t.scope.layers[kind]), nil
}

// Weight is the value of a trained tensor of a layer at this point of the step.
func (t *Trace) Weight(layer, name string, s expr.Shape, init Init) *expr.Node {
	return t.variable(layer+"/"+name, s, Weight, init)
}

// Buffer is a tensor that a layer keeps and changes itself with SetBuffer.
func (t *Trace) Buffer(layer, name string, s expr.Shape, init Init) *expr.Node {
	return t.variable(layer+"/"+name, s, Buffer, init)
}

// SetBuffer sets the next value of a buffer, a constant for every gradient. It has no effect while sampling.
func (t *Trace) SetBuffer(layer, name string, v *expr.Node) {
	if t.Training {
		t.now[layer+"/"+name] = expr.Stop(v)
	}
}

// Once is the result of the first call of derive for a weight. A loss calls a network several times with the same weights; what a
// layer keeps per update of a weight, such as the power iteration of spectral norm, must not advance with every call.
func (t *Trace) Once(weight *expr.Node, derive func() *expr.Node) *expr.Node {
	n, ok := t.once[weight]
	if !ok {
		n = derive()
		t.once[weight] = n
	}
	return n
}

func (t *Trace) variable(name string, s expr.Shape, r Role, init Init) *expr.Node {
	if n, ok := t.now[name]; ok {
		if n.Shape != s {
			t.Graph.Fail(name, nil, "the network was called with another shape before: its parameter would be %v and is %v", s, n.Shape)
		}
		return n
	}
	return t.declare(Var{name, s, r, init, name})
}

func (t *Trace) declare(v Var) *expr.Node {
	t.leaf[v.Name] = t.Graph.Leaf(expr.Leaf{Role: expr.State, Index: len(t.vars), Name: v.Name, Shape: v.Shape})
	t.vars = append(t.vars, v)
	t.now[v.Name] = t.leaf[v.Name]
	return t.leaf[v.Name]
}

// Real is the input for a number at a place of the script; a function that is called twice with the same value has one input.
func (t *Trace) Real(site string, s spec.Schedule) *expr.Node {
	return t.real(realKey{site, s.String()}, s)
}

func (t *Trace) real(key realKey, s spec.Schedule) *expr.Node {
	n, ok := t.realAt[key]
	if !ok {
		n = t.Graph.Real(t.Config.DType, s.At(0, 1))
		t.realAt[key] = n
		t.reals = append(t.reals, Real{key.site, s})
	}
	return n
}

// Number is a number that is part of the structure.
func (t *Trace) Number(v float64) *expr.Node { return t.Graph.Const(t.Config.DType, v) }

// Uniform draws from (0, 1) from a stream of random numbers, anew in every step.
func (t *Trace) Uniform(stream string, s expr.Shape) *expr.Node {
	return expr.Uniform(t.seed, t.step, t.stream(stream), s.As(t.Config.DType))
}

// Normal draws from N(0, 1) from a stream of random numbers, anew in every step.
func (t *Trace) Normal(stream string, s expr.Shape) *expr.Node {
	return expr.Normal(t.seed, t.step, t.stream(stream), s.As(t.Config.DType))
}

// stream returns the number of the next draw of a named stream. It depends only on the stream, so the draws of one stream never
// change those of another.
func (t *Trace) stream(name string) uint32 {
	if !t.Training { // evaluation never affects training
		name = "evaluation/" + name
	}
	draw := fmt.Sprint(name, "/", t.draws[name])
	t.draws[name]++
	return t.streamID(draw)
}

func (t *Trace) streamID(name string) uint32 {
	id := StreamID(name)
	if other, taken := t.streams[id]; taken && other != name {
		panic(&expr.Error{Op: "random", Why: fmt.Sprintf("the streams %s and %s have one number; rename a layer", other, name)})
	}
	t.streams[id] = name
	return id
}

// StreamID returns the number of a named stream of random numbers: its 32-bit FNV-1a hash.
func StreamID(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}
