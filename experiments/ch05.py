"""The tables of chapter 05: likelihoods of the 784-500 machine under three ways of training, and a belief network.

Every machine is trained on all 55,000 images: batches of 128, W from N(0, 0.01**2), visible biases from the training
mean, gradient descent with momentum 0.5 and a rate that falls linearly to 0.

`boltzmann`: pixels binarized once, each by a draw with its gray value as the probability; a rate from 0.05, no weight
decay; how many epochs is the choice, made by the validation images. Log-likelihoods in nats an image, of all 10,000
test and 5,000 validation images and the first 10,000 training images, with ln Z by annealed importance sampling: 100
chains, the base from the training images. `log_z_error` is its standard error. `log_p_blank` is the log-probability of
the image without a single pixel on; the rows of 15 epochs are older and lack it.

`belief_network`: pixels above 0.5, persistent chains, k = 2, a rate from 0.1; epochs and weight decay of `MACHINES`.
Accuracies on all test and validation images of a softmax on hidden probabilities of the gray pixels, frozen and
fine-tuned, and of the same network fine-tuned from random weights. The seconds of a seed's first row are with those of
its machine. Nothing is chosen by the test images.
"""

import functools
import math

import joblib
import keras
import numpy as np
from keras import layers

from aelib.course import cosine_rate
from aelib.rbm import RBM, annealed_log_partition, base_logits
from experiments import mnist
from experiments.classifiers import accuracy
from experiments.table import STORED, complete, grid

(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

BATCH_SIZE = 128
METHODS = {"CD-1": (1, None), "CD-2": (2, None), "persistent": (1, BATCH_SIZE)}
MACHINES = {500: {"epochs": 18, "weight_decay": 1e-4}, 1024: {"epochs": 12, "weight_decay": 5e-4}}  # by hidden units


@functools.cache
def binary():
    rng = np.random.default_rng(5)
    return [(rng.random(x.shape, dtype=np.float32) < x).astype(np.float32) for x in (x_train, x_valid, x_test)]


def trained(x, k, n_chains, epochs, seed, units=500, rate=0.05, weight_decay=0.0):
    rbm = RBM(units, k=k, n_chains=n_chains, weight_decay=weight_decay, seed=seed)
    rbm.build((None, 784))
    rbm.visible_bias.assign(base_logits(x))
    steps = math.ceil(len(x) / BATCH_SIZE)
    rate = keras.optimizers.schedules.PolynomialDecay(rate, epochs * steps, end_learning_rate=0.0)
    rbm.compile(keras.optimizers.SGD(rate, momentum=0.5), steps_per_execution=43)
    rbm.fit(x, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
    return rbm


def likelihood(method, epochs, temperatures, seed):
    x, *held_out = binary()
    rbm = trained(x, *METHODS[method], epochs, seed)
    betas = np.linspace(0, 1, temperatures)
    log_z, error = annealed_log_partition(rbm, base_logits(x), betas, 100, np.random.default_rng(seed))
    sets = dict(zip(("train", "valid", "test"), (x[:10_000], *held_out), strict=True))
    figures = {
        f"{name}_log_likelihood": float(-np.mean(rbm.free_energy(images)) - log_z) for name, images in sets.items()
    }
    log_p_blank = float(-rbm.free_energy(np.zeros((1, 784)))[0] - log_z)
    return figures | {"log_z": log_z, "log_z_error": error, "log_p_blank": log_p_blank}


@joblib.Memory(STORED, verbose=0).cache
def machine(units, epochs, weight_decay, seed):
    """Weights and hidden thresholds of the belief network's machine; the seed's other rows find them on the disk."""
    x = (x_train > 0.5).astype("float32")
    rbm = trained(x, 2, BATCH_SIZE, epochs, seed, units, rate=0.1, weight_decay=weight_decay)
    return [np.array(rbm.kernel), np.array(rbm.hidden_bias)]


def accuracies(model):
    figures = {}
    for name, x, y in (("valid", x_valid, y_valid), ("test", x_test, y_test)):
        figures[f"{name}_accuracy"] = accuracy(model, x, y)
    return figures


def classifier(start, units, epochs, seed):
    """784-units-10 with a sigmoid layer, "frozen" or "fine-tuned" from the RBM's, or fine-tuned from a "random" one."""
    hidden = layers.Dense(units, "sigmoid", trainable=start != "frozen")
    dropout = [0.0, 0.0] if start == "frozen" else [0.2, 0.3]
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dropout(dropout[0]),
            hidden,
            layers.Dropout(dropout[1]),
            layers.Dense(10, "softmax"),
        ]
    )
    if start != "random":
        hidden.set_weights(machine(units, **MACHINES[units], seed=seed))
    rate = cosine_rate(5e-3 if start == "frozen" else 2e-3, len(x_train), 128, epochs)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", steps_per_execution=43)
    model.fit(x_train, y_train, batch_size=128, epochs=epochs, verbose=0)
    return accuracies(model)


def main():
    settings = grid(method=list(METHODS), epochs=[4], temperatures=[4000], seed=range(3))
    settings += grid(method=list(METHODS), epochs=[15], temperatures=[10_000], seed=range(3))
    complete("boltzmann", settings, likelihood)
    settings = grid(start=["frozen"], units=[500, 1024], epochs=[25], seed=range(3))
    settings += grid(start=["fine-tuned", "random"], units=[500], epochs=[50], seed=range(3))
    complete("belief_network", settings, classifier)
