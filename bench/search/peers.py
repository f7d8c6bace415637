"""Compare how evenly searches fill the unit cube with SciPy, and write the table into docs/search.md.

    python bench/search/peers.py --search bin/search

The measure is the centred L2 discrepancy (Hickernell 1998), squared, by scipy.stats.qmc.discrepancy for both.
"""

import argparse
import io
import pathlib
import subprocess

import numpy as np
from scipy.stats import qmc

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


def table(search):
    yield "| search | dimensions | trials | starsweep | SciPy |"
    yield "|---|---|---|---|---|"
    for dimensions, trials in [(2, 16), (2, 64), (4, 64), (8, 64), (8, 256), (8, 100), (16, 256)]:
        for kind in ["sobol", "latin_hypercube", "random"]:
            a = quartiles(ours(search, kind, dimensions, trials, s) for s in range(SEEDS))
            b = quartiles(theirs(kind, dimensions, trials, s) for s in range(SEEDS))
            yield f"| `{kind}` | {dimensions} | {trials} | {a} | {b} |"


def replace(text, name, lines):
    """Put lines between the comments of the document that have this name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return before + begin + "\n".join(lines) + "\n" + end + after


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--search", required=True, help="the program bench/search")
    arguments = parser.parse_args()
    DOCUMENT.write_text(replace(DOCUMENT.read_text(), "discrepancy", table(arguments.search)))


if __name__ == "__main__":
    main()
