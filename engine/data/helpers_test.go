package data

import (
	"archive/zip"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// write puts a file, and the folders above it, below dir.
func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// tile is a PNG of h x w pixels of one grey, or of one colour.
func tile(t testing.TB, h, w int, shades ...uint8) []byte {
	r := image.Rect(0, 0, w, h)
	if len(shades) == 1 {
		img := image.NewGray(r)
		for i := range img.Pix {
			img.Pix[i] = shades[0]
		}
		return encodePNG(t, img)
	}
	img := image.NewNRGBA(r)
	for i := range h * w {
		img.SetNRGBA(i%w, i/w, color.NRGBA{shades[0], shades[1], shades[2], 255})
	}
	return encodePNG(t, img)
}

// unzipped is a folder with the files of an archive in testdata.
func unzipped(t testing.TB, name string) string {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("testdata", filepath.FromSlash(name)+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, f.Name, b)
	}
	return dir
}
