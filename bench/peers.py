"""Runs starsweep, PyTorch, Keras and JAX in turn on the same training steps and prints Markdown tables with ratios.

Each run is a separate process that prints one JSON record (see peers/common.py for the steps and the fields). A round runs
every system once at every point (batch, width, threads); ratios are taken within a round, to PyTorch's faster layout there, and
the tables show their median over the rounds, since the speed of a shared machine changes from minute to minute. README.md explains
the tables.

    python bench/peers.py                                           # all points, three rounds: hours; --budget 60 stops after one
    python bench/peers.py --batch 64 --width 64 --threads 2         # the thesis's networks, all systems
    python bench/peers.py --batch 64 --width 64 --threads 2 --step ns --systems pytorch-channels_last,starsweep-cpu --rounds 5
    python bench/peers.py --device cuda                             # on an NVIDIA GPU, 64 steps between two looks at the losses
"""

import argparse
import datetime
import itertools
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent / "peers"))
import tables

BENCH = Path(__file__).resolve().parent
CPUS = sorted(os.sched_getaffinity(0))
DEVICES = ("cpu", "cuda")
NO_DEVICE = 77  # exit code of starsweep if the backend is not available
FLAGS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")  # CPU flags to report
EVERYWHERE = (*tables.LAYOUTS, "starsweep-cpu")  # by default, others run only at the sizes of the thesis
THESIS = (64, 64)  # batch and width


def systems(starsweep, device):
    """The command of each system on a device, without the options common to all."""
    python = lambda script, *options: [sys.executable, str(BENCH / "peers" / script), "--device", device, *options]
    ours = lambda backend: [starsweep, "bench", "--json", "--backend", backend]
    if device == "cuda":
        return {
            "pytorch-default": python("torch_dcgan.py"),
            "pytorch-channels_last": python("torch_dcgan.py", "--layout", "channels_last"),
            "pytorch-compile": python("torch_dcgan.py", "--compile"),
            "pytorch-graph": python("torch_dcgan.py", "--graph"),
            "pytorch-graph-channels_last": python("torch_dcgan.py", "--graph", "--layout", "channels_last"),
            "jax": python("jax_dcgan.py"),
            "starsweep-xla-cuda": ours("xla:cuda"),
        }
    return {
        "pytorch-default": python("torch_dcgan.py"),
        "pytorch-channels_last": python("torch_dcgan.py", "--layout", "channels_last"),
        "pytorch-compile": python("torch_dcgan.py", "--compile"),
        "pytorch-bf16": python("torch_dcgan.py", "--precision", "bf16"),
        "pytorch-bf16-channels_last": python("torch_dcgan.py", "--precision", "bf16", "--layout", "channels_last"),
        "keras": python("keras_dcgan.py"),
        "jax": python("jax_dcgan.py"),
        "starsweep-cpu": ours("cpu"),
        "starsweep-cpu-bf16": ours("cpu:precision=bf16"),
        "starsweep-xla-cpu": ours("xla:cpu"),
    }


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {device: list(systems("", device)) for device in DEVICES}
    numbers = lambda text: [int(n) for n in text.split(",")]
    words = lambda text: text.split(",")
    p.add_argument("--device", choices=DEVICES, default="cpu")
    p.add_argument("--systems", type=words, metavar="LIST", help=f"run these at every point: {','.join(names['cpu'])} (default: all at"
                   f" batch {THESIS[0]}, width {THESIS[1]} and the most threads, {','.join(EVERYWHERE)} elsewhere); on cuda, all of"
                   f" {','.join(names['cuda'])}")
    p.add_argument("--step", action="append", choices=tables.STEPS, help="may be repeated (default: all)")
    p.add_argument("--batch", type=numbers, default=[64, 16, 256], metavar="LIST", help="default 64,16,256")
    p.add_argument("--width", type=numbers, default=[64, 16], metavar="LIST", help="default 64,16")
    p.add_argument("--threads", type=numbers, metavar="LIST", help="default: all CPUs, and 1; on cuda, all CPUs")
    p.add_argument("--together", type=int, metavar="N", help="fetch the losses after every N steps only (default 1; on cuda, 64)")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--budget", type=float, default=float("inf"), metavar="MINUTES",
                   help="after this time, finish the first round and start nothing new")
    p.add_argument("--steps", type=int, default=12, help="timed steps per run; more at smaller sizes, where steps are short")
    p.add_argument("--starsweep", default=str(BENCH.parent / "bin" / "starsweep"), help="path of the binary (default: bin/starsweep)")
    p.add_argument("--timeout", type=float, default=900, help="limit of a run, in seconds")
    p.add_argument("--quiet-only", type=float, default=float("inf"), metavar="SHARE",
                   help="drop runs with a larger foreign load, such as 0.05")
    p.add_argument("--retries", type=int, default=0, help="how often to repeat a run that --quiet-only would drop")
    p.add_argument("--json", metavar="FILE", help="also write all runs and the machine to this file after each round")
    args = p.parse_args()
    cuda = args.device == "cuda"
    args.threads = args.threads or ([len(CPUS)] if cuda else sorted({len(CPUS), 1}, reverse=True))
    args.together = args.together or (64 if cuda else 1)
    if unknown := [name for name in args.systems or [] if name not in names[args.device]]:
        p.error(f"unknown systems: got {', '.join(unknown)}, want some of {', '.join(names[args.device])}")
    if max(args.threads) > len(CPUS):
        p.error(f"--threads: got {max(args.threads)}, want at most the {len(CPUS)} CPUs of this process")
    args.step = args.step or list(tables.STEPS)
    return args


