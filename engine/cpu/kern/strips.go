package kern

import "unsafe"

// strips computes a convolution whose kernel is an image, with memory order [k][y][x][n] or similar: the gradient of a kernel, where k is
// the batch. The depth of a product runs along a row of pixels, in both operands, and the list holds the rows of all examples. So both
// are read in place, almost in order; depth along the batch would advance by whole pages.
//
// The last columns of a tile may be beyond a row of the kernel, even beyond its end. They are computed from the memory that is
// there, and dropped. With tiles of half the width for the last columns, there are fewer than 16.
type strips struct {
	*Conv
	chunkSize int        // examples whose pixels stay in cache
	lists     [][][]Pair // by chunk and output row
	cols      []span     // by output column
	thin      *Conv      // the original convolution, if Conv is its widened form
}

// span is the pixels of a row of the kernel that meet the input: n of them from ker on, the first one at in.
type span struct{ in, ker, n int }

// stripBytes is the size of the parts of both operands that should stay in the second-level cache.
const stripBytes = 1 << 19

// stripsFit reports whether the operands have the memory order that strips need, and depth along the pixels is better.
func (c *Conv) stripsFit() bool {
	return c.KerS[3] == 1 && c.N >= 8 && c.KerS[2] > c.KerS[1] && c.InS[3] > c.InS[1] &&
		c.InDil == [2]int{1, 1} && !c.Reverse && c.Ker[1] > 2
}

// widened returns c with the columns of its output as rows, if it has few rows: then neighbouring pixels are neighbouring rows of A. Its
// input is a copy that is padded along x, so that all columns have the same taps. It returns nil if c has enough rows.
func (c *Conv) widened() *Conv {
	row := c.OutS[2]
	if c.M == 1 {
		row = c.OutS[1]
	}
	if c.M > 4 || c.Out[1] == 1 || c.Stride[1] != 1 || c.OutS[1] != c.M*row {
		return nil
	}
	w := *c
	width := c.Out[1] + (c.Ker[1]-1)*c.KerDil[1]
	w.M, w.In[1], w.Out[1], w.Pad[1] = c.M*c.Out[1], width, 1, 0
	w.InS, w.InG = [4]int{width * c.M, c.M, 1, c.In[0] * width * c.M}, c.K*c.In[0]*width*c.M
	w.OutS[1], w.OutS[2] = 0, row
	return &w
}

func newStrips(c *Conv) *strips {
	s := &strips{Conv: c}
	if w := c.widened(); w != nil {
		s.Conv, s.thin = w, c
		c = w
	}
	s.cols = make([]span, c.Out[1])
	example := 4 * (c.In[0]*c.In[1]*c.M + c.Ker[0]*c.Ker[1]*c.Set.Main.Width)
	s.chunkSize = min(c.K, max(1, stripBytes/example))
	if s.thin != nil {
		s.chunkSize = min(s.chunkSize, parts(c.K, minPieces))
	}
	for k := range c.K {
		if k%s.chunkSize == 0 {
			s.lists = append(s.lists, make([][]Pair, c.Out[0]))
		}
		rows := s.lists[k/s.chunkSize]
		for oy := range c.Out[0] {
			for ky := range c.Ker[0] {
				if y, ok := c.meets(0, oy, ky); ok {
					rows[oy] = append(rows[oy], Pair{A: (k*c.InS[3] + y*c.InS[0]) * 4, B: (k*c.KerS[2] + ky*c.KerS[0]) * 4})
				}
			}
		}
	}
	for ox := range s.cols {
		for kx := range c.Ker[1] {
			if x, ok := c.meets(1, ox, kx); ok {
				if s.cols[ox].n == 0 {
					s.cols[ox] = span{in: x * c.InS[1], ker: kx * c.KerS[1]}
				}
				s.cols[ox].n++
			}
		}
	}
	return s
}

