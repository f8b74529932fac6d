"""The tables of chapter 06 on letters: section 19.3 again, with equal settings for all networks.

The letters of each seed: `make_letters`, 10 copies in three fonts with noise 0.1 for training, 3 copies in four fonts
with more noise for validation and for test ("easy": 0.2, "hard": 0.265, the level at which the validation accuracy of
one hidden layer is nearest to 0.74, see `letters_noise`). All parts have noise of their own.

All networks: logistic units and weights from N(0, 0.01**2) where the name says nothing else, a softmax, cross-entropy.
Gradient descent over the full batch with momentum 0.9 and a rate of 0.001 for the sum over the images, no penalty, at
most 300 steps. After every tenth step the validation error is looked at: training ends where it lies 5 % above its
minimum so far, with the weights of that moment. With Adam the rate is 0.001 for the mean.

Pretraining: four parts, 841-100, 100-300, 300-100, 100-50, 10 epochs each, batches of 10, a rate of 0.001 for the sum
over the batch, momentum 0.9; machines by CD-35, the lowest with visible biases from the mean image; autoencoders by
cross-entropy summed over their outputs.

`letters`, five seeds, of the four later networks three: for both levels the error on training and test letters, the
accuracy on test letters, steps and seconds of the training with labels; `pretraining_seconds`. One thread, on a machine
that did other things too.
"""

import functools
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from aelib import data
from aelib.pretraining import pretrain
from aelib.rbm import RBM, base_logits
from experiments.table import complete, grid

FONTS, HELD_OUT = ["DejaVuSans", "cmtt10", "STIXGeneral"], "cmss10"
NOISE = {"easy": 0.2, "hard": 0.265}
SIZES = 100, 300, 100, 50
STEPS = 10  # between two looks at the validation error
SEEDS = range(5)


