package kern

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// geometries are all kernel sets, without their kernels. The cost model needs only their sizes, so they serve on any processor.
func geometries() []*Set {
	tiles := func(width, rows int) Tiles { return Tiles{Width: width, By: make([]Kernel, rows+1)} }
	wide := func(name string) *Set {
		return &Set{Name: name, Main: tiles(32, 14), Half: tiles(16, 14), Wide: tiles(64, 6)}
	}
	avx512, avx2 := wide("avx512"), &Set{Name: "avx2", Main: tiles(16, 6), Wide: tiles(16, 6)}
	avx512.transforms.width, avx2.transforms.width = 16, 8
	avx512.Pairs = wide("avx512bf16")
	portable := &Set{Name: "go", Main: tiles(16, 8), Wide: tiles(16, 8)}
	portable.transforms.width = 1
	return []*Set{avx512, avx2, portable}
}

func TestGeometriesAreThoseOfTheKernels(t *testing.T) {
	sizes := func(s *Set) string {
		if s == nil {
			return "none"
		}
		text := fmt.Sprintf("%s, transforms of %d columns", s.Name, s.transforms.width)
		for _, t := range []Tiles{s.Main, s.Half, s.Wide} {
			text += fmt.Sprintf(", %d x %d", max(0, t.rows()), t.Width)
		}
		return text
	}
	for _, s := range Sets() {
		i := slices.IndexFunc(geometries(), func(g *Set) bool { return g.Name == s.Name })
		if i < 0 {
			t.Errorf("no geometry of %s", s.Name)
			continue
		}
		g := geometries()[i]
		if got, want := sizes(g), sizes(s); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if s.Pairs != nil {
			if got, want := sizes(g.Pairs), sizes(s.Pairs); got != want {
				t.Errorf("pairs: got %s, want %s", got, want)
			}
		}
	}
}

// numerics are the settings, apart from the sizes of the layer, on which the choice of an algorithm depends.
var numerics = []struct {
	set  int // of geometries
	bf16 bool
	name string
}{
	{0, false, "avx512"},
	{0, true, "avx512 bf16"},
	{1, false, "avx2"},
	{2, false, "go"},
}

// layer is a convolution of a network: NHWC by HWIO.
type layer struct {
	in, kernel [2]int
	ci, co     int
	stride     int
	padding    string // same or valid, as in Keras
}

// direction is one of the three convolutions of a layer. The gradients of each are the two others.
type direction struct {
	name string
	conv func(l layer, batch int) *Conv
}

var directions = []direction{
	{"forward", layer.forward},
	{"input gradient", layer.inputGradient},
	{"kernel gradient", layer.kernelGradient},
}

func (l layer) forward(batch int) *Conv {
	c := &Conv{
		M: batch, K: l.ci, N: l.co, Groups: 1,
		In: l.in, Ker: l.kernel,
		Stride: [2]int{l.stride, l.stride}, InDil: [2]int{1, 1}, KerDil: [2]int{1, 1},
	}
	for axis := range c.Out {
		if l.padding == "valid" {
			c.Out[axis] = (l.in[axis]-l.kernel[axis])/l.stride + 1
			continue
		}
		c.Out[axis] = parts(l.in[axis], l.stride)
		c.Pad[axis] = max((c.Out[axis]-1)*l.stride+l.kernel[axis]-l.in[axis], 0) / 2
	}
	c.InS = [4]int{c.In[1] * l.ci, l.ci, c.In[0] * c.In[1] * l.ci, 1}
	c.KerS = [4]int{c.Ker[1] * l.ci * l.co, l.ci * l.co, l.co, 1}
	c.OutS = [4]int{c.Out[1] * l.co, l.co, c.Out[0] * c.Out[1] * l.co, 1}
	return c
}

// inputGradient reads the gradient of the output, dilated by the stride, and the kernel backwards.
func (l layer) inputGradient(batch int) *Conv {
	c := l.forward(batch)
	c.K, c.N, c.In, c.Out = c.N, c.K, c.Out, c.In
	c.InS, c.OutS = c.OutS, c.InS
	c.KerS[2], c.KerS[3] = c.KerS[3], c.KerS[2]
	for axis := range c.Pad {
		c.Pad[axis] = c.Ker[axis] - 1 - c.Pad[axis]
	}
	c.InDil, c.Stride, c.Reverse = c.Stride, c.InDil, true
	return c
}

// kernelGradient contracts the batch: the gradient of the output, dilated by the stride, is the kernel.
func (l layer) kernelGradient(batch int) *Conv {
	c := l.forward(batch)
	c.M, c.K = c.K, c.M
	c.Ker, c.Out = c.Out, c.Ker
	c.InS[2], c.InS[3] = c.InS[3], c.InS[2]
	c.KerS, c.OutS = c.OutS, c.KerS
	c.Stride, c.KerDil = c.KerDil, c.Stride
	return c
}

