"""The markers of chapter 14."""

import numpy as np

from aelib.exercises import Wrong, as_number, call, close, marker


@marker("14.1")
def _power(answer):
    value = as_number(answer)
    if close(value, -2):
        return "One 1/T from the chain rule, and one because the two answers approach each other."
    if close(value, 2):
        raise Wrong("T² is the factor that makes up for it. How does the gradient without it go?")
    if close(value, -1):
        raise Wrong("That is the 1/T of the chain rule, in front of q - s. What does q - s do when T grows?")
    if close(value, 0):
        raise Wrong("That is so with the factor T². Here it is forgotten.")
    if close(value, 1):
        raise Wrong("The gradient shrinks when T grows.")
    raise Wrong("The gradient is (q - s)/T. For large T put 1 + z/T for exp(z/T), in both answers.")


def _log_softmax(a):
    a = a - a.max(axis=1, keepdims=True)
    return a - np.log(np.exp(a).sum(axis=1, keepdims=True))


@marker("14.2")
def _soft_loss(answer):
    rng = np.random.default_rng(0)
    v, z = 3 * rng.normal(size=(2, 6, 4))

    def loss(t, factor=2, teacher=1, student=1):
        s, log_q = np.exp(_log_softmax(v / t**teacher)), _log_softmax(z / t**student)
        return -(t**factor) * (s * log_q).sum(axis=1).mean()

    temperatures = 1.0, 3.0, 10.0
    found = np.array([call(answer, v, z, t, shape=()) for t in temperatures])
    right = np.array([loss(t) for t in temperatures])

    def like(**parts):
        return close(found, [loss(t, **parts) for t in temperatures], rtol=1e-6)

    if not close(found, right, rtol=1e-6):
        if like(factor=0):
            raise Wrong("The factor T² is missing.")
        if like(factor=1):
            raise Wrong("The factor is the square of T.")
        if like(student=0):
            raise Wrong("The student's logits are not divided by T. That is the published program's mistake.")
        if like(teacher=0):
            raise Wrong("The teacher's logits are not divided by T.")
        if like(factor=0, teacher=0, student=0):
            raise Wrong("T has no effect yet.")
        if close(found, 6 * right, rtol=1e-6):
            raise Wrong("Average over the rows. This is their sum.")
        if close(found, right / 4, rtol=1e-6):
            raise Wrong("Sum over the classes, and average over the rows only.")
        if close(found, -right, rtol=1e-6):
            raise Wrong("The sign: a loss that is to be made small.")
        entropy = [-(t**2) * (np.exp(s) * s).sum(axis=1).mean() for t in temperatures for s in [_log_softmax(v / t)]]
        if close(found, right - entropy, rtol=1e-6):
            raise Wrong("This is the divergence. Its gradient is the same, but the cross-entropy is asked for.")
        raise Wrong("Divide both logits by t, take the cross-entropy of the two softmaxes, and multiply by t squared.")
    shifted = call(answer, v + 1000, z - 1000, 3.0, shape=())
    if not close(shifted, right[1], rtol=1e-6):
        raise Wrong("Logits that are shifted by 1,000 give another value. A softmax does not change by that.")
    far = call(answer, 1000 * v, 1000 * z, 1.0, shape=())
    exact = -(np.exp(_log_softmax(1000 * v)) * _log_softmax(1000 * z)).sum(axis=1).mean()
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
