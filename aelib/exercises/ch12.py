"""The markers of chapter 12."""

import itertools

import numpy as np

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("12.1")
def _running_estimate(answer):
    value = as_number(answer)
    if close(value, 0.64, rtol=1e-3):
        return "The step takes a fifth of the way, and the distance is squared."
    if close(value, 0.8, rtol=1e-3):
        raise Wrong("That is the distance that is left. The running Q is a mean of squares.")
    if close(value, 0.2, rtol=1e-3) or close(value, 0.04, rtol=1e-3):
        raise Wrong("That is the way that the winner moves. How far is it from the member afterwards?")
    if close(value, 0.36, rtol=1e-3):
        raise Wrong("That is how much is missing. The share that is left is asked for.")
    if close(value, 1, rtol=1e-3):
        raise Wrong("The distance is taken after the winner has moved towards the member.")
    raise Wrong("After w + 0.2 (x - w): how far is x from it, as a share of what it was, and what is its square?")


def _step(w, x, sigma, apart):
    won = ((x[:, None] - w) ** 2).sum(axis=2).argmin(axis=1)
    pull = np.exp(-(apart[:, won] ** 2) / (2 * sigma**2))
    return pull @ x / pull.sum(axis=1, keepdims=True)


@marker("12.2")
def _ring(answer):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(7, 3))
    x = np.repeat(w, 6, axis=0) + 0.1 * rng.normal(size=(42, 3))  # every node wins some
    nodes = np.arange(7)
    chain = np.abs(nodes[:, None] - nodes)
    ring = np.minimum(chain, 7 - chain)
    won = ((x[:, None] - w) ** 2).sum(axis=2).argmin(axis=1)
    for sigma in (1.0, 0.02, 1e4):
        found = call(answer, w, x, sigma, shape=w.shape)
        if close(found, _step(w, x, sigma, ring), rtol=1e-6):
            continue
        if close(found, w):
            raise Wrong("The weights came back as they were.")
        if close(found, _step(w, x, sigma, chain), rtol=1e-6):
            raise Wrong("This is still a chain: its ends are six steps apart, and on a ring they are neighbours.")
        if close(found, _step(w, x, sigma, ring**2), rtol=1e-6):
            raise Wrong("The distance was squared twice.")
        if close(found, _step(w, x, sigma, np.maximum(chain, 7 - chain)), rtol=1e-6):
            raise Wrong("Of the two ways around the ring the shorter one counts.")
        if sigma == 0.02 and close(found, [x[won == y].mean(axis=0) for y in nodes], rtol=1e-6):
            continue
        raise Wrong("The first and the last node must be one step apart, and all others as far as the shorter way.")
    return "With a narrow kernel it is a step of k-means, with a wide one all nodes become the mean."


@marker("12.3")
def _u_matrix(answer):
    w = np.random.default_rng(0).normal(size=(3, 5, 4))
    found = call(answer, w, shape=(3, 5))

    def by_hand(sides=8, mean=True, self_too=False, squared=False):
        u = np.zeros((3, 5))
        for m, h in itertools.product(range(3), range(5)):
            distances = []
            for i, j in itertools.product((-1, 0, 1), repeat=2):
                inside = 0 <= m + i < 3 and 0 <= h + j < 5
                if inside and (self_too or (i, j) != (0, 0)) and (sides == 8 or abs(i) + abs(j) < 2):
                    distances.append(np.linalg.norm(w[m, h] - w[m + i, h + j]) ** (2 if squared else 1))
            u[m, h] = np.mean(distances) if mean else np.sum(distances)
        return u

    right = by_hand()
    if close(found, right, rtol=1e-6):
        return "Three neighbours in a corner, five at the rim, eight inside."
    mistakes = {
        "This is the sum. A corner has three neighbours and looks flat in it: take the mean.": by_hand(mean=False),
        "A corner has three neighbours, not eight: divide by those that there are.": by_hand(mean=False) / 8,
        "The node itself is counted among its neighbours, at distance 0.": by_hand(self_too=True),
        "These are squared distances.": by_hand(squared=True),
        "The diagonal neighbours are missing: up to eight are asked for.": by_hand(sides=4),
    }
    recognise(found, mistakes, rtol=1e-6)
    if not close(found[0, 0], right[0, 0], rtol=1e-6):
        raise Wrong("Look at a corner first: (0, 0) has the neighbours (0, 1), (1, 0) and (1, 1), and no others.")
    raise Wrong("The corner agrees. Compare one node inside with the mean of its eight distances.")
