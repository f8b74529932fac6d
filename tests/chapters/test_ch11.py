"""Chapter 11: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import keras
import numpy as np
from harness import ChapterFault, CodeFault, each

from experiments import ch11


def freezes(layers=slice(0, 1), compiles=True, count=None, loss="mse"):
    """The chapter's exercise 11.2 with its parts as arguments."""

    def answer(model):
        for layer in model.layers[layers]:
            layer.trainable = False
        if compiles:
            model.compile("sgd", loss)
        return count(model) if count else sum(int(np.prod(w.shape)) for w in model.trainable_weights)

    return answer


def patch(step=lambda size, gap: size + gap, turned=False, sign=1):
    """The chapter's exercise 11.3 with its parts as arguments."""

    def answer(photograph, row, column, place, size, gap):
        down, right = place[::-1] if turned else place
        row, column = row + sign * down * step(size, gap), column + sign * right * step(size, gap)
        return photograph[row : row + size, column : column + size]

    return answer


RIGHT = [
    ("11.1", 0.375),
    ("11.1", np.float32(3 / 8)),
    ("11.2", freezes()),
    ("11.2", freezes(loss="sparse_categorical_crossentropy")),
    ("11.2", freezes(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))),
    ("11.3", patch()),
]

NUMBERS = {"11.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("11.1", 1 / 3, "Only two places are level"),
    ("11.1", 0.125, "That is chance"),
    ("11.1", 0.5, "three places each"),
    ("11.1", 0.389, "equally often"),
    ("11.1", 1, "How often"),
    ("11.2", freezes(layers=slice(0, None)), "freezes every layer"),
    ("11.2", freezes(layers=slice(1, 2)), "still trainable"),
    ("11.2", freezes(compiles=False), "Compile after freezing"),
    ("11.2", freezes(count=lambda model: model.count_params()), "of all weights"),
    ("11.2", freezes(count=lambda model: len(model.trainable_weights)), "count the numbers in them"),
    ("11.2", freezes(count=lambda model: 7), "all arrays of model.trainable_weights"),
    ("11.3", patch(step=lambda size, gap: size), "Leave the gap"),
    ("11.3", patch(step=lambda size, gap: gap), "overlap"),
    ("11.3", patch(turned=True), "exchanged"),
    ("11.3", patch(sign=-1), "opposite"),
    ("11.3", lambda photograph, *_: photograph[:6, :6], "pixels off"),
    ("11.3", lambda photograph, *_: photograph, "shape"),
]

FAULTS = [
    ChapterFault(
        "g that reads the image, as printed",
        '"z": f(x_base[:100])',
        '"z": tf.constant(x_base[:100])',
        "g(f(x)): arrays of f with a gradient, of six",
        alone=True,
    ),
    ChapterFault(
        "a loss that is maximised, as printed",
        "after_steps(-1), after_steps(+1)",
        "after_steps(+1), after_steps(-1)",
        "maximised as printed: loss after ten steps over that at ln 5",
        alone=True,
    ),
    ChapterFault(
        "colours that leak into the half that predicts them",
        "SPLIT = slice(0, 1), slice(1, 3)",
        "SPLIT = slice(2, 3), slice(1, 3)",
        "colours from L: gradient in the colours",
        alone=True,
    ),
    ChapterFault(
        "pixels that are not made linear in the light",
        "np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)",
        "rgb * 1.0",
        "Lab there and back: off by gray values of 255",
        alone=True,
    ),
    ChapterFault(
        "white that is not divided out",
        "t = linear @ TO_XYZ.T / WHITE",
        "t = linear @ TO_XYZ.T",
        "Lab of white: off the published value by",
        alone=True,
    ),
    ChapterFault(
        "rows and columns of a place exchanged",
        "moved = np.array(PLACES)[place] * step",
        "moved = np.array(PLACES)[place][:, ::-1] * step",
        "an image of coordinates: patches off their place by pixels",
        alone=True,
    ),
    ChapterFault(
        "a place that is never drawn",
        "rng.integers(8, size=n)",
        "rng.integers(7, size=n)",
        "the eight places among 8,000 pairs: frequency of each",
        alone=True,
    ),
    ChapterFault(
        "a mirrored pair that keeps its place",
        "PLACES.index((row, -column))",
        "PLACES.index((row, column))",
        "mirrored pairs with the right place: share",
        alone=True,
    ),
    ChapterFault(
        "the forgotten second compile",
        "step_on(ready(net, 1e-3), conv)",
        "step_on(net, conv)",
        "compiled again: frozen weights move by",
    ),
    ChapterFault(
        "a BatchNorm that is left awake",
        "norm.layers[-1].trainable = own",
        "norm.layers[-1].trainable = part",
        "BatchNorm frozen by itself: statistics move by",
    ),
    ChapterFault(
        "the same concepts in both parts of the probe",
        "for unit in (np.arange(len(names)), concept):",
        "for unit in (np.arange(len(names)), np.arange(len(names))):",
        "split by file: nearest pixels, above that by concept, each draw",
    ),
]


