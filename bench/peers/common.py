"""Shared by the peers: arguments, environment, parameter counts, timing and the JSON record.

Import this before the framework, which reads thread counts and library settings when it loads.

The networks are those of Westberg's thesis ("Investigating the impact of hyperparameters on GANs", section 4.2) for
32 x 32 images of one channel. With w = width (64 in the thesis), convolutions of kernel 5 and stride 2, SAME:

    generator      dense 100 -> 4*4*4w, no bias; batch norm; relu
                   transposed conv -> 2w, no bias; batch norm; relu
                   transposed conv ->  w, no bias; batch norm; relu
                   transposed conv ->  1, bias; tanh
    discriminator  conv -> w, bias; leaky relu 0.3
                   conv -> 2w, bias; batch norm (discriminator only); leaky relu
                   conv -> 4w, bias; batch norm (discriminator only); leaky relu
                   flatten; dense -> 1, bias (a logit)

Batch norm is as in Keras: epsilon 1e-3, moving averages with momentum 0.99, updated in every pass of a training step.

The steps are:

    ns      NS-GAN: one update of the discriminator, then one of the generator. Gaussian noise of deviation 0.1 is added
            to the inputs of the discriminator. Adam with betas (0.5, 0.999).
    critic  WGAN-GP: one update of the critic with the gradient penalty, weight 10. Adam with betas (0, 0.9).
    wgen    WGAN-GP: one update of the generator. Adam with betas (0, 0.9).

The learning rate is 2e-4 and epsilon 1e-7. Everything is float32. The batch of real images is created once and stays in
memory; each step draws latent vectors, noise and interpolation weights with the framework's own generator.
"""

import argparse
import ctypes
import json
import os
import resource
import statistics
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # some machines set these for old libraries; they slow down new ones
    os.environ.pop(name, None)

# glibc would return the memory of large arrays to the system and fault it in again in every step: 1 to 6% of PyTorch's time.
if hasattr(libc := ctypes.CDLL(None), "mallopt"):
    M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
    libc.mallopt(M_MMAP_THRESHOLD, 1 << 30), libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)

LATENT, SIZE, CHANNELS = 100, 32, 1
LEARNING_RATE, EPSILON = 2e-4, 1e-7
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.99
SLOPE, NOISE, PENALTY = 0.3, 0.1, 10.0
LEAST_STEPS = 3  # timed even after --max-seconds


def betas(step):
    return (0.5, 0.999) if step == "ns" else (0.0, 0.9)


def arguments(layouts=("default",), precisions=("float32",), devices=("cpu",), compile=False):
    """Parses the command line. The first of each list is the default; compile adds --compile and --graph."""
    p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--step", choices=("ns", "critic", "wgen"), default="ns")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--width", type=int, default=64, help="channels of the layer closest to the image")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--steps", type=int, default=12, help="how often to time --together steps after the first, which is timed alone")
    p.add_argument("--max-seconds", type=float, default=30, help=f"stop after this time, but not before {LEAST_STEPS} steps")
    p.add_argument("--layout", choices=layouts, default=layouts[0])
    p.add_argument("--precision", choices=precisions, default=precisions[0])
    p.add_argument("--device", choices=devices, default=devices[0])
    p.add_argument("--together", type=int, default=1, metavar="N", help="fetch the losses after every N steps only")
    if compile:
        p.add_argument("--compile", action="store_true", help="the framework's own compiler")
        p.add_argument("--graph", action="store_true", help="record a step as a CUDA graph and replay it")
    return p.parse_args()


def parameters(width, norm):
    """The number of trainable parameters of the generator and of the discriminator (norm) or critic (no norm) above."""
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
    """The peak memory of the process, in MB of 10^6 bytes, as starsweep reports it. Linux counts it in units of 1,024 bytes."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


def measure(system, version, args, counts, imported_mb, step):
    """Times step(), which runs or starts one step and returns its losses, and prints the JSON record. Losses need not be there
    yet: float(loss) waits for them.

    counts are the parameters counted by the framework in its own networks, which must match the thesis. imported_mb is peak_mb()
    right after the import of the framework.
    """
    want = parameters(args.width, norm=args.step == "ns")
    if counts != want:
        sys.exit(f"{system}: parameters: got {counts}, want {want}")

    def timed(steps):
        """Wall-clock and CPU seconds of a step, as the mean of so many."""
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            losses = step()
        losses = [float(loss) for loss in losses]
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        if not all(abs(loss) < 1e6 for loss in losses):  # also catches NaN
            sys.exit(f"{system}: {args.step} step diverged: losses {losses}")
        return seconds / steps, cpu / steps

    (first, _), seconds, cpu = timed(1), [], []
    if args.together > 1:
        timed(args.together)  # the second step may compile again, and the first ones choose algorithms
    while len(seconds) < args.steps and (len(seconds) < LEAST_STEPS or sum(seconds) * args.together < args.max_seconds):
        for series, value in zip((seconds, cpu), timed(args.together)):
            series.append(value)
    best, median = min(seconds), statistics.median(seconds)
    print(json.dumps({
        "system": system,
        "version": version,
        "step": args.step,
        "batch": args.batch,
        "width": args.width,
        "threads": args.threads,
        "together": args.together,
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
