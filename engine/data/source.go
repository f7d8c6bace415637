package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/starsweep/starsweep/engine/data/raster"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/parallel"
)

// source is where the pictures of one split come from.
type source interface {
	// identity identifies the content of everything that the source reads, and the version of the code that draws a set: it is the key
	// of the cache, so images that could change under one identity would be read from an old cache. It is "" if reading is as cheap as a
	// cache would be.
	identity() (string, error)
	// survey returns what headers, footers and file names say.
	survey(context.Context) (survey, error)
	// open prepares to decode the pictures in keep; the function that it returns may be called by several goroutines at once.
	open(ctx context.Context, keep []int) (func(i int) (picture, error), error)
}

// survey is what is known about a source before decoding.
type survey struct {
	n          int
	first      header // of the first picture; the others should agree
	labels     []int32
	classes    int
	classNames []string
	where      func(i int) string // names picture i in errors: its file, its row
	notes      []string           // for Set.Notes
	slices     bool               // the pictures are slices, of which some may be outside the body
}

// shape is the shape of n of the pictures, as requested.
func (v survey) shape(wanted spec.Data, n int) Shape {
	return Shape{N: n, H: cmp.Or(wanted.Size, v.first.h), W: cmp.Or(wanted.Size, v.first.w), C: cmp.Or(wanted.Channels, v.first.c),
		Classes: v.classes}
}

// build decodes the requested pictures.
func (st *Store) build(ctx context.Context, r row, src source, wanted spec.Data) (*Set, error) {
	v, err := r.survey(ctx, src, wanted)
	if err != nil {
		return nil, err
	}
	keep, err := v.selection(wanted)
	if err != nil {
		return nil, err
	}
	d := v.shape(wanted, len(keep))
	stored := d.H == v.first.h && d.W == v.first.w
	if err := st.fitsShape(d, stored); err != nil { // before the source reads anything
		return nil, err
	}
	at, err := src.open(ctx, keep)
	if err != nil {
		return nil, err
	}
	a := assembly{store: st, wanted: wanted, v: v, keep: keep, at: at, traits: make([]raster.Traits, len(keep)),
		blank: make([]bool, len(keep))}
	// Bytes are kept as bytes; the first picture that must be resized, or is not made of bytes, turns the set to float32.
	for _, exact := range []bool{stored, false} {
		if err := st.fitsShape(d, exact); err != nil {
			return nil, err
		}
		set := &Set{Name: wanted.Name, N: d.N, H: d.H, W: d.W, C: d.C, Classes: d.Classes, ClassNames: v.classNames, Notes: slices.Clone(v.notes)}
		if exact {
			set.U8 = make([]uint8, d.N*d.H*d.W*d.C)
		} else {
			set.F32 = make([]float32, d.N*d.H*d.W*d.C)
		}
		progress, mu := st.Progress.Begin("reading images of "+cmp.Or(wanted.Path, wanted.Name), d.N), sync.Mutex{}
		err = parallel.For(ctx, d.N, func(k int) error {
			err := a.place(set, k)
			mu.Lock()
			defer mu.Unlock()
			progress.Advance(1)
			return err
		})
		progress.End()
		if err == nil {
			if v.labels != nil {
				set.Labels = make([]int32, d.N)
				for k, i := range keep {
					set.Labels[k] = v.labels[i]
				}
			}
			set.Notes = slices.Concat(set.Notes, traitNotes(a.traits), blankNotes(a.blank))
			return set.seal(), nil
		}
		if !errors.Is(err, errInexact) {
			break
		}
	}
	return nil, err
}

// errInexact is the error of a picture that does not fit into a set of bytes.
var errInexact = errors.New("not bytes of the set's size")

// assembly puts pictures into sets.
type assembly struct {
	store  *Store
	wanted spec.Data
	v      survey
	keep   []int
	at     func(i int) (picture, error)
	traits []raster.Traits // of picture keep[k]
	blank  []bool          // whether picture keep[k] is a slice of one grey
}

// place decodes picture keep[k] and writes it to set as its image k.
func (a *assembly) place(set *Set, k int) error {
	i := a.keep[k]
	p, err := a.at(i)
	if err != nil {
		return fmt.Errorf("%s: %w", a.v.where(i), err)
	}
	a.traits[k] = p.traits
	a.blank[k] = a.v.slices && p.blank()
	p = p.withChannels(a.wanted.Channels)
	if p.c != set.C {
		return fmt.Errorf("%s: got %s, want %d channels as the first image has: set %s to 1 or 3", a.v.where(i), p.header, set.C,
			a.store.argument("channels"))
	}
	same := p.h == set.H && p.w == set.W
	if !same && a.wanted.Size == 0 {
		return fmt.Errorf("%s: got %s, want %d x %d as the first image is: set %s", a.v.where(i), p.header, set.H, set.W,
			a.store.argument("size"))
	}
	size := set.H * set.W * set.C
	if set.U8 != nil {
		if !same || p.u8 == nil {
			return errInexact
		}
		copy(set.U8[k*size:], p.u8)
		return nil
	}
	dst := set.F32[k*size : (k+1)*size]
	switch {
	case p.u8 != nil:
		resize(dst, set.H, set.W, p.u8, p.header)
		toUnit(dst)
	case same:
		copy(dst, p.f32)
	default:
		resize(dst, set.H, set.W, p.f32, p.header)
	}
	return nil
}

// traitNotes notes how many pictures have properties that were not read.
func traitNotes(traits []raster.Traits) (notes []string) {
	for _, c := range []struct {
		trait raster.Traits
		what  string
	}{
		{raster.MoreFrames, "more than one frame or page: the first is read"},
		{raster.Rotated, "an EXIF orientation, which is not applied"},
		{raster.Transparent, "transparency, which is dropped: the colour underneath is read"},
	} {
		n := 0
		for _, t := range traits {
			if t&c.trait != 0 {
				n++
			}
		}
		if n > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d images have %s", n, len(traits), c.what))
		}
	}
	return notes
}

// blankNotes notes how many slices show nothing.
func blankNotes(blank []bool) []string {
	n := 0
	for _, b := range blank {
		if b {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d slices are of one grey, as outside the body or the window", n, len(blank))}
}

// filesNamed lists the files of dir whose names end in suffix, in alphabetical order, except those that begin with a dot.
func filesNamed(dir, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && strings.HasSuffix(strings.ToLower(e.Name()), suffix) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}
