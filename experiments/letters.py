"""The tables of chapter 06 on letters: section 19.3 again, five seeds, with equal settings for all networks.

The letters of each seed: `make_letters`, 10 copies in three fonts with noise 0.1 for training, 3 copies in four fonts
with more noise for validation and for test ("easy": 0.2, "hard": 0.26, the level at which the validation accuracy of
one hidden layer is nearest to 0.74 among 0.20, 0.22, ... 0.30; see `letters_noise`). All parts have noise of their own.

All networks: logistic units and weights from N(0, 0.01**2) where the name says nothing else, a softmax, cross-entropy.
Gradient descent over the full batch with momentum 0.9 and a rate of 0.001 for the sum over the images, no penalty, at
most 1,000 steps. After every tenth step the validation error is looked at: training ends where it lies 5 % above its
minimum so far, with the weights of that moment. With Adam the rate is 0.001 for the mean.

Pretraining: four parts, 841-100, 100-300, 300-100, 100-50, 15 epochs each, batches of 10, a rate of 0.001 for the sum
over the batch, momentum 0.9; machines by CD-35, autoencoders by cross-entropy summed over their outputs.

`letters`: for both levels the error on training and test letters, the accuracy on test letters, steps and seconds of
the training with labels; `pretraining_seconds`. One thread, on a machine that did other things too.

`letters_failed`: the same at the easy level with the settings of the lecture's failed run: no momentum, a penalty of
0.1 for the sum over the images, the end where the validation error lies 0.1 % above its minimum.
"""

import functools
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from aelib import data
from aelib.pretraining import pretrain
from aelib.rbm import RBM
from experiments.table import complete, grid

FONTS, HELD_OUT = ["DejaVuSans", "cmtt10", "STIXGeneral"], "cmss10"
NOISE = {"easy": 0.2, "hard": 0.26}
SIZES = 100, 300, 100, 50
STEPS = 10  # between two looks at the validation error
SEEDS = range(5)


class StopAtRise(keras.callbacks.Callback):
    """End the training where the validation error lies `share` above its minimum so far."""

    def __init__(self, share):
        super().__init__()
        self.share, self.least = share, np.inf

    def on_epoch_end(self, epoch, logs):
        self.least = min(self.least, logs["val_loss"])
        self.model.stop_training = logs["val_loss"] > (1 + self.share) * self.least


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


def machine(n_inputs, n_hidden, seed):
    rbm = RBM(n_hidden, k=35, seed=seed)
    rbm.compile(keras.optimizers.SGD(0.01, momentum=0.9), steps_per_execution=78)
    return rbm


def autoencoder(n_inputs, n_hidden, seed):
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


def tune(model, parts, adam=False, momentum=0.9, penalty=0.0, share=0.05):
    """Train with labels: errors, accuracy, steps, seconds."""
    (x, y), valid, (x_test, y_test) = parts
    sgd = keras.optimizers.SGD(0.001 * len(x), momentum=momentum, weight_decay=penalty / len(x) or None)
    model.compile(
        "adam" if adam else sgd, "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=STEPS
    )
    full_batch = tf.data.Dataset.from_tensors((x, y)).repeat()
    started = time.perf_counter()
    history = model.fit(
        full_batch,
        steps_per_epoch=STEPS,
        epochs=1000 // STEPS,
        shuffle=False,
        validation_data=tf.data.Dataset.from_tensors(valid),
        callbacks=[StopAtRise(share)],
        verbose=0,
    ).history
    seconds = time.perf_counter() - started
    error, accuracy = model.evaluate(x_test, y_test, batch_size=312, verbose=0)
    return {
        "train_error": model.evaluate(x, y, batch_size=len(x), verbose=0)[0],
        "valid_accuracy": history["val_accuracy"][-1],
        "test_error": error,
        "test_accuracy": accuracy,
        "steps": STEPS * len(history["loss"]),
        "tuning_seconds": round(seconds, 1),
    }


def starts(part, seed):
    """A function that makes the deep network anew from the pretrained weights, and the seconds of the pretraining."""
    (x, _), *_ = letters(0.0, seed)
    pairs = zip((841, *SIZES), SIZES, strict=False)
    started = time.perf_counter()
    stacked = pretrain([part(*pair, seed) for pair in pairs], x, epochs=15, batch_size=10, verbose=0)
    seconds = time.perf_counter() - started

    def start():
        model = build(SIZES)
        hidden = [layer for layer in model.layers if isinstance(layer, layers.Dense)][:-1]
        for layer, trained in zip(hidden, stacked.layers, strict=True):
            layer.set_weights(trained.get_weights())
        return model

    return start, round(seconds, 1)


def measure(net, seed, levels=("easy", "hard"), **settings):
    options = dict(NETS[net])
    adam, part, sizes = options.pop("adam", False), options.pop("part", None), options.pop("sizes", SIZES)
    start, seconds = starts(part, seed) if part else (lambda: build(sizes, **options), 0.0)
    figures = {"pretraining_seconds": seconds}
    for level in levels:
        keras.utils.set_random_seed(seed)
        found = tune(start(), letters(NOISE[level], seed), adam, **settings)
        figures |= {f"{level}_{name}": figure for name, figure in found.items()}
    return figures


def failed_settings(net, seed):
    return measure(net, seed, levels=["easy"], momentum=0.0, penalty=0.1, share=0.001)


@functools.cache
def shallow(seed):
    """One hidden layer as in `letters`, with the easy validation letters."""
    model = build((100,))
    tune(model, letters(NOISE["easy"], seed))
    return model


def accuracy_at(noise, seed):
    _, (x, y), _ = letters(noise, seed)
    return {"valid_accuracy": shallow(seed).evaluate(x, y, batch_size=312, verbose=0)[1]}


def main():
    complete("letters_noise", grid(seed=SEEDS, noise=[0.2, 0.22, 0.24, 0.26, 0.28, 0.3]), accuracy_at)
    complete("letters", [{"net": net, "seed": seed} for seed in SEEDS for net in NETS], measure)
    nets = ["one hidden layer", "random start", "RBM stack"]
    complete("letters_failed", grid(net=nets, seed=range(3)), failed_settings)
