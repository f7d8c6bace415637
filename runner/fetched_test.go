package runner_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/internal/safetensors"
)

func TestADataSetThatIsPresentIsNotFetchedAgain(t *testing.T) {
	home := t.TempDir()
	link(t, filepath.Join(require.Shared(t), "data", "cifar10"), filepath.Join(home, "data", "cifar10"))
	code, text := command(t, home, "data", "get", "cifar10")
	if want := "cifar10 is in " + filepath.Join(home, "data") + "\n"; code != 0 || text != want {
		t.Errorf("got exit code %d and %q, want 0 and %q", code, text, want)
	}
}

// Weights with the names and shapes of torchvision's Inception v3, all zeros.
func TestWeightsOfInceptionAreAdded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes two files of 96 MB")
	}
	home := t.TempDir()
	file := filepath.Join(home, "zeros.safetensors")
	writeInception(t, file)
	code, text := command(t, home, "features", "add", file)
	if want := "inception: added from zeros.safetensors (not a known published file)\n"; code != 0 || text != want {
		t.Fatalf("got exit code %d and %q, want 0 and %q", code, text, want)
	}
	code, text = command(t, home, "features", "list")
	if code != 0 || !regexp.MustCompile(`(?m)^inception +present +[0-9a-f]{16} `).MatchString(text) {
		t.Errorf("got exit code %d and no inception that is present in\n%s", code, text)
	}
}

func writeInception(t *testing.T, path string) {
	t.Helper()
	layers, err := os.Open("testdata/features/inception.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer layers.Close()
	var tensors []safetensors.Tensor
	zeros := func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		tensors = append(tensors, safetensors.New(name, shape, make([]float32, n)))
	}
	zeros("fc.weight", 1008, 2048)
	zeros("fc.bias", 1008)
	for lines := bufio.NewScanner(layers); lines.Scan(); {
		var layer string
		var out, in, h, w int
		if _, err := fmt.Sscan(lines.Text(), &layer, &out, &in, &h, &w); err != nil {
			if strings.HasPrefix(lines.Text(), "#") {
				continue
			}
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		zeros(layer+".conv.weight", out, in, h, w)
		for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
			zeros(layer+".bn."+name, out)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := safetensors.Write(f, tensors, nil); err != nil {
		t.Fatal(err)
	}
}
