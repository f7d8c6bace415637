// Package raster decodes pictures (PNG, JPEG, GIF, BMP, TIFF, WebP) to grey or RGB bytes, with the pixels that Pillow reads, or rejects
// them with a reason. The decoders are those of Go and of golang.org/x/image; this package chooses between them, rejects what they
// would read wrongly, and adds what they lack: chroma upsampling, transparency, the first of several frames. engine/data passes it
// files, members of archives and Parquet values; it opens no files itself.
package raster

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
)

// Header is what is known of a picture before its pixels are decoded.
type Header struct {
	H, W, C int // pixels; C is 1 (grey, with or without transparency) or 3
	Traits  Traits
}

// Traits are properties of a picture that its pixels do not show.
type Traits uint8

const (
	MoreFrames  Traits = 1 << iota // frames or pages after the first, which are not read
	Rotated                        // an EXIF orientation other than upright, which is not applied
	Transparent                    // pixels that are not opaque: their transparency is dropped, their colour is kept
)

// Picture is a decoded picture.
type Picture struct {
	Header
	Pix []uint8 // [h w c]
}

// codec is one format.
type codec struct {
	name   string
	magic  string // the first bytes; '?' matches any
	header func([]byte) (Header, error)
	decode func(contextReader, []byte, Header) (image.Image, error)
}

var codecs = []codec{
	{"PNG", "\x89PNG\r\n\x1a\n", pngHeader, pngDecode},
	{"JPEG", "\xff\xd8", jpegHeader, jpegDecode},
	{"GIF", "GIF8?a", gifHeader, gifDecode},
	{"BMP", "BM????\x00\x00\x00\x00", bmpHeader, bmpDecode},
	{"TIFF", "II*\x00", tiffHeader, tiffDecode},
	{"TIFF", "MM\x00*", tiffHeader, tiffDecode},
	{"WebP", "RIFF????WEBP", webpHeader, webpDecode},
}

// Formats names what Decode reads, for messages.
const Formats = "PNG, JPEG, GIF, BMP, TIFF or WebP"

// MagicSize is the number of first bytes of a file that Known inspects.
const MagicSize = 64

// others are formats that are recognized only to be named in errors.
var others = []struct{ name, magic string }{
	{"an AVIF image", "????ftypavif"},
	{"an AVIF image", "????ftypavis"},
	{"a HEIC image", "????ftyphei"},
	{"a HEIC image", "????ftyphev"},
	{"a HEIF image", "????ftypmif1"},
	{"a HEIF image", "????ftypmsf1"},
	{"a JPEG XL image", "\xff\x0a"},
	{"a JPEG XL image", "\x00\x00\x00\x0cJXL \r\n"},
	{"a JPEG 2000 image", "\x00\x00\x00\x0cjP  \r\n"},
	{"a JPEG 2000 image", "\xff\x4f\xff\x51"},
	{"a Photoshop image", "8BPS"},
	{"a BigTIFF image", "II+\x00"},
	{"a BigTIFF image", "MM\x00+"},
	{"an icon", "\x00\x00\x01\x00"},
	{"a DirectDraw surface", "DDS "},
	{"an OpenEXR image", "v/1\x01"},
	{"a PDF file", "%PDF"},
	{"an SVG drawing", "<svg"},
	{"an XML file", "<?xml"},
	{"a web page", "<!DOCTYPE"},
	{"a web page", "<html"},
	{"a zip archive", "PK\x03\x04"},
	{"a gzip file", "\x1f\x8b"},
	{"a Git LFS pointer, not the file itself", "version https://git-lfs"},
}

// begins reports whether b begins with magic, in which '?' matches any byte.
func begins(b []byte, magic string) bool {
	if len(b) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != b[i] {
			return false
		}
	}
	return true
}

func find(b []byte) (codec, error) {
	for _, c := range codecs {
		if begins(b, c.magic) {
			return c, nil
		}
	}
	got := "an unknown format"
	if len(b) == 0 {
		got = "an empty file"
	}
	for _, other := range others {
		if begins(b, other.magic) {
			got = other.name
			break
		}
	}
	return codec{}, fmt.Errorf("got %s, want %s", got, Formats)
}

// Known reports, by its first bytes, whether a file is a picture that Decode may read.
func Known(b []byte) bool {
	_, err := find(b)
	return err == nil
}

// extensions are the endings of the names of pictures.
var extensions = []string{".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp"}

// Extension reports whether the names of pictures that Decode reads have this ending, in lower or upper case.
func Extension(ext string) bool { return slices.Contains(extensions, strings.ToLower(ext)) }

// ReadHeader reads what precedes the pixels of an encoded picture.
func ReadHeader(b []byte) (h Header, err error) {
	defer rescue(&err)
	c, err := find(b)
	if err != nil {
		return Header{}, err
	}
	if h, err = c.header(b); err != nil {
		return Header{}, named(c, err)
	}
	if h.H < 1 || h.W < 1 || h.H > spec.MaxDataSize || h.W > spec.MaxDataSize {
		return Header{}, fmt.Errorf("got %d x %d pixels, want 1 to %d per side", h.H, h.W, spec.MaxDataSize)
	}
	return h, nil
}

// maxPixelsPerByte is more than PNG (1 bit a pixel, deflated 1032 times at best), GIF and JPEG can hold. A file with fewer bytes is cut
// off, and the decoders would allocate memory for the whole picture before they notice.
const maxPixelsPerByte = 8 * 1032

// Decode reads an encoded picture: of several frames the first; transparency is dropped, and of 16-bit samples the low byte.
func Decode(ctx context.Context, b []byte) (p Picture, err error) {
	defer rescue(&err)
	h, err := ReadHeader(b) // it bounds the memory of the pixels
	if err != nil {
		return Picture{}, err
	}
	c, _ := find(b)
	if dense := c.name != "WebP" && c.name != "TIFF"; dense && h.H*h.W > maxPixelsPerByte*len(b) {
		return Picture{}, fmt.Errorf("got %d bytes for %d x %d pixels: the file is cut off", len(b), h.H, h.W)
	}
	img, err := c.decode(contextReader{ctx, bytes.NewReader(b)}, b, h)
	if ctx.Err() != nil {
		return Picture{}, context.Cause(ctx)
	}
	if err != nil {
		return Picture{}, named(c, err)
	}
	if r := img.Bounds(); r.Dy() != h.H || r.Dx() != h.W {
		return Picture{}, fmt.Errorf("got a frame of %d x %d pixels in an image of %d x %d", r.Dy(), r.Dx(), h.H, h.W)
	}
	p = Picture{Header: h, Pix: make([]uint8, h.H*h.W*h.C)}
	return p, p.fill(ctx, img)
}

// named adds the format to an error, unless its text has it.
func named(c codec, err error) error {
	if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.name)) {
		return err
	}
	return fmt.Errorf("%s: %w", c.name, err)
}

// rescue turns a panic into an error: foreign decoders panic on some damaged files, and a file must not end a study.
func rescue(err *error) {
	if panicked := recover(); panicked != nil {
		*err = fmt.Errorf("damaged picture: %v", panicked)
	}
}

// contextReader is a reader that ends with its context.
type contextReader struct {
	ctx context.Context
	in  *bytes.Reader
}

// of reads b with the same context.
func (r contextReader) of(b []byte) contextReader { return contextReader{r.ctx, bytes.NewReader(b)} }

func (r contextReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.in.Read(p[:min(len(p), 1<<16)])
}
