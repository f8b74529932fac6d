import contextlib
import io
import re

import numpy as np
import pytest
from keras import regularizers
from scipy.special import expit
from sklearn.preprocessing import StandardScaler

from aelib import exercises, noise
from aelib.data import make_curved_plane

x_train = StandardScaler().fit_transform(make_curved_plane()[:100])
variances = np.linalg.eigvalsh(x_train.T @ x_train / 100)[::-1]


def second_unit(change=lambda row, v1: row - (row @ v1) * v1, decay=1.0, returned=lambda w: w):
    """The chapter's exercise 1.2 with the marked line as a function."""

    def answer(x, v1):
        w = np.array([0.5, -0.3, 0.4])
        for epoch in range(200):
            rate = 0.01 / (1 + 0.1 * epoch)
            for row in x:
                rest = change(row, v1)
                y = rest @ w
                w = w + rate * y * (rest - decay * y * w)
        with np.errstate(all="ignore"):
            return returned(w)

    return answer


def tied(encoder=1.0, decoder=1.0, factor=1.0):
    def answer(w, x):
        y = x @ w
        r = x - y @ w.T
        return -factor * (decoder * r.T @ y + encoder * x.T @ (r @ w)) / len(x)

    return answer


def relu_pca(first=1.0, second=-1.0, returned=lambda *kernels: kernels):
    def answer(v):
        identity = np.eye(v.shape[1])
        return returned(np.hstack([first * v, -first * v]), np.vstack([identity, second * identity]))

    return answer


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


def moving(k, x, step):
    for _ in range(k):
        x = step(x)
    return x


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


def logaddexp_by_hand(s):
    return np.maximum(s, 0) + np.log1p(np.exp(-np.abs(s)))


def free_energy(sign=1, visible=1, hidden=1, unit=logaddexp_by_hand):
    """The chapter's exercise 5.3 with its parts as arguments."""
    return lambda x, w, a, b: sign * (-visible * x @ a - unit(x @ w + hidden * b).sum(axis=1))


def broken(*_):
    raise ZeroDivisionError("oh")


def used(variance=np.exp, axis=0, returned=lambda kl: kl > 0.01):
    def answer(z_mean, z_log_var):
        return returned(0.5 * (z_mean**2 + variance(z_log_var) - z_log_var - 1).mean(axis=axis))

    return answer


def free(total):
    def answer(z_mean, z_log_var, free_nats):
        return total(0.5 * (z_mean**2 + np.exp(z_log_var) - z_log_var - 1), free_nats)

    return answer


RIGHT = [
    ("1.1", (variances[1] + variances[2]) / 3),
    ("1.1", np.float32((variances[1] + variances[2]) / 3)),
    ("1.2", second_unit()),
    ("1.2", second_unit(lambda row, v1: row @ (np.eye(3) - np.outer(v1, v1)))),  # other words, same behaviour
    ("1.3", tied()),
    ("1.3", lambda w, x: ((x @ w @ w.T - x).T @ x @ w + x.T @ (x @ w @ w.T - x) @ w) / len(x)),
    ("2.1", 407_000 + 1_814),
    ("2.2", lambda scale: regularizers.L2(scale / 2)),
    ("2.2", lambda scale: lambda w: 0.5 * scale * (w**2).sum()),
    ("2.3", relu_pca()),
    ("2.3", lambda v: (np.hstack([-v, v]), np.vstack([-np.eye(v.shape[1]), np.eye(v.shape[1])]))),
    ("3.1", 3 / 7),
    ("3.1", 0.3 + 0.7 * (1 / 0.7 - 1) ** 2),
    ("3.2", pairs()),
    ("3.2", lambda x, level, rng, n: [[x + level * rng.normal(size=x.shape), x] for _ in range(n)]),
    ("3.3", dropout()),
    ("3.3", lambda x, rate, rng: x * (rng.random(x.shape) >= rate) / (1 - rate)),
    ("4.1", 0.0392),
    ("4.1", 5e-4 * 784 * 2 / 20),
    ("4.2", used()),
    ("4.2", lambda z_mean, z_log_var: [bool(value) for value in used()(z_mean, z_log_var)]),
    ("4.3", free(lambda kl, nats: np.maximum(kl.mean(axis=0), nats).sum())),
    ("4.3", free(lambda kl, nats: sum(max(value, nats) for value in kl.mean(axis=0)))),
    ("5.1", 1284 * np.log(2)),
    ("5.2", moving),
    ("5.2", lambda k, x, step: x if k == 0 else moving(k - 1, step(x), step)),
    ("5.3", free_energy()),
    ("5.3", lambda x, w, a, b: -(x * a).sum(1) - logaddexp_by_hand(x @ w + b).sum(1)),
    ("6.1", 1 / 512),
    ("6.2", greedy()),
    ("6.2", greedy(unit=lambda s: 1 / (1 + np.exp(-s)))),
    ("6.3", unrolled()),
]

