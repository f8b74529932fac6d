"""The table of chapter 08: one hidden layer of 1,000 sigmoid units, pretrained in several ways, then fine-tuned.

`contractive`: an autoencoder 784-1000-784 with tied weights learns all 55,000 training images without labels, by Adam
for PRETRAINING_EPOCHS with batches of 128. Its loss is the cross-entropy in nats, summed over the pixels and averaged
over the images, plus `strength` times a penalty, or with noise of that strength in its input:

- AE: neither;
- AE+decay: the sum of all squared weights;
- DAE-g: normal noise of this standard deviation;
- DAE-b: this share of the pixels set to 0;
- CAE: the squared Frobenius norm of the code's Jacobian, averaged over the images;
- random: no pretraining, Glorot's start.

Then a softmax learns on the frozen codes, and apart from it a network 784-1000-10 is fine-tuned from the pretrained
layer, TUNING_EPOCHS of Adam at RATE with all labels, with dropout of 0.2 of the pixels and 0.3 of the units; the epoch
is chosen by the 5,000 validation images. All starts are treated alike. Several strengths are measured with seed 0, and
the one with the least validation error after fine-tuning (CHOSEN) with seeds 1 and 2 too. Errors are in per cent.
`norm`, `saturated` (share of the codes below 0.05 or above 0.95), `spread` (root of the codes' summed variance) and
`loss` (cross-entropy) are of the validation images, `rebuilt_norm` (of the Jacobian of the rebuilt image) of 50 of
them. The test images are used for `test_error` and `softmax_error` only, and nothing is chosen by them.
"""

import joblib
import keras
import numpy as np
from keras import layers, ops
from scipy.special import expit

from aelib.course import cosine_rate
from aelib.layers import DenseTranspose
from aelib.losses import cross_entropy
from experiments import mnist
from experiments.classifiers import accuracy
from experiments.table import STORED, complete

