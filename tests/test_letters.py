"""The generated letters: what is drawn, with which noise, and what is refused."""

import itertools
import pathlib
import types

import matplotlib
import numpy as np
import pytest
from harness import CodeFault, each
from PIL import ImageFont

from aelib import data

FONTS = ["DejaVuSans", "cmtt10", "STIXGeneral", "cmss10"]


def clean(font):
    """The 26 letters without noise, drawn anew; what is drawn here stays here."""
    data._capitals.cache_clear()
    try:
        return data.make_letters([font], 1, 0.0, 0)[0]
    finally:
        data._capitals.cache_clear()


def test_the_shapes_types_and_labels():
    x, y = data.make_letters(FONTS, 3, 0.2, 0)
    assert x.shape == (312, 29, 29) and x.dtype == np.float32 and set(np.unique(x)) == {0, 1}
    assert y.dtype == np.int64 and np.array_equal(y, np.tile(np.arange(26), 12))


@pytest.mark.parametrize("font", FONTS)
def test_every_letter_is_upright_and_in_the_middle(font):
    images = clean(font)
    rows, columns = images.any(axis=2), images.any(axis=1)
    for lines in (rows, columns):  # as much room before as after, but for hairlines and rounding
        before, after = lines.argmax(axis=1), lines[:, ::-1].argmax(axis=1)
        assert (abs(before - after) <= 2).all()
    assert rows.sum(axis=1)[data.LETTERS.index("H")] in (20, 21)
    letter = dict(zip(data.LETTERS, images, strict=True))
    assert letter["L"][:14].sum() < letter["L"][15:].sum()  # its foot is below ...
    assert letter["L"][:, :14].sum() > letter["L"][:, 15:].sum()  # ... and its stem on the left
    assert letter["P"][:14].sum() > letter["P"][15:].sum()
    assert letter["O"][14, 14] == 0 and letter["I"][14, 14] == 1  # an O has a hole
    assert len(np.unique(images.reshape(26, -1), axis=0)) == 26


def pillows(font):
    """The 26 letters as Pillow rasterizes them, gray, at the size that makes H 20 pixels high; in the middle."""
    path = str(pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf"))
    sizes = np.arange(22, 36, 0.25)
    heights = [np.diff(ImageFont.truetype(path, 10 * size).getbbox("H")[1::2])[0] for size in sizes]
    pillow = ImageFont.truetype(path, sizes[np.argmin(np.abs(np.array(heights) - 200))])
    images = np.zeros((26, 29, 29))
    for image, letter in zip(images, data.LETTERS, strict=True):
        mask = pillow.getmask(letter)
        gray = np.array(mask, dtype=float).reshape(mask.size[::-1]) / 255
        rows, columns = np.flatnonzero(gray.any(axis=1)), np.flatnonzero(gray.any(axis=0))
        gray = gray[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][:29, :29]
        top, left = (29 - gray.shape[0]) // 2, (29 - gray.shape[1]) // 2
        image[top : top + gray.shape[0], left : left + gray.shape[1]] = gray
    return images


@pytest.mark.parametrize("font", FONTS)
def test_the_letters_are_those_that_pillow_draws(font):
    """Two ways to rasterize differ at the edges and by half a pixel: take the best of the shifts by a pixel at most."""
    shifted = [np.roll(pillows(font), shift, axis=(1, 2)) for shift in itertools.product((-1, 0, 1), repeat=2)]
    apart = [((clean(font)[:, None] - images) ** 2).mean(axis=(2, 3)) for images in shifted]
    apart = np.min(apart, axis=0)  # (our letters, Pillow's letters); the ink is a seventh of the pixels
    assert np.array_equal(apart.argmin(axis=1), np.arange(26))
    assert np.diag(apart).max() < 0.06 and np.diag(apart).mean() < 0.03


def test_the_seed_alone_decides_the_noise():
    first, _ = data.make_letters(FONTS[:2], 2, 0.3, [7, 0])
    assert np.array_equal(first, data.make_letters(FONTS[:2], 2, 0.3, [7, 0])[0])
    other, _ = data.make_letters(FONTS[:2], 2, 0.3, [7, 1])
    letters = np.tile(np.concatenate([clean(font) for font in FONTS[:2]]), (2, 1, 1))
    noise, other_noise = first != letters, other != letters
    # Independent noises agree on 0.3**2 + 0.7**2 of the pixels; 87,464 of them: a deviation of 0.0017.
    assert abs((noise == other_noise).mean() - 0.58) < 0.01
    assert abs((noise[:52] == noise[52:]).mean() - 0.58) < 0.015  # the copies have noise of their own ...
    assert abs((noise[:26] == noise[26:52]).mean() - 0.58) < 0.015  # ... and so have the fonts


def test_noise_switches_its_share_of_pixels_on_and_off():
    for level in (0.0, 0.1, 0.3, 1.0):
        x, _ = data.make_letters(FONTS[:1], 20, level, 0)
        letters = np.tile(clean(FONTS[0]), (20, 1, 1))
        for ink in (0, 1):  # at least 60,000 pixels: a deviation of 0.002
            assert abs((x != letters)[letters == ink].mean() - level) < 0.01


def test_without_noise_not_even_a_drawn_0_switches_a_pixel(monkeypatch):
    letters = clean("cmtt10")
    monkeypatch.setattr(np.random, "default_rng", lambda seed: types.SimpleNamespace(random=np.zeros))
    assert np.array_equal(data.make_letters(["cmtt10"], 1, 0.0, 0)[0], letters)


def test_numpys_own_generator_is_left_alone_and_the_arrays_are_fresh():
    state = np.random.get_state()[1].copy()
    x, y = data.make_letters(FONTS, 1, 0.1, 0)
    assert np.array_equal(np.random.get_state()[1], state)
    before = x.copy(), y.copy()
    x[:], y[:] = 9, 9
    assert all(np.array_equal(*pair) for pair in zip(before, data.make_letters(FONTS, 1, 0.1, 0), strict=True))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["Arial"], 1, 0.1, 0), FileNotFoundError, r"no font 'Arial'; in .* there are DejaVuSans.*, cmti10, cmtt10"),
        ((["DejaVuSans", "../ttf/cmtt11"], 1, 0.1, 0), FileNotFoundError, "no font '../ttf/cmtt11'"),
        (([], 1, 0.1, 0), ValueError, r"at least one name; got \[\]"),
        (("cmtt10", 1, 0.1, 0), ValueError, "a list of at least one name; got 'cmtt10'"),
        ((FONTS, 0, 0.1, 0), ValueError, "copies must be a whole number, 1 or more; got 0"),
        ((FONTS, 1.5, 0.1, 0), ValueError, "got 1.5"),
        ((FONTS, 1, 30, 0), ValueError, "noise must be a probability, from 0 to 1; got 30"),
        ((FONTS, 1, 1.5, 0), ValueError, "got 1.5"),
        ((FONTS, 1, -0.1, 0), ValueError, "got -0.1"),
        ((FONTS, 1, float("nan"), 0), ValueError, "got nan"),
    ],
)
def test_what_is_wrong_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        data.make_letters(*arguments)


