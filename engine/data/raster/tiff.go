package raster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/tiff"
)

// Tags of TIFF 6.0 and of EXIF, which uses the same directories.
const (
	tagBitsPerSample  = 258
	tagCompression    = 259
	tagPhotometric    = 262
	tagFillOrder      = 266
	tagOrientation    = 274
	tagSamples        = 277
	tagPlanar         = 284
	tagPredictor      = 317
	tagSampleFormat   = 339
	compressionCCITT3 = 3
	compressionCCITT4 = 4
)

// directory is the values of a TIFF image's first directory that are numbers of 8, 16 or 32 bits, the first of each entry.
type directory struct {
	values map[uint16]uint32
	more   bool // directories
}

func (d directory) value(tag uint16, standard uint32) uint32 {
	if v, ok := d.values[tag]; ok {
		return v
	}
	return standard
}

// readDirectory reads the first directory: TIFF 6.0, section 2.
func readDirectory(b []byte) (directory, error) {
	cut := errors.New("cut off in the directory")
	d := directory{values: map[uint16]uint32{}}
	if len(b) < 8 {
		return d, cut
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return d, cut
	}
	n := int64(order.Uint16(b[at:]))
	if at+2+12*n > int64(len(b)) {
		return d, cut
	}
	for i := range n {
		entry := b[at+2+12*i:][:12]
		count, value := int64(order.Uint32(entry[4:])), entry[8:]
		size := map[uint16]int64{1: 1, 3: 2, 4: 4}[order.Uint16(entry[2:])]
		if size == 0 || count == 0 {
			continue
		}
		if size*count > 4 {
			far := int64(order.Uint32(value))
			if far+size > int64(len(b)) {
				return d, cut
			}
			value = b[far:]
		}
		tag := order.Uint16(entry)
		switch size {
		case 1:
			d.values[tag] = uint32(value[0])
		case 2:
			d.values[tag] = uint32(order.Uint16(value))
		case 4:
			d.values[tag] = order.Uint32(value)
		}
	}
	if end := at + 2 + 12*n; end+4 <= int64(len(b)) {
		d.more = order.Uint32(b[end:]) != 0
	}
	return d, nil
}

// tiffHeader rejects what the decoder, which ignores these tags, would read wrongly.
func tiffHeader(b []byte) (Header, error) {
	d, err := readDirectory(b)
	if err != nil {
		return Header{}, err
	}
	for _, rule := range []struct {
		wrong bool
		what  string
		got   uint32
	}{
		{d.value(tagSampleFormat, 1) != 1, "the sample format", d.value(tagSampleFormat, 1)},
		{d.value(tagPlanar, 1) != 1 && d.value(tagSamples, 1) > 1, "the planar configuration", d.value(tagPlanar, 1)},
		{d.value(tagOrientation, 1) > 1, "the orientation", d.value(tagOrientation, 1)},
		{d.value(tagFillOrder, 1) != 1 && !d.ccitt(), "the fill order", d.value(tagFillOrder, 1)},
		{d.value(tagPredictor, 1) > 1 && (d.value(tagPredictor, 1) != 2 || d.value(tagBitsPerSample, 1) < 8), "the predictor",
			d.value(tagPredictor, 1)},
	} {
		if rule.wrong {
			return Header{}, fmt.Errorf("got %s %d, which is not supported", rule.what, rule.got)
		}
	}
	config, err := tiff.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return Header{}, err
	}
	h := Header{H: config.Height, W: config.Width, C: 3}
	if config.ColorModel == color.GrayModel || config.ColorModel == color.Gray16Model {
		h.C = 1
	}
	if d.more {
		h.Traits |= MoreFrames
	}
	return h, nil
}

func tiffDecode(r contextReader, b []byte, _ Header) (image.Image, error) {
	d, err := readDirectory(b)
	if err != nil {
		return nil, err
	}
	img, err := tiff.Decode(r.of(b))
	if grey, ok := img.(*image.Gray); ok && d.ccitt() && d.value(tagPhotometric, 0) == 1 {
		// A white run of a fax is a run of zeros, whichever colour zero is (TIFF 6.0, section 10); the decoder makes it white.
		for i := range grey.Pix {
			grey.Pix[i] ^= 255
		}
	}
	return img, err
}

func (d directory) ccitt() bool {
	c := d.value(tagCompression, 1)
	return c == compressionCCITT3 || c == compressionCCITT4
}
