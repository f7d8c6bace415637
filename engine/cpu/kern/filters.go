package kern

import (
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// filters are what Winograd's algorithm computes along one axis of a convolution. Where there is a stride, or a dilated input,
// every phase of the axis (even and odd pixels, for 2) is filtered for itself, with at most three taps.
type filters struct {
	tiles  int                    // of four outputs of a phase
	taps   [][]taps               // by phase of the output, of the input
	data   [][winograd.Slots]int  // by phase of the input and tile: six pixels; -1 is one outside
	inputs int                    // phases of the input
	needed [][winograd.Slots]bool // by phase of the input: slots that any phase of the output has
}

// taps are the pixels of a kernel that a filter has; none is -1.
type taps [winograd.Taps]int

var noTaps = taps{-1, -1, -1}

// need says whether there is anything to multiply in a slot.
func (t taps) need(slot int) bool {
	switch slot {
	case winograd.FirstTap:
		return t[0] >= 0
	case winograd.LastTap:
		return t[winograd.Taps-1] >= 0
	}
	return t != noTaps
}

// phaseTap is a pixel of the kernel, and the pixel of a phase of the input that it meets for the first output of a phase.
type phaseTap struct{ pixel, in, offset int }

// phaseTaps are those of an axis, by phase of the output.
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

// filters of an axis are nil if one of them has more than three taps.
func (c *Conv) filters(axis int) *filters {
	stride, dil := c.Stride[axis], c.InDil[axis]
	f := &filters{tiles: parts(parts(c.Out[axis], dil), winograd.Outputs), inputs: stride}
	found := c.phaseTaps(axis)
	first := slices.Repeat([]int{math.MaxInt}, stride) // by phase of the input: offset of the first tap of the first output
	for _, list := range found {
		for _, t := range list {
			first[t.in] = min(first[t.in], t.offset)
		}
	}
	for _, list := range found {
		ins := slices.Repeat([]taps{noTaps}, stride)
		for _, t := range list {
			n := t.offset - first[t.in]
			if n >= winograd.Taps {
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
					d[j] = within(stride*(winograd.Outputs*t+first[in]+j)+in, c.In[axis])
				}
			}
			f.data = append(f.data, d)
		}
	}
	return f
}
