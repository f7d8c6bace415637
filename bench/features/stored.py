"""Writes engine/feature/testdata/inception.safetensors: features and logits by pytorch-fid, torch-fidelity and Keras of two planted
images with planted weights, for the test that needs no Python. A hash plants the numbers, here and in engine/feature/planted_test.go.

    stored.py FILE
"""

import pathlib
import sys
import tempfile

import networks
import numpy as np
import oracle
import safetensors.numpy
import torch

KEPT = 64  # features and logits stored per image


def uniform(name, n):
    """n numbers in [0, 1): 24 bits of splitmix64 over the FNV-1a hash of the name and the index."""
    h = 14695981039346656037
    for byte in name.encode():
        h = (h ^ byte) * 1099511628211 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2**24


def planted(name, shape):
    """The tensor of a name in torchvision's state_dict."""
    u = uniform(name, int(np.prod(shape)))
    if len(shape) > 1:  # He's limit
        u = (2 * u - 1) * np.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        u = 0.5 + u
    elif name.endswith("bn.weight"):
        u = 0.7 + 0.6 * u
    else:
        u = 0.6 * u - 0.3
    return u.astype(np.float32).reshape(shape)


def images():
    n, h, w, c = np.ogrid[:2, :32, :32, :3]
    return ((n * 31 + h * 7 + w * 13 + c * 29 + h * w) % 256).astype(np.uint8)


def main():
    x = images()
    state = networks.fid_state()
    for name, t in state.items():
        if t.is_floating_point():
            state[name] = torch.from_numpy(planted(name, tuple(t.shape)))
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        oracle.fid(pathlib.Path(folder), {"planted": x}, expected, state)

    net = networks.keras_network()
    convs = [k.removesuffix(".conv.weight") for k in state if k.endswith(".conv.weight")]
    made = {"conv2d": {}, "batch_normalization": {}}
    for layer in net.layers:
        kind = layer.name.rstrip("0123456789").rstrip("_")
        if kind in made:
            suffix = layer.name[len(kind):].lstrip("_")
            made[kind][int(suffix or 0)] = layer
    for i, (conv, norm) in enumerate(zip(*([layers[k] for k in sorted(layers)] for layers in made.values()))):
        conv.set_weights([state[convs[i] + ".conv.weight"].numpy().transpose(2, 3, 1, 0)])
        norm.set_weights([state[f"{convs[i]}.bn.{k}"].numpy() for k in ("bias", "running_mean", "running_var")])
    net.get_layer("predictions").set_weights([planted("predictions", (1000, 2048)).T, planted("predictions.bias", (1000,))])
    oracle.keras_features(net, {"planted": x}, expected)
    safetensors.numpy.save_file({k: np.ascontiguousarray(v[:, :KEPT]) for k, v in expected.items()}, sys.argv[1])


if __name__ == "__main__":
    main()
