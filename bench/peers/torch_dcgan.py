"""The training steps of common.py in PyTorch.

It is set up to be fast: no unused gradients are computed (those of the generator are off while the discriminator trains, and vice
versa), Adam is one fused kernel, and both memory layouts are available. It can run under autocast in bfloat16, with
torch.compile, which covers everything except the penalty of the critic, a derivative of a derivative, and on a CUDA device as a
graph that is recorded once. There, products of float32 may round to TF32, as XLA's do. PyTorch pads 2 pixels before
and 1 after where Keras pads 1 and 2: the mirror image, with the same amount of work.
"""

import common

args = common.arguments(layouts=("default", "channels_last"), precisions=("float32", "bf16"), devices=("cpu", "cuda"), compile=True)

import torch
import torch.nn.functional as F
from torch import nn

imported_mb = common.peak_mb()

torch.set_num_threads(args.threads)
torch.set_default_device(args.device)
if args.device == "cuda":
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True  # chooses the fastest algorithm of each convolution


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
    """The discriminator, or with normalize = False the critic of WGAN-GP."""

    def __init__(self, width, normalize):
        super().__init__()
        w = width
        self.conv1 = nn.Conv2d(common.CHANNELS, w, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(w, 2 * w, 5, stride=2, padding=2)
        self.conv3 = nn.Conv2d(2 * w, 4 * w, 5, stride=2, padding=2)
        self.norm2 = norm(2 * w) if normalize else nn.Identity()
        self.norm3 = norm(4 * w) if normalize else nn.Identity()
        self.dense = nn.Linear(64 * w, 1)

    def forward(self, x):
        h = F.leaky_relu(self.conv1(x), common.SLOPE)
        h = F.leaky_relu(self.norm2(self.conv2(h)), common.SLOPE)
        h = F.leaky_relu(self.norm3(self.conv3(h)), common.SLOPE)
        return self.dense(h.flatten(1))


layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
G = Generator(args.width).to(memory_format=layout)
D = Discriminator(args.width, normalize=args.step == "ns").to(memory_format=layout)
adam = dict(lr=common.LEARNING_RATE, betas=common.betas(args.step), eps=common.EPSILON, fused=True, capturable=args.graph)
adam_g, adam_d = torch.optim.Adam(G.parameters(), **adam), torch.optim.Adam(D.parameters(), **adam)
real = (2 * torch.rand(args.batch, common.CHANNELS, common.SIZE, common.SIZE) - 1).to(memory_format=layout)
compiled = torch.compile if args.compile else lambda f: f


def noisy(x):
    return x + common.NOISE * torch.randn_like(x)


# Passes through the networks. bfloat16 stays inside: images, logits, losses and slopes are float32.
def forward(network, x):
    with torch.autocast(args.device, torch.bfloat16, enabled=args.precision == "bf16"):
        return network(x).float()


def judge(x):
    return forward(D, x)


def generate():
    return forward(G, torch.randn(args.batch, common.LATENT))


# Passes compiled as a whole by torch.compile, which derives the gradients.
@compiled
def sample():
    return generate()


@compiled
def discriminate(fake):
    return F.softplus(-judge(noisy(real))).mean() + F.softplus(judge(noisy(fake))).mean()


@compiled
def deceive():
    return F.softplus(-judge(noisy(generate()))).mean()


@compiled
def distance(fake):
    return judge(fake).mean() - judge(real).mean()


@compiled
def please():
    return -judge(generate()).mean()


def update(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def ns():
    D.requires_grad_(True)
    with torch.no_grad():
        fake = sample()
    loss_d = update(adam_d, discriminate(fake))
    D.requires_grad_(False)
    return loss_d, update(adam_g, deceive())


def critic():
    with torch.no_grad():
        fake = sample()
        e = torch.rand(args.batch, 1, 1, 1)
        mix = e * real + (1 - e) * fake
    mix.requires_grad_(True)
    # Not compiled: "torch.compile with aot_autograd does not currently support double backward".
    (slope,) = torch.autograd.grad(judge(mix).sum(), mix, create_graph=True)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    return (update(adam_d, distance(fake) + common.PENALTY * penalty),)


def wgen():
    D.requires_grad_(False)
    return (update(adam_g, please()),)


def recorded(step):
    """The step as a CUDA graph, whose losses are the same tensors each time."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # what is made once, such as the optimizer's state, must not be part of the graph
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        losses = step()
    return lambda: (graph.replay(), losses)[1]


def count(network):
    return sum(p.numel() for p in network.parameters())


step = {"ns": ns, "critic": critic, "wgen": wgen}[args.step]


common.measure(
    "pytorch", torch.__version__, args,
    {"generator": count(G), "discriminator": count(D)}, imported_mb,
    recorded(step) if args.graph else step,
)
