"""The tables of chapter 15: one-class networks, few labels, groups.

`one_class`: a convolutional denoising autoencoder of each digit's training images, on unit images (each divided by its
length, times 9.2, the length of an average image; "raw" leaves them as they are). Architecture, noise and epochs are
those of the chapter's cell. The score is the squared error of the clean image's copy. A row is a digit and a seed: the
area under the ROC curve among the 5,000 validation and the 10,000 test images, per cent. Width of the code, noise and
epochs were chosen on validation images of the digits 5 and 8, anomalies included, with one seed and twice the filters.

`joint`: accuracies with 100 labels. The draws of labels are those of chapter 06's table `labels`. Networks are
784-500-CODE with a mirrored decoder, Adam, batches of 250, EPOCHS epochs over all training images.

- labels only: coder and head from a random start, STEPS steps of all labelled images, with the same dropout of pixels.
- codes logistic, codes SVM: heads on the codes of the autoencoder that had no labels (one coder, that of seed 0).
  codes tuned: a head on them, and all weights, STEPS steps.
- joint: the chapter's objective, LAMBDA times the mean loss of all labels in each batch. joint moved: labelled images
  are moved by up to two pixels in each batch, and the others in each epoch. joint fixed: joint, with a head that stays
  as drawn, in three draws.
- SVM moved: an SVM on the labelled images and 24 moved copies of each.

The width of the code, the depth and the moves were chosen on validation images of the first draw.

`clusters`: groups without labels, as a share of images in the right group. Groups are matched one to one with digits,
as well as can be, on the images that are judged. A row is a method and a seed.

- k-means on pixels, k-means on codes: the best of GROUP_STARTS starts on all training images, on pixels and on ten
  codes of the chapter's autoencoder. It is trained for GROUP_EPOCHS epochs, on images that are warped anew in each.
- DEC: begins from these codes and centres, and goes on for DEC_EPOCHS epochs. Its targets are those of the images as
  they are, once an epoch, and the network sees warped ones (DEC-DA; Guo and others, 2018).

Starts and rate of `clusters` were chosen on validation images, with a seed that is not in the table.
"""

import joblib
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score
from sklearn.svm import SVC

from aelib import losses
from aelib.course import cosine_rate
from aelib.pretraining import draw_labelled
from experiments import mnist
from experiments.table import STORED, complete, grid

(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

SIDE, WIDTH, NOISE, CONV_EPOCHS, LENGTH = 28, 16, 0.3, 8, 9.2
CODE, EPOCHS, STEPS, LAMBDA, MASK = 100, 3, 200, 100.0, 0.3
GROUP_EPOCHS, DEC_EPOCHS, GROUP_STARTS, GROUPS = 25, 10, 10, 10
GRAY = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}


def dense(units):
    return layers.Dense(units, "relu", kernel_initializer="he_normal")


def moved(x, rng):
    """Each image moved by up to two pixels in each direction."""
    return mnist.moved(x, rng.integers(-2, 3, (len(x), 2)))


def answers(model, x):
    return model.predict(x, batch_size=1000, verbose=0)


def conv_autoencoder():
    x = keras.Input((28, 28, 1))
    h = layers.Conv2D(16, 4, strides=2, **GRAY)(layers.Conv2D(8, 4, strides=2, **GRAY)(x))
    z = layers.Dense(WIDTH)(layers.Flatten()(h))
    h = layers.Reshape((7, 7, 16))(layers.Dense(7 * 7 * 16, "relu", kernel_initializer="he_normal")(z))
    h = layers.Conv2DTranspose(8, 4, strides=2, **GRAY)(h)
    return keras.Model(x, layers.Conv2DTranspose(1, 4, strides=2, padding="same")(h))


def one_class(images, digit, seed):
    def form(x):
        lengths = np.linalg.norm(x, axis=1, keepdims=True) / LENGTH if images == "unit" else 1
        return (x / lengths).reshape(-1, 28, 28, 1)

    normal, rng = form(x_train[y_train == digit]), np.random.default_rng(seed)
    keras.utils.set_random_seed(100 * seed + digit)
    model = conv_autoencoder()
    model.compile(keras.optimizers.Adam(cosine_rate(2e-3, len(normal), 32, CONV_EPOCHS)), "mse", steps_per_execution=20)
    for _ in range(CONV_EPOCHS):
        noisy = normal + NOISE * rng.standard_normal(normal.shape, dtype="float32")
        model.fit(noisy, normal, batch_size=32, verbose=0)
    areas = {}
    for part, x, y in (("valid", x_valid, y_valid), ("test", x_test, y_test)):
        error = np.sum((answers(model, form(x)) - form(x)) ** 2, axis=(1, 2, 3))
        areas[f"{part}_auroc"] = round(100 * roc_auc_score(y != digit, error), 3)
    return areas


