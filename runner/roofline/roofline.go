// Package roofline compares the operations of a training step with what the processor can do: its arithmetic at the peak of the
// micro-kernel, and copies in memory (Williams, Waterman and Patterson, "Roofline: an insightful visual performance model", 2009).
// starsweep bench --ops prints it. It knows the timings of the backend cpu and nothing of programs or trials.
package roofline

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/cpu"
)

// Roofline is the time of one step by operation, and the limits of the processor.
type Roofline struct {
	PeakGFlops float64     `json:"peak_gflops"`   // 10^9 multiplications and additions a second, float32
	GBytes     float64     `json:"memory_gbytes"` // 10^9 bytes a second that are read or written
	Operations []Operation `json:"operations"`    // the longest first, then the time between operations
}

// Operation is the part of a step that one operation takes. Rates count the time of the operation alone.
type Operation struct {
	What     string  `json:"what"`
	Calls    float64 `json:"calls"`             // per step
	Seconds  float64 `json:"seconds"`           // per step
	Share    float64 `json:"share"`             // of the step's time, from 0 to 1
	GFlops   float64 `json:"gflops,omitempty"`  // of convolutions and products: 10^9 multiplications and additions a second
	OfPeak   float64 `json:"of_peak,omitempty"` // GFlops relative to the peak
	GBytes   float64 `json:"gbytes"`            // 10^9 bytes of operands, results and workspaces a second
	OfMemory float64 `json:"of_memory"`         // GBytes relative to copies in memory; with caches it can exceed 1
}

// New sums up the timings of a number of steps that took so many seconds in all. Convolutions and products are listed by shape, other
// operations by kind.
func New(timings []cpu.Timing, peak cpu.Peak, steps int, seconds float64) *Roofline {
	r := &Roofline{PeakGFlops: peak.Flop / 1e9, GBytes: peak.Bytes / 1e9}
	sums := map[string]*cpu.Timing{}
	var order []string
	between := seconds
	for _, t := range timings {
		name := t.What
		if t.Flop == 0 {
			name, _, _ = strings.Cut(name, " [")
		}
		if sums[name] == nil {
			sums[name] = &cpu.Timing{}
			order = append(order, name)
		}
		s := sums[name]
		s.Calls, s.Time, s.Flop, s.Bytes = s.Calls+t.Calls, s.Time+t.Time, s.Flop+t.Flop, s.Bytes+t.Bytes
		between -= t.Time.Seconds()
	}
	n := float64(steps)
	for _, name := range order {
		s := sums[name]
		took := s.Time.Seconds()
		r.Operations = append(r.Operations, Operation{
			What: name, Calls: float64(s.Calls) / n, Seconds: took / n, Share: took / seconds,
			GFlops: s.Flop / took / 1e9, OfPeak: s.Flop / took / peak.Flop,
			GBytes: s.Bytes / took / 1e9, OfMemory: s.Bytes / took / peak.Bytes,
		})
	}
	slices.SortStableFunc(r.Operations, func(a, b Operation) int { return cmp.Compare(b.Seconds, a.Seconds) })
	r.Operations = append(r.Operations, Operation{What: "between the operations", Seconds: between / n, Share: between / seconds})
	return r
}

// products returns the sum of all operations that do arithmetic at the rate of the micro-kernel.
func (r *Roofline) products() Operation {
	all := Operation{What: "all convolutions and products"}
	work := 0.0
	for _, o := range r.Operations {
		if o.GFlops > 0 {
			all.Calls, all.Seconds, all.Share = all.Calls+o.Calls, all.Seconds+o.Seconds, all.Share+o.Share
			work += o.GFlops * o.Seconds
		}
	}
	if all.Seconds > 0 {
		all.GFlops = work / all.Seconds
		all.OfPeak = all.GFlops / r.PeakGFlops
	}
	return all
}

// smallShare is the share of a step below which operations are summed up in one row.
const smallShare = .005

// Write writes the heading and a table in Markdown.
func (r *Roofline) Write(w io.Writer, heading string) error {
	fmt.Fprintf(w, "\n### %s\n\n", heading)
	fmt.Fprintf(w, "Peak %.0f GFLOP/s in float32, memory %.1f GB/s.\n\n", r.PeakGFlops, r.GBytes)
	fmt.Fprintln(w, "| operation | calls | ms a step | share | GFLOP/s | of the peak | GB/s | of memory's |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|")
	small := Operation{What: "others"}
	for _, o := range r.Operations {
		if o.Share < smallShare {
			small.Calls, small.Seconds, small.Share = small.Calls+o.Calls, small.Seconds+o.Seconds, small.Share+o.Share
			continue
		}
		fmt.Fprintln(w, o.row())
	}
	fmt.Fprintln(w, small.row())
	_, err := fmt.Fprintln(w, r.products().row())
	return err
}

func (o Operation) row() string {
	rate := func(v, of float64) string {
		if v == 0 {
			return " | "
		}
		return fmt.Sprintf("%.1f | %.0f %%", v, of*100)
	}
	return fmt.Sprintf("| %s | %.4g | %.2f | %.1f %% | %s | %s |", o.What, o.Calls, o.Seconds*1e3, o.Share*100, rate(o.GFlops, o.OfPeak),
		rate(o.GBytes, o.OfMemory))
}
