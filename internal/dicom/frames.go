package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Frames returns the compressed frames of the pixels of a file: the fragments of each, joined (PS3.5, A.4).
func (s Set) Frames(n int) ([][]byte, error) {
	fragments := s.elements[PixelData].Fragments
	if len(fragments) < 2 {
		return nil, fmt.Errorf("%w: got no fragments of pixels", ErrCut)
	}
	table, fragments := fragments[0], fragments[1:]
	switch {
	case n == 1:
		return [][]byte{bytes.Join(fragments, nil)}, nil
	case len(fragments) == n:
		return fragments, nil
	}
	starts, err := s.frameStarts(table, n)
	if err != nil {
		return nil, err
	}
	frames, at, next := make([][]byte, n), uint64(0), 0
	for _, fragment := range fragments {
		if next < n && starts[next] == at {
			next++
		}
		if next == 0 {
			return nil, fmt.Errorf("got a fragment before the first of %d frames", n)
		}
		frames[next-1] = append(frames[next-1], fragment...)
		at += 8 + uint64(len(fragment))
	}
	if next < n {
		return nil, fmt.Errorf("got the beginning of %d frames, want %d", next, n)
	}
	return frames, nil
}

// frameStarts are the places of the first fragment of each frame, from the first fragment, by one of the tables of offsets.
func (s Set) frameStarts(basic []byte, n int) ([]uint64, error) {
	starts := make([]uint64, 0, n)
	if extended := s.elements[ExtendedOffsetTable].Value; len(extended) == 8*n {
		for i := range n {
			starts = append(starts, binary.LittleEndian.Uint64(extended[8*i:]))
		}
		return starts, nil
	}
	if len(basic) != 4*n {
		return nil, fmt.Errorf("got a table of %d bytes, and another number of fragments than frames, of which there are %d", len(basic), n)
	}
	for i := range n {
		starts = append(starts, uint64(binary.LittleEndian.Uint32(basic[4*i:])))
	}
	return starts, nil
}
