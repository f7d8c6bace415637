//go:build cgo && (linux || darwin)

package lower

import (
	"flag"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"k8s.io/klog/v2"
)

// HasXLA reports whether this binary can load PJRT plugins.
const HasXLA = true

// openXLA loads the plugin with dlopen, the only part of go-xla that needs C. The config is an absolute path and options.
//
// On CUDA, go-xla by default rounds the operands of products to TF32, whose fractions have 10 bits. Resized images would then differ
// from other backends' by 1e-3, and so would the features and FID of them. Products are a small part of a training step.
func openXLA(config string) (compute.Backend, error) {
	quiet()
	if !strings.Contains(config, ",tf32=") {
		config += ",tf32=false"
	}
	return xla.New(config)
}

// quiet limits what go-xla logs to errors. It warns in many lines that the folder beside a CUDA plugin lacks NVIDIA's libraries, which
// the plugin of the Python package jax-cuda13-pjrt finds without.
var quiet = sync.OnceFunc(func() {
	var f flag.FlagSet
	klog.InitFlags(&f)
	for name, value := range map[string]string{"stderrthreshold": "ERROR", "legacy_stderr_threshold_behavior": "false"} {
		if err := f.Set(name, value); err != nil {
			panic(err) // this version of klog has the flags
		}
	}
})