// widen copies the input with zeros on both sides of each row.
func (s *strips) widen(wide, in []float32) {
	c, width := s.thin, s.InS[0]
	s.Team.Each(s.Groups*s.K, func(_, it int) {
		g, k := it/s.K, it%s.K
		for y := range s.In[0] {
			d := wide[g*s.InG+k*s.InS[3]+y*width:][:width]
			clear(d)
			src := in[g*c.InG+k*c.InS[3]+y*c.InS[0]:]
			from, to := max(0, -c.Pad[1]), min(c.In[1], s.In[1]-c.Pad[1]) // pixels that padding does not crop
			if from < to && c.InS[2] == 1 && c.InS[1] == c.M {
				copy(d[(from+c.Pad[1])*c.M:], src[from*c.M:to*c.M])
				continue
			}
			for x := from; x < to; x++ {
				for m := range c.M {
					d[(x+c.Pad[1])*c.M+m] = src[x*c.InS[1]+m*c.InS[2]]
				}
			}
		}
	})
}

// pieces is the number of sums over part of the examples, which are then added up: more than one if the output is small.
func (s *strips) pieces() int {
	if s.thin == nil {
		return 1
	}
	return parts(s.K, s.chunkSize)
}

func (s *strips) outputs() int { return s.Groups * s.M * s.N * s.Out[0] * s.Out[1] }

func (s *strips) workspace() (shared, own int) {
	if s.thin == nil {
		return 0, 0
	}
	return s.Groups*s.InG + s.pieces()*s.outputs(), 0
}

func (s *strips) run(out, in, ker []float32, m Memory) {
	nt, nj, np := parts(s.M, s.Set.Main.rows()), s.panels(), s.pieces()
	nh := 1 // parts of the rows
	for np*s.Groups*nj*nh < minPieces/2 && nh < nt {
		nh *= 2
	}
	nt = nh * parts(parts(s.M, nh), s.Set.Main.rows()) // tiles, the same number for each part
	sums := out
	if s.thin != nil {
		s.widen(m.Shared, in)
		in, sums = m.Shared, m.Shared[s.Groups*s.InG:]
	}
	workers := make([]worker, s.Team.Size())
	// A worker takes several panels at a time, if there are enough, and computes a chunk for all of them before the next chunk, so that
	// it reads the input once.
	cells := s.Groups * nh * nj
	shares := min(cells, 2*s.Team.Size())
	s.Team.Each(np*shares, func(id, it int) {
		p, share := it/shares, it%shares
		for chunk := len(s.lists) * p / np; chunk < len(s.lists)*(p+1)/np; chunk++ {
			for cell := cells * share / shares; cell < cells*(share+1)/shares; cell++ {
				j, part, g := cell%nj, cell/nj%nh, cell/nj/nh
				for tile := nt * part / nh; tile < nt*(part+1)/nh; tile++ {
					s.tile(&workers[id], chunk, s.M*tile/nt, s.M*(tile+1)/nt, g, j, sums[p*s.outputs():], in, ker, chunk > len(s.lists)*p/np)
				}
			}
		}
	})
	if s.thin != nil {
		n := s.outputs()
		copy(out[:n], sums)
		for p := 1; p < np; p++ {
			for i, v := range sums[p*n:][:n] {
				out[i] += v
			}
		}
	}
}

// tile computes rows m0 to m1 of group g and panel j for all pixels of the output, or adds to them.
func (s *strips) tile(w *worker, chunk, m0, m1, g, j int, out, in, ker []float32, add bool) {
	width := s.Set.Main.Width
	cols := min(width, s.N-j*width)
	w.Args = Args{ARS: s.InS[2] * 4, AKS: s.KerDil[1] * s.InS[1] * 4, BKS: s.KerS[1] * 4}
	if add {
		w.Acc = 1
	}
	for oy, list := range s.lists[chunk] {
		for ox, c := range s.cols {
			to := g*s.OutG + oy*s.OutS[0] + ox*s.OutS[1] + m0*s.OutS[2] + j*width*s.OutS[3]
			if len(list) == 0 || c.n == 0 { // nothing but padding
				fillZero(out[to:], m1-m0, cols, s.OutS[2], s.OutS[3])
				continue
			}
			w.List, w.N, w.K = &list[0], len(list), c.n
			w.A = unsafe.Pointer(&in[g*s.InG+c.in+m0*s.InS[2]])
			w.B = unsafe.Pointer(&ker[g*s.KerG+c.ker+j*width])
			w.tile(s.Set.last(cols), m1-m0, cols, out, to, s.OutS[2], s.OutS[3])
		}
	}
}
