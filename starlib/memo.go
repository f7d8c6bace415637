package starlib

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Job evaluates trial(p) at a point and traces its program. Trials whose networks, losses and batch agree share one program,
// however their optimizers, data, epochs and seeds differ, so a space of thousands is traced a few times. It is safe for
// concurrent use.
func (s *Study) Job(ctx context.Context, point spec.Point) (*model.Job, error) {
	th := s.loader.thread()
	job, err := bounded(ctx, th, func() (*model.Job, error) { return s.job(ctx, th, point) })
	if err != nil {
		return nil, located(err, s.decl.pos)
	}
	return job, nil
}

func (s *Study) job(ctx context.Context, th *starlark.Thread, point spec.Point) (*model.Job, error) {
	p := &params{values: append(slices.Clone(point), s.Settings...), used: s.used}
	for _, v := range p.values {
		p.names = append(p.names, v.Name)
	}
	th.SetLocal(notesKey, s.notes)
	v, err := starlark.Call(th, s.decl.trial.fn, starlark.Tuple{p}, nil)
	if err != nil {
		return nil, err
	}
	t, ok := v.(*trial)
	if !ok {
		return nil, &Error{Pos: s.decl.trial.position(), Msg: fmt.Sprintf("trial: got %s, want gan(...) or job(...)%s", describe(v), forgotten(v))}
	}
	// Networks and losses are called more than once, so they may not change what they captured.
	if err := freeze(th, t); err != nil {
		return nil, located(err, t.pos)
	}
	key, err := t.key()
	if err != nil {
		return nil, err
	}
	e := s.memo.bucket(key).program(p, func() *entry { return s.loader.build(th, t) }, func() bool { return ctx.Err() == nil })
	if e.err != nil {
		return nil, e.err
	}
	for _, why := range e.program.Unread {
		s.notes.add(t.pos, why+" (critic = lambda out: ... chooses of several numbers, critic = False records neither)")
	}
	reals, err := e.program.Rebind(e.reals, t.modelPlayers())
	if err != nil {
		return nil, err
	}
	job := &model.Job{Data: t.data.Data, Epochs: t.epochs, Evaluate: t.evaluate, Program: e.program, Reals: reals}
	if err := s.columns(job); err != nil {
		return nil, &Error{Pos: t.pos, Msg: err.Error()}
	}
	if err := t.measurable(e.program); err != nil {
		return nil, &Error{Pos: t.pos, Msg: err.Error()}
	}
	if err := t.suits(e.program, s.loader, s.notes, s.shortened); err != nil {
		return nil, err
	}
	return job, nil
}

// Networks describes the networks of a job that Job gave.
func (s *Study) Networks(job *model.Job) []Network {
	s.memo.mu.Lock()
	defer s.memo.mu.Unlock()
	return s.memo.networks[job.Program]
}

// memo keeps programs by the structure of the trials that they were traced for.
type memo struct {
	mu       sync.Mutex
	buckets  map[string]*bucket
	networks map[*model.Program][]Network
}

// bucket is the programs of one key. They differ in what their functions read of p while they were traced.
type bucket struct {
	memo    *memo
	mu      sync.Mutex // held while a program is traced, so that it is traced once
	entries []*entry
}

// entry is a traced program, or why there is none.
type entry struct {
	program  *model.Program
	reals    []model.Real // of the trial that was traced
	networks []Network
	err      error
	read     []spec.Setting // hyperparameters that were read during the trace, with their values
}

func newMemo() *memo {
	return &memo{buckets: map[string]*bucket{}, networks: map[*model.Program][]Network{}}
}

func (m *memo) bucket(key string) *bucket {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[key] == nil {
		m.buckets[key] = &bucket{memo: m}
	}
	return m.buckets[key]
}

// program is the entry that was traced with the same hyperparameters as far as the trace read any, or a new one.
// What was built is kept if keep says so: the end of a context is no fault of the trial.
func (b *bucket) program(p *params, build func() *entry, keep func() bool) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if !slices.ContainsFunc(e.read, func(r spec.Setting) bool { v, _ := p.values.Get(r.Name); return v != r.Value }) {
			for _, r := range e.read {
				p.note(r.Name)
			}
			return e
		}
	}
	var read []spec.Setting
	p.read = func(name string) {
		v, _ := p.values.Get(name)
		if r := (spec.Setting{Name: name, Value: v}); !slices.Contains(read, r) {
			read = append(read, r)
		}
	}
	e := build()
	p.read = nil
	e.read = read
	if e.err != nil && !keep() {
		return e
	}
	b.entries = append(b.entries, e)
	b.memo.mu.Lock()
	defer b.memo.mu.Unlock()
	if e.program != nil {
		b.memo.networks[e.program] = e.networks
	}
	return e
}