class PixelSum(keras.losses.Loss):
    """Cross-entropy of an image, summed over its pixels."""

    def call(self, x, logits):
        return losses.cross_entropy(x, logits)


def build_joint(lam, rate, trained_head=True):
    """The chapter's network: logits of the copy, logits of the classes."""
    x = keras.Input((784,))
    z = dense(CODE)(dense(500)(layers.Dropout(MASK)(x)))
    model = keras.Model(x, [layers.Dense(784)(dense(500)(z)), layers.Dense(10, trainable=trained_head)(z)])
    both = {"reduction": "mean_with_sample_weight"}
    named = keras.losses.SparseCategoricalCrossentropy(from_logits=True, **both)
    model.compile(keras.optimizers.Adam(rate), [PixelSum(**both), named], [1.0, lam], steps_per_execution=44)
    return model


def batches(x, x_named, y_named, rng=None, size=250):
    """Rows for the copy, then all labelled rows for the head; with a generator, all of them moved."""
    for_copy = np.r_[np.ones(size), np.zeros(len(y_named))].astype("float32")
    y = np.r_[np.zeros(size), y_named].astype("float32")[:, None]
    n = len(x) // size
    labelled = np.tile(x_named, (n, 1, 1)).reshape(-1, 784)
    if rng is not None:
        x, labelled = moved(x, rng), moved(labelled, rng)
    rows = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x)).batch(size, drop_remainder=True)
    named = tf.data.Dataset.from_tensor_slices(labelled.reshape(n, len(x_named), 784))

    def with_labels(rows, named):
        rows = tf.concat([rows, named], axis=0)
        return rows, (rows, y), (for_copy, 1 - for_copy)

    return tf.data.Dataset.zip(rows, named).map(with_labels)


def fit_joint(lam, x_named, y_named, rng=None, trained_head=True):
    net = build_joint(lam, cosine_rate(1e-3, len(x_train), 250, EPOCHS), trained_head)
    for _ in range(EPOCHS):
        net.fit(batches(x_train, x_named, y_named, rng), epochs=1, shuffle=False, verbose=0)
    return net


@joblib.Memory(STORED, verbose=0).cache
def copier(seed, epochs, code):
    """Weights of the autoencoder without labels; `epochs` and `code`, the module's own, tell what is kept apart."""
    keras.utils.set_random_seed(200 + seed)
    return fit_joint(0.0, x_train[:1], y_train[:1]).get_weights()


def tuned(net, x, y):
    """All weights of the coder and the head, from labels alone."""
    model = keras.Model(net.input, net.outputs[1])
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=len(x), epochs=STEPS, verbose=0)
    return model


def shares(named, score=accuracy_score):
    """Accuracies of a function of images."""
    return {
        "valid_accuracy": round(float(score(y_valid, named(x_valid))), 4),
        "test_accuracy": round(float(score(y_test, named(x_test))), 4),
    }


def joint(method, seed):
    chosen = draw_labelled(y_train, 100, 10, np.random.default_rng(seed))
    x, y = x_train[chosen], y_train[chosen]
    rng = np.random.default_rng(seed)
    if method == "SVM moved":
        many = np.concatenate([x, *(moved(x, rng) for _ in range(24))])
        return shares(SVC(C=10.0).fit(many, np.tile(y, 25)).predict)
    if method.startswith("codes"):
        weights = copier(0, EPOCHS, CODE)
        keras.utils.set_random_seed(seed)
        net = build_joint(0.0, 1e-3)
        head = net.layers[-1].get_weights()
        net.set_weights(weights)
        net.layers[-1].set_weights(head)
        if method == "codes tuned":
            model = tuned(net, x, y)
            return shares(lambda images: answers(model, images).argmax(axis=1))
        reader = keras.Model(net.input, net.layers[-1].input)
        head = LogisticRegression(max_iter=1000) if method == "codes logistic" else SVC(C=10.0)
        head.fit(answers(reader, x), y)
        return shares(lambda images: head.predict(answers(reader, images)))
    keras.utils.set_random_seed(seed)
    if method == "labels only":
        model = tuned(build_joint(1.0, 1e-3), x, y)
        return shares(lambda images: answers(model, images).argmax(axis=1))
    net = fit_joint(LAMBDA, x, y, rng if method == "joint moved" else None, method != "joint fixed")
    return shares(lambda images: answers(net, images)[1].argmax(axis=1))


