package data

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// member is a file of an archive.
type member struct {
	name    string
	content []byte
}

func zipped(t testing.TB, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m.name)
		if err == nil {
			_, err = w.Write(m.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t testing.TB, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		kind, size := byte(tar.TypeReg), len(m.content)
		if strings.HasSuffix(m.name, "/") {
			kind, size = tar.TypeDir, 0
		}
		err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(size), Mode: 0o644, Typeflag: kind})
		if err == nil {
			_, err = w.Write(m.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnArchiveIsReadAsAFolderIs(t *testing.T) {
	members := []member{
		{"cats/", nil}, {"./cats/2.png", tile(t, 2, 3, 20)}, {"dogs/1.png", tile(t, 2, 3, 30)}, {"cats/1.png", tile(t, 2, 3, 10)},
		{"notes.txt", []byte("not an image")}, {"__MACOSX/cats/1.png", []byte("not an image")}, {"cats/._1.png", []byte("not an image")},
	}
	dir := t.TempDir()
	for _, m := range members[1:4] {
		write(t, dir, "folder/"+m.name, m.content)
	}
	write(t, dir, "folder/notes.txt", []byte("not an image"))
	want := open(t, store(t), spec.Data{Name: "images", Path: filepath.Join(dir, "folder")})
	for name, content := range map[string][]byte{
		"a.zip": zipped(t, members), "a.tar": tarred(t, members), "a.tar.gz": gzipped(t, tarred(t, members)),
		"A.TGZ": gzipped(t, tarred(t, members)),
	} {
		st := store(t)
		wanted := spec.Data{Name: "images", Path: write(t, dir, name, content)}
		got := open(t, st, wanted)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v", name, got, want)
		}
		if shape, err := st.Shape(wanted); err != nil || shape != want.Shape() {
			t.Errorf("%s: got shape %v, %v, want %v", name, shape, err, want.Shape())
		}
	}
}

func TestAnArchiveMayHoldSplits(t *testing.T) {
	path := write(t, t.TempDir(), "a.zip", zipped(t, []member{{"train/1.png", tile(t, 1, 1, 1)}, {"test/1.png", tile(t, 1, 1, 2)},
		{"test/2.png", tile(t, 1, 1, 3)}}))
	for split, want := range map[string][]uint8{"train": {1}, "test": {2, 3}} {
		if s := open(t, store(t), spec.Data{Name: "images", Path: path, Split: split}); !slices.Equal(s.U8, want) || s.Labels != nil {
			t.Errorf("%s: got %v, labels %v, want %v", split, s.U8, s.Labels, want)
		}
	}
}

func TestADamagedPictureInAZipFileIsNoticed(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	picture := bmp(4, 4)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "1.bmp", Method: zip.Store})
	if err == nil {
		_, err = w.Write(picture)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	text := b.Bytes()
	text[bytes.Index(text, picture)+len(picture)-1] ^= 1 // a pixel
	_, err = store(t).Open(context.Background(), spec.Data{Name: "images", Path: write(t, t.TempDir(), "a.zip", text)})
	wantError(t, err, "a.zip: 1.bmp: zip: checksum error")
}

// bmp is a BMP file of h x w pixels of 24 bits.
func bmp(h, w int) []byte {
	row := (3*w + 3) / 4 * 4
	b := binary.LittleEndian.AppendUint32([]byte("BM"), uint32(54+h*row))
	for _, x := range []int{0, 54, 40, w, h, 1 | 24<<16, 0, h * row, 0, 0, 0, 0} {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return append(b, make([]byte, h*row)...)
}

func TestErrorsOfArchivesNameFileAndMember(t *testing.T) {
	dir := t.TempDir()
	good := []member{{"a/1.png", tile(t, 1, 1, 1)}}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"damaged.zip":  {zipped(t, append(good, member{"a/2.png", []byte("not an image")})), "damaged.zip/a/2.png: "},
		"damaged.tar":  {tarred(t, []member{{"b.png", []byte("not an image")}}), "damaged.tar/b.png: "},
		"cut.tar":      {tarred(t, good)[:540], "cut.tar: "},
		"no.tgz":       {tarred(t, good), "no.tgz: gzip: invalid header"},
		"no.zip":       {[]byte("not a zip file"), "no.zip: zip: not a valid zip file"},
		"empty.zip":    {zipped(t, []member{{"readme.md", nil}}), "no PNG, JPEG, GIF, BMP, TIFF or WebP images in "},
		"notthere.zip": {nil, "notthere.zip: no such file"},
	} {
		path := filepath.Join(dir, name)
		if c.content != nil {
			write(t, dir, name, c.content)
		}
		_, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: path})
		wantError(t, err, c.want)
	}
	path := write(t, dir, "a.zip", zipped(t, good))
	_, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: path, Split: "test"})
	wantError(t, err, path+`: no folder "test" for the split: there is the folder a`)
}
