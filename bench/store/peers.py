"""Times what a trial costs besides training, in starsweep and in Optuna, on made-up trials of one metric row and of many.

    peers.py --store BINARY [--trials 2000] [--reopen 10000] [--rows 500] [--dir FOLDER]

BINARY is bench/store. A trial is asked for (two hyperparameters, drawn at random), reports one value and is told its result; starsweep
claims it, records begin, one epoch and end, each on disk before the call returns. A row is one more value of a trial. Reopening reads all
trials in another process. Storages of Optuna: memory, a journal file, SQLite, as their documentation sets them up. The same is done in a
folder in memory (/dev/shm), where a sync costs nothing: what remains is the cost of the code.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

STORAGES = ["memory", "journal", "sqlite"]


def storage(kind, folder):
    import optuna
    if kind == "memory":
        return optuna.storages.InMemoryStorage()
    if kind == "journal":
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(folder / "journal.log")))
    return optuna.storages.RDBStorage(f"sqlite:///{folder / 'study.db'}")


def milliseconds(start, n=1):
    return (time.perf_counter() - start) * 1000 / n


def optuna_trials(kind, folder, trials, rows):
    """Milliseconds a trial and a row, in one process."""
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="store", storage=storage(kind, folder), sampler=optuna.samplers.RandomSampler(seed=0))
    space = {"lr": optuna.distributions.FloatDistribution(1e-6, 1e-1, log=True), "layers": optuna.distributions.IntDistribution(1, 7)}
    start = time.perf_counter()
    for i in range(trials):
        trial = study.ask(space)
        trial.report(float(i % 97), step=1)
        study.tell(trial, float(i % 97))
    result = {"ms_trial": milliseconds(start, trials)}
    trial = study.ask(space)
    start = time.perf_counter()
    for step in range(rows):
        trial.report(float(step % 97), step=step)
    result["ms_row"] = milliseconds(start, rows)
    study.tell(trial, 0.0)
    return result


def optuna_reopen(kind, folder, trials):
    """Milliseconds to read the study of an earlier process."""
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    start = time.perf_counter()
    study = optuna.load_study(study_name="store", storage=storage(kind, folder))
    n = len(study.get_trials(deepcopy=False))
    assert n >= trials, f"{n} trials"
    return {"ms_reopen": milliseconds(start)}


def child(*args):
    """A function of this file in a process of its own."""
    return json.loads(subprocess.run([sys.executable, __file__, *map(str, args)], check=True, capture_output=True, text=True).stdout)


def sync(folder):
    """Milliseconds to append 500 bytes to a file and sync it."""
    with open(folder / "sync", "wb") as f:
        start = time.perf_counter()
        for _ in range(200):
            f.write(b"x" * 500)
            f.flush()
            os.fsync(f.fileno())
    return milliseconds(start, 200)


def measure(args, parent):
    """The rows of one table."""
    parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        folder = pathlib.Path(folder)
        table = {"a sync alone": {"ms_trial": sync(folder)}}
        run = lambda n: json.loads(subprocess.run([args.store, "overhead", "-dir", str(folder / f"starsweep{n}"), "-trials", str(n),
                                                   "-rows", str(args.rows)], check=True, capture_output=True, text=True).stdout)
        table["starsweep"] = run(args.trials)
        table["starsweep"] |= {key: value for key, value in run(args.reopen).items() if key in ("ms_reopen", "ms_resume")}
        for kind in STORAGES:
            for n in (args.trials, args.reopen):
                shutil.rmtree(folder / kind, ignore_errors=True)
                (folder / kind).mkdir()
                if kind == "memory" and n == args.reopen:
                    continue
                timed = child("--timed", kind, folder / kind, n, args.rows)
                if n == args.trials:
                    table[f"Optuna, {kind}"] = timed
            if kind != "memory":
                table[f"Optuna, {kind}"] |= child("--reopened", kind, folder / kind, args.reopen)
    return table


def main():
    if sys.argv[1:2] == ["--timed"]:
        return print(json.dumps(optuna_trials(sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))))
    if sys.argv[1:2] == ["--reopened"]:
        return print(json.dumps(optuna_reopen(sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4]))))
    args = argparse.ArgumentParser()
    args.add_argument("--store", required=True)
    args.add_argument("--trials", type=int, default=2000)
    args.add_argument("--reopen", type=int, default=10000)
    args.add_argument("--rows", type=int, default=500)
    args.add_argument("--dir", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    args = args.parse_args()
    from importlib.metadata import version
    machine = f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"{datetime.date.today()}, {machine}, Optuna {version('optuna')}\n")
    tables = {"disk": measure(args, args.dir)}
    if os.path.isdir("/dev/shm"):
        tables["memory"] = measure(args, pathlib.Path("/dev/shm"))
    print(f"| | ms a trial | ms a row | {args.reopen} trials reopened, ms | in memory: ms a trial | ms a row |\n|---|--:|--:|--:|--:|--:|")
    for name, on_disk in tables["disk"].items():
        cells = [on_disk.get("ms_trial"), on_disk.get("ms_row"), on_disk.get("ms_reopen")]
        cells += [tables.get("memory", {}).get(name, {}).get(key) for key in ("ms_trial", "ms_row")]
        print(f"| {name} |", " | ".join("" if c is None else f"{c:.3g}" for c in cells), "|")


if __name__ == "__main__":
    main()