// key is the structure of a trial: all that its trace depends on, but for what functions read of p later.
func (t *trial) key() (string, error) {
	k := keyer{seen: map[any]int{}}
	k.text(t.data.image().String(), strconv.Itoa(t.data.classes), fmt.Sprint(t.data.Classes), strconv.Itoa(t.batch), strconv.Itoa(t.sampleBatch()), strconv.FormatBool(t.bf16), t.pos)
	if t.latent != nil {
		k.text(t.latent.String())
	}
	for _, p := range t.players {
		k.text("player", p.name, strconv.Itoa(p.steps), string(p.optimizer.Rule))
		for _, present := range []bool{p.clip != nil, p.optimizer.ClipNorm != nil, p.optimizer.ClipValue != nil, p.optimizer.EMA != nil, p.critic, p.logit != nil} {
			k.text(strconv.FormatBool(present))
		}
		k.value(p.network.fn)
		k.value(p.loss.fn)
		for _, f := range []*function{p.noise, p.logit} {
			if f != nil {
				k.value(f.fn)
			}
		}
	}
	if t.sample != nil {
		k.value(t.sample.fn)
	}
	for _, w := range t.watches {
		k.text("watch", w.name, strconv.FormatBool(w.test))
		k.value(w.value.fn)
	}
	if len(k.out) > maxKey {
		return "", &Error{Pos: t.pos, Msg: fmt.Sprintf("the networks and losses hold too much: got more than %d bytes of captured values, want fewer", maxKey)}
	}
	return string(k.out), nil
}

// maxKey bounds keys; nested tuples that share their parts are longer written than in memory.
const maxKey = 1 << 20

// keyer writes values so that two with one text behave alike in a trace.
type keyer struct {
	out  []byte
	seen map[any]int // functions, lists and dicts, by when they were first met
}

// again writes what was met before by its number: values may hold themselves, and share parts.
func (k *keyer) again(v any) bool {
	if at, ok := k.seen[v]; ok {
		k.text("again", strconv.Itoa(at))
		return true
	}
	k.seen[v] = len(k.seen)
	return false
}

// text writes strings with their lengths.
func (k *keyer) text(parts ...string) {
	for _, s := range parts {
		k.out = strconv.AppendInt(k.out, int64(len(s)), 36)
		k.out = append(append(k.out, ':'), s...)
	}
}

func (k *keyer) value(v starlark.Value) {
	if len(k.out) > maxKey {
		return
	}
	switch v := v.(type) {
	case *starlark.Function:
		if !k.again(v) {
			k.function(v)
		}
	case *starlark.Builtin:
		if r := v.Receiver(); r != nil { // a method, made anew whenever it is asked for
			k.text("method", v.Name())
			k.value(r)
			return
		}
		k.text("builtin", fmt.Sprintf("%p", v)) // names are not enough: tanh and math.tanh have one
	case *params:
		k.text("p") // what is read of it is compared by bucket.program
	case *starlark.Dict:
		if k.again(v) {
			return
		}
		k.text("dict", strconv.Itoa(v.Len()))
		for key, e := range v.Entries() {
			k.value(key)
			k.value(e)
		}
	case *starlark.List:
		if k.again(v) {
			return
		}
		k.text("list", strconv.Itoa(v.Len()))
		for e := range v.Elements() {
			k.value(e)
		}
	case starlark.Tuple:
		k.text("tuple", strconv.Itoa(len(v)))
		for _, e := range v {
			k.value(e)
		}
	case *starlarkstruct.Struct:
		k.text("struct")
		for _, name := range v.AttrNames() {
			field, err := v.Attr(name)
			if err != nil {
				panic(err) // it has what it lists
			}
			k.text(name)
			k.value(field)
		}
	case dataset:
		k.text(v.Type(), v.String(), strconv.Itoa(v.size), strconv.Itoa(v.channels), strconv.Itoa(v.classes))
	case holder:
		k.text(v.Type())
		for _, w := range v.held() {
			k.value(w)
		}
	case starlark.Float:
		k.text("float", strconv.FormatFloat(float64(v), 'x', -1, 64))
	default:
		k.text(v.Type(), v.String())
	}
}

// function writes where a function is defined and all that it captured. Globals are frozen and belong to the study.
func (k *keyer) function(f *starlark.Function) {
	pos := f.Position()
	k.text("function", pos.Filename(), strconv.Itoa(int(pos.Line)), strconv.Itoa(int(pos.Col)))
	for i := range f.NumParams() {
		if d := f.ParamDefault(i); d != nil {
			k.text("default")
			k.value(d)
		}
	}
	for i := range f.NumFreeVars() {
		_, v := f.FreeVar(i)
		if v == nil {
			k.text("unset")
			continue
		}
		k.text("free")
		k.value(v)
	}
}
