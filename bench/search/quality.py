"""Problems with known optima, on which searches of starsweep and of Optuna run.

Branin and Hartmann 6: Dixon and Szego (1978), on the unit cube. ZDT1 and ZDT2: Zitzler, Deb and Thiele (2000), with 10 dimensions.
"""

import json
import math
import subprocess
import time

import numpy as np


def branin(x, y):
    a, b = 15 * x - 5, 15 * y
    return (b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


HARTMANN_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann6(**x):
    v = np.array(list(x.values()))
    return -float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(HARTMANN_A * (v - HARTMANN_P) ** 2).sum(1)))


def conditional(loss, lr, batch, weight=None, slope=None, momentum=None):
    """A made-up study: two losses with hyperparameters of their own, one of which is the better one if they are right."""
    common = (math.log10(lr) + 3.3) ** 2 + 0.3 * abs(math.log2(batch) - 6)
    if loss == "a":
        return common + 0.5 + 2 * abs(math.log10(weight) - 1)
    if loss == "b":
        return common + 4 * (slope - 0.3) ** 2 + 3 * (momentum - 0.8) ** 2
    return common + 1


def zdt(n, front):
    def f(**x):
        v = list(x.values())
        g = 1 + 9 * sum(v[1:]) / (n - 1)
        return [v[0], g * front(v[0] / g)]

    return f


def cube(n):
    return [{"Name": f"x{j}", "Lo": 0, "Hi": 1} for j in range(n)]


class Problem:
    """A function of named hyperparameters whose objectives are minimized."""

    def __init__(self, name, function, space, trials, objectives=1, reference=None):
        self.name, self.function, self.space, self.trials = name, function, space, trials
        self.objectives, self.reference = objectives, reference

    def of(self, trials):
        """The same problem with another number of trials."""
        return Problem(self.name, self.function, self.space, trials, self.objectives, self.reference)

    def values(self, point):
        v = self.function(**point)
        return v if isinstance(v, list) else [v]

    def score(self, results):
        """The best value, or the hypervolume: of many results."""
        if self.objectives == 1:
            return min(r[0] for r in results)
        return hypervolume(results, self.reference)


def hypervolume(points, reference):
    volume, reached = 0.0, reference[1]
    for x, y in sorted(map(tuple, points)):
        if x < reference[0] and y < reached:
            volume += (reference[0] - x) * (reached - y)
            reached = y
    return volume


PROBLEMS = [
    Problem("Branin", lambda x0, x1: branin(x0, x1), cube(2), 100),
    Problem("Hartmann 6", hartmann6, cube(6), 200),
    Problem(
        "conditional",
        conditional,
        [
            {"Name": "loss", "Choices": ["a", "b", "c"]},
            {"Name": "lr", "Lo": 1e-5, "Hi": 1e-1, "Log": True},
            {"Name": "batch", "Lo": 8, "Hi": 512, "Log": True, "Int": True},
            {"Name": "weight", "Lo": 0.1, "Hi": 100, "Log": True, "When": {"loss": ["a"]}},
            {"Name": "slope", "Lo": 0, "Hi": 1, "When": {"loss": ["b"]}},
            {"Name": "momentum", "Lo": 0, "Hi": 1, "When": {"loss": ["b"]}},
        ],
        100,
    ),
    Problem("ZDT1", zdt(10, lambda r: 1 - math.sqrt(r)), cube(10), 300, 2, [1.1, 10]),
    Problem("ZDT2", zdt(10, lambda r: 1 - r * r), cube(10), 300, 2, [1.1, 10]),
]


def ours(search, kind, problem, seed, even, workers=1, before=0):
    """Run a search of starsweep. Returns the objectives of its trials, and the seconds that each suggestion took."""
    request = {"Kind": kind, "Trials": before + problem.trials, "Even": even, "Seed": seed, "Objectives": problem.objectives,
               "Workers": workers, "Before": before, "Space": problem.space}
    process = subprocess.Popen([search, "ask"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    results, waiting, seconds = [], [], []
    while line := process.stdout.readline():
        answer = json.loads(line)
        seconds.append(answer["seconds"])
        waiting.append(problem.values(answer["point"]))
        results.append(waiting[-1])
        if len(waiting) >= workers:
            try:
                process.stdin.write(json.dumps(waiting.pop(0)) + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                break
    process.wait()
    return results, seconds


def optuna_point(trial, space):
    point = {}
    for d in space:
        if any(point.get(k) not in v for k, v in d.get("When", {}).items()):
            continue
        name = d["Name"]
        if "Choices" in d:
            point[name] = trial.suggest_categorical(name, d["Choices"])
        elif d.get("Int"):
            point[name] = trial.suggest_int(name, d["Lo"], d["Hi"], log=d.get("Log", False))
        else:
            point[name] = trial.suggest_float(name, d["Lo"], d["Hi"], log=d.get("Log", False))
    return point


def theirs(sampler, problem, workers=1, before=0):
    """The same of a sampler of Optuna."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["minimize"] * problem.objectives, sampler=sampler)
    if before:
        draws = np.random.default_rng(0)
        distributions = {d["Name"]: optuna.distributions.FloatDistribution(d["Lo"], d["Hi"]) for d in problem.space}
        study.add_trials(
            optuna.trial.create_trial(params={n: draws.random() for n in distributions}, distributions=distributions,
                                      values=list(draws.random(problem.objectives)))
            for _ in range(before))
    results, waiting, seconds = [], [], []
    for _ in range(problem.trials):
        began = time.perf_counter()
        trial = study.ask()
        point = optuna_point(trial, problem.space)
        seconds.append(time.perf_counter() - began)
        results.append(problem.values(point))
        waiting.append((trial, results[-1]))
        if len(waiting) >= workers:
            study.tell(*waiting.pop(0))
    return results, seconds
