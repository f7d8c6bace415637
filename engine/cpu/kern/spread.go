package kern

import "unsafe"

// spread computes a convolution with very few output channels, such as those of an image. The pixels of an example are multiplied by all
// taps at once, which are the columns, and each output pixel then adds up its products.
type spread struct {
	*Conv
	width  int     // of a row of products: taps x output channels, rounded up to whole tiles
	terms  [][]int // byte offsets of products, by output pixel
	pieces int     // of the batch
}

func newSpread(c *Conv) *spread {
	s := &spread{Conv: c, pieces: min(c.M, minPieces), terms: make([][]int, c.Out[0]*c.Out[1])}
	s.width = parts(c.Ker[0]*c.Ker[1]*c.N, c.Set.Main.Width) * c.Set.Main.Width
	for o := range s.terms {
		c.Taps(o, func(t Tap) {
			s.terms[o] = append(s.terms[o], ((t.Y*c.In[1]+t.X)*s.width+t.Number*c.N)*4)
		})
	}
	return s
}

func (s *spread) kernels() int  { return s.Groups * s.K * s.width }
func (s *spread) products() int { return s.In[0] * s.In[1] * s.width }

func (s *spread) workspace() (shared, own int) { return s.kernels(), s.products() }

func (s *spread) run(out, in, ker []float32, m Memory) {
	packed := m.Shared[:s.kernels()]
	for g := range s.Groups {
		s.pack(packed[g*s.K*s.width:], ker[g*s.KerG:])
	}
	workers := make([]worker, s.Team.Size())
	s.Team.Each(s.pieces, func(id, it int) {
		p := m.Own[id][:s.products()]
		for b := s.M * it / s.pieces; b < s.M*(it+1)/s.pieces; b++ {
			for g := range s.Groups {
				s.multiply(&workers[id], p, in[g*s.InG+b*s.InS[2]:], packed[g*s.K*s.width:])
				s.add(out[g*s.OutG+b*s.OutS[2]:], p)
			}
		}
	})
}

// pack copies the kernel of one group to [panel][k][width], where column q*N+n is output channel n of pixel q.
func (s *spread) pack(d, ker []float32) {
	width := s.Set.Main.Width
	clear(d[:s.K*s.width])
	for q := range s.Ker[0] * s.Ker[1] {
		src := ker[s.kernelPixel(q/s.Ker[1], q%s.Ker[1]):]
		for n := range s.N {
			column := q*s.N + n
			to := d[column/width*s.K*width+column%width:]
			for k := range s.K {
				to[k*width] = src[n*s.KerS[3]+k*s.KerS[2]]
			}
		}
	}
}

// multiply computes the products of one example: [pixel][column].
func (s *spread) multiply(w *worker, p, in, packed []float32) {
	width := s.Set.Main.Width
	rows, length := s.In[0], s.In[1] // rows of pixels at one stride
	if s.InS[0] == s.In[1]*s.InS[1] {
		rows, length = 1, rows*length
	}
	nt := parts(length, s.Set.Main.rows())
	w.Args = Args{List: &Pair{}, N: 1, K: s.K, ARS: s.InS[1] * 4, AKS: s.InS[3] * 4, BKS: width * 4}
	for y := range rows {
		for tile := range nt {
			x0, x1 := length*tile/nt, length*(tile+1)/nt
			w.A = unsafe.Pointer(&in[y*s.InS[0]+x0*s.InS[1]])
			for j := 0; j < s.width; j += width {
				w.B = unsafe.Pointer(&packed[j*s.K])
				w.tile(s.Set.Main, x1-x0, width, p, (y*length+x0)*s.width+j, s.width, 1)
			}
		}
	}
}

// add adds up the products of each output pixel.
func (s *spread) add(out, p []float32) {
	base := unsafe.Pointer(&p[0])
	for o, terms := range s.terms {
		to := o/s.Out[1]*s.OutS[0] + o%s.Out[1]*s.OutS[1]
		for n := range s.N {
			var sum float32
			for _, e := range terms {
				sum += *at[float32](base, e+n*4)
			}
			out[to+n*s.OutS[3]] = sum
		}
	}
}
