package kern

import "unsafe"

// Dot is a product of stacks of matrices, [batch][m][k] by [batch][k][n], with the contiguous result [batch][m][n]. Tables of offsets,
// in floats, locate the elements of the operands, so any axes may be contracted.
type Dot struct {
	Set        *Set
	LB, LM, LK []int
	RB, RK, RN []int
	BF16       bool // operands are rounded to bfloat16 if the set has kernels for that and it helps

	inPlace  bool // the left operand is read without a copy
	ars, aks int  // its strides
	run      int  // contracted elements at one stride: the depth of a pair
	list     []Pair
}

func (d *Dot) sizes() (b, m, k, n int) { return len(d.LB), len(d.LM), len(d.LK), len(d.RN) }

// Plan finds the strides, and decides whether to copy or round the left operand. It is called once, before Workspace and Run.
func (d *Dot) Plan() {
	_, _, K, N := d.sizes()
	if d.BF16 = d.BF16 && d.Set.Pairs != nil && min(K, N) >= minPaired; d.BF16 {
		d.Set = d.Set.Pairs
		d.ars, d.aks, d.run, d.list = d.pairs(), 1, d.pairs(), []Pair{{}}
		return
	}
	d.ars, d.inPlace = even(d.LM)
	d.run = 1
	for d.run < K && d.LK[d.run]-d.LK[d.run-1] == d.LK[1]-d.LK[0] {
		d.run++
	}
	if d.run > 1 {
		d.aks = d.LK[1] - d.LK[0]
	}
	for k := 0; k < K && d.inPlace && K%d.run == 0; k += d.run {
		for i := range d.run {
			d.inPlace = d.inPlace && d.LK[k+i] == d.LK[k]+i*d.aks
		}
		d.list = append(d.list, Pair{A: d.LK[k] * 4, B: k * d.Set.Main.Width * 4})
	}
	// Elements that are whole pages apart share few sets of the caches. A copy pays if it is read often.
	paged := d.aks*4 >= 4096 && K > 1 && N >= 8*d.Set.Main.Width
	if !d.inPlace || K%max(1, d.run) != 0 || paged {
		d.inPlace, d.ars, d.aks, d.run, d.list = false, K, 1, K, []Pair{{}}
	}
}

func (d *Dot) panels() int { return parts(len(d.RN), d.Set.Main.Width) }
func (d *Dot) panel() int  { return d.depth() * d.Set.Main.Width }

// depth is the number of contracted elements, or of pairs of them.
func (d *Dot) depth() int {
	if d.BF16 {
		return d.pairs()
	}
	return len(d.RK)
}

// left is the size of the copy of the left operand, 0 without one.
func (d *Dot) left() int {
	if d.inPlace {
		return 0
	}
	return (len(d.LB)*len(d.LM)*d.depth() + 15) &^ 15 // keeps what follows aligned
}

// Workspace returns the floats of memory that Run needs.
func (d *Dot) Workspace() int { return d.left() + len(d.RB)*d.panels()*d.panel() }

// Run computes out. work has at least Workspace elements with any contents, and is 64-byte aligned.
func (d *Dot) Run(t Team, out, l, r, work []float32) {
	B, M, K, N := d.sizes()
	if B*M*N == 0 {
		return
	}
	if K == 0 {
		clear(out[:B*M*N])
		return
	}
	t = t.For(B * M * K * N)
	left, packed := work[:d.left()], work[d.left():]
	if d.BF16 {
		d.pairLeft(t, left, l)
		d.pairRight(t, packed, r)
	} else {
		if !d.inPlace {
			d.packLeft(t, left, l)
		}
		d.packRight(t, packed, r)
	}
	nj, panel, width := d.panels(), d.panel(), d.Set.Main.Width
	height := d.Set.Main.rows()
	tiles := parts(M, height)
	pieces := min(tiles, parts(minPieces, B*nj)) // of the rows, where there are few panels
	workers := make([]worker, t.Size())
	t.Each(B*nj*pieces, func(id, it int) {
		piece, j, b := it%pieces, it/pieces%nj, it/pieces/nj
		cols := min(width, N-j*width)
		w := &workers[id]
		w.Args = Args{List: &d.list[0], N: len(d.list), K: d.run, ARS: d.ars * 4, AKS: d.aks * 4, BKS: width * 4,
			B: unsafe.Pointer(&packed[(b*nj+j)*panel])}
		for i := tiles * piece / pieces; i < tiles*(piece+1)/pieces; i++ {
			m0, m1 := M*i/tiles, M*(i+1)/tiles
			if d.inPlace {
				w.A = unsafe.Pointer(&l[d.LB[b]+m0*d.ars])
			} else {
				w.A = unsafe.Pointer(&left[(b*M+m0)*d.ars])
			}
			w.tile(d.Set.last(cols), m1-m0, cols, out, (b*M+m0)*N+j*width, N, 1)
		}
	})
}

// packLeft copies the left operand to [batch][m][k].
func (d *Dot) packLeft(t Team, left, l []float32) {
	_, M, K, _ := d.sizes()
	ms, evenM := even(d.LM)
	ks, evenK := even(d.LK)
	if evenM && evenK {
		pieces := parts(M, 64)
		t.Each(len(d.LB)*pieces, func(_, it int) {
			b, m0, m1 := it/pieces, M*(it%pieces)/pieces, M*(it%pieces+1)/pieces
			d.Set.packColumns(left[(b*M+m0)*K:], l[d.LB[b]+m0*ms:], m1-m0, K, K, ms, ks)
		})
		return
	}
	t.Each(len(d.LB)*M, func(_, i int) {
		row, s := left[i*K:][:K], l[d.LB[i/M]+d.LM[i%M]:]
		for k, o := range d.LK {
			row[k] = s[o]
		}
	})
}

// packRight copies the right operand to [batch][panel][k][width].
func (d *Dot) packRight(t Team, packed, r []float32) {
	_, _, K, N := d.sizes()
	nj, panel, width := d.panels(), d.panel(), d.Set.Main.Width
	rs, evenRows := even(d.RK)
	cs, evenCols := even(d.RN)
	pieces := min(parts(K, 64), parts(minPieces, len(d.RB)*nj))
	t.Each(len(d.RB)*nj*pieces, func(_, it int) {
		piece, j, b := it%pieces, it/pieces%nj, it/pieces/nj
		k0, k1 := K*piece/pieces, K*(piece+1)/pieces
		dst := packed[(b*nj+j)*panel+k0*width:][:(k1-k0)*width]
		cols := d.RN[j*width : min((j+1)*width, N)]
		if evenRows && evenCols {
			d.Set.packColumns(dst, r[d.RB[b]+k0*rs+cols[0]:], k1-k0, len(cols), width, rs, cs)
			return
		}
		for i, k := range d.RK[k0:k1] {
			row, s := dst[i*width:][:width], r[d.RB[b]+k:]
			for c, o := range cols {
				row[c] = s[o]
			}
			clear(row[len(cols):])
		}
	})
}

// even reports whether the offsets are 0, s, 2s, and so on.
func even(o []int) (s int, ok bool) {
	if len(o) > 1 {
		s = o[1]
	}
	for i, v := range o {
		if v != i*s {
			return 0, false
		}
	}
	return s, true
}
