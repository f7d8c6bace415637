package train

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/engine/cpu"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/once"
)

// Backend compiles programs and runs them on its devices. It is safe for concurrent use.
type Backend struct {
	// Name is the backend with the kernels, the precision and the options that decide the bits of its results: "cpu avx512",
	// "cpu avx512 bf16", "cpu go", "go", "xla:cuda", "xla:cuda,tf32=false". Numerics adds the device.
	Name string

	lower      *lower.Backend
	deviceLoop bool // many steps per call, the data set on the device: for accelerators, where calls and copies are expensive
	evicts     bool // keeps few programs: each holds much memory and compiles quickly
	now        func() time.Time
	rounded    func() (*Backend, error) // the same backend with products of bfloat16

	programs once.Map[string, *Compiled] // by fingerprint

	mu       sync.Mutex
	recent   []string // fingerprints of programs, the most recently used last
	resident map[residentKey]*residents
}

// For returns the backend for the precision that a program requests: b itself, or one that rounds the operands of products to
// bfloat16. The error wraps ErrNoDevice if there is none.
func (b *Backend) For(p *model.Program) (*Backend, error) {
	if !p.Config.BF16 {
		return b, nil
	}
	r, err := b.rounded()
	if err != nil {
		return nil, fmt.Errorf("precision = \"bf16\": %w", err)
	}
	return r, nil
}

// newBackend wraps a backend of a kind: cpu, go, or xla: and the kind of the plugin.
func newBackend(kind string, l *lower.Backend, o Options) *Backend {
	xla := strings.HasPrefix(kind, "xla")
	b := &Backend{Name: kind, lower: l, now: o.Now, evicts: !xla,
		// XLA's compiler for CPUs has no fast convolutions inside a loop: a step of the thesis's networks takes 12 s there and 0.8 s
		// outside (2 cores).
		deviceLoop: xla && kind != "xla:cpu",
		resident:   map[residentKey]*residents{}}
	b.rounded = func() (*Backend, error) {
		return nil, fmt.Errorf("backend %s: %w: only cpu multiplies bfloat16", kind, ErrNoDevice)
	}
	if own, ok := l.CPU(); ok {
		b.Name += " " + own.Numerics()
	}
	if b.now == nil {
		b.now = func() time.Time { return time.Time{} }
	}
	return b
}

// ErrNoDevice is in the chain of errors about backends that are known but not available.
var ErrNoDevice = errors.New("no such device")

// Devices lists the devices that runs, extractors and products of matrices can be opened on, at least one.
func (b *Backend) Devices() []lower.Device { return b.lower.Devices() }

// Device is the first of Devices, for callers that do not assign devices.
func (b *Backend) Device() lower.Device { return b.Devices()[0] }

// CPU returns the backend cpu, for timings and the processor's peak; ok is false if b is another.
func (b *Backend) CPU() (own *cpu.Backend, ok bool) { return b.lower.CPU() }

// Numerics identifies the bits of results: with equal numerics, the same program and inputs produce the same bits. It is a key of
// caches, and a resumed trial should find the same value as before the interruption. It is Name with the processor's architecture
// or, for XLA, the plugin's version and the device. It does not depend on the number of threads.
func (b *Backend) Numerics() string {
	if strings.HasPrefix(b.Name, "xla") {
		return b.Name + ", " + b.Device().String()
	}
	return b.Name + ", " + runtime.GOARCH
}

// Accelerator reports whether programs run on a device that is not the host's processor.
func (b *Backend) Accelerator() bool { return b.deviceLoop }

// Close frees the devices. The backend and its objects must not be used afterwards.
func (b *Backend) Close() { b.lower.Close() }
