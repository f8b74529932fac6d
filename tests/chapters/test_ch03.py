"""Chapter 03: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault

from aelib import noise
from experiments import ch03


def pairs(source=lambda x, x_noisy: x_noisy, target=lambda x, x_noisy: x, fresh=True, factor=1.0, returned=list):
    """The chapter's exercise 3.2 with its parts as arguments."""

    def answer(x, level, rng, n_epochs):
        result, x_noisy = [], noise.gaussian(x, factor * level, rng)
        for _ in range(n_epochs):
            x_noisy = noise.gaussian(x, factor * level, rng) if fresh else x_noisy
            result.append((source(x, x_noisy), target(x, x_noisy)))
        return returned(result)

    return answer


def dropout(share=lambda rate: rate, scale=lambda rate: 1 / (1 - rate), draw=lambda x, rng: rng.random(x.shape)):
    return lambda x, rate, rng: np.where(draw(x, rng) < share(rate), 0, x * scale(rate))


RIGHT = [
    ("3.1", 3 / 7),
    ("3.1", 0.3 + 0.7 * (1 / 0.7 - 1) ** 2),
    ("3.2", pairs()),
    ("3.2", lambda x, level, rng, n: [[x + level * rng.normal(size=x.shape), x] for _ in range(n)]),
    ("3.3", dropout()),
    ("3.3", lambda x, rate, rng: x * (rng.random(x.shape) >= rate) / (1 - rate)),
    ("3.4", 0.28),
]

NUMBERS = {"3.1", "3.4"}  # exercises whose answer is a number, not a function

WRONG = [
    ("3.1", 0, "mean difference"),
    ("3.1", 0.3, "lost pixels add"),
    ("3.1", 9 / 70, "kept pixels add"),
    ("3.1", 7 / 3, "slides"),
    ("3.1", 0.7, "two values"),
    ("3.1", "3/7", "single number"),
    ("3.2", pairs(fresh=False, target=lambda x, x_noisy: x_noisy), "same array"),
    ("3.2", pairs(target=lambda x, x_noisy: x_noisy), "same array"),
    ("3.2", pairs(fresh=False), "same noise"),
    ("3.2", pairs(source=lambda x, x_noisy: x, target=lambda x, x_noisy: x_noisy), "input is clean"),
    ("3.2", pairs(target=lambda x, x_noisy: 0 * x), "not the clean image"),
    ("3.2", pairs(factor=2), "0.5 was asked for"),
    ("3.2", pairs(returned=lambda result: result[:1]), "list of 3 pairs"),
    ("3.2", pairs(returned=lambda result: [1, 2, 3]), "TypeError"),
    ("3.2", 3.0, "function itself"),
    ("3.3", dropout(share=lambda rate: 1 - rate), "slides' p"),
    ("3.3", dropout(share=lambda rate: rate / 2), "0.15 is lost"),
    ("3.3", dropout(share=lambda rate: 0), "Nothing is lost"),
    ("3.3", dropout(scale=lambda rate: 1), "mean falls"),
    ("3.3", dropout(scale=lambda rate: 1 - rate), "multiplied by 0.7"),
    ("3.3", dropout(draw=lambda x, rng: rng.random(x.shape[1])), "Whole columns"),
    ("3.3", dropout(share=lambda rate: max(rate, 0.001)), "rate of 0"),
    ("3.3", dropout(scale=lambda rate: 1 / (1 - rate) if rate else 2), "rate of 0"),
    ("3.3", lambda x, rate, rng: x[:, :2], "shape"),
    ("3.4", 0.03, "against clean images"),
    ("3.4", 0.25, "not perfect either"),
    ("3.4", 0.53, "level or its square"),
    ("3.4", 0.5, "mean zero"),
]

