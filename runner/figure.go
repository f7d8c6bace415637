package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/figure"
)

// figureOptions are the flags of figure. Lists have an element for each part of the figure, or one for all.
type figureOptions struct {
	selection
	x, y, by, wheres []string
	names, trials    []string
	panel, each, out string
	theme            string
	dpi              int
}

func figureCommand(env *Env) *cobra.Command {
	var o figureOptions
	c := &cobra.Command{
		Use:   "figure KIND DIR --out FILE",
		Short: "Draw a figure of a study for a paper",
		Long: `Figure draws trials of a study into a file, an SVG, a PNG or a PDF by its
extension, and prints the caption: what the marks are, how many trials they
stand for, how the values were measured, and what is left out. The lines after
it are the measures in full, with their digests. KIND is one of

` + kindsText() + `
The axes show hyperparameters, metrics, seed or status, as the kind takes them.
What is not given has a default: the first objective, and the first
hyperparameter with several values. --panel draws one plot for each value of a
hyperparameter.

A figure of several parts repeats --x, --y, --by or --where: part i takes the
i-th of each, and what is given once holds for all. The parts stand side by
side, with letters.

An axis is logarithmic where its values are positive and span one and a half
decades. Equal commands on equal tables give equal bytes. docs/figures.md shows
examples.`,
		Example: `  starsweep figure box runs/mnist_grid --x lr --by loss --out fid.pdf
  starsweep figure cloud runs/mnist_grid --by loss --where 'lr < 0.01' --out pr.svg`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageErrorf("got %d arguments, want a kind of figure and the directory of a study", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return env.drawFigure(c.Context(), args[0], args[1], o)
		},
		ValidArgsFunction: completeKinds,
	}
	f := c.Flags()
	f.StringArrayVar(&o.x, "x", nil, "`COLUMN` of the horizontal axis; may be repeated")
	f.StringArrayVar(&o.y, "y", nil, "`METRIC` of the vertical axis; may be repeated")
	f.StringArrayVar(&o.by, "by", nil, "`COLUMN` whose values have colours; may be repeated")
	f.StringArrayVar(&o.wheres, "where", nil, whereMeaning+"; may be repeated")
	f.StringVar(&o.panel, "panel", "", "`COLUMN` that has a plot for each value")
	f.StringVar(&o.each, "each", "", "what has a line in curves: configuration or level (default: by their number)")
	f.StringArrayVar(&o.names, "name", nil, "`NAME=TEXT`: what to write for a column or a value; may be repeated")
	f.StringArrayVar(&o.trials, "trial", nil, "`TRIAL` of sheets: an ID, its first digits, or best; may be repeated")
	f.StringVar(&o.out, "out", "", "`FILE` to write: its extension is .svg, .png or .pdf")
	f.StringVar(&o.theme, "theme", "light", "of an SVG: light, dark, or inline for a page whose text colour it takes")
	f.IntVar(&o.dpi, "dpi", 200, "pixels per inch of a PNG")
	o.valueFlags(c)
	return exits(c, exitStorage)
}

// kindsText lists the kinds of figures.
func kindsText() string {
	var b strings.Builder
	for _, k := range figure.Kinds() {
		fmt.Fprintf(&b, "  %-10s %s\n", k.Name, k.Doc)
	}
	return b.String()
}

