package feature

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestExtractorsTakeTheMemoryThatIsEstimated(t *testing.T) {
	st := Store{t.TempDir()}
	if !testing.Short() {
		file := filepath.Join(st.Dir, "fid.safetensors")
		writeWeights(t, file, plantedFID())
		if _, err := st.Add(file); err != nil {
			t.Fatal(err)
		}
	}
	type size struct {
		name string
		side int
		c    int
	}
	var sizes []size
	for _, r := range table {
		channels := cmp.Or(r.Channels, 3)
		if strings.HasPrefix(r.Name, "inception-") { // the network and sizes of inception
			continue
		}
		for _, side := range []int{32, 128} {
			sizes = append(sizes, size{r.Name, side, channels})
		}
	}
	for _, c := range sizes {
		t.Run(fmt.Sprint(c.name, c.side), func(t *testing.T) {
			if testing.Short() && (c.name == "random" && c.side > 32 || c.name == "inception") {
				t.Skip("slow")
			}
			b := backend(t)
			x := noise(1, c.side, c.side, c.c)
			before := heldBytes()
			e, err := Open(b, c.name, st)
			if err != nil {
				t.Fatal(err)
			}
			f, l, err := e.Extract(background, x, 1, c.side, c.side, c.c)
			if err != nil {
				t.Fatal(err)
			}
			got := heldBytes() - before
			kept, row := Memory(c.name, c.side, c.side, c.c)
			if math.Abs(float64(kept)-got) > .25*got {
				t.Errorf("got an estimate of %d kB, and %.0f kB are held", kept>>10, got/1024)
			}
			if want := 4 * (f.D + e.Logits); row != want || l.D != e.Logits && !strings.HasPrefix(c.name, "inception") {
				t.Errorf("got %d bytes a row, want %d", row, want)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if kept, row := Memory("none", 9, 9, 1); kept != 0 || row != 0 {
		t.Errorf("no extractor: got %d and %d", kept, row)
	}
}

// heldBytes is the size of the heap that is in use.
func heldBytes() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
