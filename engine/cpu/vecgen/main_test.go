package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestCommittedVectorFunctionsAreWhatTheGeneratorWrites(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", fileName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what the generator writes: run go generate ./engine/cpu and look at the difference", fileName)
	}
}
