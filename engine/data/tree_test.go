package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
)

// layout is a tree of files in words: "a/1.png" is a picture of the shade that its content says, "x.txt" a text, "l.png -> a/1.png" a
// symbolic link, "h.png => a/1.png" a hard link.
type layout []string

func split(entry string) (name, target string, hard bool) {
	if name, target, ok := strings.Cut(entry, " -> "); ok {
		return name, target, false
	}
	if name, target, ok := strings.Cut(entry, " => "); ok {
		return name, target, true
	}
	return entry, "", false
}

// content of the kth entry: a picture of 1 x 1 pixels of shade k for names of pictures and names without ending.
func content(t testing.TB, name string, k int) []byte {
	if ext := filepath.Ext(name); ext == "" || slices.Contains([]string{".png", ".jpg", ".jfif", ".PNG"}, ext) {
		return tile(t, 1, 1, uint8(k))
	}
	return []byte("text")
}

// in writes the layout as a folder, a zip file and a tar file, and returns their paths.
func (l layout) in(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	var zipText, tarText bytes.Buffer
	z, w := zip.NewWriter(&zipText), tar.NewWriter(&tarText)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for k, entry := range l {
		name, target, hard := split(entry)
		b := content(t, name, k)
		path := filepath.Join(folder, name)
		must(os.MkdirAll(filepath.Dir(path), 0o777))
		zh, th := &zip.FileHeader{Name: name}, &tar.Header{Name: name, Mode: 0o644, Linkname: target}
		switch {
		case hard:
			must(os.Link(filepath.Join(folder, target), path))
			th.Typeflag = tar.TypeLink
			b = content(t, target, slices.Index(l, target))
		case target != "":
			must(os.Symlink(target, path))
			th.Typeflag = tar.TypeSymlink
			zh.SetMode(fs.ModeSymlink | 0o777)
			b = []byte(target)
		default:
			must(os.WriteFile(path, b, 0o666))
			th.Typeflag, th.Size = tar.TypeReg, int64(len(b))
		}
		f, err := z.CreateHeader(zh)
		must(err)
		_, err = f.Write(b)
		must(err)
		must(w.WriteHeader(th))
		if th.Typeflag == tar.TypeReg {
			_, err = w.Write(b)
			must(err)
		}
	}
	must(z.Close())
	must(w.Close())
	return []string{folder, write(t, dir, "a.zip", zipText.Bytes()), write(t, dir, "a.tar", tarText.Bytes())}
}

// layoutCase is a layout and the set that it is, or why it is none.
type layoutCase struct {
	name    string
	layout  layout
	split   string
	shades  []uint8 // entries of layout that are read, in order
	classes []string
	labels  []int32
	notes   []string
	err     string
}

var layoutCases = []layoutCase{
	{name: "a class called train", layout: layout{"boat/1.png", "bus/1.png", "car/1.png", "train/1.png"}, shades: []uint8{0, 1, 2, 3},
		classes: []string{"boat", "bus", "car", "train"}, labels: []int32{0, 1, 2, 3},
		notes: []string{"the folder train counts as a class, since there is no other split next to it: " +
			"there are 4 folders: boat, bus, car, train"}},
	{name: "no test split where train is a class", layout: layout{"boat/1.png", "train/1.png"}, split: "test",
		err: `no folder "test" for the split: there are 2 folders: boat, train`},
	{name: "splits with capitals", layout: layout{"Test/x/1.png", "Train/x/2.png"}, shades: []uint8{1}, classes: []string{"x"},
		labels: []int32{0}},
	{name: "splits by other names", layout: layout{"training/x/1.png", "validation/x/2.png"}, shades: []uint8{0}, classes: []string{"x"},
		labels: []int32{0}},
	{name: "another name of the split asked for", layout: layout{"training/x/1.png", "val/x/2.png"}, split: "validation", shades: []uint8{1},
		classes: []string{"x"}, labels: []int32{0}},
	{name: "any folder by its name", layout: layout{"fold1/1.png", "fold2/2.png"}, split: "fold2", shades: []uint8{1}},
	{name: "two folders for a split", layout: layout{"train/1.png", "training/1.png"},
		err: `got the folders train and training for the split "train", want one`},
	{name: "only other splits", layout: layout{"test/1.png", "val/1.png"},
		err: `no folder "train" for the split: there are 2 folders: test, val`},
	{name: "test next to classes", layout: layout{"cat/1.png", "dog/1.png", "test/1.png"}, shades: []uint8{0, 1},
		classes: []string{"cat", "dog"}, labels: []int32{0, 1},
		notes: []string{"left out 1 image in the folder test, which is another split"}},
	{name: "extra images outside splits", layout: layout{"extra/1.png", "test/1.png", "train/1.png", "x.png"}, shades: []uint8{2},
		notes: []string{"left out 2 images outside the folder train: extra"}},
	{name: "labels mean the same in each split", layout: layout{"test/a/1.png", "test/c/1.png", "train/a/1.png", "train/b/1.png",
		"train/c/1.png"}, split: "test",
		shades: []uint8{0, 1}, classes: []string{"a", "b", "c"}, labels: []int32{0, 2}},
	{name: "a folder around everything", layout: layout{"set/test/a/1.png", "set/train/a/1.png", "set/train/b/1.png", "set/readme.txt"},
		shades:  []uint8{1, 2},
		classes: []string{"a", "b"}, labels: []int32{0, 1}, notes: []string{"all images are in set: its folders are the splits or classes"}},
	{name: "order of parts, not of letters", layout: layout{"a-b/1.png", "a/1.png"}, shades: []uint8{1, 0}, classes: []string{"a", "a-b"},
		labels: []int32{0, 1}},
	{name: "endings", layout: layout{"1.png", "2.PNG", "3.jfif", "4", "5.heic", "6.heic", "7.txt", ".hidden.png", ".DS_Store"},
		shades: []uint8{0, 1, 2, 3},
		notes: []string{"left out files that are not PNG, JPEG, GIF, BMP, TIFF or WebP images: 2 .heic, 1 .txt",
			"left out 1 hidden file or folder: .hidden.png"}},
	{name: "only other endings", layout: layout{"1.heic", "2.heic"}, err: "images: 2 .heic"},
	{name: "linked files", layout: layout{"a/1.png", "a/2.png -> 1.png", "b/3.png -> ../a/1.png", "b/4.png => a/1.png"},
		shades:  []uint8{0, 0, 0, 0},
		classes: []string{"a", "b"}, labels: []int32{0, 0, 1, 1}},
	{name: "linked folders", layout: layout{"real/b/1.png", "set/a/1.png", "set/b -> ../real/b", "set/c -> b"}, split: "set",
		shades:  []uint8{1, 0, 0},
		classes: []string{"a", "b", "c"}, labels: []int32{0, 1, 2}},
	{name: "loops", layout: layout{"a/1.png", "a/me -> .", "a/up -> ..", "b -> b"}, shades: []uint8{0}, classes: []string{"a"},
		labels: []int32{0},
		notes:  []string{"left out 1 dangling link: b", "left out 2 links to folders that contain them: a/me, a/up"}},
	{name: "links to nothing", layout: layout{"1.png", "2.png -> nowhere.png"}, shades: []uint8{0},
		notes: []string{"left out 1 dangling link: 2.png"}},
}

