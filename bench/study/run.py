"""Times a whole study in starsweep and in Python, and writes the tables of docs/performance.md.

    python bench/study/run.py --starsweep bin/starsweep --mnist ~/.cache/starsweep/data/mnist

The study is examples/quickstart.star; peer.py is the same with Optuna, PyTorch and torch-fidelity. Each run is a whole process with an
empty cache, from its start to its last file. A round runs both, one after the other, and ratios are taken within a round. Tables are
written only if both trained the same points for as many updates to FIDs of the same order.

--check trains nothing. It compares the numbers of parameters, and the metrics of the same images.
"""

import argparse
import ast
import csv
import gzip
import importlib.metadata
import io
import json
import math
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
import tokenize
from pathlib import Path

import peer
import safetensors.torch
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench"))
from document import replace  # noqa: E402
from peers import busy_seconds, machine, own_seconds  # noqa: E402

DOCUMENT = ROOT / "docs" / "performance.md"
SCRIPTS = {"Python": ROOT / "bench" / "study" / "peer.py", "starsweep": ROOT / "examples" / "quickstart.star"}
PACKAGES = ("optuna", "torch", "torch-fidelity")
METRICS = ("fid", "precision", "recall")
COSTS = WALL, CPU, MEMORY = ("wall time, s", "CPU time, s", "peak memory, MB")
QUIET = 0.05  # the largest foreign load of a round whose wall-clock times count
SAME_ORDER = 3  # FIDs of equal networks from different random numbers: at most this ratio
TOLERANCE = 1e-4  # of metrics of the same images, relative
POLL = 0.1  # seconds between two looks at the memory


def prepare(mnist, folder):
    """The files that peer.py reads: MNIST unpacked as torchvision keeps it, and the embedded extractor as a state of PyTorch."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in mnist.glob("*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    tensors = safetensors.torch.load_file(ROOT / "engine" / "feature" / "small" / "small-mnist.safetensors")
    state = {}
    for layer, name in (("1", "conv1"), ("4", "conv2"), ("6", "conv3")):
        state[f"{layer}.weight"] = tensors[f"{name}/kernel"].float().permute(3, 2, 0, 1).contiguous()  # [h w i o] -> [o i h w]
        state[f"{layer}.bias"] = tensors[f"{name}/bias"].float()
    weights = folder / "small-mnist.pt"
    torch.save(state, weights)
    return folder, weights


def lines(script):
    """The number of lines with code, without docstrings. The tokens of Starlark are those of Python."""
    text, code = script.read_text(), set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            code -= set(range(node.lineno, node.end_lineno + 1))
    return len(code)


def resident(pid):
    """The resident memory of a process and its descendants, in bytes. A process that has ended has none."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(resident, children))


def measured(command, environment, log):
    """Runs a command with its output in the file log. Wall-clock seconds, CPU seconds, the largest memory of all its processes together
    in MB of 10^6 bytes, and the share of the machine's CPU time that other processes used meanwhile."""
    def used():
        return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])

    start, cpu, busy, own, peak = time.monotonic(), used(), busy_seconds(), own_seconds(), 0
    with open(log, "w") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(POLL)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{log.read_text()[-3000:]}")
    wall, cpu = time.monotonic() - start, used() - cpu
    foreign = max(busy_seconds() - busy - (own_seconds() - own), 0) / (wall * os.cpu_count())
    return {WALL: wall, CPU: cpu, MEMORY: peak / 1e6, "foreign": foreign}


