package data

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"sync"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/regular"
)

// stacks is a source whose files hold one picture or several: the frames of a DICOM file, the slices of a volume.
type stacks struct {
	arrangement
	tree tree
	of   stackFormat
	ends []int // of each file, how many pictures there are up to its last
	room int64 // memory that files may take while they are read
}

// stackFormat reads files that hold several pictures. What it knows of them it knows from sifting them.
type stackFormat interface {
	// contents is what a file holds: how many pictures, the size of its first, and the memory that it takes to read them.
	contents(file string) (pictures int, first header, bytes int64)
	// parts names other files that belong to a file.
	parts(file string) []string
	// open reads a file; its function may be called by several goroutines at once.
	open(ctx context.Context, t tree, file string) (func(i int) (picture, error), error)
}

// fileOrFolder is the tree of a folder, or of a file of a format alone.
func fileOrFolder(path string, is func(string, func() []byte) bool, want string) (tree, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	t := oneFile{diskTree{filepath.Dir(path)}, filepath.Base(path)}
	begin := func() []byte {
		b, _ := t.read(t.name, beginSize) // reading the whole file will return the error
		return b
	}
	switch err := regular.Check(info.Mode()); {
	case info.IsDir():
		return diskTree{path}, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w or a folder", path, err)
	case !is(path, begin):
		return nil, fmt.Errorf("%s: got another file, want %s", path, want)
	}
	return t, nil
}

// oneFile is a folder as if it held one file only.
type oneFile struct {
	diskTree
	name string
}

func (t oneFile) list(ctx context.Context, dir string) ([]os.DirEntry, error) {
	all, err := t.diskTree.list(ctx, dir)
	return slices.DeleteFunc(all, func(e os.DirEntry) bool { return e.Name() != t.name }), err
}

// findStacks reads the files of a folder: see arrange.
func findStacks(ctx context.Context, st *Store, t tree, wanted spec.Data, format format, of stackFormat) (source, error) {
	a, err := arrangeTree(ctx, t, wanted, format)
	if err != nil {
		return nil, err
	}
	s := &stacks{arrangement: a, tree: t, of: of, room: st.memory() / 4}
	all := 0
	for _, file := range a.files {
		n, _, bytes := of.contents(file)
		if err := st.fits(1, float64(bytes), "the pixels of "+s.tree.full(file), "crop it, or store fewer bytes a pixel"); err != nil {
			return nil, err
		}
		all += n
		s.ends = append(s.ends, all)
	}
	return s, nil
}

// at is the file of a picture, and its number there.
func (s *stacks) at(i int) (file, inside int) {
	file = sort.SearchInts(s.ends, i+1)
	if file > 0 {
		i -= s.ends[file-1]
	}
	return file, i
}

func (s *stacks) identity() (string, error) {
	files := slices.Clone(s.files)
	for _, file := range s.files {
		files = append(files, s.of.parts(file)...)
	}
	return s.arrangement.identity(s.tree, files)
}

func (s *stacks) survey(context.Context) (survey, error) {
	_, first, _ := s.of.contents(s.files[0])
	v := survey{n: s.ends[len(s.ends)-1], first: first, classes: len(s.names), classNames: s.names, where: s.where, notes: s.notes,
		slices: true}
	if s.labels != nil {
		for i := range v.n {
			file, _ := s.at(i)
			v.labels = append(v.labels, s.labels[file])
		}
	}
	return v, nil
}

func (s *stacks) where(i int) string {
	file, inside := s.at(i)
	name := s.tree.full(s.files[file])
	if n, _, _ := s.of.contents(s.files[file]); n > 1 {
		return fmt.Sprintf("%s: slice %d", name, inside)
	}
	return name
}

func (s *stacks) open(ctx context.Context, keep []int) (func(int) (picture, error), error) {
	most := int64(1)
	for _, i := range keep {
		file, _ := s.at(i)
		_, _, bytes := s.of.contents(s.files[file])
		most = max(most, bytes)
	}
	places := min(max(s.room/most, 1), int64(runtime.GOMAXPROCS(0))+1) // one more than goroutines: some read the end of a file
	desk := desk{places: int(places), freed: sync.NewCond(new(sync.Mutex)), books: map[int]*book{}}
	return func(i int) (picture, error) {
		file, inside := s.at(i)
		b := desk.take(file)
		defer desk.leave(b)
		b.once.Do(func() { b.read, b.err = s.of.open(ctx, s.tree, s.files[file]) })
		if b.err != nil {
			return picture{}, b.err
		}
		return b.read(inside)
	}, nil
}

// desk holds the files that are open: as many as there are places for. Pictures are asked for in their order, so that a file is seldom
// opened twice.
type desk struct {
	places int
	freed  *sync.Cond
	books  map[int]*book
	clock  int
}

// book is an open file.
type book struct {
	readers, last int // goroutines that read it; when the last of them began
	once          sync.Once
	read          func(i int) (picture, error)
	err           error
}

// take waits for a place if the file is not open and all places are taken.
func (d *desk) take(file int) *book {
	d.freed.L.Lock()
	defer d.freed.L.Unlock()
	for d.books[file] == nil {
		if len(d.books) < d.places || d.clear() {
			d.books[file] = &book{}
			break
		}
		d.freed.Wait()
	}
	b := d.books[file]
	d.clock++
	b.readers, b.last = b.readers+1, d.clock
	return b
}

// clear closes the file that nobody has read for longest, and reports whether there is one.
func (d *desk) clear() bool {
	oldest := -1
	for file, b := range d.books {
		if b.readers == 0 && (oldest < 0 || b.last < d.books[oldest].last) {
			oldest = file
		}
	}
	delete(d.books, oldest)
	return oldest >= 0
}

func (d *desk) leave(b *book) {
	d.freed.L.Lock()
	b.readers--
	d.freed.L.Unlock()
	d.freed.Broadcast()
}
