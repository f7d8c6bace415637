"""The training steps of common.py in JAX, each as one jitted function that updates its state in place."""

import os

import common

args = common.arguments(devices=("cpu", "cuda"))
os.environ["JAX_PLATFORMS"] = args.device
if args.device == "cpu":
    # XLA's CPU client uses one thread per CPU of the process; there is no option for it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])

import jax
import jax.numpy as jnp
from jax import lax, random

imported_mb = common.peak_mb()

NORMALIZE = args.step == "ns"  # batch norm in the discriminator
BETA1, BETA2 = common.betas(args.step)
AXES = ("NHWC", "HWIO", "NHWC")


def conv(x, kernel):
    return lax.conv_general_dilated(x, kernel, (2, 2), "SAME", dimension_numbers=AXES)


def conv_transpose(x, kernel):
    return lax.conv_transpose(x, kernel, (2, 2), "SAME", dimension_numbers=AXES)


def leaky_relu(x):
    return jax.nn.leaky_relu(x, common.SLOPE)


def batch_norm(x, p, average):
    """Normalizes over batch and pixels; also returns the moving averages of mean and variance."""
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    m = common.NORM_MOMENTUM
    average = jax.tree.map(lambda old, new: m * old + (1 - m) * lax.stop_gradient(new), average, (mean, var))
    return (x - mean) * lax.rsqrt(var + common.NORM_EPSILON) * p["gamma"] + p["beta"], average


def norm_parameters(channels):
    return {"gamma": jnp.ones(channels), "beta": jnp.zeros(channels)}, (jnp.zeros(channels), jnp.ones(channels))


def init_generator(key, w):
    """The parameters and the moving averages of batch norm."""
    keys = iter(random.split(key, 4))
    kernel = lambda *shape: 0.02 * random.normal(next(keys), shape)
    norms, averages = zip(*(norm_parameters(c) for c in (4 * w, 2 * w, w)))
    return {
        "dense": kernel(common.LATENT, 64 * w),
        "conv": (kernel(5, 5, 4 * w, 2 * w), kernel(5, 5, 2 * w, w), kernel(5, 5, w, common.CHANNELS)),
        "bias": jnp.zeros(common.CHANNELS),
        "norm": norms,
    }, averages


def init_discriminator(key, w):
    keys = iter(random.split(key, 4))
    kernel = lambda *shape: 0.02 * random.normal(next(keys), shape)
    norms, averages = zip(*(norm_parameters(c) for c in (2 * w, 4 * w))) if NORMALIZE else ((), ())
    return {
        "conv": (kernel(5, 5, common.CHANNELS, w), kernel(5, 5, w, 2 * w), kernel(5, 5, 2 * w, 4 * w)),
        "bias": (jnp.zeros(w), jnp.zeros(2 * w), jnp.zeros(4 * w)),
        "norm": norms,
        "dense": kernel(64 * w, 1),
        "dense_bias": jnp.zeros(1),
    }, averages


def generate(p, averages, z):
    """The images and the new moving averages."""
    h, new = (z @ p["dense"]).reshape(len(z), 4, 4, -1), []
    for kernel, norm, average in zip(p["conv"], p["norm"], averages):
        h, average = batch_norm(h, norm, average)
        h = conv_transpose(jax.nn.relu(h), kernel)
        new.append(average)
    return jnp.tanh(h + p["bias"]), tuple(new)


def judge(p, averages, x):
    """The logits and the new moving averages."""
    h, new = leaky_relu(conv(x, p["conv"][0]) + p["bias"][0]), []
    for i in (1, 2):
        h = conv(h, p["conv"][i]) + p["bias"][i]
        if NORMALIZE:
            h, average = batch_norm(h, p["norm"][i - 1], averages[i - 1])
            new.append(average)
        h = leaky_relu(h)
    return h.reshape(len(h), -1) @ p["dense"] + p["dense_bias"], tuple(new)


def init_adam(p):
    zeros = lambda: jax.tree.map(jnp.zeros_like, p)
    return {"m": zeros(), "v": zeros(), "t": jnp.zeros(())}