class StopAtRise(keras.callbacks.Callback):
    """For each level of noise, the figures at the moment when its validation error lies `share` above its minimum."""

    def __init__(self, parts, share):
        super().__init__()
        self.parts, self.share = parts, share  # parts: level -> (training, validation, test)
        self.least, self.figures = dict.fromkeys(parts, np.inf), {}

    def on_train_begin(self, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.steps = STEPS * (epoch + 1)
        for level in self.parts.keys() - self.figures.keys():
            error, _ = error_and_accuracy(self.model, *self.parts[level][1])
            self.least[level] = min(self.least[level], error)
            if error > (1 + self.share) * self.least[level]:
                self.take(level)
        self.model.stop_training = len(self.figures) == len(self.parts)

    def on_train_end(self, logs=None):
        for level in self.parts.keys() - self.figures.keys():
            self.take(level)

    def take(self, level):
        train, valid, test = (error_and_accuracy(self.model, *part) for part in self.parts[level])
        self.figures[level] = {
            f"{level}_train_error": train[0],
            f"{level}_valid_accuracy": valid[1],
            f"{level}_test_error": test[0],
            f"{level}_test_accuracy": test[1],
            f"{level}_steps": self.steps,
            f"{level}_tuning_seconds": round(time.perf_counter() - self.started, 1),
        }


def error_and_accuracy(model, x, y):
    p = ops.convert_to_numpy(model(x))
    return float(-np.log(p[np.arange(len(y)), y]).mean()), float(np.mean(p.argmax(axis=1) == y))


def letters(noise, seed):
    """Training, validation and test: (images, labels) each."""
    every = [*FONTS, HELD_OUT]
    drawn = [
        data.make_letters(fonts, copies, level, [seed, part])
        for part, (fonts, copies, level) in enumerate([(FONTS, 10, 0.1), (every, 3, noise), (every, 3, noise)])
    ]
    return [(x.reshape(-1, 841), y) for x, y in drawn]


def small():
    return keras.initializers.RandomNormal(stddev=0.01)


def build(sizes, activation="sigmoid", start=None, dropout=(0.0, 0.0)):
    """841 -> sizes -> 26; the dropout of the input, and behind each hidden layer."""
    model = keras.Sequential([keras.Input((841,)), layers.Dropout(dropout[0])])
    for units in sizes:
        model.add(layers.Dense(units, activation, kernel_initializer=start or small()))
        model.add(layers.Dropout(dropout[1]))
    model.add(layers.Dense(26, "softmax", kernel_initializer=start or small()))
    return model


def machine(x, n_inputs, n_hidden, seed):
    rbm = RBM(n_hidden, k=35, seed=seed)
    rbm.build((None, n_inputs))
    if n_inputs == x.shape[1]:
        rbm.visible_bias.assign(base_logits(x))
    rbm.compile(keras.optimizers.SGD(0.01, momentum=0.9), steps_per_execution=78)
    return rbm


def autoencoder(x, n_inputs, n_hidden, seed):
    hidden = layers.Dense(n_hidden, "sigmoid", kernel_initializer=small())
    output = layers.Dense(n_inputs, "sigmoid", kernel_initializer=small())
    model = keras.Sequential([keras.Input((n_inputs,)), hidden, output])
    optimizer = keras.optimizers.SGD(0.01 * n_inputs, momentum=0.9)  # Keras takes the mean over the outputs
    model.compile(optimizer, "binary_crossentropy", steps_per_execution=78)
    return model


NETS = {
    "one hidden layer": {"sizes": (100,)},
    "random start": {},
    "RBM stack": {"part": machine},
    "autoencoder stack": {"part": autoencoder},
    "Glorot": {"start": "glorot_uniform"},
    "Glorot and Adam": {"start": "glorot_uniform", "adam": True},
    "ReLU He Adam": {"activation": "relu", "start": "he_normal", "adam": True},
    "ReLU He Adam dropout": {"activation": "relu", "start": "he_normal", "adam": True, "dropout": (0.2, 0.3)},
}


def tune(model, parts, adam=False):
    """Train with labels, all levels of noise at once: the training letters are the same."""
    (x, y), *_ = next(iter(parts.values()))
    sgd = keras.optimizers.SGD(0.001 * len(x), momentum=0.9)
    model.compile("adam" if adam else sgd, "sparse_categorical_crossentropy", steps_per_execution=STEPS)
    full_batch = tf.data.Dataset.from_tensors((x, y)).repeat()
    stop = StopAtRise(parts, 0.05)
    model.fit(full_batch, steps_per_epoch=STEPS, epochs=300 // STEPS, shuffle=False, callbacks=[stop], verbose=0)
    return {name: figure for level in parts for name, figure in stop.figures[level].items()}


def starts(part, seed):
    """A function that makes the deep network anew from the pretrained weights, and the seconds of the pretraining."""
    (x, _), *_ = letters(0.0, seed)
    pairs = zip((841, *SIZES), SIZES, strict=False)
    started = time.perf_counter()
    stacked = pretrain([part(x, *pair, seed) for pair in pairs], x, epochs=10, batch_size=10, verbose=0)
    seconds = time.perf_counter() - started

    def start():
        model = build(SIZES)
        hidden = [layer for layer in model.layers if isinstance(layer, layers.Dense)][:-1]
        for layer, trained in zip(hidden, stacked.layers, strict=True):
            layer.set_weights(trained.get_weights())
        return model

    return start, round(seconds, 1)


def measure(net, seed):
    options = dict(NETS[net])
    adam, part, sizes = options.pop("adam", False), options.pop("part", None), options.pop("sizes", SIZES)
    start, seconds = starts(part, seed) if part else (lambda: build(sizes, **options), 0.0)
    keras.utils.set_random_seed(seed)
    parts = {level: letters(NOISE[level], seed) for level in NOISE}
    return {"pretraining_seconds": seconds} | tune(start(), parts, adam)


@functools.cache
def shallow(seed):
    """One hidden layer as in `letters`, with the easy validation letters."""
    keras.utils.set_random_seed(seed)
    model = build((100,))
    tune(model, {"easy": letters(NOISE["easy"], seed)})
    return model


def accuracy_at(noise, seed):
    _, valid, _ = letters(noise, seed)
    return {"valid_accuracy": error_and_accuracy(shallow(seed), *valid)[1]}


def main():
    lectures, later = list(NETS)[:4], list(NETS)[4:]
    complete("letters", grid(net=lectures, seed=SEEDS) + grid(net=later, seed=range(3)), measure)
    levels = [0.2, 0.22, 0.24, 0.25, 0.255, 0.26, 0.265, 0.27, 0.28, 0.3]
    complete("letters_noise", grid(seed=SEEDS, noise=levels), accuracy_at)
