package generated

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/starsweep/starsweep/internal/safetensors"
)

// writeTensors writes a file of tensors: "images" [n h w c], or "points" [n 2], and what the generator made them of, each under its own
// name. Whoever has the weights can make the same samples.
func writeTensors(ctx context.Context, w io.Writer, s Set) error {
	tensors := []safetensors.Tensor{{Name: "images", DType: safetensors.F32, Shape: []int{s.N, s.H, s.W, s.C}}}
	if s.Points() {
		tensors[0] = safetensors.Tensor{Name: "points", DType: safetensors.F32, Shape: []int{s.N, s.C}}
	}
	for _, g := range s.Given {
		t := safetensors.Tensor{Name: g.Name, DType: safetensors.F32, Shape: append([]int{s.N}, g.Shape...)}
		if g.Integer {
			t.DType = safetensors.I64
		}
		tensors = append(tensors, t)
	}
	out := bufio.NewWriter(w)
	if err := safetensors.WriteHeader(out, tensors, map[string]string{"source": s.Source}); err != nil {
		return err
	}
	var b []byte
	err := s.each(ctx, func(_ int, x []float32) error {
		b = b[:0]
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		_, err := out.Write(b)
		return err
	})
	for i := 0; i < len(s.Given) && err == nil; i++ {
		err = s.writeGiven(ctx, out, i)
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// writeGiven writes one of the tensors that the samples are made of.
func (s Set) writeGiven(ctx context.Context, w io.Writer, i int) error {
	for from, step := 0, s.step(); from < s.N; from += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		given, err := s.Inputs(from, min(s.N, from+step))
		if err != nil {
			return undrawn{err}
		}
		if len(given) != len(s.Given) {
			return undrawn{fmt.Errorf("got %d tensors that samples are made of, want %d", len(given), len(s.Given))}
		}
		var b []byte
		for _, v := range given[i] {
			if s.Given[i].Integer {
				b = binary.LittleEndian.AppendUint64(b, uint64(int64(v)))
			} else {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
			}
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
