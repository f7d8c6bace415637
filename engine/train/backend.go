package train

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers "go"

	"github.com/starsweep/starsweep/engine/cpu" // registers "cpu"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/once"
)

// Options is what a backend needs of its surroundings. The zero value finds no plugins and measures no time.
type Options struct {
	Plugins   []string         // folders searched for PJRT plugins, the first find counts
	PluginDir string           // the user's cache, searched last
	Now       func() time.Time // the clock that compilations are measured with; nil: they count 0 seconds
}

// Backend runs programs on a device. It may be used by several goroutines.
type Backend struct {
	// Name is the backend with the kernels, the precision and the options that decide the bits of its results: "cpu avx512",
	// "cpu avx512 bf16", "cpu go", "go", "xla:cuda", "xla:cuda,tf32=false". Numerics adds the device.
	Name string

	compute compute.Backend
	loops   bool // many steps a call, the data set on the device: for accelerators, where calls and copies cost
	frugal  bool // keeps few programs: they hold much memory and compile in no time
	now     func() time.Time
	rounded func() (*Backend, error) // this one with products of bfloat16

	programs once.Map[string, *Compiled] // by fingerprint

	mu       sync.Mutex
	recent   []string // their fingerprints, the last used last
	resident map[residentKey]*residents
	stats    *ledger
}

// ledger counts what was compiled for a backend, in all its precisions.
type ledger struct {
	sync.Mutex
	Compilations
}

// Compilations counts the work of compilers.
type Compilations struct {
	Programs int // model programs: trials that differ in real numbers only share one
	Graphs   int // GoMLX graphs: a program has one for training and one for sampling
	Seconds  float64
}

// Compilations is what was compiled since the backend was opened.
func (b *Backend) Compilations() Compilations {
	b.stats.Lock()
	defer b.stats.Unlock()
	return b.stats.Compilations
}

// For is the backend for the precision that a program asks for: b itself, or one that rounds the operands of products to
// bfloat16. The error is ErrNoDevice where there is none.
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

// ErrNoDevice is in the chain of errors about backends that are known but not here.
var ErrNoDevice = errors.New("no such device")

// Names are the names that Open knows, beside "xla:" with the absolute path of a plugin.
var Names = []string{"auto", "cpu", "go", "xla", "xla:cuda", "xla-cpu"}

// Open opens a backend by name:
//
//	auto         an accelerator if there is one that works, else cpu
//	cpu          our own, pure Go; with its options after a colon: cpu:threads=1,kernels=avx2
//	go           GoMLX's own, pure Go and slow: the reference of tests
//	xla:cuda     XLA with a CUDA plugin found in the options' folders
//	xla-cpu      XLA with a CPU plugin found there
//	xla          the first of these two that is found
//	xla:/a/b.so  XLA with the plugin at an absolute path
//
// go-xla's options may follow an xla name, with commas: xla:cuda,tf32=false.
//
// Plugins are always loaded by absolute path. That alone keeps go-xla from downloading plugins by itself, so nothing of its
// environment (GOMLX_NO_AUTO_INSTALL, PJRT_PLUGIN_LIBRARY_PATH) matters here. XLA itself reads XLA_FLAGS.
func Open(name string, o Options) (*Backend, error) {
	whole := name
	name, more, _ := strings.Cut(name, ",")
	if more != "" {
		more = "," + more
	}
	switch {
	case name == "cpu", strings.HasPrefix(name, "cpu:"):
		_, config, _ := strings.Cut(whole, ":")
		c, err := compute.NewWithConfig(whole)
		if err != nil {
			return nil, err // the processor is there: an option is wrong
		}
		b, err := o.open("cpu", func() (compute.Backend, error) { return c, nil })
		if err == nil {
			b.rounded = sync.OnceValues(func() (*Backend, error) { return b.roundedCPU(o, config) })
		}
		return b, err
	case name == "go": // parallelism=-1: with its pool of workers the backend can lock up, a product within a product waiting for a free one
		return o.open("go", func() (compute.Backend, error) { return compute.NewWithConfig("go:parallelism=-1") })
	case name == "auto":
		if p := o.find("cuda"); p != "" {
			if b, err := o.openPlugin(p, more); err == nil {
				return b, nil
			}
		}
		return Open("cpu", o)
	case strings.HasPrefix(name, "xla") && !canXLA:
		return nil, fmt.Errorf("backend xla: %w: %w", ErrNoDevice, errNoCgo)
	case name == "xla":
		for _, kind := range []string{"cuda", "cpu"} {
			if p := o.find(kind); p != "" {
				return o.openPlugin(p, more)
			}
		}
		return nil, o.missing("")
	case name == "xla:cuda", name == "xla-cpu", name == "xla:cpu":
		kind := name[len("xla:"):]
		if p := o.find(kind); p != "" {
			return o.openPlugin(p, more)
		}
		return nil, o.missing(kind)
	case strings.HasPrefix(name, "xla:") && filepath.IsAbs(name[len("xla:"):]):
		return o.openPlugin(name[len("xla:"):], more)
	}
	return nil, fmt.Errorf("backend: got %q, want one of %s, or xla: and the absolute path of a plugin", name, strings.Join(Names, ", "))
}

