package cpu

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// fastConv is a convolution by generated kernels, or nil if the form is not covered.
func (c *compiler) fastConv(n *node, x, k, out int) func(*machine) {
	a := n.attr.(conv)
	xs, ks, ys := n.in[0].shape, n.in[1].shape, n.shape
	X, K, Y := xs.Dimensions, ks.Dimensions, ys.Dimensions
	sx, sk, sy := strides(xs), strides(ks), strides(ys)
	two := func(v []int) [2]int { return [2]int{v[0], v[1]} }
	g := &kern.General{
		M: Y[a.axes.OutputBatch], K: K[a.axes.KernelInputChannels], N: Y[a.axes.OutputChannels],
		In: two(pick(X, a.axes.InputSpatial...)), Ker: two(pick(K, a.axes.KernelSpatial...)), Out: two(pick(Y, a.axes.OutputSpatial...)),
		InS:    [4]int{sx[a.axes.InputSpatial[0]], sx[a.axes.InputSpatial[1]], sx[a.axes.InputBatch], sx[a.axes.InputChannels]},
		KerS:   [4]int{sk[a.axes.KernelSpatial[0]], sk[a.axes.KernelSpatial[1]], sk[a.axes.KernelInputChannels], sk[a.axes.KernelOutputChannels]},
		OutS:   [4]int{sy[a.axes.OutputSpatial[0]], sy[a.axes.OutputSpatial[1]], sy[a.axes.OutputBatch], sy[a.axes.OutputChannels]},
		Stride: two(a.stride), Pad: [2]int{a.pad[0][0], a.pad[1][0]}, InDil: two(a.inDil), KerDil: two(a.dil), Reverse: a.reverse,
	}
	nx, nk, ny := xs.Size(), ks.Size(), ys.Size()
	switch {
	case a.groups > 1:
		return nil
	case g.N%32 == 0 && g.OutS[3] == 1:
		g.Plan()
		return func(m *machine) { g.Run(of[float32](m.p[out], ny), of[float32](m.p[x], nx), of[float32](m.p[k], nk)) }
	case g.N <= 6 && g.M%64 == 0:
		return narrow(g, x, k, out)
	}
	return nil
}

// narrow is a convolution to few channels: the batch lies in the lanes.
func narrow(g *kern.General, x, k, out int) func(*machine) {
	pix, npix := g.In[0]*g.In[1], g.Out[0]*g.Out[1]
	t, y := kern.Aligned(pix*g.K*g.M), kern.Aligned(npix*g.N*g.M) // [pixel][k][batch], [pixel][n][batch]
	lists := make([][]kern.Pair, npix)
	for o := range lists {
		for q := range g.Ker[0] * g.Ker[1] {
			ky, kx := q/g.Ker[1], q%g.Ker[1]
			h, w := o/g.Out[1]*g.Stride[0]+ky*g.KerDil[0]-g.Pad[0], o%g.Out[1]*g.Stride[1]+kx*g.KerDil[1]-g.Pad[1]
			if h < 0 || w < 0 || h%g.InDil[0] != 0 || w%g.InDil[1] != 0 || h/g.InDil[0] >= g.In[0] || w/g.InDil[1] >= g.In[1] {
				continue
			}
			if g.Reverse {
				ky, kx = g.Ker[0]-1-ky, g.Ker[1]-1-kx
			}
			lists[o] = append(lists[o], kern.Pair{A: (ky*g.KerS[0] + kx*g.KerS[1]) * 4, B: (h/g.InDil[0]*g.In[1] + w/g.InDil[1]) * g.K * g.M * 4})
		}
	}
	return func(m *machine) {
		each(pix, func(p int) {
			src := unsafe.Add(m.p[x], (p/g.In[1]*g.InS[0]+p%g.In[1]*g.InS[1])*4)
			transpose(t[p*g.K*g.M:], src, g.K, g.M, g.InS[3], g.InS[2])
		})
		each(npix, func(p int) {
			if len(lists[p]) == 0 {
				clear(y[p*g.N*g.M:][:g.N*g.M])
				return
			}
			ar := kern.Args{List: &lists[p][0], N: len(lists[p]), K: g.K, ARS: g.KerS[3] * 4, AKS: g.KerS[2] * 4, BKS: g.M * 4, CRS: g.M * 4, A: m.p[k]}
			for b := 0; b < g.M; b += 64 {
				ar.B, ar.C = ptr(&t[b]), ptr(&y[p*g.N*g.M+b])
				kern.Kern64[g.N](&ar)
			}
		})
		o := m.p[out]
		each(g.Out[0], func(h int) {
			for w := range g.Out[1] {
				for c := range g.N {
					src := y[((h*g.Out[1]+w)*g.N+c)*g.M:][:g.M]
					d := unsafe.Add(o, (h*g.OutS[0]+w*g.OutS[1]+c*g.OutS[3])*4)
					for b, v := range src {
						*(*float32)(unsafe.Add(d, b*g.OutS[2]*4)) = v
					}
				}
			}
		})
	}
}

