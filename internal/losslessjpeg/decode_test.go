package losslessjpeg_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/losslessjpeg"
)

// Pictures of other programs are those of engine/data, whose tests compare every predictor with DCMTK, GDCM and pydicom.

// segment is a marker with a content.
func segment(mark byte, content ...byte) []byte {
	n := len(content) + 2
	return append([]byte{0xff, mark, byte(n >> 8), byte(n)}, content...)
}

// parts of a picture of 2 x 2 samples of 8 bits. The codes are 0 for no difference, 10 for one of a bit, which
// follows, and 110 for one of 16.
var parts = map[string][]byte{
	"start":    {0xff, 0xd8},
	"comment":  segment(0xfe, []byte("made by hand")...),
	"frame":    segment(0xc3, 8, 0, 2, 0, 2, 1, 1, 0x11, 0),
	"table":    segment(0xc4, append([]byte{0, 1, 1, 1}, append(make([]byte, 13), 0, 1, 16)...)...),
	"restarts": segment(0xdd, 0, 2),
	"scan":     segment(0xda, 1, 1, 0, 1, 0, 0),
	"end":      {0xff, 0xd9},
}

func picture(names ...string) []byte {
	var b []byte
	for _, name := range names {
		if part, ok := parts[name]; ok {
			b = append(b, part...)
		} else {
			b = append(b, name...) // bytes
		}
	}
	return b
}

func TestDifferencesAreAddedToPredictions(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want []uint16
	}{
		// 128 + 1; the left + 1; the one above - 1; the left + 0
		"differences": {picture("start", "comment", "frame", "table", "scan", "\xb6\x3f", "end"), []uint16{129, 130, 128, 128}},
		// as the first of the scan, once more: 128 + 1, + 1; 128 - 1, + 0
		"restarts": {picture("start", "table", "frame", "restarts", "scan", "\xb7", "\xff\xff\xd0", "\x8f", "end"), []uint16{129, 130, 127, 127}},
		// 128 + 2^15, modulo 2^16
		"16 bits": {picture("start", "frame", "table", "scan", "\xc3", "end"), []uint16{128 + 1<<15, 128 + 1<<15, 128 + 1<<15, 128 + 1<<15}},
	} {
		p, err := losslessjpeg.Decode(c.file)
		if err != nil || !slices.Equal(p.Samples, c.want) || p.Height != 2 || p.Width != 2 || p.Bits != 8 {
			t.Errorf("%s: got %v, %v, want %v", name, p, err, c.want)
		}
	}
}

func TestDamagedPicturesAreErrors(t *testing.T) {
	change := func(part string, at int, to byte) []byte {
		b := slices.Clone(parts[part])
		b[at] = to
		return bytes.Replace(picture("start", "frame", "table", "scan", "\xb6\x3f", "end"), parts[part], b, 1)
	}
	colour := string(segment(0xc3, 8, 0, 2, 0, 2, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0))
	full := string(segment(0xc4, append([]byte{0, 3}, make([]byte, 18)...)...)) // three codes of one bit
	restarts := string(picture("start", "frame", "table", "restarts", "scan"))
	odd := string(segment(0xdd, 0, 3))
	for want, file := range map[string][]byte{
		"got no marker at byte 0 of 0":               nil,
		"got marker 0xc3, want the start":            picture("frame"),
		"got no marker at byte 2 of 2":               picture("start"),
		"the file is cut: got a segment of 11 bytes": picture("start", "frame")[:10],
		"got no pixels":                              picture("start", "end"),
		"not lossless JPEG: got the frame 0xc0":      change("frame", 1, 0xc0),
		"got 3 components":                           picture("start", colour),
		"got 0 x 2 samples":                          change("frame", 6, 0),
		"samples of 17 bits":                         change("frame", 4, 17),
		"got a table of another class":               change("table", 4, 0x10),
		"got no table 1":                             change("scan", 6, 0x10),
		"got predictor 8, want 1 to 7":               change("scan", 7, 8),
		"without their last 8":                       change("scan", 9, 8),
		"got differences of 17 bits":                 change("table", 23, 17),
		"got more codes than there is room for":      picture("start", "frame", full, "scan", "\x00"),
		"row 0 of 2: the file is cut":                picture("start", "frame", "table", "scan", "\xe0"),
		"got 0 bytes for 4 samples":                  picture("start", "frame", "table", "scan"),
		"row 0 of 2: got no code":                    picture("start", "frame", "table", "scan", "\xf0\x00\x00\x00"),
		"got no restart 1":                           picture(restarts, "\x3f", "\xff\xd1", "\x3f", "end"),
		"got samples before a restart":               picture(restarts, "\x3f\x3f", "\xff\xd0", "\x3f", "end"),
		"restarts after 3 samples in rows of 2":      picture("start", "frame", "table", odd, "scan", "\x00\x00"),
	} {
		if _, err := losslessjpeg.Decode(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := losslessjpeg.Decode(change("frame", 1, 0xc0)); !errors.Is(err, losslessjpeg.ErrOther) {
		t.Errorf("got %v, want ErrOther in its chain", err)
	}
}

// FuzzDecode: any bytes are a picture or an error, in memory in proportion to their size.
func FuzzDecode(f *testing.F) {
	f.Add(picture("start", "comment", "frame", "table", "scan", "\xb6\x3f", "end"))
	f.Add(picture("start", "table", "frame", "restarts", "scan", "\xb7", "\xff\xff\xd0", "\x8f", "end"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := losslessjpeg.Decode(b)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+20*uint64(len(b)) {
			t.Errorf("%d bytes took %d kB", len(b), took>>10)
		}
		if err == nil && len(p.Samples) != p.Height*p.Width {
			t.Errorf("got %d samples of %d x %d", len(p.Samples), p.Height, p.Width)
		}
	})
}