NUMBERS = {"1.1", "2.1", "3.1", "4.1", "5.1", "6.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("1.1", variances[1] + variances[2], "average|mean taken"),
    ("1.1", variances[0] / 3, "keeps"),
    ("1.1", variances[2] / 3, "plane"),
    ("1.1", 0.5, "left out"),
    ("1.1", variances, "single number"),
    ("1.1", "0.21", "single number"),
    ("1.2", second_unit(lambda row, v1: row), "first component"),
    ("1.2", second_unit(lambda row, v1: 0 * row), "second component"),
    ("1.2", second_unit(lambda row, v1: row - (row @ v1)), "second component"),
    ("1.2", second_unit(decay=0), "decay"),
    ("1.2", second_unit(returned=lambda w: w / 0.0), "bounded"),
    ("1.2", second_unit(returned=lambda w: 3 * w), "length"),
    ("1.2", second_unit(returned=lambda w: 0 * w), "died out"),
    ("1.2", second_unit(returned=lambda w: w[:2]), r"shape \(3,\)"),
    ("1.2", lambda x, v1: np.eye(3)[0], "angle to the second component"),
    ("1.2", np.ones(3), "function itself"),
    ("1.2", broken, "ZeroDivisionError"),
    ("1.3", tied(encoder=0), "decoder's weights alone"),
    ("1.3", tied(decoder=0), "encoder's part alone"),
    ("1.3", tied(factor=-1), "uphill"),
    ("1.3", tied(factor=2), "2 times"),
    ("1.3", lambda w, x: tied()(w, x) * len(x), "6 times"),
    ("1.3", lambda w, x: w, "not the gradient"),
    ("1.3", lambda w, x: tied()(w, x).T, "shape"),
    ("1.3", lambda w, x: "no", "ValueError"),
    ("2.1", 814_000 + 1_814, "free autoencoder"),
    ("2.1", 407_530, "decoder's two layers"),
    ("2.1", 407_000, "bias each"),
    ("2.1", 281_734, "Count the kernels"),
    ("2.1", "many", "single number"),
    ("2.2", regularizers.L2, "Still twice"),
    ("2.2", lambda scale: regularizers.L2(2 * scale), "wrong way"),
    ("2.2", lambda scale: regularizers.L1(scale), "half the sum of squares"),
    ("2.2", lambda scale: regularizers.L2(5e-5), "For scale 0.3"),
    ("2.2", broken, "ZeroDivisionError"),
    ("2.3", relu_pca(second=1.0), "absolute value"),
    ("2.3", relu_pca(first=2.0), "not x @ v"),
    ("2.3", relu_pca(returned=lambda kernel1, kernel2: (kernel1, kernel2.T)), "shapes should be"),
    ("2.3", relu_pca(returned=lambda kernel1, kernel2: (kernel1,)), "Two kernels"),
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
    ("4.1", 0.392, "two codes"),
    ("4.1", 3.92, "other way"),
    ("4.1", 5e-5, "first term"),
    ("4.1", 0.0196, "without the half"),
    ("4.1", 1.0, "Write both terms as sums"),
    ("4.1", "0.0392", "single number"),
    ("4.2", used(axis=1), "for each image"),
    ("4.2", used(variance=lambda t: np.exp(0.5 * t)), "exp of what"),
    ("4.2", used(returned=lambda kl: kl), "True or False"),
    ("4.2", used(returned=lambda kl: kl.sum() > 0.01), "One answer for each of 4 codes"),
    ("4.2", broken, "ZeroDivisionError"),
    ("4.3", free(lambda kl, nats: np.maximum(kl, nats).mean(axis=0).sum()), "limit is put on each image"),
    ("4.3", free(lambda kl, nats: max(kl.mean(axis=0).sum(), nats)), "limit is put on the sum"),
    ("4.3", free(lambda kl, nats: np.maximum(kl.mean(axis=0) - nats, 0).sum()), "taken off"),
    ("4.3", free(lambda kl, nats: np.minimum(kl.mean(axis=0), nats).sum()), "smaller of the two"),
    ("4.3", free(lambda kl, nats: np.maximum(kl.mean(axis=0), nats).mean()), "mean over the codes"),
    ("4.3", free(lambda kl, nats: 2 * np.maximum(kl.mean(axis=0), nats).sum()), "Is the KL of each code right"),
    ("4.3", free(lambda kl, nats: kl.mean(axis=0)), "shape"),
    ("5.1", 784 * np.log(2), "one layer"),
    ("5.1", 500 * np.log(2), "one layer"),
    ("5.1", 784 * 500 * np.log(2), "weights"),
    ("5.1", 1284, "base 2"),
    ("5.1", 0, "single state"),
    ("5.1", 5, "number of states"),
    ("5.2", lambda k, x, step: [step(x) for _ in range(k)][-1], "same x"),
    ("5.2", lambda k, x, step: moving(k + 1, x, step), "taken 2 times"),
    ("5.2", lambda k, x, step: moving(k, x, step) + 1, "not the state"),
    ("5.2", 3, "function itself"),
    ("5.3", free_energy(sign=-1), "low energy"),
    ("5.3", free_energy(visible=0), "visible thresholds"),
    ("5.3", free_energy(hidden=0), "hidden thresholds"),
    ("5.3", free_energy(unit=lambda s: s / (1 + np.exp(-s))), "entropy"),
    ("5.3", free_energy(unit=lambda s: np.log(1 + np.exp(s))), "NaN or infinity"),
    ("5.3", free_energy(unit=lambda s: s), "not -ln"),
    ("5.3", lambda x, w, a, b: x, "shape"),
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


def check_verdict(number, answer, verdict):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exercises.mark(number, answer)
    assert printed.getvalue().startswith(f"Exercise {number}: {verdict}")


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_right_answers_are_right(number, answer):
    check_verdict(number, answer, "right. ")


@pytest.mark.parametrize(("number", "answer", "hint"), WRONG)
def test_wrong_answers_get_a_hint(capsys, number, answer, hint):
    exercises.mark(number, answer)
    line = capsys.readouterr().out
    assert line.startswith(f"Exercise {number}: ") and "right. " not in line and line.count("\n") == 1
    assert re.search(hint, line), line


@pytest.mark.parametrize("number", sorted(exercises._MARKERS))
@pytest.mark.parametrize("blank", [None, ..., lambda *_: None, lambda *_: ...])
def test_blank_answers_are_told_so(capsys, number, blank):
    if callable(blank) and number in NUMBERS:
        pytest.skip("a number is asked for")
    exercises.mark(number, blank)
    assert "no answer yet" in capsys.readouterr().out


def test_markers_hand_out_copies(capsys):
    def vandal(w, x):
        gradient = tied()(w, x)
        w[:], x[:] = 0, 0
        return gradient

    exercises.mark("1.3", vandal)
    assert "right" in capsys.readouterr().out


def test_an_unknown_exercise_is_an_error():
    with pytest.raises(KeyError, match=r"no exercise '9\.9'; there are 1\.1"):
        exercises.mark("9.9", 1)


def test_every_marker_is_fed_right_and_wrong():
    assert {row[0] for row in RIGHT} == {row[0] for row in WRONG} == set(exercises._MARKERS)
