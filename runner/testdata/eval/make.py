"""Make real.npy and fake.npy, and print what prdc and pytorch-fid say of them: the numbers in eval_test.go.

Made with numpy 2.4, prdc 0.2, pytorch-fid 0.3, torch-fidelity 0.4:  python make.py
"""

import numpy
import prdc
import torch
from pytorch_fid.fid_score import calculate_frechet_distance
from torch_fidelity.metric_kid import kid_features_to_metric

rng = numpy.random.default_rng(7)
mix = rng.standard_normal((8, 8))
real = (rng.standard_normal((60, 8)) @ mix).astype(numpy.float32)
fake = (rng.standard_normal((50, 8)) @ mix * 0.8 + 0.5).astype(numpy.float64)
numpy.save("real.npy", real)
numpy.save("fake.npy", fake)

real, fake = real.astype(numpy.float64), fake.astype(numpy.float32).astype(numpy.float64)
moments = lambda x: (x.mean(0), numpy.cov(x, rowvar=False))
print("fid", repr(float(calculate_frechet_distance(*moments(real), *moments(fake)))))
for k in (3, 5):
    print("k", k, {name: float(v) for name, v in prdc.compute_prdc(real, fake, nearest_k=k).items()})
x = torch.from_numpy(real)
print("kid of real with itself", kid_features_to_metric(x, x, kid_subset_size=60, kid_subsets=2, rng_seed=1, verbose=False))
