"""Chapter 09: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
import pytest
from harness import ChapterFault, CodeFault, each
from keras import layers, ops

from experiments import ch09


def resized(h, kernel):
    return ops.conv(ops.repeat(ops.repeat(h, 2, axis=1), 2, axis=2), kernel, padding="same")


def bilinear(h, kernel):
    """Cells between their neighbours, then the kernel."""
    return ops.conv(ops.image.resize(h, (12, 12), interpolation="bilinear"), kernel, padding="same")


def rippling(h, kernel):
    return ops.conv_transpose(h, ops.swapaxes(kernel, 2, 3), strides=2, padding="same")


def averaged(h, kernel):
    """A ripple of period two, and the mean of each 2 x 2 cells, in which there is none."""
    return ops.average_pool(rippling(h, kernel), 2, strides=1, padding="same")


def alternating(share):
    """The solution and a small ripple upon it."""
    rows = np.arange(12).reshape(1, 12, 1, 1) % 2
    return lambda h, kernel: resized(h, kernel) * (1 + share * rows)


def patches(add=True, flipped=False, crop=False, mean=False):
    """The chapter's exercise 9.3 with its parts as arguments."""

    def answer(h, kernel, stride):
        size = len(kernel)
        large, coats = np.zeros((2, *((n - 1) * stride + size for n in h.shape)))
        for i, j in np.ndindex(*h.shape):
            at = slice(stride * i, stride * i + size), slice(stride * j, stride * j + size)
            patch = h[i, j] * (kernel[::-1, ::-1] if flipped else kernel)
            large[at] = large[at] + patch if add else patch
            coats[at] += 1
        large = large / np.maximum(coats, 1) if mean else large
        return large[: stride * h.shape[0], : stride * h.shape[1]] if crop else large

    return answer


def convolved(h, kernel, stride):
    size = len(kernel)
    places = [range(0, n - size + 1, stride) for n in h.shape]
    return np.array([[np.sum(h[i : i + size, j : j + size] * kernel) for j in places[1]] for i in places[0]])


RIGHT = [
    ("9.1", [1, 2, 4]),
    ("9.1", np.array([4, 2, 1, 2])),
    ("9.1", {1, 2, 4}),
    ("9.2", resized),
    ("9.2", bilinear),
    ("9.2", averaged),
    ("9.3", patches()),
]

NUMBERS = {"9.1"}  # exercises whose answer is no function

WRONG = [
    ("9.1", [1, 2], "one dimension"),
    ("9.1", [4, 6, 9], "a stride of 2"),
    ("9.1", [25], "one drop reaches"),
    ("9.1", 4, "Not all"),
    ("9.1", [3, 8], "three cells apart"),
    ("9.1", "1, 2, 4", "list of counts"),
    ("9.2", rippling, "still gives a ripple"),
    ("9.2", alternating(0.01), "still gives a ripple"),
    (
        "9.2",
        lambda h, kernel: ops.repeat(ops.repeat(ops.conv(h, kernel, padding="same"), 2, axis=1), 2, axis=2),
        "last",
    ),
    ("9.2", lambda h, kernel: resized(h, kernel) * 0, "every weight"),
    ("9.2", lambda h, kernel: resized(h * 0 + 1, kernel), "does not depend on h"),
    ("9.2", lambda h, kernel: ops.conv(h, kernel, padding="same"), "shape"),
    ("9.2", 3, "function itself"),
    ("9.3", convolved, "This is the convolution"),
    ("9.3", patches(flipped=True), "turned round"),
    ("9.3", patches(add=False), "overwrites"),
    ("9.3", patches(mean=True), "not averaged"),
    ("9.3", patches(crop=True), "cropped"),
    ("9.3", lambda h, kernel, stride: patches()(h, kernel, stride) * 2, "from cell"),
    ("9.3", lambda h, kernel, stride: patches()(h, kernel, 1), "shape"),
]

