// Command measure times one metric of engine/metric on two files of float32 and prints a line of JSON: seconds, peak memory and the
// values. speed.py runs it next to the packages that papers use.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/internal/machine"
)

func main() {
	task := flag.String("task", "fid", "fid, precision or kid")
	d := flag.Int("d", 2048, "numbers per sample")
	flag.Parse()
	if err := run(*task, *d, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(task string, d int, files []string) error {
	if len(files) != 2 {
		return fmt.Errorf("got %d files, want one of real and one of generated samples", len(files))
	}
	real, err := read(files[0], d)
	if err != nil {
		return err
	}
	fake, err := read(files[1], d)
	if err != nil {
		return err
	}
	start, before := time.Now(), machine.Used().Processor()
	values, err := measure(task, real, fake)
	if err != nil {
		return err
	}
	seconds, after := time.Since(start).Seconds(), machine.Used()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": seconds, "cpu_seconds": (after.Processor() - before).Seconds(), "peak_mb": after.PeakMemory >> 20, "values": values})
}

func measure(task string, real, fake metric.Features) ([]float64, error) {
	ctx := context.Background()
	switch task {
	case "fid":
		r, err := metric.Measure(real)
		if err != nil {
			return nil, err
		}
		f, err := metric.Measure(fake)
		if err != nil {
			return nil, err
		}
		v, err := metric.FID(r, f)
		return []float64{v}, err
	case "precision":
		backend, err := lower.Open("cpu")
		if err != nil {
			return nil, err
		}
		defer backend.Close()
		matrices := lower.NewProducts(backend.Devices()[0])
		defer matrices.Close()
		p := metric.NewProducts(matrices.Multiply)
		r, err := metric.NewManifold(ctx, p, real, 3)
		if err != nil {
			return nil, err
		}
		f, err := metric.NewManifold(ctx, p, fake, 3)
		if err != nil {
			return nil, err
		}
		o, err := metric.Compare(ctx, p, r, f)
		return []float64{o.Precision, o.Recall, o.Density, o.Coverage}, err
	case "kid":
		mean, std, err := metric.KID(ctx, real, fake, 100, 1000, rand.New(rand.NewPCG(1, 1)))
		return []float64{mean, std}, err
	}
	return nil, fmt.Errorf("task: got %q, want fid, precision or kid", task)
}

// read reads a file of little-endian float32, d per sample.
func read(name string, d int) (metric.Features, error) {
	f, err := os.Open(name)
	if err != nil {
		return metric.Features{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return metric.Features{}, err
	}
	x := metric.Features{N: int(info.Size()) / 4 / d, D: d}
	x.X = make([]float32, x.N*d)
	for i := range x.N { // row by row, so that the copy that binary.Read makes stays small
		if err := binary.Read(f, binary.LittleEndian, x.Row(i)); err != nil {
			return x, err
		}
	}
	return x, nil
}
