package kern

import "unsafe"

// lanes computes a convolution with few output channels. Rows of a tile are output channels, columns are the batch, and the input is
// packed as [pixel][k][batch].
type lanes struct {
	*Conv
	tiles Tiles
	batch int      // M rounded up to whole tiles
	lists [][]Pair // by output pixel
}

// laneTiles returns the tiles to use: the wide ones if the batch fills them.
func (c *Conv) laneTiles() Tiles {
	if c.N <= c.Set.Wide.rows() && c.M > c.Set.Main.Width {
		return c.Set.Wide
	}
	return c.Set.Main
}

func newLanes(c *Conv) *lanes {
	l := &lanes{Conv: c, tiles: c.laneTiles(), lists: make([][]Pair, c.Out[0]*c.Out[1])}
	l.batch = parts(c.M, l.tiles.Width) * l.tiles.Width
	for o := range l.lists {
		c.Taps(o, func(t Tap) {
			l.lists[o] = append(l.lists[o], Pair{A: t.Kernel * 4, B: (t.Y*c.In[1] + t.X) * c.K * l.batch * 4})
		})
	}
	return l
}

func (l *lanes) inputs() int  { return l.In[0] * l.In[1] * l.K * l.batch }   // packed, of one group
func (l *lanes) outputs() int { return l.Out[0] * l.Out[1] * l.N * l.batch } // [pixel][n][batch], of one group

func (l *lanes) workspace() (shared, own int) { return l.Groups * (l.inputs() + l.outputs()), 0 }

func (l *lanes) run(out, in, ker []float32, m Memory) {
	packed, result := m.Shared[:l.Groups*l.inputs()], m.Shared[l.Groups*l.inputs():]
	ipix, opix := l.In[0]*l.In[1], l.Out[0]*l.Out[1]
	l.Team.Each(l.Groups*ipix, func(_, it int) {
		g, p := it/ipix, it%ipix
		src := in[g*l.InG+p/l.In[1]*l.InS[0]+p%l.In[1]*l.InS[1]:]
		l.packPixel(packed[it*l.K*l.batch:][:l.K*l.batch], src)
	})
	workers := make([]worker, l.Team.Size())
	l.Team.Each(l.Groups*opix, func(id, it int) {
		g, p := it/opix, it%opix
		y := result[it*l.N*l.batch:][:l.N*l.batch]
		list := l.lists[p]
		if len(list) == 0 {
			clear(y)
		} else {
			w := &workers[id]
			w.Args = Args{List: &list[0], N: len(list), K: l.K, ARS: l.KerS[3] * 4, AKS: l.KerS[2] * 4, BKS: l.batch * 4}
			nt := parts(l.N, l.tiles.rows())
			for n := range nt {
				n0, n1 := l.N*n/nt, l.N*(n+1)/nt
				w.A = unsafe.Pointer(&ker[g*l.KerG+n0*l.KerS[3]])
				for b := 0; b < l.batch; b += l.tiles.Width {
					w.B = unsafe.Pointer(&packed[g*l.inputs()+b])
					w.tile(l.tiles, n1-n0, l.tiles.Width, y, n0*l.batch+b, l.batch, 1)
				}
			}
		}
		d := out[g*l.OutG+p/l.Out[1]*l.OutS[0]+p%l.Out[1]*l.OutS[1]:]
		for b := range l.M {
			row := d[b*l.OutS[2]:]
			for n := range l.N {
				row[n*l.OutS[3]] = y[n*l.batch+b]
			}
		}
	})
}

// packPixel copies one pixel to [k][batch]. Missing examples are zero. It proceeds in blocks of 16, so that source and destination stay
// in the first-level cache.
func (l *lanes) packPixel(d, s []float32) {
	const T = 16
	for k0 := 0; k0 < l.K; k0 += T {
		k1 := min(k0+T, l.K)
		for b := range l.M {
			for k := k0; k < k1; k++ {
				d[k*l.batch+b] = s[k*l.InS[3]+b*l.InS[2]]
			}
		}
		for k := k0; k < k1; k++ {
			clear(d[k*l.batch+l.M:][:l.batch-l.M])
		}
	}
}