// describe names the algorithm of a planned convolution. F(m x n, r x s) is Winograd's, which computes m x n outputs of filters with
// r x s taps at a time; after a slash, the numbers of phases that filters are split into first.
func (c *Conv) describe() string {
	if p, ok := c.algorithm.(*paired); ok {
		return p.Conv.describe() + " of bf16"
	}
	both := func(y, x int) string { return fmt.Sprintf("%dx%d", y, x) }
	switch w := c.algorithm.(type) {
	case *winogradConv:
		outputs, taps := [2]int{1, w.x.form.outputs}, [2]int{1, w.x.form.taps}
		if w.y != nil {
			outputs[0], taps[0] = w.y.form.outputs, w.y.form.taps
		}
		split := [2]int{w.Conv.Stride[0] / c.Stride[0], w.Conv.Stride[1] / c.Stride[1]}
		if turned(c, w.Conv) {
			split = [2]int{w.Conv.Stride[1] / c.Stride[0], w.Conv.Stride[0] / c.Stride[1]}
			outputs[0], outputs[1], taps[0], taps[1] = outputs[1], outputs[0], taps[1], taps[0]
		}
		text := fmt.Sprintf("F(%s, %s)", both(outputs[0], outputs[1]), both(taps[0], taps[1]))
		if split != [2]int{1, 1} {
			text += "/" + both(split[0], split[1])
		}
		return text
	case *winogradGradient:
		if w.y == nil {
			return "F(1x3, 1x4)"
		}
		return "F(3x3, 4x4)"
	}
	return c.name()
}

// turned reports whether the axes of c are exchanged in w.
func turned(c, w *Conv) bool { return w.InS[0] != c.InS[0] }

func (l layer) choices(d direction, batch int, set *Set, bf16 bool) string {
	var chosen string
	for _, threads := range []int{1, 7} { // the choice must not depend on them
		c := d.conv(l, batch)
		c.Set, c.BF16, c.Team = set, bf16, NewTeam(threads)
		c.Plan()
		if now := c.describe(); chosen == "" {
			chosen = now
		} else if now != chosen {
			chosen += " on one thread, " + now + " on several"
		}
	}
	return chosen
}

// dense is a product of a dense layer: [batch][in] by [in][out], and its gradients.
type dense struct{ in, out int }

func (l dense) product(direction string, batch int) *Dot {
	d := &Dot{LB: []int{0}, RB: []int{0}}
	switch direction {
	case "forward":
		d.LM, d.LK, d.RK, d.RN = offsets(batch, l.in), offsets(l.in, 1), offsets(l.in, l.out), offsets(l.out, 1)
	case "input gradient":
		d.LM, d.LK, d.RK, d.RN = offsets(batch, l.out), offsets(l.out, 1), offsets(l.out, 1), offsets(l.in, l.out)
	default:
		d.LM, d.LK, d.RK, d.RN = offsets(l.in, 1), offsets(batch, l.in), offsets(batch, l.out), offsets(l.out, 1)
	}
	return d
}

func (l dense) choices(d direction, batch int, set *Set, bf16 bool) string {
	p := l.product(d.name, batch)
	p.Set, p.BF16 = set, bf16
	p.Plan()
	switch {
	case p.BF16:
		return "bf16"
	case p.inPlace:
		return "in place"
	}
	return "copied"
}

// choices of every batch, as lines. Kernel sets that agree share a line.
func choices(layer interface {
	choices(d direction, batch int, set *Set, bf16 bool) string
}, d direction) (lines []string) {
	names := map[string][]string{} // of kernel sets
	for _, n := range numerics {
		text, last := "", ""
		for _, batch := range []int{1, 16, 64, 256} {
			now := layer.choices(d, batch, geometries()[n.set], n.bf16)
			switch last {
			case "":
			case now:
				text += " "
			default:
				text += ": " + last + "; "
			}
			text += fmt.Sprint(batch)
			last = now
		}
		text += ": " + last
		if names[text] == nil {
			lines = append(lines, text)
		}
		names[text] = append(names[text], n.name)
	}
	for i, text := range lines {
		lines[i] = fmt.Sprintf("  %-16s %-30s %s", d.name, strings.Join(names[text], ", "), text)
	}
	return lines
}

// layerChoices are the lines of one layer, a line of layers.txt.
func layerChoices(line string, directions []direction) (lines []string, err error) {
	var l layer
	var f dense
	_, err = fmt.Sscanf(line, "%dx%dx%d %dx%d/%d %s %d\n",
		&l.in[0], &l.in[1], &l.ci, &l.kernel[0], &l.kernel[1], &l.stride, &l.padding, &l.co)
	if err != nil {
		if _, err = fmt.Sscanf(line, "%d %d\n", &f.in, &f.out); err != nil {
			return nil, err
		}
	}
	for _, d := range directions {
		if f.in > 0 {
			lines = append(lines, choices(f, d)...)
		} else {
			lines = append(lines, choices(l, d)...)
		}
	}
	return lines, nil
}

// The algorithm of a layer decides the last bits of its results, and so those of every study. A change of the cost model is a
// change of this table. UPDATE=1 go test rewrites it: read the diff.
func TestEveryLayerGetsTheAlgorithmOfTheTable(t *testing.T) {
	const path = "testdata/algorithms.txt"
	layers, err := os.ReadFile("testdata/layers.txt")
	if err != nil {
		t.Fatal(err)
	}
	got := "# The algorithm of each layer of layers.txt, by direction, kernel set and batch, as describe in choice_test.go names it.\n" +
		"# UPDATE=1 go test rewrites this file.\n\n"
	of := directions
	for line := range strings.Lines(string(layers)) {
		got += line
		if line == "\n" {
			continue
		}
		if line[0] == '#' {
			of = directions
			if strings.Contains(line, "forward only") {
				of = directions[:1]
			}
			continue
		}
		lines, err := layerChoices(line, of)
		if err != nil {
			t.Fatalf("testdata/layers.txt: %q: %v", line, err)
		}
		got += strings.Join(lines, "\n") + "\n"
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	t.Errorf("the choice of algorithms differs from %s; UPDATE=1 rewrites it", path)
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("the first difference is in line %d: got\n%s\nwant\n%s", i+1, gotLines[i], wantLines[i])
		}
	}
}
