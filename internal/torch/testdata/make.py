"""The files of this folder: a state_dict in every form that torch.save has, a TorchScript archive, and expected.json.

    python make.py        # with the torch of bench/requirements.txt
"""

import collections
import json
import pathlib

import torch

FOLDER = pathlib.Path(__file__).parent


class Inner(torch.nn.Module):
    def __init__(self, start):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(start, start + 6.0).reshape(2, 3))
        self.register_buffer("mean", torch.tensor([0.25, -3.0], dtype=torch.float64))
        self.stride = [1, 2]

    def forward(self, x):
        return x @ self.weight.T


class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(collections.OrderedDict(conv=Inner(0), conv_1=Inner(10)))

    def forward(self, x):
        return self.layers(x)


def main():
    base = torch.arange(12.0)
    state = collections.OrderedDict(
        kernel=base.reshape(3, 4), transposed=base.reshape(3, 4).T, part=base[4:6],
        stretched=base[3].expand(2, 2), scalar=torch.tensor(7.0),
        empty=torch.zeros(0, 3), double=torch.tensor([0.1], dtype=torch.float64),
        half=torch.tensor([1.5, 2.0**-24, -3], dtype=torch.float16),
        brain=torch.tensor([-3.0], dtype=torch.bfloat16), count=torch.tensor(7), flag=torch.tensor([True]))
    state["parameter"] = torch.nn.Parameter(torch.tensor([5.0]))
    torch.save(state, FOLDER / "state.pth")
    torch.save(state, FOLDER / "state-4.pth", pickle_protocol=4)
    torch.save(state, FOLDER / "state-old.pth", _use_new_zipfile_serialization=False)
    torch.save({"model": {"state": state}, "epoch": 3, "loss": 0.5, "lr": [1e-3],
                "args": pathlib.PurePosixPath("x")}, FOLDER / "checkpoint.pth")
    torch.jit.script(Outer()).save(FOLDER / "scripted.pt")
    expected = {k: [list(v.shape), v.detach().double().ravel().tolist()] for k, v in state.items() if v.is_floating_point()}
    scripted = {k: [list(v.shape), v.detach().double().ravel().tolist()] for k, v in Outer().state_dict().items()}
    (FOLDER / "expected.json").write_text(json.dumps({"state": expected, "scripted": scripted}, indent=0))


if __name__ == "__main__":
    main()
