package kern

import (
	"math"
	"slices"
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/kern/winograd"
)

// minimal computes a convolution along its rows by Winograd's minimal filtering F(4, 3), see package winograd: for each of six
// slots a batch-reduce product of transformed data and taps, whose list holds the rows of the kernel. Where there is a stride,
// or a dilated input, every phase of a row's pixels (even and odd ones, for 2) is filtered for itself, with at most three taps.
// All phases of the input add to the same slots; all phases of the output share the transformed data.
type minimal struct {
	*Conv
	chunk  int                    // examples at a time
	tiles  int                    // of four outputs, along a row of one phase
	taps   [][]phase              // by phase of the output, of the input
	data   [][6]int               // by phase of the input and tile: offsets of six pixels; -1 is one outside
	needed [][winograd.Slots]bool // by phase of the input: slots that any phase of the output has
	lists  [][][]Pair             // by phase and row of the output, slot
	groups int                    // of panels, which different workers may compute
}

// phase is the columns of the kernel that are the taps of a filter; none is -1.
type phase [winograd.Taps]int

var noTaps = phase{-1, -1, -1}

// needs says whether there is anything to multiply in a slot.
func (p phase) needs(slot int) bool {
	switch slot {
	case winograd.FirstTap:
		return p[0] >= 0
	case winograd.LastTap:
		return p[winograd.Taps-1] >= 0
	}
	return p != noTaps
}

// tapRows is how many rows of the kernel are transformed at a time.
const tapRows = 16

// newMinimal is nil if the operation does not fit. It transforms data for so many bytes, at most, before they are used.
func newMinimal(c *Conv, bytes int) *minimal {
	if least := c.Set.maps.width; least == 0 || c.empty() || c.InS[3] != 1 || c.OutS[3] != 1 || min(c.K, c.N) < least {
		return nil
	}
	w := &minimal{Conv: c, tiles: parts(parts(c.Out[1], c.InDil[1]), winograd.Outputs)}
	first := w.findTaps()
	if first == nil {
		return nil
	}
	stride := c.Stride[1]
	w.needed = make([][winograd.Slots]bool, stride)
	for i := range stride {
		for slot := range winograd.Slots {
			w.needed[i][slot] = slices.ContainsFunc(w.taps, func(p []phase) bool { return p[i].needs(slot) })
		}
		for t := range w.tiles {
			var d [winograd.Slots]int
			for j := range d {
				if d[j] = -1; first[i] != math.MaxInt {
					d[j] = offset(stride*(winograd.Outputs*t+first[i]+j)+i, c.In[1], c.InS[1])
				}
			}
			w.data = append(w.data, d)
		}
	}
	example := c.In[0] * stride * winograd.Slots * w.tiles * c.K * 4
	w.chunk = parts(c.M, parts(c.M, max(1, bytes/example)))
	for o := range w.taps {
		for oy := range c.Out[0] {
			w.lists = append(w.lists, w.pairs(o, oy))
		}
	}
	w.groups = c.panelGroups(len(w.lists))
	return w
}

// findTaps gives the offsets, by phase of the input, of the first tap of the first output, MaxInt if there is none. It is nil if
// a filter is too long.
func (w *minimal) findTaps() []int {
	stride, dil := w.Stride[1], w.InDil[1]
	type tap struct{ kx, out, in, offset int }
	var found []tap
	first := slices.Repeat([]int{math.MaxInt}, stride)
	for o := range dil {
		for kx := range w.Ker[1] {
			if x := o*stride + kx*w.KerDil[1] - w.Pad[1]; x%dil == 0 {
				in := (x/dil%stride + stride) % stride
				t := tap{kx, o, in, (x/dil - in) / stride}
				found = append(found, t)
				first[in] = min(first[in], t.offset)
			}
		}
		w.taps = append(w.taps, make([]phase, stride))
		for in := range stride {
			w.taps[o][in] = noTaps
		}
	}
	for _, t := range found {
		n := t.offset - first[t.in]
		if n >= winograd.Taps {
			return nil
		}
		w.taps[t.out][t.in][n] = t.kx
	}
	return first
}

// pairs lists the products of one row of an output phase, by slot.
func (w *minimal) pairs(out, oy int) [][]Pair {
	lists := make([][]Pair, winograd.Slots)
	for ky := range w.Ker[0] {
		y := oy*w.Stride[0] + ky*w.KerDil[0] - w.Pad[0]
		if y < 0 || y%w.InDil[0] != 0 || y/w.InDil[0] >= w.In[0] {
			continue
		}
		for in, p := range w.taps[out] {
			for slot := range lists {
				if p.needs(slot) {
					lists[slot] = append(lists[slot], Pair{A: w.dataAt(y/w.InDil[0], in, slot) * 4, B: w.tapsAt(0, out, in, ky, slot) * 4})
				}
			}
		}
	}
	return lists
}

// rows is the height of a slot's product.
func (w *minimal) rows() int { return w.tiles * w.chunk }

// Transformed data are [row][phase][slot][tile][example][k], taps [panel][output phase][input phase][row][slot][k][width].

func (w *minimal) dataAt(y, in, slot int) int {
	return ((y*w.Stride[1]+in)*winograd.Slots + slot) * w.rows() * w.K
}

func (w *minimal) tapsAt(panel, out, in, ky, slot int) int {
	return ((((panel*len(w.taps)+out)*w.Stride[1]+in)*w.Ker[0]+ky)*winograd.Slots + slot) * w.K * w.Set.Main.Width
}

func (w *minimal) columns() int { return parts(w.panels(), w.groups) * w.Set.Main.Width } // of a group

