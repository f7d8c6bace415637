package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
)

// sparse is a tar file of a few kilobytes, whose one member, 1.png, has so many bytes, all of them zero but those it begins with: GNU's
// sparse format 1.0 (https://www.gnu.org/software/tar/manual/html_node/PAX-1.html).
func sparse(begin []byte, size int) []byte {
	block := func(b []byte) []byte { return append(b, make([]byte, (512-len(b)%512)%512)...) }
	header := func(name string, kind byte, size int) []byte {
		b := make([]byte, 512)
		copy(b, name)
		copy(b[100:], "0000644\x000000000\x000000000\x00")
		copy(b[124:], fmt.Sprintf("%011o\x00%011o\x00        ", size, 0))
		b[156] = kind
		copy(b[257:], "ustar\x0000")
		sum := 0
		for _, x := range b {
			sum += int(x)
		}
		copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
		return b
	}
	var records []byte
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=1.png",
		fmt.Sprintf("GNU.sparse.realsize=%d", size)} {
		n := len(r) + 4
		records = fmt.Appendf(records, "%d %s\n", n, r)
	}
	data := append(block(fmt.Appendf(nil, "2\n0\n%d\n%d\n0\n", len(begin), size)), begin...)
	return slices.Concat(header("pax", 'x', len(records)), block(records), header("GNUSparseFile.0/1.png", '0', len(data)), block(data),
		make([]byte, 1024))
}

func TestArchivesUnpackWithinABudget(t *testing.T) {
	dir := t.TempDir()
	png := tile(t, 1, 1, 1)
	large := append(slices.Clone(png), make([]byte, 3<<20)...)
	st := store(t)
	st.Memory = 2 << 20
	for name, b := range map[string][]byte{
		"bomb.zip":    zipped(t, []member{{"1.png", large}}),
		"bomb.tar":    tarred(t, []member{{"1.png", large}}),
		"bomb.tar.gz": gzipped(t, tarred(t, []member{{"readme.txt", make([]byte, 3<<20)}, {"1.png", png}})),
		"sparse.tar":  sparse(png, 1<<40),
		"many.zip":    zipped(t, []member{{"1.png", large[:1<<20]}, {"2.png", large[:1<<20]}, {"3.png", large[:1<<20]}}),
	} {
		_, err := st.Open(context.Background(), spec.Data{Name: "images", Path: write(t, dir, name, b)})
		wantError(t, err, name+": ", "unpacks to more than 2.1 MB", "unpack it, and set path to the folder")
	}
}

func TestEncryptedArchivesSaySo(t *testing.T) {
	b := zipped(t, []member{{"1.png", tile(t, 1, 1, 1)}})
	b[6] |= 1 // the flags of the local header and of the directory
	at := bytes.LastIndex(b, []byte("PK\x01\x02"))
	b[at+8] |= 1
	_, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: write(t, t.TempDir(), "a.zip", b)})
	wantError(t, err, "a.zip: 1.png: encrypted: unpack the archive with its password")
}

func TestUnpackingEndsWithItsContext(t *testing.T) {
	path := write(t, t.TempDir(), "a.tar.gz", gzipped(t, tarred(t, []member{{"1.txt", make([]byte, 100<<20)}})))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if _, err := store(t).Open(ctx, spec.Data{Name: "images", Path: path}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func FuzzArchive(f *testing.F) {
	members := []member{{"a/1.png", tile(f, 1, 1, 1)}, {"b/2.png", tile(f, 2, 2, 2)}, {"c.txt", []byte("text")}}
	f.Add(zipped(f, members), 0)
	f.Add(tarred(f, members), 1)
	f.Add(gzipped(f, tarred(f, members)), 2)
	for _, path := range (layout{"a/1.png", "a/2.png -> 1.png", "b -> a", "c.png => a/1.png", "l -> l"}).in(f)[1:] {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, map[string]int{".zip": 0, ".tar": 1}[filepath.Ext(path)])
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte, kind int) {
		path := write(t, dir, "x"+archiveEndings[uint(kind)%3], b)
		st := &Store{Memory: 1 << 24}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		s, err := st.Open(ctx, spec.Data{Name: "images", Path: path, Size: 2, Channels: 1})
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("did not end: %v", err)
		}
		if err == nil && s.N < 1 {
			t.Errorf("got %v", s.Shape())
		}
	})
}
