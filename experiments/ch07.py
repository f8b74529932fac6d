"""The table of chapter 07: k-sparse autoencoders with a softmax on their codes.

`ksparse`: 784-1000-784 with tied weights and linear units of which the k largest are kept, on all 55,000 training
images, gray, EPOCHS epochs of batches of 128, Adam with a cosine to zero from 3e-3. k falls by equal factors from four
times the final k over the first half of the epochs. Then the autoencoder is frozen, and a softmax learns with all
training labels from its codes with alpha * k units kept, divided by their standard deviation; alpha is the one of 1, 2
and 3 with the least validation error. k = 784 stands for the pixels themselves, without an autoencoder: -1 where
there is no figure. `unused`: share of units that no training image uses; `rare`: fewer than one image in a thousand.

Errors are of all 5,000 validation and 10,000 test images. Nothing is chosen by the test images.
"""

import keras
import numpy as np
from keras import layers, ops

from aelib import data
from aelib.course import cosine_rate
from aelib.layers import DenseTranspose, KSparse
from aelib.losses import mse
from experiments.table import complete, grid

(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = data.load_mnist()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

EPOCHS = 10
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


def codes(model, x, k):
    """Codes with k units kept."""
    model.get_layer("sparse").set_k(k)
    return keras.Sequential(model.layers[:2]).predict(x, batch_size=1000, verbose=0)


def softmax_errors(sets, seed, epochs=12):
    """Errors in per cent of a softmax on the codes of the training, validation and test images: the last two."""
    train, *others = sets
    scale = train.std()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(train.shape[1:]), layers.Dense(10, "softmax")])
    rate = cosine_rate(3e-3, len(train), 256, epochs)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", steps_per_execution=43)
    model.fit(train / scale, y_train, batch_size=256, epochs=epochs, verbose=0)
    wrong = []
    for z, y in zip(others, (y_valid, y_test), strict=True):
        guessed = model.predict(z / scale, batch_size=1000, verbose=0).argmax(axis=1)
        wrong.append(100 * np.mean(guessed != y))
    return wrong


def measure_ksparse(k, seed):
    """Errors of the autoencoder, and of a softmax on its codes."""
    if k == PIXELS:
        valid, test = softmax_errors((x_train, x_valid, x_test), seed)
        return _row({"alpha": 1, "valid_error": valid, "test_error": test, "test_error_alpha1": test})
    model = autoencoder(k, seed)
    rate = cosine_rate(3e-3, len(x_train), BATCH_SIZE, EPOCHS)
    model.compile(keras.optimizers.Adam(rate), "mse", jit_compile=False, steps_per_execution=43)
    schedule = Schedule(4 * k, k, EPOCHS)
    model.fit(x_train, x_train, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0, callbacks=[schedule])
    rebuilt = [model.predict(x, batch_size=1000, verbose=0) for x in (x_valid, x_test)]
    found = {"valid_mse": mse(x_valid, rebuilt[0].clip(0, 1)), "test_mse": mse(x_test, rebuilt[1].clip(0, 1))}
    use = np.mean(codes(model, x_train, k) != 0, axis=0)
    found |= {"unused": np.mean(use == 0), "rare": np.mean(use < 1e-3)}
    errors = {a: softmax_errors([codes(model, x, a * k) for x in (x_train, x_valid, x_test)], seed) for a in ALPHAS}
    best = min(ALPHAS, key=lambda a: errors[a][0])
    found |= {"alpha": best, "valid_error": errors[best][0], "test_error": errors[best][1]}
    return _row(found | {"test_error_alpha1": errors[1][1]})


def _row(found):
    """All columns, as text."""
    columns = "valid_mse", "test_mse", "unused", "rare", "alpha", "valid_error", "test_error", "test_error_alpha1"
    return {name: f"{found.get(name, -1):.5g}" for name in columns}


def main():
    complete("ksparse", grid(k=[PIXELS, 25], seed=range(3)), measure_ksparse)


if __name__ == "__main__":
    main()
