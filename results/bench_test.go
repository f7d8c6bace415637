package results_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// made writes a study with trials of three epochs and a sample sheet, by some writers.
func made(b *testing.B, writers, trials int) string {
	b.Helper()
	dir := b.TempDir()
	sheet := picture(b, 64)
	for w := range writers {
		s := create(b, dir)
		for i := w; i < trials; i += writers {
			id := fmt.Sprintf("t%05d", i)
			c := claimed(b, s, id)
			check(b, c.Begin(trial(id, i), nil))
			for e := 1; e <= 3; e++ {
				row := epoch(id, e)
				for m := range 12 {
					row.Metrics[fmt.Sprint("m", m)] = float64(m) / 3
				}
				var samples []results.Sample
				if e == 3 {
					samples = append(samples, results.Sample{Trial: id, Epoch: e, Kind: "grid", PNG: sheet})
				}
				check(b, c.AppendEpoch(row, samples...))
			}
			check(b, c.Finish(outcome(id, results.Completed)))
			check(b, c.Release())
		}
		check(b, s.Close())
	}
	return dir
}

func withMetrics(b *testing.B) {
	b.Helper()
	old := meta
	b.Cleanup(func() { meta = old })
	meta.Metrics = append([]string{}, meta.Metrics...)
	for m := range 12 {
		meta.Metrics = append(meta.Metrics, fmt.Sprint("m", m))
	}
}

// A study of 10,000 trials, each of three epochs of 15 numbers and a sample sheet, is opened by a reader and by a writer.
func BenchmarkReopen(b *testing.B) {
	withMetrics(b)
	dir := made(b, 4, 10_000)
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			v, err := results.Open(dir)
			check(b, err)
			check(b, v.Close())
		}
	})
	b.Run("Create", func(b *testing.B) {
		for b.Loop() {
			s, err := createStudy(dir, meta, nil, hourly)
			check(b, err)
			b.StopTimer()
			check(b, s.Close())
			b.StartTimer()
		}
	})
}

// A trial of one epoch is claimed, begun, trained in no time, finished and released.
func BenchmarkTrial(b *testing.B) {
	s := create(b, b.TempDir())
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprintf("t%05d", i)
		c := claimed(b, s, id)
		check(b, c.Begin(trial(id, i), nil))
		check(b, c.AppendEpoch(epoch(id, 1)))
		check(b, c.Finish(outcome(id, results.Completed)))
		check(b, c.Release())
	}
}

// A row of an epoch, with its sync, beside a sync of as many bytes.
func BenchmarkEpoch(b *testing.B) {
	b.Run("AppendEpoch", func(b *testing.B) {
		s := create(b, b.TempDir())
		check(b, s.BeginTrial(trial("a", 0)))
		for e := 1; b.Loop(); e++ {
			check(b, s.claims["a"].AppendEpoch(epoch("a", e)))
		}
	})
	b.Run("Sync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "file"))
		check(b, err)
		defer f.Close()
		for row := make([]byte, 250); b.Loop(); {
			_, err := f.Write(row)
			check(b, err)
			check(b, f.Sync())
		}
	})
}

// A view of a study with 200 writers that append nothing.
func BenchmarkRefreshOfIdleWriters(b *testing.B) {
	withMetrics(b)
	dir := made(b, 200, 200)
	v, err := results.Open(dir)
	check(b, err)
	for b.Loop() {
		_, err := v.Refresh()
		check(b, err)
	}
}
