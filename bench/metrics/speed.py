"""Prints the time and peak memory of metrics in starsweep and in the packages that papers use, on the same features.

    python bench/metrics/speed.py [--n 10000] [--d 2048] [--rounds 3] [--tasks fid,precision,kid]

needs bench/requirements-metrics.txt and Go. Each run is a separate process that loads the features, then is timed. Peak memory is that of
the whole process: features (2 x 82 MB at the default size) and, for Python, NumPy, SciPy and PyTorch. Rounds are outermost; the
table has the best of each. The last column is the largest share of the machine's CPU time used by other processes meanwhile: above a
few percent, only CPU seconds are comparable.
"""
import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from peers import busy_seconds, own_seconds  # noqa: E402


# Each of these imports what it needs and returns the function to time: numbers from the real features a and the fake ones b.

def pytorch_fid():
    from pytorch_fid.fid_score import calculate_frechet_distance as distance

    return lambda a, b: [distance(a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False))]


def torch_fidelity_fid():
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics as stats, fid_statistics_to_metric as distance

    return lambda a, b: distance(stats(torch.from_numpy(a)), stats(torch.from_numpy(b)), False).values()


def prdc_precision():
    from prdc.prdc import compute_prdc

    def measure(a, b):
        with contextlib.redirect_stdout(sys.stderr):  # it prints
            r = compute_prdc(a, b, nearest_k=3)
        return [r[k] for k in ("precision", "recall", "density", "coverage")]

    return measure


def torch_fidelity_precision():
    import torch
    from torch_fidelity.metric_prc import prc_features_to_metric

    def measure(a, b):
        r = prc_features_to_metric(torch.from_numpy(b), torch.from_numpy(a), prc_neighborhood=3, verbose=False)
        return [r["precision"], r["recall"]]

    return measure


def torch_fidelity_kid():
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric as distance

    return lambda a, b: distance(torch.from_numpy(a), torch.from_numpy(b), verbose=False).values()


def clean_fid_kid():
    from cleanfid.fid import kernel_distance

    return lambda a, b: [kernel_distance(a, b, num_subsets=100, max_subset_size=1000)]


SYSTEMS = {
    "fid": {"pytorch-fid": pytorch_fid, "torch-fidelity": torch_fidelity_fid},
    "precision": {"prdc": prdc_precision, "torch-fidelity": torch_fidelity_precision},
    "kid": {"torch-fidelity": torch_fidelity_kid, "clean-fid": clean_fid_kid},
}


def one(task, system, d, files):
    """Runs one package on one task, in a child process."""
    warnings.filterwarnings("ignore")
    a, b = [np.fromfile(f, np.float32).reshape(-1, d) for f in files]
    measure = SYSTEMS[task][system]()
    start, cpu = time.perf_counter(), time.process_time()
    values = [float(v) for v in measure(a, b)]
    record = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(record | {"peak_mb": peak, "values": values}))


def run(command):
    # Each library chooses its own kernels.
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    start, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    out = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    wall, others = time.monotonic() - start, busy_seconds() - busy - (own_seconds() - own)
    return json.loads(out.strip().splitlines()[-1]) | {"foreign": max(others, 0) / wall / os.cpu_count()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--n", type=int, default=10000)
    p.add_argument("--d", type=int, default=2048)
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--tasks", default=",".join(SYSTEMS), help="comma-separated, of: %(default)s")
    p.add_argument("--one", nargs=2, metavar=("TASK", "SYSTEM"), help=argparse.SUPPRESS)
    p.add_argument("files", nargs="*", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.one:
        return one(*args.one, args.d, args.files)
    with tempfile.TemporaryDirectory() as folder:
        files, program = [str(Path(folder, f)) for f in ("real", "fake")], str(Path(folder, "measure"))
        subprocess.run(["go", "build", "-o", program, "./bench/metrics"], cwd=HERE.parent.parent, check=True)
        rng = np.random.default_rng(0)
        for f, mean, std in zip(files, (0, 0.02), (1, 1.05)):
            (rng.standard_normal((args.n, args.d)) * std + mean).astype(np.float32).tofile(f)
        runs = {}
        for _ in range(args.rounds):
            for task in args.tasks.split(","):
                commands = {"starsweep": [program, "-task", task, "-d", str(args.d), *files]}
                for system in SYSTEMS[task]:
                    commands[system] = [sys.executable, __file__, "--d", str(args.d), "--one", task, system, *files]
                for system, command in commands.items():
                    runs.setdefault((task, system), []).append(run(command))
                    print(task, system, runs[task, system][-1], file=sys.stderr, flush=True)
    print(f"{args.n} by {args.n} samples of {args.d}, {os.cpu_count()} CPUs, best of {args.rounds}\n")
    print("| metric | system | seconds | CPU seconds | peak MB | values | foreign load |\n|---|---|---|---|---|---|---|")
    for (task, system), rs in runs.items():
        best = min(rs, key=lambda r: r["seconds"])
        values = ", ".join(f"{v:.8g}" for v in best["values"])
        cpu, peak, foreign = min(r["cpu_seconds"] for r in rs), max(r["peak_mb"] for r in rs), max(r["foreign"] for r in rs)
        print(f"| {task} | {system} | {best['seconds']:.1f} | {cpu:.1f} | {peak} | {values} | {foreign:.0%} |")


if __name__ == "__main__":
    main()
