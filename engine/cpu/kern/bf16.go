package kern

import "unsafe"

// Products of bfloat16 take their operands in pairs: two contracted elements of 16 bits, k and k+1, are one element of 32 bits, and a
// kernel adds both products to a float32. So an array of pairs is one of float32 with half as many contracted elements, and every
// algorithm moves it like float32.

// paired is a convolution of operands that are rounded to bfloat16, with pairs of contracted channels as elements.
type paired struct {
	*Conv             // of pairs
	in, ker pairArray // operands of the original convolution
}

// pairArray is an array [outer][k][inner] whose axis k is contracted.
type pairArray struct{ outer, k, inner int }

func (r pairArray) pairs() int { return (r.outer*r.k*r.inner/2 + 15) &^ 15 } // keeps what follows aligned

// stride converts the stride of another axis to pairs. ok is false if that axis is neither entirely inside of k nor outside.
func (r pairArray) stride(s int) (_ int, ok bool) {
	whole := r.k * r.inner
	switch {
	case s < r.inner:
		return s, true
	case s%whole == 0:
		return s / 2, true
	}
	return 0, false
}

// minPaired is the least depth, and the least number of output channels, for which rounding to pairs pays.
const minPaired = 8

// newPaired returns c with its operands in pairs, or nil if that is impossible or does not pay.
func newPaired(c *Conv) *paired {
	if !c.BF16 || c.Set.Pairs == nil || c.empty() || c.K%2 != 0 || min(c.K, c.N) < minPaired {
		return nil
	}
	p := *c
	p.Set, p.BF16, p.K = c.Set.Pairs, false, c.K/2
	q := &paired{Conv: &p,
		in:  pairArray{c.Groups * c.M * c.In[0] * c.In[1] / c.InS[3], c.K, c.InS[3]},
		ker: pairArray{c.Groups * c.N * c.Ker[0] * c.Ker[1] / c.KerS[2], c.K, c.KerS[2]},
	}
	ok := min(q.in.outer, q.ker.outer) > 0
	half := func(r pairArray, strides ...*int) {
		for _, s := range strides {
			t, fits := r.stride(*s)
			*s, ok = t, ok && fits
		}
	}
	half(q.in, &p.InS[0], &p.InS[1], &p.InS[2])
	half(q.ker, &p.KerS[0], &p.KerS[1], &p.KerS[3])
	if c.Groups > 1 {
		half(q.in, &p.InG)
		half(q.ker, &p.KerG)
	}
	if !ok {
		return nil
	}
	return q
}

// direct chooses the cheapest direct algorithm for pairs. The cost includes that of rounding.
func (p *paired) direct(taps int) (func() algorithm, int) {
	plan, cost := p.Conv.direct(taps)
	return func() algorithm {
		p.Conv.algorithm = plan()
		return p
	}, cost + roundCost*(p.in.pairs()+p.ker.pairs())
}

func (p *paired) workspace() (shared, own int) {
	shared, own = p.Conv.Workspace()
	return p.in.pairs() + p.ker.pairs() + 16 + shared, own
}

func (p *paired) run(out, in, ker []float32, m Memory) {
	x, w := carve(&m.Shared, p.in.pairs()), carve(&m.Shared, p.ker.pairs())
	p.in.fill(p.Team, x, in)
	p.ker.fill(p.Team, w, ker)
	m.Shared = m.Shared[16:]
	p.Conv.algorithm.run(out, x, w, m)
}

// fill rounds an array to pairs.
func (r pairArray) fill(t Team, d, s []float32) {
	if r.inner == 1 { // pairs are contiguous
		total := r.outer * r.k
		pieces := min(parts(total, 1<<14), minPieces)
		t.Each(pieces, func(_, i int) {
			from, to := total/2*i/pieces, total/2*(i+1)/pieces
			if from < to {
				roundPairs(unsafe.Pointer(&d[from]), unsafe.Pointer(&s[2*from]), 2*(to-from))
			}
		})
		return
	}
	t.Each(r.outer*(r.k/2), func(_, i int) {
		roundRows(unsafe.Pointer(&d[i*r.inner]), unsafe.Pointer(&s[2*i*r.inner]), unsafe.Pointer(&s[(2*i+1)*r.inner]), r.inner)
	})
}

// pairs is the depth of a product in pairs. A single last element is paired with zero.
func (d *Dot) pairs() int { return parts(len(d.LK), 2) }

// pairLeft copies the left operand to [batch][m][pair].
func (d *Dot) pairLeft(t Team, left, l []float32) {
	M, K, P := len(d.LM), len(d.LK), d.pairs()
	s, inRow := even(d.LK)
	inRow = inRow && s == 1
	gathered := make([][]float32, t.Size())
	t.Each(len(d.LB)*M, func(w, i int) {
		from := l[d.LB[i/M]+d.LM[i%M]:]
		if !inRow {
			if gathered[w] == nil {
				gathered[w] = make([]float32, K)
			}
			for k, o := range d.LK {
				gathered[w][k] = from[o]
			}
			from = gathered[w]
		}
		row := left[i*P:][:P]
		row[P-1] = 0
		roundPairs(unsafe.Pointer(&row[0]), unsafe.Pointer(&from[0]), K)
	})
}

// pairRight copies the right operand to [batch][panel][pair][width].
func (d *Dot) pairRight(t Team, packed, r []float32) {
	K, P, nj, width := len(d.RK), d.pairs(), d.panels(), d.Set.Main.Width
	pieces := min(parts(P, 64), parts(minPieces, len(d.RB)*nj))
	gathered := make([][]float32, t.Size())
	t.Each(len(d.RB)*nj*pieces, func(w, it int) {
		if gathered[w] == nil {
			gathered[w] = make([]float32, 2*width)
		}
		piece, j, b := it%pieces, it/pieces%nj, it/pieces/nj
		cols := d.RN[j*width : min((j+1)*width, len(d.RN))]
		for p := P * piece / pieces; p < P*(piece+1)/pieces; p++ {
			clear(gathered[w])
			for i := range min(2, K-2*p) {
				from, row := r[d.RB[b]+d.RK[2*p+i]:], gathered[w][i*width:]
				for c, o := range cols {
					row[c] = from[o]
				}
			}
			roundRows(unsafe.Pointer(&packed[((b*nj+j)*P+p)*width]), unsafe.Pointer(&gathered[w][0]), unsafe.Pointer(&gathered[w][width]), width)
		}
	})
}