FAULTS = [
    ChapterFault(
        "training on the test split",
        "x_train, y_train = x_train[:n_train], y_train[:n_train]",
        "x_train, y_train = x_test[:n_train], y_test[:n_train]",
        "test images that the networks will be trained on: share",
    ),
    ChapterFault(
        "the noise level of the evaluation off by a factor",
        "x_noisy = noise.gaussian(x_test, noise_level, rng)",
        "x_noisy = noise.gaussian(x_test, noise_level / 2, rng)",
        "the noisy image: its error is the noise's variance",
    ),
    ChapterFault(
        "a clean image where the noisy one is meant",
        "x_noisy = noise.gaussian(x_test, noise_level, rng)",
        "x_noisy = x_test",
        "the noisy image: its error is the noise's variance",
    ),
    ChapterFault(
        "noise left on in predict",
        "x_hat = denoiser.predict(images, verbose=0)",
        "x_hat = denoiser(images, training=True).numpy()",
        "GaussianNoise is off in predict: largest difference",
    ),
    ChapterFault(
        "a noise layer that is off in training",
        "noise_layer(images, training=True)",
        "noise_layer(images)",
        "GaussianNoise in training: mean square of what it adds",
    ),
    ChapterFault(
        "a linear denoiser with twice the noise in its formula",
        "covariance + level**2 * np.eye(784), covariance",
        "covariance + 2 * level**2 * np.eye(784), covariance",
        "the noise level that suits the validation images best",
        alone=True,
    ),
    ChapterFault(
        "a linear denoiser of clean images",
        "x_linear = linear_denoiser(x_noisy, noise_level)",
        "x_linear = linear_denoiser(x_test, noise_level)",
        "linear denoiser: test MSE over what the formula expects",
    ),
    ChapterFault(
        "noisy targets",
        'plain_ae = build_ae()\nwatched = {\n    "denoiser": fit(denoiser, x_train, x_train, epochs,',
        "plain_ae, denoiser = build_ae(), build_ae()\nx = noise.gaussian(x_train, noise_level, rng)\n"
        'watched = {\n    "denoiser": fit(denoiser, x, x, epochs,',
        "denoiser, level 1.0: test MSE",
    ),
    ChapterFault(
        "a clean input in the evaluation",
        "x_denoised, x_plain = answer(denoiser, x_noisy)",
        "x_denoised, x_plain = answer(denoiser, x_test)",
        "the clean image shown instead: share of the true error",
    ),
    ChapterFault(
        "one noise draw for all epochs",
        '"fresh noise": (fresh, clean)',
        '"fresh noise": (fixed, clean)',
        "fresh noise, the same images twice: mean square of the difference",
        alone=True,
    ),
    ChapterFault(
        "dropout's scale forgotten",
        "(r * x / keep) @ kernel",
        "(r * x) @ kernel",
        "the conventions in training: largest difference inside f",
        alone=True,
    ),
    ChapterFault(
        "the mean taken before the bend",
        "np.maximum(keras_training, 0).mean(axis=0)",
        "np.maximum(keras_training.mean(axis=0), 0)",
        "behind a ReLU they do not: mean in training over value at test time",
        alone=True,
    ),
    ChapterFault(
        "the rate taken for the probability to keep",
        "for x in (x_masked, x_masked / 0.7)",
        "for x in (x_masked, x_masked / 0.3)",
        "dropout autoencoder: share of the masked image's error",
    ),
    ChapterFault(
        "a memory that forgets half of its images' length",
        "(memory**2).sum(axis=1) / 2",
        "(memory**2).sum(axis=1)",
        "memory: test MSE, share of the clipped linear one's",
    ),
    ChapterFault(
        "the arrow of a memory wider than the noise",
        "remember(few_noisy, noise_level, memory)",
        "remember(few_noisy, 1.5 * noise_level, memory)",
        "digits, level 1.0: the memory's arrow off the score by",
    ),
    ChapterFault(
        "an arrow that is not divided by the variance",
        "(remember(places, 0.8, arc) - places) / 0.8**2",
        "(remember(places, 0.8, arc) - places) / 0.8",
        "curve, level 0.8: arrow over σ² off the score by",
    ),
    ChapterFault(
        "the input's own noise where an independent draw is meant",
        '"second draw": (fresh, fresh)',
        '"second draw": (fixed, fixed)',
        "a noisy target of an independent draw: error over that of fresh noise",
    ),
    ChapterFault(
        "a matrix that is not told the level",
        "told = max(level * best_clipped / noise_level, 0.05)",
        "told = best_clipped",
        "stored, a quarter of the noise: denoiser's error over that matrix's, each seed",
    ),
    ChapterFault(
        "a median filter of the clean image",
        "median_denoiser(x_valid_noisy[:200], size)",
        "median_denoiser(x_valid[:200], size)",
        "median filter, each window: validation MSE, share of the mean image's",
    ),
    ChapterFault(
        "arrows of a memory wider than the noise",
        "off = np.linalg.norm(remember(places, 0.2, arc)",
        "off = np.linalg.norm(remember(places, 0.6, arc)",
        "curve, level 0.2: share of arrows that end at the closest point, within 0.25",
    ),
    ChapterFault(
        "the wrong row of the table",
        'shown_random[at["zeros_10"]] /',
        'shown_random[at["zeros_50"]] /',
        "trained on a tenth of zeros, shown random pixels: error over that without",
    ),
]


TestAnswers = harness.answers("03", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("03", FAULTS)


def test_locality_of_weight_images_that_are_known():
    flat = np.ones((784, 20))
    assert np.isclose(ch03.locality(flat), 49 / 784)
    within = np.zeros((28, 28))
    within[20:27, 3:10] = -2
    across = np.zeros((28, 28))
    across[3, :14] = 1
    assert np.isclose(ch03.locality(np.stack([within.ravel()] * 20, axis=1)), 1)
    assert np.isclose(ch03.locality(np.stack([across.ravel()] * 20, axis=1)), 0.5)
    short = 0.1 * np.stack([within.ravel()] * 20, axis=1)  # not among the twenty longest
    assert np.isclose(ch03.locality(np.concatenate([short, flat], axis=1)), 49 / 784)
