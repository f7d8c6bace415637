package raster

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// expectation is a line of expected.txt, which testdata/make.py writes.
type expectation struct {
	name      string
	h, w, c   int
	tolerance int
	pix       []uint8 // nil where Pillow refuses the file
}

func expectations(t *testing.T, folder string) (list []expectation) {
	f, err := os.Open(filepath.Join(folder, "expected.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return list
		}
		var e expectation
		var text string
		if strings.HasSuffix(line, " unreadable\n") {
			list = append(list, expectation{name: strings.TrimSuffix(line, " unreadable\n")})
			continue
		}
		if _, err := fmt.Sscan(line, &e.name, &e.h, &e.w, &e.c, &e.tolerance, &text); err != nil {
			t.Fatal(err)
		}
		packed, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		z, err := zlib.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if e.pix, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
}

// refused lists the pictures of testdata that are not read, with a word of the reason.
var refused = map[string]string{
	"ink.tif":    "color model",
	"turned.tif": "orientation 6",
	"signed.tif": "sample format 2",
	"planes.tif": "planar configuration 2",
}

func TestPicturesAreReadAsPillowReadsThem(t *testing.T) {
	folder := "testdata/pictures"
	for _, e := range expectations(t, folder) {
		b, err := os.ReadFile(filepath.Join(folder, e.name))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(context.Background(), b)
		if word, ok := refused[e.name]; ok {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: got error %v, want one with %q", e.name, err, word)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		if far := e.distance(p); far != "" {
			t.Errorf("%s: %s", e.name, far)
		}
		if h, err := ReadHeader(b); err != nil || h.H != p.H || h.W != p.W || h.C != p.C {
			t.Errorf("%s: the header says %+v, %v; the picture is %+v", e.name, h, err, p.Header)
		}
	}
}

// distance describes what is wrong with p; "" if it is right.
func (e expectation) distance(p Picture) string {
	if p.H != e.h || p.W != e.w || p.C != e.c {
		return fmt.Sprintf("got %d x %d x %d, want %d x %d x %d", p.H, p.W, p.C, e.h, e.w, e.c)
	}
	worst, at := 0, 0
	for i, x := range p.Pix {
		if d := max(int(x), int(e.pix[i])) - min(int(x), int(e.pix[i])); d > worst {
			worst, at = d, i
		}
	}
	if worst > e.tolerance {
		return fmt.Sprintf("value %d: got %d, want %d: differs by %d, want at most %d", at, p.Pix[at], e.pix[at], worst, e.tolerance)
	}
	return ""
}

// A folder of other pictures, Pillow's own say, for which make.py has written expected.txt. Every one is read as Pillow reads it, or
// refused; the reasons are logged.
func TestOtherPicturesAreReadAsPillowReadsThemOrRefused(t *testing.T) {
	folder := require.Option(t, "STARSWEEP_PICTURES", "make it name a folder of pictures for which testdata/make.py has written expected.txt")
	for _, e := range expectations(t, folder) {
		b, err := os.ReadFile(filepath.Join(folder, e.name))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(context.Background(), b)
		switch {
		case err != nil:
			t.Logf("%s: refused: %v (Pillow: %d x %d x %d)", e.name, err, e.h, e.w, e.c)
		case e.pix == nil:
			t.Logf("%s: read, and Pillow refuses it: %d x %d x %d", e.name, p.H, p.W, p.C)
		default:
			if far := e.distance(p); far != "" {
				t.Errorf("%s: %s", e.name, far)
			} else {
				t.Logf("%s: as Pillow reads it", e.name)
			}
		}
	}
}

func TestTraitsAreFound(t *testing.T) {
	for name, want := range map[string]Traits{
		"animated.png": MoreFrames, "animated.gif": MoreFrames, "animated.webp": MoreFrames, "pages.tif": MoreFrames, "rotated.jpg": Rotated,
		"transparent.gif": Transparent, "grey-8-transparent.png": Transparent, "rgba-8.png": Transparent, "alpha.webp": Transparent,
		"palette.gif": 0, "progressive.jpg": 0, "rgb-8.png": 0, "rgb-raw.tif": 0,
	} {
		b, err := os.ReadFile(filepath.Join("testdata/pictures", name))
		if err != nil {
			t.Fatal(err)
		}
		if p, err := Decode(context.Background(), b); err != nil || p.Traits != want {
			t.Errorf("%s: got traits %b, %v, want %b", name, p.Traits, err, want)
		}
	}
}

func TestWhatIsNoPictureIsNamed(t *testing.T) {
	for content, want := range map[string]string{
		"":                                      "got an empty file, want PNG",
		"hello":                                 "got an unknown format, want PNG",
		"\x00\x00\x00\x1cftypavif0000":          "got an AVIF image",
		"\x00\x00\x00\x1cftypheic0000":          "got a HEIC image",
		"version https://git-lfs.github.com/sp": "got a Git LFS pointer",
		"BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00" + // 16 bits per pixel
			"\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x10\x00\x00\x00\x00\x00": "BMP",
	} {
		if _, err := ReadHeader([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", content, err, want)
		}
	}
}

func TestSmallFilesDoNotTakeTheMemoryOfLargePictures(t *testing.T) {
	b, err := os.ReadFile("testdata/pictures/rgb-8.png")
	if err != nil {
		t.Fatal(err)
	}
	copy(b[16:], "\x00\x00\x40\x00\x00\x00\x40\x00") // 16384 x 16384
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = Decode(context.Background(), b)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "bytes for 16384 x 16384 pixels: the file is cut off") {
		t.Errorf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("took %d bytes", took)
	}
}

func TestDecodingEndsWithItsContext(t *testing.T) {
	b, err := os.ReadFile("testdata/pictures/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	<-ctx.Done()
	if _, err := Decode(ctx, b); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func FuzzDecode(f *testing.F) {
	entries, err := os.ReadDir("testdata/pictures")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join("testdata/pictures", e.Name()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHeader(b)
		if err != nil || h.H*h.W > 1<<20 {
			return
		}
		p, err := Decode(context.Background(), b)
		if err == nil && (p.H != h.H || p.W != h.W || p.C != h.C || len(p.Pix) != h.H*h.W*h.C) {
			t.Errorf("the header says %+v, the picture is %+v with %d values", h, p.Header, len(p.Pix))
		}
	})
}
