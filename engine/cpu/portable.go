package cpu

import "math"

// Portable block functions. Each is a loop over one type, since a call for each element would cost more than the operation.

type number interface {
	float | integer
}
type integer interface {
	int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64
}
type float interface{ float32 | float64 }

// each1 and each2 call f for every element.

func each1[T, R any](f func(T) R) blockFn {
	return func(d, a, _, _ ptr, n int) {
		y, u := of[R](d, n), of[T](a, n)
		for i := range y {
			y[i] = f(u[i])
		}
	}
}

func each2[T, R any](f func(a, b T) R) blockFn {
	return func(d, a, b, _ ptr, n int) {
		y, u, v := of[R](d, n), of[T](a, n), of[T](b, n)
		for i := range y {
			y[i] = f(u[i], v[i])
		}
	}
}

func through64[T float](f func(float64) float64) blockFn {
	return each1(func(x T) T { return T(f(float64(x))) })
}

// Arithmetic. Integers wrap around.

func addOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] + v[i]
	}
}

func subOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] - v[i]
	}
}

func mulOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] * v[i]
	}
}

func floatDivOf[T float](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] / v[i]
	}
}

// divideOf truncates. As in XLA, all bits of a division by zero are set.
func divideOf[T integer](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		if v[i] == 0 {
			y[i] = ^T(0)
		} else {
			y[i] = u[i] / v[i]
		}
	}
}

// remainderOf has the sign of the dividend. As in XLA, the remainder by zero is the dividend.
func remainderOf[T integer](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		if v[i] == 0 {
			y[i] = u[i]
		} else {
			y[i] = u[i] % v[i]
		}
	}
}

// power of a negative exponent is 0, except for 1 and -1, as in XLA.
func power[T integer](x, e T) T {
	y := T(1)
	if e < 0 {
		switch {
		case x == 1:
			return 1
		case x == ^T(0):
			if e&1 == 1 {
				return x
			}
			return 1
		}
		return 0
	}
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			y *= x
		}
		x *= x
	}
	return y
}

// maxOf and minOf return NaN if an operand is NaN.

func maxOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = max(u[i], v[i])
	}
}

func minOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = min(u[i], v[i])
	}
}

func negOf[T number](d, a, _, _ ptr, n int) {
	y, u := of[T](d, n), of[T](a, n)
	for i := range y {
		y[i] = -u[i]
	}
}

// absOf is for signed types.
func absOf[T number](d, a, _, _ ptr, n int) {
	y, u := of[T](d, n), of[T](a, n)
	for i, x := range u {
		y[i] = max(x, -x) // also right for -0: max(-0, 0) is 0
	}
}

// signOf is -1, 0 or 1, and NaN for NaN.
func signOf[T number](d, a, _, _ ptr, n int) {
	y, u := of[T](d, n), of[T](a, n)
	for i, x := range u {
		switch {
		case x > 0:
			x = 1
		case x < 0:
			x = 0
			x--
		}
		y[i] = x
	}
}

// Bits. A shift by the width or more returns 0, or the sign. Counts are unsigned.

func andOf[T integer](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] & v[i]
	}
}

func orOf[T integer](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] | v[i]
	}
}

func xorOf[T integer](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] ^ v[i]
	}
}

func notOf[T integer](d, a, _, _ ptr, n int) {
	y, u := of[T](d, n), of[T](a, n)
	for i := range y {
		y[i] = ^u[i]
	}
}

func shiftLeftOf[U integer](d, a, b, _ ptr, n int) {
	y, u, v := of[U](d, n), of[U](a, n), of[U](b, n)
	for i := range y {
		y[i] = u[i] << v[i]
	}
}

func shiftRightOf[T, U integer](d, a, b, _ ptr, n int) {
	y, u, v := of[T](d, n), of[T](a, n), of[U](b, n)
	for i := range y {
		y[i] = u[i] >> v[i]
	}
}

// Comparisons.

func equalOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[bool](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] == v[i]
	}
}

func notEqualOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[bool](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] != v[i]
	}
}

func lessOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[bool](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] < v[i]
	}
}

func lessEqualOf[T number](d, a, b, _ ptr, n int) {
	y, u, v := of[bool](d, n), of[T](a, n), of[T](b, n)
	for i := range y {
		y[i] = u[i] <= v[i]
	}
}

func isNaNOf[T float](d, a, _, _ ptr, n int) {
	y, u := of[bool](d, n), of[T](a, n)
	for i, x := range u {
		y[i] = x != x
	}
}

func isFiniteOf[T float](d, a, _, _ ptr, n int) {
	y, u := of[bool](d, n), of[T](a, n)
	for i, x := range u {
		y[i] = x-x == 0
	}
}

func logicalNot(d, a, _, _ ptr, n int) {
	y, u := of[uint8](d, n), of[uint8](a, n)
	for i, x := range u {
		y[i] = x ^ 1
	}
}

// Moves and conversions.

func copyOf[T any](d, a, _, _ ptr, n int) { copy(of[T](d, n), of[T](a, n)) }

func whereOf[T any](d, c, a, b ptr, n int) {
	y, k, u, v := of[T](d, n), of[bool](c, n), of[T](a, n), of[T](b, n)
	for i := range y {
		if k[i] {
			y[i] = u[i]
		} else {
			y[i] = v[i]
		}
	}
}

func convertOf[T, R number](d, a, _, _ ptr, n int) {
	y, u := of[R](d, n), of[T](a, n)
	for i, x := range u {
		y[i] = R(x)
	}
}

func nonZeroOf[T number](d, a, _, _ ptr, n int) {
	y, u := of[bool](d, n), of[T](a, n)
	for i, x := range u {
		y[i] = x != 0
	}
}

func fromBoolOf[R number](d, a, _, _ ptr, n int) {
	y, u := of[R](d, n), of[uint8](a, n)
	for i, x := range u {
		y[i] = R(x)
	}
}

// Roots.

func sqrtOf[T float](d, a, _, _ ptr, n int) {
	y, u := of[T](d, n), of[T](a, n)
	for i, x := range u {
		y[i] = T(math.Sqrt(float64(x)))
	}
}

func rsqrtOf[T float](d, a, _, _ ptr, n int) {
	y, u := of[T](d, n), of[T](a, n)
	for i, x := range u {
		y[i] = T(1 / math.Sqrt(float64(x)))
	}
}
