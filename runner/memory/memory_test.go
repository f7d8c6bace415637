package memory

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/starsweep/starsweep/internal/machine"
)

// small returns a memory of 1000 bytes, of which the process has 100.
func small(limits *[]int) *Pool {
	return &Pool{room: machine.Room{Bytes: 1000, Whose: "the machine"}, process: 100, free: semaphore.NewWeighted(900),
		limit: func(bytes int) { *limits = append(*limits, bytes) }}
}

func TestErrorsOfMemoryHaveBothNumbers(t *testing.T) {
	m := &Pool{room: machine.Room{Bytes: 23e9, Whose: "the machine"}}
	err := m.Check(Need{Data: 3e9, Own: 40e9}, false)
	if want := "needs 43 GB of memory, the machine has 23 GB"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	m.room = machine.Room{Bytes: 2.5e9, Whose: "the control group"}
	err = m.Check(Need{Own: 2.6e9}, true)
	if want := "needs at least 2.6 GB of memory, the control group has 2.5 GB"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := m.Check(Need{Data: 1e9, Kept: 1e9, Own: 5e8}, false); err != nil {
		t.Errorf("got %v for what just fits", err)
	}
	m.room = machine.Room{}
	if err := m.Check(Need{Own: 1e18}, false); err != nil {
		t.Errorf("got %v where nobody knows the memory", err)
	}
}

func TestTrialsWaitForMemoryThatOthersHave(t *testing.T) {
	var limits []int
	m := small(&limits)
	release, err := m.Take(t.Context(), Need{Own: 600})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.Take(ctx, Need{Own: 400}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a wait for what the other has", err)
	}
	other, err := m.Take(t.Context(), Need{Own: 300})
	if err != nil {
		t.Errorf("got %v for what fits next to it", err)
	}
	release()
	next, err := m.Take(t.Context(), Need{Own: 400})
	if err != nil {
		t.Errorf("got %v for what fits now", err)
	}
	var big *Error
	if _, err := m.Take(t.Context(), Need{Own: 901}); !errors.As(err, &big) {
		t.Errorf("got %v for what never fits", err)
	}
	other()
	next()
	want := []int{700, 1000, 400, 800, 500} // and none when nothing is left to do
	if len(limits) != len(want) {
		t.Fatalf("got limits %v, want %v", limits, want)
	}
	for i := range want {
		if limits[i] != want[i] {
			t.Errorf("got limits %v, want %v", limits, want)
		}
	}
}

func TestTheProcessIsPartOfItsMemory(t *testing.T) {
	m := NewPool(machine.Memory(fstest.MapFS{
		"proc/meminfo":     {Data: []byte("MemAvailable: 1000000 kB\n")},
		"proc/self/status": {Data: []byte("VmRSS: 100000 kB\n")},
	}), nil)
	if want := 1100000 << 10; m.room.Bytes != want {
		t.Errorf("got %d bytes, want %d", m.room.Bytes, want)
	}
	if err := m.Check(Need{Own: 1000000<<10 - overhead}, false); err != nil {
		t.Errorf("got %v for what just fits", err)
	}
	if err := m.Check(Need{Own: 1000000<<10 - overhead + 1}, false); err == nil {
		t.Error("got no error for a byte more")
	}
}
