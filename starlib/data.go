package starlib

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

// dataset is a data set as a Starlark value: what engine/data opens, and the shape that networks are checked against.
type dataset struct {
	kit.Opaque
	spec.Data
	size, channels int // of what the networks see; size is 0 for points
	classes        int // of the labels; 0: none, or not known
}

var (
	_ starlark.HasAttrs   = dataset{}
	_ starlark.Comparable = dataset{}
)

func (d dataset) Type() string { return "data" }

func (d dataset) Attr(name string) (starlark.Value, error) {
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

func (d dataset) AttrNames() []string { return []string{"channels", "classes", "size"} }

// CompareSameType compares by text.
func (d dataset) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return kit.SameText(op, d, y)
}

// Unpack takes a data set as an argument.
func (d *dataset) Unpack(v starlark.Value) error {
	set, ok := v.(dataset)
	if !ok {
		return fmt.Errorf("got %s, want a data set such as mnist()", kit.Describe(v))
	}
	*d = set
	return nil
}

// image is the shape of one example.
func (d dataset) image() expr.Shape {
	if d.size == 0 {
		return expr.Of(expr.F32, "c", d.channels)
	}
	return expr.Of(expr.F32, "hwc", d.size, d.size, d.channels)
}

// set describes one data builtin: its arguments in order ("size" without "?" must be given) and what they are by default.
type set struct {
	name     string // of spec.Data
	args     string
	size     int
	channels int
	classes  int
	points   bool // examples are points of two coordinates, not images
}

// sets lists the data sets by the name that scripts use.
var sets = map[string]set{
	"mnist":         {name: "mnist", args: "size? channels? subset? split? limit? classes? path?", size: 28, channels: 1, classes: 10},
	"cifar10":       {name: "cifar10", args: "size? channels? split? limit? classes? path?", size: 32, channels: 3, classes: 10},
	"images":        {name: "images", args: "path size channels split? limit? classes? labels?"},
	"parquet":       {name: "parquet", args: "path size channels column? label_column? split? limit? classes? labels?"},
	"dicom":         {name: "dicom", args: "path size channels window? split? limit? classes? labels?"},
	"ellipses":      {name: "ellipses", args: "size? channels? count? split? seed? limit?", size: 64, channels: 1},
	"ring":          {name: "ring", args: "modes? radius? sigma? count? split? seed? limit?", channels: 2, classes: 8, points: true},
	"gaussian_grid": {name: "grid", args: "modes? radius? sigma? count? split? seed? limit?", channels: 2, classes: 25, points: true},
}

func datasets() starlark.StringDict {
	d := starlark.StringDict{}
	for name, s := range sets {
		d[name] = kit.Builtin(name, s.open)
	}
	return d
}

func (s set) open(c kit.Call) (starlark.Value, error) {
	d := dataset{Data: spec.Data{Name: s.name}, size: s.size, channels: s.channels, classes: s.classes}
	var (
		size, channels    kit.Count
		limit, seed       kit.Natural
		countArg, modes   kit.Count
		labels            kit.Count
		classes           labelList
		window            windowPair
		radius, sigma     kit.Positive
		split, path       = "train", ""
		column, labelName string
	)
	targets := map[string]any{"size": &size, "channels": &channels, "limit": &limit, "count": &countArg, "modes": &modes, "labels": &labels,
		"classes": &classes, "window": &window, "radius": &radius, "sigma": &sigma, "seed": &seed, "split": &split, "path": &path,
		"column": &column, "label_column": &labelName, "subset": &d.Subset}
	var pairs []any
	for arg := range strings.FieldsSeq(s.args) {
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
	d.Split, d.Path, d.Limit, d.Classes = split, path, int(limit), classes
	d.Column, d.LabelColumn, d.Window = column, labelName, window
	d.Modes, d.Count, d.Radius, d.Sigma, d.Seed = int(modes), int(countArg), float64(radius), float64(sigma), uint64(seed)
	d.size, d.channels = cmp.Or(int(size), d.size), cmp.Or(int(channels), d.channels)
	d.classes = cmp.Or(int(modes), int(labels), d.classes)
	if !s.points {
		d.Size, d.Channels = d.size, d.channels
	}
	return d, d.validate(c)
}

// validate tells the faults of a data set under the name that the script called it by.
func (d dataset) validate(c kit.Call) error {
	err := d.Validate()
	if err == nil {
		return nil
	}
	var faults []string
	for fault := range strings.SplitSeq(err.Error(), "\n") {
		_, fault, _ = strings.Cut(fault, ": ") // the name that engine/data knows it by
		faults = append(faults, fault)
	}
	return fmt.Errorf("%s: %s", c.Name, strings.Join(faults, "; "))
}

// maxImage bounds the sides that a script may ask for; files may hold larger images (spec.MaxDataSize).
const maxImage = 4096

// labelList is an argument that lists labels.
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

// windowPair is a DICOM window's centre and width.
type windowPair [2]float64

func (w *windowPair) Unpack(v starlark.Value) error {
	t, ok := v.(starlark.Tuple)
	if !ok || len(t) != 2 {
		return fmt.Errorf("got %s, want a pair (centre, width)", kit.Describe(v))
	}
	for i := range w {
		var x kit.Number
		if err := x.Unpack(t[i]); err != nil {
			return err
		}
		w[i] = float64(x)
	}
	if !(w[1] > 0) {
		return fmt.Errorf("got a width of %g, want a number above 0", w[1])
	}
	return nil
}
