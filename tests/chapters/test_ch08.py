"""Chapter 08: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault
from scipy.special import expit

from aelib import data
from experiments import ch08

SLOPES = 99**2 / (99**2 + 1) ** 2 / (0.99 * 0.01)


def norm2(unit=np.tanh, slope=lambda h: 1 - h**2, power=2, axis=0, returned=lambda found: found):
    """The chapter's exercise 8.2 with its parts as arguments."""

    def answer(x, w, b):
        return returned(slope(unit(x @ w + b)) ** power @ (w**2).sum(axis=axis))

    return answer


def rebuilt(inner=True, outer=True, transposed=True, returned=lambda found: found):
    """The chapter's exercise 8.3 with its parts as arguments."""

    def answer(x, w, b, c):
        h = expit(x @ w + b)
        x_hat = expit(h @ w.T + c)
        norms = []
        for s, t in zip(h * (1 - h), x_hat * (1 - x_hat), strict=True):
            j = (w * (s if inner else 1)) @ (w.T if transposed else w)
            norms.append((((t[:, None] if outer else 1) * j) ** 2).sum())
        return returned(np.array(norms))

    return answer


RIGHT = [
    ("8.1", 4 * SLOPES**2),
    ("8.2", norm2()),
    ("8.2", lambda x, w, b: np.array([((w * (1 - np.tanh(one @ w + b) ** 2)) ** 2).sum() for one in x])),
    ("8.3", rebuilt()),
]

NUMBERS = {"8.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("8.1", 4, "the unit at 0.5"),
    ("8.1", SLOPES**2, "weights of the unit are doubled"),
    ("8.1", 4 * SLOPES, "slope is squared"),
    ("8.1", 2 * SLOPES**2, "weights are squared"),
    ("8.1", 2 * SLOPES, "weights are squared"),
    ("8.1", 1 / (4 * SLOPES**2), "before over after"),
    ("8.1", 1, "does not double the output"),
    ("8.1", 0.5, "after a becomes 2a"),
    ("8.2", norm2(expit, lambda h: h * (1 - h)), "still the sigmoid"),
    ("8.2", norm2(slope=lambda h: h * (1 - h)), "not h \\(1 - h\\)"),
    ("8.2", norm2(unit=expit), "h is still the sigmoid"),
    ("8.2", norm2(power=1), "to be squared"),
    ("8.2", norm2(axis=1), "summed over the inputs"),
    ("8.2", norm2(returned=np.sqrt), "This is the norm"),
    ("8.2", norm2(returned=np.sum), "One value for each image"),
    ("8.2", lambda x, w, b: (((1 - np.tanh(x @ w + b) ** 2) @ w.T) ** 2).sum(axis=1), "gradient of the summed codes"),
    ("8.2", lambda x, w, b: x[:, 0], "squared slope of each unit"),
    ("8.2", lambda x, w, b: x, "shape"),
    ("8.2", 3, "function itself"),
    ("8.3", rebuilt(outer=False), "These are the logits"),
    ("8.3", rebuilt(inner=False), "slope of the code is missing"),
    ("8.3", rebuilt(inner=False, outer=False), "Both slopes"),
    ("8.3", rebuilt(transposed=False), "transposed"),
    ("8.3", rebuilt(returned=np.sqrt), "This is the norm"),
    ("8.3", lambda x, w, b, c: norm2(expit, lambda h: h * (1 - h))(x, w, b), "the code's Jacobian"),
    ("8.3", lambda x, w, b, c: x[:, 0], "Square, and sum"),
    ("8.3", lambda x, w, b, c: x, "shape"),
]

FAULTS = [
    ChapterFault(
        "the slope without its square",
        "ops.square(slope_of(activation)(h)), squares)",
        "slope_of(activation)(h), squares)",
        "closed form over autodiff: off by",
        alone=True,
    ),
    ChapterFault(
        "weights summed over the units",
        "ops.sum(ops.square(w), axis=0)  # (units,)",
        "ops.mean(ops.sum(ops.square(w), axis=1)) + 0 * w[0]  # (units,)",
        "closed form over autodiff: off by",
        alone=True,
    ),
    ChapterFault(
        "the sigmoid's slope for a tanh",
        '"tanh": lambda h: 1 - h**2',
        '"tanh": lambda h: h * (1 - h)',
        "tanh units: closed form over finite differences, off by",
        alone=True,
    ),
    ChapterFault(
        "an activation without a closed form goes through",
        "if activation not in SLOPES:",
        "if activation == 'gelu':\n        return SLOPES['tanh']\n    if activation not in SLOPES:",
        "an activation without a closed form is refused: share",
        alone=True,
    ),
    ChapterFault(
        "a decoder that does not make up for small weights",
        "(4 / size * v_back)",
        "(4 * v_back)",
        "loophole: mean square error there",
        alone=True,
    ),
    ChapterFault(
        "W not differentiated",
        "jacobian_norm2(h, self.encoder.kernel, self.activation)",
        "jacobian_norm2(h, ops.stop_gradient(self.encoder.kernel), self.activation)",
        "gradient of the model's penalty in W, off autodiff by",
        alone=True,
    ),
    ChapterFault(
        "summed over the batch",
        "self.penalty * ops.mean(norm2)",
        "self.penalty * ops.sum(norm2)",
        "gradient of the model's penalty in W, off autodiff by",
        alone=True,
    ),
    ChapterFault(
        "the penalty in evaluate, too",
        "        if training:\n            self.add_loss",
        "        if True:\n            self.add_loss",
        "evaluate: loss over the cross-entropy alone",
        alone=True,
    ),
    ChapterFault(
        "an untied decoder",
        "DenseTranspose(self.encoder) if tied else layers.Dense(784)",
        "layers.Dense(784)",
        "tied: parameters of the model over those of one layer",
        alone=True,
    ),
    ChapterFault(
        "a negative penalty goes through",
        "if not (penalty >= 0 and noise >= 0):",
        "if False:",
        "a penalty below 0 is refused: share",
        alone=True,
    ),
    ChapterFault(
        "directions of the codes' weights, without the slopes",
        "(w * (h * (1 - h)) ** 2) @ w.T",
        "w @ w.T",
        "singular values by the small matrix and by NumPy, off by",
        alone=True,
    ),
    ChapterFault(
        "noise in one direction only",
        "(loss(x + s * e, x) + loss(x - s * e, x)) / 2 - loss(x, x)",
        "loss(x + s * e, x + s * e) - loss(x, x)",
        "plain: what little noise adds, over the foreseen",
        alone=True,
    ),
    ChapterFault(
        "noise drawn anew where it is to be fixed",
        '"fixed": fixed}.get(noise)',
        "}.get(noise)",
        "fixed noise: two calls of one function, off by",
    ),
]


TestAnswers = harness.answers("08", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("08", FAULTS)


def test_the_strengths_of_the_table_were_chosen_on_validation():
    table = data.load_results("contractive")
    for start, strengths in ch08.STRENGTHS.items():
        first = table[(table["start"] == start) & (table["seed"] == 0)]
        assert sorted(first["strength"]) == sorted(strengths)
        assert first["strength"][np.argmin(first["valid_error"])] == ch08.CHOSEN[start]
