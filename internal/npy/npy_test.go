package npy_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/npy"
)

// file is what numpy.save writes: the header is padded to a multiple of 64 bytes.
func file(version byte, header string, values any) []byte {
	var b bytes.Buffer
	b.WriteString("\x93NUMPY")
	b.Write([]byte{version, 0})
	before := b.Len() + 2
	if version > 1 {
		before += 2
	}
	header += strings.Repeat(" ", 63-(before+len(header))%64) + "\n"
	if version > 1 {
		binary.Write(&b, binary.LittleEndian, uint32(len(header)))
	} else {
		binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	}
	b.WriteString(header)
	if err := binary.Write(&b, binary.LittleEndian, values); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func header(descr, order, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", descr, order, shape)
}

func TestMatricesOfBothPrecisionsAreRead(t *testing.T) {
	want := []float32{1, 2.5, -3, 0, float32(math.Inf(1)), 1e-30}
	wide := make([]float64, len(want))
	for i, v := range want {
		wide[i] = float64(v)
	}
	for name, b := range map[string][]byte{
		"float32":   file(1, header("<f4", "False", "2, 3"), want),
		"float64":   file(1, header("<f8", "False", "2, 3"), wide),
		"version 2": file(2, header("<f4", "False", "2, 3"), want),
		"version 3": file(3, header("<f4", "False", "2, 3"), want),
		"order":     file(1, "{'shape':(2,3),'fortran_order':False,'descr':'<f4'}", want),
	} {
		rows, columns, x, err := npy.Matrix(bytes.NewReader(b), int64(len(b)))
		if err != nil || rows != 2 || columns != 3 || !slices.Equal(x, want) {
			t.Errorf("%s: got %d x %d %v, %v, want 2 x 3 %v", name, rows, columns, x, err, want)
		}
	}
}

func TestValuesMayBeMoreThanTheBufferHolds(t *testing.T) {
	want := make([]float32, 3*20_001)
	for i := range want {
		want[i] = float32(i)
	}
	b := file(1, header("<f4", "False", "3, 20001"), want)
	_, columns, x, err := npy.Matrix(bytes.NewReader(b), int64(len(b)))
	if err != nil || columns != 20_001 || !slices.Equal(x, want) {
		t.Errorf("got %d columns, %d values, %v", columns, len(x), err)
	}
}

func TestOtherFilesAreRefusedWithAReason(t *testing.T) {
	values := []float32{1, 2, 3, 4, 5, 6}
	whole := file(1, header("<f4", "False", "2, 3"), values)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":       {nil, "not a .npy file"},
		"a zip":       {[]byte("PK\x03\x04 and so on"), "not a .npy file"},
		"version":     {file(4, header("<f4", "False", "2, 3"), values), "version 4, want 1 to 3"},
		"integers":    {file(1, header("<i8", "False", "2, 3"), values), "type '<i8', want float32 or float64"},
		"big-endian":  {file(1, header(">f4", "False", "2, 3"), values), "type '>f4'"},
		"records":     {file(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}", values), "type [('a', '<f4')]"},
		"columns":     {file(1, header("<f4", "True", "2, 3"), values), "numpy.ascontiguousarray"},
		"a vector":    {file(1, header("<f4", "False", "6,"), values), "want 2 dimensions"},
		"a scalar":    {file(1, header("<f4", "False", ""), values[:1]), "got shape ()"},
		"images":      {file(1, header("<f4", "False", "1, 2, 3"), values), "want 2 dimensions"},
		"no samples":  {file(1, header("<f4", "False", "0, 3"), values[:0]), "at least one sample"},
		"huge":        {file(1, header("<f4", "False", "9000000000, 9000000000"), values), "values or fewer"},
		"overflow":    {file(1, header("<f4", "False", "99999999999999999999, 1"), values), "want two integers"},
		"cut":         {whole[:len(whole)-1], "got 5 of 6 values: unexpected EOF"},
		"cut header":  {whole[:40], "header: unexpected EOF"},
		"more":        {append(slices.Clone(whole), 0), "more than the 6 values"},
		"no shape":    {file(1, "{'descr': '<f4', 'fortran_order': False}", values), "want descr, fortran_order and shape"},
		"long header": {[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "header: got 4294967295 bytes"},
	} {
		if _, _, _, err := npy.Matrix(bytes.NewReader(c.file), int64(len(c.file))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q in it", name, err, c.want)
		}
	}
}

func FuzzMatrix(f *testing.F) {
	f.Add(file(1, header("<f8", "False", "1, 2"), []float64{1, 2}))
	f.Add(file(2, header("<f4", "False", "3, 2"), []float32{1, 2, 3, 4, 5, 6}))
	f.Add(file(1, header("<f4", "False", "100000, 100000"), []float32{1}))
	f.Add(file(1, header("<f4", "False", "1, 10000000000"), []float32{1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rows, columns, x, err := npy.Matrix(bytes.NewReader(b), int64(len(b)))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20+64*uint64(len(b)) {
			t.Errorf("%d bytes took %d MB: %v", len(b), took>>20, err)
		}
		if err == nil && rows*columns != len(x) {
			t.Errorf("got %d values of %d x %d", len(x), rows, columns)
		}
	})
}
