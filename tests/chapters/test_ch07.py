"""Chapter 07: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault

from aelib import data
from aelib.layers import KSparse
from experiments import ch07


def ranked(size=np.abs, back=lambda z: z, kind="stable"):
    """The chapter's exercise 7.2 with its parts as arguments."""

    def answer(z, k):
        rank = np.argsort(np.argsort(-size(z), axis=1, kind=kind), axis=1)
        return np.where(rank < k, back(z), 0)

    return answer


def bordered(z, k):
    """By magnitude, but with all that are equal to the k-th."""
    return np.where(np.abs(z) >= np.sort(np.abs(z), axis=1)[:, [-k]], z, 0)


def divergence(p, q):
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def penalty(axis=0, term=divergence, gather=np.sum, swapped=False):
    """The chapter's exercise 7.3 with its parts as arguments."""

    def answer(h, rho):
        mean = h.mean(axis=axis)
        return gather(term(mean, rho) if swapped else term(rho, mean))

    return answer


RIGHT = [
    ("7.1", 7),
    ("7.1", 3 + 8 * 0.5),
    ("7.2", ranked()),
    ("7.3", penalty()),
]

NUMBERS = {"7.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("7.1", 11, "were halved"),
    ("7.1", 5, "of squares"),
    ("7.1", 19, "penalty is on the codes"),
    ("7.1", 4, "The error belongs"),
    ("7.1", 5.5, "The error was halved"),
    ("7.1", 100, "sum of halved sizes"),
    ("7.2", ranked(size=lambda z: z), "negative numbers"),
    ("7.2", ranked(back=np.abs), "lost their signs"),
    ("7.2", ranked(size=lambda z: -np.abs(z)), "smallest"),
    ("7.2", lambda z, k: z, "It is not the k largest"),
    ("7.2", bordered, "4 were kept where k is 1"),
    ("7.2", 3, "function itself"),
    ("7.3", penalty(axis=1), "axis 0"),
    ("7.3", penalty(axis=None), "hides them"),
    ("7.3", penalty(axis=None, gather=lambda value: 5 * value), "times the units"),
    ("7.3", penalty(term=lambda p, q: p * np.log(p / q)), "second term"),
    ("7.3", penalty(swapped=True), "not symmetric"),
    ("7.3", lambda h, rho: penalty()(h, rho) / len(h), "number of images"),
    ("7.3", penalty(gather=np.mean), "not their mean"),
    ("7.3", lambda h, rho: divergence(rho, h).mean(axis=0).sum(), "mean of divergences"),
    ("7.3", lambda h, rho: 1.0, "then the sum"),
    ("7.3", penalty(gather=lambda values: values), "shape"),
]

FAULTS = [
    ChapterFault(
        "sparseness of a whole code at once",
        "root = np.sqrt(h.shape[1])",
        "root = np.sqrt(h.size)",
        "Hoyer over units: ten of 200 above even",
    ),
    ChapterFault(
        "a soft threshold of the whole penalty",
        "np.abs(a) - penalty / 2",
        "np.abs(a) - penalty",
        "L1 by hand and by scikit-learn's lasso: largest difference",
    ),
    ChapterFault(
        "an L2 penalty of half the squares",
        "return a / (1 + penalty)",
        "return a / (1 + penalty / 2)",
        "L2 by hand and by search: largest difference",
    ),
    ChapterFault(
        "atoms that do not grow when the codes shrink",
        "rebuilt = h @ (atoms / c)",
        "rebuilt = h @ atoms",
        "codes times 0.001: MSE of the copier",
        alone=True,
    ),
    ChapterFault(
        "no unit norm",
        'UnitNorm(axis=1) if leash == "unit atoms"',
        'UnitNorm(axis=1) if leash == "nothing"',
        "unit atoms: lengths off 1 by",
    ),
    ChapterFault(
        "a penalty averaged over the whole layer",
        "return ops.mean(ops.sum(ops.abs(h), axis=1))",
        "return ops.mean(ops.abs(h))",
        "the penalty that Keras adds, over that by hand",
        alone=True,
    ),
    ChapterFault(
        "means over units for means over images",
        "rho_hat = ops.mean(h, axis=axis)",
        "rho_hat = ops.mean(h, axis=1)",
        "derivative of the KL penalty, by hand and by autodiff: off by",
        alone=True,
    ),
    ChapterFault(
        "one mean for the whole layer",
        "rho_hat = ops.mean(h, axis=axis)",
        "rho_hat = ops.mean(h)",
        "derivative of the KL penalty, by hand and by autodiff: off by",
        alone=True,
    ),
    ChapterFault(
        "a KL without its second term",
        "return ops.sum(on + off)",
        "return ops.sum(on)",
        "derivative of the KL penalty, by hand and by autodiff: off by",
        alone=True,
    ),
    ChapterFault(
        "the largest values for the largest magnitudes",
        '"1-sparse, by magnitude": (1, "magnitude")',
        '"1-sparse, by magnitude": (1, "value")',
        "three lines, 1-sparse by magnitude, best start: per cent lost",
    ),
    ChapterFault(
        "units that are left out of the count",
        "border = np.sort(z, axis=1)[:, [-k]]",
        "border = np.sort(z, axis=1)[:, [-k - 1]]",
        "k largest by hand and by aelib: largest difference",
        alone=True,
    ),
]


TestAnswers = harness.answers("07", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("07", FAULTS)


def test_the_codes_of_the_table_are_those_of_the_layer():
    rng = np.random.default_rng(0)
    x, kernel, bias = (rng.normal(size=shape).astype("float32") for shape in ((6, 5), (5, 9), 9))
    expected = np.asarray(KSparse(4)(x @ kernel + bias))
    np.testing.assert_allclose(ch07.code(x, kernel, bias, 4), expected, rtol=1e-6)


def test_images_are_moved_by_at_most_a_pixel_and_each_by_itself():
    x = np.zeros((200, 28, 28), "float32")
    x[:, 14, 9] = 1
    image, row, column = np.nonzero(ch07.shifted(x.reshape(-1, 784), np.random.default_rng(0)).reshape(x.shape))
    np.testing.assert_array_equal(image, np.arange(200))
    assert {*zip(row - 14, column - 9, strict=True)} == {(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    corner = np.zeros((1, 784), "float32")
    corner[0, 0] = 1
    seen = [ch07.shifted(corner, np.random.default_rng(seed))[0].sum() for seed in range(30)]
    assert {*seen} == {0, 1}  # what leaves the frame is lost, and does not come back on the other side


def test_the_stored_choices_are_those_of_validation():
    table = data.load_results("ksparse")
    assert set(table["k"]) == {25, 784} and set(table["seed"]) == {0, 1, 2}
    codes = table[table["k"] < 784]
    assert set(codes["alpha"]) <= set(ch07.ALPHAS) and (codes["unused"] < 0.5).all()
