package raster

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
)

func pngHeader(b []byte) (Header, error) {
	config, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return Header{}, err
	}
	h := Header{H: config.Height, W: config.Width, C: 3}
	if kind := b[25]; kind == 0 || kind == 4 { // the colour type of IHDR: grey, grey with alpha; the decoder has read that far
		h.C = 1
	}
	eachChunk(b, func(name string, _, end int) {
		switch name {
		case "tRNS":
			h.Traits |= Transparent
		case "acTL": // frames, plays
			if data := b[end-12 : end]; binary.BigEndian.Uint32(data) > 1 {
				h.Traits |= MoreFrames
			}
		}
	})
	return h, nil
}

// pngDecode reads the colours below transparent levels, colours or palette entries: it leaves out the chunk tRNS, for which the decoder
// would change the kind of the image.
func pngDecode(r contextReader, b []byte, h Header) (image.Image, error) {
	if h.Traits&Transparent == 0 {
		return png.Decode(r)
	}
	opaque := make([]byte, 0, len(b))
	from := 0
	eachChunk(b, func(name string, start, end int) {
		if name == "tRNS" {
			opaque = append(opaque, b[from:start]...)
			from = end
		}
	})
	opaque = append(opaque, b[from:]...)
	return png.Decode(r.of(opaque))
}

// eachChunk calls use with every whole chunk of a PNG file up to the end of the pixels: b[start:end] with length, name and checksum.
func eachChunk(b []byte, use func(name string, start, end int)) {
	for start := 8; start+12 <= len(b); {
		size := int(binary.BigEndian.Uint32(b[start:]))
		end := start + 12 + size
		if end > len(b) {
			return
		}
		name := string(b[start+4 : start+8])
		if name == "IEND" {
			return
		}
		use(name, start, end)
		start = end
	}
}
