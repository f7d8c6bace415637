package cpu

import "unsafe"

// loadOf returns the cheapest way for a loop over dims to read a buffer with the given strides: in place; once, for a scalar or a vector
// that fits a whole number of times into a block; or block by block.
func loadOf(buf, es int, dims, st []int, block int) register {
	r := register{where: scratch, buf: buf, es: es}
	n, s := mergeAxes(dims, st)
	switch {
	case len(n) == 1 && s[0] == 1:
		r.where = direct
		return r
	case len(n) == 0, len(n) == 1 && s[0] == 0, len(n) == 2 && s[0] == 0 && s[1] == 1 && block%n[1] == 0:
		r.fixed = true
	}
	switch es {
	case 1:
		r.load = walk[uint8](n, s)
	case 2:
		r.load = walk[uint16](n, s)
	case 4:
		r.load = walk[uint32](n, s)
	default:
		r.load = walk[uint64](n, s)
	}
	return r
}

// walk returns a function that reads elements at to at+n of a strided array in order. After the last element it continues with the
// first.
func walk[T any](dims, st []int) func(base, d ptr, at, n int) {
	if len(dims) == 0 {
		return func(base, d ptr, _, n int) { fillWith[T](d, base, n) }
	}
	es, in := int(unsafe.Sizeof(*new(T))), len(dims)-1
	return func(base, d ptr, at, n int) {
		out := of[T](d, n)
		var store [8]int
		idx := append(store[:0], dims...)
		src := 0
		for i := in; i >= 0; i-- {
			idx[i] = at % dims[i]
			at /= dims[i]
			src += idx[i] * st[i]
		}
		for len(out) > 0 {
			run := min(len(out), dims[in]-idx[in])
			p := unsafe.Add(base, src*es)
			switch st[in] {
			case 1:
				copy(out[:run], of[T](p, run))
			case 0:
				fillWith[T](ptr(&out[0]), p, run)
			default:
				for i := range out[:run] {
					out[i] = *(*T)(unsafe.Add(p, i*st[in]*es))
				}
			}
			out = out[run:]
			idx[in] += run
			src += run * st[in]
			for i := in; i >= 0 && idx[i] == dims[i]; i-- {
				src -= idx[i] * st[i]
				idx[i] = 0
				if i > 0 {
					src += st[i-1]
					idx[i-1]++
				}
			}
		}
	}
}
