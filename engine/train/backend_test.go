package train

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/internal/require"
)

func TestErrorsOfOpenListTheNames(t *testing.T) {
	dir := t.TempDir()
	if !lower.HasXLA {
		if _, err := Open("xla", Options{}); !errors.Is(err, lower.ErrNoCgo) || !errors.Is(err, ErrNoDevice) {
			t.Errorf("xla without cgo: got %v", err)
		}
		return
	}
	for name, want := range map[string]string{
		"tpu":        `backend: got "tpu", want one of auto, cpu, go, xla, xla:cuda, xla:cpu, or xla: and the absolute path of a plugin`,
		"xla:b.so":   "backend: got",
		"xla:cpu":    "a PJRT plugin for cpu was not found in " + dir + "; install it with make pjrt-cpu",
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
	if err != nil || !strings.HasPrefix(b.Name, "cpu ") || b.Device().String() == "" {
		t.Fatalf("auto without plugins: %v, %v", b, err)
	}
	b.Close()
}

func TestNamesOfBackendsAreParsed(t *testing.T) {
	for name, want := range map[string]backendName{
		"auto":                    {family: "auto"},
		"auto,tf32=false":         {family: "auto", options: "tf32=false"},
		"cpu":                     {family: "cpu"},
		"cpu:threads=1,nofuse":    {family: "cpu", options: "threads=1,nofuse"},
		"go":                      {family: "go"},
		"xla":                     {family: "xla"},
		"xla,tf32=false":          {family: "xla", options: "tf32=false"},
		"xla:cpu":                 {family: "xla", plugin: "cpu"},
		"xla:cuda,tf32=0,a=b":     {family: "xla", plugin: "cuda", options: "tf32=0,a=b"},
		"xla:/a/cpu.so":           {family: "xla", plugin: "/a/cpu.so"},
		"xla:/a/b:c.so,tf32=true": {family: "xla", plugin: "/a/b:c.so", options: "tf32=true"},
	} {
		if got, err := parse(name); err != nil || got != want {
			t.Errorf("%s: got %+v and the error %v, want %+v", name, got, err, want)
		}
	}
	const want = "want one of auto, cpu, go, xla, xla:cuda, xla:cpu, or xla: and the absolute path of a plugin"
	for name, want := range map[string]string{
		"": want, "tpu": want, "cpu,threads=1": want, "cpux": want, "go:x": want, "auto:cpu": want,
		"xla:": want, "xla:tpu": want, "xla:b.so": want,
		"xla-cpu": `got "xla-cpu", which is now spelled xla:cpu`, "xla-cuda,tf32=false": "which is now spelled xla:cuda,tf32=false",
	} {
		if got, err := parse(name); err == nil || !strings.HasPrefix(err.Error(), "backend: got ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %+v and the error %v, want %s", name, got, err, want)
		}
	}
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
	if b, err := Open("auto", o); err != nil || !strings.HasPrefix(b.Name, "cpu ") { // the plugin is broken: cpu is used instead
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

func TestPluginsAreFoundInTheCache(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: cpu only")
	}
	plugin := require.Tool(t, "STARSWEEP_PJRT", "pjrt-cpu")
	kind := pluginKind(plugin)
	b, err := Open("xla:"+kind, Options{PluginDir: filepath.Dir(plugin)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Name != "xla:"+kind || !strings.Contains(strings.ToLower(b.Device().String()), kind) {
		t.Errorf("%s: %s", b.Name, b.Device())
	}
}

// Kernels and precision are part of a backend's name, threads are not.
func TestNamesIdentifyTheBits(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"cpu:kernels=go", "cpu go"}, {"cpu:kernels=go,threads=1", "cpu go"}, {"cpu:threads=3,kernels=go", "cpu go"},
		{"cpu:kernels=avx2", "cpu avx2"}, {"cpu:kernels=avx512", "cpu avx512"}, {"cpu:kernels=avx512,precision=bf16", "cpu avx512 bf16"},
		{"cpu:kernels=avx512,precision=f32", "cpu avx512"},
	} {
		b, err := Open(c.config, Options{})
		if err != nil && !strings.HasPrefix(c.want, "cpu go") {
			t.Logf("%s: %v", c.config, err) // this processor lacks the kernels
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