class ClusterHead(layers.Layer):
    """Soft assignment to centres: (batch, code) -> (batch, groups)."""

    def build(self, shape):
        self.centres = self.add_weight(shape=(GROUPS, shape[-1]), name="centres")

    def call(self, z):
        q = 1 / (1 + ops.sum((ops.expand_dims(z, 1) - self.centres) ** 2, axis=-1))
        return q / ops.sum(q, axis=1, keepdims=True)


def warped(x, rng):
    """Each image turned by up to 10 degrees, scaled and sheared by up to a tenth, moved by up to two pixels."""
    n, middle = len(x), (SIDE - 1) / 2
    turn, by = np.deg2rad(rng.uniform(-10, 10, n)), rng.uniform(-2, 2, (2, n))
    scale, shear = rng.uniform([[0.9], [-0.1]], [[1.1], [0.1]], (2, n))
    a, b, c, d = scale * np.cos(turn), shear - scale * np.sin(turn), scale * np.sin(turn), scale * np.cos(turn)
    away = np.stack([middle * (1 - a - b), middle * (1 - c - d)]) + by  # so that the middle stays, but for the move
    maps = np.stack([a, b, away[0], c, d, away[1], 0 * a, 0 * a], axis=1).astype("float32")
    images = x.reshape(-1, SIDE, SIDE, 1)
    pieces = [ops.image.affine_transform(images[i : i + 5000], maps[i : i + 5000]) for i in range(0, n, 5000)]
    return np.concatenate(pieces).reshape(n, -1)


def stacked(n_in, n_out):
    return keras.Sequential([keras.Input((n_in,)), dense(500), dense(500), layers.Dense(n_out)])


@joblib.Memory(STORED, verbose=0).cache
def group_coder(seed, epochs):
    """Weights of a coder of ten numbers, trained without labels."""
    keras.utils.set_random_seed(300 + seed)
    coder, decoder, x = stacked(784, 10), stacked(10, 784), keras.Input((784,))
    model = keras.Model(x, decoder(coder(layers.Dropout(0.2)(x))))
    adam = keras.optimizers.Adam(cosine_rate(1e-3, len(x_train), 256, epochs))
    model.compile(adam, keras.losses.BinaryCrossentropy(from_logits=True), steps_per_execution=43)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        seen = warped(x_train, rng)
        model.fit(seen, seen, batch_size=256, verbose=0)
    return coder.get_weights()


def matched(y, groups):
    """The share of images in the right group, under the best one-to-one match."""
    counts = confusion_matrix(y, groups, labels=range(GROUPS))
    return counts[linear_sum_assignment(counts, maximize=True)].sum() / len(y)


def clusters(method, seed):
    means = KMeans(GROUPS, n_init=GROUP_STARTS, random_state=seed)
    if method == "k-means on pixels":
        return shares(means.fit(x_train).predict, matched)
    coder = stacked(784, 10)
    coder.set_weights(group_coder(seed, GROUP_EPOCHS))
    means.fit(answers(coder, x_train))
    if method == "k-means on codes":
        return shares(lambda images: means.predict(answers(coder, images)), matched)
    keras.utils.set_random_seed(seed)  # one order of the images, whether the coder was trained now or before
    rng = np.random.default_rng(seed)
    x, head = keras.Input((784,)), ClusterHead()
    dec = keras.Model(x, head(coder(x)))
    head.centres.assign(means.cluster_centers_)
    dec.compile(keras.optimizers.Adam(1e-3), keras.losses.KLDivergence(), steps_per_execution=43)
    for _ in range(DEC_EPOCHS):
        q = answers(dec, x_train)
        p = q**2 / q.sum(axis=0)
        dec.fit(warped(x_train, rng), p / p.sum(axis=1, keepdims=True), batch_size=256, verbose=0)
    return shares(lambda images: answers(dec, images).argmax(axis=1), matched)


GROUPERS = ["k-means on codes", "DEC", "k-means on pixels"]
METHODS = ["joint moved", "labels only", "codes logistic", "codes SVM", "codes tuned", "SVM moved", "joint"]


def main():
    complete("one_class", grid(seed=range(3), images=["unit"], digit=range(10)), one_class)
    complete("joint", grid(method=METHODS, seed=range(10)) + grid(method=["joint fixed"], seed=range(3)), joint)
    complete("clusters", grid(method=GROUPERS, seed=range(5)), clusters)
