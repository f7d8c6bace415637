package train

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

func TestOpenNamesWhatItKnows(t *testing.T) {
	dir := t.TempDir()
	if !canXLA {
		if _, err := Open("xla", Options{}); !errors.Is(err, errNoCgo) || !errors.Is(err, ErrNoDevice) {
			t.Errorf("xla without cgo: got %v", err)
		}
		return
	}
	for name, want := range map[string]string{
		"tpu":        `backend: got "tpu", want one of auto, cpu, go, xla, xla:cuda, xla-cpu, or xla: and the absolute path of a plugin`,
		"xla:b.so":   "backend: got",
		"xla-cpu":    "a PJRT plugin for cpu was not found in " + dir + "; get it with make pjrt-cpu",
		"xla:cuda":   "a PJRT plugin for cuda was not found in " + dir,
		"xla":        "a PJRT plugin was not found in " + dir,
		"xla:/no.so": "backend xla:",
	} {
		b, err := Open(name, Options{PluginDir: dir})
		if err == nil || b != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	b, err := Open("auto", Options{})
	if err != nil || !strings.HasPrefix(b.Name, "cpu ") || b.Device() == "" {
		t.Fatalf("auto without plugins: %v, %v", b, err)
	}
	b.Close()
}

func TestPluginsAreFoundByTheirNames(t *testing.T) {
	first, cache := t.TempDir(), t.TempDir()
	for _, f := range []string{
		filepath.Join(first, "xla_cuda13", "xla_cuda_plugin.so"), filepath.Join(first, "libc.so"), filepath.Join(cache, "xla_cpu_pjrt.so"),
		filepath.Join(cache, "pjrt_c_api_cuda_plugin.so"),
	} {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte("not a library"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{Plugins: []string{first}, PluginDir: cache}
	if got, want := o.find("cuda"), filepath.Join(first, "xla_cuda13", "xla_cuda_plugin.so"); got != want {
		t.Errorf("cuda: got %s, want %s", got, want)
	}
	if got, want := o.find("cpu"), filepath.Join(cache, "xla_cpu_pjrt.so"); got != want {
		t.Errorf("cpu: got %s, want %s", got, want)
	}
	if b, err := Open("auto", o); err != nil || !strings.HasPrefix(b.Name, "cpu ") { // the plugin is broken: training goes on without
		t.Errorf("auto with a broken plugin: %v, %v", b, err)
	}
}

func TestListSaysWhatIsMissing(t *testing.T) {
	for _, i := range List(Options{PluginDir: t.TempDir()}) {
		ours := i.Name == "cpu" || i.Name == "go"
		if i.Available != ours || i.Detail == "" || !ours && i.Hint == "" {
			t.Errorf("%+v", i)
		}
	}
}

func TestXLACPUIsFoundInTheCache(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: cpu only")
	}
	plugin := require.Tool(t, "STARSWEEP_PJRT", "pjrt-cpu")
	b, err := Open("xla-cpu", Options{PluginDir: filepath.Dir(plugin)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Name != "xla:cpu" || !strings.Contains(b.Device(), "CPU") {
		t.Errorf("%s: %s", b.Name, b.Device())
	}
}

// Kernels and precision are part of a backend's name, threads are not.
func TestNamesSayAllThatDecidesBits(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"cpu:kernels=go", "cpu go"}, {"cpu:kernels=go,threads=1", "cpu go"}, {"cpu:threads=3,kernels=go", "cpu go"},
		{"cpu:kernels=avx2", "cpu avx2"}, {"cpu:kernels=avx512", "cpu avx512"}, {"cpu:kernels=avx512,precision=bf16", "cpu avx512 bf16"},
		{"cpu:kernels=avx512,precision=f32", "cpu avx512"},
	} {
		b, err := Open(c.config, Options{})
		if err != nil && !strings.HasPrefix(c.want, "cpu go") {
			t.Logf("%s: %v", c.config, err) // not on this processor
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := c.want + ", " + runtime.GOARCH; b.Name != c.want || b.Numerics() != want {
			t.Errorf("%s: got the name %q and the numerics %q, want %q and %q", c.config, b.Name, b.Numerics(), c.want, want)
		}
		b.Close()
	}
}
