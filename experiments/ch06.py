"""The tables of chapter 06 on MNIST: few labels, samples against parameters, deep autoencoders, all labels.

A stack is pretrained once for each seed on all 55,000 training images, gray, without labels, PRETRAINING_EPOCHS of
each part with batches of 128, and stored under `build/experiments/`. RBM: the lowest machine with persistent chains,
the others with CD-1, a rate that falls linearly from 0.1 to 0, momentum 0.5, weight decay 1e-4. DAE: denoising
autoencoders, sigmoid units, cross-entropy, Adam.

`pretraining`: what that takes, and the error of images that went up through the stack and came down again.

`labels`, `crossover`: classifiers with n_labels labelled images, as many of each class. The seed is that of the draw,
the same for every method, and of the network's random numbers; `stack` is the seed of the pretrained stack, -1 where
there is none. In `labels` a stack of RBMs has the seed draw modulo 3 with 100 and with 1,000 labels; all others share
seed 0. `other_stack`: the same draws with the stack of seed 0. On a pretrained stack the softmax learns first, alone
and without dropout (frozen); then all layers, at a rate of 3e-4 (fine-tuned). The others learn at 1e-3; 784-30-10 at
3e-3 from either start. The rates were chosen on validation. All learn with dropout, and keep the weights that were best
on the 5,000 validation images in twelve looks; the support vector machine has C and gamma from four pairs by the same
images. "90 + 10": ten of the 100 labels do the choosing, one of each class.

Label spreading sees the images that the stacks see, and the n_labels labels: a graph of ten neighbours on 50 principal
components of the training images, alpha 0.99, 30 steps (of 30, 100 and 300 the best on validation); a validation or
test image gets the vote of its ten neighbours.

`recipe` is a short hash of the code that trains the parts of a stack ("none" without one): rows whose recipe is not
today's are stale, and a stored stack is used only under the recipe that made it.

`deep_autoencoder`: mean squared errors of 30 codes. `all_labels`: all 55,000, the stack of the row's own seed, the
epoch chosen on the validation images.

Accuracies and errors are of all 5,000 validation and 10,000 test images. Nothing is chosen by the test images.
"""

import ast
import functools
import hashlib
import inspect
import itertools
import math
import os

import keras
import numpy as np
import scipy.sparse
from keras import layers
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

from aelib.course import cosine_rate
from aelib.losses import mse
from aelib.pretraining import draw_labelled, pretrain, stack, unroll
from aelib.rbm import RBM, base_logits
from experiments import mnist
from experiments.classifiers import accuracy, fit_best
from experiments.table import STORED, complete, grid

(x_train, y_train), (x_valid, y_valid), (x_test, y_test) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

SIZES = (784, 500, 500, 1000)
SMALL = (784, 30)
BATCH_SIZE = 128
PRETRAINING_EPOCHS = 10


def machine(n_visible, n_hidden, seed):
    """The lowest with persistent chains, the others with CD-1."""
    lowest = n_visible == 784
    rbm = RBM(n_hidden, n_chains=BATCH_SIZE if lowest else None, weight_decay=1e-4, seed=seed)
    rbm.build((None, n_visible))
    if lowest:
        rbm.visible_bias.assign(base_logits(x_train))
    steps = PRETRAINING_EPOCHS * math.ceil(len(x_train) / BATCH_SIZE)
    rate = keras.optimizers.schedules.PolynomialDecay(0.1, steps, end_learning_rate=0.0)
    rbm.compile(keras.optimizers.SGD(rate, momentum=0.5), steps_per_execution=43)
    return rbm


def autoencoder(n_inputs, n_hidden, seed, dropout=0.25, activation="sigmoid"):
    """A denoising one: a quarter of its inputs is set to 0, the others are scaled up."""
    hidden, output = layers.Dense(n_hidden, activation), layers.Dense(n_inputs, "sigmoid")
    model = keras.Sequential([keras.Input((n_inputs,)), layers.Dropout(dropout), hidden, output])
    rate = cosine_rate(2e-3, len(x_train), BATCH_SIZE, PRETRAINING_EPOCHS)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", steps_per_execution=43)
    return model