FAULTS = [
    ChapterFault(
        "places of blocks that are put together the wrong way round",
        "x = ops.transpose(x, (0, 1, 3, 5, 2, 4))",
        "x = ops.transpose(x, (0, 1, 3, 5, 4, 2))",
        "max unpooling off a loop over the blocks",
    ),
    ChapterFault(
        "the corner instead of the place",
        "place = ops.one_hot(ops.argmax(cells, axis=-1), size * size)",
        "place = ops.one_hot(ops.argmax(cells, axis=-1) * 0, size * size)",
        "max unpooling off a loop over the blocks",
    ),
    ChapterFault(
        "odd sizes that pass",
        "if h % size or w % size:",
        "if False:",
        "bad sizes that are refused, of two: odd, places of another pool size",
    ),
    ChapterFault(
        "places of another pool size that pass",
        "if tuple(place.shape[1:-1]) != tuple(h.shape[1:]):",
        "if False:",
        "bad sizes that are refused, of two: odd, places of another pool size",
    ),
    ChapterFault(
        "a flipped kernel",
        "np.vectorize(values.get)(matrix)",
        "np.vectorize(values.get)(matrix)[:, ::-1]",
        "the lecture's three products off its formulas with these numbers",
    ),
    ChapterFault(
        "a kernel turned round for Keras's layers",
        'k = np.array(kernel, "float32")',
        'k = np.array(kernel[::-1], "float32")',
        "second product off Keras's convolution",
    ),
    ChapterFault(
        "swapped channels",
        "    return (matrix_of(kernel, n, stride).T @ h.ravel()).reshape(n, n, -1)",
        "    return (matrix_of(kernel, n, stride).T @ h.T.ravel()).reshape(n, n, -1)",
        "Keras's transposed convolution off X^T, kernels 2 to 5",
    ),
    ChapterFault(
        "a kernel turned round on the way back",
        'h = ops.conv(units, kernel, strides=stride, padding="same")',
        'h = ops.conv(units, kernel[::-1, ::-1], strides=stride, padding="same")',
        "Keras's transposed convolution off X^T, kernels 2 to 5",
    ),
    ChapterFault(
        "channels that do not fit and pass",
        "if h.shape[-1] != kernel.shape[3]:",
        "if False:",
        "channels that do not fit are refused, of one",
    ),
    ChapterFault(
        "drops that paint over instead of adding",
        "stride * j : stride * j + size] += 1",
        "stride * j : stride * j + size] = 1",
        "coats by drops off the transposed convolution of ones, inside",
    ),
    ChapterFault(
        "a kernel smaller than the stride that passes",
        "if size < stride:",
        "if False:",
        "a kernel smaller than the stride is refused, of one",
    ),
    ChapterFault(
        "the first layer's ripple, of period 8, left out",
        "step = len(energy) // 8",
        "step = len(energy) // 4",
        "untrained, kernels 2, 3, 4: share of ripples of periods 2, 4 and 8, each draw",
    ),
    ChapterFault(
        "a resize-convolution that copies by zeros",
        'h = ops.conv(nearest(h), w.astype("float32"), padding="same")',
        'h = ops.conv(unblocks(h[..., None] * corner.astype("float32")), w.astype("float32"), padding="same")',
        "untrained, resize: share of the ripple",
    ),
]


TestAnswers = harness.answers("09", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("09", FAULTS)


def test_copying_first_is_told_from_other_ways_that_cannot_ripple():
    assert "After the copy" in harness.said("9.2", resized)
    assert all("Another way" in harness.said("9.2", answer) for answer in (bilinear, averaged))


@pytest.mark.parametrize("answer", [resized, bilinear])
def test_an_answer_may_be_rounded_to_16_bits(answer):
    rounded = harness.said("9.2", lambda h, kernel: np.asarray(answer(h, kernel)).astype("float16"))
    assert rounded == harness.said("9.2", answer)


def test_unpooling_puts_each_maximum_back_where_it_was():
    x = np.random.default_rng(0).random((2, 6, 4, 3)).astype("float32")
    pooled = layers.MaxPooling2D(2)(x)
    found = np.asarray(ch09.unpool(pooled, ch09.places_of(x)))
    assert found.shape == x.shape
    assert np.array_equal(found[found > 0], x[found > 0])
    assert np.array_equal(np.asarray(layers.MaxPooling2D(2)(found)), np.asarray(pooled))


def test_ripples_are_what_alternates_from_pixel_to_pixel():
    rows, columns = np.indices((28, 28))
    alternating = ((rows + columns) % 2)[None].astype("float32")
    assert ch09.ripple(alternating)["points"] == pytest.approx(1)
    moving = np.cos(np.pi * columns) * np.cos(2 * np.pi * 3 * rows / 28)  # on a line, at none of the points
    found = ch09.ripple(moving[None])
    assert found["points"] == pytest.approx(0, abs=1e-9) and found["lines"] == pytest.approx(1)
    slow = np.cos(2 * np.pi * 3 * rows / 28)[None]
    assert ch09.ripple(slow) == pytest.approx({"points": 0, "lines": 0}, abs=1e-9)


CODE = [
    CodeFault(
        "places in the order of the columns",
        ch09.places_of,
        "(0, 1, 3, 5, 2, 4)",
        "(0, 1, 3, 5, 4, 2)",
        test_unpooling_puts_each_maximum_back_where_it_was,
    ),
    CodeFault(
        "the energy of the mean left in",
        ch09.ripple,
        "images - images.mean(axis=(1, 2), keepdims=True)",
        "images",
        test_ripples_are_what_alternates_from_pixel_to_pixel,
    ),
]


@each(CODE)
def test_a_code_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
