"""The tables of chapter 03.

`denoising`: every training noise against every test noise, and the error over the noise level. A row is one network,
784-300-150-300-784 by the chapter's recipe, trained for EPOCHS epochs under one noise, drawn afresh for every batch.
Its columns are mean squared errors against the clean images: `test_...` and `valid_...` under each noise of NOISES,
over all 10,000 test and 5,000 validation images, and `level_...` under Gaussian noise of growing level, in hundredths,
over the test images. The test noise is the same for every row. Nothing is chosen by the test images.

`denoisers`: single changes, all under Gaussian noise of level 1.0. A row is one network. Its columns are its error on
noisy images (`test_noisy`, `valid_noisy`) and on clean ones (`test_clean`), the error that its training saw in the
last epoch (`train_mse`), and how local its first layer is (`locality`, see there).
- "fresh noise", "one draw", "noisy target", "second draw": the chapter's network with a linear output and the squared
  error, which is a loss for targets outside of [0, 1] too, on 5,000 images for 25 epochs. A batch is 125, which divides
  them. In batches of 128 the last of an epoch has eight images, and its steps keep the network of the noisy target from
  learning the noise as it is asked to: it would look less bad than it is.
- "wide with noise" and "wide without noise": 784-1000-784, with the noise and without, 6 epochs on all images.
"""

import functools
import math

import keras
import numpy as np
from keras import layers

from aelib import noise
from aelib.course import cosine_rate
from aelib.losses import mse
from experiments import mnist
from experiments.table import complete, grid

(x_train, _), (x_valid, _), (x_test, _) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

EPOCHS = 6
BATCH_SIZE = 128
FEW, BATCH_OF_FEW = 5000, 125  # the one divides the other
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


def network(output="sigmoid", noise_layer=None):
    small = keras.initializers.RandomNormal(stddev=0.01)
    return keras.Sequential(
        [
            keras.Input((784,)),
            *([noise_layer] if noise_layer else []),
            layers.Dense(300, "relu", kernel_initializer=small, name="hidden1"),
            layers.Dense(150, kernel_initializer="he_normal"),
            layers.Dense(300, "relu", kernel_initializer="he_normal"),
            layers.Dense(784, output),
        ]
    )


def trained_under(training, seed):
    model = network()
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


def wide_network(level):
    small = keras.initializers.RandomNormal(stddev=0.01)
    hidden = layers.Dense(1000, "relu", kernel_initializer=small, name="hidden1")
    return keras.Sequential([keras.Input((784,)), layers.GaussianNoise(level), hidden, layers.Dense(784, "sigmoid")])


def fit(model, x, target, epochs, loss="binary_crossentropy", fresh=None, batch_size=BATCH_SIZE):
    """The chapter's recipe; `fresh` makes the pairs of a batch, where they are not (x, target)."""
    steps = math.ceil(len(x) / batch_size)
    adam = keras.optimizers.Adam(cosine_rate(4e-3, len(x), batch_size, epochs))
    model.compile(adam, loss, metrics=["mse"], steps_per_execution=10)
    options = {"epochs": epochs, "verbose": 0}
    if fresh:
        return model.fit(fresh, steps_per_epoch=steps, shuffle=False, **options)
    return model.fit(x, target, batch_size=batch_size, **options)


def locality(weights):
    """Share of a weight image's squares in its best 7 x 7 window, median of the 20 longest. (784, n) -> float"""
    longest = weights.T[np.argsort(-np.linalg.norm(weights, axis=0))[:20]]
    squares = longest.reshape(-1, 28, 28) ** 2
    windows = np.lib.stride_tricks.sliding_window_view(squares, (7, 7), axis=(1, 2)).sum(axis=(3, 4))
    return float(np.median(windows.max(axis=(1, 2)) / squares.sum(axis=(1, 2))))


def one_denoiser(run, seed):
    rng = np.random.default_rng(seed)
    few = x_train[:FEW]
    fixed = noise.gaussian(few, 1.0, rng)
    if run.startswith("wide"):
        model = wide_network(1.0 if run == "wide with noise" else 0.0)
        history = fit(model, x_train, x_train, EPOCHS)
    elif run == "second draw":
        model, batches = network(output=None), noise.batches(few, NOISES["gaussian_10"], BATCH_OF_FEW, rng)
        twice = ((x_noisy, noise.gaussian(x, 1.0, rng)) for x_noisy, x in batches)
        history = fit(model, few, few, 25, "mse", twice, BATCH_OF_FEW)
    else:
        model = network(output=None, noise_layer=layers.GaussianNoise(1.0) if run == "fresh noise" else None)
        x = few if run == "fresh noise" else fixed
        history = fit(model, x, fixed if run == "noisy target" else few, 25, "mse", batch_size=BATCH_OF_FEW)
    return {
        "test_noisy": error(model, x_test, NOISES["gaussian_10"], 1),
        "valid_noisy": error(model, x_valid, NOISES["gaussian_10"], 2),
        "test_clean": error(model, x_test, NOISES["clean"], 1),
        "train_mse": history.history["mse"][-1],
        "locality": locality(model.get_layer("hidden1").get_weights()[0]),
    }


RUNS = ["fresh noise", "one draw", "noisy target", "second draw", "wide with noise", "wide without noise"]


def main():
    complete("denoising", grid(training=[*NOISES, "all"], seed=range(3)), trained_under)
    complete("denoisers", grid(run=RUNS, seed=range(3)), one_denoiser)
