package nifti

import (
	"cmp"
	"encoding/binary"
	"math"
)

// voxel is a type of voxels: its size, and the number that its bytes are; nil if they are none.
type voxel struct {
	name  string
	size  int
	value func(order binary.ByteOrder, b []byte) float64
}

// voxels are the types by their codes.
var voxels = map[int]voxel{
	2:    {"uint8", 1, func(_ binary.ByteOrder, b []byte) float64 { return float64(b[0]) }},
	256:  {"int8", 1, func(_ binary.ByteOrder, b []byte) float64 { return float64(int8(b[0])) }},
	4:    {"int16", 2, func(o binary.ByteOrder, b []byte) float64 { return float64(int16(o.Uint16(b))) }},
	512:  {"uint16", 2, func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint16(b)) }},
	8:    {"int32", 4, func(o binary.ByteOrder, b []byte) float64 { return float64(int32(o.Uint32(b))) }},
	768:  {"uint32", 4, func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint32(b)) }},
	1024: {"int64", 8, func(o binary.ByteOrder, b []byte) float64 { return float64(int64(o.Uint64(b))) }},
	1280: {"uint64", 8, func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint64(b)) }},
	16:   {"float32", 4, func(o binary.ByteOrder, b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) }},
	64:   {"float64", 8, func(o binary.ByteOrder, b []byte) float64 { return math.Float64frombits(o.Uint64(b)) }},
	1:    {name: "bits"},
	32:   {name: "complex"},
	128:  {name: "RGB colour"},
	1536: {name: "float128"},
	1792: {name: "complex"},
	2048: {name: "complex"},
	2304: {name: "RGBA colour"},
}

func typeName(code int) string { return cmp.Or(voxels[code].name, "unknown") }
