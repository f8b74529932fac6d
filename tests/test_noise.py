import types

import keras
import numpy as np
import pytest
from harness import CodeFault, each
from scipy import stats

from aelib import noise

# A bound of 4.5 standard deviations fails by luck once in 150,000 draws; with the seeds below it is always one draw.
KINDS = {
    "gaussian": lambda x, rng: noise.gaussian(x, 0.5, rng),
    "masking": lambda x, rng: noise.masking(x, 0.5, rng),
    "random intensities": lambda x, rng: noise.random_intensities(x, 0.5, rng),
    "dark square": lambda x, rng: noise.dark_square(x, 5, rng),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def generator(seed=0):
    return np.random.default_rng(seed)


def images(*shape):
    """Gray values in [0.1, 1), so that a 0 is always noise."""
    return generator(1).uniform(0.1, 1, shape).astype(np.float32)


def test_gaussian_noise_has_its_mean_and_deviation_and_is_not_clipped():
    """A million pixels: the mean and the deviation within 4.5 standard errors (1.5 in 100,000 fail), p > 1e-5."""
    x, n = images(1000, 1000), 1_000_000
    for level in (0.3, 1.0):
        drawn = (noise.gaussian(x, level, generator()) - x).astype(np.float64)
        assert abs(drawn.mean()) < 4.5 * level / n**0.5
        assert abs(drawn.std() - level) < 4.5 * level / (2 * n) ** 0.5
        assert stats.kstest(drawn[:10].ravel() / level, "norm").pvalue > 1e-5
        for neighbours in (drawn[1:] * drawn[:-1], drawn[:, 1:] * drawn[:, :-1]):  # fresh for each image and pixel
            assert abs(neighbours.mean()) < 4.5 * level**2 / neighbours.size**0.5


def test_masking_loses_its_share_and_scales_nothing():
    """A million pixels: the share within 4.5 standard deviations of the binomial (4 draws: 3 in 100,000 fail)."""
    x, n = images(1000, 1000), 1_000_000
    for probability in (0.02, 0.25, 0.5, 0.9):
        noisy = noise.masking(x, probability, generator())
        lost = noisy == 0
        assert np.array_equal(noisy[~lost], x[~lost])
        assert abs(lost.mean() - probability) < 4.5 * (probability * (1 - probability) / n) ** 0.5
        # Each pixel on its own: rows, and columns, lose like n coins, and not together.
        for axis in (0, 1):
            assert lost.mean(axis).var() < 1.5 * probability * (1 - probability) / 1000
    assert np.array_equal(noise.masking(x, 0, generator()), x)
    assert not noise.masking(x, 1, generator()).any()


def test_random_intensities_replace_their_share_uniformly():
    """A million pixels: the share within 4.5 standard deviations (1 in 150,000 fails), uniform with p > 1e-5."""
    x, n = np.ones((1000, 1000), np.float32), 1_000_000  # 1 is never drawn
    noisy = noise.random_intensities(x, 0.3, generator())
    replaced = noisy != 1
    assert abs(replaced.mean() - 0.3) < 4.5 * (0.3 * 0.7 / n) ** 0.5
    assert stats.kstest(noisy[replaced], "uniform").pvalue > 1e-5
    assert np.array_equal(noise.random_intensities(x, 0, generator()), x)
    assert (noise.random_intensities(x, 1, generator()) < 1).all()


def test_a_dark_square_is_one_square_anywhere():
    """4,800 images and 24 positions, 200 each on average: the chi-squared test's p > 1e-5."""
    x = np.ones((4800, 6, 8), np.float32)
    dark = noise.dark_square(x, 3, generator()) == 0
    assert (dark.sum(axis=(1, 2)) == 3**2).all()
    top, left = dark.any(axis=2).argmax(axis=1), dark.any(axis=1).argmax(axis=1)
    for image, row, column in zip(dark, top, left, strict=True):
        assert image[row : row + 3, column : column + 3].all()  # with nine pixels in all: one whole square
    counts = np.bincount(6 * top + left, minlength=24)
    assert len(counts) == 24 and stats.chisquare(counts).pvalue > 1e-5


def test_a_dark_square_by_a_loop():
    x = images(50, 9, 7)
    for side in (0, 1, 4, 7):
        noisy = noise.dark_square(x, side, generator(2))
        rng, expected = generator(2), x.copy()
        tops, lefts = rng.integers(9 - side + 1, size=50), rng.integers(7 - side + 1, size=50)
        for image, top, left in zip(expected, tops, lefts, strict=True):
            image[top : top + side, left : left + side] = 0
        assert np.array_equal(noisy, expected)
    assert np.array_equal(noise.dark_square(x, np.int64(2), generator()), noise.dark_square(x, 2, generator()))


def test_the_numbers_are_the_generators_in_float32():
    """So that a seed gives the same noise in every version: what is drawn, and in which order."""
    x, shape = images(3, 5), (3, 5)
    normal = generator().standard_normal(shape, dtype=np.float32)
    assert np.array_equal(noise.gaussian(x, 0.5, generator()), x + np.float32(0.5) * normal)
    assert np.array_equal(noise.gaussian(x, 0, generator()), x)
    chosen = generator().random(shape, dtype=np.float32) < 0.5
    assert np.array_equal(noise.masking(x, 0.5, generator()), np.where(chosen, 0, x))


def test_of_a_probability_of_0_not_even_a_drawn_0_is_replaced():
    zeros = types.SimpleNamespace(random=lambda shape, dtype: np.zeros(shape, dtype))
    assert np.array_equal(noise.masking(images(2, 3), 0, zeros), images(2, 3))


def test_black_and_white_are_gray_values_too():
    x = np.array([[0, 1], [1, 0]])
    assert np.array_equal(noise.check_images(x), x) and noise.check_images(x).dtype == np.float32


@kinds
def test_noise_is_a_new_array_of_float32_and_repeats_with_its_seed(kind):
    corrupt = KINDS[kind]
    for x in (images(4, 28, 28), images(4, 28, 28).astype(np.float64), np.ones((4, 28, 28), int)):
        before, rng = x.copy(), generator()
        noisy = corrupt(x, rng)
        assert noisy.shape == x.shape and noisy.dtype == np.float32 and not np.shares_memory(noisy, x)
        assert np.array_equal(x, before)
        assert np.array_equal(noisy, corrupt(x, generator()))
        assert not np.array_equal(noisy, corrupt(x, rng)) and not np.array_equal(noisy, corrupt(x, generator(7)))


@pytest.mark.parametrize("kind", list(KINDS)[:3])
@pytest.mark.parametrize("shape", [(3, 784), (3, 28, 28, 1)])
def test_noise_for_images_of_any_rank(kind, shape):
    """The same numbers, whatever the shape: one is drawn for each pixel."""
    x = images(*shape)
    assert np.array_equal(KINDS[kind](x, generator()), KINDS[kind](x.reshape(3, 28, 28), generator()).reshape(shape))


@kinds
@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda x: x * 255, r"\[0, 1\]; got values from .* \(divide by 255\?\)"),
        (lambda x: (x * 255).astype(np.uint8), r"divide by 255\?"),
        (lambda x: x - 0.5, r"\[0, 1\]; got values from -0\.\d+ to 0\.\d+$"),
        (lambda x: x * 1.25, r"to 1\.2\d+ \(divide by 255\?\)$"),
        (lambda x: np.where(x == x.max(), 1, x - 0.5), r"got values from -0\.\d+ to 1$"),
        (lambda x: np.where(x == x.max(), np.nan, x), r"^pixels must lie in \[0, 1\]; got NaN$"),
        (lambda x: np.where(x == x.max(), np.inf, x), "to inf"),
        (lambda x: x[0, 0], r"got \(28,\)"),
        (lambda x: x[:0], r"at least one pixel; got \(0, 28, 28\)"),
        (lambda x: x[:, :0], r"at least one pixel; got \(3, 0, 28\)"),
    ],
)
def test_bad_images_are_refused(kind, spoil, found):
    with pytest.raises(ValueError, match=found):
        KINDS[kind](spoil(images(3, 28, 28)), generator())


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda x: noise.gaussian(x, -0.1, generator()), "0 or more; got -0.1"),
        (lambda x: noise.gaussian(x, float("nan"), generator()), "0 or more; got nan"),
        (lambda x: noise.gaussian(x, float("inf"), generator()), "must be finite, 0 or more; got inf"),
        (lambda x: noise.masking(x, 1.1, generator()), r"\[0, 1\]; got 1.1"),
        (lambda x: noise.masking(x, -0.1, generator()), r"\[0, 1\]; got -0.1"),
        (lambda x: noise.masking(x, float("nan"), generator()), r"\[0, 1\]; got nan"),
        (lambda x: noise.random_intensities(x, 30, generator()), r"\[0, 1\]; got 30"),
        (lambda x: noise.random_intensities(x, -1e-9, generator()), r"\[0, 1\]; got -1e-09"),
        (lambda x: noise.dark_square(x, 29, generator()), "0 to 28; got 29"),
        (lambda x: noise.dark_square(x[:, :20], 21, generator()), "0 to 20; got 21"),
        (lambda x: noise.dark_square(x, -1, generator()), "0 to 28; got -1"),
        (lambda x: noise.dark_square(x, 7.0, generator()), "a whole number from 0 to 28; got 7.0"),
        (lambda x: noise.dark_square(x.reshape(3, 784), 7, generator()), r"\(n, height, width\); got \(3, 784\)"),
        (lambda x: noise.dark_square(x[..., None], 7, generator()), r"got \(3, 28, 28, 1\)"),
        (lambda x: next(noise.batches(x, KINDS["masking"], 0, generator())), "are needed; got 3 images, 0 a batch"),
        (lambda x: next(noise.batches(x[:0], KINDS["masking"], 2, generator())), "are needed; got 0 images, 2 a batch"),
    ],
)
def test_bad_levels_are_refused(call, found):
    with pytest.raises(ValueError, match=found):
        call(images(3, 28, 28))


