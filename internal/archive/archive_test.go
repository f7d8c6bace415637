package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var content = map[string]string{"a.txt": "alpha", "deep/er/b.bin": "\x00\x01" + strings.Repeat("b", 70_000), "empty": ""}

// packed is an archive of files, in the order of their names.
func packed(t *testing.T, name string, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, name, "study")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := w.Add(path, int64(len(files[path])), strings.NewReader(files[path])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(map[string]string{"study": "ring"}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpacked unpacks an archive and returns its problems and its files, without the manifest.
func unpacked(t *testing.T, name string, archive []byte, least int64) (problems []Problem, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "parent", "to"), 0o700); err != nil {
		t.Fatal(err)
	}
	to, err := os.OpenRoot(filepath.Join(dir, "parent", "to"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	problems, err = unpack(context.Background(), file, to, least)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	err = fs.WalkDir(os.DirFS(filepath.Join(dir, "parent")), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		below, inside := strings.CutPrefix(path, "to/")
		if !inside || !d.Type().IsRegular() {
			t.Errorf("%s: unpacked %s, a %v", name, path, d.Type())
			return nil
		}
		b, err := os.ReadFile(filepath.Join(dir, "parent", path))
		if below != ManifestName {
			files[below] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return problems, files
}

func TestAnArchiveUnpacksToTheFilesThatWentIn(t *testing.T) {
	for _, name := range []string{"s.tar.gz", "s.TGZ", "s.zip"} {
		archive := packed(t, name, content)
		problems, files := unpacked(t, name, archive, minUnpackLimit)
		if len(problems) > 0 || !maps.Equal(files, content) {
			t.Errorf("%s: got %d files, %v", name, len(files), problems)
		}
		if !bytes.Equal(archive, packed(t, name, content)) {
			t.Errorf("%s: the same files make other bytes", name)
		}
	}
}

func TestAnArchiveHasOneOfTheKnownNames(t *testing.T) {
	for _, name := range []string{"s.tar", "s", "s.gz", "zip", "s.tar.gz/x"} {
		if _, err := NewWriter(io.Discard, name, "s"); err == nil || Named(name) {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestAFileThatChangesItsSizeIsNotPacked(t *testing.T) {
	w, err := NewWriter(io.Discard, "s.zip", "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add("short", 3, strings.NewReader("ab")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"short", "../x", "/x", "a/../../x", ManifestName} {
		if err := w.Add(name, 1, strings.NewReader("ab")); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// Every byte of an archive may be damaged: then there is a problem, or the byte means nothing and the files are as they were.
func TestDamageIsNoticed(t *testing.T) {
	small := map[string]string{"a.txt": "alpha", "deep/er/b.bin": strings.Repeat("b", 700), "empty": ""}
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, name := range []string{"s.tar.gz", "s.zip"} {
		whole := packed(t, name, small)
		for i := 0; i < len(whole); i += step {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << (i % 8)
			if problems, files := unpacked(t, name, flipped, minUnpackLimit); len(problems) == 0 && !maps.Equal(files, small) {
				t.Errorf("%s: byte %d of %d flipped: got no problem, and %v", name, i, len(whole), files)
			}
			if problems, _ := unpacked(t, name, whole[:i], minUnpackLimit); len(problems) == 0 {
				t.Errorf("%s: cut after byte %d of %d: got no problem", name, i, len(whole))
			}
		}
	}
}

func TestAManifestThatLiesIsNoticed(t *testing.T) {
	for what, change := range map[string]func(*Writer){
		"missing":             func(w *Writer) { w.files = append(w.files, File{"more", 1, "00"}) },
		"not in the manifest": func(w *Writer) { w.files = w.files[1:] },
		"want 6":              func(w *Writer) { w.files[0].Bytes++ },
		"want 00":             func(w *Writer) { w.files[0].SHA256 = "00" },
		"listed twice":        func(w *Writer) { w.files = append(w.files, w.files[0]) },
	} {
		var b bytes.Buffer
		w, err := NewWriter(&b, "s.tar.gz", "s")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add("a.txt", 5, strings.NewReader("alpha")); err != nil {
			t.Fatal(err)
		}
		change(w)
		if err := w.Close(nil); err != nil {
			t.Fatal(err)
		}
		if problems, _ := unpacked(t, "s.tar.gz", b.Bytes(), minUnpackLimit); len(problems) != 1 || !strings.Contains(problems[0].What, what) {
			t.Errorf("got %v, want one problem with %q", problems, what)
		}
	}
}

// hostile are members that no archive of ours has.
var hostile = []tar.Header{
	{Name: "../out"}, {Name: "/abs"}, {Name: "s/../../out"}, {Name: "s/./x"}, {Name: `s\..\out`}, {Name: "c:out"}, {Name: "top"},
	{Name: "other/x"},
	{Name: "s/link", Typeflag: tar.TypeSymlink, Linkname: "../../out"}, {Name: "s/hard", Typeflag: tar.TypeLink, Linkname: "s/first"},
	{Name: "s/pipe", Typeflag: tar.TypeFifo}, {Name: "s/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
	{Name: "s/first"}, {Name: "s/FIRST"}, {Name: "s/first/below"}, {Name: "s/folder"}, {Name: "s/" + strings.Repeat("d/", 40) + "x"},
	{Name: "s/" + strings.Repeat("n", 300)}, {Name: "s/MANIFEST.json/x"},
}

func TestHostileMembersAreNotUnpacked(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range append([]tar.Header{{Name: "s/first"}, {Name: "s/folder/x"}}, hostile...) {
		body := ""
		if h.Typeflag == 0 {
			h.Typeflag, body = tar.TypeReg, "out"
		}
		h.Size, h.Mode = int64(len(body)), 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	problems, files := unpacked(t, "h.tar.gz", b.Bytes(), minUnpackLimit)
	if want := map[string]string{"first": "out", "folder/x": "out", "MANIFEST.json/x": "out"}; !maps.Equal(files, want) {
		t.Errorf("unpacked %v, want %v", files, want)
	}
	if len(problems) != len(hostile) { // the one that is unpacked takes the place of the manifest
		t.Errorf("got %d problems, want %d: %v", len(problems), len(hostile), problems)
	}
	b.Reset()
	zw := zip.NewWriter(&b)
	for _, name := range []string{"../out", "/abs", "s/link"} {
		h := &zip.FileHeader{Name: name}
		if name == "s/link" {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		m, err := zw.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(m, "../../out"); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	if problems, files := unpacked(t, "h.zip", b.Bytes(), minUnpackLimit); len(files) != 0 || len(problems) != 4 {
		t.Errorf("zip: got %v, %v", files, problems)
	}
}

func TestAnArchiveUnpacksWithinBounds(t *testing.T) {
	bomb := map[string]string{"a": strings.Repeat("\x00", 1<<20), "b": strings.Repeat("\x00", 1<<20)}
	for _, name := range []string{"s.tar.gz", "s.zip"} {
		archive := packed(t, name, bomb)
		if len(archive) > 1<<14 {
			t.Fatalf("%s: got %d bytes, want a bomb", name, len(archive))
		}
		problems, files := unpacked(t, name, archive, 1<<10)
		if len(problems) == 0 || !strings.Contains(problems[0].What, "unpacks to more than 100 times its size") {
			t.Errorf("%s: got %v", name, problems)
		}
		if size := len(files["a"]) + len(files["b"]); size > 101*len(archive) {
			t.Errorf("%s: unpacked %d bytes of an archive of %d", name, size, len(archive))
		}
	}
	var sparse bytes.Buffer // a hole of 2^40 bytes, in 3 kB
	z := gzip.NewWriter(&sparse)
	records := map[string]string{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s/x",
		"GNU.sparse.realsize": "1099511627776"}
	if _, err := z.Write(sparseTar(t, records)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if problems, _ := unpacked(t, "s.tar.gz", sparse.Bytes(), 1<<16); len(problems) == 0 {
		t.Error("a hole: got no problem")
	}
}

// sparseTar is a tar file with one member of PAX records that archive/tar reads and does not write.
func sparseTar(t *testing.T, records map[string]string) []byte {
	t.Helper()
	var pax strings.Builder
	for _, key := range slices.Sorted(maps.Keys(records)) {
		record := " " + key + "=" + records[key] + "\n"
		n := len(record) + 2
		pax.WriteString(string(rune('0'+n/10)) + string(rune('0'+n%10)) + record)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	body := make([]byte, 512)
	copy(body, "1\n1099511627776\n0\n")
	for _, m := range []struct {
		kind byte
		body string
	}{{'f', pax.String()}, {tar.TypeReg, string(body)}} {
		h := tar.Header{Name: "s/x", Typeflag: m.kind, Size: int64(len(m.body)), Mode: 0o644}
		if m.kind == 'f' {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	file[156] = tar.TypeXHeader
	sum := 0
	for i, c := range file[:512] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	copy(file[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return file
}

func TestAnInterruptEndsUnpacking(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s.tar.gz")
	if err := os.WriteFile(file, packed(t, file, content), 0o600); err != nil {
		t.Fatal(err)
	}
	to, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Unpack(ctx, file, to); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
