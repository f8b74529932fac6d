"""The markers of chapter 05."""

import numpy as np
from scipy.special import expit

from aelib.exercises import Wrong, as_number, call, close, marker


@marker("5.1")
def _log_partition_of_nothing(answer):
    if isinstance(answer, int) and answer == 2**1284:
        raise Wrong("That is Z. Its natural logarithm is asked for.")
    value = as_number(answer)
    if close(value, (784 + 500) * np.log(2), rtol=1e-4):
        return "Every one of the 2 ** 1284 states has energy 0 and counts 1."
    if close(value, 784 * np.log(2), rtol=1e-3) or close(value, 500 * np.log(2), rtol=1e-3):
        raise Wrong("Those are the states of one layer. The sum runs over both.")
    if close(value, 784 * 500 * np.log(2), rtol=1e-3):
        raise Wrong("There are 784 · 500 weights. How many states are there?")
    if close(value, 1284, rtol=1e-3):
        raise Wrong("That is the logarithm to base 2. A nat is not a bit.")
    if close(value, 0):
        raise Wrong("That would be Z = 1, a single state. Each state counts exp(0): how many are there?")
    raise Wrong("All energies are 0, so Z is the number of states of all units together.")


@marker("5.2")
def _moving_chain(answer):
    start = np.array([3.0, -1.0])
    for k in (1, 4):
        calls = []

        def step(x, calls=calls):
            calls.append(np.copy(x))
            return 2 * x + 1

        state = call(answer, k, start, step, shape=start.shape)
        if len(calls) != k:
            raise Wrong(f"For k = {k} the step was taken {len(calls)} times.")
        if not close(state, (start + 1) * 2**k - 1, rtol=1e-9):
            if close(state, 2 * start + 1, rtol=1e-9):
                raise Wrong("Every step starts from the same x, so any k gives one step. Where must its result go?")
            raise Wrong("This is not the state after k steps.")
    return "Each step starts where the last one ended."


@marker("5.3")
def _free_energy(answer):
    rng = np.random.default_rng(0)
    for scale in (1, 1000):
        x, w = (rng.random((20, 6)) < 0.5) * 1.0, scale * rng.normal(size=(6, 4))
        t_visible, t_hidden = scale * rng.normal(size=6), scale * rng.normal(size=4)
        sums = x @ w + t_hidden
        with np.errstate(all="ignore"):
            value = call(answer, x, w, t_visible, t_hidden, shape=(20,))
        visible, hidden = x @ t_visible, np.logaddexp(0, sums).sum(axis=1)
        if close(value, -visible - hidden, rtol=1e-6):
            continue
        if close(value, visible + hidden, rtol=1e-6):
            raise Wrong("This is -F: what is likely must have a low energy.")
        if close(value, -hidden, rtol=1e-6):
            raise Wrong("The visible thresholds are missing.")
        if close(value, -visible - np.logaddexp(0, x @ w).sum(axis=1), rtol=1e-6):
            raise Wrong("The hidden thresholds are missing.")
        if close(value, -visible - (expit(sums) * sums).sum(axis=1), rtol=1e-6):
            raise Wrong("This is the mean energy of the hidden units' states; their entropy is missing.")
        raise Wrong("It is not -ln of the sum of exp(-E) over the hidden states.")
    return "One pass through the network, and no sum over 2 ** 4 states."
