package train

import (
	"fmt"
	"path/filepath"
	"strings"
)

// find returns the path of the first plugin of a kind, "" if there is none.
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

// pluginKind returns a plugin's kind of device, by the name of its file: xla_cuda_plugin.so, pjrt_c_api_cuda_plugin.so,
// xla_cpu_pjrt.so, libpjrt_cpu.so. Other libraries are "other".
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

// missing is the error of a plugin that no folder has.
type missing struct{ what, hint string }

func (e *missing) Error() string { return e.what + "; " + e.hint }
func (e *missing) Unwrap() error { return ErrNoDevice }

func (o Options) missing(kind string) error {
	what := "a PJRT plugin"
	if kind != "" {
		what += " for " + kind
	}
	return &missing{fmt.Sprintf("backend xla: %v: %s was not found in %s", ErrNoDevice, what, strings.Join(o.folders(), ", ")), hints[kind]}
}

// hints say how to get a plugin of a kind, or any.
var hints = map[string]string{
	"":    "make pjrt-cpu installs the one for cpu, pip install \"jax[cuda13]\" the one for cuda",
	"cpu": "install it with make pjrt-cpu",
	"cuda": "install it and NVIDIA's libraries with pip install \"jax[cuda13]\", and set PJRT_PLUGIN_LIBRARY_PATH to its folder, " +
		"which python -c \"import jax_plugins.xla_cuda13 as p; print(p.__path__[0])\" prints",
}
