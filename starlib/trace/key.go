package trace

import (
	"fmt"
	"strconv"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starsweep/starsweep/starlib/data"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/trial"
)

// key is the structure of a trial: everything that its trace depends on, except the values of p that functions read while they are
// traced.
func key(t *trial.Trial, r *number.Evaluation) (string, error) {
	k := keyer{seen: map[any]int{}}
	plain, all := r.PlainNames()
	k.text(strconv.FormatBool(all))
	k.text(plain...)
	k.text(t.Data.Image().String(), strconv.Itoa(t.Data.Labels()), fmt.Sprint(t.Data.Classes), strconv.Itoa(t.Batch),
		strconv.Itoa(t.SampleBatch()), strconv.FormatBool(t.BF16), t.Pos)
	if t.Latent != nil {
		k.text(t.Latent.String())
	}
	for _, p := range t.Players {
		k.text("player", p.Name, strconv.Itoa(p.Steps), string(p.Optimizer.Rule))
		for _, present := range []bool{p.Clip != nil, p.Optimizer.ClipNorm != nil, p.Optimizer.ClipValue != nil, p.Optimizer.EMA != nil, p.Critic,
			p.Logit != nil} {
			k.text(strconv.FormatBool(present))
		}
		k.value(p.Network.Fn)
		k.value(p.Loss.Fn)
		for _, f := range []*kit.Function{p.Noise, p.Logit} {
			if f != nil {
				k.value(f.Fn)
			}
		}
	}
	if t.Sample != nil {
		k.value(t.Sample.Fn)
	}
	for _, w := range t.Watches {
		k.text("watch", w.Name, strconv.FormatBool(w.Test))
		k.value(w.Value.Fn)
	}
	if len(k.out) > maxKey {
		return "", &kit.Error{Pos: t.Pos,
			Msg: fmt.Sprintf("networks and losses capture too much: got more than %d bytes of values, want fewer", maxKey)}
	}
	return string(k.out), nil
}

// maxKey bounds keys: nested tuples that share their parts are longer as text than in memory.
const maxKey = 1 << 20

// keyer writes values so that two with the same text behave the same in a trace.
type keyer struct {
	out  []byte
	seen map[any]int // functions, lists and dicts, with the order in which they were met
}

// again writes the number of a value that was met before: values may contain themselves, and share parts.
func (k *keyer) again(v any) bool {
	if at, ok := k.seen[v]; ok {
		k.text("again", strconv.Itoa(at))
		return true
	}
	k.seen[v] = len(k.seen)
	return false
}

// text writes strings, each after its length.
func (k *keyer) text(parts ...string) {
	for _, s := range parts {
		k.out = strconv.AppendInt(k.out, int64(len(s)), 36)
		k.out = append(append(k.out, ':'), s...)
	}
}

// value writes a value.
func (k *keyer) value(v starlark.Value) {
	if len(k.out) > maxKey {
		return
	}
	switch v := v.(type) {
	case *number.Symbol:
		if v.IsInt() { // structure
			k.value(v.Reveal())
			return
		}
		k.text(v.Type(), v.ID())
	case *starlark.Function:
		if !k.again(v) {
			k.function(v)
		}
	case *starlark.Builtin:
		if r := v.Receiver(); r != nil { // a method, made whenever it is named
			k.text("method", v.Name())
			k.value(r)
			return
		}
		k.text("builtin", fmt.Sprintf("%p", v)) // names are not enough: tanh and math.tanh have one
	case *number.Params:
		k.text("p") // bucket.entry compares what is read of it
	case *starlark.Dict, *starlark.List:
		if !k.again(v) {
			k.parts(v)
		}
	case starlark.Tuple, *starlarkstruct.Struct:
		k.parts(v)
	case data.Set:
		k.text(v.Type(), v.String(), v.Image().String(), strconv.Itoa(v.Labels()))
	case sandbox.Holder:
		k.text(v.Type(), v.String())
		for _, w := range v.Held() {
			k.value(w)
		}
	case starlark.Float:
		k.text("float", strconv.FormatFloat(float64(v), 'x', -1, 64))
	default:
		k.text(v.Type(), v.String())
	}
}

// parts writes a value with those that it contains.
func (k *keyer) parts(v starlark.Value) {
	k.text(v.Type(), strconv.Itoa(starlark.Len(v)))
	switch v := v.(type) {
	case *starlark.Dict:
		for key, e := range v.Entries() {
			k.value(key)
			k.value(e)
		}
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			field, err := v.Attr(name)
			if err != nil {
				panic(err) // it has what it lists
			}
			k.text(name)
			k.value(field)
		}
	case starlark.Iterable:
		for e := range starlark.Elements(v) {
			k.value(e)
		}
	}
}

// function writes where a function is defined and what it captured. Globals are frozen and belong to the study.
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
