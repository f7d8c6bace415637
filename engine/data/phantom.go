package data

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/spec"
)

// ellipses is phantoms that resemble axial CT slices of a chest, in the manner of Shepp and Logan (1974): a body, two lungs, a
// heart, a spine and some vessels, each an ellipse that adds to the brightness at its place, with random places and sizes.
type ellipses struct{ wanted spec.Data }

var ellipsePhantoms = row{
	DataSet: spec.DataSet{Name: "ellipses", Builtin: "ellipses", Doc: "phantoms that resemble chest CT slices, 64 x 64 grey",
		Args: "size? channels? count? split? seed? limit?", Size: 64, Channels: 1,
		Default: spec.Data{Size: 64, Count: spec.DrawnCount}},
	from: fromSeed, find: findEllipses,
	drawn: func(d spec.Data) (what string, bytes int) {
		return fmt.Sprintf("phantoms of %d x %d", d.Size, d.Size), d.Size * d.Size
	},
}

func findEllipses(_ context.Context, _ *Store, wanted spec.Data) (source, error) {
	return ellipses{wanted}, nil
}

// identity must change whenever the drawing below does.
func (ellipses) identity() (string, error) { return "ellipse phantoms 1", nil }

func (e ellipses) survey(context.Context) (survey, error) {
	return survey{n: e.wanted.Count, first: header{e.wanted.Size, e.wanted.Size, 1},
		where: func(i int) string { return fmt.Sprintf("ellipses: phantom %d", i) }}, nil
}

func (e ellipses) open(context.Context, []int) (func(int) (picture, error), error) {
	return func(i int) (picture, error) {
		size := e.wanted.Size
		light := make([]float64, size*size)
		for _, part := range chest(random(e.wanted.Name, e.wanted.Split, e.wanted.Seed, i)) {
			part.draw(light, size)
		}
		p := picture{header: header{size, size, 1}, u8: make([]uint8, size*size)}
		for k, x := range light {
			p.u8[k] = uint8(math.Round(255 * min(max(x, 0), 1)))
		}
		return p, nil
	}, nil
}

// ellipse is an ellipse in the square [-1, 1]², y down.
type ellipse struct {
	x, y, a, b float64 // centre, half axes
	angle      float64 // of the a axis from the x axis, radians
	light      float64 // what it adds, where 1 is white
}

// chest returns the parts of one slice, each near its usual place.
func chest(r *rand.Rand) []ellipse {
	about := func(x, spread float64) float64 { return x + float64(spread*(2*r.Float64()-1)) }
	body := ellipse{x: about(0, 0.04), y: about(0, 0.04), a: about(0.86, 0.07), b: about(0.64, 0.07), angle: about(0, 0.08),
		light: about(0.50, 0.05)}
	place := func(x, y float64) (float64, float64) { return body.x + body.a*x, body.y + body.b*y }
	parts := []ellipse{body}
	for _, side := range []float64{-1, 1} {
		lung := ellipse{a: about(0.31, 0.04), b: about(0.42, 0.06), angle: side * about(0.25, 0.2), light: -about(0.42, 0.04)}
		lung.x, lung.y = place(side*about(0.48, 0.04), about(-0.05, 0.06))
		parts = append(parts, lung)
		for range 4 + r.IntN(5) { // vessels in the lung
			phi, rho, width := 2*math.Pi*r.Float64(), 0.75*math.Sqrt(r.Float64()), about(0.025, 0.015)
			sin, cos := math.Sincos(phi)
			parts = append(parts, ellipse{x: lung.x + lung.a*rho*cos, y: lung.y + lung.b*rho*sin, a: width * about(1.8, 0.8), b: width,
				angle: phi, light: about(0.35, 0.12)})
		}
	}
	heart := ellipse{a: about(0.22, 0.05), b: about(0.26, 0.06), angle: about(0.5, 0.3), light: about(0.13, 0.04)}
	heart.x, heart.y = place(about(0.10, 0.07), about(-0.15, 0.12))
	spine := ellipse{a: about(0.13, 0.02), b: about(0.12, 0.02), light: about(0.40, 0.08)}
	spine.x, spine.y = place(about(0, 0.04), about(0.62, 0.05))
	marrow := ellipse{x: spine.x, y: spine.y, a: 0.6 * spine.a, b: 0.6 * spine.b, light: -about(0.15, 0.05)}
	return append(parts, heart, spine, marrow)
}

// draw adds the ellipse to the picture, with an edge one pixel wide.
func (e ellipse) draw(light []float64, size int) {
	sin, cos := math.Sincos(e.angle)
	pixel := 2 / float64(size)
	reach := max(e.a, e.b) + pixel
	first := func(centre float64) int { return max(int((centre-reach+1)/pixel), 0) }
	last := func(centre float64) int { return min(int((centre+reach+1)/pixel), size-1) }
	for i := first(e.y); i <= last(e.y); i++ {
		for j := first(e.x); j <= last(e.x); j++ {
			dx, dy := (float64(j)+0.5)*pixel-1-e.x, (float64(i)+0.5)*pixel-1-e.y
			u, v := (dx*cos+dy*sin)/e.a, (dy*cos-dx*sin)/e.b
			// The distance from the edge, in pixels, to first order: the implicit function over its slope.
			f := math.Sqrt(u*u + v*v)
			slope := math.Sqrt((u*u/(e.a*e.a) + v*v/(e.b*e.b))) / max(f, 1e-9)
			inside := min(max(0.5-(f-1)/max(slope*pixel, 1e-9), 0), 1)
			light[i*size+j] += e.light * inside
		}
	}
}
