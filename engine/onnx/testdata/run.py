"""Check and run models: python run.py FOLDER

The folder has NAME.onnx and NAME.safetensors, which holds what the model is given and, under the model's output, what it should return.
Every model is also run on its first example alone. Prints a line of JSON for each model: name, largest difference in units of the
largest number, and an error if there is one.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

onnxruntime.set_default_logger_severity(3)


def difference(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path)
    tensors = load_file(path.with_suffix(".safetensors"))
    (output,) = session.get_outputs()
    given = {i.name: tensors[i.name] for i in session.get_inputs()}
    want = tensors[output.name]
    got = session.run(None, given)[0]
    if got.shape != want.shape or got.dtype != want.dtype:
        raise ValueError(f"got {got.dtype}{got.shape}, want {want.dtype}{want.shape}")
    worst = far(got, want)
    if output.shape[:1] == ["batch"]:
        one = {i.name: given[i.name][:1] if i.shape[:1] == ["batch"] else given[i.name] for i in session.get_inputs()}
        worst = max(worst, far(session.run(None, one)[0], want[:1]))
    return worst


def far(got, want):
    return float(np.max(np.abs(got.astype(float) - want)) / (np.max(np.abs(want)) or 1))


for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
    line = {"name": path.stem}
    try:
        line["difference"] = difference(path)
    except Exception as e:  # the test prints it beside the name of the model
        line["error"] = str(e)
    print(json.dumps(line))