def test_an_epoch_of_batches_holds_every_image_once():
    """Two orders of ten images are equal once in 3.6 million draws."""
    x = images(10, 4)
    before = x.copy()
    pairs = noise.batches(x, KINDS["gaussian"], 4, generator())
    epochs = [[next(pairs) for _ in range(3)] for _ in range(3)]
    orders, drawn = [], []
    for epoch in epochs:
        assert [clean.shape for _, clean in epoch] == [noisy.shape for noisy, _ in epoch] == [(4, 4), (4, 4), (2, 4)]
        noisy, clean = (np.concatenate(parts) for parts in zip(*epoch, strict=True))
        order = np.array([np.flatnonzero((x == row).all(axis=1)).item() for row in clean])  # the exact images
        assert sorted(order) == list(range(10))
        orders.append(order.tolist())
        drawn.append((noisy - clean)[order.argsort()])
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert not np.isclose(drawn[0], drawn[1]).any() and not np.isclose(drawn[1], drawn[2]).any()
    assert np.array_equal(x, before)
    again = noise.batches(x, KINDS["gaussian"], 4, generator())
    for pair in [pair for epoch in epochs for pair in epoch]:
        for ours, theirs in zip(pair, next(again), strict=True):
            assert np.array_equal(ours, theirs)


