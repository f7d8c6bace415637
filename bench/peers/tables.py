"""Prints Markdown tables of the runs in a file that peers.py wrote:

    python bench/peers/tables.py runs.json
    python bench/peers/tables.py runs.json 0.05     # without runs of more than 5% foreign load
"""

import json
import statistics
import sys

STEPS = {"ns": "NS-GAN, discriminator and generator", "critic": "WGAN-GP critic", "wgen": "WGAN-GP generator"}
LAYOUTS = ("pytorch-default", "pytorch-channels_last")  # ratios are to the faster one
BF16 = ("pytorch-bf16", "pytorch-bf16-channels_last")


# The speed of a run.
BEST, MEDIAN = (lambda r: r["samples_per_s"]), (lambda r: r["samples_per_s_median"])
CPU = lambda r: r["batch"] / r["cpu_s"]  # samples per CPU second


def ratios(runs, name, speed, peers=LAYOUTS):
    """The speed of a system relative to the fastest peer in the same round; runs are those of one step and point.

    Rounds without the system, or without a peer that ran in other rounds (dropped for foreign load), are skipped: the fastest peer
    may be the one that is missing.
    """
    of = {(r["name"], r["round"]): speed(r) for r in runs}
    peers = [p for p in peers if any(p == other for other, _ in of)]
    rounds = sorted({number for _, number in of})
    return [
        of[name, n] / max(of[p, n] for p in peers)
        for n in rounds if peers and all((s, n) in of for s in (name, *peers))
    ]


def spread(values):
    """The median and range of the values."""
    if not values:
        return ""
    return f"{statistics.median(values):.2f}" + (f" ({min(values):.2f}-{max(values):.2f})" if len(values) > 1 else "")


def detailed(runs):
    """Table rows of one step at one point: a dictionary of columns for each system."""
    bf16 = any("bf16" in r["name"] for r in runs)
    for name in dict.fromkeys(r["name"] for r in runs):
        mine = [r for r in runs if r["name"] == name]
        above = max(r["peak_mb"] - r["imported_mb"] if "imported_mb" in r else 0 for r in mine)
        yield {
            "system": name,
            "samples/s, best": f"{max(r['samples_per_s'] for r in mine):.0f}",
            "samples/s, median": f"{statistics.median(r['samples_per_s_median'] for r in mine):.0f}",
            "ratio of bests": spread(ratios(runs, name, BEST)),
            "ratio of medians": spread(ratios(runs, name, MEDIAN)),
            "ratio of CPU times": spread(ratios(runs, name, CPU)),
        } | ({
            "ratio of bests to PyTorch's bf16": spread(ratios(runs, name, BEST, BF16)),
            "of CPU times": spread(ratios(runs, name, CPU, BF16)),
        } if bf16 else {}) | {
            "first step, s": f"{mine[0]['first_s']:.2f}",
            "peak memory, MB": f"{max(r['peak_mb'] for r in mine):.0f}",
            "above its import": f"{above:.0f}" if above else "",
            "foreign load": f"{max(r['foreign'] for r in mine):.0%}",
        }


def by_point(runs):
    """The runs grouped by (batch, width, threads)."""
    at = {}
    for r in runs:
        at.setdefault(tuple(r["point"]), []).append(r)
    return at


def common_names(at):
    """The systems that ran at every point."""
    names = dict.fromkeys(r["name"] for runs in at.values() for r in runs)
    return [name for name in names if all(any(r["name"] == name for r in runs) for runs in at.values())]


def overview(at):
    """Table rows of one step: a row for each point, with columns for each system that ran at every point."""
    names = common_names(at)
    for point in sorted(at, key=lambda p: (-p[2], -p[1], p[0])):
        row = dict(zip(("threads", "width", "batch"), map(str, reversed(point))))
        for name in names:
            rate = max((r["samples_per_s"] for r in at[point] if r["name"] == name), default=None)
            row[f"{name}, samples/s"] = f"{rate:.0f}" if rate else ""
            if name not in LAYOUTS:
                row[f"{name}, ratio of bests"] = spread(ratios(at[point], name, BEST))
                row[f"{name}, ratio of medians"] = spread(ratios(at[point], name, MEDIAN))
                row[f"{name}, ratio of CPU times"] = spread(ratios(at[point], name, CPU))
        yield row | {"foreign load": f"{max(r['foreign'] for r in at[point]):.0%}"}


def markdown(lines):
    """A Markdown table of dictionaries with the same keys: first column left-aligned, the others right-aligned."""
    lines = list(lines)
    yield "| " + " | ".join(lines[0]) + " |"
    yield "|---" + "|---:" * (len(lines[0]) - 1) + "|"
    for line in lines:
        yield "| " + " | ".join(line.values()) + " |"


def report(runs, here, quiet_only=float("inf")):
    """The lines of the whole report."""
    quiet = [r for r in runs if r["foreign"] <= quiet_only]
    versions = {r["system"]: str(r["version"]) for r in runs}
    yield f"{here['cpu']} (family/model {here['family_model']}), {here['cpus']} CPUs ({', '.join(here['flags'])}), {here['system']}."
    yield f"{here['date']}; Python {here['python']}; " + "; ".join(f"{s} {v}" for s, v in versions.items()) + "."
    yield (
        f"32 x 32 x 1, latent 100, float32 except where bf16; {max(r['round'] for r in runs)} rounds."
        " Ratios: to PyTorch's faster layout in float32 in the same round, median (range)."
    )
    if len(quiet) < len(runs):
        yield f"{len(runs) - len(quiet)} of {len(runs)} runs dropped: foreign load above {quiet_only:.0%}."
    for step in dict.fromkeys(r["step"] for r in runs):
        at = by_point([r for r in quiet if r["step"] == step])
        if not at:
            yield f"\n### {STEPS[step]} (`{step}`)\n\nNo run was quiet enough."
        if len(at) > 1:
            yield f"\n### {STEPS[step]} (`{step}`)\n"
            yield from markdown(overview(at))
        for (batch, width, threads), here in at.items():
            if len(at) == 1 or {r["name"] for r in here} > set(common_names(at)):  # more than the overview shows
                yield f"\n### {STEPS[step]} (`{step}`), batch {batch}, width {width}, {threads} threads\n"
                yield from markdown(detailed(here))


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        file = json.load(f)
    print("\n".join(report(file["runs"], file["machine"], *map(float, sys.argv[2:3]))))
