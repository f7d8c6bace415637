"""Checks that the three peers train the same networks: with the same weights, they produce the same images, logits and slopes.

Weights are copied from JAX to Keras unchanged, and to PyTorch mirrored, because PyTorch pads on the other side (torch_dcgan.py).
"""

import os
import runpy
import sys

import common
import numpy as np

FOLDER = os.path.dirname(os.path.abspath(__file__))
WIDTH = 8
TOLERANCE = 1e-4  # relative to the largest entry; sums of float32 in different orders differ by about 1e-6


def load(peer, step):
    """The globals of a peer's script, with networks of width WIDTH in their initial state and no step run."""
    kept, common.measure, argv = common.measure, lambda *_: None, sys.argv
    sys.argv = [peer, "--step", step, "--width", str(WIDTH), "--batch", "4"]
    try:
        return runpy.run_path(os.path.join(FOLDER, peer))
    finally:
        common.measure, sys.argv = kept, argv


def agree(what, got, want):
    error = np.abs(got - want).max() / np.abs(want).max()
    print(f"{what:<32} relative difference {error:.1e}")
    if not error < TOLERANCE:
        sys.exit(f"{what}: relative difference {error:.1e}, want below {TOLERANCE:.0e}")


def to_keras(G, D, generator, discriminator):
    """Copies the weights of JAX to the networks of Keras.

    Keras stores kernels of transposed convolutions as [h w o i] and correlates with the mirrored kernel, as its gradient does.
    """
    norm = lambda p: [p["gamma"], p["beta"]]
    up = lambda kernel: kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    values = [G["dense"]]
    for n, kernel in zip(G["norm"], G["conv"]):
        values += norm(n) + [up(kernel)]
    for variable, value in zip(generator.trainable_variables, values + [G["bias"]], strict=True):
        variable.assign(value)
    values = []
    for i, (kernel, bias) in enumerate(zip(D["conv"], D["bias"])):
        values += [kernel, bias] + (norm(D["norm"][i - 1]) if i and D["norm"] else [])
    for variable, value in zip(discriminator.trainable_variables, values + [D["dense"], D["dense_bias"]], strict=True):
        variable.assign(value)


def to_pytorch(G, D, generator, discriminator):
    """Copies the weights of JAX to the networks of PyTorch, mirroring kernels and the 4 x 4 pixels of dense layers."""
    import torch

    copy = lambda parameter, value: parameter.data.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    pixels = lambda kernel: kernel.reshape(4, 4, 4 * WIDTH, -1)[::-1, ::-1].transpose(3, 2, 0, 1).reshape(-1, 64 * WIDTH)

    def copy_norm(norm, p):
        copy(norm.weight, p["gamma"])
        copy(norm.bias, p["beta"])

    copy(generator.dense.weight, pixels(G["dense"].T.copy()).T)
    for i, (kernel, n) in enumerate(zip(G["conv"], G["norm"])):
        copy(getattr(generator, f"conv{i + 1}").weight, kernel.transpose(2, 3, 0, 1))
        copy_norm(getattr(generator, f"norm{i}"), n)
    copy(generator.conv3.bias, G["bias"])
    for i, (kernel, bias) in enumerate(zip(D["conv"], D["bias"]), 1):
        copy(getattr(discriminator, f"conv{i}").weight, kernel[::-1, ::-1].transpose(3, 2, 0, 1))
        copy(getattr(discriminator, f"conv{i}").bias, bias)
        if i > 1 and D["norm"]:
            copy_norm(getattr(discriminator, f"norm{i}"), D["norm"][i - 2])
    copy(discriminator.dense.weight, pixels(D["dense"]))
    copy(discriminator.dense.bias, D["dense_bias"])


def check(step):
    t, k, j = load("torch_dcgan.py", step), load("keras_dcgan.py", step), load("jax_dcgan.py", step)
    import jax
    import tensorflow as tf
    import torch

    rng = np.random.default_rng(0)
    shake = lambda tree: jax.tree.map(lambda a: (0.1 * rng.standard_normal(a.shape)).astype("float32"), tree)
    G, D = shake(j["G"]), shake(j["D"])  # random biases and scales, too, so that no mistake in them is hidden
    to_keras(G, D, k["G"], k["D"])
    to_pytorch(G, D, t["G"], t["D"])
    z = rng.standard_normal((4, common.LATENT)).astype("float32")
    x = rng.standard_normal((4, common.SIZE, common.SIZE, common.CHANNELS)).astype("float32")

    images = np.asarray(j["generate"](G, j["averages_g"], z)[0])
    agree(f"{step}: images, Keras and JAX", k["G"](z, training=True).numpy(), images)
    agree(f"{step}: images, PyTorch and JAX", t["G"](torch.from_numpy(z)).detach().numpy().transpose(0, 2, 3, 1)[:, ::-1, ::-1], images)

    out = lambda x: j["judge"](D, j["averages_d"], x)[0]
    logits, slope = np.asarray(out(x)), np.asarray(jax.grad(lambda x: out(x).sum())(x))
    with tf.GradientTape() as tape:
        image = tf.constant(x)
        tape.watch(image)
        y = k["D"](image, training=True)
    agree(f"{step}: logits, Keras and JAX", y.numpy(), logits)
    agree(f"{step}: slopes, Keras and JAX", tape.gradient(y, image).numpy(), slope)
    mirrored = np.ascontiguousarray(x[:, ::-1, ::-1].transpose(0, 3, 1, 2))
    image = torch.from_numpy(mirrored).requires_grad_(True)
    y = t["D"](image)
    agree(f"{step}: logits, PyTorch and JAX", y.detach().numpy(), logits)
    (g,) = torch.autograd.grad(y.sum(), image)
    agree(f"{step}: slopes, PyTorch and JAX", g.numpy().transpose(0, 2, 3, 1)[:, ::-1, ::-1], slope)


if __name__ == "__main__":
    for step in ("ns", "critic"):
        check(step)