// transpose copies rows x cols with the strides given to contiguous rows.
func transpose(d []float32, s ptr, rows, cols, rs, cs int) {
	const T = 16
	for i := 0; i < rows; i += T {
		for j := range cols {
			p := unsafe.Add(s, (i*rs+j*cs)*4)
			for r := range min(T, rows-i) {
				d[(i+r)*cols+j] = *(*float32)(unsafe.Add(p, r*rs*4))
			}
		}
	}
}

// fastDot packs the right operand in panels of 32 columns and reads the left one in place if its strides allow.
func fastDot(n *node, l, r, out int) func(*machine) {
	t := tables(n)
	M, K, N := len(t.lm), len(t.lk), len(t.rn)
	ars, okM := even(t.lm)
	run := 1 // contracted elements with one stride
	for run < K && t.lk[run]-t.lk[run-1] == t.lk[1]-t.lk[0] {
		run++
	}
	aks, list, ok := 0, []kern.Pair{}, okM && K%run == 0
	if run > 1 {
		aks = t.lk[1]
	}
	for k := 0; ok && k < K; k += run {
		for i := range run {
			ok = ok && t.lk[k+i] == t.lk[k]+i*aks
		}
		list = append(list, kern.Pair{A: t.lk[k] * 4, B: k * 128})
	}
	if !ok {
		ars, aks, run, list = K, 1, K, []kern.Pair{{}}
	}
	cs, contiguous := even(t.rn)
	contiguous = contiguous && cs == 1
	panels, batch := (N+31)/32, len(t.lb)
	tiles := (M + kern.MaxMR - 1) / kern.MaxMR
	parts := 1 // of the rows, if there are few panels
	for parts < tiles && panels*batch*parts < 2*workers {
		parts *= 2
	}
	parts = min(parts, tiles)
	var packed [workers][]float32
	for w := range packed {
		packed[w] = kern.Aligned(K * 32)
	}
	var left []float32
	if !ok {
		left = kern.Aligned(batch * M * K)
	}
	return func(m *machine) {
		lp, rp := m.p[l], m.p[r]
		if !ok {
			each(batch*M, func(i int) {
				d := left[i*K:][:K]
				base := unsafe.Add(lp, (t.lb[i/M]+t.lm[i%M])*4)
				for k, o := range t.lk {
					d[k] = *(*float32)(unsafe.Add(base, o*4))
				}
			})
		}
		par(batch*panels*parts, false, func(w int, next func() int) {
			b32 := packed[w]
			var edge [kern.MaxMR * 32]float32
			for i := next(); i >= 0; i = next() {
				part, j, b := i%parts, i/parts%panels, i/parts/panels
				width := min(32, N-j*32)
				base := unsafe.Add(rp, t.rb[b]*4)
				for k, o := range t.rk {
					d := b32[k*32:][:32]
					if contiguous {
						copy(d, of[float32](unsafe.Add(base, (o+j*32)*4), width))
					} else {
						for c, q := range t.rn[j*32:][:width] {
							d[c] = *(*float32)(unsafe.Add(base, (o+q)*4))
						}
					}
				}
				ar := kern.Args{List: &list[0], N: len(list), K: run, ARS: ars * 4, AKS: aks * 4, BKS: 128, CRS: N * 4, B: ptr(&b32[0])}
				for s := tiles * part / parts; s < tiles*(part+1)/parts; s++ {
					m0, m1 := M*s/tiles, M*(s+1)/tiles
					if ok {
						ar.A = unsafe.Add(lp, (t.lb[b]+m0*ars)*4)
					} else {
						ar.A = ptr(&left[(b*M+m0)*K])
					}
					c := unsafe.Add(m.p[out], ((b*M+m0)*N+j*32)*4)
					if width == 32 {
						ar.C = c
						kern.Kern32[m1-m0](&ar)
						continue
					}
					ar.C, ar.CRS = ptr(&edge), 128
					kern.Kern32[m1-m0](&ar)
					for q := range m1 - m0 {
						copy(of[float32](unsafe.Add(c, q*N*4), width), edge[q*32:])
					}
				}
			}
		})
	}
}

// even says whether the offsets are 0, s, 2s, ...
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
