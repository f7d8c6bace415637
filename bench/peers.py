"""Runs starsweep, PyTorch, Keras and JAX in turn on the same training steps and prints a Markdown table with ratios.

Each run is a process of its own that prints one line of JSON (see peers/common.py for the steps and the fields). A round runs
every system once; ratios are taken within a round, to PyTorch's best there, and the table shows their median over the rounds,
since the speed of a shared machine changes from minute to minute. README.md tells how to read the table.

    python bench/peers.py                                   # all systems and steps, three rounds
    python bench/peers.py --step ns --systems pytorch-channels_last,starsweep-cpu --rounds 5
"""

import argparse
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
STEPS = {"ns": "NS-GAN, discriminator and generator", "critic": "WGAN-GP critic", "wgen": "WGAN-GP generator"}
NO_DEVICE = 77  # starsweep's exit code when the backend is not there
FLAGS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")  # of the CPU, worth knowing here


def systems(starsweep):
    """The command of each system, less the options that all of them take."""
    python = lambda script, *options: [sys.executable, str(BENCH / "peers" / script), *options]
    ours = lambda backend: [starsweep, "bench", "--json", "--backend", backend]
    return {
        "pytorch-default": python("torch_dcgan.py"),
        "pytorch-channels_last": python("torch_dcgan.py", "--layout", "channels_last"),
        "keras": python("keras_dcgan.py"),
        "jax": python("jax_dcgan.py"),
        "starsweep-cpu": ours("cpu"),
        "starsweep-xla-cpu": ours("xla-cpu"),
    }


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = list(systems(""))
    p.add_argument("--systems", default=",".join(names), help="comma-separated, of: %(default)s")
    p.add_argument("--step", action="append", choices=STEPS, help="repeatable; all of them when absent")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--width", type=int, default=64)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--steps", type=int, default=12, help="timed steps of a run")
    p.add_argument("--starsweep", default=str(BENCH.parent / "bin" / "starsweep"), help="the program (default: bin/starsweep)")
    p.add_argument("--timeout", type=float, default=600, help="seconds that a run may take")
    p.add_argument("--quiet-only", type=float, metavar="SHARE", help="drop runs with a larger foreign load, such as 0.05")
    p.add_argument("--json", metavar="FILE", help="also write every run, with the machine, to this file")
    args = p.parse_args()
    args.systems = args.systems.split(",")
    if unknown := [name for name in args.systems if name not in names]:
        p.error(f"unknown systems: got {', '.join(unknown)}, want some of {', '.join(names)}")
    args.step = args.step or list(STEPS)
    return args


def busy_seconds():
    """CPU seconds that the whole machine has spent since it started, what the hypervisor took away (steal) included."""
    with open("/proc/stat") as f:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """CPU seconds of this process and of its finished children."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def run(command, args, step):
    """The record of one run, with the share of the machine's CPU time that others took meanwhile; None without a device."""
    command = command + [
        "--step", step, "--batch", str(args.batch), "--width", str(args.width),
        "--threads", str(args.threads), "--steps", str(args.steps),
    ]
    start, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=args.timeout)
    except FileNotFoundError:
        sys.exit(f"{command[0]}: not found; make build makes bin/starsweep, --systems leaves it out")
    except subprocess.TimeoutExpired:
        sys.exit(f"{' '.join(command)}: not done after {args.timeout:.0f} s")
    wall, busy, own = time.monotonic() - start, busy_seconds() - busy, own_seconds() - own
    if done.returncode == NO_DEVICE:
        return None
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-3000:]}")
    record = json.loads(done.stdout.strip().splitlines()[-1])
    if record["step"] != step or record["batch"] != args.batch or record["width"] != args.width:
        sys.exit(f"{' '.join(command)}: ran something else: {record}")
    return record | {"foreign": round(min(max(busy - own, 0) / (wall * os.cpu_count()), 1), 4)}


def measure(args):
    """All runs: rounds outermost, so that every system meets the machine's good and bad minutes."""
    commands, runs, missing = systems(args.starsweep), [], set()
    for number in range(1, args.rounds + 1):
        for step in args.step:
            for name in args.systems:
                if name in missing:
                    continue
                record = run(commands[name], args, step)
                if record is None:
                    missing.add(name)
                    print(f"{name}: no device, left out", file=sys.stderr)
                    continue
                runs.append(record | {"name": name, "round": number})
                print(
                    f"round {number} {step:<6} {name:<22} {record['samples_per_s']:7.1f} samples/s best,"
                    f" {record['samples_per_s_median']:7.1f} median, foreign load {record['foreign']:.0%}",
                    file=sys.stderr, flush=True,
                )
    check_parameters(runs)
    return runs


