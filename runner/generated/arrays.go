package generated

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/internal/npy"
)

// writeArray writes an array of float32, the numbers of the generator: [n h w c], or [n 2] for points. Labels go into an array
// beside it.
func writeArray(ctx context.Context, path string, s Set) error {
	write := file(func(ctx context.Context, w io.Writer, s Set) error {
		shape := []int{s.N, s.H, s.W, s.C}
		if s.Points() {
			shape = []int{s.N, s.C}
		}
		if _, err := w.Write(npy.Header(npy.Float32, shape...)); err != nil {
			return err
		}
		var b []byte
		return s.each(ctx, func(_ int, x []float32) error {
			b = b[:0]
			for _, v := range x {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
			_, err := w.Write(b)
			return err
		})
	})
	if s.Classes == 0 {
		return write(ctx, path, s)
	}
	labels := labelsBeside(path)
	err := file(func(_ context.Context, w io.Writer, s Set) error {
		b := npy.Header(npy.Int64, s.N)
		for i := range s.N {
			b = binary.LittleEndian.AppendUint64(b, uint64(s.Label(i)))
		}
		_, err := w.Write(b)
		return err
	})(ctx, labels, s)
	if err != nil {
		return err
	}
	if err := write(ctx, path, s); err != nil { // last, so that the array never lacks its labels
		os.Remove(labels)
		return err
	}
	return nil
}

// labelsBeside is the path of the labels of an array: samples-labels.npy for samples.npy.
func labelsBeside(path string) string {
	const extension = ".npy"
	return path[:len(path)-len(extension)] + "-labels" + path[len(path)-len(extension):]
}

// writeCSV writes points as lines of x and y, in the shortest text of each float32, with a label if there are labels.
func writeCSV(ctx context.Context, w io.Writer, s Set) error {
	head := "x,y"
	if s.Classes > 0 {
		head += ",label"
	}
	if _, err := fmt.Fprintln(w, head); err != nil {
		return err
	}
	return s.each(ctx, func(i int, x []float32) error {
		var fields []string
		for _, v := range x {
			fields = append(fields, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		if s.Classes > 0 {
			fields = append(fields, strconv.Itoa(s.Label(i)))
		}
		_, err := fmt.Fprintln(w, strings.Join(fields, ","))
		return err
	})
}