func (o Options) open(name string, open func() (compute.Backend, error)) (*Backend, error) {
	c, err := open()
	if err != nil { // c is then a nil pointer in an interface that is not nil
		return nil, fmt.Errorf("backend %s: %w: %w", name, ErrNoDevice, err)
	}
	xla := strings.HasPrefix(name, "xla")
	b := &Backend{Name: name, compute: c, now: o.Now, frugal: !xla,
		// XLA's compiler for CPUs finds no fast convolutions in a loop: a step of the thesis's networks takes 12 s there and 0.8 s
		// outside (2 cores).
		loops:    xla && name != "xla:cpu",
		resident: map[residentKey]*residents{}, stats: &ledger{}}
	b.rounded = func() (*Backend, error) {
		return nil, fmt.Errorf("backend %s: %w: only cpu multiplies bfloat16", name, ErrNoDevice)
	}
	if own, ok := c.(*cpu.Backend); ok {
		b.Name += " " + own.Numerics()
	}
	if b.now == nil {
		b.now = func() time.Time { return time.Time{} }
	}
	return b, nil
}

// roundedOption is the option of cpu that rounds the operands of products to bfloat16.
const roundedOption = "precision=bf16"

// roundedCPU is the backend cpu with the same options, but products of bfloat16. What it compiles counts for b. It holds nothing
// that needs closing.
func (b *Backend) roundedCPU(o Options, config string) (*Backend, error) {
	if config != "" {
		config += ","
	}
	r, err := o.open("cpu", func() (compute.Backend, error) { return compute.NewWithConfig("cpu:" + config + roundedOption) })
	if err != nil {
		return nil, err
	}
	r.stats = b.stats
	return r, nil
}

func (o Options) openPlugin(path, more string) (*Backend, error) {
	name := "xla:" + pluginKind(path)
	b, err := o.open(name, func() (compute.Backend, error) { return openXLA(path + more) })
	if err != nil {
		return nil, err
	}
	b.Name += more
	return b, nil
}

// Device describes what the backend runs on.
func (b *Backend) Device() string {
	return fmt.Sprintf("%s (%s)", b.compute.DeviceDescription(0), b.compute.Description())
}

// Numerics is equal where the same program and the same inputs give the same bits: the key of caches, and what a resumed trial
// should continue on. It is Name with the processor's architecture or, of XLA, the plugin's version and the device. It does not
// depend on the number of threads.
func (b *Backend) Numerics() string {
	if strings.HasPrefix(b.Name, "xla") {
		return b.Name + ", " + b.Device()
	}
	return b.Name + ", " + runtime.GOARCH
}

// Accelerator reports whether programs run on a device that is not the host's processor.
func (b *Backend) Accelerator() bool { return b.loops }

// Compute is GoMLX's own backend, for what runs on the device beside training.
func (b *Backend) Compute() compute.Backend { return b.compute }

// Close frees the device. Nothing of the backend may be used afterwards.
func (b *Backend) Close() { b.compute.Finalize() }

// find is the path of the first plugin of a kind, "" if there is none.
func (o Options) find(kind string) string {
	for _, dir := range o.folders() {
		for _, pattern := range []string{"*.so", "*/*.so", "*.dylib", "*/*.dylib"} {
			files, _ := filepath.Glob(filepath.Join(dir, pattern)) // fails for bad patterns only
			for _, f := range files {
				if pluginKind(f) == kind {
					return f
				}
			}
		}
	}
	return ""
}

func (o Options) folders() []string {
	dirs := append([]string{}, o.Plugins...)
	if o.PluginDir != "" {
		dirs = append(dirs, o.PluginDir)
	}
	return dirs
}

// pluginKind tells a plugin's device by the name of its file: xla_cuda_plugin.so, pjrt_c_api_cuda_plugin.so,
// xla_cpu_pjrt.so, libpjrt_cpu.so. Other libraries are of no kind.
func pluginKind(path string) string {
	file := strings.ToLower(filepath.Base(path))
	if strings.Contains(file, "pjrt") || strings.Contains(file, "xla") {
		for _, kind := range []string{"cuda", "cpu", "rocm", "metal", "tpu"} {
			if strings.Contains(file, kind) {
				return kind
			}
		}
	}
	return "other"
}

// missing is the error of a plugin that is in no folder.
type missing struct{ what, hint string }

func (e *missing) Error() string { return e.what + "; " + e.hint }
func (e *missing) Unwrap() error { return ErrNoDevice }

func (o Options) missing(kind string) error {
	what := "a PJRT plugin"
	if kind != "" {
		what += " for " + kind
	}
	return &missing{fmt.Sprintf("backend xla: %v: %s was not found in %s", ErrNoDevice, what, strings.Join(o.folders(), ", ")),
		hints["xla:"+kind]}
}

var hints = map[string]string{
	"xla:":     "make pjrt-cpu gets the one for cpu, pip install jax-cuda13-pjrt the one for cuda",
	"xla:cpu":  "get it with make pjrt-cpu",
	"xla:cuda": "get it with pip install jax-cuda13-pjrt, and name the folder of its .so file in PJRT_PLUGIN_LIBRARY_PATH",
}

// errNoCgo is in the chain of errors about XLA in binaries that cannot load libraries.
var errNoCgo = errors.New("this binary was built without cgo, so it cannot load PJRT plugins")

// Info is what List found out about a backend.
type Info struct {
	Name      string
	Available bool
	Detail    string // the device, or why there is none
	Hint      string // how to get what is missing, if it is known
}

// List tries every backend.
func List(o Options) []Info {
	var list []Info
	for _, name := range []string{"cpu", "go", "xla:cuda", "xla:cpu"} {
		i := Info{Name: name}
		b, err := Open(name, o)
		var m *missing
		switch {
		case err == nil:
			i.Available, i.Detail = true, b.Device()
			b.Close()
		case errors.As(err, &m):
			i.Detail, i.Hint = m.what, m.hint
		case errors.Is(err, errNoCgo):
			i.Detail, i.Hint = err.Error(), "build with CGO_ENABLED=1 and a C compiler"
		default: // there is a plugin, but it does not work
			i.Detail = err.Error()
		}
		list = append(list, i)
	}
	return list
}
