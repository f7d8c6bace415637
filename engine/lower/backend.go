package lower

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"

	"github.com/starsweep/starsweep/engine/cpu"
)

// Backend compiles programs and runs them on its devices. It is safe for concurrent use.
type Backend struct {
	compute compute.Backend
}

// ErrNoCgo is in the chain of errors about XLA in binaries that cannot load libraries.
var ErrNoCgo = errors.New("this binary was built without cgo, so it cannot load PJRT plugins")

// Open opens a backend by its configuration:
//
//	cpu, cpu:threads=1,kernels=avx2  engine/cpu and its options
//	go, go:parallelism=-1            GoMLX's own backend, pure Go and slow: the reference of tests
//	xla:/a/b.so, xla:/a/b.so,tf32=0  XLA with the PJRT plugin at an absolute path, and go-xla's options
//
// Plugins are loaded by absolute path only. That keeps go-xla from downloading plugins by itself, so its environment variables
// (GOMLX_NO_AUTO_INSTALL, PJRT_PLUGIN_LIBRARY_PATH) have no effect here. XLA itself reads XLA_FLAGS.
func Open(config string) (*Backend, error) {
	name, options, _ := strings.Cut(config, ":")
	var c compute.Backend
	var err error
	switch {
	case name == "cpu":
		c, err = cpu.New(options)
	case name == "go" && options == "":
		c, err = openGo()
	case name == "go":
		c, err = gobackend.New(options)
	case name == "xla" && filepath.IsAbs(options):
		c, err = openXLA(options)
	default:
		err = fmt.Errorf("backend: got %q, want cpu, go, or xla: and the absolute path of a plugin", config)
	}
	if err != nil { // c may then be a nil pointer in an interface that is not nil
		return nil, err
	}
	return &Backend{c}, nil
}

// openGo opens GoMLX's own backend with parallelism=-1: its pool of workers can deadlock, since a product inside a worker waits for a
// free worker. The option prints to the standard output, which belongs to the commands, so the field that it sets is set directly.
func openGo() (compute.Backend, error) {
	c, err := gobackend.New("")
	if err != nil {
		return nil, err
	}
	if workers := reflect.ValueOf(c).Elem().FieldByName("Workers"); workers.IsValid() {
		if pool, ok := workers.Interface().(interface{ SetMaxParallelism(int) }); ok {
			pool.SetMaxParallelism(-1)
			return c, nil
		}
	}
	return gobackend.New("parallelism=-1")
}

// Name is GoMLX's name for the backend, as in errors.
func (b *Backend) Name() string { return b.compute.Name() }

// CPU returns the backend cpu, for its own features; ok is false if b is another backend.
func (b *Backend) CPU() (own *cpu.Backend, ok bool) {
	own, ok = b.compute.(*cpu.Backend)
	return own, ok
}

// Close frees the devices. The backend and its objects must not be used afterwards.
func (b *Backend) Close() { b.compute.Finalize() }

// Devices lists the devices that programs can run on, at least one.
func (b *Backend) Devices() []Device {
	devices := make([]Device, b.compute.NumDevices())
	for i := range devices {
		devices[i] = Device{b, i}
	}
	return devices
}

// Device is a device of a backend, where buffers are and programs run. Devices can be compared with ==.
type Device struct {
	Backend *Backend
	Number  int // from 0
}

// String describes the device and its backend.
func (d Device) String() string {
	return fmt.Sprintf("%s (%s)", d.Backend.compute.DeviceDescription(d.num()), d.Backend.compute.Description())
}

func (d Device) num() compute.DeviceNum { return compute.DeviceNum(d.Number) }
