package raster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/bmp"
)

func bmpHeader(b []byte) (Header, error) {
	config, err := bmp.DecodeConfig(bytes.NewReader(b))
	if errors.Is(err, bmp.ErrUnsupported) && len(b) >= 34 {
		return Header{}, fmt.Errorf("got %d bits per pixel, compression %d, a header of %d bytes: want an uncompressed BMP "+
			"of 1, 2, 4, 8, 24 or 32 bits, saved by Windows 3 or later",
			binary.LittleEndian.Uint16(b[28:]), binary.LittleEndian.Uint32(b[30:]), binary.LittleEndian.Uint32(b[14:]))
	}
	return Header{H: config.Height, W: config.Width, C: 3}, err
}

func bmpDecode(r contextReader, _ []byte, _ Header) (image.Image, error) { return bmp.Decode(r) }
