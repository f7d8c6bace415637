package expr

import "math"

// Every draw is a pure function of (seed, stream, step, element), so it does not depend on the order of evaluation, on the backend
// or on other draws. Packed trials draw the same numbers as single ones.

// Bits draws U32s. seed and step are U32 numbers.
func Bits(seed, step *Node, stream uint32, s Shape) *Node {
	return op("bits", Draw{stream, s.As(U32)}, seed, step)
}

// Uniform draws from the open interval (0, 1): the midpoints of 2^23 equal parts. They are exact in F32, so they are the same on
// every backend.
func Uniform(seed, step *Node, stream uint32, s Shape) *Node {
	b := Bits(seed, step, stream, s)
	f := Convert(Shr(b, b.lit(9)), s.DType)
	return Add(Mul(f, f.lit(1./(1<<23))), f.lit(1./(1<<24)))
}

// Normal draws pairs of numbers from pairs of uniforms by the method of Box and Muller. The uniforms are the same on every backend;
// logarithms and cosines of two libraries may differ in the last place.
func Normal(seed, step *Node, stream uint32, s Shape) *Node {
	n := s.Elems()
	half := (n + 1) / 2
	u := Uniform(seed, step, stream, Shape{DType: s.DType}.With('b', 2*half)) // one draw, since two would take longer to compile
	r := Sqrt(Scale(Log(Slice(u, 'b', 0, half, 1)), -2))
	phi := Scale(Slice(u, 'b', half, 2*half, 1), 2*math.Pi)
	z := Slice(Concat('b', Mul(r, Cos(phi)), Mul(r, Sin(phi))), 'b', 0, n, 1)
	if s.Scalar() {
		return Sum(z, "b")
	}
	return Split(z, 'b', s.Axes(), s.Dims()...)
}

// Threefry is Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), the
// definition of bits. The key of a draw of n elements is Threefry(seed, 0; stream, step); elements i and i+(n+1)/2 are the
// two words of Threefry(key; i, 0).
func Threefry(k0, k1, c0, c1 uint32) (uint32, uint32) {
	k := [3]uint32{k0, k1, k0 ^ k1 ^ ThreefryParity}
	c0, c1 = c0+k[0], c1+k[1]
	for round, r := range ThreefryRotations {
		c0 += c1
		c1 = (c1<<r | c1>>(32-r)) ^ c0
		if s := uint32(round/4 + 1); round%4 == 3 {
			c0, c1 = c0+k[s%3], c1+k[(s+1)%3]+s
		}
	}
	return c0, c1
}

// ThreefryParity is the constant of the key schedule.
const ThreefryParity = 0x1BD11BDA

// ThreefryRotations are the left rotations of the 20 rounds.
var ThreefryRotations = [20]uint32{13, 15, 26, 6, 17, 29, 16, 24, 13, 15, 26, 6, 17, 29, 16, 24, 13, 15, 26, 6}
