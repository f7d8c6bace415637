package kern

import (
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// form is the number of outputs of a filter, and the largest number of taps: F(4, 3), or F(3, 4), whose matrices are those of the
// gradient of the taps of F(4, 3).
type form struct{ outputs, taps int }

var forms = [...]form{{winograd.Outputs, winograd.Taps}, {winograd.Taps, winograd.Outputs}}

// maxTaps is the largest number of taps of any form.
const maxTaps = winograd.Outputs

// filters are what Winograd's algorithm computes along one axis of a convolution. With a stride, or a dilated input, every phase of the
// axis (for 2, even and odd pixels) is filtered separately, with at most as many taps as the form has.
type filters struct {
	form   form
	tiles  int                    // tiles of one phase, of as many outputs as the form has
	taps   [][]taps               // by phase of the output, and phase of the input
	data   [][winograd.Slots]int  // six pixels, by phase of the input and tile; -1 is outside
	inputs int                    // phases of the input
	needed [][winograd.Slots]bool // slots that some phase of the output needs, by phase of the input

	toSlots, fromSlots transform // of taps, of products
}

// taps are the pixels of the kernel that a filter multiplies by; -1 is none.
type taps []int

// need reports whether there is anything to multiply in a slot. The first and the last tap have their own slots.
func (t taps) need(slot int) bool {
	switch slot {
	case winograd.FirstTap:
		return t[0] >= 0
	case winograd.LastTap:
		return t[len(t)-1] >= 0
	}
	return slices.Max(t) >= 0
}

// products counts the products of one pair of channels, for all pixels of the axis.
func (f *filters) products() (n int) {
	for _, ins := range f.taps {
		for _, t := range ins {
			for slot := range winograd.Slots {
				if t.need(slot) {
					n += f.tiles
				}
			}
		}
	}
	return n
}

// phaseTap is a pixel of the kernel, and the pixel of a phase of the input that it meets for the first output of a phase.
type phaseTap struct{ pixel, in, offset int }

// phaseTaps returns the taps of an axis, by phase of the output.
func (c *Conv) phaseTaps(axis int) (taps [][]phaseTap) {
	stride, dil := c.Stride[axis], c.InDil[axis]
	for out := range min(dil, c.Out[axis]) {
		var list []phaseTap
		for k := range c.Ker[axis] {
			if x := out*stride + k*c.KerDil[axis] - c.Pad[axis]; x%dil == 0 {
				in := (x/dil%stride + stride) % stride
				list = append(list, phaseTap{k, in, (x/dil - in) / stride})
			}
		}
		taps = append(taps, list)
	}
	return taps
}

// filters returns the filters of an axis, nil if one of them has more taps than the form.
func (c *Conv) filters(axis int, as form) *filters {
	stride, dil := c.Stride[axis], c.InDil[axis]
	f := &filters{form: as, tiles: parts(parts(c.Out[axis], dil), as.outputs), inputs: stride, toSlots: c.Set.transforms.taps,
		fromSlots: c.Set.transforms.outputs}
	if as.taps > winograd.Taps {
		f.toSlots, f.fromSlots = c.Set.transforms.gradients, c.Set.transforms.tapGradients
	}
	found := c.phaseTaps(axis)
	first := slices.Repeat([]int{math.MaxInt}, stride) // by phase of the input: offset of the first tap of the first output
	for _, list := range found {
		for _, t := range list {
			first[t.in] = min(first[t.in], t.offset)
		}
	}
	for _, list := range found {
		ins := make([]taps, stride)
		for in := range ins {
			ins[in] = slices.Repeat(taps{-1}, as.taps)
		}
		for _, t := range list {
			n := t.offset - first[t.in]
			if n >= as.taps {
				return nil
			}
			ins[t.in][n] = t.pixel
		}
		f.taps = append(f.taps, ins)
	}
	f.needed = make([][winograd.Slots]bool, stride)
	for _, ins := range f.taps {
		for in, t := range ins {
			for slot := range winograd.Slots {
				f.needed[in][slot] = f.needed[in][slot] || t.need(slot)
			}
		}
	}
	for in := range stride {
		for t := range f.tiles {
			var d [winograd.Slots]int
			for j := range d {
				if d[j] = -1; first[in] != math.MaxInt {
					d[j] = within(stride*(as.outputs*t+first[in]+j)+in, c.In[axis])
				}
			}
			f.data = append(f.data, d)
		}
	}
	return f
}

// split returns the convolution with an axis split into n phases, one for every nth pixel, which have fewer taps: with two phases, five
// taps become three and two.
func (c Conv) split(axis, n int) *Conv {
	c.Stride[axis] *= n
	c.InDil[axis] *= n
	c.KerDil[axis] *= n
	c.Pad[axis] *= n
	return &c
}

// swapAxes returns the convolution with its axes exchanged.
func (c Conv) swapAxes() *Conv {
	for _, v := range []*[2]int{&c.In, &c.Ker, &c.Out, &c.Stride, &c.Pad, &c.InDil, &c.KerDil} {
		v[0], v[1] = v[1], v[0]
	}
	for _, v := range []*[4]int{&c.InS, &c.KerS, &c.OutS} {
		v[0], v[1] = v[1], v[0]
	}
	return &c
}

// maxPhases is the largest number of phases that an axis is split into. More would leave tiles half empty.
const maxPhases = 3

// bestFilters returns the filters of an axis that leave the fewest products, and the convolution with the axis split accordingly. They
// are nil if no form applies.
func (c *Conv) bestFilters(axis int) (split *Conv, f *filters) {
	fewest := math.MaxInt
	for _, as := range forms {
		for n := 1; n <= maxPhases; n++ {
			s := c.split(axis, n)
			found := s.filters(axis, as)
			if found == nil {
				continue
			}
			if count := found.products(); count < fewest {
				split, f, fewest = s, found, count
			}
			break // more phases do not have fewer products
		}
	}
	return split, f
}
