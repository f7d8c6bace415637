package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// file builds a file by hand: a header and so many bytes of data.
func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func encode(t *testing.T, tensors []Tensor, metadata map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestTensorsOfEveryTypeComeBackAsTheyWere(t *testing.T) {
	tensors := []Tensor{
		New("w/kernel", []int{2, 3}, []float32{1, -2, 3, float32(math.Inf(1)), 5, 6}),
		New("moment", []int{2}, []float64{math.Pi, math.Copysign(0, -1)}),
		New("step", nil, []int64{math.MinInt64}),
		New("seed", []int{1}, []uint64{math.MaxUint64}),
		New("epoch", []int{1}, []int32{-7}),
		New("key", []int{2}, []uint32{1, math.MaxUint32}),
		New("pixels", []int{3}, []uint8{0, 1, 255}),
		New("mask", []int{2}, []bool{true, false}),
		New("empty", []int{0, 4}, []float32(nil)),
		New("ümlaut \"quoted\"", []int{1}, []int8{-1}),
		New("shorts", []int{2}, []int16{-1, 2}),
		New("words", []int{2}, []uint16{1, 2}),
		{"half", F16, []int{1}, []byte{0, 0x3c}},
	}
	metadata := map[string]string{"epoch": "3", "note": "a\nb"}
	got, gotMetadata, err := Read(encode(t, tensors, metadata))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(tensors) {
		t.Fatalf("got %d tensors, want %d", len(got), len(tensors))
	}
	for i, want := range tensors {
		if want.Shape == nil {
			want.Shape = []int{}
		}
		if want.Data == nil {
			want.Data = []byte{}
		}
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("got %+v, want %+v", got[i], want)
		}
	}
	if !reflect.DeepEqual(gotMetadata, metadata) {
		t.Errorf("got metadata %v, want %v", gotMetadata, metadata)
	}
	values, err := Values[float64](got[1])
	if err != nil || values[0] != math.Pi || !math.Signbit(values[1]) {
		t.Errorf("got %v, %v; want π and -0", values, err)
	}
	if _, err := Values[float32](got[1]); err == nil {
		t.Error("reading F64 as float32: got no error")
	}
}

func TestDataBeginAtAMultipleOfEightBytes(t *testing.T) {
	for n := range 9 {
		b := encode(t, []Tensor{New(strings.Repeat("x", n+1), []int{1}, []float64{1})}, nil)
		if len(b)%8 != 0 {
			t.Errorf("name of %d bytes: file of %d bytes", n+1, len(b))
		}
	}
}

func TestAFileWithoutTensorsIsValid(t *testing.T) {
	tensors, metadata, err := Read(encode(t, nil, nil))
	if err != nil || len(tensors) != 0 || len(metadata) != 0 {
		t.Errorf("got %v, %v, %v", tensors, metadata, err)
	}
}

func TestWrongTensorsAreNotWritten(t *testing.T) {
	tests := map[string]struct {
		tensors []Tensor
		want    string
	}{
		"too few bytes":   {[]Tensor{{"w", F32, []int{2}, make([]byte, 4)}}, "got 4 bytes, want 8 for F32[2]"},
		"unknown type":    {[]Tensor{{"w", "F128", []int{1}, make([]byte, 16)}}, `got dtype "F128"`},
		"negative length": {[]Tensor{{"w", U8, []int{-1}, nil}}, "no negative length"},
		"two of one name": {[]Tensor{New("w", []int{1}, []int8{1}), New("w", []int{1}, []int8{1})}, "the name is reserved or used twice"},
		"reserved name":   {[]Tensor{New("__metadata__", []int{1}, []int8{1})}, "the name is reserved or used twice"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Write(new(bytes.Buffer), test.tensors, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestMalformedFilesAreRefusedWithTheReason(t *testing.T) {
	tests := map[string]struct {
		file []byte
		want string
	}{
		"empty":           {nil, "got 0 bytes, want 8 or more"},
		"header too long": {file(`{}`, 0)[:9], "got a header of 2 bytes in a file of 9"},
		"header enormous": {binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "got a header of 18446744073709551615 bytes"},
		"no JSON":         {file(`[]`, 0), "begins with {"},
		"JSON cut":        {file(`{"w":`, 0), "EOF"},
		"JSON and more":   {file(`{}{}`, 0), "2 bytes follow the JSON"},
		"key twice": {file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
			0), "appears twice"},
		"no offsets":      {file(`{"w":{"dtype":"U8","shape":[1]}}`, 1), "data_offsets is missing"},
		"unknown field":   {file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1), "unknown field"},
		"unknown type":    {file(`{"w":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}}`, 1), `got dtype "Q4"`},
		"metadata number": {file(`{"__metadata__":{"a":1}}`, 0), "__metadata__"},
		"wrong size":      {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}`, 3), "got data_offsets [0, 3], want [0, 4]"},
		"past the end":    {file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4), "within 4 bytes"},
		"hole":            {file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "want [0, 1]"},
		"overlap": {file(`{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`,
			2), "want [2, 3]"},
		"bytes to spare":    {file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2), "got 2 bytes of data, want 1"},
		"shape overflows":   {file(`{"w":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, 0), "too large"},
		"negative length":   {file(`{"w":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}`, 0), "negative"},
		"shape not integer": {file(`{"w":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}`, 1), `key "w"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := Read(test.file)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q in it", err, test.want)
			}
		})
	}
}

// FuzzRead: no bytes make the reader panic, and what it accepts it also writes, to the same content.
func FuzzRead(f *testing.F) {
	f.Add(file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"a":"b"}}`, 8))
	f.Add(file(`{}`, 0))
	f.Add([]byte("short"))
	f.Add(file(`{"w":{"dtype":"F64","shape":[0,4611686018427387904],"data_offsets":[0,0]}}`, 0))
	f.Add(append(binary.LittleEndian.AppendUint64(nil, 99_000_000), "{}"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tensors, metadata, err := Read(b)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+200*uint64(len(b)) {
			t.Errorf("%d bytes took %d MB: %v", len(b), took>>20, err)
		}
		if err != nil {
			return
		}
		var buf bytes.Buffer
		if err := Write(&buf, tensors, metadata); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, againMetadata, err := Read(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if len(tensors)+len(again) > 0 && !reflect.DeepEqual(tensors, again) {
			t.Errorf("got %v, want %v", again, tensors)
		}
		if len(metadata)+len(againMetadata) > 0 && !reflect.DeepEqual(metadata, againMetadata) {
			t.Errorf("got metadata %v, want %v", againMetadata, metadata)
		}
	})
}
