package data

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

func TestFolderWithoutSubfoldersHasNoLabels(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.PNG", tile(t, 2, 3, 20))
	write(t, dir, "a.png", tile(t, 2, 3, 10))
	write(t, dir, "notes.txt", []byte("not an image"))
	write(t, dir, ".hidden.png", []byte("not an image"))
	s := open(t, store(t), spec.Data{Name: "images", Path: dir})
	if want := (Shape{2, 2, 3, 1, 0}); s.Shape() != want || s.Labels != nil {
		t.Errorf("got %v, labels %v, want %v", s.Shape(), s.Labels, want)
	}
	if want := []uint8{10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20}; !bytes.Equal(s.U8, want) {
		t.Errorf("got %v, want %v", s.U8, want)
	}
}

func TestSubfoldersAreClassesAndSplits(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "train/zebra/1.png", tile(t, 1, 1, 1))
	write(t, dir, "train/cat/2.png", tile(t, 1, 1, 2))
	write(t, dir, "train/cat/deep/3.png", tile(t, 1, 1, 3))
	write(t, dir, "test/cat/4.png", tile(t, 1, 1, 4))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	s := open(t, store(t), spec.Data{Name: "images", Path: link})
	if !bytes.Equal(s.U8, []uint8{2, 3, 1}) || !reflect.DeepEqual(s.Labels, []int32{0, 0, 1}) ||
		!reflect.DeepEqual(s.ClassNames, []string{"cat", "zebra"}) || s.Classes != 2 {
		t.Errorf("got pixels %v, labels %v of %v", s.U8, s.Labels, s.ClassNames)
	}
	s = open(t, store(t), spec.Data{Name: "images", Path: dir, Split: "test"})
	if !bytes.Equal(s.U8, []uint8{4}) {
		t.Errorf("test split: got %v", s.U8)
	}
	_, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: dir, Split: "validation"})
	wantError(t, err, `no folder "validation"`)
}

func TestMixedFolderIsResizedAndMadeGrey(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "1.png", tile(t, 4, 4, 51))
	write(t, dir, "2.png", tile(t, 9, 5, 204, 204, 204))
	st := store(t)
	s := open(t, st, spec.Data{Name: "images", Path: dir, Size: 4, Channels: 1})
	if s.F32 == nil || s.F32[0] != pixelValue[51] || s.F32[16] != pixelValue[204] {
		t.Errorf("got %v", s.F32)
	}
	_, err := st.Open(context.Background(), spec.Data{Name: "images", Path: dir, Channels: 1})
	wantError(t, err, "2.png: got 9 x 5 x 1, want 4 x 4 as the first image is: set size")
	_, err = st.Open(context.Background(), spec.Data{Name: "images", Path: dir, Size: 4})
	wantError(t, err, "2.png: got 9 x 5 x 3, want 1 channels as the first image has: set channels to 1 or 3")
}

func TestASetSaysWhatItDoesNotUseOfItsPictures(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"animated.gif", "rotated.jpg", "rgba-8.png", "rgb-8.png"} {
		b, err := os.ReadFile(filepath.Join("raster/testdata/pictures", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, fmt.Sprintf("%d%s", i, filepath.Ext(name)), b)
	}
	want := []string{
		"1 of 4 images have more than one frame or page: the first is read",
		"1 of 4 images have an EXIF orientation, which is not applied",
		"1 of 4 images have transparency, which is dropped: the colour underneath is read",
	}
	if s := open(t, store(t), spec.Data{Name: "images", Path: dir, Size: 8}); !reflect.DeepEqual(s.Notes, want) {
		t.Errorf("got %q, want %q", s.Notes, want)
	}
}

func TestGreyPNGsMayHaveTransparency(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"grey-8-transparent.png", "grey-16-transparent.png", "grey-1-transparent.png"} {
		b, err := os.ReadFile(filepath.Join("raster/testdata/pictures", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, b)
	}
	s := open(t, store(t), spec.Data{Name: "images", Path: dir})
	if want := (Shape{N: 3, H: 5, W: 6, C: 1}); s.Shape() != want || s.U8 == nil {
		t.Errorf("got %v, want %v", s.Shape(), want)
	}
}

func TestErrorsOfFoldersNameTheFile(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"truncated", map[string][]byte{"a.png": tile(t, 2, 2, 1), "b.png": tile(t, 2, 2, 1)[:50]}, "b.png: png: invalid format: unexpected EOF"},
		{"not an image", map[string][]byte{"a.png": tile(t, 2, 2, 1), "b.jpg": []byte("hello")}, "b.jpg: got an unknown format, want PNG, JPEG"},
		{"first one corrupt", map[string][]byte{"a.gif": []byte("GIF89a")}, "a.gif: "},
		{"none", map[string][]byte{"a.txt": nil}, "no PNG, JPEG, GIF, BMP, TIFF or WebP images in "},
		{"loose files next to classes", map[string][]byte{"a.png": tile(t, 2, 2, 1), "x/b.png": tile(t, 2, 2, 1)},
			"got 1 image in no class folder: a.png, and others in folders"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range c.files {
				write(t, dir, name, content)
			}
			_, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: dir})
			wantError(t, err, c.want, "images: ")
		})
	}
}