def busy_seconds():
    """CPU seconds used on the whole machine since it booted, including those taken by the hypervisor (steal)."""
    with open("/proc/stat") as f:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """CPU seconds of this process and its finished children."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def run(command, args, step, point, environment):
    """The record of one run and the share of the machine's CPU time used by other processes; None without a device."""
    batch, width, threads = point
    steps = args.steps if args.together > 1 else round(args.steps * max(1, THESIS[0] / batch * THESIS[1] / width))  # short: more often
    command = command + ["--step", step, "--batch", str(batch), "--width", str(width), "--threads", str(threads), "--steps", str(steps),
                         "--together", str(args.together)]
    # XLA uses one thread per CPU of the process; there is no option for it.
    pin = (lambda: os.sched_setaffinity(0, CPUS[:threads])) if "xla:cpu" in command else None
    start, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=args.timeout, preexec_fn=pin, env=environment)
    except FileNotFoundError:
        sys.exit(f"{command[0]}: not found; run make build, or omit it with --systems")
    except subprocess.TimeoutExpired:
        sys.exit(f"{' '.join(command)}: not finished after {args.timeout:.0f} s")
    wall, busy, own = time.monotonic() - start, busy_seconds() - busy, own_seconds() - own
    if done.returncode == NO_DEVICE:
        print(done.stderr.strip(), file=sys.stderr)
        return None
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-3000:]}")
    record = json.loads(done.stdout.strip().splitlines()[-1])
    if (record["step"], record["batch"], record["width"], record["threads"]) != (step, *point):
        sys.exit(f"{' '.join(command)}: ran something else: {record}")
    return record | {"foreign": round(min(max(busy - own, 0) / (wall * os.cpu_count()), 1), 4)}


def chosen(args, point):
    """The systems that run at a point."""
    if args.systems:
        return args.systems
    everywhere = args.device == "cuda" or point == (*THESIS, max(args.threads))
    return list(systems("", args.device)) if everywhere else list(EVERYWHERE)


def measure(args, save):
    """All runs. Rounds are outermost, so that changes of the machine's speed affect every system; save(runs) follows each round."""
    commands, runs, missing, start = systems(args.starsweep, args.device), [], set(), time.monotonic()
    with tempfile.TemporaryDirectory() as cache:
        # torch.compile compiles in the first round, and reuses the results in later ones.
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache}
        for number in range(1, args.rounds + 1):
            for point, step in itertools.product(itertools.product(args.batch, args.width, args.threads), args.step):
                if number > 1 and time.monotonic() - start > 60 * args.budget:
                    print(f"the budget of {args.budget:g} minutes ran out in round {number}", file=sys.stderr)
                    return runs
                for name in chosen(args, point):
                    if name in missing:
                        continue
                    for _ in range(args.retries + 1):
                        record = run(commands[name], args, step, point, environment)
                        if record is None or record["foreign"] <= args.quiet_only:
                            break
                    if record is None:
                        missing.add(name)
                        print(f"{name}: no device, skipped", file=sys.stderr)
                        continue
                    runs.append(record | {"name": name, "round": number, "point": point})
                    print(
                        f"round {number} {step:<6} batch {point[0]:<3} width {point[1]:<2} threads {point[2]} {name:<26}"
                        f" {record['samples_per_s']:7.1f} samples/s best, {record['samples_per_s_median']:7.1f} median,"
                        f" foreign load {record['foreign']:.0%}",
                        file=sys.stderr, flush=True,
                    )
            check_parameters(runs)
            save(runs)
    return runs


def check_parameters(runs):
    """Stops unless all systems trained networks of the same size."""
    sizes = {}
    for r in runs:
        sizes.setdefault((r["step"], r["width"]), {})[r["name"]] = json.dumps(r["parameters"], sort_keys=True)
    for (step, width), of in sizes.items():
        if len(set(of.values())) > 1:
            sys.exit(f"{step}, width {width}: the systems differ in their number of parameters: {of}")


def machine():
    """The properties of the machine that a reader needs to compare numbers."""
    with open("/proc/cpuinfo") as f:
        info = dict(map(str.strip, line.split(":", 1)) for line in f if ":" in line)
    flags = info.get("flags", info.get("Features", "")).split()
    return {
        "cpu": info.get("model name", platform.machine()),
        "family_model": f"{info.get('cpu family', '?')}/{info.get('model', '?')}",
        "cpus": os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def main():
    args, here = arguments(), machine()

    def save(runs):
        if args.json:
            Path(args.json).write_text(json.dumps({"machine": here, "runs": runs}, indent=1) + "\n")

    runs = measure(args, save)
    save(runs)
    print("\n".join(tables.report(runs, here, args.quiet_only)))


if __name__ == "__main__":
    main()
