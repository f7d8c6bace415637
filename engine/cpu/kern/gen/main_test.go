package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSharedSumsAmountToTheMatrices(t *testing.T) {
	for _, m := range transforms {
		if got := m.expanded(); !slices.EqualFunc(got, m.matrix, slices.Equal[[]float32]) {
			t.Errorf("%s: %v, want %v", m.name, got, m.matrix)
		}
	}
}

func TestCommittedKernelsAreThoseOfTheGenerator(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the generator writes: run go generate ./engine/cpu/kern and read the diff", name)
		}
	}
}
