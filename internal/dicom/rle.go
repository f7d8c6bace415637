package dicom

import (
	"encoding/binary"
	"fmt"
)

// UnpackRLE unpacks a frame of run lengths (PS3.5, annex G) to numbers of some bytes each, in little-endian order: its segments are the
// first, most significant, byte of all numbers, then the second, and so on.
func UnpackRLE(frame []byte, numbers, bytesEach int) ([]byte, error) {
	const head = 64
	if len(frame) < head {
		return nil, fmt.Errorf("run lengths: %w: got %d bytes, want a header of %d", ErrCut, len(frame), head)
	}
	if n := binary.LittleEndian.Uint32(frame); n != uint32(bytesEach) {
		return nil, fmt.Errorf("run lengths: got %d segments, want %d for grey numbers of %d bytes", n, bytesEach, bytesEach)
	}
	// Two bytes unpack to 128 at most.
	if want := numbers * bytesEach; want > 64*len(frame) {
		return nil, fmt.Errorf("run lengths: %w: got %d bytes for %d", ErrCut, len(frame), want)
	}
	out := make([]byte, numbers*bytesEach)
	for k := range bytesEach {
		from, to := binary.LittleEndian.Uint32(frame[4+4*k:]), uint32(len(frame))
		if k+1 < bytesEach {
			to = binary.LittleEndian.Uint32(frame[8+4*k:])
		}
		if from < head || from > to || to > uint32(len(frame)) {
			return nil, fmt.Errorf("run lengths: got segment %d in bytes %d to %d of %d", k, from, to, len(frame))
		}
		if err := unpackBits(out[bytesEach-1-k:], bytesEach, numbers, frame[from:to]); err != nil {
			return nil, fmt.Errorf("run lengths: segment %d: %w", k, err)
		}
	}
	return out, nil
}

// unpackBits writes n bytes to every step-th of dst. What follows them in src is padding.
func unpackBits(dst []byte, step, n int, src []byte) error {
	for i := 0; i < n; {
		if len(src) < 2 {
			return fmt.Errorf("%w: got %d of %d bytes", ErrCut, i, n)
		}
		count := int(int8(src[0]))
		run := count < 0
		switch {
		case count == -128: // nothing
			src = src[1:]
			continue
		case run:
			count = 1 - count
		default:
			count++
		}
		if !run && len(src) < 1+count {
			return fmt.Errorf("%w: got %d of %d bytes", ErrCut, i, n)
		}
		for k := range min(count, n-i) {
			at := 1
			if !run {
				at += k
			}
			dst[(i+k)*step] = src[at]
		}
		if run {
			src = src[2:]
		} else {
			src = src[1+count:]
		}
		i += count
	}
	return nil
}
