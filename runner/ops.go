package runner

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/cpu"
)

// operation is where a part of a step's time went. Rates are those of the operation alone.
type operation struct {
	What     string  `json:"what"`
	Calls    float64 `json:"calls"` // a step
	Seconds  float64 `json:"seconds"`
	Share    float64 `json:"share"`             // of the step
	GFlops   float64 `json:"gflops,omitempty"`  // of convolutions and products: 10^9 multiplications and additions a second
	OfPeak   float64 `json:"of_peak,omitempty"` // GFlops by the peak of the micro-kernel
	GBytes   float64 `json:"gbytes"`            // 10^9 bytes of operands, results and workspaces a second
	OfMemory float64 `json:"of_memory"`         // GBytes by the rate of copies in memory; caches can make it more than 1
}

// roofline is a step by its operations (Williams, Waterman and Patterson 2009), beside what the processor can do.
type roofline struct {
	PeakGFlops float64     `json:"peak_gflops"`
	GBytes     float64     `json:"memory_gbytes"`
	Operations []operation `json:"operations"` // the longest first
}

// newRoofline is that of so many steps which took so many seconds. Convolutions and products are told apart by shapes,
// others by kind.
func newRoofline(timings []cpu.Timing, peak cpu.Peak, steps int, seconds float64) *roofline {
	r := &roofline{PeakGFlops: peak.Flop / 1e9, GBytes: peak.Bytes / 1e9}
	kinds := map[string]*cpu.Timing{}
	var order []string
	other := seconds
	for _, t := range timings {
		name := t.What
		if t.Flop == 0 {
			name, _, _ = strings.Cut(name, " [")
		}
		if kinds[name] == nil {
			kinds[name] = &cpu.Timing{}
			order = append(order, name)
		}
		k := kinds[name]
		k.Calls, k.Time, k.Flop, k.Bytes = k.Calls+t.Calls, k.Time+t.Time, k.Flop+t.Flop, k.Bytes+t.Bytes
		other -= t.Time.Seconds()
	}
	for _, name := range order {
		k, n := kinds[name], float64(steps)
		took := k.Time.Seconds()
		r.Operations = append(r.Operations, operation{What: name, Calls: float64(k.Calls) / n, Seconds: took / n, Share: took / seconds,
			GFlops: k.Flop / took / 1e9, OfPeak: k.Flop / took / peak.Flop, GBytes: k.Bytes / took / 1e9, OfMemory: k.Bytes / took / peak.Bytes})
	}
	slices.SortStableFunc(r.Operations, func(a, b operation) int { return cmp.Compare(b.Seconds, a.Seconds) })
	r.Operations = append(r.Operations, operation{What: "between the operations", Seconds: other / float64(steps), Share: other / seconds})
	return r
}

// products is all that is held against the peak as one operation.
func (r *roofline) products() (all operation) {
	all.What = "all convolutions and products"
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

// print writes a Markdown table. What takes less than half a percent of a step is summed up.
func (r *roofline) print(w io.Writer, m measurement) error {
	const least = .005
	fmt.Fprintf(w, "\n### %s, batch %d, width %d, %d threads: %.1f ms a step\n\n", m.Step, m.Batch, m.Width, m.Threads, m.MeanS*1e3)
	fmt.Fprintf(w, "Peak %.0f GFLOP/s in float32, memory %.1f GB/s.\n\n", r.PeakGFlops, r.GBytes)
	fmt.Fprintln(w, "| operation | calls | ms a step | share | GFLOP/s | of the peak | GB/s | of memory's |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|")
	small := operation{What: "others"}
	for _, o := range r.Operations {
		if o.Share < least {
			small.Calls, small.Seconds, small.Share = small.Calls+o.Calls, small.Seconds+o.Seconds, small.Share+o.Share
			continue
		}
		fmt.Fprintln(w, o.row())
	}
	fmt.Fprintln(w, small.row())
	_, err := fmt.Fprintln(w, r.products().row())
	return err
}

func (o operation) row() string {
	rate := func(v, of float64) string {
		if v == 0 {
			return " | "
		}
		return fmt.Sprintf("%.1f | %.0f %%", v, of*100)
	}
	return fmt.Sprintf("| %s | %.4g | %.2f | %.1f %% | %s | %s |", o.What, o.Calls, o.Seconds*1e3, o.Share*100, rate(o.GFlops, o.OfPeak), rate(o.GBytes, o.OfMemory))
}
