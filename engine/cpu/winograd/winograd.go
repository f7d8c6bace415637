// Package winograd computes the matrices of Winograd's minimal filtering algorithm F(4, 3). Four neighbouring outputs of a filter g
// with three taps on six data d, y_i = sum_j g_j d_(i+j), take six products instead of twelve:
//
//	y = Aᵀ [(G g) ⊙ (Bᵀ d)]
//
// (Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, arXiv:1509.09308, section 4.1). Since the sum is
// trilinear, the same matrices turn the gradients of four outputs into the gradient of the taps, Gᵀ [(A y) ⊙ (Bᵀ d)]: F(3, 4).
//
// It is pure mathematics and imports no package of this module. Package kern applies the matrices, and its generator kern/gen
// writes them in assembly.
package winograd

import "math/big"

// Numbers of outputs, of taps, and of products, which are called slots.
const (
	Outputs = 4
	Taps    = 3
	Slots   = Outputs + Taps - 1
)

// Slots that only the tap at one end of a filter contributes to: without that tap there is no product.
const (
	FirstTap = 0         // of the point 0
	LastTap  = Slots - 1 // of the point at infinity
)

// points are where the polynomials of taps and outputs are multiplied, in addition to infinity (Toom and Cook). Of all small points
// these lose the least precision in float32: the error of a sum of 1920 products is 1.5 times that of adding them in order.
var points = [Slots - 1]*big.Rat{big.NewRat(0, 1), big.NewRat(1, 1), big.NewRat(-1, 1), big.NewRat(2, 1), big.NewRat(-1, 2)}

// Matrix is a linear map, by rows.
type Matrix [][]float32

// A maps outputs to slots: the values of their polynomial at the points, and its highest coefficient.
func A() Matrix { return values(Outputs, func(*big.Rat) *big.Rat { return big.NewRat(1, 1) }) }

// G maps taps to slots: the same values, divided by the product of the distances to the other points.
func G() Matrix {
	return values(Taps, func(p *big.Rat) *big.Rat {
		n := big.NewRat(1, 1)
		for _, q := range points {
			if q.Cmp(p) != 0 {
				n.Mul(n, new(big.Rat).Sub(p, q))
			}
		}
		return n
	})
}

// values returns the powers of every point below n, over its divisor, and a row for infinity.
func values(n int, divisor func(p *big.Rat) *big.Rat) Matrix {
	var m Matrix
	for _, p := range points {
		row, v := make([]float32, n), new(big.Rat).Inv(divisor(p))
		for i := range row {
			row[i], _ = v.Float32()
			v.Mul(v, p)
		}
		m = append(m, row)
	}
	highest := make([]float32, n)
	highest[n-1] = 1
	return append(m, highest)
}

// BT maps data to slots: the coefficients of the polynomial whose roots are the other points.
func BT() Matrix {
	var m Matrix
	for slot := range Slots {
		c := []*big.Rat{big.NewRat(1, 1)} // lowest first
		for i, p := range points {
			if i == slot {
				continue
			}
			next := make([]*big.Rat, len(c)+1)
			for k := range next {
				next[k] = new(big.Rat)
				if k > 0 {
					next[k].Set(c[k-1])
				}
				if k < len(c) {
					next[k].Sub(next[k], new(big.Rat).Mul(p, c[k]))
				}
			}
			c = next
		}
		row := make([]float32, Slots)
		for k, v := range c {
			row[k], _ = v.Float32()
		}
		m = append(m, row)
	}
	return m
}

// Transposed is Mᵀ.
func (m Matrix) Transposed() Matrix {
	t := make(Matrix, len(m[0]))
	for _, row := range m {
		for i, v := range row {
			t[i] = append(t[i], v)
		}
	}
	return t
}
