"""Compare searches with SciPy and Optuna, and write the tables of docs/search.md.

    python bench/search/peers.py --search bin/search

Evenness is the centred L2 discrepancy (Hickernell 1998), squared, by scipy.stats.qmc.discrepancy for both. Searches that learn run on the
problems of quality.py, with the same functions, and are timed with random trials before them.
"""

import argparse
import io
import pathlib
import subprocess
import sys
import warnings

import numpy as np
import optuna
import quality
from scipy.stats import qmc

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from document import replace  # noqa: E402

SEEDS = 20
DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "search.md"


def ours(search, kind, dimensions, trials, seed):
    command = [search, "points", "-kind", kind, "-dimensions", str(dimensions), "-trials", str(trials), "-seed", str(seed)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return np.loadtxt(io.StringIO(text), ndmin=2)


def theirs(kind, dimensions, trials, seed):
    engine = {"sobol": qmc.Sobol, "latin_hypercube": qmc.LatinHypercube}.get(kind)
    if engine is None:
        return np.random.default_rng(seed).random((trials, dimensions))
    return engine(d=dimensions, seed=seed).random(trials)


def quartiles(points):
    low, median, high = np.quantile([qmc.discrepancy(p) for p in points], [0.25, 0.5, 0.75])
    return f"{median:.3g} ({low:.3g} to {high:.3g})"


def evenness(search):
    yield "| search | dimensions | trials | starsweep | SciPy |"
    yield "|---|---|---|---|---|"
    for dimensions, trials in [(2, 16), (2, 64), (4, 64), (8, 64), (8, 256), (8, 100), (16, 256)]:
        for kind in ["sobol", "latin_hypercube", "random"]:
            a = quartiles(ours(search, kind, dimensions, trials, s) for s in range(SEEDS))
            b = quartiles(theirs(kind, dimensions, trials, s) for s in range(SEEDS))
            yield f"| `{kind}` | {dimensions} | {trials} | {a} | {b} |"


SAMPLERS = {
    "tpe": lambda seed, workers: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=workers > 1),
    "nsga2": lambda seed, workers: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
    "gp": lambda seed, workers: optuna.samplers.GPSampler(seed=seed),
}
EVEN = {"tpe": 10, "nsga2": 20, "gp": 10}
FEW = 30  # trials of gp, which is for dear ones


def scores(problem, run):
    low, median, high = np.quantile([problem.score(run(seed)[0]) for seed in range(SEEDS)], [0.25, 0.5, 0.75])
    return f"{median:.4g} ({low:.4g} to {high:.4g})"


def reached(search):
    yield "| problem | trials | at once | search | starsweep | Optuna |"
    yield "|---|---|---|---|---|---|"
    for kind, workers in [("tpe", 1), ("tpe", 4), ("nsga2", 1), ("gp", 1)]:
        for p in quality.PROBLEMS:
            p = p.of(FEW) if kind == "gp" else p
            a = scores(p, lambda s: quality.ours(search, kind, p, s, EVEN[kind], workers))
            b = scores(p, lambda s: quality.theirs(SAMPLERS[kind](s, workers), p, workers))
            yield f"| {p.name} | {p.trials} | {workers} | `{kind}` | {a} | {b} |"


def milliseconds(seconds):
    low, median, high = np.quantile([1e3 * s for s in seconds[-10:]], [0.25, 0.5, 0.75])  # the first ones fill the space
    return f"{median:.2f} ({low:.2f} to {high:.2f})"


def timed(search):
    yield "| search | objectives | trials before | starsweep, ms | Optuna, ms |"
    yield "|---|---|---|---|---|"
    for kind in ["tpe", "nsga2"]:
        for objectives in [1, 2]:
            p = quality.Problem("", lambda **x: list(x.values())[:objectives], quality.cube(10), EVEN[kind] + 10, objectives, [2, 2])
            for before in [1000, 10_000]:
                a = milliseconds(quality.ours(search, kind, p, 0, EVEN[kind], before=before)[1])
                b = milliseconds(quality.theirs(SAMPLERS[kind](0, 1), p, before=before)[1])
                yield f"| `{kind}` | {objectives} | {before:,} | {a} | {b} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--search", required=True, help="the program bench/search")
    parser.add_argument("--only", choices=["discrepancy", "quality", "time"], help="make this table only")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    for name, table in [("discrepancy", evenness), ("quality", reached), ("time", timed)]:
        if arguments.only in (None, name):
            lines = []
            for line in table(arguments.search):
                print(line, flush=True)
                lines.append(line)
            DOCUMENT.write_text(replace(DOCUMENT.read_text(), name, lines))


if __name__ == "__main__":
    main()
