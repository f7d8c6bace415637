package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestCommittedKernelsAreWhatTheGeneratorWrites(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the generator writes: run go generate ./engine/cpu/kern and look at the difference", name)
		}
	}
}
