//go:build goexperiment.simd && amd64

package cpu

import (
	"math"
	"simd/archsimd"
	"unsafe"
)

// The functions of math32.go, 16 at a time.
//
// Vectors of integers and of special values are loaded, and zero is v16{}: for a float32 zero the compiler emits XORPS in the
// old encoding, which costs hundreds of cycles while the upper halves of vector registers are in use. So do float32 arguments
// of functions that are not inlined, and broadcasts of integers inside of loops.

func sixteen[T any](v T) (a [16]T) {
	for i := range a {
		a[i] = v
	}
	return a
}

var (
	i1, i2           = sixteen(int32(1)), sixteen(int32(2))
	u255, uHalf, u23 = sixteen(uint32(255)), sixteen(uint32(0x3f000000)), sixteen(uint32(23))
	uMantissa        = sixteen(uint32(0x007fffff))
	uRest            = sixteen(uint32(1<<31 - 1))
	posInf, negInf   = sixteen(float32(math.Inf(1))), sixteen(float32(math.Inf(-1)))
	nan              = sixteen(float32(math.NaN()))
)

func horner(x v16, c []float32) v16 {
	y := bc(c[0])
	for _, k := range c[1:] {
		y = y.MulAdd(x, bc(k))
	}
	return y
}

// nearest integer, for |x| < 2^22
func nearest(x v16) v16 { m := bc(3 << 22); return x.Add(m).Sub(m) }

func abs16(x v16) v16 {
	return x.AsUint32x16().And(archsimd.LoadUint32x16(&uRest)).AsFloat32x16()
}

func exp16(x v16) v16 {
	y := x.Min(bc(expMax)).Max(bc(expMin))
	n := nearest(y.Mul(bc(math.Log2E)))
	r := n.MulAdd(bc(-ln2Lo), n.MulAdd(bc(-ln2Hi), y))
	p := horner(r, expP[:])
	e := p.MulAdd(r.Mul(r), r).Add(bc(1)).Scale(n)
	return x.Merge(e, x.IsNaN())
}

func log16(x v16) v16 {
	tiny := x.Less(bc(smallest))
	s := x.Mul(bc(1<<25)).Merge(x, tiny) // no subnormals
	b := s.AsUint32x16()
	e := b.ShiftRight(archsimd.LoadUint32x16(&u23)).And(archsimd.LoadUint32x16(&u255)).ConvertToFloat32().Sub(bc(126))
	e = e.Sub(bc(25)).Merge(e, tiny)
	m := b.And(archsimd.LoadUint32x16(&uMantissa)).Or(archsimd.LoadUint32x16(&uHalf)).AsFloat32x16() // [.5, 1)
	low := m.Less(bc(math.Sqrt2 / 2))
	e = e.Sub(bc(1)).Merge(e, low)
	f := m.Add(m).Merge(m, low).Sub(bc(1))
	z := f.Mul(f)
	p := horner(f, logP[:]).Mul(f).Mul(z)
	p = e.MulAdd(bc(ln2Lo), p)
	p = z.MulAdd(bc(-.5), p)
	y := e.MulAdd(bc(ln2Hi), f.Add(p))
	inf := archsimd.LoadFloat32x16(&posInf)
	y = inf.Merge(y, x.Equal(inf))
	y = archsimd.LoadFloat32x16(&negInf).Merge(y, x.Equal(v16{}))
	return archsimd.LoadFloat32x16(&nan).Merge(y, x.Less(v16{}).Or(x.IsNaN()))
}

func tanh16(x v16) v16 {
	z := x.Mul(x)
	near := horner(z, tanhP[:]).Mul(z).MulAdd(x, x)
	far := bc(1).Sub(bc(2).Div(exp16(x.Add(x)).Add(bc(1))))
	return near.Merge(far, z.Less(bc(tanhNear*tanhNear)))
}

func logistic16(x v16) v16 {
	e := exp16(v16{}.Sub(abs16(x)))
	return bc(1).Merge(e, x.Greater(v16{})).Div(e.Add(bc(1)))
}

// trig16 is the sine of x plus a quarter turn (1) or none (0), for |x| < trigMax.
func trig16(x, quarters v16) v16 {
	n := nearest(x.Mul(bc(2 / math.Pi)))
	r := n.MulAdd(bc(-1.5703125), x) // pi/2 in four pieces; the first two times n are exact
	r = n.MulAdd(bc(-4.837512969970703125e-4), r)
	r = n.MulAdd(bc(-7.549789948768648e-8), r)
	r = n.MulAdd(bc(1.7151244994428829e-15), r)
	z := r.Mul(r)
	s := horner(z, sinP[:]).Mul(z).MulAdd(r, r)
	c := horner(z, cosP[:]).Mul(z).Mul(z).Add(z.MulAdd(bc(-.5), bc(1)))
	q := n.Add(quarters).ConvertToInt32()
	one, two := archsimd.LoadInt32x16(&i1), archsimd.LoadInt32x16(&i2)
	y := c.Merge(s, q.And(one).Equal(one))
	return v16{}.Sub(y).Merge(y, q.And(two).Equal(two))
}

func sinF(d, a, _, _ ptr, n int) {
	for i := 0; i < n; i += 16 {
		x := loadF(a, i)
		y, near := trig16(x, v16{}), abs16(x).Less(bc(trigMax)).ToBits()
		storeF(y, d, i)
		if near != 1<<16-1 {
			farF(d, x, i, near, sin32)
		}
	}
	archsimd.ClearAVXUpperBits()
}

func cosF(d, a, _, _ ptr, n int) {
	one := bc(1)
	for i := 0; i < n; i += 16 {
		x := loadF(a, i)
		y, near := trig16(x, one), abs16(x).Less(bc(trigMax)).ToBits()
		storeF(y, d, i)
		if near != 1<<16-1 {
			farF(d, x, i, near, cos32)
			one = bc(1)
		}
	}
	archsimd.ClearAVXUpperBits()
}

// farF computes those of 16 elements that are beyond trigMax, or NaN, one by one: what an element gives depends on it alone, not on
// its neighbours, which may be what lies behind a tensor.
func farF(d ptr, x v16, i int, near uint16, f func(float32) float32) {
	var v [16]float32
	x.Store(&v)
	archsimd.ClearAVXUpperBits()
	y := of[float32](unsafe.Add(d, i*4), 16)
	for j, e := range v {
		if near>>j&1 == 0 {
			y[j] = f(e)
		}
	}
}