def check_parameters(runs):
    """All systems must have trained networks of the same size."""
    for step in STEPS:
        sizes = {r["name"]: r["parameters"] for r in runs if r["step"] == step and "parameters" in r}
        if len({json.dumps(size, sort_keys=True) for size in sizes.values()}) > 1:
            sys.exit(f"{step}: the systems disagree about the number of parameters: {sizes}")


def ratios(runs, names, name, field):
    """field of the named system over PyTorch's best layout in the same round.

    Rounds that lack the system or any of PyTorch's layouts (dropped as disturbed) give none: what is left might not be the best.
    """
    layouts = sum(n.startswith("pytorch") for n in names)
    out = []
    for number in sorted({r["round"] for r in runs}):
        peers = [r[field] for r in runs if r["round"] == number and r["name"].startswith("pytorch")]
        mine = [r[field] for r in runs if r["round"] == number and r["name"] == name]
        if mine and peers and len(peers) == layouts:
            out.append(mine[0] / max(peers))
    return out


def rows(runs, names):
    """Table lines of one step: a dictionary of columns for each system that ran."""
    for name in names:
        mine = [r for r in runs if r["name"] == name]
        if not mine:
            continue
        best, median = (ratios(runs, names, name, field) for field in ("samples_per_s", "samples_per_s_median"))
        spread = f" ({min(best):.2f}-{max(best):.2f})" if len(best) > 1 else ""
        yield {
            "system": name,
            "samples/s, best": f"{max(r['samples_per_s'] for r in mine):.0f}",
            "samples/s, median": f"{statistics.median(r['samples_per_s_median'] for r in mine):.0f}",
            "ratio of bests": f"{statistics.median(best):.2f}{spread}" if best else "",
            "ratio of medians": f"{statistics.median(median):.2f}" if median else "",
            "first step, s": f"{statistics.median(r['first_s'] for r in mine):.2f}",
            "peak memory, MB": f"{max(r['peak_mb'] for r in mine):.0f}",
            "foreign load": f"{max(r['foreign'] for r in mine):.0%}",
        }


def markdown(lines):
    """A Markdown table of dictionaries with the same keys: the first column to the left, numbers to the right."""
    lines = list(lines)
    head = list(lines[0])
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for line in lines:
        yield "| " + " | ".join(line.values()) + " |"


def machine():
    """What a reader must know of the machine to compare numbers."""
    with open("/proc/cpuinfo") as f:
        info = dict(map(str.strip, line.split(":", 1)) for line in f if ":" in line)
    flags = info.get("flags", info.get("Features", "")).split()
    return {
        "cpu": info.get("model name", platform.machine()),
        "family_model": f"{info.get('cpu family', '?')}/{info.get('model', '?')}",
        "cpus": os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def report(args, runs, here):
    """The lines of the whole report."""
    quiet = [r for r in runs if args.quiet_only is None or r["foreign"] <= args.quiet_only]
    versions = {r["system"]: str(r["version"]) for r in runs}
    yield f"{here['cpu']} (family/model {here['family_model']}), {here['cpus']} CPUs ({', '.join(here['flags'])}), {here['system']}."
    yield f"{here['date']}; Python {platform.python_version()}; " + "; ".join(f"{s} {v}" for s, v in versions.items()) + "."
    yield (
        f"Batch {args.batch}, width {args.width}, 32 x 32 x 1, latent 100, float32, {args.threads} threads;"
        f" {args.rounds} rounds of at most {args.steps} steps. Ratios: to PyTorch's best layout in the same round, median (range)."
    )
    if args.quiet_only is not None:
        yield f"{len(runs) - len(quiet)} of {len(runs)} runs dropped: foreign load above {args.quiet_only:.0%}."
    for step in args.step:
        yield f"\n### {STEPS[step]} (`{step}`)\n"
        lines = list(rows([r for r in quiet if r["step"] == step], args.systems))
        yield from markdown(lines) if lines else ["No run was quiet enough."]


def main():
    args = arguments()
    runs = measure(args)
    here = machine()
    if args.json:
        Path(args.json).write_text(json.dumps({"machine": here, "runs": runs}, indent=1) + "\n")
    print("\n".join(report(args, runs, here)))


if __name__ == "__main__":
    main()
