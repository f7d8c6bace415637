// Package data is the family of data sets: builtins generated from a catalogue (spec.DataSet), whose values describe what
// engine/data opens and the shape that networks are checked against. Trials read one; the evaluation of a trial is completed for it.
package data

import (
	"cmp"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Set is a data set: what engine/data opens, and the shape that networks are checked against.
type Set struct {
	kit.Opaque
	spec.Data
	Set            spec.DataSet
	size, channels int // of what the networks see; size is 0 for points
	classes        int // of the labels; 0: none, or not known
}

var (
	_ starlark.HasAttrs   = Set{}
	_ starlark.Comparable = Set{}
)

func (d Set) Type() string { return "data" }

func (d Set) Attr(name string) (starlark.Value, error) {
	switch name {
	case "size":
		return starlark.MakeInt(d.size), nil
	case "channels":
		return starlark.MakeInt(d.channels), nil
	case "classes":
		return starlark.MakeInt(d.classes), nil
	}
	return nil, nil
}

func (d Set) AttrNames() []string { return []string{"channels", "classes", "size"} }

// CompareSameType compares by text.
func (d Set) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, d, y)
}

func (d *Set) Unpack(v starlark.Value) error {
	set, ok := v.(Set)
	if !ok {
		return fmt.Errorf("got %s, want a data set such as mnist()", kit.Describe(v))
	}
	*d = set
	return nil
}

// Image is the shape of one example.
func (d Set) Image() expr.Shape {
	if d.size == 0 {
		return expr.Of(expr.F32, "c", d.channels)
	}
	return expr.Of(expr.F32, "hwc", d.size, d.size, d.channels)
}

// IsPoints reports whether examples are points, not images.
func (d Set) IsPoints() bool { return d.size == 0 }

// Labels is the number of classes of the labels; 0: there are none, or their number is unknown.
func (d Set) Labels() int { return d.classes }

// Builtins returns the builtins of the data sets of a catalogue.
func Builtins(all []spec.DataSet) starlark.StringDict {
	byName := map[string]spec.DataSet{}
	for _, s := range all {
		byName[s.Name] = s
	}
	d := starlark.StringDict{}
	for _, s := range all {
		if s.Builtin != "" {
			d[s.Builtin] = kit.Builtin(s.Builtin, func(c kit.Call) (starlark.Value, error) { return makeDataset(c, s, byName[s.Subset]) })
		}
	}
	return d
}

// makeDataset is a call of the builtin of a set; subset is the set that its argument subset selects.
func makeDataset(c kit.Call, s, subset spec.DataSet) (starlark.Value, error) {
	d := Set{Set: s}
	var (
		size, channels    kit.Count
		limit, seed       kit.Natural
		countArg, modes   kit.Count
		labels            kit.Count
		classes           labelList
		window            windowPair
		part              partPair
		plane             string
		radius, sigma     kit.Positive
		split, path       string
		column, labelName string
		isSubset          bool
	)
	targets := map[string]any{"size": &size, "channels": &channels, "limit": &limit, "count": &countArg, "modes": &modes, "labels": &labels,
		"classes": &classes, "window": &window, "radius": &radius, "sigma": &sigma, "seed": &seed, "split": &split, "path": &path,
		"column": &column, "label_column": &labelName, "subset": &isSubset, "plane": &plane, "slices": &part}
	var pairs []any
	for arg := range strings.FieldsSeq(s.Args) {
		pairs = append(pairs, arg, targets[strings.TrimSuffix(arg, "?")])
	}
	if err := c.Unpack(pairs...); err != nil {
		return nil, err
	}
	if channels != 0 && channels != 1 && channels != 3 {
		return nil, fmt.Errorf("%s: for parameter channels: got %d, want 1 (grey) or 3 (colour)", c.Name, channels)
	}
	if size > maxImage {
		return nil, fmt.Errorf("%s: for parameter size: got %d, want at most %d", c.Name, size, maxImage)
	}
	if isSubset {
		d.Set = subset
	}
	d.size, d.channels = cmp.Or(int(size), s.Size), cmp.Or(int(channels), s.Channels)
	d.classes = cmp.Or(int(modes), int(labels), s.Classes)
	d.Data = spec.Data{Split: split, Path: path, Limit: int(limit), Classes: classes, Column: column, LabelColumn: labelName, Window: window,
		Plane: plane, Slices: part, Modes: int(modes), Count: int(countArg), Radius: float64(radius), Sigma: float64(sigma), Seed: uint64(seed)}
	if !s.Points {
		d.Size, d.Channels = d.size, d.channels
	}
	d.Data = d.Set.Complete(d.Data)
	if err := d.Set.Validate(d.Data); err != nil {
		return nil, fmt.Errorf("%s: %s", c.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return d, nil
}

// maxImage bounds the sides that a script may request; files may hold larger images (spec.MaxDataSize).
const maxImage = 4096

// labelList is a variable for a list of labels.
type labelList []int

func (l *labelList) Unpack(v starlark.Value) error {
	values, ok := v.(starlark.Indexable)
	if _, isString := v.(starlark.String); !ok || isString || values.Len() == 0 {
		return fmt.Errorf("got %s, want a list of labels", kit.Describe(v))
	}
	for i := range values.Len() {
		var n kit.Natural
		if err := n.Unpack(values.Index(i)); err != nil {
			return err
		}
		*l = append(*l, int(n))
	}
	return nil
}

// windowPair is a variable for the centre and the width of a window.
type windowPair [2]float64

func (w *windowPair) Unpack(v starlark.Value) (err error) {
	if *w, err = unpackPair(v, "(centre, width)"); err == nil && !(w[1] > 0) {
		err = fmt.Errorf("got a width of %g, want a number above 0", w[1])
	}
	return err
}

// partPair is a variable for a part of a volume.
type partPair [2]float64

func (p *partPair) Unpack(v starlark.Value) (err error) {
	if *p, err = unpackPair(v, "(from, to)"); err == nil && *p == (partPair{}) {
		err = fmt.Errorf("got no part: want numbers of 0 to 1, such as (0.2, 0.8)")
	}
	return err
}

// unpackPair reads a pair of numbers.
func unpackPair(v starlark.Value, want string) (pair [2]float64, err error) {
	t, ok := v.(starlark.Tuple)
	if !ok || len(t) != 2 {
		return pair, fmt.Errorf("got %s, want a pair %s", kit.Describe(v), want)
	}
	for i := range pair {
		var x kit.Number
		if err := x.Unpack(t[i]); err != nil {
			return pair, err
		}
		pair[i] = float64(x)
	}
	return pair, nil
}
