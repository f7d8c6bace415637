package nifti

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Orientation says for the directions right, forward and up which axis as stored runs nearest to each, and whether against it.
type Orientation [3]struct {
	Axis    int
	Against bool
}

// readAffine reads the affine map: of the sform, else of the qform, else of a volume that states none.
func (h *Header) readAffine(f fields) error {
	pixdim := place{76, 104}
	for i := range h.Size {
		h.Size[i] = math.Abs(f.number(pixdim, i+1))
		if h.Size[i] == 0 || !finite(h.Size[i]) {
			h.Size[i] = 1
		}
	}
	h.Oriented = true
	switch {
	case f.short(place{254, 348}, 32) > 0:
		for row := range 3 {
			for col := range 4 {
				h.Affine[row][col] = f.number(place{280 + 16*row, 400 + 32*row}, col)
			}
		}
		for i := range h.Size {
			h.Size[i] = math.Hypot(math.Hypot(h.Affine[0][i], h.Affine[1][i]), h.Affine[2][i])
		}
	case f.short(place{252, 344}, 32) > 0:
		var q [3]float64
		for i := range q {
			q[i] = f.number(place{256, 352}, i)
		}
		h.rotate(q, f.number(pixdim, 0) < 0)
		for i := range 3 {
			h.Affine[i][3] = f.number(place{268, 376}, i)
		}
	default:
		h.Oriented = false
		h.Affine[0][0], h.Affine[1][1], h.Affine[2][2] = -h.Size[0], h.Size[1], h.Size[2]
	}
	for _, row := range h.Affine {
		if !finite(row[:]...) {
			return fmt.Errorf("got the orientation %v", h.Affine)
		}
	}
	return nil
}

// rotate sets the affine map of a quaternion, of which the last three numbers are stored; flip turns the third axis.
func (h *Header) rotate(q [3]float64, flip bool) {
	b, c, d := q[0], q[1], q[2]
	a := 1 - b*b - c*c - d*d
	if a < 1e-7 { // a turn of 180 degrees, with the error of rounding
		n := 1 / math.Sqrt(b*b+c*c+d*d)
		a, b, c, d = 0, b*n, c*n, d*n
	} else {
		a = math.Sqrt(a)
	}
	rows := [3][3]float64{
		{a*a + b*b - c*c - d*d, 2 * (b*c - a*d), 2 * (b*d + a*c)},
		{2 * (b*c + a*d), a*a + c*c - b*b - d*d, 2 * (c*d - a*b)},
		{2 * (b*d - a*c), 2 * (c*d + a*b), a*a + d*d - c*c - b*b},
	}
	for row := range 3 {
		for col := range 3 {
			h.Affine[row][col] = rows[row][col] * h.Size[col]
			if col == 2 && flip {
				h.Affine[row][col] *= -1
			}
		}
	}
}

// orient finds the axes nearest to the patient's, as nibabel's io_orientation: those of the rotation nearest to the affine map. The axis
// that is nearest to a direction chooses first.
func (h *Header) orient() (o Orientation, err error) {
	var m matrix
	for row := range 3 {
		for col := range 3 {
			n := math.Hypot(math.Hypot(h.Affine[0][col], h.Affine[1][col]), h.Affine[2][col])
			if n == 0 {
				return o, errSingular
			}
			m[row][col] = h.Affine[row][col] / n
		}
	}
	if m, err = m.nearestRotation(); err != nil {
		return o, err
	}
	columns := []int{0, 1, 2}
	strength := func(col int) float64 { return max(math.Abs(m[0][col]), math.Abs(m[1][col]), math.Abs(m[2][col])) }
	slices.SortStableFunc(columns, func(a, b int) int { return cmp.Compare(strength(b), strength(a)) })
	taken := [3]bool{}
	for _, col := range columns {
		best := -1
		for row := range 3 {
			if !taken[row] && (best < 0 || math.Abs(m[row][col]) > math.Abs(m[best][col])) {
				best = row
			}
		}
		taken[best] = true
		o[best].Axis, o[best].Against = col, m[best][col] < 0
	}
	return o, nil
}

var errSingular = errors.New("the orientation is singular: its axes do not span the space")

type matrix [3][3]float64

// nearestRotation is the orthogonal matrix nearest to m, by Newton's iteration for the polar decomposition (Higham 1986).
func (m matrix) nearestRotation() (matrix, error) {
	for range 100 {
		inverse, ok := m.inverseTransposed()
		if !ok {
			return m, errSingular
		}
		change := 0.0
		for row := range 3 {
			for col := range 3 {
				x := (m[row][col] + inverse[row][col]) / 2
				change = max(change, math.Abs(x-m[row][col]))
				m[row][col] = x
			}
		}
		if change < 1e-14 {
			break
		}
	}
	return m, nil
}

func (m matrix) inverseTransposed() (t matrix, ok bool) {
	for row := range 3 {
		for col := range 3 {
			a, b, c, d := (row+1)%3, (row+2)%3, (col+1)%3, (col+2)%3
			t[row][col] = m[a][c]*m[b][d] - m[a][d]*m[b][c]
		}
	}
	det := m[0][0]*t[0][0] + m[0][1]*t[0][1] + m[0][2]*t[0][2]
	if math.Abs(det) < 1e-10 {
		return t, false
	}
	for row := range 3 {
		for col := range 3 {
			t[row][col] /= det
		}
	}
	return t, true
}
