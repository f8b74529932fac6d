"""The markers of chapter 07."""

import numpy as np

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("7.1")
def _halved_codes(answer):
    value = as_number(answer)
    if close(value, 7, rtol=1e-3):
        return "The images come out as before, and half of the penalty is gone for nothing."
    mistakes = {
        "The penalty reads the codes, and these were halved.": 11,
        "A quarter is what is left of an L2 penalty, of squares.": 5,
        "The atoms were doubled, but the penalty is on the codes.": 19,
        "That is the penalty. The error belongs to the loss too.": 4,
        "The error was halved as well. What comes out when halved codes meet doubled atoms?": 5.5,
    }
    recognise(value, mistakes, rtol=1e-3)
    raise Wrong("What comes out when halved codes meet doubled atoms? And what is the sum of halved sizes?")


@marker("7.2")
def _k_largest_magnitudes(answer):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(12, 7))  # no two are equal in size
    found = call(answer, z, 3, shape=z.shape)

    def kept(size):
        return np.where(np.argsort(np.argsort(-size, axis=1), axis=1) < 3, z, 0)

    mistakes = {
        "Large negative numbers have a large magnitude too.": kept(z),
        "The right units are kept, but they lost their signs.": np.abs(kept(np.abs(z))),
        "Those are the smallest magnitudes.": kept(-np.abs(z)),
    }
    recognise(found, mistakes)
    if not close(found, kept(np.abs(z))):
        raise Wrong("It is not the k largest magnitudes of each row, with all others zero.")
    equal = np.array([[2.0, -2, 2, -2, 1], [3, 1, -1, 1, 1]])
    for k in (1, 2, 3):
        count = np.count_nonzero(call(answer, equal, k, shape=equal.shape), axis=1)
        if (count != k).any():
            raise Wrong(f"Of equal magnitudes {count.max()} were kept where k is {k}. Ranks know no equals.")
    return "Exactly k, whatever their signs. So a unit holds a whole line, and not half of one."


@marker("7.3")
def _kl_penalty(answer):
    rng = np.random.default_rng(0)
    h, rho = rng.uniform(0.02, 0.6, size=(8, 5)) ** 1.5, 0.05
    found = call(answer, h, rho, shape=())

    def kl(p, q):
        return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))

    units = h.mean(axis=0)
    mistakes = {
        "The mean of a unit runs over the images, axis 0.": kl(rho, h.mean(axis=1)).sum(),
        "Each unit has a mean of its own; one mean of the whole layer hides them.": kl(rho, h.mean()),
        "One mean of the whole layer, times the units, hides what the single units do.": 5 * kl(rho, h.mean()),
        "The second term is missing, that of the images for which the unit is off.": (rho * np.log(rho / units)).sum(),
        "KL is not symmetric: rho comes first, the unit's mean second.": kl(units, rho).sum(),
        "Not to be divided by the number of images: the means are taken already.": kl(rho, units).sum() / 8,
        "The sum over the units is asked for, not their mean.": kl(rho, units).mean(),
        "The divergence of the means is asked for, not the mean of divergences.": kl(rho, h).mean(axis=0).sum(),
    }
    if close(found, kl(rho, units).sum(), rtol=1e-6):
        return "Zero where every unit has its mean, and only there."
    recognise(found, mistakes, rtol=1e-6)
    raise Wrong("For each unit rho log(rho / mean) + (1 - rho) log((1 - rho) / (1 - mean)), then the sum.")
