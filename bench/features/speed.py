"""How many images a second the FID network takes: starsweep's cpu backend against PyTorch, in turns, batches of 50.

    speed.py [--rounds 3] [--batches 3]

PyTorch runs pytorch-fid's extractor in both memory layouts, with as many threads as there are cores; starsweep runs BenchmarkInception of engine/feature. Both
resize 32 x 32 images to 299 x 299 within the time. Best batch of each round; the ratio is to PyTorch's better layout.
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

BATCH = 50
ROOT = pathlib.Path(__file__).parents[2]


def pytorch(net, layout, batches):
    x = torch.rand(BATCH, 3, 32, 32).to(memory_format=layout)
    net = net.to(memory_format=layout)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(batches + 1):  # the first one warms up
            start = time.perf_counter()
            net(x)
            best = min(best, time.perf_counter() - start)
    return BATCH / best


def starsweep(batches):
    env = os.environ | {"GOEXPERIMENT": "simd"}
    run = ["go", "test", "-run", "^$", "-bench", "Inception", "-benchtime", "1x", "-count", str(batches), "./engine/feature"]
    out = subprocess.run(run, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
    return max(float(v) for v in re.findall(r"([\d.]+) images/s", out))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--batches", type=int, default=3)
    args = args.parse_args()
    net = networks.pytorch_fid_network(networks.fid_state())
    systems = {
        "pytorch": lambda: pytorch(net, torch.contiguous_format, args.batches),
        "pytorch-channels_last": lambda: pytorch(net, torch.channels_last, args.batches),
        "starsweep-cpu": lambda: starsweep(args.batches),
    }
    speed = {name: [] for name in systems}
    for _ in range(args.rounds):
        for name, run in systems.items():
            speed[name].append(run())
    print(f"| system, {os.cpu_count()} cores | images/s, by round | ratio to PyTorch, median |\n|---|---|---|")
    for name, v in speed.items():
        ratios = [x / max(a, b) for x, a, b in zip(v, speed["pytorch"], speed["pytorch-channels_last"])]
        print(f"| {name} | {', '.join(f'{x:.1f}' for x in v)} | {statistics.median(ratios):.2f} |")


if __name__ == "__main__":
    main()