PARTS = {"RBM": machine, "DAE": autoencoder}


def recipe(kind):
    """A name for what trains the parts of a stack: it changes with their code, not with its comments and docstrings."""
    if kind not in PARTS:
        return "none"
    (function,) = ast.parse(inspect.getsource(PARTS[kind])).body
    if ast.get_docstring(function):
        del function.body[0]
    text = f"{ast.unparse(function.body)} {BATCH_SIZE} {PRETRAINING_EPOCHS}"
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def stored_files(kind, sizes, seed):
    name = "-".join(map(str, sizes))
    return [STORED / f"{recipe(kind)}_{name}_{seed}_{layer}.keras" for layer in range(1, len(sizes))]


@functools.cache
def parts(kind, sizes, seed):
    """Pretrained on all training images without labels, once for each seed: from then on read from `build/`."""
    files = stored_files(kind, sizes, seed)
    if not all(file.exists() for file in files):
        keras.utils.set_random_seed(seed)
        new = [PARTS[kind](below, above, seed) for below, above in itertools.pairwise(sizes)]
        pretrain(new, x_train, epochs=PRETRAINING_EPOCHS, batch_size=BATCH_SIZE, verbose=0)
        STORED.mkdir(parents=True, exist_ok=True)
        for part, file in zip(new, files, strict=True):
            unfinished = file.with_name(f"{os.getpid()}_{file.name}")
            part.save(unfinished)
            unfinished.replace(file)
    return [keras.saving.load_model(file) for file in files]


def pretraining(kind, sizes, seed):
    """The error of test images that go up through the stack and come down again. Always trained anew, for the time."""
    sizes = tuple(map(int, sizes.split("-")))
    for file in stored_files(kind, sizes, seed):
        file.unlink(missing_ok=True)
    unrolled = unroll(parts(kind, sizes, seed))
    return {"test_mse": mse(x_test, unrolled.predict(x_test, batch_size=1000, verbose=0)), "recipe": recipe(kind)}


# start of the hidden layers, their sizes, whether they learn
METHODS = {
    "RBM frozen": ("RBM", SIZES, False),
    "RBM fine-tuned": ("RBM", SIZES, True),
    "DAE frozen": ("DAE", SIZES, False),
    "DAE fine-tuned": ("DAE", SIZES, True),
    "random sigmoid": ("sigmoid", SIZES, True),
    "random ReLU": ("relu", SIZES, True),
    "RBM fine-tuned 784-500-10": ("RBM", SIZES[:2], True),
    "random sigmoid 784-500-10": ("sigmoid", SIZES[:2], True),
    "RBM fine-tuned 784-30-10": ("RBM", SMALL, True),
    "random sigmoid 784-30-10": ("sigmoid", SMALL, True),
}
DEEP = ["label spreading", "SVM", *list(METHODS)[:-2]]
SHALLOW = list(METHODS)[6:8]
TEN_CHOOSE = " 90 + 10"  # behind a method's name: ten of its 100 labels choose the weights


def hidden_layers(start, sizes, seed):
    """Copies of the pretrained layers (one alone of 500 is the deep stack's lowest); or a random start."""
    if start in PARTS:
        return stack(parts(start, sizes if sizes == SMALL else SIZES, seed)[: len(sizes) - 1])
    initializer = "he_normal" if start == "relu" else "glorot_uniform"
    hidden = [layers.Dense(units, start, kernel_initializer=initializer) for units in sizes[1:]]
    return keras.Sequential([keras.Input((sizes[0],)), *hidden])


def classifier(hidden):
    """A softmax on the hidden layers, with dropout of 0.2 of the pixels and 0.3 of the units."""
    model = keras.Sequential([keras.Input((784,)), layers.Dropout(0.2)])
    for layer in hidden.layers:
        model.add(layer)
        model.add(layers.Dropout(0.3))
    model.add(layers.Dense(10, "softmax"))
    return model


