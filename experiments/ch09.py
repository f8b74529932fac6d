"""The tables of chapter 09: ways to enlarge, and a convolutional encoder with few labels.

All autoencoders have 32 codes and learn by the cross-entropy, Adam, batches of 64, a rate of 0.01 that ends by a
cosine, on the 55,000 training images. Of rates from 0.003 to 0.015 and batches of 64 and 128 these were chosen on
validation.

`enlarging`: one encoder (two convolutions, each with a max pooling) and five decoders, 2 epochs. `transposed 2`, `3`
and `4` are transposed convolutions of that kernel and a stride of 2; `nearest` copies each cell into a block of four,
`places` puts it where the encoder had found its maximum; a convolution follows both. Ripples are shares of the
spectrum's energy, the mean of each image taken away: `points` at the three frequencies of a ripple that is the same
all over the image, `lines` at all frequencies with a period of two pixels across or down. Of the untrained network's
output, of the trained network's, of the test images; of the answers to 1,000 validation images after some steps, and
of these images (`valid`).
`mean_code_mse`: the codes of all images replaced by their mean; what is left comes by the places.

`conv_labels`: classifiers of n_labels labelled images by chapter 06's protocol: the seed is that of the draw and of
the network, the autoencoder's is the draw modulo 3 (the chapter's convolutional one, 3 epochs); 600 steps of 50
images; the weights that were best on the 5,000 validation images in twelve looks. `codes`: the whole encoder and a
softmax on its 32 codes; `features`: its two convolutions and a softmax on their 1,568 features. `frozen`: the softmax
alone learns; `tuned`: then all layers, at a rate of 3e-4; `random`: the same network from a random start, at 1e-3;
`random longer` has 1,200 steps, as many as both stages together, and `random slower` as many at 3e-4.

Errors are of all 10,000 test images; nothing is chosen by them.
"""

import time

import joblib
import keras
import numpy as np
from keras import layers, ops

from aelib.course import cosine_rate
from aelib.losses import mse
from aelib.pretraining import draw_labelled
from experiments import mnist
from experiments.classifiers import accuracy, fit_best
from experiments.table import STORED, complete, grid

(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 28, 28, 1) for x in (x_train, x_valid, x_test))

N_CODES = 32
RATE, BATCH_SIZE = 0.01, 64
STEPS = {"steps": 600, "evaluations": 12, "batch_size": 50}  # of a classifier
STARTS = {  # how all its layers learn: the rate, and the steps
    "pretrained": (3e-4, STEPS),
    "random": (1e-3, STEPS),
    "random longer": (1e-3, STEPS | {"steps": 1200}),
    "random slower": (3e-4, STEPS | {"steps": 1200}),
}
DECODERS = ["transposed 2", "transposed 3", "transposed 4", "nearest", "places"]


def conv(filters, strides=1, activation="relu"):
    return layers.Conv2D(filters, 3, strides, "same", activation=activation, kernel_initializer="he_normal")


def transposed(filters, kernel, activation="relu"):
    return layers.Conv2DTranspose(filters, kernel, 2, "same", activation=activation, kernel_initializer="he_normal")


def dense(units):
    return layers.Dense(units, "relu", kernel_initializer="he_normal")