func completeKinds(_ *cobra.Command, args []string, _ string) (names []string, d cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	for _, k := range figure.Kinds() {
		names = append(names, k.Name+"\t"+k.Doc)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// themes are the themes of an SVG by name.
var themes = map[string]figure.Theme{"light": figure.Light, "dark": figure.Dark, "inline": figure.Inline}

func (e *Env) drawFigure(ctx context.Context, name, dir string, o figureOptions) error {
	kinds := figure.Kinds()
	i := slices.IndexFunc(kinds, func(k figure.Kind) bool { return k.Name == name })
	if i < 0 {
		return usageErrorf("got the kind %q, want one of %s", name, kindNames(kinds))
	}
	write, err := o.format()
	if err != nil {
		return err
	}
	parts, err := o.parts()
	if err != nil {
		return err
	}
	v, err := e.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	var trials []string
	for _, name := range o.trials {
		t, err := findTrial(v, name)
		if err != nil {
			return err
		}
		trials = append(trials, t.ID)
	}
	var figures []*figure.Figure
	for _, p := range parts {
		p.Trials = trials
		g, err := p.draw(ctx, v, kinds[i])
		if err != nil {
			return err
		}
		figures = append(figures, g)
	}
	g, err := figure.Join(figures...)
	if err != nil {
		return asUsageError(err)
	}
	if err := durable.WriteShared(o.out, func(w io.Writer) error { return write(g, w) }); err != nil {
		return err
	}
	fmt.Fprintln(e.Stdout, plain.Line(g.Caption))
	for _, m := range g.Measures {
		fmt.Fprintln(e.Stdout, plain.Line(m))
	}
	return nil
}

func kindNames(kinds []figure.Kind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

// format returns the function that writes the format of the output.
func (o figureOptions) format() (func(*figure.Figure, io.Writer) error, error) {
	theme, known := themes[o.theme]
	switch {
	case !known:
		return nil, usageErrorf("--theme: got %q, want light, dark or inline", o.theme)
	case o.out == "":
		return nil, usageErrorf("--out: got no file, want one whose extension is .svg, .png or .pdf")
	case o.dpi < figure.LeastDPI || o.dpi > figure.MostDPI:
		return nil, usageErrorf("--dpi: got %d, want %d to %d", o.dpi, figure.LeastDPI, figure.MostDPI)
	}
	switch strings.ToLower(filepath.Ext(o.out)) {
	case ".svg":
		return func(g *figure.Figure, w io.Writer) error { return g.SVG(w, theme) }, nil
	case ".png":
		return func(g *figure.Figure, w io.Writer) error { return g.PNG(w, o.dpi) }, nil
	case ".pdf":
		return (*figure.Figure).PDF, nil
	}
	return nil, usageErrorf("--out: got %q, want a file whose extension is .svg, .png or .pdf", o.out)
}

// figurePart is one of the parts of a figure, which stand side by side.
type figurePart struct {
	selection
	figure.Options
}

// parts divides the flags that may be repeated among the parts.
func (o figureOptions) parts() ([]figurePart, error) {
	n := max(1, len(o.x), len(o.y), len(o.by), len(o.wheres))
	for flag, list := range map[string][]string{"x": o.x, "y": o.y, "by": o.by, "where": o.wheres} {
		if len(list) > 1 && len(list) != n {
			return nil, usageErrorf("--%s: got %d of them, want one for all parts, or one for each of %d", flag, len(list), n)
		}
	}
	const most = 12
	if n > most {
		return nil, usageErrorf("got %d parts, want at most %d", n, most)
	}
	names := map[string]string{}
	for _, text := range o.names {
		name, other, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, usageErrorf("--name: got %q, want NAME=TEXT", text)
		}
		names[name] = other
	}
	at := func(list []string, i int) string {
		if len(list) == 0 {
			return ""
		}
		return list[min(i, len(list)-1)]
	}
	parts := make([]figurePart, n)
	for i := range parts {
		parts[i] = figurePart{o.selection, figure.Options{X: at(o.x, i), Y: at(o.y, i), By: at(o.by, i), Panel: o.panel, Each: o.each,
			Names: names}}
		parts[i].where = at(o.wheres, i)
	}
	return parts, nil
}

// draw draws a part. What cannot be drawn is an error of the command line.
func (p figurePart) draw(ctx context.Context, v *results.View, k figure.Kind) (*figure.Figure, error) {
	f, err := p.frame(ctx, v)
	if err != nil {
		return nil, err
	}
	g, err := k.Draw(v, f, p.Options)
	if wrong, is := errors.AsType[*figure.OptionError](err); is {
		return nil, usageErrorf("--%s: %s", wrong.Option, wrong.Text)
	}
	return g, asUsageError(err)
}
