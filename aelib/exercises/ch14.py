"""The markers of chapter 14."""

import numpy as np
from scipy.special import log_softmax

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("14.1")
def _power(answer):
    value = as_number(answer)
    if close(value, -2):
        return "One 1/T from the chain rule, and one because the two answers approach each other."
    mistakes = {
        "T² is the factor that makes up for it. How does the gradient without it go?": 2,
        "That is the 1/T of the chain rule, in front of q - s. What does q - s do when T grows?": -1,
        "That is so with the factor T². Here it is forgotten.": 0,
        "The gradient shrinks when T grows.": 1,
    }
    recognise(value, mistakes)
    raise Wrong("The gradient is (q - s)/T. For large T put 1 + z/T for exp(z/T), in both answers.")


@marker("14.2")
def _soft_loss(answer):
    rng = np.random.default_rng(0)
    v, z = 3 * rng.normal(size=(2, 6, 4))

    temperatures = 1.0, 3.0, 10.0

    def losses(factor=2, teacher=1, student=1, z=z):
        pairs = [(log_softmax(v / t**teacher, axis=1), log_softmax(z / t**student, axis=1)) for t in temperatures]
        entropies = [-(np.exp(log_s) * log_q).sum(axis=1).mean() for log_s, log_q in pairs]
        return np.array(temperatures) ** factor * entropies

    found, right = np.array([call(answer, v, z, t, shape=()) for t in temperatures]), losses()
    if not close(found, right, rtol=1e-6):
        entropy = losses(z=v)
        mistakes = {
            "The factor T² is missing.": losses(factor=0),
            "The factor is the square of T.": losses(factor=1),
            "The student's logits are not divided by T. That is the published program's mistake.": losses(student=0),
            "The teacher's logits are not divided by T.": losses(teacher=0),
            "T has no effect yet.": losses(factor=0, teacher=0, student=0),
            "Average over the rows. This is their sum.": 6 * right,
            "Sum over the classes, and average over the rows only.": right / 4,
            "The sign: a loss that is to be made small.": -right,
            "This is the divergence. Its gradient is the same, but the cross-entropy is asked for.": right - entropy,
        }
        recognise(found, mistakes, rtol=1e-6)
        raise Wrong("Divide both logits by t, take the cross-entropy of the two softmaxes, and multiply by t squared.")
    shifted = call(answer, v + 1000, z - 1000, 3.0, shape=())
    if not close(shifted, right[1], rtol=1e-6):
        raise Wrong("Logits that are shifted by 1,000 give another value. A softmax does not change by that.")
    far = call(answer, 1000 * v, 1000 * z, 1.0, shape=())
    exact = -(np.exp(log_softmax(1000 * v, axis=1)) * log_softmax(1000 * z, axis=1)).sum(axis=1).mean()
    if not close(far, exact, rtol=1e-6):
        raise Wrong("For logits of a size of 1,000 the value is off. Take log q from the logits, not from q.")
    return "From logits it holds for any of them, and T² keeps its gradient as long as the labels'."


@marker("14.3")
def _bias(answer):
    rng = np.random.default_rng(0)
    biases = np.arange(0, 20.05, 0.1)

    def case(missing, low):
        y = rng.integers(0, 5, 400)
        z = 2 * rng.normal(size=(400, 5))
        z[np.arange(400), y] += 4
        z[:, missing] -= low
        added = np.arange(5) == missing
        named = [(z + b * added).argmax(axis=1) for b in biases]
        wrong = np.array([np.sum(guess != y) for guess in named])
        missed = np.array([np.sum(guess[y == missing] != missing) for guess in named])
        return z, y, missing, wrong, missed

    for missing, low in ((3, 6.0), (0, 9.5)):
        z, y, missing, wrong, missed = case(missing, low)
        found = float(call(answer, z, y, missing, shape=()))
        if found < -1e-9 or found > 20 + 1e-9:
            raise Wrong(f"One of 0, 0.1, ... 20 is asked for; this is {found:g}.")
        place = round(found * 10)
        if abs(found - place / 10) > 1e-6 and wrong[place] == wrong.min():
            raise Wrong("Nearly. Try the numbers 0, 0.1, 0.2, ... 20, and no others.")
        if wrong[place] > wrong.min():
            if missed[place] == missed.min():
                raise Wrong("This finds all of the missing class, and takes others for it. Count all errors.")
            if close(found, biases[np.argmin(missed)]):
                raise Wrong("Count all errors, not only those of the missing class.")
            if close(found, biases[np.argmax(wrong)]):
                raise Wrong("This has the most errors.")
            if found == 0:
                raise Wrong("Without a bias the class is hardly ever named.")
            raise Wrong("Another bias has fewer errors on the images that were given.")
    return "One number, chosen where labels may be looked at. The test images stay for the end."
