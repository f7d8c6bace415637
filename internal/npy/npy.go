// Package npy reads NumPy's files of one array, the form in which feature matrices are exchanged: two dimensions of float32 or
// float64, rows one after the other. It imports no package of this module.
//
// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// Headers are not trusted, which is why the format is read here: codeberg.org/sbinet/npyio v0.14 panics on headers that are cut
// or name their keys in another order, allocates what the header claims before it reads a value (8 GB for a file of 132 bytes),
// does not notice values that are missing or too many, and does not read version 3.
package npy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

const (
	magic     = "\x93NUMPY"
	maxHeader = 1 << 20
	maxValues = 1 << 34
)

// The header is the text of a Python dictionary with these three keys, in any order.
var (
	descr   = regexp.MustCompile(`'descr'\s*:\s*('[^']*'|\[.*\])`)
	fortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	shape   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9, ]*)\)`)
)

// Matrix reads an array of shape (rows, columns), in rows, from a file of this size in bytes. It rounds float64 to float32. It
// allocates memory for the values once, and for no more of them than the file can hold.
func Matrix(r io.Reader, bytes int64) (rows, columns int, x []float32, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	text, err := readHeader(in)
	if err != nil {
		return 0, 0, nil, err
	}
	rows, columns, size, err := parse(text)
	if err != nil {
		return 0, 0, nil, err
	}
	x = make([]float32, 0, min(int64(rows*columns), bytes/int64(size)))
	if x, err = readValues(in, x, rows*columns, size); err != nil {
		return 0, 0, nil, fmt.Errorf("got %d of %d values: %w", len(x), rows*columns, err)
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return 0, 0, nil, fmt.Errorf("got more than the %d values of shape (%d, %d)", rows*columns, rows, columns)
	}
	return rows, columns, x, nil
}

func readHeader(in io.Reader) (string, error) {
	start := make([]byte, len(magic)+2)
	if _, err := io.ReadFull(in, start); err != nil || string(start[:len(magic)]) != magic {
		return "", errors.New("not a .npy file: it does not begin with \\x93NUMPY")
	}
	length := make([]byte, 4)
	switch version := start[len(magic)]; version {
	case 1:
		length = length[:2]
	case 2, 3:
	default:
		return "", fmt.Errorf("got format version %d, want 1 to 3", version)
	}
	if _, err := io.ReadFull(in, length); err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	var n uint32
	for i, b := range length {
		n |= uint32(b) << (8 * i)
	}
	if n > maxHeader {
		return "", fmt.Errorf("header: got %d bytes, want %d or fewer", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(in, text); err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// parse returns the shape and the size of a value in bytes.
func parse(header string) (rows, columns, size int, err error) {
	d, f, s := descr.FindStringSubmatch(header), fortran.FindStringSubmatch(header), shape.FindStringSubmatch(header)
	if d == nil || f == nil || s == nil {
		return 0, 0, 0, fmt.Errorf("header: got %q, want descr, fortran_order and shape", header)
	}
	switch d[1] {
	case "'<f4'":
		size = 4
	case "'<f8'":
		size = 8
	default:
		return 0, 0, 0, fmt.Errorf("got values of type %s, want float32 or float64 ('<f4' or '<f8'): save x.astype(numpy.float32)", d[1])
	}
	var sides []int
	for _, text := range strings.Split(strings.TrimSuffix(strings.ReplaceAll(s[1], " ", ""), ","), ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n > maxValues {
			return 0, 0, 0, fmt.Errorf("got shape (%s), want two integers", s[1])
		}
		sides = append(sides, n)
	}
	switch {
	case len(sides) != 2:
		return 0, 0, 0, fmt.Errorf("got shape (%s), want 2 dimensions, (samples, features): save x.reshape(len(x), -1)", s[1])
	case sides[0] < 1 || sides[1] < 1 || sides[0]*sides[1] > maxValues:
		return 0, 0, 0, fmt.Errorf("got shape (%s), want at least one sample and one feature, and %d values or fewer", s[1], maxValues)
	case f[1] == "True":
		return 0, 0, 0, errors.New("got the order of Fortran, want that of C: save numpy.ascontiguousarray(x)")
	}
	return sides[0], sides[1], size, nil
}

// readValues appends n values of size bytes each, 4 or 8.
func readValues(in io.Reader, x []float32, n, size int) ([]float32, error) {
	const atOnce = 1 << 13
	buf := make([]byte, min(n, atOnce)*size)
	for n > 0 {
		got, err := io.ReadFull(in, buf[:min(n, atOnce)*size])
		for part := buf[:got-got%size]; len(part) > 0; part = part[size:] {
			if size == 4 {
				x = append(x, math.Float32frombits(binary.LittleEndian.Uint32(part)))
			} else {
				x = append(x, float32(math.Float64frombits(binary.LittleEndian.Uint64(part))))
			}
			n--
		}
		if err != nil {
			return x, err
		}
	}
	return x, nil
}

// Float32 and Int64 are the types of values that files are written with.
const (
	Float32 = "<f4"
	Int64   = "<i8"
)

// Header returns the bytes before the values of a file of an array of this shape: format version 1, with the values in C order.
func Header(dtype string, shape ...int) []byte {
	sides := ""
	for _, n := range shape {
		sides += fmt.Sprintf("%d, ", n)
	}
	if len(shape) > 1 {
		sides = strings.TrimSuffix(sides, ", ")
	} else {
		sides = strings.TrimSuffix(sides, " ")
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, sides)
	const start, align = len(magic) + 4, 64 // NumPy aligns the values
	text += strings.Repeat(" ", align-1-(start+len(text))%align) + "\n"
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	return append(b, text...)
}
