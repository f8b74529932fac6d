"""Chapter 10: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault, CodeFault, each
from keras import ops

from experiments import ch10


def delta(of_error=1.0, of_sparsity=None, slope=1, power_of_gamma=0):
    """The chapter's exercise 10.2 with its parts as arguments."""

    def answer(delta2, w2, h, sparsity, gamma):
        share = 1 / len(h) if of_sparsity is None else of_sparsity
        error = (1 if of_error == "lost" else gamma) * delta2 @ w2.T
        return (error + gamma**power_of_gamma * share * sparsity) * (h * (1 - h)) ** slope

    return answer


def means(total=lambda s: s.sum(axis=1, keepdims=True), turned=False):
    """The chapter's exercise 10.3 with its parts as arguments."""

    def answer(s, x):
        return (s.T if turned else s) @ x / total(s)

    return answer


def by_loop(s, x):
    """The same, one neighbour at a time."""
    mu = np.zeros((len(s), x.shape[1]))
    for i in range(len(s)):
        for j in range(len(s)):
            mu[i] += s[i, j] * x[j]
        mu[i] /= s[i].sum()
    return mu


def positive_pmi(of_words=1.0, of_contexts=None, log=np.log, least=0.0):
    """The chapter's exercise 10.4 with its parts as arguments."""

    def answer(counts, alpha):
        word = counts.sum(axis=1) ** (alpha if of_words is None else of_words)
        context = counts.sum(axis=0) ** (alpha if of_contexts is None else of_contexts)
        ratio = counts / counts.sum() / (word[:, None] / word.sum() * context / context.sum())
        met = counts > 0
        return np.where(met, np.maximum(log(np.where(met, ratio, 1)), least), 0)

    return answer


RIGHT = [
    ("10.1", 1.2),
    ("10.1", np.float32(2.4 / 2)),
    ("10.2", delta()),
    ("10.3", means()),
    ("10.3", by_loop),
    ("10.4", positive_pmi()),
]

NUMBERS = {"10.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("10.1", 0.9, "friends alone"),
    ("10.1", 0.75, "weight is -1"),
    ("10.1", 0.6, "not by the number"),
    ("10.1", 2.4, "Divide it by the sum"),
    ("10.1", 1.0, "A sigmoid would have to stop"),
    ("10.1", 3, "derivative zero"),
    ("10.2", delta(of_sparsity=1, power_of_gamma=1), "That is the slide's"),
    ("10.2", delta(of_sparsity=1), "slope in one"),
    ("10.2", delta(power_of_gamma=1), "does not multiply the sparsity"),
    ("10.2", delta(of_error="lost"), "lost its γ"),
    ("10.2", delta(slope=0), "derivative h"),
    ("10.2", delta(of_sparsity=0), "Two terms"),
    ("10.2", lambda delta2, w2, h, sparsity, gamma: delta2, "shape"),
    ("10.3", means(total=lambda s: 1), "weighted sums"),
    ("10.3", means(total=lambda s: len(s)), "its own sum"),
    ("10.3", means(total=lambda s: s.sum()), "its own sum"),
    ("10.3", means(turned=True), "takes the columns"),
    ("10.3", means(total=lambda s: s.sum(axis=0)[:, None], turned=True), "takes the columns"),
    ("10.3", means(total=lambda s: s.sum(axis=0)[:, None]), "wrong axis"),
    ("10.3", lambda s, x: x, "mu_i is the sum"),
    ("10.3", 3, "function itself"),
    ("10.4", positive_pmi(least=-np.inf), "are negative"),
    ("10.4", positive_pmi(of_contexts=1.0), "alpha = 1"),
    ("10.4", positive_pmi(log=lambda ratio: ratio), "logarithm is missing"),
    ("10.4", positive_pmi(log=np.log2), "in bits"),
    ("10.4", positive_pmi(of_words=None, of_contexts=1.0), "Only the contexts"),
    ("10.4", positive_pmi(of_words=None), "Only the contexts"),
    ("10.4", lambda counts, alpha: counts, "each from sums of counts"),
    ("10.4", lambda counts, alpha: np.log(counts), "NaN or infinity"),
]

