package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/starsweep/starsweep/internal/regular"
)

// tree is a folder, or an archive as if it were unpacked. Paths have slashes and begin at the root, "."; links in them are followed.
type tree interface {
	list(ctx context.Context, dir string) ([]fs.DirEntry, error)
	stat(path string) (fs.FileInfo, error)
	read(path string, limit int64) ([]byte, error) // the first limit bytes, or all
	same(a, b fs.FileInfo) bool                    // whether both are one folder
	full(path string) string                       // for messages
	identity(files []string) (string, error)       // identifies their content
}

// diskTree is a folder of the file system.
type diskTree struct{ root string }

func (t diskTree) full(name string) string { return filepath.Join(t.root, filepath.FromSlash(name)) }

func (t diskTree) list(ctx context.Context, dir string) ([]fs.DirEntry, error) {
	f, err := os.Open(t.full(dir))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []fs.DirEntry
	for {
		some, err := f.ReadDir(1 << 12)
		all = append(all, some...)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err == io.EOF:
			return all, nil
		case err != nil:
			return nil, err
		case len(all) > maxEntries:
			return nil, fmt.Errorf("%s: more than %d files", t.full(dir), maxEntries)
		}
	}
}

func (t diskTree) stat(name string) (fs.FileInfo, error) { return os.Stat(t.full(name)) }

func (t diskTree) same(a, b fs.FileInfo) bool { return os.SameFile(a, b) }

func (t diskTree) read(name string, limit int64) ([]byte, error) {
	return regular.Read(t.full(name), limit)
}

func (t diskTree) identity(files []string) (string, error) {
	paths := make([]string, len(files))
	for i, file := range files {
		paths[i] = t.full(file)
	}
	return filesIdentity(paths)
}

const (
	beginSize  = 132        // bytes at the beginning of a file that identify its format: the most that any format needs
	maxEntries = 20_000_000 // files and folders below one root, each link counted as its target
	maxDepth   = 100        // nested folders
)

// reason says why a file or folder is left out.
type reason int

const (
	otherFormat reason = iota // reported by endings
	hiddenName
	danglingLink
	loopingLink
	specialFile
)

var reasons = []struct{ one, many string }{
	hiddenName:   {"hidden file or folder", "hidden files and folders"},
	danglingLink: {"dangling link", "dangling links"},
	loopingLink:  {"link to a folder that contains it", "links to folders that contain them"},
	specialFile:  {"pipe, socket or device", "pipes, sockets and devices"},
}

// omission is something that is left out.
type omission struct {
	path string
	why  reason
}

// walker finds the files of one format in a tree.
type walker struct {
	tree   tree
	format format
	seen   int
	files  []string
	left   []omission
}

// walk lists the files below the root, in the order of the parts of their paths, and what it leaves out.
func walk(ctx context.Context, t tree, format format) (*walker, error) {
	w := &walker{tree: t, format: format}
	root, err := t.stat(".")
	if err != nil {
		return nil, err
	}
	return w, w.folder(ctx, ".", []fs.FileInfo{root})
}

// folder walks a folder; above is the folders around it, with itself as the last.
func (w *walker) folder(ctx context.Context, dir string, above []fs.FileInfo) error {
	if len(above) > maxDepth {
		return fmt.Errorf("%s: more than %d nested folders", w.tree.full(dir), maxDepth)
	}
	entries, err := w.tree.list(ctx, dir)
	if errors.Is(err, syscall.ELOOP) { // a path of so many links that it could be found once, and is not found again
		w.left = append(w.left, omission{dir, danglingLink})
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if w.seen++; w.seen > maxEntries {
			return fmt.Errorf("%s: more than %d files and folders", w.tree.full("."), maxEntries)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := w.entry(ctx, path.Join(dir, e.Name()), e.Type(), above); err != nil {
			return err
		}
	}
	return nil
}

// entry walks one entry of a folder.
func (w *walker) entry(ctx context.Context, name string, mode fs.FileMode, above []fs.FileInfo) error {
	base := path.Base(name)
	switch {
	case clutter(base):
		return nil
	case strings.HasPrefix(base, "."):
		w.left = append(w.left, omission{name, hiddenName})
		return nil
	}
	link := mode&fs.ModeSymlink != 0
	if link || mode.IsDir() {
		info, err := w.tree.stat(name)
		switch {
		case link && err != nil:
			w.left = append(w.left, omission{name, danglingLink})
			return nil
		case err != nil:
			return err
		case info.IsDir() && link && slices.ContainsFunc(above, func(up fs.FileInfo) bool { return w.tree.same(up, info) }):
			w.left = append(w.left, omission{name, loopingLink})
			return nil
		case info.IsDir():
			return w.folder(ctx, name, append(above[:len(above):len(above)], info))
		}
		mode = info.Mode()
	}
	if err := regular.Check(mode); err != nil {
		if w.format.is(name, nil) {
			return fmt.Errorf("%s: %w", w.tree.full(name), err)
		}
		w.left = append(w.left, omission{name, specialFile})
		return nil
	}
	begin := func() []byte {
		b, err := w.tree.read(name, beginSize)
		if err != nil {
			return nil // reading the whole file will return the error
		}
		return b
	}
	if w.format.is(name, begin) {
		w.files = append(w.files, name)
	} else {
		w.left = append(w.left, omission{name, otherFormat})
	}
	return nil
}

// clutter reports whether a file is one that systems leave in folders, which is skipped silently.
func clutter(name string) bool {
	return strings.HasPrefix(name, "._") || slices.Contains([]string{".DS_Store", "__MACOSX", "Thumbs.db", "desktop.ini"}, name)
}

// notes describes what was left out below a folder.
func (w *walker) notes(dir string) (notes []string) {
	names := make([][]string, len(reasons))
	endings := map[string]int{}
	for _, o := range w.left {
		switch {
		case !within(o.path, dir):
		case o.why == otherFormat:
			endings[strings.ToLower(path.Ext(o.path))]++
		default:
			names[o.why] = append(names[o.why], printable(o.path))
		}
	}
	if len(endings) > 0 {
		notes = append(notes, fmt.Sprintf("left out files that are not %s: %s", w.format.name, byEnding(endings)))
	}
	for why, list := range names {
		if len(list) > 0 {
			notes = append(notes, "left out "+some(list, reasons[why].one, reasons[why].many))
		}
	}
	return notes
}

// within reports whether a path is inside a folder.
func within(name, dir string) bool { return dir == "." || strings.HasPrefix(name, dir+"/") }

// byEnding is "3 .heic, 1 .txt, 2 without an ending", most first.
func byEnding(n map[string]int) string {
	return byCount(n, 12, func(ending string, n int) string {
		return fmt.Sprintf("%d %s", n, cmp.Or(printable(ending), "without an ending"))
	})
}

// byCount lists what was counted, most first.
func byCount(n map[string]int, most int, text func(what string, n int) string) string {
	var parts []string
	for _, what := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(n[b]-n[a], cmp.Compare(a, b)) }) {
		parts = append(parts, text(what, n[what]))
	}
	return enumerate(parts, most)
}

// some is "1 link: a" or "4 links: a, b, c, ...".
func some(names []string, one, many string) string {
	what := many
	if len(names) == 1 {
		what = one
	}
	return fmt.Sprintf("%d %s: %s", len(names), what, enumerate(names, 3))
}

// enumerate lists the first of some parts.
func enumerate(parts []string, most int) string {
	if len(parts) > most {
		parts = append(parts[:most:most], "...")
	}
	return strings.Join(parts, ", ")
}

// printable is the name of a file in one line, quoted if it has control characters.
func printable(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