FAULTS = [
    CodeFault(
        "letters upside down",
        data._capitals.__wrapped__,
        "14 - np.arange(29))",
        "np.arange(29) - 14)",
        test_every_letter_is_upright_and_in_the_middle,
        ("DejaVuSans",),
    ),
    CodeFault(
        "letters without their holes",
        data._capitals.__wrapped__,
        "image ^= ",
        "image |= ",
        test_every_letter_is_upright_and_in_the_middle,
        ("DejaVuSans",),
    ),
    CodeFault(
        "letters a tenth too large",
        data._capitals.__wrapped__,
        "scale = 20 /",
        "scale = 22 /",
        test_every_letter_is_upright_and_in_the_middle,
        ("DejaVuSans",),
    ),
    CodeFault(
        "another font where one is missing",
        data._capitals.__wrapped__,
        "raise FileNotFoundError(f\"Matplotlib brings no font {font!r}; in {folder} there are {', '.join(names)}\")",
        "font = names[0]",
        test_what_is_wrong_is_named,
        ((["Arial"], 1, 0.1, 0), FileNotFoundError, "no font 'Arial'"),
    ),
    CodeFault(
        "the same noise in training and test letters",
        data.make_letters,
        "np.random.default_rng(seed)",
        "np.random.default_rng(0)",
        test_the_seed_alone_decides_the_noise,
    ),
    CodeFault(
        "one noise for all copies of a letter",
        data.make_letters,
        "np.random.default_rng(seed).random(clean.shape)",
        "np.tile(np.random.default_rng(seed).random((len(fonts) * 26, 29, 29)), (copies, 1, 1))",
        test_the_seed_alone_decides_the_noise,
    ),
    CodeFault(
        "noise that only adds ink",
        data.make_letters,
        "clean != switched",
        "clean | switched",
        test_noise_switches_its_share_of_pixels_on_and_off,
    ),
    CodeFault(
        "noise from NumPy's own generator",
        data.make_letters,
        "np.random.default_rng(seed).random(clean.shape)",
        "np.random.random(clean.shape)",
        test_the_seed_alone_decides_the_noise,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