FAULTS = [
    ChapterFault(
        "weighted sums that are not divided",
        "((s @ x) / total[:, None])",
        "((s @ x) / 1)",
        "loss by pairs over loss by means and constant, off 1 by",
    ),
    ChapterFault(
        "the image itself left among its neighbours",
        "near.kneighbors()",
        "near.kneighbors(space)",
        "images that are their own neighbour: share",
    ),
    ChapterFault(
        "distances for squared distances in the heat kernel",
        "return distances**2, indices",
        "return distances, indices",
        "heat kernel of one pair, by hand: off by",
    ),
    ChapterFault(
        "enemies taken for friends",
        "((friends, 1.0), (enemies, -1.0))",
        "((friends, 1.0), (enemies, 1.0))",
        "friends of another class and enemies of the own: share",
    ),
    ChapterFault(
        "images for class means as the target of the linear map",
        "m_50 = class_means(x_50, y_train)",
        "m_50 = x_50",
        "linear autoencoder, class means: angle to LDA in degrees",
    ),
    ChapterFault(
        "test images among the training images",
        "x_train, y_train = x_train[:n_train], y_train[:n_train]",
        "x_train, y_train = x_test[:n_train], y_test[:n_train]",
        "training images that are also test images: share",
        alone=True,
    ),
    ChapterFault(
        "pairs of a point with itself kept in MDS",
        "return ops.sum(others * (d - phi) ** 2) / 2",
        "return ops.sum((d - phi) ** 2) / 2",
        "LE, MDS, margin: all pairs at once off the double loop by",
        alone=True,
    ),
    ChapterFault(
        "each pair counted twice",
        "phi * apart(h)) / 2",
        "phi * apart(h))",
        "LE, MDS, margin: all pairs at once off the double loop by",
        alone=True,
    ),
    ChapterFault(
        "a decoder that gets smaller with the encoder",
        "shrunk = w[0] / 10, w[1] * 10",
        "shrunk = w[0] / 10, w[1] / 10",
        "codes divided by 10, decoder times 10: output changed by",
    ),
    ChapterFault(
        "mutual information without the logarithm",
        "value = np.log(counts.data / counts.sum() / by_chance)",
        "value = counts.data / counts.sum() / by_chance",
        "PMI of red, wine, milk off the values by hand",
        alone=True,
    ),
    ChapterFault(
        "pairs across the end of a sentence",
        "(sentence[:-d] == sentence[d:]) & (one >= 0)",
        "(one >= 0)",
        "PMI of red, wine, milk off the values by hand",
        alone=True,
    ),
    ChapterFault(
        "contexts without their power",
        "counts.sum(axis=0) ** alpha",
        "counts.sum(axis=0)",
        "PMI of red with wine, alpha 0.75, off the value by hand",
        alone=True,
    ),
    ChapterFault(
        "far pairs that count as much as near ones",
        "np.full(both.sum(), 1 / d)",
        "np.full(both.sum(), 1.0)",
        "window 2: a, b, c off the counts by hand",
        alone=True,
    ),
    ChapterFault(
        "the sparsity's gradient without 1/n",
        "sparsity / n) * h * (1 - h)",
        "sparsity) * h * (1 - h)",
        "hand gradients, repaired, LE, MDS, margin: off autodiff by",
    ),
    ChapterFault(
        "the reconstruction's gradient without γ",
        "gamma * h.T @ delta2 + decay * w2",
        "h.T @ delta2 + decay * w2",
        "hand gradients, repaired, LE, MDS, margin: off autodiff by",
    ),
    ChapterFault(
        "relations of an image with itself",
        "change = off_diagonal(x) * ops.square",
        "change = ops.square",
        "relations above 1: all pairs at once off the double loop by",
    ),
    ChapterFault(
        "a field that does not show what is typed",
        'picture_of_word(change["new"].strip().lower())',
        'picture_of_word("wine")',
        "the toy shows the word that was typed: share",
        alone=True,
    ),
    ChapterFault(
        "a loop over the examples that shares the pairs too",
        'return laplacian(h, kinds["LE"][1]) + error',
        'return laplacian(h, kinds["LE"][1]) / n + error',
        "weight of the reconstruction in the loop over γ",
        alone=True,
    ),
    ChapterFault(
        "relations of the input where the output's are meant",
        'other = ae(clean) if name == "the output" else clean + noise',
        "other = clean + noise",
        "relations of the output: share of weights with a gradient",
        alone=True,
    ),
]


