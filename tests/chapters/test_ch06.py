"""Chapter 06: right and wrong answers to its exercises, and the faults that its checks must find."""

from fractions import Fraction

import harness
import numpy as np
from harness import ChapterFault, CodeFault, each
from scipy.special import expit

from aelib import data
from experiments import ch06


def greedy(sums=lambda x, w, t: x @ w + t, unit=expit, advance=True, returned=lambda h: h):
    """The chapter's exercise 6.2 with its parts as arguments."""

    def answer(x, sizes, fit):
        h = x
        for n in sizes:
            w, t = fit(h if advance else x, n)
            h = unit(sums(h, w, t))
        return returned(h)

    return answer


def unrolled(order=-1, transposed=True, visible=1, code=expit):
    """The chapter's exercise 6.3 with its parts as arguments."""

    def answer(x, machines):
        h = x
        for w, _, t in machines[:-1]:
            h = expit(h @ w + t)
        w, _, t = machines[-1]
        h = code(h @ w + t)
        for w, t, _ in machines[::order]:
            h = expit(h @ (w.T if transposed else w) + visible * t)
        return h

    return answer


def up_only(x, machines):
    for w, _, t in machines:
        x = expit(x @ w + t)
    return x


RIGHT = [
    ("6.1", Fraction(1, 512)),
    ("6.1", 1 / 512),
    ("6.2", greedy()),
    ("6.2", greedy(unit=lambda s: 1 / (1 + np.exp(-s)))),
    ("6.3", unrolled()),
]

NUMBERS = {"6.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("6.1", 1 / 1024, "how many steps"),
    ("6.1", 0.25**9, "slopes alone"),
    ("6.1", 0.25**10, "slopes alone"),
    ("6.1", 512, "weights alone"),
    ("6.1", 0.5, "nine of them"),
    ("6.1", 3, "how often"),
    ("6.2", greedy(advance=False), "trained on the pixels"),
    ("6.2", greedy(unit=lambda s: s), "was given sums"),
    ("6.2", greedy(sums=lambda x, w, t: x @ w), "thresholds are missing"),
    ("6.2", greedy(unit=lambda s: expit(-s)), "was not given the hidden probabilities"),
    ("6.2", greedy(returned=lambda h: 2 * h), "what is returned"),
    ("6.2", lambda x, sizes, fit: greedy()(x, sizes[::-1], fit), "in their order"),
    ("6.2", lambda x, sizes, fit: x[:, :3] + 0 * fit(x, sizes[0])[1][:3], "called 1 times"),
    ("6.2", 3, "function itself"),
    ("6.3", up_only, "This is the code"),
    ("6.3", unrolled(order=1), "the top machine comes first"),
    ("6.3", unrolled(visible=0), "visible thresholds"),
    ("6.3", unrolled(transposed=False), "transposed"),
    ("6.3", unrolled(code=lambda s: s), "need the sigmoid"),
    ("6.3", lambda x, machines: x, "not the pass"),
    ("6.3", lambda x, machines: x[:, :2], "shape"),
]

