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
	limit := min(max(s.room/most, 1), int64(runtime.GOMAXPROCS(0))+1) // one more than goroutines: some read the end of a file
	files := openFiles{limit: int(limit), released: sync.NewCond(new(sync.Mutex)), files: map[int]*openFile{}}
	return func(i int) (picture, error) {
		file, inside := s.at(i)
		f := files.acquire(file)
		defer files.release(f)
		f.once.Do(func() { f.read, f.err = s.of.open(ctx, s.tree, s.files[file]) })
		if f.err != nil {
			return picture{}, f.err
		}
		return f.read(inside)
	}, nil
}

// openFiles holds a limited number of open files. Pictures are asked for in their order, so that a file is seldom opened twice.
type openFiles struct {
	limit    int
	released *sync.Cond
	files    map[int]*openFile
	clock    int // of acquisitions
}

type openFile struct {
	readers, last int // goroutines that read it; when the last of them began
	once          sync.Once
	read          func(i int) (picture, error)
	err           error
}

// acquire waits while the limit is reached and every file has a reader.
func (o *openFiles) acquire(file int) *openFile {
	o.released.L.Lock()
	defer o.released.L.Unlock()
	for o.files[file] == nil {
		if len(o.files) < o.limit || o.evict() {
			o.files[file] = &openFile{}
			break
		}
		o.released.Wait()
	}
	f := o.files[file]
	o.clock++
	f.readers, f.last = f.readers+1, o.clock
	return f
}

// evict drops the file that nobody has read for longest, and reports whether there is one.
func (o *openFiles) evict() bool {
	oldest := -1
	for file, f := range o.files {
		if f.readers == 0 && (oldest < 0 || f.last < o.files[oldest].last) {
			oldest = file
		}
	}
	delete(o.files, oldest)
	return oldest >= 0
}

func (o *openFiles) release(f *openFile) {
	o.released.L.Lock()
	f.readers--
	o.released.L.Unlock()
	o.released.Broadcast()
}
