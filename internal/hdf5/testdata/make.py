"""Makes small.h5: groups, floats of 4 and 8 bytes, a number, integers and text, a soft link; enough
members for a tree of two nodes; and files that are refused."""
import h5py
import numpy as np

with h5py.File("small.h5", "w") as f:
    f.attrs["layer_names"] = [b"conv2d", b"dense"]
    for i in range(40):
        f[f"model/layer_{i}/kernel:0"] = np.arange(6, dtype=np.float32).reshape(2, 3) + i
    f["double"] = np.array([0.5, -2.0])
    f["number"] = np.float32(7)
    f["integers"] = np.arange(3)
    f["text"] = "not a number"
    f["link"] = h5py.SoftLink("/double")
    f.create_dataset("empty", (0, 3), dtype="f4")
with h5py.File("chunked.h5", "w") as f:
    f.create_dataset("model/kernel", data=np.zeros((8, 8), np.float32), chunks=(4, 4), compression="gzip")
with h5py.File("latest.h5", "w", libver="latest") as f:
    f["kernel"] = np.zeros(3, np.float32)
with h5py.File("linked.h5", "w") as f:  # one array by 100 names
    f["kernel"] = np.zeros(4096, np.float32)
    for i in range(99):
        f[f"kernel_{i}"] = f["kernel"]