def adam(p, state, gradient):
    """Kingma and Ba (2015), section 2, with both corrections folded into the step size."""
    t = state["t"] + 1
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, state["m"], gradient)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, state["v"], gradient)
    size = common.LEARNING_RATE * jnp.sqrt(1 - BETA2**t) / (1 - BETA1**t)
    p = jax.tree.map(lambda p, m, v: p - size * m / (jnp.sqrt(v) + common.EPSILON), p, m, v)
    return p, {"m": m, "v": v, "t": t}


def latent(key):
    return random.normal(key, (args.batch, common.LATENT))


def noisy(x, key):
    return x + common.NOISE * random.normal(key, x.shape)


def update_discriminator(s, loss):
    """Updates D. loss maps its parameters and averages to the loss and the new averages."""
    (value, averages), gradient = jax.value_and_grad(loss, has_aux=True)(s["D"], s["averages_d"])
    p, state = adam(s["D"], s["adam_d"], gradient)
    return s | {"D": p, "adam_d": state, "averages_d": averages}, value


def update_generator(s, loss):
    """Updates G. loss maps its parameters to the loss and the new averages of both players."""
    (value, (g, d)), gradient = jax.value_and_grad(loss, has_aux=True)(s["G"])
    p, state = adam(s["G"], s["adam_g"], gradient)
    return s | {"G": p, "adam_g": state, "averages_g": g, "averages_d": d}, value


def ns(s, real, key):
    k = random.split(key, 5)
    fake, averages = generate(s["G"], s["averages_g"], latent(k[0]))
    s = s | {"averages_g": averages}

    def loss_d(p, averages):
        on_real, averages = judge(p, averages, noisy(real, k[1]))
        on_fake, averages = judge(p, averages, noisy(fake, k[2]))
        return jax.nn.softplus(-on_real).mean() + jax.nn.softplus(on_fake).mean(), averages

    s, value_d = update_discriminator(s, loss_d)

    def loss_g(p):
        fake, g = generate(p, s["averages_g"], latent(k[3]))
        out, d = judge(s["D"], s["averages_d"], noisy(fake, k[4]))
        return jax.nn.softplus(-out).mean(), (g, d)

    s, value_g = update_generator(s, loss_g)
    return s, (value_d, value_g)


def critic(s, real, key):
    k = random.split(key)
    fake, averages = generate(s["G"], s["averages_g"], latent(k[0]))
    s = s | {"averages_g": averages}
    e = random.uniform(k[1], (args.batch, 1, 1, 1))
    mix = e * real + (1 - e) * fake

    def loss(p, averages):
        out = lambda x: judge(p, averages, x)[0]
        slope = jax.grad(lambda x: out(x).sum())(mix)
        penalty = ((jnp.sqrt((slope**2).sum((1, 2, 3))) - 1) ** 2).mean()
        return out(fake).mean() - out(real).mean() + common.PENALTY * penalty, averages

    s, value = update_discriminator(s, loss)
    return s, (value,)


def wgen(s, real, key):
    def loss(p):
        fake, g = generate(p, s["averages_g"], latent(key))
        out, d = judge(s["D"], s["averages_d"], fake)
        return -out.mean(), (g, d)

    s, value = update_generator(s, loss)
    return s, (value,)


def count(p):
    return sum(leaf.size for leaf in jax.tree.leaves(p))


key_g, key_d, key_real, key = random.split(random.key(0), 4)
real = random.uniform(key_real, (args.batch, common.SIZE, common.SIZE, common.CHANNELS), minval=-1, maxval=1)
G, averages_g = init_generator(key_g, args.width)
D, averages_d = init_discriminator(key_d, args.width)
state = {"G": G, "averages_g": averages_g, "adam_g": init_adam(G), "D": D, "averages_d": averages_d, "adam_d": init_adam(D)}
counts = {"generator": count(G), "discriminator": count(D)}
program = jax.jit({"ns": ns, "critic": critic, "wgen": wgen}[args.step], donate_argnums=0)


def step():
    global state, key
    key, now = random.split(key)
    state, losses = program(state, real, now)
    return losses


common.measure("jax", jax.__version__, args, counts, imported_mb, step)