func (w *minimal) sizes() slotSizes {
	width := w.Set.Main.Width
	return slotSizes{data: w.dataAt(w.In[0], 0, 0), taps: w.tapsAt(w.panels(), 0, 0, 0, 0), row: max(w.K, w.columns(), tapRows*width),
		products: winograd.Slots * w.rows() * w.columns(), spare: w.Ker[1] * tapRows * width}
}

func (w *minimal) workspace() int { return w.sizes().total(w.Team.Size()) }

func (w *minimal) run(t Team, out, in, ker, work []float32) {
	data, taps, hands := w.sizes().cut(work, t.Size())
	for g := range w.Groups {
		w.transformTaps(t, hands, taps, ker[g*w.KerG:])
		for from := 0; from < w.M; from += w.chunk {
			n := min(w.chunk, w.M-from)
			w.transformData(t, hands, data, in[g*w.InG+from*w.InS[2]:], n)
			w.multiply(t, hands, out[g*w.OutG+from*w.OutS[2]:], data, taps, n)
		}
	}
}

func (w *minimal) transformTaps(t Team, hands []slotHand, taps, ker []float32) {
	width := w.Set.Main.Width
	t.Each(w.panels()*w.Ker[0], func(worker, it int) {
		h, panel, ky := &hands[worker], it/w.Ker[0], it%w.Ker[0]
		for k := 0; k < w.K; k += tapRows {
			rows := min(tapRows, w.K-k)
			h.Rows.N = rows * width
			for kx := range w.Ker[1] {
				w.Set.packColumns(h.spare[kx*tapRows*width:], ker[w.kernelPixel(ky, kx)+k*w.KerS[2]+panel*width*w.KerS[3]:],
					rows, min(width, w.N-panel*width), width, w.KerS[2], w.KerS[3])
			}
			for o, phases := range w.taps {
				for i, p := range phases {
					for j, kx := range p {
						if h.In[j] = h.none; kx >= 0 {
							h.In[j] = unsafe.Pointer(&h.spare[kx*tapRows*width])
						}
					}
					for slot := range h.Out {
						if h.Out[slot] = unsafe.Pointer(&h.waste[0]); p.needs(slot) {
							h.Out[slot] = unsafe.Pointer(&taps[w.tapsAt(panel, o, i, ky, slot)+k*width])
						}
					}
					w.Set.maps.taps(&h.Rows)
				}
			}
		}
	})
}

func (w *minimal) transformData(t Team, hands []slotHand, data, in []float32, examples int) {
	pieces := parts(items, w.In[0])
	t.Each(w.In[0]*pieces, func(worker, it int) {
		h, y, piece := &hands[worker], it/pieces, it%pieces
		h.Rows.N = w.K
		for b := examples * piece / pieces; b < examples*(piece+1)/pieces; b++ {
			for i, from := range w.data {
				phase := i / w.tiles
				h.from(in, y*w.InS[0]+b*w.InS[2], from[:])
				for slot := range h.Out {
					if h.Out[slot] = unsafe.Pointer(&h.waste[0]); w.needed[phase][slot] {
						h.Out[slot] = unsafe.Pointer(&data[w.dataAt(y, phase, slot)+(i%w.tiles*w.chunk+b)*w.K])
					}
				}
				w.Set.maps.data(&h.Rows)
			}
		}
	})
}

func (w *minimal) multiply(t Team, hands []slotHand, out, data, taps []float32, examples int) {
	width, nj, rows, columns := w.Set.Main.Width, w.panels(), w.rows(), w.columns()
	nt := parts(rows, w.Set.Main.rows())
	t.Each(len(w.lists)*w.groups, func(worker, it int) {
		h, lists, group := &hands[worker], w.lists[it/w.groups], it%w.groups
		j0, j1 := nj*group/w.groups, nj*(group+1)/w.groups
		h.Args = Args{K: w.K, ARS: w.K * 4, AKS: 4, BKS: width * 4, CRS: columns * 4}
		for slot, list := range lists {
			if len(list) == 0 {
				continue
			}
			h.List, h.Args.N = &list[0], len(list)
			for j := j0; j < j1; j++ {
				tiles := w.Set.last(min(width, w.N-j*width))
				h.B = unsafe.Pointer(&taps[w.tapsAt(j, 0, 0, 0, 0)])
				for tile := range nt {
					r0, r1 := rows*tile/nt, rows*(tile+1)/nt
					h.A = unsafe.Pointer(&data[r0*w.K])
					h.C = unsafe.Pointer(&h.products[(slot*rows+r0)*columns+(j-j0)*width])
					tiles.By[r1-r0](&h.Args)
				}
			}
		}
		phase, oy := it/w.groups/w.Out[0], it/w.groups%w.Out[0]
		w.transformProducts(h, lists, out[oy*w.OutS[0]+j0*width:], phase, min(j1*width, w.N)-j0*width, examples)
	})
}

// transformProducts computes n channels of a row's pixels of one phase.
func (w *minimal) transformProducts(h *slotHand, lists [][]Pair, out []float32, phase, n, examples int) {
	rows, columns, dil := w.rows(), w.columns(), w.InDil[1]
	h.Rows.N = n
	for t := range w.tiles {
		for b := range examples {
			for slot := range h.In {
				if h.In[slot] = h.none; len(lists[slot]) > 0 {
					h.In[slot] = unsafe.Pointer(&h.products[(slot*rows+t*w.chunk+b)*columns])
				}
			}
			for i := range winograd.Outputs {
				x := phase + dil*(winograd.Outputs*t+i)
				if h.Out[i] = unsafe.Pointer(&h.waste[0]); x < w.Out[1] {
					h.Out[i] = unsafe.Pointer(&out[x*w.OutS[1]+b*w.OutS[2]])
				}
			}
			w.Set.maps.outputs(&h.Rows)
		}
	}
}
