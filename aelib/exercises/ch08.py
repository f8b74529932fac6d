"""The markers of chapter 08."""

import numpy as np
from scipy.special import expit

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("8.1")
def _doubled_sums(answer):
    value = as_number(answer)
    slopes = 99**2 / (99**2 + 1) ** 2 / (0.99 * 0.01)  # after over before
    if close(value, 4 * slopes**2):
        return "The weights count four times, but the unit is saturated: its part falls below a thousandth."
    if close(value, 2 * slopes**2) or close(value, 2 * slopes):
        raise Wrong("The weights are squared in the norm.")
    mistakes = {
        "That is before over after.": 1 / (4 * slopes**2),
        "That is the unit at 0.5, whose slope stays. The other one's output moves towards 1.": 4,
        "That is the slope's part. The weights of the unit are doubled too.": slopes**2,
        "The slope is squared in the norm.": 4 * slopes,
        "Doubling the sum does not double the output: h = s(a), and then s(2a).": 1,
    }
    recognise(value, mistakes)
    raise Wrong("The part is (h (1 - h))² times the sum of the squared weights. What is h after a becomes 2a?")


@marker("8.2")
def _tanh_norm(answer):
    rng = np.random.default_rng(0)
    x, w, b = rng.random((6, 5)), rng.normal(size=(5, 5)), rng.normal(size=5)  # square: a wrong transpose has a shape
    h = np.tanh(x @ w + b)
    slope, squares = 1 - h**2, (w**2).sum(axis=0)
    right = slope**2 @ squares
    if callable(answer) and np.asarray(answer(x.copy(), w.copy(), b.copy())).dtype.kind == "f":
        if np.size(answer(x.copy(), w.copy(), b.copy())) == 1:
            raise Wrong("One value for each image is asked for, not one for the batch.")
    found = call(answer, x, w, b, shape=(6,))
    s = expit(x @ w + b)
    if close(found, right, rtol=1e-6):
        return "Any activation whose slope is a function of its output has such a line."
    rows = (w**2).sum(axis=1)
    gradient = "This is the gradient of the summed codes: square each derivative before you sum over the units."
    mistakes = {
        "This is still the sigmoid's encoder: both h and its slope have to change.": (s * (1 - s)) ** 2 @ squares,
        "The slope of tanh is not h (1 - h).": (h * (1 - h)) ** 2 @ squares,
        "The slope is tanh's, but h is still the sigmoid's.": (1 - s**2) ** 2 @ squares,
        "The slope is to be squared.": slope @ squares,
        "The squared weights are to be summed over the inputs, so that each unit has one sum.": slope**2 @ rows,
        "This is the norm. Its square is asked for.": np.sqrt(right),
        gradient: ((slope @ w.T) ** 2).sum(axis=1),
    }
    recognise(found, mistakes, rtol=1e-6)
    raise Wrong("It is the squared slope of each unit, times its summed squared weights, summed over the units.")


@marker("8.3")
def _rebuilt_norm(answer):
    rng = np.random.default_rng(0)
    x, w = rng.random((4, 6)), rng.normal(size=(6, 6))
    b, c = rng.normal(size=6), rng.normal(size=6)
    found = call(answer, x, w, b, c, shape=(4,))

    def norms(inner=True, outer=True, back=None, power=2):
        h = expit(x @ w + b)
        out = expit(h @ w.T + c)
        inner_slope = h * (1 - h) if inner else np.ones_like(h)
        outer_slope = out * (1 - out) if outer else np.ones_like(out)
        middle = [(w * slope) @ (w.T if back is None else back) for slope in inner_slope]
        whole = [slope[:, None] * m for slope, m in zip(outer_slope, middle, strict=True)]
        return np.array([(j**2).sum() ** (power / 2) for j in whole])

    if close(found, norms(), rtol=1e-6):
        return "Two slopes and the weights twice: noise in the image acts on this, the printed penalty on a part of it."
    h = expit(x @ w + b)
    logits = "These are the logits. The rebuilt image is their sigmoid, which has a slope too."
    mistakes = {
        logits: norms(outer=False),
        "The slope of the code is missing.": norms(inner=False),
        "Both slopes are missing.": norms(inner=False, outer=False),
        "This is the norm. Its square is asked for.": norms(power=1),
        "The way back has the weights transposed.": norms(back=w),
        "This is the code's Jacobian. Go on to the rebuilt image.": (h * (1 - h)) ** 2 @ (w**2).sum(axis=0),
    }
    recognise(found, mistakes, rtol=1e-6)
    raise Wrong("For each image: outer slopes times W times inner slopes times W transposed. Square, and sum.")