def test_a_batch_may_be_one_image_of_one():
    noisy, clean = next(noise.batches(images(1, 4), KINDS["gaussian"], 1, generator()))
    assert np.array_equal(clean, images(1, 4)) and noisy.shape == (1, 4)


def test_batches_feed_keras_with_clean_targets():
    """A network that gives 0 and does not learn has the mean square of the clean images as its loss, in every epoch."""
    x = images(10, 4)
    zero = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, kernel_initializer="zeros")])
    zero.compile(keras.optimizers.SGD(0.0), "mse")
    pairs = noise.batches(x, KINDS["gaussian"], 4, generator())
    history = zero.fit(pairs, steps_per_epoch=3, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert history == pytest.approx([np.mean(x**2)] * 2, rel=1e-5)


FAULTS = [
    CodeFault(
        "noise that is clipped",
        noise.gaussian,
        "x + np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32)",
        "np.clip(x + np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32), 0, 1)",
        test_gaussian_noise_has_its_mean_and_deviation_and_is_not_clipped,
    ),
    CodeFault(
        "a level taken for a variance",
        noise.gaussian,
        "np.float32(level)",
        "np.float32(level) ** 0.5",
        test_gaussian_noise_has_its_mean_and_deviation_and_is_not_clipped,
    ),
    CodeFault(
        "one noise for all images",
        noise.gaussian,
        "rng.standard_normal(x.shape,",
        "rng.standard_normal(x.shape[1:],",
        test_gaussian_noise_has_its_mean_and_deviation_and_is_not_clipped,
    ),
    CodeFault(
        "noise written into the images",
        noise.gaussian,
        "x + np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32)",
        "np.add(x, np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32), out=x)",
        test_noise_is_a_new_array_of_float32_and_repeats_with_its_seed,
        ("gaussian",),
    ),
    CodeFault(
        "noise without its generator",
        noise.random_intensities,
        "rng.random(x.shape, dtype=np.float32)",
        "np.random.random(x.shape).astype(np.float32)",
        test_noise_is_a_new_array_of_float32_and_repeats_with_its_seed,
        ("random intensities",),
    ),
    CodeFault(
        "noise in float64",
        noise.random_intensities,
        "rng.random(x.shape, dtype=np.float32)",
        "rng.random(x.shape)",
        test_noise_is_a_new_array_of_float32_and_repeats_with_its_seed,
        ("random intensities",),
    ),
    CodeFault(
        "masking that scales the rest up, as dropout does",
        noise.masking,
        "np.float32(0), x)",
        "np.float32(0), x / max(1 - probability, 1e-3))",
        test_masking_loses_its_share_and_scales_nothing,
    ),
    CodeFault(
        "the share of pixels that is kept, not lost",
        noise._chosen,
        "< probability",
        ">= probability",
        test_masking_loses_its_share_and_scales_nothing,
    ),
    CodeFault(
        "whole columns lost",
        noise._chosen,
        "rng.random(shape, dtype=np.float32)",
        "np.broadcast_to(rng.random(shape[1:], dtype=np.float32), shape)",
        test_masking_loses_its_share_and_scales_nothing,
    ),
    CodeFault(
        "salt and pepper for random intensities",
        noise.random_intensities,
        "rng.random(x.shape, dtype=np.float32)",
        "rng.integers(2, size=x.shape).astype(np.float32)",
        test_random_intensities_replace_their_share_uniformly,
    ),
    CodeFault(
        "a probability that may exceed 1",
        noise._chosen,
        "<= 1",
        "<= 100",
        test_bad_levels_are_refused,
        (lambda x: noise.random_intensities(x, 30, generator()), "got 30"),
    ),
    CodeFault(
        "one position for all squares",
        noise.dark_square,
        "rng.integers(height - side + 1, size=n)",
        "np.full(n, rng.integers(height - side + 1))",
        test_a_dark_square_is_one_square_anywhere,
    ),
    CodeFault(
        "a square that never reaches the edge",
        noise.dark_square,
        "rng.integers(width - side + 1",
        "rng.integers(width - side",
        test_a_dark_square_is_one_square_anywhere,
    ),
    CodeFault(
        "a square with a row too many",
        noise.dark_square,
        "rows < top + side",
        "rows <= top + side",
        test_a_dark_square_is_one_square_anywhere,
    ),
    CodeFault(
        "gray values up to 255 let through",
        noise.check_images,
        "low < 0 or high > 1",
        "low < 0",
        test_bad_images_are_refused,
        ("gaussian", lambda x: x * 255, "divide by 255"),
    ),
    CodeFault(
        "NaN let through",
        noise.check_images,
        "np.isnan(low)",
        "False",
        test_bad_images_are_refused,
        ("masking", lambda x: x * np.nan, "got NaN"),
    ),
    CodeFault(
        "the same order in every epoch",
        noise.batches,
        "while True:\n        order = rng.permutation(len(x))",
        "order = rng.permutation(len(x))\n    while True:",
        test_an_epoch_of_batches_holds_every_image_once,
    ),
    CodeFault(
        "the smaller last batch dropped",
        noise.batches,
        "range(0, len(x), batch_size)",
        "range(0, len(x) - batch_size + 1, batch_size)",
        test_an_epoch_of_batches_holds_every_image_once,
    ),
    CodeFault(
        "images drawn with repetition",
        noise.batches,
        "rng.permutation(len(x))",
        "rng.integers(len(x), size=len(x))",
        test_an_epoch_of_batches_holds_every_image_once,
    ),
    CodeFault(
        "a noisy target",
        noise.batches,
        "yield corrupt(clean, rng), clean",
        "yield (corrupt(clean, rng),) * 2",
        test_batches_feed_keras_with_clean_targets,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