FAULTS = [
    ChapterFault(
        "a delta that forgets the sigmoid's derivative",
        "delta[n + 1] * slope[n]",
        "delta[n + 1]",
        "the chain's gradients over the printed ones, off by",
    ),
    ChapterFault(
        "the output above for the output below a weight",
        "gradient = y[:5] * delta[1:]",
        "gradient = y[1:] * delta[1:]",
        "the chain's gradients over the printed ones, off by",
    ),
    ChapterFault(
        "the held-out font in training",
        "data.make_letters(fonts, 10, train_noise,",
        "data.make_letters([*fonts, held_out], 10, train_noise,",
        "training letters that look like the held-out font: share",
    ),
    ChapterFault(
        "the same noise in training and test letters",
        "easy_noise, seed=[0, 2])",
        "easy_noise, seed=[0, 0])",
        "pixels switched in two parts at once, over chance",
    ),
    ChapterFault(
        "validation letters for test letters",
        "easy_noise, seed=[0, 2])",
        "easy_noise, seed=[0, 1])",
        "pixels switched in two parts at once, over chance",
    ),
    ChapterFault(
        "deltas without the width of the layer above",
        "guess = 0.01 * np.sqrt(sizes[::-1]) / 4",
        "guess = 0.01 * np.sqrt(sizes[::-1]) ** 0 / 4",
        "N(0, 0.01): delta over that of the layer above, over 0.01 √n / 4",
    ),
    ChapterFault(
        "a greedy loop that drops the hidden thresholds",
        "x = sigmoid(x @ kernel + bias)  # the data of the next part",
        "x = sigmoid(x @ kernel)",
        "greedy loop by hand and by aelib, top probabilities: largest difference",
    ),
    ChapterFault(
        "pretrained hidden biases dropped",
        "layer.set_weights(pair)",
        "layer.set_weights([pair[0], 0 * pair[1]])",
        "letters, network before fine-tuning: top hidden layer off the stack's by",
    ),
    ChapterFault(
        "the stack trained on the test split",
        "x_train, y_train = x_train[:n_train], y_train[:n_train]",
        "x_train, y_train = x_test[:n_train], y_test[:n_train]",
        "test digits that the stack was trained on: share",
        alone=True,
    ),
    ChapterFault(
        "a stack without its pretrained weights",
        "hidden = stack(machines).layers",
        "hidden = keras.models.clone_model(stack(machines)).layers",
        "fine-tuned network before tuning, hidden layers off the machines' by",
    ),
    ChapterFault(
        "frozen layers that train",
        'layer.trainable = start != "frozen"',
        "layer.trainable = True",
        "frozen layers after the training: hidden outputs moved by",
    ),
    ChapterFault(
        "test labels in the fine-tuning set",
        "x_few, y_few = x_train[chosen], y_train[chosen]",
        "x_few, y_few = x_test[chosen % n_test], y_test[chosen % n_test]",
        "labelled images that are also test images: share",
    ),
    ChapterFault(
        "label spreading from all labels",
        "given[chosen, y_few] = 1",
        "given[np.arange(len(x_train)), y_train] = 1",
        "label spreading: labels that it was given over those drawn",
    ),
    ChapterFault(
        "the second machine's model of the hidden states summed over the wrong layer",
        "log_r = logsumexp(log_joint(*second), axis=1)",
        "log_r = logsumexp(log_joint(*second).T[:16], axis=1)",
        "second machine, transposed start: bound and likelihood off the first's",
    ),
]


TestAnswers = harness.answers("06", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("06", FAULTS, without=["## A deep autoencoder"])


def plainly(n_inputs):
    return n_inputs + 1


def explained(n_inputs):
    """The same code."""
    # with a comment
    return n_inputs + 1


def test_a_recipe_changes_with_the_code_and_not_with_its_comments(monkeypatch):
    def recipe(part):
        monkeypatch.setitem(ch06.PARTS, "RBM", part)
        return ch06.recipe("RBM")

    assert recipe(explained) == recipe(plainly)
    names = [recipe(part) for part in (plainly, ch06.autoencoder, ch06.machine)]
    monkeypatch.setattr(ch06, "PRETRAINING_EPOCHS", ch06.PRETRAINING_EPOCHS + 1)
    names.append(ch06.recipe("RBM"))
    assert len(set(names)) == len(names)
    assert all(names[-1] in file.name for file in ch06.stored_files("RBM", ch06.SIZES, 0))


def test_the_stored_rows_are_of_todays_recipe():
    for name in ("labels", "crossover", "all_labels", "deep_autoencoder", "pretraining"):
        table = data.load_results(name)
        (column,) = {"method", "start", "kind"} & set(table.dtype.names)
        for start, recipe in zip(table[column], table["recipe"], strict=True):
            kind = start.split()[0]
            assert recipe == (ch06.recipe(kind) if kind in ch06.PARTS else "none"), (name, start)


def test_label_spreading_has_a_closed_form():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(60, 3)) + 4 * (np.arange(60) % 2)[:, None]
    _, graph = ch06.neighbour_graph(z, 5)
    apart = ((z[:, None] - z) ** 2).sum(axis=2)
    one_way = apart <= np.sort(apart, axis=1)[:, 5:6]  # the nearest of all is each its own
    either = (one_way | one_way.T) & ~np.eye(60, dtype=bool)
    sums = either.sum(axis=1)
    expected = either / np.sqrt(sums[:, None] * sums)
    np.testing.assert_allclose(graph.toarray(), expected, atol=1e-6)
    given = np.zeros((60, 2))
    given[[0, 1], [0, 1]] = 1
    found = ch06.spread(graph, given, alpha=0.9, steps=400)
    np.testing.assert_allclose(found, np.linalg.solve(np.eye(60) - 0.9 * expected, 0.1 * given), atol=1e-6)
    assert (found.argmax(axis=1) == np.arange(60) % 2).all()  # one label a cloud is enough


CODE = [
    CodeFault(
        "a neighbour in one direction only",
        ch06.neighbour_graph,
        "graph.maximum(graph.T)",
        "graph",
        test_label_spreading_has_a_closed_form,
    ),
    CodeFault(
        "labels that are forgotten while they spread",
        ch06.spread,
        "(1 - alpha) * given",
        "0 * given",
        test_label_spreading_has_a_closed_form,
    ),
]


@each(CODE)
def test_a_code_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
