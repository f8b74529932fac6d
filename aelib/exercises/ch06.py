"""The markers of chapter 06."""

import numpy as np
from scipy.special import expit

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("6.1")
def _vanishing_chain(answer):
    value = as_number(answer)
    if close(value, 0.5**9, rtol=1e-3):
        return "Nine steps back, each a weight of 2 times a slope of 1/4 at most."
    if close(value, 0.5**10, rtol=1e-3):
        raise Wrong("Ten units, but how many steps from the last delta to the first?")
    if close(value, 0.25**9, rtol=1e-3) or close(value, 0.25**10, rtol=1e-3):
        raise Wrong("Those are the slopes alone. Each step multiplies by a weight too.")
    if close(value, 2.0**9) or close(value, 2.0**10):
        raise Wrong("Those are the weights alone. Each step multiplies by the sigmoid's derivative too.")
    if close(value, 2.0, rtol=1e-3) or close(value, 0.5, rtol=1e-3):
        raise Wrong("One step is not enough: nine of them lie between the two units.")
    raise Wrong("delta_n = w delta_{n+1} y_n (1 - y_n): how large can the factor be, and how often does it count?")


@marker("6.2")
def _greedy_loop(answer):
    rng = np.random.default_rng(0)
    x, sizes = rng.random((9, 5)), [5, 5, 3]  # two machines as large as the images: nothing but the numbers tells
    made = [(rng.normal(size=(below, n)), rng.normal(size=n)) for below, n in zip([5, 5, 5], sizes, strict=True)]
    inputs = []

    def fit(x, n):
        if len(inputs) == 3 or n != sizes[len(inputs)]:
            raise Wrong("One machine for each entry of sizes, in their order.")
        inputs.append(np.copy(x))
        return made[len(inputs) - 1]

    top = call(answer, x, sizes, fit, shape=(9, 3))
    if len(inputs) != 3:
        raise Wrong(f"Three sizes, but fit was called {len(inputs)} times.")
    expected = [x]
    for w, t in made:
        expected.append(expit(expected[-1] @ w + t))
    if close(inputs[1], x) and close(inputs[2], x):
        raise Wrong("Every machine was trained on the pixels. What does the second one have to be given?")
    if close(inputs[1], x @ made[0][0] + made[0][1]):
        raise Wrong("The second machine was given sums. Its visible units are the first one's probabilities.")
    if close(inputs[1], expit(x @ made[0][0])):
        raise Wrong("The hidden thresholds are missing.")
    if not all(close(found, wanted, rtol=1e-6) for found, wanted in zip(inputs, expected, strict=False)):
        raise Wrong("A machine was not given the hidden probabilities of the one below it.")
    if not close(top, expected[3], rtol=1e-6):
        raise Wrong("The training is right; what is returned is not the top machine's hidden probabilities.")
    return "Each machine learns from what the one below it makes; no label was needed."


@marker("6.3")
def _up_and_down(answer):
    rng = np.random.default_rng(0)
    x = rng.random((8, 5))
    machines = [(rng.normal(size=(5, 5)), rng.normal(size=5), rng.normal(size=5)) for _ in range(3)]
    found = call(answer, x, machines, shape=x.shape)

    def passed(order=-1, visible=1, transposed=True, code=expit):
        h = x
        for number, (w, _, t_hidden) in enumerate(machines, 1):
            h = (code if number == len(machines) else expit)(h @ w + t_hidden)
        for w, t_visible, _ in machines[::order]:
            h = expit(h @ (w.T if transposed else w) + visible * t_visible)
        return h

    h = x
    for w, _, t_hidden in machines:
        h = expit(h @ w + t_hidden)
    if close(found, passed(), rtol=1e-6):
        return "The same weights carry both ways: no decoder had to be learned."
    mistakes = {
        "This is the code. The way down is missing.": h,
        "On the way down the top machine comes first.": passed(order=1),
        "The visible thresholds are missing on the way down.": passed(visible=0),
        "On the way down the weights are transposed.": passed(transposed=False),
        "The top machine's hidden units are probabilities too: its sums need the sigmoid.": passed(code=lambda s: s),
    }
    recognise(found, mistakes)
    raise Wrong("It is not the pass up through all machines and down again.")