def support_vectors(x, y):
    """The best of four on the validation images."""
    machines = [SVC(C=c, gamma=gamma).fit(x, y) for c in (2, 10) for gamma in (0.01, 0.03)]
    best = max(machines, key=lambda svm: svm.score(x_valid, y_valid))
    return {"valid_accuracy": best.score(x_valid, y_valid), "test_accuracy": best.score(x_test, y_test)}


def neighbour_graph(z, n_neighbours=10):
    """1 where one of two is among the nearest of the other, over the root of both sums' product. Sparse, (n, n)."""
    near = NearestNeighbors(n_neighbors=n_neighbours, algorithm="brute").fit(z)
    graph = near.kneighbors_graph()  # nobody is a neighbour of his own
    graph = graph.maximum(graph.T)
    scale = scipy.sparse.diags(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
    return near, (scale @ graph @ scale).tocsr().astype("float32")


@functools.cache
def neighbours():
    """The graph of the training images, and which of them are the neighbours of each validation and test image."""
    pca = PCA(50, svd_solver="covariance_eigh").fit(x_train)
    near, graph = neighbour_graph(pca.transform(x_train))
    return graph, *(near.kneighbors(pca.transform(x), return_distance=False) for x in (x_valid, x_test))


def spread(graph, given, alpha=0.99, steps=30):
    """Zhou et al. 2004: F <- alpha S F + (1 - alpha) Y, from the given labels Y."""
    found = given
    for _ in range(steps):
        found = alpha * (graph @ found) + (1 - alpha) * given
    return found


def label_spreading(chosen):
    """Each training image gets a class, each other image the vote of its neighbours."""
    graph, *others = neighbours()
    given = np.zeros((len(x_train), 10), "float32")
    given[chosen, y_train[chosen]] = 1
    votes = np.eye(10)[spread(graph, given).argmax(axis=1)]
    valid, test = (
        float(np.mean(votes[near].sum(axis=1).argmax(axis=1) == y))
        for near, y in zip(others, (y_valid, y_test), strict=True)
    )
    return {"valid_accuracy": valid, "test_accuracy": test}


def few_labels(n_labels, method, seed, stack):
    """The seed is that of the draw of labels, the same for every method, and of the network; `stack` the stack's."""
    chosen = draw_labelled(y_train, n_labels, 10, np.random.default_rng(seed))
    if method == "SVM":
        return support_vectors(x_train[chosen], y_train[chosen]) | {"recipe": "none"}
    if method == "label spreading":
        return label_spreading(chosen) | {"recipe": "none"}
    start, sizes, learns = METHODS[method.removesuffix(TEN_CHOOSE)]
    choosing = x_valid, y_valid
    if method.endswith(TEN_CHOOSE):
        ten = np.unique(y_train[chosen], return_index=True)[1]  # the first of each class
        choosing = x_train[chosen[ten]], y_train[chosen[ten]]
        chosen = np.delete(chosen, ten)
    x, y = x_train[chosen], y_train[chosen]
    hidden = hidden_layers(start, sizes, stack)
    keras.utils.set_random_seed(seed)  # whether the stack was read or trained just now
    steps, batch_size = (24 * n_labels // 100, 100) if n_labels > 1000 else (1200 if n_labels == 1000 else 600, 50)
    model = classifier(hidden)
    if start in PARTS:  # the softmax alone, on what the hidden layers make of the images
        h, h_choosing = (hidden.predict(images, batch_size=1000, verbose=0) for images in (x, choosing[0]))
        top = keras.Sequential([keras.Input((sizes[-1],)), layers.Dense(10, "softmax")])
        fit_best(top, h, y, (h_choosing, choosing[1]), 5e-3, steps, 12, batch_size)
        model.layers[-1].set_weights(top.layers[-1].get_weights())
    if learns:
        rate = 3e-3 if sizes == SMALL else 3e-4 if start in PARTS else 1e-3
        fit_best(model, x, y, choosing, rate, steps, 12, batch_size)
    valid, test = accuracy(model, x_valid, y_valid), accuracy(model, x_test, y_test)
    return {"valid_accuracy": valid, "test_accuracy": test, "recipe": recipe(start)}


def all_labels(start, epochs, seed):
    """784-500-500-1000-10 with all labels, dropout and a falling rate; the epoch is chosen on the validation images."""
    hidden = hidden_layers(start, SIZES, seed)
    keras.utils.set_random_seed(seed)
    model = classifier(hidden)
    steps = math.ceil(len(x_train) / BATCH_SIZE)
    rate = cosine_rate(1e-3, len(x_train), BATCH_SIZE, epochs)
    fit_best(model, x_train, y_train, (x_valid, y_valid), rate, epochs * steps, epochs, BATCH_SIZE)
    valid, test = accuracy(model, x_valid, y_valid), accuracy(model, x_test, y_test)
    return {"valid_accuracy": valid, "test_accuracy": test, "recipe": recipe(start)}


def unrolled_stack(seed):
    """Two machines of the stack, and a small autoencoder on top for the codes."""
    machines = parts("RBM", SIZES, seed)[:2]
    keras.utils.set_random_seed(seed)
    code = autoencoder(500, 30, seed, dropout=0.0, activation=None)
    h = stack(machines).predict(x_train, batch_size=1000, verbose=0)
    pretrain([code], h, epochs=PRETRAINING_EPOCHS, batch_size=BATCH_SIZE, verbose=0)
    return unroll([*machines, code])


def deep_autoencoder(start, epochs, seed):
    """784-500-500-30-500-500-784, linear codes: from the stack of sigmoid units, or from a random start."""
    if start == "RBM":
        model = unrolled_stack(seed)
    else:
        ends = hidden_layers(start, (784, 500, 500), seed), hidden_layers(start, (30, 500, 500), seed)
        up, down = (end.layers for end in ends)
        model = keras.Sequential([keras.Input((784,)), *up, layers.Dense(30), *down, layers.Dense(784, "sigmoid")])
    figures = {"before_test_mse": mse(x_test, model.predict(x_test, batch_size=1000, verbose=0))}
    rate = cosine_rate(2e-3, len(x_train), BATCH_SIZE, epochs)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", steps_per_execution=43)
    model.fit(x_train, x_train, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
    for name, x in (("valid", x_valid), ("test", x_test)):
        figures[f"{name}_mse"] = mse(x, model.predict(x, batch_size=1000, verbose=0))
    return figures | {"recipe": recipe(start)}


def with_stack(setting):
    """The draws of 100 and of 1,000 labels are spread over machines of three seeds; all others share seed 0."""
    start, sizes, _ = METHODS.get(setting["method"].removesuffix(TEN_CHOOSE), ("none", SIZES, True))
    spread_over = start == "RBM" and sizes != SMALL and setting["n_labels"] in (100, 1000)
    stack_seed = setting["seed"] % 3 if spread_over else 0 if start in PARTS else -1
    return setting | {"stack": stack_seed}


def main():
    complete("pretraining", grid(seed=range(3), kind=list(PARTS), sizes=["784-500-500-1000"]), pretraining)
    small = list(METHODS)[-2:]
    n_draws = {100: 10, 1000: 10, 300: 5, 10_000: 3}
    draws = [{"seed": seed, "n_labels": n} for n, n_seeds in n_draws.items() for seed in range(n_seeds)]
    few = [draw | {"method": method} for draw in draws for method in DEEP]
    other = [1, 2, 4, 5, 7, 8]  # draws of the stacks of seeds 1 and 2
    few += grid(seed=other, n_labels=[100], method=[method + TEN_CHOOSE for method in SHALLOW])
    complete("labels", [with_stack(setting) for setting in few], few_labels)
    machines = [method for method in DEEP if method.startswith("RBM")]
    complete("other_stack", grid(seed=other, n_labels=[100, 1000], method=machines, stack=[0]), few_labels)
    crossing = grid(n_labels=[100, 1000, 10_000, 40_000], seed=range(5), method=small)
    complete("crossover", [with_stack(setting) for setting in crossing], few_labels)
    complete("deep_autoencoder", grid(epochs=[20], start=["RBM", "sigmoid", "relu"], seed=range(3)), deep_autoencoder)
    complete("all_labels", grid(epochs=[30], seed=range(3), start=["RBM", "DAE", "sigmoid", "relu"]), all_labels)
