"""Times the FID network in PyTorch and in starsweep's backend cpu, alternately, 48 images at a time.

    speed.py [--rounds 3] [--batches 3] [--threads N]

PyTorch runs pytorch-fid's extractor in both memory layouts on a batch of 48; starsweep runs BenchmarkInception of engine/feature on three
of its own batches. The time includes resizing 32 x 32 images to 299 x 299. The best batch of a round counts. On a machine with other
load, compare the CPU time of one thread (--threads 1).
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import time

import networks
import torch

BATCH = 48
ROOT = pathlib.Path(__file__).parents[2]


def pytorch(net, layout, batches):
    """The best wall-clock and CPU seconds of a batch."""
    x = torch.rand(BATCH, 3, 32, 32).to(memory_format=layout)
    net = net.to(memory_format=layout)
    wall, cpu = [], []
    with torch.inference_mode():
        for _ in range(batches + 1):
            start = time.perf_counter(), time.process_time()
            net(x)
            wall.append(time.perf_counter() - start[0])
            cpu.append(time.process_time() - start[1])
    return min(wall[1:]), min(cpu[1:])  # the first is a warm-up


def starsweep(threads, batches):
    env = os.environ | {"GOMAXPROCS": str(threads)}
    run = ["go", "test", "-run", "^$", "-bench", "Inception", "-benchtime", "1x", "-count", str(batches), "./engine/feature"]
    out = subprocess.run(run, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
    best = lambda unit: min(float(v) for v in re.findall(r"([\d.]+) " + unit, out))
    return best("ns/op") / 1e9, best("cpu-s/op")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--batches", type=int, default=3)
    args.add_argument("--threads", type=int, default=os.cpu_count())
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    net = networks.pytorch_fid_network(networks.fid_state())
    systems = {
        "pytorch": lambda: pytorch(net, torch.contiguous_format, args.batches),
        "pytorch-channels_last": lambda: pytorch(net, torch.channels_last, args.batches),
        "starsweep-cpu": lambda: starsweep(args.threads, args.batches),
    }
    seconds = {name: [] for name in systems}
    for _ in range(args.rounds):
        for name, run in systems.items():
            seconds[name].append(run())
    print(f"| system, threads: {args.threads} | images/s | images per CPU second | speed / PyTorch's | CPU speed / PyTorch's |")
    print("|---|---|---|---|---|")
    for name, v in seconds.items():
        cells = [", ".join(f"{BATCH / x[i]:.1f}" for x in v) for i in range(2)]
        faster = [[min(a[i], b[i]) for a, b in zip(seconds["pytorch"], seconds["pytorch-channels_last"])] for i in range(2)]
        cells += [f"{statistics.median(f / x[i] for f, x in zip(faster[i], v)):.2f}" for i in range(2)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