def environments(folder):
    """Those of the two systems. NumPy chooses its own kernels, glibc keeps the memory of large arrays (see peers/common.py), and
    starsweep has no cache."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    return {
        "Python": inherited | {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str((1 << 31) - 1)},
        "starsweep": inherited | {"STARSWEEP_HOME": str(folder / "home")},
    }


def epochs(table):
    """The updates and the metrics of a table of epochs in CSV, by loss, learning rate and epoch."""
    return {
        (row["loss"], float(row["lr"]), int(row["epoch"])): {"step": int(row["step"])} | {m: float(row[m]) for m in METRICS}
        for row in csv.DictReader(io.StringIO(table))
    }


def study(system, starsweep, inputs, folder):
    """Runs the study once: what it cost, and its epochs."""
    out, environment = folder / "study", environments(folder)[system]
    if system == "starsweep":
        cost = measured([starsweep, "run", str(SCRIPTS[system]), "--dir", str(out), "--backend", "cpu"], environment, folder / "log")
        table = subprocess.run([starsweep, "export", str(out), "epochs", "--csv"], check=True, capture_output=True, text=True).stdout
    else:
        cost = measured([sys.executable, str(SCRIPTS[system]), *map(str, inputs), str(out)], environment, folder / "log")
        table = (out / "epochs.csv").read_text()
    return cost, epochs(table)


def agree(results):
    """Stops unless both systems trained the same points for as many updates to FIDs of the same order."""
    python, ours = ({at: row["step"] for at, row in results[system].items()} for system in SCRIPTS)
    if python != ours:
        sys.exit(f"the studies differ in their epochs or updates: Python {python}, starsweep {ours}")
    for loss, lr, epoch in last(results["Python"]):
        a, b = (results[system][loss, lr, epoch]["fid"] for system in SCRIPTS)
        if not max(a, b) <= SAME_ORDER * min(a, b):  # also catches NaN
            sys.exit(f"{loss} at {lr}: FID: Python {a:.3g}, starsweep {b:.3g}: want a ratio of at most {SAME_ORDER}")


def last(rows):
    """The points at their last epoch, in order."""
    end = max(epoch for _, _, epoch in rows)
    return sorted(at for at in rows if at[2] == end)


def spread(values, digits):
    """The median, and with several values the range. Without any, a dash."""
    if len(values) < 2:
        return "".join(f"{value:,.{digits}f}" for value in values) or "-"
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def costs(rounds, imports):
    """The table of costs. Wall-clock times are those of quiet rounds: in others they tell of the other programs."""
    here, versions = machine(), ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    quiet = [r for r in rounds if max(cost["foreign"] for cost in r.values()) <= QUIET]
    foreign = max(cost["foreign"] for r in rounds for cost in r.values())
    yield from textwrap.wrap(
        f"{here['date']}, {here['cpu']}, cores used: {len(os.sched_getaffinity(0))}, Python {here['python']}, {versions}; rounds:"
        f" {len(rounds)}, of which quiet: {len(quiet)}; foreign load: at most {foreign:.0%}. Imports take {imports:,.0f} MB of Python's"
        " memory.",
        width=120,
    )
    yield ""
    yield f"| | {' | '.join(COSTS)} | lines of code |"
    yield "|---|" + "---:|" * (len(COSTS) + 1)
    of = {cost: quiet if cost == WALL else rounds for cost in COSTS}
    code = {system: lines(script) for system, script in SCRIPTS.items()}
    for system in SCRIPTS:
        cells = [spread([r[system][cost] for r in of[cost]], 0) for cost in COSTS]
        yield f"| {system} | {' | '.join(cells)} | {code[system]} |"
    cells = [spread([r["Python"][cost] / r["starsweep"][cost] for r in of[cost]], 1) for cost in COSTS]
    yield f"| **ratio within a round** | {' | '.join(f'**{cell}**' for cell in cells)} | **{code['Python'] / code['starsweep']:.1f}** |"


def outcomes(results):
    yield "| loss | lr | " + " | ".join(f"{m}: {system}" for m in ("FID", *METRICS[1:]) for system in SCRIPTS) + " |"
    yield "|---|---:|" + "---:|" * len(METRICS) * len(SCRIPTS)
    for at in last(results["Python"]):
        cells = [f"{results[system][at][m]:.3g}" for m in METRICS for system in SCRIPTS]
        yield f"| {at[0]} | {at[1]:g} | {' | '.join(cells)} |"


def compare(args, scratch, inputs):
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        command = [sys.executable, "-c", "import peer"]
        imports = measured(command, environments(scratch)["Python"] | {"PYTHONPATH": str(SCRIPTS["Python"].parent)}, Path(folder, "log"))
    rounds, results = [], {}
    for number in range(1, args.rounds + 1):
        rounds.append({})
        for system in SCRIPTS:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                rounds[-1][system], results[system] = study(system, args.starsweep, inputs, Path(folder))
            print(f"round {number} {system}: {rounds[-1][system]}", file=sys.stderr, flush=True)
        agree(results)
    text = DOCUMENT.read_text()
    for name, table in (("study", costs(rounds, imports[MEMORY])), ("outcomes", outcomes(results))):
        table = list(table)
        print("\n".join(table), end="\n\n")
        text = replace(text, name, table)
    DOCUMENT.write_text(text)


def check(args, scratch, inputs):
    """Stops unless both systems have networks of the same size and measure the same images alike."""
    def starsweep(*command):
        environment = environments(scratch)["starsweep"]
        return subprocess.run([args.starsweep, *map(str, command)], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    check_parameters(starsweep)
    check_metrics(starsweep, scratch, *inputs)


def check_parameters(starsweep):
    def count(network):
        return sum(p.numel() for p in network.parameters())

    for loss in peer.GRID["loss"]:
        python = {"discriminator": count(peer.discriminator(loss == "wgan-gp")), "generator": count(peer.generator())}
        text = starsweep("show", SCRIPTS["starsweep"], "--set", f"loss={loss}")
        totals = re.findall(r"^(discriminator|generator)$.*?total +([\d,]+)", text, re.MULTILINE | re.DOTALL)
        ours = {player: int(total.replace(",", "")) for player, total in totals}
        print(f"{loss}: parameters: Python {python}, starsweep {ours}")
        if python != ours:
            sys.exit(f"{loss}: the numbers of parameters differ")


def check_metrics(starsweep, scratch, folder, weights):
    """Real images are digits, generated ones others with noise. Both systems get them as 8-bit images."""
    torch.manual_seed(0)
    real, fake = (peer.digits(folder, train, peer.SAMPLES) for train in (False, True))
    fake += 0.05 * torch.randn_like(fake)
    sets = {}
    for name, images in (("real", real), ("fake", fake)):
        sets[name] = (images * 127.5 + 128).clamp(0, 255).to(torch.uint8)
        (scratch / name).mkdir()
        for i, (image,) in enumerate(sets[name].numpy()):
            Image.fromarray(image).save(scratch / name / f"{i:04}.png")
    real, fake = (images / 127.5 - 1 for images in sets.values())
    python = peer.Metrics(peer.extractor(weights), real)(fake)
    ours = json.loads(starsweep("eval", "--real", scratch / "real", "--fake", scratch / "fake", "--features", "small-mnist",
                                "--metrics", "fid,precision_recall", "--json", "--backend", "cpu"))["values"]
    for name in METRICS:
        print(f"{name}: Python {python[name]:.7g}, starsweep {ours[name]:.7g}")
        if not math.isclose(python[name], ours[name], rel_tol=TOLERANCE):
            sys.exit(f"{name}: want a relative difference of at most {TOLERANCE:.0e}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--starsweep", required=True, help="the program")
    p.add_argument("--mnist", required=True, type=Path, help="the folder that starsweep data get mnist fills")
    p.add_argument("--dir", help="where studies are written: a folder of a local disk (default: that of temporary files)")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--check", action="store_true", help="train nothing; compare parameters and metrics")
    args = p.parse_args()
    with tempfile.TemporaryDirectory(dir=args.dir) as scratch:
        scratch = Path(scratch)
        (check if args.check else compare)(args, scratch, prepare(args.mnist, scratch / "inputs"))


if __name__ == "__main__":
    main()
