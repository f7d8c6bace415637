package feature

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// graphLayers are the layers of the published file with the shapes of their kernels, as torch.jit.load lists them.
func graphLayers(t *testing.T) map[string][]int {
	t.Helper()
	text, err := os.ReadFile("testdata/graph-names.txt")
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string][]int{}
	for line := range strings.Lines(string(text)) {
		var name string
		s := make([]int, 4)
		if _, err := fmt.Sscan(line, &name, &s[0], &s[1], &s[2], &s[3]); err != nil {
			t.Fatal(err)
		}
		layers[name] = s
	}
	return layers
}

func TestEveryLayerHasItsNameInTheGraph(t *testing.T) {
	want, got := graphLayers(t), map[string][]int{}
	layers, shapes := inceptionKernels()
	for _, layer := range layers {
		s := shapes[layer]
		got[graphName(layer)] = []int{s[3], s[2], s[0], s[1]}
	}
	if len(want) != 94 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d layers, want the %d of testdata/graph-names.txt", len(got), len(want))
		for name := range got {
			if !slices.Equal(got[name], want[name]) {
				t.Errorf("%s: got %v, want %v", name, got[name], want[name])
			}
		}
	}
}

// plantedGraph is plantedFID under the names of the graph, which has neither a scale nor logits.
func plantedGraph(fid weights) weights {
	w := weights{}
	for _, layer := range convolutions(inceptionFID) {
		name := "net.layers." + graphName(layer) + "."
		w[name+"weight"], w[name+"beta"] = fid[layer+".conv.weight"], fid[layer+".bn.bias"]
		w[name+"mean"], w[name+"var"] = fid[layer+".bn.running_mean"], fid[layer+".bn.running_var"]
	}
	return w
}

func TestTheGraphHasTheSameWeightsAsTorchvision(t *testing.T) {
	fid := plantedFID()
	for name := range maps.Clone(fid) {
		if strings.HasSuffix(name, ".bn.weight") {
			for i := range fid[name].data {
				fid[name].data[i] = 1
			}
		}
	}
	want, _, err := fid.recognize()
	if err != nil {
		t.Fatal(err)
	}
	graph := plantedGraph(fid)
	got, name, err := graph.recognize()
	if err != nil || name != "inception" {
		t.Fatalf("got %q, %v", name, err)
	}
	delete(want, logitsLayer+"/kernel")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %d tensors, want the same %d", len(got), len(want))
	}
	_, _, err = without(graph, "net.layers.mixed_7.tower_1.conv_3.beta").recognize()
	if err == nil || !strings.Contains(err.Error(), "net.layers.mixed_7.tower_1.conv_3.beta is missing") {
		t.Errorf("got error %v", err)
	}
}

func TestANetworkWithoutLogitsHasFeaturesOnly(t *testing.T) {
	w, _, err := plantedGraph(plantedFID()).recognize()
	if err != nil {
		t.Fatal(err)
	}
	st := Store{Dir: t.TempDir()}
	if err := st.write(w, Origin{Network: "inception"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inception", "inception-ttur"} {
		if e := opened(t, name, st); e.Logits != 0 {
			t.Errorf("%s: got %d logits, want none", name, e.Logits)
		}
	}
}
