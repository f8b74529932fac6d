"""The table of chapter 07: k-sparse autoencoders with a softmax on their codes.

`ksparse`: 784-1000-784 with tied weights and linear units of which the k largest are kept, on all 55,000 training
images, gray, EPOCHS epochs of batches of 128, Adam with a cosine to zero from 3e-3. k falls by equal factors from four
times the final k over the first half of the epochs. Then the autoencoder is frozen, and a softmax learns with all
training labels from its codes with alpha * k units kept, divided by their standard deviation, for 12 epochs; alpha is
the one of 1, 2 and 3 with the least validation error. `shifted_...`: the same alpha, and a softmax that learns for
16 epochs from the codes of images that are moved anew in each epoch, by at most a pixel to each side; the autoencoder
has seen no such images, and validation and test images stay where they are. k = 784 stands for the pixels themselves,
without an autoencoder: -1 where there is no figure. `unused`: share of units that no training image uses; `rare`:
fewer than one image in a thousand.

Errors are in per cent, of all 5,000 validation and 10,000 test images. Nothing is chosen by the test images.
"""

import itertools

import joblib
import keras
import numpy as np
from keras import layers, ops

from aelib.course import cosine_rate
from aelib.layers import DenseTranspose, KSparse
from aelib.losses import mse
from experiments import mnist
from experiments.table import STORED, complete, grid

(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

EPOCHS = 16
UNITS = 1000
BATCH_SIZE = 128
ALPHAS = 1, 2, 3
PIXELS = 784


class Schedule(keras.callbacks.Callback):
    """k falls by equal factors from `first` to `last` over the first half of the epochs."""

    def __init__(self, first, last, epochs):
        super().__init__()
        steps = np.minimum(1, np.arange(epochs) / (epochs // 2))
        self.plan = np.round(first * (last / first) ** steps).astype(int)

    def on_epoch_begin(self, epoch, logs=None):
        self.model.get_layer("sparse").set_k(self.plan[epoch])


def autoencoder(k, seed):
    """784-1000-784, tied; at first it answers every image with the mean image's code and itself."""
    start = keras.initializers.RandomNormal(stddev=0.03, seed=seed)
    dense = layers.Dense(UNITS, kernel_initializer=start)
    model = keras.Sequential([keras.Input((784,)), dense, KSparse(k, name="sparse"), DenseTranspose(dense)])
    mean = x_train.mean(axis=0)
    dense.bias.assign(-mean @ ops.convert_to_numpy(dense.kernel))
    model.layers[-1].bias.assign(mean)
    return model


@joblib.Memory(STORED, verbose=0).cache
def trained(k, seed, epochs):
    """The weights of an autoencoder on all training images."""
    keras.utils.set_random_seed(seed)
    model = autoencoder(k, seed)
    rate = cosine_rate(3e-3, len(x_train), BATCH_SIZE, epochs)
    model.compile(keras.optimizers.Adam(rate), "mse", jit_compile=False, steps_per_execution=43)
    schedule = Schedule(4 * k, k, epochs)
    model.fit(x_train, x_train, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[schedule])
    return model.get_weights()


def code(x, kernel, bias, kept):
    """The codes of images with so many units kept."""
    z = x @ kernel + bias
    return np.where(z >= np.partition(z, -kept, axis=1)[:, [-kept]], z, np.float32(0))


def shifted(x, rng):
    """Each image moved by at most a pixel, up or down and to the left or right; what leaves the frame is lost."""
    down, right = rng.integers(3, size=(2, len(x)))
    framed = np.pad(x.reshape(-1, 28, 28), [(0, 0), (1, 1), (1, 1)])
    moved = np.empty((len(x), 28, 28), x.dtype)
    for i, j in itertools.product(range(3), repeat=2):
        mine = (down == i) & (right == j)
        moved[mine] = framed[mine, i : i + 28, j : j + 28]
    return moved.reshape(x.shape)


def softmax_errors(features, seed, epochs, move=False):
    """Validation and test error in per cent of a softmax that reads `features` of images, a function."""
    z, rng = features(x_train), np.random.default_rng(seed)
    scale = z.std()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(z.shape[1:]), layers.Dense(10, "softmax")])
    rate = cosine_rate(3e-3, len(z), 256, epochs)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", steps_per_execution=43)
    for _ in range(epochs):
        if move:
            z = features(shifted(x_train, rng))
        model.fit(z / scale, y_train, batch_size=256, verbose=0)
    wrong = []
    for x, y in ((x_valid, y_valid), (x_test, y_test)):
        guessed = model.predict(features(x) / scale, batch_size=1000, verbose=0).argmax(axis=1)
        wrong.append(100 * np.mean(guessed != y))
    return wrong


def measure_ksparse(k, seed):
    """Errors of the autoencoder, and of a softmax on its codes."""
    found, alphas = {}, ALPHAS
    if k == PIXELS:
        kept, alphas = {1: lambda x: x}, [1]
    else:
        kernel, bias, _, shift = trained(k, seed, EPOCHS)
        for name, x in {"valid_mse": x_valid, "test_mse": x_test}.items():
            found[name] = mse(x, (code(x, kernel, bias, k) @ kernel.T + shift).clip(0, 1))
        use = np.mean(code(x_train, kernel, bias, k) != 0, axis=0)
        found |= {"unused": np.mean(use == 0), "rare": np.mean(use < 1e-3)}
        kept = {a: lambda x, a=a: code(x, kernel, bias, a * k) for a in alphas}
    errors = {a: softmax_errors(kept[a], seed, 12) for a in alphas}
    best = min(alphas, key=lambda a: errors[a][0])
    shifted_errors = softmax_errors(kept[best], seed, 16, move=True)
    found |= {"alpha": best, "valid_error": errors[best][0], "test_error": errors[best][1]}
    found |= {"test_error_alpha1": errors[1][1]}
    return _row(found | {"shifted_valid_error": shifted_errors[0], "shifted_test_error": shifted_errors[1]})


def _row(found):
    """All columns, as text."""
    columns = "valid_mse", "test_mse", "unused", "rare", "alpha", "valid_error", "test_error", "test_error_alpha1"
    columns += "shifted_valid_error", "shifted_test_error"
    return {name: f"{found.get(name, -1):.5g}" for name in columns}


def main():
    complete("ksparse", grid(k=[PIXELS, 25], seed=range(3)), measure_ksparse)


if __name__ == "__main__":
    main()
