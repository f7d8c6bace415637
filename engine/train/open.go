package train

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/engine/lower"
)

// Options is what a backend needs of its environment. The zero value finds no plugins and measures no time.
type Options struct {
	Plugins   []string         // folders searched for PJRT plugins; the first match is taken
	PluginDir string           // the user's cache, searched last
	Now       func() time.Time // the clock that times compilations; nil: they take 0 seconds
}

// Names are the names that Open knows, in addition to "xla:" with the absolute path of a plugin.
var Names = []string{"auto", "cpu", "go", "xla", "xla:cuda", "xla:cpu"}

// Open opens a backend by name:
//
//	auto         an accelerator if one works, else cpu
//	cpu          starsweep's own, with its options after a colon: cpu:threads=1,kernels=avx2
//	go           GoMLX's own, pure Go and slow: the reference of tests
//	xla:cuda     XLA with a CUDA plugin found in the options' folders
//	xla:cpu      XLA with a CPU plugin found there
//	xla          the first of these two that is found
//	xla:/a/b.so  XLA with the plugin at an absolute path
//
// go-xla's options may follow auto and every xla name after a comma: xla:cuda,tf32=false. The error wraps ErrNoDevice if the backend
// is known but not available.
func Open(name string, o Options) (*Backend, error) {
	n, err := parse(name)
	if err != nil {
		return nil, err
	}
	switch n.family {
	case "cpu":
		return o.openCPU(n.options)
	case "go":
		return o.openGo()
	case "auto":
		if p := o.find("cuda"); p != "" {
			if b, err := o.openPlugin(p, n.options); err == nil {
				return b, nil
			}
		}
		return o.openCPU("")
	}
	if !lower.HasXLA {
		return nil, fmt.Errorf("backend xla: %w: %w", ErrNoDevice, lower.ErrNoCgo)
	}
	switch {
	case filepath.IsAbs(n.plugin):
		return o.openPlugin(n.plugin, n.options)
	case n.plugin != "":
		if p := o.find(n.plugin); p != "" {
			return o.openPlugin(p, n.options)
		}
	default:
		for _, kind := range kinds {
			if p := o.find(kind); p != "" {
				return o.openPlugin(p, n.options)
			}
		}
	}
	return nil, o.missing(n.plugin)
}

// backendName is the name of a backend in its parts.
type backendName struct {
	family  string // auto, cpu, go or xla
	plugin  string // of xla: the kind of a plugin or its absolute path; "" is any
	options string // of cpu or of go-xla, separated by commas
}

// kinds are the kinds of plugins that have a name, the preferred one first.
var kinds = []string{"cuda", "cpu"}

func parse(name string) (backendName, error) {
	if options, ok := strings.CutPrefix(name, "cpu:"); ok {
		return backendName{family: "cpu", options: options}, nil
	}
	if name == "cpu" || name == "go" {
		return backendName{family: name}, nil
	}
	head, options, _ := strings.Cut(name, ",")
	family, plugin, more := strings.Cut(head, ":")
	switch {
	case head == "auto", head == "xla", family == "xla" && more && (filepath.IsAbs(plugin) || slices.Contains(kinds, plugin)):
		return backendName{family, plugin, options}, nil
	case head == "xla-cpu" || head == "xla-cuda":
		return backendName{}, fmt.Errorf("backend: got %q, which is now spelled %s", name, strings.Replace(name, "-", ":", 1))
	}
	return backendName{}, fmt.Errorf("backend: got %q, want one of %s, or xla: and the absolute path of a plugin", name,
		strings.Join(Names, ", "))
}

func (o Options) openCPU(options string) (*Backend, error) {
	open := func(options string) (*Backend, error) {
		config := "cpu"
		if options != "" {
			config += ":" + options
		}
		l, err := lower.Open(config)
		if err != nil {
			return nil, err // an option is wrong: the processor itself is available
		}
		return newBackend("cpu", l, o), nil
	}
	b, err := open(options)
	if err != nil {
		return nil, err
	}
	b.rounded = sync.OnceValues(func() (*Backend, error) { // it holds nothing that needs closing
		r, err := open(strings.TrimPrefix(options+",precision=bf16", ","))
		if err != nil {
			return nil, fmt.Errorf("backend cpu: %w: %w", ErrNoDevice, err)
		}
		return r, nil
	})
	return b, nil
}

func (o Options) openGo() (*Backend, error) {
	l, err := lower.Open("go")
	if err != nil {
		return nil, fmt.Errorf("backend go: %w: %w", ErrNoDevice, err)
	}
	return newBackend("go", l, o), nil
}

func (o Options) openPlugin(path, options string) (*Backend, error) {
	if options != "" {
		options = "," + options
	}
	kind := "xla:" + pluginKind(path)
	l, err := lower.Open("xla:" + path + options)
	if err != nil {
		return nil, unopened(path, err)
	}
	b := newBackend(kind, l, o)
	b.Name += options
	return b, nil
}

// Info describes a backend.
type Info struct {
	Name      string
	Available bool
	Detail    string // the device, or why there is none
	Hint      string // how to get what is missing, if known
}

// List opens every backend in turn and describes it.
func List(o Options) []Info {
	var list []Info
	for _, name := range []string{"cpu", "go", "xla:cuda", "xla:cpu"} {
		i := Info{Name: name}
		b, err := Open(name, o)
		var m *missing
		switch {
		case err == nil:
			i.Available, i.Detail = true, b.Device().String()
			b.Close()
		case errors.As(err, &m):
			i.Detail, i.Hint = m.what, m.hint
		case errors.Is(err, lower.ErrNoCgo):
			i.Detail, i.Hint = err.Error(), "build with CGO_ENABLED=1 and a C compiler"
		default: // the plugin does not work
			i.Detail = err.Error()
		}
		list = append(list, i)
	}
	return list
}
