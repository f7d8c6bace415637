"""Makes small.pth and small-old.pth, a state_dict in PyTorch's new and old format, and two files that are refused."""
import collections

import torch

state = collections.OrderedDict(
    kernel=torch.arange(6.0).reshape(2, 3),
    transposed=torch.arange(6.0).reshape(2, 3).T,  # strides, and a storage that is shared
    double=torch.tensor([0.5, -2.0], dtype=torch.float64),
    count=torch.tensor(7),  # of integers: left out
    scalar=torch.tensor(7.0),
)
base = torch.arange(10.0)
state["part"] = base[4:6]
torch.save(state, "small.pth")
torch.save(state, "small-old.pth", _use_new_zipfile_serialization=False)
torch.save({"half": torch.zeros(2, dtype=torch.float16)}, "half.pth")
torch.save(torch.nn.Linear(2, 2), "module.pth")