TestAnswers = harness.answers("10", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("10", FAULTS)


def test_targets_are_the_means_of_a_double_loop():
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 5)), np.arange(40) % 2
    s = ch10.friends_and_enemies(x, y, 4, 2).toarray()
    far = ((x[:, None] - x) ** 2).sum(axis=2)
    np.fill_diagonal(far, np.inf)
    for i in range(40):
        own, other = np.flatnonzero(y == y[i]), np.flatnonzero(y != y[i])
        expected = np.zeros(40)
        expected[own[np.argsort(far[i, own])[:4]]] = 1
        expected[other[np.argsort(far[i, other])[:2]]] = -1
        np.testing.assert_array_equal(s[i], expected)
    mean, total = ch10.mean_targets(ch10.friends_and_enemies(x, y, 4, 2), x)
    np.testing.assert_allclose(mean, by_loop(s, x), atol=1e-6)
    np.testing.assert_allclose(total, 2)


def single(*arrays):
    return [ops.convert_to_tensor(array.astype("float32")) for array in arrays]


def test_relations_and_embedding_losses_are_those_of_a_double_loop():
    rng = np.random.default_rng(0)
    x, z = 3 * rng.random((6, 5)), rng.random((6, 2))
    far, near = (np.sqrt(((a[:, None] - a) ** 2).sum(axis=2)) for a in (x, z))
    pairs = {
        "LE": near**2 * np.exp(-(far**2) / 20),
        "MDS": (near - far) ** 2,
        "margin": np.where(far**2 <= 50, near**2, np.maximum(1 - near**2, 0)),
    }
    for kind, expected in pairs.items():
        np.fill_diagonal(expected, 0)
        found = ch10.embedding(kind)(*single(x, z))
        np.testing.assert_allclose(found, expected.mean(axis=1), rtol=1e-4)
    x_hat = 3 * rng.random((6, 5))
    change = (np.maximum(x @ x.T - 9, 0) - np.maximum(x_hat @ x_hat.T - 9, 0)) ** 2
    np.fill_diagonal(change, 0)
    found = ch10.relational(0.5, 9.0)(*single(x, x_hat))
    np.testing.assert_allclose(found, ((x - x_hat) ** 2).sum(axis=1) + 0.5 * change.mean(axis=1), rtol=1e-4)


CODE = [
    CodeFault(
        "enemies of the own class",
        ch10.friends_and_enemies,
        "np.flatnonzero(y != c)",
        "np.flatnonzero(y == c)",
        test_targets_are_the_means_of_a_double_loop,
    ),
    CodeFault(
        "means over the wrong axis",
        ch10.mean_targets,
        "s.sum(axis=1)",
        "s.sum(axis=0)",
        test_targets_are_the_means_of_a_double_loop,
    ),
    CodeFault(
        "pairs of an image with itself",
        ch10.others,
        "1 - ops.eye(ops.shape(pairs)[0])",
        "1 - 0 * ops.eye(ops.shape(pairs)[0])",
        test_relations_and_embedding_losses_are_those_of_a_double_loop,
    ),
]


@each(CODE)
def test_a_code_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
