package cpu

import (
	"slices"
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// copyParallel copies a part that is not empty, with a team if it is large.
func copyParallel[T any](t kern.Team, p *part, dst, src ptr) {
	size := 1
	for _, n := range p.n {
		size *= n
	}
	if len(p.n) == 0 || size <= 1<<14 || size/p.n[0] < 1<<9 {
		copyStrided[T](dst, src, p.n, p.ds, p.ss)
		return
	}
	es := int(unsafe.Sizeof(*new(T)))
	t.Each(p.n[0], func(_, i int) {
		copyStrided[T](unsafe.Add(dst, i*p.ds[0]*es), unsafe.Add(src, i*p.ss[0]*es), p.n[1:], p.ds[1:], p.ss[1:])
	})
}

func copyStrided[T any](d, s ptr, n, ds, ss []int) {
	es := int(unsafe.Sizeof(*new(T)))
	switch len(n) {
	case 0:
		*(*T)(d) = *(*T)(s)
		return
	case 1:
		if ds[0] == 1 && ss[0] == 1 {
			copy(of[T](d, n[0]), of[T](s, n[0]))
			return
		}
		for i := range n[0] {
			*(*T)(unsafe.Add(d, i*ds[0]*es)) = *(*T)(unsafe.Add(s, i*ss[0]*es))
		}
		return
	}
	for i := range n[0] {
		copyStrided[T](unsafe.Add(d, i*ds[0]*es), unsafe.Add(s, i*ss[0]*es), n[1:], ds[1:], ss[1:])
	}
}

// fillWith sets n elements to the one at v: the first few one by one, and then twice as many by each copy.
func fillWith[T any](d, v ptr, n int) {
	x := *(*T)(v)
	s := of[T](d, n)
	done := min(n, 32)
	for i := range s[:done] {
		s[i] = x
	}
	for ; done < n; done *= 2 {
		copy(s[done:], s[:done])
	}
}

// offsets returns the offset of every element of a strided array, in order.
func offsets(n, st []int) []int {
	o := []int{0}
	for i, size := range n {
		next := make([]int, 0, len(o)*size)
		for _, base := range o {
			for j := range size {
				next = append(next, base+j*st[i])
			}
		}
		o = next
	}
	return o
}

// pick returns the elements of s at axes.
func pick(s []int, axes ...int) (p []int) {
	for _, a := range axes {
		p = append(p, s[a])
	}
	return p
}

// others returns the axes below rank that are in none of the lists.
func others(rank int, not ...[]int) (a []int) {
	for i := range rank {
		if !slices.Contains(slices.Concat(not...), i) {
			a = append(a, i)
		}
	}
	return a
}

// mergeAxes returns the sizes and strides of a strided array without axes of one element, and with neighbouring axes merged where their
// strides allow it.
func mergeAxes(dims, st []int) (n, s []int) {
	for i, d := range dims {
		switch last := len(n) - 1; {
		case d == 1:
		case last >= 0 && s[last] == st[i]*d:
			n[last], s[last] = n[last]*d, st[i]
		default:
			n, s = append(n, d), append(s, st[i])
		}
	}
	return n, s
}
