"""The markers of chapter 13."""

import numpy as np
from scipy.linalg import sqrtm
from scipy.special import logsumexp, softmax

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("13.1")
def _slopes(answer):
    value = as_number(answer)
    if close(value, 49, rtol=1e-6):
        return "(1 - D)/D. The better the critic sees through, the more it matters."
    mistakes = {
        "That is minimax over non-saturating: turn it around.": 0.02 / 0.98,
        "That is 1/D. The slopes are D and 1 - D.": 50,
        "That is the slope of the non-saturating loss itself.": 0.98,
        "That is the slope of the minimax loss itself.": 0.02,
        "That is the ratio of the slopes by D. By the logit each is multiplied by D(1 - D).": 1 / 0.02 - 1 / 0.98,
    }
    recognise(value, mistakes, rtol=1e-3)
    raise Wrong("By the logit the slopes are D for minimax and 1 - D for the other. Divide them.")


@marker("13.2")
def _bound(answer):
    rng = np.random.default_rng(0)
    log_w = rng.normal(size=(5, 4)) - 2
    found = call(answer, log_w, shape=(4,))
    right = logsumexp(log_w, axis=0) - np.log(5)
    if not close(found, right, rtol=1e-6):
        mistakes = {
            "That is the mean of the logarithms, the ELBO at any k. Take the mean first.": log_w.mean(axis=0),
            "The logarithm of the sum. Divide it by the number of codes, or take off log k.": right + np.log(5),
            "That is the largest of the k. It is near, but no bound.": log_w.max(axis=0),
            "These are the log-weights weighted by themselves. Their mean is what the slope has, not the bound.": (
                softmax(log_w, axis=0) * log_w
            ).sum(axis=0),
            "That is the mean weight. Its logarithm is asked for.": np.exp(right),
            "The sign: the bound is to be made large.": -right,
        }
        recognise(found, mistakes, rtol=1e-6)
        raise Wrong("The logarithm of the mean over the codes (the first axis) of exp(log_w).")
    for shift in (-1000, 1000):
        far = call(answer, log_w + shift, shape=(4,))
        if not close(far, right + shift, rtol=1e-6):
            raise Wrong(f"Log-weights near {shift:,} give another answer. Take off the largest before exp.")
    apart = np.array([-1000.0, 0, 0, 1000])
    with np.errstate(all="ignore"):
        found = answer(log_w + apart)
    if not close(found, right + apart, rtol=1e-6):
        raise Wrong("Images whose log-weights lie 1,000 apart give another answer. Each image has its own largest.")
    spread = np.array([[-1000.0], [1000.0]])
    if not close(call(answer, spread, shape=(1,)), 1000 - np.log(2), rtol=1e-6):
        raise Wrong("Log-weights of -1,000 and 1,000 together give another answer. Take off the largest, not the mean.")
    if not close(call(answer, log_w[:1], shape=(4,)), log_w[0], rtol=1e-6):
        raise Wrong("With one code the bound is its log-weight.")
    return "With one code it is the ELBO, and log-weights of any size do no harm."


@marker("13.3")
def _frechet(answer):
    rng = np.random.default_rng(0)
    unit = rng.normal(size=(60, 3))
    unit = (unit - unit.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(unit, rowvar=False))).T
    plain = call(answer, unit, 2 * unit + np.array([3.0, 0, 0]), shape=())
    a, b = rng.normal(size=(50, 3)) + 4, rng.normal(size=(70, 3)) @ rng.normal(size=(3, 3)) + 5
    found = call(answer, a, b, shape=())
    apart, c_a, c_b = a.mean(axis=0) - b.mean(axis=0), np.cov(a, rowvar=False), np.cov(b, rowvar=False)

    def distance(means=1.0, cross=2.0, c_a=c_a, c_b=c_b):
        both = np.trace(np.real(sqrtm(c_a @ c_b)))
        return means * apart @ apart + np.trace(c_a) + np.trace(c_b) - cross * both

    if not close(found, distance(), rtol=1e-6):
        uncentred = [x.T @ x / len(x) for x in (a, b)]
        mistakes = {
            "The means are missing.": distance(means=0),
            "The distance of the means is to be squared.": distance() - apart @ apart + np.linalg.norm(apart),
            "The square root of it. The squared distance is asked for.": np.sqrt(distance()),
            "The last term counts twice.": distance(cross=1),
            "The last term is missing.": distance(cross=0),
            "The covariances are not centred: take the means off first.": distance(c_a=uncentred[0], c_b=uncentred[1]),
            "The root of each number is not the root of the matrix.": distance(cross=0)
            - 2 * np.trace(np.sqrt(np.abs(c_a @ c_b))),
            "The root of the product is missing: (C_a C_b) to the power one half.": distance(cross=0)
            - 2 * np.trace(c_a @ c_b),
            "That is the distance of the means alone.": apart @ apart,
        }
        recognise(found, mistakes, rtol=1e-6)
        if close(plain, 12, rtol=1e-6):
            raise Wrong("Right where the covariances are multiples of one another. In general the root is a matrix's.")
        raise Wrong("Squared distance of the means, plus both traces, minus twice the trace of the root of C_a C_b.")
    if not close(plain, 12, rtol=1e-6):
        raise Wrong("N(0, I) and N((3, 0, 0), 4 I) are 9 + 3 = 12 apart.")
    if abs(call(answer, a, a, shape=())) > 1e-6:
        raise Wrong("A set is at the distance 0 from itself.")
    return "0 for equal sets, and the same both ways. Its unit is that of the features, so two rulers do not compare."
