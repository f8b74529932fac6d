"""The table of chapter 03: every training noise against every test noise, and the error over the noise level.

A row is one network, 784-300-150-300-784 by the chapter's recipe, trained for EPOCHS epochs under one noise, drawn
afresh for every batch. Its columns are mean squared errors against the clean images: `test_...` and `valid_...` under
each noise of NOISES, over all 10,000 test and 5,000 validation images, and `level_...` under Gaussian noise of
growing level, in hundredths, over the test images. The test noise is the same for every row. Nothing is chosen by the
test images.
"""

import functools
import math

import keras
import numpy as np
from keras import layers

from aelib import data, noise
from aelib.course import cosine_rate
from aelib.losses import mse
from experiments.table import complete, grid

(x_train, _), (x_valid, _), (x_test, _) = data.load_mnist()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

EPOCHS = 6
BATCH_SIZE = 128
LEVELS = [0, 25, 50, 75, 100, 125, 150, 175, 200]  # hundredths


def gaussian(x, rng, level):
    return noise.gaussian(x, level, rng)


def dark_square(x, rng):
    return noise.dark_square(x.reshape(-1, 28, 28), 12, rng).reshape(-1, 784)


NOISES = {
    "clean": lambda x, rng: x,
    "gaussian_03": functools.partial(gaussian, level=0.3),
    "gaussian_10": functools.partial(gaussian, level=1.0),
    "dropout_03": lambda x, rng: noise.masking(x, 0.3, rng) / np.float32(0.7),
    "zeros_10": lambda x, rng: noise.masking(x, 0.1, rng),
    "zeros_50": lambda x, rng: noise.masking(x, 0.5, rng),
    "random_10": lambda x, rng: noise.random_intensities(x, 0.1, rng),
    "random_50": lambda x, rng: noise.random_intensities(x, 0.5, rng),
    "square_12": dark_square,
}


def one_of_all(x, rng):
    """One of the noises for each batch."""
    return list(NOISES.values())[rng.integers(len(NOISES))](x, rng)


def error(model, x, corrupt, seed):
    x_noisy = corrupt(x, np.random.default_rng(seed))
    return mse(x, model.predict(x_noisy, batch_size=1000, verbose=0))


def trained_under(training, seed):
    small = keras.initializers.RandomNormal(stddev=0.01)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(300, "relu", kernel_initializer=small),
            layers.Dense(150, kernel_initializer="he_normal"),
            layers.Dense(300, "relu", kernel_initializer="he_normal"),
            layers.Dense(784, "sigmoid"),
        ]
    )
    rate = cosine_rate(4e-3, len(x_train), BATCH_SIZE, EPOCHS)
    # Keras runs whole executions from a generator, so their length has to divide the 430 steps of an epoch
    steps = math.ceil(len(x_train) / BATCH_SIZE)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", steps_per_execution=math.gcd(steps, 43))
    corrupt = one_of_all if training == "all" else NOISES[training]
    pairs = noise.batches(x_train, corrupt, BATCH_SIZE, np.random.default_rng(seed))
    model.fit(pairs, steps_per_epoch=steps, epochs=EPOCHS, shuffle=False, verbose=0)

    figures = {f"test_{name}": error(model, x_test, NOISES[name], 1) for name in NOISES}
    figures |= {f"valid_{name}": error(model, x_valid, NOISES[name], 2) for name in NOISES}
    for level in LEVELS:
        figures[f"level_{level}"] = error(model, x_test, functools.partial(gaussian, level=level / 100), 3)
    return figures


def main():
    complete("denoising", grid(training=[*NOISES, "all"], seed=range(3)), trained_under)
