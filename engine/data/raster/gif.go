package raster

import (
	"bytes"
	"image"
	"image/gif"
)

func gifHeader(b []byte) (Header, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return Header{}, err
	}
	h := Header{H: config.Height, W: config.Width, C: 3}
	w := walkGIF(b)
	if w.frames > 1 {
		h.Traits |= MoreFrames
	}
	if len(w.controls) > 0 {
		h.Traits |= Transparent
	}
	return h, nil
}

// gifDecode reads the first frame. It clears the flags that make a palette entry transparent, since the decoder would make that
// entry black.
func gifDecode(r contextReader, b []byte, _ Header) (image.Image, error) {
	opaque := bytes.Clone(b)
	for _, at := range walkGIF(b).controls {
		opaque[at] &^= 1
	}
	return gif.Decode(r.of(opaque))
}

// gifWalk is what the blocks of a GIF file contain.
type gifWalk struct {
	frames   int   // up to 2: more need not be counted
	controls []int // places of flags, in graphic controls of the first frame, that make an entry transparent
}

// walkGIF walks the blocks that are complete: GIF89a specification, sections 18 to 26.
func walkGIF(b []byte) (w gifWalk) {
	const header = 13
	table := func(flags byte) int { // bytes of a colour table
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (1 + flags&7)
	}
	if len(b) < header {
		return w
	}
	at := header + table(b[10])
	skip := func() { // sub-blocks
		for at < len(b) && b[at] != 0 {
			at += 1 + int(b[at])
		}
		at++
	}
	for at+1 < len(b) && w.frames < 2 {
		switch b[at] {
		case 0x21: // an extension
			if b[at+1] == 0xf9 && at+3 < len(b) && b[at+2] == 4 && b[at+3]&1 != 0 && w.frames == 0 {
				w.controls = append(w.controls, at+3)
			}
			at += 2
			skip()
		case 0x2c: // an image
			w.frames++
			if at+9 >= len(b) {
				return w
			}
			at += 10 + table(b[at+9]) + 1
			skip()
		default:
			return w
		}
	}
	return w
}