(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

UNITS, BATCH_SIZE = 1000, 128
PRETRAINING_EPOCHS, TUNING_EPOCHS, RATE = 6, 12, 4e-3
DROPOUT = 0.2, 0.3  # of the pixels and of the units, in fine-tuning
STRENGTHS = {
    "AE": [0.0],
    "CAE": [1.0, 3.0, 10.0],
    "random": [0.0],
    "DAE-g": [0.3, 0.6],
    "AE+decay": [0.001, 0.01],
    "DAE-b": [0.25, 0.5],
}
CHOSEN = {"AE": 0.0, "CAE": 3.0, "random": 0.0, "DAE-g": 0.3, "AE+decay": 0.001, "DAE-b": 0.5}


class Autoencoder(keras.Model):
    """784-1000-784 with tied weights; its answer is logits. Noise and penalty are for training only."""

    def __init__(self, start, strength, seed):
        super().__init__()
        self.start, self.strength = start, strength
        self.encoder = layers.Dense(UNITS, "sigmoid")
        self.decoder = DenseTranspose(self.encoder)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if training and self.start == "DAE-g":
            x = x + self.strength * keras.random.normal(ops.shape(x), seed=self.seed_generator)
        if training and self.start == "DAE-b":
            kept = keras.random.uniform(ops.shape(x), seed=self.seed_generator) >= self.strength
            x = x * ops.cast(kept, x.dtype)
        h = self.encoder(x)
        if training and self.start == "CAE":
            squares = ops.sum(ops.square(self.encoder.kernel), axis=0)
            self.add_loss(self.strength * ops.mean(ops.matmul(ops.square(h * (1 - h)), squares)))
        if training and self.start == "AE+decay":
            self.add_loss(self.strength * ops.sum(ops.square(self.encoder.kernel)))
        return self.decoder(h)


@joblib.Memory(STORED, verbose=0).cache
def pretrain(start, strength, seed, epochs):
    """The autoencoder's weights: (784, 1000), thresholds of the code, of the logits."""
    keras.utils.set_random_seed(seed)
    model = Autoencoder(start, strength, seed)
    model(x_train[:1])
    rate = cosine_rate(2e-3, len(x_train), BATCH_SIZE, epochs)
    model.compile(keras.optimizers.Adam(rate), cross_entropy, steps_per_execution=43)
    model.fit(x_train, x_train, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
    return [ops.convert_to_numpy(v) for v in (*model.encoder.weights, model.decoder.bias)]


def describe(w, b, c):
    """Figures of the code, from the validation images."""
    h = expit(x_valid @ w + b)
    slope = h * (1 - h)
    logits = h @ w.T + c
    p = expit(logits[:50])
    middle = [w @ (s[:, None] * w.T) for s in slope[:50]]  # (784, 784), of the logits by the pixels
    rebuilt = [np.linalg.norm((q * (1 - q))[:, None] * m) for q, m in zip(p, middle, strict=True)]
    return {
        "loss": round(float(np.mean(ops.convert_to_numpy(cross_entropy(x_valid, logits)))), 3),
        "norm": round(float(np.sqrt(slope**2 @ (w**2).sum(axis=0)).mean()), 4),
        "rebuilt_norm": round(float(np.mean(rebuilt)), 4),
        "saturated": round(float(np.mean(np.abs(h - 0.5) > 0.45)), 4),
        "spread": round(float(np.sqrt(h.var(axis=0).sum())), 4),
        "weight": round(float(np.sqrt((w**2).sum(axis=0)).mean()), 4),
    }


def percent_wrong(model, x, y):
    return round(100 * (1 - accuracy(model, x, y)), 2)


def tune(model, x, y, valid, epochs, rate, batch_size):
    """Train with all labels; keep the weights of the epoch with the least validation error, and say which it was."""
    adam = keras.optimizers.Adam(cosine_rate(rate, len(x), batch_size, epochs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(adam, loss, metrics=["accuracy"], steps_per_execution=43 if batch_size == 128 else 11)
    best = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=epochs, restore_best_weights=True)
    options = {"validation_data": valid, "validation_batch_size": 1000, "callbacks": [best], "verbose": 0}
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, **options).history
    return int(np.argmax(history["val_accuracy"])) + 1


def contractive(start, strength, seed):
    if start == "random":
        figures = dict.fromkeys(
            ("loss", "norm", "rebuilt_norm", "saturated", "spread", "weight", "softmax_error"), "nan"
        )
        hidden = layers.Dense(UNITS, "sigmoid")
    else:
        *weights, c = pretrain(start, strength, seed, PRETRAINING_EPOCHS)
        figures = describe(*weights, c)
        h_train, h_valid, h_test = (expit(x @ weights[0] + weights[1]) for x in (x_train, x_valid, x_test))
        top = keras.Sequential([keras.Input((UNITS,)), layers.Dense(10)])
        tune(top, h_train, y_train, (h_valid, y_valid), 6, 5e-3, 500)
        figures["softmax_error"] = percent_wrong(top, h_test, y_test)
        hidden = layers.Dense(UNITS, "sigmoid")
        hidden.build((None, 784))
        hidden.set_weights(weights)
    keras.utils.set_random_seed(100 + seed)  # the same softmax, batches and dropout for every start
    pixels, units = map(layers.Dropout, DROPOUT)
    model = keras.Sequential([keras.Input((784,)), pixels, hidden, units, layers.Dense(10)])
    epoch = tune(model, x_train, y_train, (x_valid, y_valid), TUNING_EPOCHS, RATE, BATCH_SIZE)
    errors = {"valid_error": percent_wrong(model, x_valid, y_valid), "test_error": percent_wrong(model, x_test, y_test)}
    return figures | errors | {"epoch": epoch}


def settings():
    first = [(0, start, strength) for start, found in STRENGTHS.items() for strength in found]
    others = [(seed, start, CHOSEN[start]) for seed in (1, 2) for start in STRENGTHS]
    return [dict(zip(("seed", "start", "strength"), one, strict=True)) for one in [*first, *others]]


def main():
    complete("contractive", settings(), contractive)