def places_of(x):
    """Where in each block of four its maximum lies. (n, 2h, 2w, c) -> (n, h, w, c, 4), one-hot."""
    _, h, w, c = x.shape
    blocks = ops.transpose(ops.reshape(x, (-1, h // 2, 2, w // 2, 2, c)), (0, 1, 3, 5, 2, 4))
    return ops.one_hot(ops.argmax(ops.reshape(blocks, (-1, h // 2, w // 2, c, 4)), axis=-1), 4)


def unpool(h, places):
    """(n, h, w, c) -> (n, 2h, 2w, c): each value at its place in its block, 0 at the others."""
    _, height, width, c = h.shape
    blocks = ops.reshape(h[..., None] * places, (-1, height, width, c, 2, 2))
    return ops.reshape(ops.transpose(blocks, (0, 1, 4, 2, 5, 3)), (-1, 2 * height, 2 * width, c))


def pooling_autoencoder(decoder):
    """Encoder: images -> codes and places. Decoder: codes and places -> images. And the two in a row."""
    image = h = keras.Input((28, 28, 1))
    places = []
    for filters in (8, 16):
        h = conv(filters)(h)
        places.append(places_of(h))
        h = layers.MaxPooling2D(2)(h)
    codes = layers.Dense(N_CODES)(layers.Flatten()(h))
    encoder = keras.Model(image, [codes, *places])
    given = [keras.Input(tensor.shape[1:]) for tensor in encoder.outputs]
    h = layers.Reshape((7, 7, 16))(dense(7 * 7 * 16)(given[0]))
    for place, filters, activation in ((given[2], 8, "relu"), (given[1], 1, "sigmoid")):
        if decoder == "places":
            h = conv(filters, activation=activation)(unpool(h, place))
        elif decoder == "nearest":
            h = conv(filters, activation=activation)(layers.UpSampling2D(2)(h))
        else:
            h = transposed(filters, int(decoder.split()[1]), activation)(h)
    decoder = keras.Model(given, h)
    return encoder, decoder, keras.Model(image, decoder(encoder(image)))


def autoencoder():
    """The chapter's: two convolutions with stride 2, 32 codes, two transposed convolutions with kernel 4."""
    down = [conv(16, 2), conv(32, 2), layers.Flatten(), layers.Dense(N_CODES)]
    up = [dense(7 * 7 * 32), layers.Reshape((7, 7, 32)), transposed(16, 4), transposed(1, 4, "sigmoid")]
    return keras.Sequential([keras.Input((28, 28, 1)), *down, *up])


class Ripples(keras.callbacks.Callback):
    """The ripple of 1,000 validation images after some numbers of steps, multiples of 43."""

    def __init__(self, steps):
        super().__init__()
        self.wanted, self.step, self.found = steps, 0, {}

    def on_train_batch_end(self, batch, logs=None):
        self.step += 43
        if self.step in self.wanted:
            images = ops.convert_to_numpy(self.model(x_valid[:1000]))
            self.found[f"step_{self.step}_points"] = ripple(images)["points"]


def fit(model, epochs, callbacks=()):
    """CPU seconds of the training, building the graph included."""
    rate = cosine_rate(RATE, len(x_train), BATCH_SIZE, epochs)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", steps_per_execution=43)
    started = time.process_time()
    model.fit(x_train, x_train, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[*callbacks])
    return time.process_time() - started


def answers(model, x):
    return model.predict(x, batch_size=500, verbose=0)


def ripple(images):
    """Shares of the mean spectrum's energy at three points and on two lines, the mean of each image taken away."""
    images = np.reshape(images, (-1, 28, 28))
    energy = (np.abs(np.fft.fft2(images - images.mean(axis=(1, 2), keepdims=True))) ** 2).mean(axis=0)
    points = energy[14, 0] + energy[0, 14] + energy[14, 14]
    lines = energy[14].sum() + np.delete(energy[:, 14], 14).sum()
    return {"points": float(points / energy.sum()), "lines": float(lines / energy.sum())}


def ripples(what, images):
    return {f"{what}_{name}": share for name, share in ripple(images).items()}


def enlarging(decoder, epochs, seed):
    encoder, decode, model = pooling_autoencoder(decoder)
    figures = {"parameters": model.count_params()} | ripples("untrained", answers(model, x_test))
    trace = Ripples([43, 129, 430, 860])
    figures["cpu_seconds"] = fit(model, epochs, [trace])
    figures |= trace.found
    found = answers(model, x_test)
    figures |= {"valid_mse": mse(x_valid, answers(model, x_valid)), "test_mse": mse(x_test, found)}
    given = answers(encoder, x_test)
    given[0] = np.tile(given[0].mean(axis=0), (len(x_test), 1))
    figures["mean_code_mse"] = mse(x_test, answers(decode, given))
    figures |= ripples("output", found) | ripples("test", x_test)
    return figures | ripples("valid", x_valid[:1000])


@joblib.Memory(STORED, verbose=0).cache
def pretrained(seed, epochs=3):
    """The weights of the convolutional autoencoder of this seed."""
    keras.utils.set_random_seed(seed)
    model = autoencoder()
    fit(model, epochs)
    return model.get_weights()


def classifier(parts, start, autoencoder_seed):
    """Chapter 06's dropout: 0.2 of the pixels, 0.3 of the units below the softmax."""
    source = autoencoder()
    if start == "pretrained":
        source.set_weights(pretrained(autoencoder_seed))
    below = source.layers[: 4 if parts == "codes" else 3]
    top = [layers.Dropout(0.3)] if parts == "features" else []
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Dropout(0.2), *below, *top, layers.Dense(10, "softmax")])


def conv_labels(n_labels, parts, start, seed):
    chosen = draw_labelled(y_train, n_labels, 10, np.random.default_rng(seed))
    x, y = x_train[chosen], y_train[chosen]
    if start == "pretrained":
        pretrained(seed % 3)
    keras.utils.set_random_seed(seed)  # whether the autoencoder was read or trained just now
    model = classifier(parts, start, seed % 3)
    figures = {"frozen_valid_accuracy": 0.0, "frozen_test_accuracy": 0.0}
    if start == "pretrained":  # the softmax alone, on what the layers below make of the images
        below = keras.Sequential(model.layers[:-1])
        h, h_valid, h_test = (answers(below, images) for images in (x, x_valid, x_test))
        top = keras.Sequential([keras.Input(h.shape[1:]), layers.Dense(10, "softmax")])
        fit_best(top, h, y, (h_valid, y_valid), 5e-3, **STEPS)
        model.layers[-1].set_weights(top.layers[-1].get_weights())
        for part, images, labels in (("valid", h_valid, y_valid), ("test", h_test, y_test)):
            figures[f"frozen_{part}_accuracy"] = accuracy(top, images, labels)
    rate, steps = STARTS[start]
    fit_best(model, x, y, (x_valid, y_valid), rate, **steps)
    for part, images, labels in (("valid", x_valid, y_valid), ("test", x_test, y_test)):
        figures[f"{part}_accuracy"] = accuracy(model, images, labels)
    return figures


def main():
    complete("enlarging", grid(seed=range(3), decoder=DECODERS, epochs=[2]), enlarging)
    runs = grid(seed=range(10), n_labels=[100], parts=["codes", "features"], start=list(STARTS))
    complete("conv_labels", runs, conv_labels)