func TestFoldersAndArchivesMeanTheSame(t *testing.T) {
	for _, c := range layoutCases {
		t.Run(c.name, func(t *testing.T) {
			var digest string
			for _, path := range c.layout.in(t) {
				s, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: path, Split: c.split})
				if c.err != "" {
					wantError(t, err, "images: ", c.err)
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", path, err)
					continue
				}
				if !bytes.Equal(s.U8, c.shades) || !slices.Equal(s.ClassNames, c.classes) || !slices.Equal(s.Labels, c.labels) {
					t.Errorf("%s: got shades %v, labels %v of %v, want %v, %v of %v", path, s.U8, s.Labels, s.ClassNames, c.shades, c.labels, c.classes)
				}
				if !slices.Equal(s.Notes, c.notes) {
					t.Errorf("%s: got notes %q, want %q", path, s.Notes, c.notes)
				}
				if digest != "" && s.Digest != digest {
					t.Errorf("%s: got another digest than the folder's", path)
				}
				digest = s.Digest
			}
		})
	}
}

func TestLinksDoNotLeadOutOfAnArchive(t *testing.T) {
	secret := write(t, t.TempDir(), "secret.png", tile(t, 1, 1, 99))
	for _, path := range (layout{"1.png", "2.png -> " + secret, "3.png -> ../../../../../../.." + secret, "d -> /tmp"}).in(t)[1:] {
		s := open(t, store(t), spec.Data{Name: "images", Path: path})
		if want := []string{"left out 3 dangling links: 2.png, 3.png, d"}; !bytes.Equal(s.U8, []uint8{0}) ||
			!slices.Equal(s.Notes, want) {
			t.Errorf("%s: got shades %v, notes %q, want %q", path, s.U8, s.Notes, want)
		}
	}
}

func TestUnlabelledTakesEveryImage(t *testing.T) {
	for _, path := range (layout{"1.png", "a/2.png", "test/3.png", "train/b/4.png"}).in(t) {
		s := open(t, store(t), spec.Data{Name: "images", Path: path, Unlabelled: true})
		if !bytes.Equal(s.U8, []uint8{0, 1, 2, 3}) || s.Labels != nil || s.Classes != 0 {
			t.Errorf("%s: got shades %v, labels %v", path, s.U8, s.Labels)
		}
	}
}

func TestTreesOfAnyDepthEnd(t *testing.T) {
	dir := t.TempDir()
	deep := dir
	for range 300 {
		deep += "/d"
	}
	write(t, deep, "1.png", tile(t, 1, 1, 1))
	_, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: dir})
	wantError(t, err, "more than 100 nested folders")

	wide := t.TempDir() // each folder links to the next twice: 2^60 paths
	for i := range 60 {
		here := filepath.Join(wide, "all", string(rune('A'+i)))
		write(t, here, "note.txt", nil)
		for _, link := range []string{"x", "y"} {
			if err := os.Symlink("../"+string(rune('A'+i+1)), filepath.Join(here, link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := store(t).Open(ctx, spec.Data{Name: "images", Path: wide}); !errors.Is(err, context.DeadlineExceeded) { // 2^60 paths never end
		t.Errorf("got %v, want the context's error", err)
	}
}
