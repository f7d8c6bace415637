"""Inception v3 as pytorch-fid, torch-fidelity and Keras build it, with random weights: nothing is downloaded."""

import os
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytorch_fid.inception
import torch


def fid_state(seed=0):
    """A random state_dict of the FID network, including batch norm statistics. He initialization keeps all layers alive."""
    torch.manual_seed(seed)
    with mock.patch.object(pytorch_fid.inception, "load_state_dict_from_url", lambda *a, **k: None), \
            mock.patch.object(torch.nn.Module, "load_state_dict", lambda *a, **k: None):
        net = pytorch_fid.inception.fid_inception_v3()
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.3)
                m.running_var.uniform_(0.5, 1.5)
                m.weight.uniform_(0.7, 1.3)
                m.bias.normal_(0, 0.3)
            elif isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)):
                torch.nn.init.kaiming_normal_(m.weight)
                if m.bias is not None:
                    m.bias.normal_()
    return net.state_dict()


def pytorch_fid_network(state):
    """The extractor of pytorch-fid, up to the last pooling layer."""
    with mock.patch.object(pytorch_fid.inception, "load_state_dict_from_url", lambda *a, **k: state):
        return pytorch_fid.inception.InceptionV3().eval()


def torch_fidelity_network(path):
    """The extractor of torch-fidelity, loaded from a .pth file."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    return FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=path)


def keras_network(seed=0):
    """keras.applications.InceptionV3 with random weights, without the final softmax."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(seed)
    net = keras.applications.InceptionV3(weights=None, classifier_activation=None)
    r = np.random.default_rng(seed)
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            beta, mean, variance = (w.shape for w in layer.weights)
            layer.set_weights([r.normal(0, 0.3, beta), r.normal(0, 0.3, mean), r.uniform(0.5, 1.5, variance)])
        elif isinstance(layer, keras.layers.Conv2D):
            (k,) = (w.shape for w in layer.weights)
            layer.set_weights([r.normal(0, (2 / np.prod(k[:3])) ** 0.5, k)])
        elif isinstance(layer, keras.layers.Dense):
            k, b = (w.shape for w in layer.weights)
            layer.set_weights([r.normal(0, (2 / k[0]) ** 0.5, k), r.normal(0, 1, b)])
    return net
