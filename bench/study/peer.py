"""The study of examples/quickstart.star, as a user of Optuna, PyTorch and torch-fidelity writes it.

    python bench/study/peer.py MNIST FEATURES OUT

MNIST is a folder of torchvision, FEATURES the weights of extractor(), OUT the folder of the results. The same command continues a study
that was killed: finished trials stay, and the one in progress begins again.
"""

import csv
import os
import sys
from pathlib import Path

import optuna
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric
from torchvision.datasets import MNIST
from torchvision.utils import save_image

GRID = {"loss": ["ns-gan", "wgan-gp"], "lr": [1e-3, 3e-3]}
EPOCHS, BATCH, WIDTH, LATENT, IMAGES, SAMPLES = 4, 32, 24, 64, 10_000, 1000


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def up(inputs, outputs, bias=False):
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1, bias=bias)


def down(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)


def generator():
    w = WIDTH
    return nn.Sequential(
        nn.Linear(LATENT, 64 * w, bias=False), nn.Unflatten(1, (4 * w, 4, 4)), norm(4 * w), nn.ReLU(),
        up(4 * w, 2 * w), norm(2 * w), nn.ReLU(),
        up(2 * w, w), norm(w), nn.ReLU(),
        up(w, 1, bias=True), nn.Tanh(),
    ).apply(initialize).to(memory_format=torch.channels_last)  # faster than the default layout


def discriminator(wgan):
    w, maybe = WIDTH, nn.Identity if wgan else norm
    return nn.Sequential(
        down(1, w), nn.LeakyReLU(0.3),
        down(w, 2 * w), maybe(2 * w), nn.LeakyReLU(0.3),
        down(2 * w, 4 * w), maybe(4 * w), nn.LeakyReLU(0.3),
        nn.Flatten(), nn.Linear(64 * w, 1),
    ).apply(initialize).to(memory_format=torch.channels_last)


def initialize(layer):
    if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def extractor(weights):
    network = nn.Sequential(
        nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(1, 32, 5, stride=2), nn.ReLU(),
        nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU(),
        nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )
    network.load_state_dict(torch.load(weights))
    return network.eval()


def digits(folder, train, count):
    images = MNIST(folder, train=train, download=True).data[:count, None].float()
    return F.interpolate(images, size=32, mode="bilinear") / 127.5 - 1


class Metrics:
    def __init__(self, network, real):
        self.network = network
        self.real = self.features(real)
        self.statistics = fid_features_to_statistics(self.real)

    @torch.no_grad()
    def features(self, images):
        images = (images * 127.5 + 128).floor().clamp(0, 255) / 127.5 - 1  # as files of 8 bits have them
        return torch.cat([self.network(batch) for batch in images.split(250)])

    def __call__(self, images):
        features = self.features(images)
        fid = fid_statistics_to_metric(fid_features_to_statistics(features), self.statistics, verbose=False)
        overlap = prc_features_to_metric(features, self.real, prc_neighborhood=3, verbose=False)
        return {"fid": fid[KEY_METRIC_FID], "precision": overlap["precision"], "recall": overlap["recall"]}


def noisy(x, std):
    return x + std * torch.randn_like(x)


def discriminator_loss(D, real, fake, std):
    return F.softplus(-D(noisy(real, std))).mean() + F.softplus(D(noisy(fake, std))).mean()


def critic_loss(D, real, fake):
    e = torch.rand(BATCH, 1, 1, 1)
    mix = (e * real + (1 - e) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(D(mix).sum(), mix, create_graph=True)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    of_fake, of_real = D(torch.cat([fake, real])).chunk(2)  # faster than two calls
    return of_fake.mean() - of_real.mean() + 10 * penalty


def update(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def train(trial, images, metrics, out):
    loss, lr = [trial.suggest_categorical(name, values) for name, values in GRID.items()]
    wgan = loss == "wgan-gp"
    torch.manual_seed(0)
    latents = torch.randn(SAMPLES, LATENT)
    G, D = generator(), discriminator(wgan)
    average = AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    adam = dict(lr=lr, betas=(0.0, 0.9) if wgan else (0.5, 0.999), eps=1e-7, fused=True)
    adam_g, adam_d = torch.optim.Adam(G.parameters(), **adam), torch.optim.Adam(D.parameters(), **adam)
    steps = len(images) // BATCH
    for epoch in range(EPOCHS):
        losses = torch.zeros(2)
        for step, index in enumerate(torch.randperm(len(images))[:steps * BATCH].split(BATCH)):
            real, std = images[index], 0.5 + (0.01 - 0.5) * (epoch + step / steps) / EPOCHS
            D.requires_grad_(True)
            with torch.no_grad():
                fake = G(torch.randn(BATCH, LATENT))
            loss_d = update(adam_d, critic_loss(D, real, fake) if wgan else discriminator_loss(D, real, fake, std))
            D.requires_grad_(False)  # its gradients are not needed for G
            fake = G(torch.randn(BATCH, LATENT))
            loss_g = update(adam_g, -D(fake).mean() if wgan else F.softplus(-D(noisy(fake, std))).mean())
            average.update_parameters(G)
            losses += torch.stack([loss_d, loss_g]) / steps
        average.eval()
        with torch.no_grad():
            samples = torch.cat([average(z) for z in latents.split(250)])
        save_image(samples[:64], out / f"trial{trial.number}-epoch{epoch + 1}.png", normalize=True, value_range=(-1, 1))
        row = {"trial": trial.number, **trial.params, "epoch": epoch + 1, "step": (epoch + 1) * steps,
               "loss_discriminator": losses[0].item(), "loss_generator": losses[1].item(), **metrics(samples)}
        record(row, out / "epochs.csv")
    torch.save(average.module.state_dict(), out / f"trial{trial.number}.pt")
    return row["fid"], row["precision"], row["recall"]


def record(row, path):
    print(row, flush=True)
    new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)


def main():
    folder, weights, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    images = digits(folder, train=True, count=IMAGES)
    metrics = Metrics(extractor(weights), digits(folder, train=False, count=SAMPLES))
    sampler = optuna.samplers.GridSampler(GRID)
    study = optuna.create_study(
        study_name="quickstart", sampler=sampler, directions=["minimize", "maximize", "maximize"], load_if_exists=True,
        storage=optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(out / "study.log"))),
    )
    if not sampler.is_exhausted(study):
        study.optimize(lambda trial: train(trial, images, metrics, out))
    for trial in study.best_trials:
        print(trial.number, trial.params, trial.values)


if __name__ == "__main__":
    main()
