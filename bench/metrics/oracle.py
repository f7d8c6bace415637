"""Every metric of engine/metric, computed by the packages that papers use on small features that both sides can generate.

    python bench/metrics/oracle.py > engine/metric/testdata/oracle.json

needs bench/requirements-metrics.txt. The Go tests compare with the stored numbers, and with fresh ones if
STARSWEEP_PYTHON_METRICS names such a Python. Packages receive the features in float64, to exclude their rounding in
float32; "definition" is the formula in NumPy, without the choices of any package.
"""
import json
import sys
import warnings

import numpy as np
import torch
import sklearn.cluster
import sklearn.metrics
import sklearn.neighbors
from cleanfid.fid import frechet_distance, kernel_distance
from prdc.prdc import compute_nearest_neighbour_distances, compute_pairwise_distance
from pytorch_fid.fid_score import calculate_frechet_distance
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric


# ---- features: sums of counter-based random bits, identical to those in Go (oracle_test.go)

def bell(seed, n):
    """n sums of four uniform numbers, minus 2: about normal, with deviation 1/sqrt(3). All operations are exact."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, 4 * n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # splitmix64 (Steele, Lea and Flood 2014)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(float) * 2.0**-24).reshape(n, 4).sum(1) - 2


def features(seed, n, d, mean=0.0, scale=1.0, factor=0.0, relu=False, repeat=1):
    """[n, d]: independent numbers, plus a factor shared by each row; optionally repeated rows and no negative numbers."""
    rows = n // repeat
    x = mean + scale * bell(seed, rows * d).reshape(rows, d)
    x = x + (factor * bell(seed + 1, rows))[:, None] * (np.arange(d) % 7 - 3.0)
    x = np.maximum(x, 0) if relu else x
    return np.repeat(x, repeat, axis=0).astype(np.float32).astype(float)


# ---- the metrics

def fid(real, fake):
    def moments(x):
        return x.mean(0), np.cov(x, rowvar=False)

    def stats(x):
        return fid_features_to_statistics(torch.tensor(x))

    def definition():
        """The trace of the root is the sum of the singular values of the product of the sets: no root of a rounded matrix."""
        a, b = [(x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (real, fake)]
        delta = real.mean(0) - fake.mean(0)
        return delta @ delta + (a * a).sum() + (b * b).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()

    return {
        "pytorch-fid": calculate_frechet_distance(*moments(real), *moments(fake)),
        "clean-fid": frechet_distance(*moments(real), *moments(fake)),
        "torch-fidelity": fid_statistics_to_metric(stats(real), stats(fake), False)["frechet_inception_distance"],
        "definition": definition(),
    }


def kid(real, fake):
    m = min(len(real), len(fake))  # one subset of everything: nothing is random
    real, fake = real[:m], fake[:m]

    def k(x, y):
        return sklearn.metrics.pairwise.polynomial_kernel(x, y, degree=3, gamma=1 / x.shape[1], coef0=1)

    xx, yy, xy = k(real, real), k(fake, fake), k(real, fake)
    np.fill_diagonal(xx, 0)
    np.fill_diagonal(yy, 0)
    return {
        "torch-fidelity": kid_features_to_metric(
            torch.tensor(real), torch.tensor(fake), kid_subsets=1, kid_subset_size=m, verbose=False
        )["kernel_inception_distance_mean"],
        "clean-fid": kernel_distance(real, fake, num_subsets=1, max_subset_size=m),
        "scikit-learn": (xx.sum() + yy.sum()) / (m * (m - 1)) - 2 * xy.mean(),
    }


def overlap(real, fake, k):
    """Precision, recall, density and coverage: by definition, by torch-fidelity (<=) and by prdc (<)."""
    def distances(x, y):
        return np.stack([((row - y) ** 2).sum(1) for row in x])

    def radii(x):
        return np.sort(distances(x, x))[:, k]  # the nearest is the sample itself

    d, rr, rf = distances(real, fake), radii(real)[:, None], radii(fake)[None]
    out = {
        "precision": {"definition": (d <= rr).any(0).mean()},
        "recall": {"definition": (d <= rf).any(1).mean()},
        "density": {"definition": (d < rr).sum(0).mean() / k},
        "coverage": {"definition": (d < rr).any(1).mean()},
    }
    # the body of compute_prdc, which prints
    d = compute_pairwise_distance(real, fake)
    rr, rf = compute_nearest_neighbour_distances(real, k), compute_nearest_neighbour_distances(fake, k)
    out["precision"]["prdc"] = (d < rr[:, None]).any(0).mean()
    out["recall"]["prdc"] = (d < rf[None]).any(1).mean()
    out["density"]["prdc"] = (d < rr[:, None]).sum(0).mean() / k
    out["coverage"]["prdc"] = (d.min(1) < rr).mean()
    prc = prc_features_to_metric(torch.tensor(fake), torch.tensor(real), prc_neighborhood=k, verbose=False)
    out["precision"]["torch-fidelity"], out["recall"]["torch-fidelity"] = prc["precision"], prc["recall"]
    return out


def inception_score(logits, splits):
    r = isc_features_to_metric(torch.tensor(logits), splits=splits, shuffle=False)
    return {
        "inception score": {"torch-fidelity": r["inception_score_mean"]},
        "inception score, deviation": {"torch-fidelity": r["inception_score_std"]},
    }


def parzen(test, samples, sigma):
    # One leaf for all samples: with several, the result is off by up to 0.4 nats here, for any tolerance.
    kde = sklearn.neighbors.KernelDensity(bandwidth=sigma, rtol=0, atol=0, leaf_size=len(samples) + 1)
    v = kde.fit(samples).score_samples(test)
    return {
        "parzen window": {"scikit-learn": v.mean()},
        "parzen window, error": {"scikit-learn": v.std() / np.sqrt(len(v))},
    }


def prd_of_histograms(p, q, angles=1001):
    """Sajjadi et al. 2018, eq. 2, and the largest F of beta 8 and 1/8. p is real."""
    slope = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, angles))
    precision = np.minimum(slope[:, None] * p, q).sum(1)
    recall = np.clip(precision / slope, 0, 1)
    return np.clip(precision, 0, 1), recall


def f_scores(precision, recall):
    def f(b):
        return ((1 + b * b) * precision * recall / (b * b * precision + recall + 1e-10)).max()

    return f(8), f(1 / 8)


def prd(real, fake):
    """With clusters of scikit-learn, which are random, so the result cannot agree to many digits."""
    curves = []
    for seed in range(10):
        labels = sklearn.cluster.MiniBatchKMeans(20, n_init=10, random_state=seed).fit(np.concatenate([real, fake])).labels_
        p, q = [np.bincount(part, minlength=20) / len(part) for part in np.split(labels, 2)]
        curves.append(prd_of_histograms(p, q))
    f8, f18 = f_scores(*np.mean(curves, axis=0))
    return {"prd F8": {"scikit-learn": f8}, "prd F1/8": {"scikit-learn": f18}}


def prd_curve(real, fake):
    """For given histograms: the absolute values of the first rows, normalized to sum 1."""
    p, q = [np.abs(x[0]) / np.abs(x[0]).sum() for x in (real, fake)]
    f8, f18 = f_scores(*prd_of_histograms(p, q))
    return {"prd F8 of histograms": {"definition": f8}, "prd F1/8 of histograms": {"definition": f18}}


# ---- the cases

CASES = [
    dict(name="many samples", k=3, cluster=True, real=dict(seed=1, n=1500, d=24), fake=dict(seed=11, n=1200, d=24, mean=0.1, scale=1.1)),
    dict(name="like Inception's pool", k=3, cluster=True, real=dict(seed=2, n=900, d=200, mean=0.1, scale=0.5, factor=0.2, relu=True),
         fake=dict(seed=12, n=900, d=200, mean=0.15, scale=0.5, factor=0.1, relu=True)),
    dict(name="far from the origin", k=5, real=dict(seed=3, n=400, d=32, mean=50.0), fake=dict(seed=13, n=400, d=32, mean=50.1)),
    dict(name="fewer samples than features", k=3, real=dict(seed=4, n=90, d=160, factor=0.3), fake=dict(seed=14, n=70, d=160, mean=0.1)),
    dict(name="one set smaller than the features", k=3, real=dict(seed=5, n=500, d=120), fake=dict(seed=15, n=60, d=120)),
    dict(name="every image three times", k=3, real=dict(seed=6, n=300, d=40, repeat=3), fake=dict(seed=16, n=300, d=40, repeat=3)),
    dict(name="disjoint", k=3, real=dict(seed=7, n=200, d=30), fake=dict(seed=17, n=200, d=30, mean=9.0)),
    dict(name="the set itself", k=3, real=dict(seed=8, n=300, d=30), fake=dict(seed=8, n=300, d=30)),
    dict(name="one image", k=3, real=dict(seed=9, n=200, d=30), fake=dict(seed=19, n=200, d=30, mean=0.5, scale=0.0)),
]


def measure(case):
    real, fake = features(**case["real"]), features(**case["fake"])
    n = min(len(real), len(fake))
    values = {"FID": fid(real, fake), "KID": kid(real, fake), **overlap(real, fake, case["k"]), **inception_score(real, 10),
              **parzen(real[:100], fake, 0.5), **prd_curve(real, fake)}
    if case.get("cluster"):
        values |= prd(real[:n], fake[:n])
    return {**case, "values": {metric: {who: float(v) for who, v in by.items()} for metric, by in values.items()}}


def main():
    warnings.filterwarnings("ignore")  # SciPy deprecates an argument that pytorch-fid and clean-fid pass
    json.dump([measure(c) for c in CASES], sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
