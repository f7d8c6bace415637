"""PyTorch on the training steps that common.py describes.

It is given its best: no gradients that the step does not use (the generator's are off while the discriminator learns, the
discriminator's weights are frozen while the generator learns), Adam fused into one kernel, and either memory layout.
PyTorch pads 2 pixels before and 1 after where Keras pads 1 and 2: the mirror image, with the same work.
"""

import common

args = common.arguments(layouts=("default", "channels_last"))

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(args.threads)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=common.NORM_EPSILON, momentum=1 - common.NORM_MOMENTUM)


class Generator(nn.Module):
    def __init__(self, width):
        super().__init__()
        w = width
        self.dense = nn.Linear(common.LATENT, 64 * w, bias=False)
        self.norm0, self.norm1, self.norm2 = norm(4 * w), norm(2 * w), norm(w)
        self.conv1 = nn.ConvTranspose2d(4 * w, 2 * w, 5, stride=2, padding=2, output_padding=1, bias=False)
        self.conv2 = nn.ConvTranspose2d(2 * w, w, 5, stride=2, padding=2, output_padding=1, bias=False)
        self.conv3 = nn.ConvTranspose2d(w, common.CHANNELS, 5, stride=2, padding=2, output_padding=1)

    def forward(self, z):
        h = self.dense(z).view(len(z), -1, 4, 4)
        h = F.relu(self.norm0(h))
        h = F.relu(self.norm1(self.conv1(h)))
        h = F.relu(self.norm2(self.conv2(h)))
        return torch.tanh(self.conv3(h))


class Discriminator(nn.Module):
    """The critic of WGAN-GP when normalise is false."""

    def __init__(self, width, normalise):
        super().__init__()
        w = width
        self.conv1 = nn.Conv2d(common.CHANNELS, w, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(w, 2 * w, 5, stride=2, padding=2)
        self.conv3 = nn.Conv2d(2 * w, 4 * w, 5, stride=2, padding=2)
        self.norm2 = norm(2 * w) if normalise else nn.Identity()
        self.norm3 = norm(4 * w) if normalise else nn.Identity()
        self.dense = nn.Linear(64 * w, 1)

    def forward(self, x):
        h = F.leaky_relu(self.conv1(x), common.SLOPE)
        h = F.leaky_relu(self.norm2(self.conv2(h)), common.SLOPE)
        h = F.leaky_relu(self.norm3(self.conv3(h)), common.SLOPE)
        return self.dense(h.flatten(1))


layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
G = Generator(args.width).to(memory_format=layout)
D = Discriminator(args.width, normalise=args.step == "ns").to(memory_format=layout)
adam = dict(lr=common.LEARNING_RATE, betas=common.betas(args.step), eps=common.EPSILON, fused=True)
adam_g, adam_d = torch.optim.Adam(G.parameters(), **adam), torch.optim.Adam(D.parameters(), **adam)
real = (2 * torch.rand(args.batch, common.CHANNELS, common.SIZE, common.SIZE) - 1).to(memory_format=layout)


def latent():
    return torch.randn(args.batch, common.LATENT)


def noisy(x):
    return x + common.NOISE * torch.randn_like(x)


def update(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def ns():
    D.requires_grad_(True)
    with torch.no_grad():
        fake = G(latent())
    loss_d = F.softplus(-D(noisy(real))).mean() + F.softplus(D(noisy(fake))).mean()
    update(adam_d, loss_d)
    D.requires_grad_(False)
    loss_g = F.softplus(-D(noisy(G(latent())))).mean()
    update(adam_g, loss_g)
    return loss_d.item(), loss_g.item()


def critic():
    with torch.no_grad():
        fake = G(latent())
        e = torch.rand(args.batch, 1, 1, 1)
        mix = e * real + (1 - e) * fake
    mix.requires_grad_(True)
    (slope,) = torch.autograd.grad(D(mix).sum(), mix, create_graph=True)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    loss = D(fake).mean() - D(real).mean() + common.PENALTY * penalty
    update(adam_d, loss)
    return (loss.item(),)


def wgen():
    D.requires_grad_(False)
    loss = -D(G(latent())).mean()
    update(adam_g, loss)
    return (loss.item(),)


def count(network):
    return sum(p.numel() for p in network.parameters())


common.measure(
    "pytorch", torch.__version__, args,
    {"generator": count(G), "discriminator": count(D)},
    {"ns": ns, "critic": critic, "wgen": wgen}[args.step],
)
