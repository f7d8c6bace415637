// Command pack turns the checkpoint of a trained network into the file of an extractor: it folds every batch norm into the
// convolution before it, rounds the weights to float16 and adds the declaration of the layers (package small). The study is
// one trial that was run with --keep all; `make features` runs both. The same trial produces the same bytes.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
)

func main() {
	study := flag.String("study", "", "directory of the study")
	network := flag.String("network", "", "declaration of the layers, such as engine/feature/small/mnist.json")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := run(*study, *network, *out); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(study, network, out string) error {
	declaration, err := os.ReadFile(network)
	if err != nil {
		return err
	}
	p, err := pack(study, declaration)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, p.file, 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: trial %s, %s %.4f, %d bytes, SHA-256 %x\n", out, p.trial, accuracy, p.accuracy, len(p.file), sha256.Sum256(p.file))
	return nil
}
