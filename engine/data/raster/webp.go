package raster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// webpFile is the first frame of a WebP file: https://developers.google.com/speed/webp/docs/riff_container.
type webpFile struct {
	Header
	lossless bool
	data     []byte // of the chunk "VP8L" or "VP8 ", without its header
}

// readWebP finds the first frame. The alpha plane of a lossy frame is a separate chunk, which is not read.
func readWebP(b []byte) (f webpFile, err error) {
	f.C = 3
	cut := errors.New("WebP: the file is cut off")
	canvas := false
	for at := 12; at+8 <= len(b); {
		name, size := string(b[at:at+4]), int(binary.LittleEndian.Uint32(b[at+4:]))
		data := b[at+8:]
		if size > len(data) {
			return f, cut
		}
		data = data[:size]
		at += 8 + size + size&1
		switch name {
		case "VP8X":
			if size < 10 {
				return f, cut
			}
			canvas = true
			f.W, f.H = 1+uint24(data[4:]), 1+uint24(data[7:])
			if data[0]&0x10 != 0 {
				f.Traits |= Transparent
			}
		case "ANMF":
			if f.data != nil {
				f.Traits |= MoreFrames
				return f, nil
			}
			if size < 16 {
				return f, cut
			}
			frame, err := readWebP(append(make([]byte, 12, 12+size), data[16:]...))
			if err != nil {
				return f, err
			}
			if frame.H != f.H || frame.W != f.W {
				return f, fmt.Errorf("got a first frame of %d x %d pixels in a WebP image of %d x %d", frame.H, frame.W, f.H, f.W)
			}
			frame.Traits |= f.Traits
			f = frame
		case "VP8 ", "VP8L":
			f.lossless, f.data = name == "VP8L", data
			h, w, err := f.size()
			if err == nil && canvas && (h != f.H || w != f.W) {
				err = fmt.Errorf("got a frame of %d x %d pixels in a WebP image of %d x %d", h, w, f.H, f.W)
			}
			f.H, f.W = h, w
			return f, err
		}
	}
	if f.data == nil {
		return f, errors.New("WebP: got no frame")
	}
	return f, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// size is the size that the frame itself states.
func (f webpFile) size() (h, w int, err error) {
	if f.lossless {
		config, err := vp8l.DecodeConfig(bytes.NewReader(f.data))
		return config.Height, config.Width, err
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(f.data), len(f.data))
	header, err := d.DecodeFrameHeader()
	return header.Height, header.Width, err
}

func webpHeader(b []byte) (Header, error) {
	f, err := readWebP(b)
	return f.Header, err
}

// videoFrame is a picture in the limited range and with the chroma of VP8.
type videoFrame struct{ *image.YCbCr }

func webpDecode(r contextReader, b []byte, _ Header) (image.Image, error) {
	f, err := readWebP(b)
	if err != nil {
		return nil, err
	}
	if f.lossless {
		return vp8l.Decode(r.of(f.data))
	}
	d := vp8.NewDecoder()
	d.Init(r.of(f.data), len(f.data))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	img, err := d.DecodeFrame()
	if err != nil {
		return nil, err
	}
	return &videoFrame{img}, nil
}

// webpRows returns a function that writes a row of a lossy WebP image as RGB, bit for bit as libwebp does: chroma is interpolated,
// 9 : 3 : 3 : 1 to the nearest samples (its src/dsp/upsampling.c), and luma has the range 16 to 235 (src/dsp/yuv.h, which is BT.601
// in fixed point). Go's own conversion assumes the full range of JPEG, and repeats the chroma.
func webpRows(p *Picture, img *image.YCbCr) func(y int) {
	columns, rows := (p.W+1)/2, (p.H+1)/2
	// row interpolates a plane at a row of pixels, between its nearest row of samples and the next.
	row := func(plane []uint8, y int, out []uint8) {
		near := plane[y/2*img.CStride:][:columns]
		far := plane[min(max(y/2-1+y%2*2, 0), rows-1)*img.CStride:][:columns]
		for x := range out {
			j := x / 2
			side := min(max(j-1+x%2*2, 0), columns-1)
			a, b, c, d := int(near[j]), int(near[side]), int(far[j]), int(far[side])
			if side == j { // at the left and right edge there is one column
				out[x] = uint8((3*a + c + 2) >> 2)
				continue
			}
			diagonal := (a + 3*b + 3*c + d + 8) >> 3
			out[x] = uint8((diagonal + a) >> 1)
		}
	}
	u, v := make([]uint8, p.W), make([]uint8, p.W)
	return func(y int) {
		row(img.Cb, y, u)
		row(img.Cr, y, v)
		for x := range p.W {
			light := int(img.Y[y*img.YStride+x]) * 19077 >> 8
			cb, cr := int(u[x]), int(v[x])
			out := p.Pix[3*(y*p.W+x):][:3]
			out[0] = clip6(light + cr*26149>>8 - 14234)
			out[1] = clip6(light - cb*6419>>8 - cr*13320>>8 + 8708)
			out[2] = clip6(light + cb*33050>>8 - 17685)
		}
	}
}

// clip6 is a number with six fractional bits as a byte.
func clip6(x int) uint8 { return uint8(min(max(x>>6, 0), 255)) }
