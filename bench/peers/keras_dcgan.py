"""The training steps of common.py in Keras on TensorFlow, each as one tf.function.

TensorFlow prunes from the graph what a step does not use, such as the discriminator's gradients in the generator's update.
"""

import os

import common

args = common.arguments()
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf
from tensorflow import keras
from keras import layers

imported_mb = common.peak_mb()

tf.config.threading.set_intra_op_parallelism_threads(args.threads)
tf.config.threading.set_inter_op_parallelism_threads(args.threads)


def norm():
    return layers.BatchNormalization(epsilon=common.NORM_EPSILON, momentum=common.NORM_MOMENTUM)


def generator(width):
    w = width
    return keras.Sequential([
        keras.Input((common.LATENT,)),
        layers.Dense(64 * w, use_bias=False),
        layers.Reshape((4, 4, 4 * w)),
        norm(),
        layers.ReLU(),
        layers.Conv2DTranspose(2 * w, 5, 2, "same", use_bias=False),
        norm(),
        layers.ReLU(),
        layers.Conv2DTranspose(w, 5, 2, "same", use_bias=False),
        norm(),
        layers.ReLU(),
        layers.Conv2DTranspose(common.CHANNELS, 5, 2, "same", activation="tanh"),
    ])


def discriminator(width, normalize):
    """The discriminator, or with normalize = False the critic of WGAN-GP."""
    w = width
    stack = [keras.Input((common.SIZE, common.SIZE, common.CHANNELS))]
    for filters in (w, 2 * w, 4 * w):
        stack.append(layers.Conv2D(filters, 5, 2, "same"))
        if normalize and filters > w:
            stack.append(norm())
        stack.append(layers.LeakyReLU(negative_slope=common.SLOPE))
    return keras.Sequential(stack + [layers.Flatten(), layers.Dense(1)])


G, D = generator(args.width), discriminator(args.width, normalize=args.step == "ns")
beta_1, beta_2 = common.betas(args.step)
adam_g, adam_d = (keras.optimizers.Adam(common.LEARNING_RATE, beta_1, beta_2, common.EPSILON) for _ in range(2))
real = 2 * tf.random.uniform((args.batch, common.SIZE, common.SIZE, common.CHANNELS)) - 1


def generate():
    return G(tf.random.normal((args.batch, common.LATENT)), training=True)


def noisy(x):
    return x + common.NOISE * tf.random.normal(x.shape)


def judge(x):
    return D(x, training=True)


def update(optimizer, network, tape, loss):
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)


@tf.function
def ns():
    fake = generate()
    with tf.GradientTape() as tape:
        loss_d = tf.reduce_mean(tf.nn.softplus(-judge(noisy(real)))) + tf.reduce_mean(tf.nn.softplus(judge(noisy(fake))))
    update(adam_d, D, tape, loss_d)
    with tf.GradientTape() as tape:
        loss_g = tf.reduce_mean(tf.nn.softplus(-judge(noisy(generate()))))
    update(adam_g, G, tape, loss_g)
    return loss_d, loss_g


@tf.function
def critic():
    fake = generate()
    e = tf.random.uniform((args.batch, 1, 1, 1))
    mix = e * real + (1 - e) * fake
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(mix)
            out = judge(mix)
        slope = inner.gradient(out, mix)
        penalty = tf.reduce_mean((tf.sqrt(tf.reduce_sum(slope**2, [1, 2, 3])) - 1) ** 2)
        loss = tf.reduce_mean(judge(fake)) - tf.reduce_mean(judge(real)) + common.PENALTY * penalty
    update(adam_d, D, tape, loss)
    return (loss,)


@tf.function
def wgen():
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(judge(generate()))
    update(adam_g, G, tape, loss)
    return (loss,)


def count(network):
    return sum(tf.size(v).numpy().item() for v in network.trainable_variables)


step = {"ns": ns, "critic": critic, "wgen": wgen}[args.step]
common.measure(
    "keras", f"{keras.__version__} (tensorflow {tf.__version__})", args,
    {"generator": count(G), "discriminator": count(D)}, imported_mb,
    step,
)