TestAnswers = harness.answers("11", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("11", FAULTS)


def test_the_tables_patches_lie_where_their_place_says():
    rows, columns = np.mgrid[:240, :320]
    x = np.stack([rows, columns, 0 * rows], axis=-1)[None].astype("float32")
    one, other, place = ch11.pairs(x, 500, np.random.default_rng(0), gap=10, jitter=3)
    apart = (other - one)[:, 0, 0, :2] - 42 * np.array(ch11.PLACES)[place]
    assert np.abs(apart).max() == 3 and set(place) == set(range(8))
    mirrored = np.array(ch11.PLACES)[ch11.MIRRORED]
    assert np.array_equal(mirrored, np.array(ch11.PLACES) * [1, -1])


def test_the_tables_probe_is_ridge_regression():
    rng = np.random.default_rng(0)
    z, y, other = rng.normal(size=(60, 9)), rng.integers(0, 3, 60), rng.normal(size=(200, 9))
    unit = (z - z.mean(axis=0)) / (z.std(axis=0) + 1e-6)
    target = np.eye(3)[y] - np.eye(3)[y].mean(axis=0)
    for penalty, (accuracy,) in zip(ch11.PENALTIES, ch11.ridge_scores(z, y, [(other, np.zeros(200))]), strict=True):
        w = np.linalg.solve(unit.T @ unit + penalty * np.eye(9), unit.T @ target)
        named = ((other - z.mean(axis=0)) / (z.std(axis=0) + 1e-6) @ w + np.eye(3)[y].mean(axis=0)).argmax(axis=1)
        assert np.mean(named == 0) == accuracy


def test_one_channel_of_each_patch_is_left():
    patches = np.random.default_rng(0).uniform(0.6, 1, (300, 4, 4, 3)).astype("float32")
    out = ch11.one_channel(patches, np.random.default_rng(1))
    kept = (out == patches).all(axis=(1, 2))
    assert (kept.sum(axis=1) == 1).all() and kept.any(axis=0).all()
    assert np.abs(out[(out != patches)] - 0.5).max() < 0.06


CODE = [
    CodeFault(
        "one channel for all patches",
        ch11.one_channel,
        "rng.integers(3, size=len(patches))",
        "rng.integers(3)",
        test_one_channel_of_each_patch_is_left,
    ),
    CodeFault(
        "a jitter for rows only",
        ch11.pairs,
        "rng.integers(-jitter, jitter + 1, (n, 2))",
        "rng.integers(0, jitter + 1, (n, 2)) // 2",
        test_the_tables_patches_lie_where_their_place_says,
    ),
    CodeFault(
        "features that are not centred",
        ch11.ridge_scores,
        "z, middle = (z - mean) / deviation",
        "z, middle = z / deviation",
        test_the_tables_probe_is_ridge_regression,
    ),
]


@each(CODE)
def test_a_code_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
