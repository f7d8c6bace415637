package idx

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestArraysInOneStreamReadBackInTurn(t *testing.T) {
	want := []Array{{Dims: []int{2, 2, 3}, Data: []byte("abcdefghijkl")}, {Dims: []int{4}, Data: []byte{9, 8, 7, 6}}}
	var stream bytes.Buffer
	for _, a := range want {
		if err := Write(&stream, a); err != nil {
			t.Fatal(err)
		}
	}
	if got := stream.Bytes()[:16]; !bytes.Equal(got, []byte{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3}) {
		t.Errorf("header: got % x", got)
	}
	for i := range want {
		got, err := Read(&stream)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("array %d: got %v, want %v", i, got, want[i])
		}
	}
	if _, err := Read(&stream); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("past the end: got %v", err)
	}
}

func TestHeadKeepsTheFirstEntries(t *testing.T) {
	a := Array{Dims: []int{3, 2}, Data: []byte{1, 2, 3, 4, 5, 6}}
	if got, want := a.Head(2), (Array{Dims: []int{2, 2}, Data: []byte{1, 2, 3, 4}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMalformedArraysAreErrors(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":       {"", "magic number: unexpected EOF"},
		"not idx":     {"\x1f\x8b\x08\x00", "got 1f 8b 08 00, want 00 00 08"},
		"floats":      {"\x00\x00\x0d\x01", "want 00 00 08"},
		"header cut":  {"\x00\x00\x08\x01\x00", "dimension 0: unexpected EOF"},
		"absurd size": {"\x00\x00\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff", "more than 4294967296 elements"},
		"data cut":    {"\x00\x00\x08\x01\x00\x00\x00\x05abc", "got 3 bytes, want 5"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if err := Write(io.Discard, Array{Dims: []int{2}, Data: []byte{1}}); err == nil {
		t.Error("a wrong size was written")
	}
}
