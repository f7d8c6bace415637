"""What the peers share: arguments, environment, parameter counts, timing and the line of JSON they print.

Import this before the framework: thread counts and library settings are read when a framework loads.

The network is the one of Westberg's thesis ("Investigating the impact of hyperparameters on GANs", section 4.2) for
32 x 32 images of one channel. With w = width (64 in the thesis), convolutions of kernel 5 and stride 2, SAME:

    generator      dense 100 -> 4*4*4w, no bias; batch norm; relu
                   transposed conv -> 2w, no bias; batch norm; relu
                   transposed conv ->  w, no bias; batch norm; relu
                   transposed conv ->  1, bias; tanh
    discriminator  conv -> w, bias; leaky relu 0.3
                   conv -> 2w, bias; batch norm (discriminator only); leaky relu
                   conv -> 4w, bias; batch norm (discriminator only); leaky relu
                   flatten; dense -> 1, bias (a logit)

Batch norm is Keras's: epsilon 1e-3, moving averages with momentum 0.99, updated in every pass of a training step.

A step is one of

    ns      NS-GAN: one update of the discriminator, then one of the generator. Inputs of the discriminator get
            Gaussian noise of deviation 0.1. Adam with betas (0.5, 0.999).
    critic  WGAN-GP: one update of the critic with the gradient penalty, weight 10. Adam with betas (0, 0.9).
    wgen    WGAN-GP: one update of the generator. Adam with betas (0, 0.9).

Learning rate 2e-4 and epsilon 1e-7 throughout. Everything is float32. The batch of real images is made once and stays in
memory; latent vectors, noise and interpolation weights are drawn anew in each step, by the framework's own generator.
"""

import argparse
import ctypes
import json
import os
import resource
import statistics
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # some machines set these for old libraries; they slow new ones
    os.environ.pop(name, None)

# glibc would give the memory of large arrays back to the system, and page it in anew in every step: 1 to 6 % of PyTorch's time.
if hasattr(libc := ctypes.CDLL(None), "mallopt"):
    M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
    libc.mallopt(M_MMAP_THRESHOLD, 1 << 30), libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)

LATENT, SIZE, CHANNELS = 100, 32, 1
LEARNING_RATE, EPSILON = 2e-4, 1e-7
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.99
SLOPE, NOISE, PENALTY = 0.3, 0.1, 10.0
LEAST_STEPS = 3  # timed even when --max-seconds has passed


def betas(step):
    return (0.5, 0.999) if step == "ns" else (0.0, 0.9)


def arguments(layouts=("default",), precisions=("float32",), compile=False):
    """Reads the command line: layouts and precisions that this peer knows, the defaults first, and if it can --compile."""
    p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--step", choices=("ns", "critic", "wgen"), default="ns")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--width", type=int, default=64, help="channels of the layer next to the image")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--steps", type=int, default=12, help="steps to time, after a first one that is timed apart")
    p.add_argument("--max-seconds", type=float, default=30, help=f"stop earlier, but not before {LEAST_STEPS} steps")
    p.add_argument("--layout", choices=layouts, default=layouts[0])
    p.add_argument("--precision", choices=precisions, default=precisions[0])
    if compile:
        p.add_argument("--compile", action="store_true", help="the framework's own compiler")
    return p.parse_args()


def parameters(width, norm):
    """Trainable parameters of the generator and of the discriminator (norm) or critic (no norm), from the table above."""
    w, taps = width, 25
    generator = (
        LATENT * 64 * w + 2 * 4 * w
        + taps * 4 * w * 2 * w + 2 * 2 * w
        + taps * 2 * w * w + 2 * w
        + taps * w * CHANNELS + CHANNELS
    )
    discriminator = (
        taps * CHANNELS * w + w
        + taps * w * 2 * w + 2 * w
        + taps * 2 * w * 4 * w + 4 * w
        + 64 * w + 1
        + (2 * (2 * w + 4 * w) if norm else 0)
    )
    return {"generator": generator, "discriminator": discriminator}


def peak_mb():
    """The most memory that the process has held."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def measure(system, version, args, counts, imported_mb, step):
    """Times step(), which runs one step and returns its losses as numbers, and prints the line of JSON.

    counts holds the parameters that the framework counted in its own networks: they must be those of the thesis. imported_mb is
    peak_mb() just after the framework was imported.
    """
    want = parameters(args.width, norm=args.step == "ns")
    if counts != want:
        sys.exit(f"{system}: parameters: got {counts}, want {want}")

    def timed():
        """Wall and processor seconds of a step."""
        start, cpu = time.perf_counter(), time.process_time()
        losses = step()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        if not all(abs(loss) < 1e6 for loss in losses):  # false for NaN, too
            sys.exit(f"{system}: {args.step} step diverged: losses {losses}")
        return seconds, cpu

    (first, _), seconds, cpu = timed(), [], []
    while len(seconds) < args.steps and (len(seconds) < LEAST_STEPS or sum(seconds) < args.max_seconds):
        for series, value in zip((seconds, cpu), timed()):
            series.append(value)
    best, median = min(seconds), statistics.median(seconds)
    print(json.dumps({
        "system": system,
        "version": version,
        "step": args.step,
        "batch": args.batch,
        "width": args.width,
        "threads": args.threads,
        "layout": args.layout,
        "precision": args.precision,
        "parameters": counts,
        "steps": len(seconds),
        "first_s": round(first, 6),
        "best_s": round(best, 6),
        "mean_s": round(statistics.fmean(seconds), 6),
        "median_s": round(median, 6),
        "cpu_s": round(statistics.median(cpu), 6),
        "samples_per_s": round(args.batch / best, 2),
        "samples_per_s_median": round(args.batch / median, 2),
        "peak_mb": peak_mb(),
        "imported_mb": imported_mb,
    }), flush=True)
