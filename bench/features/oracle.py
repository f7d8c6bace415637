"""Features and logits of images by pytorch-fid, torch-fidelity and Keras; engine/feature/oracle_test.go runs and compares them.

    oracle.py FOLDER

reads FOLDER/images.safetensors, 8-bit images [n h w c] by name. It writes to the same folder the random weights in each format that
starsweep reads, and expected.safetensors with EXTRACTOR/IMAGES/features and EXTRACTOR/IMAGES/logits.
"""

import pathlib
import sys

import networks
import numpy as np
import safetensors.numpy
import safetensors.torch
import torch


def fid(folder, images, expected, state):
    torch.save(state, folder / "fid.pth")
    torch.save(state, folder / "fid-old.pth", _use_new_zipfile_serialization=False)
    safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, folder / "fid.safetensors")
    net, other = networks.pytorch_fid_network(state), networks.torch_fidelity_network(folder / "fid.pth")
    with torch.no_grad():
        for name, x in images.items():
            x = torch.from_numpy(np.ascontiguousarray(colour(x).transpose(0, 3, 1, 2)))
            features = net(x.float() / 255)[0][:, :, 0, 0]  # ToTensor, as pytorch-fid's fid_score.py
            expected[f"inception/{name}/features"] = features.numpy()
            expected[f"inception/{name}/logits"] = (features @ state["fc.weight"].T).numpy()
            features, logits = other(x)
            expected[f"inception-ttur/{name}/features"] = features.numpy()
            expected[f"inception-ttur/{name}/logits"] = logits.numpy()


def keras(folder, images, expected):
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    net = networks.keras_network()
    net.save(folder / "keras-model.h5")
    net.save_weights(folder / "keras3.weights.h5")
    with h5py.File(folder / "keras.h5", "w") as f:  # the format of the published file
        legacy_h5_format.save_weights_to_hdf5_group(f, net)
    keras_features(net, images, expected)


def keras_features(net, images, expected):
    import keras
    import tensorflow as tf

    both = keras.Model(net.input, [net.get_layer("avg_pool").output, net.output])
    for name, x in images.items():
        x = tf.image.resize(tf.constant(colour(x), tf.float32), (299, 299))
        features, logits = both(keras.applications.inception_v3.preprocess_input(x), training=False)
        expected[f"inception-keras/{name}/features"] = np.asarray(features)
        expected[f"inception-keras/{name}/logits"] = np.asarray(logits)


def colour(x):
    """The images with three channels; grey is repeated, as by PIL's convert("RGB")."""
    return np.repeat(x, 3, axis=3) if x.shape[3] == 1 else x


def main():
    folder = pathlib.Path(sys.argv[1])
    images = safetensors.numpy.load_file(folder / "images.safetensors")
    expected = {}
    fid(folder, images, expected, networks.fid_state())
    keras(folder, images, expected)
    safetensors.numpy.save_file({k: np.ascontiguousarray(v) for k, v in expected.items()}, folder / "expected.safetensors")


if __name__ == "__main__":
    main()
