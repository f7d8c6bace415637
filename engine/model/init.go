package model

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/starsweep/starsweep/engine/expr"
)

// Init is a distribution of the initial values of a Var.
type Init struct {
	Kind InitKind
	Args [2]float64 // constant: value; normal, truncated: mean, deviation; uniform: low, high; others: gain
	// FanIn is the number of values that a unit reads and FanOut the number of units that read a value, for Glorot's and He's rules.
	FanIn, FanOut int
	Rows          int // orthogonal: the tensor as a matrix has this many rows
}

// InitKind names a distribution of initial values.
type InitKind uint8

const (
	ConstantInit   InitKind = iota // Args[0] everywhere
	UniformInit                    // uniform on (Args[0], Args[1])
	NormalInit                     // N(Args[0], Args[1]²)
	TruncatedInit                  // the same without values beyond two deviations, as Keras's TruncatedNormal
	GlorotUniform                  // uniform on ±gain sqrt(6/(fan in + fan out)) (Glorot and Bengio 2010, eq. 16)
	GlorotNormal                   // N(0, gain² 2/(fan in + fan out))
	HeUniform                      // uniform on ±gain sqrt(6/fan in) (He et al. 2015)
	HeNormal                       // N(0, gain² 2/fan in) (He et al. 2015, eq. 10)
	OrthogonalInit                 // gain times a matrix with orthonormal rows or columns (Saxe et al. 2014)
)

var initNames = [...]string{"constant", "uniform", "normal", "truncated_normal", "glorot_uniform", "glorot_normal", "he_uniform",
	"he_normal", "orthogonal"}

func (i Init) String() string {
	return fmt.Sprintf("%s(%g, %g, fan %d %d, rows %d)", initNames[i.Kind], i.Args[0], i.Args[1], i.FanIn, i.FanOut, i.Rows)
}

// IsZero reports whether every element starts at 0.
func (i Init) IsZero() bool { return i.Args == [2]float64{} }

// Constant is v for every element.
func Constant(v float64) Init { return Init{Kind: ConstantInit, Args: [2]float64{v}} }

// Initial returns the initial values of v in memory order: a pure function of v and the seed, the same on every backend.
func Initial(v Var, seed uint32) []float64 {
	x := make([]float64, v.Shape.Elems())
	i := v.Init
	u := NewSource(seed, "init/"+v.Stream)
	switch i.Kind {
	case ConstantInit:
		fill(x, func() float64 { return i.Args[0] })
	case UniformInit:
		fill(x, func() float64 { return i.Args[0] + (i.Args[1]-i.Args[0])*u.Uniform() })
	case NormalInit:
		fill(x, func() float64 { return i.Args[0] + i.Args[1]*u.Normal() })
	case TruncatedInit:
		fill(x, func() float64 { return i.Args[0] + i.Args[1]*u.truncated() })
	case GlorotUniform:
		a := i.Args[0] * math.Sqrt(6/float64(max(1, i.FanIn+i.FanOut)))
		fill(x, func() float64 { return a * (2*u.Uniform() - 1) })
	case GlorotNormal:
		sd := i.Args[0] * math.Sqrt(2/float64(max(1, i.FanIn+i.FanOut)))
		fill(x, func() float64 { return sd * u.Normal() })
	case HeUniform:
		a := i.Args[0] * math.Sqrt(6/float64(max(1, i.FanIn)))
		fill(x, func() float64 { return a * (2*u.Uniform() - 1) })
	case HeNormal:
		sd := i.Args[0] * math.Sqrt(2/float64(max(1, i.FanIn)))
		fill(x, func() float64 { return sd * u.Normal() })
	case OrthogonalInit:
		fill(x, u.Normal)
		orthogonalize(x, max(1, i.Rows), i.Args[0])
	}
	return x
}

func fill(x []float64, draw func() float64) {
	for i := range x {
		x[i] = draw()
	}
}

// orthogonalize replaces the matrix x by gain times the Q of its QR decomposition, with the signs of R's diagonal, so that Q is
// uniformly distributed. A wide matrix gets orthonormal rows, a tall one orthonormal columns.
func orthogonalize(x []float64, rows int, gain float64) {
	cols := len(x) / rows
	tall := blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: x}
	if rows < cols {
		tall = transposed(tall)
	}
	// LAPACK works in place: mat.QR would fill a square Q, rows x rows.
	n := tall.Cols
	tau, sign, work := make([]float64, n), make([]float64, n), make([]float64, 1)
	lapack64.Geqrf(tall, tau, work, -1)
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(tall, tau, work, len(work))
	for j := range n {
		sign[j] = math.Copysign(gain, tall.Data[j*n+j]) // with the sign of R's diagonal
	}
	lapack64.Orgqr(tall, tau, work, len(work))
	for i := range tall.Data {
		tall.Data[i] *= sign[i%n]
	}
	if rows < cols {
		copy(x, transposed(tall).Data)
	}
}

func transposed(a blas64.General) blas64.General {
	t := blas64.General{Rows: a.Cols, Cols: a.Rows, Stride: a.Rows, Data: make([]float64, len(a.Data))}
	for i := range a.Rows {
		for j := range a.Cols {
			t.Data[j*a.Rows+i] = a.Data[i*a.Cols+j]
		}
	}
	return t
}

// Source draws random numbers on the host: Threefry in counter mode, keyed by a seed and the name of a stream.
type Source struct {
	k0, k1   uint32
	counter  uint64
	spare    float64
	hasSpare bool
}

// NewSource returns a stream at its beginning.
func NewSource(seed uint32, stream string) *Source {
	k0, k1 := expr.Threefry(seed, 0, StreamID(stream), 0)
	return &Source{k0: k0, k1: k1}
}

// Seek moves to a position of the stream, so that the numbers drawn next do not depend on those drawn before.
func (s *Source) Seek(place uint64) { s.counter, s.hasSpare = place, false }

// Uint64 draws 64 random bits.
func (s *Source) Uint64() uint64 {
	a, b := expr.Threefry(s.k0, s.k1, uint32(s.counter), uint32(s.counter>>32))
	s.counter++
	return uint64(a)<<32 | uint64(b)
}

// Uniform draws the midpoint of one of 2^52 equal parts of (0, 1). With one more bit, the last midpoint would round to 1.
func (s *Source) Uniform() float64 { return (float64(s.Uint64()>>12) + .5) / (1 << 52) }

// Normal draws from N(0, 1) by the method of Box and Muller.
func (s *Source) Normal() float64 {
	if s.hasSpare {
		s.hasSpare = false
		return s.spare
	}
	r, phi := math.Sqrt(-2*math.Log(s.Uniform())), 2*math.Pi*s.Uniform()
	s.spare, s.hasSpare = r*math.Sin(phi), true
	return r * math.Cos(phi)
}

// truncated draws from N(0, 1), without values beyond two deviations.
func (s *Source) truncated() float64 {
	for {
		if x := s.Normal(); math.Abs(x) <= 2 {
			return x
		}
	}
}

// Shuffle draws a permutation of 0 .. n-1 (Fisher and Yates).
func (s *Source) Shuffle(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := int(s.Uint64() % uint64(i+1)) // the bias of the remainder is below 2^-32 for any data set in memory
		p[i], p[j] = p[j], p[i]
	}
	return p
}
