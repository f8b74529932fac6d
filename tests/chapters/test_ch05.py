"""Chapter 05: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault


def moving(k, x, step):
    for _ in range(k):
        x = step(x)
    return x


def logaddexp_by_hand(s):
    return np.maximum(s, 0) + np.log1p(np.exp(-np.abs(s)))


def free_energy(sign=1, visible=1, hidden=1, unit=logaddexp_by_hand):
    """The chapter's exercise 5.3 with its parts as arguments."""
    return lambda x, w, a, b: sign * (-visible * x @ a - unit(x @ w + hidden * b).sum(axis=1))


RIGHT = [
    ("5.1", 1284 * np.log(2)),
    ("5.2", moving),
    ("5.2", lambda k, x, step: x if k == 0 else moving(k - 1, step(x), step)),
    ("5.3", free_energy()),
    ("5.3", lambda x, w, a, b: -(x * a).sum(1) - logaddexp_by_hand(x @ w + b).sum(1)),
]

NUMBERS = {"5.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("5.1", 784 * np.log(2), "one layer"),
    ("5.1", 500 * np.log(2), "one layer"),
    ("5.1", 784 * 500 * np.log(2), "weights"),
    ("5.1", 1284, "base 2"),
    ("5.1", 1285 * np.log(2), "number of states"),
    ("5.1", 2**1284, "That is Z"),
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
]

FAULTS = [
    ChapterFault(
        "one variable drawn without its threshold",
        "return sigmoid(s @ couplings[:, i] + thresholds[i])",
        "return sigmoid(s @ couplings[:, i])",
        "one unit given the others, by S and by the energy: largest difference",
    ),
    ChapterFault(
        "a free energy without the visible thresholds",
        "return -x @ t_x - np.logaddexp(0, x @ w + t_y).sum(axis=1)",
        "return -np.logaddexp(0, x @ w + t_y).sum(axis=1)",
        "P(x) by the free energy and by the joint sum: largest difference",
    ),
    ChapterFault(
        "the gradient uphill and downhill exchanged",
        "return difference(statistics(x, weights), statistics(all_x, weights, p))",
        "return difference(statistics(all_x, weights, p), statistics(x, weights))",
        "gradient by (19.7) and by autodiff, weights and thresholds: largest difference",
    ),
    ChapterFault(
        "hidden draws where probabilities are meant in the last step",
        "return difference(statistics(x, weights), statistics(x_k, weights))",
        "h = sample(sigmoid(x_k @ weights[0] + weights[2]), np.random.default_rng(0))\n    "
        "return difference(statistics(x, weights), (x_k.T @ h / len(h), x_k.mean(axis=0), h.mean(axis=0)))",
        "the update by hand and by aelib: largest difference",
        alone=True,
    ),
    ChapterFault(
        "a chain that does not advance",
        "for _ in range(k):\n        x = gibbs_step(x, weights, rng)",
        "start = x\n    for _ in range(k):\n        x = gibbs_step(start, weights, rng)",
        "25 Gibbs steps by hand and by aelib: share of states that differ",
        alone=True,
    ),
    ChapterFault(
        "persistent chains that stay where they began",
        "followers = step_distribution(followers, path)",
        "followers = np.full((1, 512), 1 / 512)",
        "persistent chains: mean bias, second half, over that of CD-1",
        alone=True,
    ),
    ChapterFault(
        "persistent chains that begin anew at the data",
        "chain_end(chains if persistent else patterns, weights, k, rng)",
        "chain_end(patterns, weights, k, rng)",
        "persistent: lost by a constant rate, nats, each start",
    ),
    ChapterFault(
        "the printed loop, repaired unnoticed",
        "x_out = gibbs_step(x_k, weights, rng)  # x_k itself never changes",
        "x_out = x_k = gibbs_step(x_k, weights, rng)",
        "the printed loop: pixels changed at k = 20 over those at k = 1",
    ),
    ChapterFault(
        "annealing from a base with another Z",
        "np.full(n_chains, log_z_base)",
        "np.full(n_chains, log_z_base - len(t_y) * np.log(2))",
        "AIS by hand, four estimates: off by how many standard errors",
    ),
    ChapterFault(
        "annealing with one temperature missing",
        "np.full(n_chains, log_z_base)\n    for before, beta in itertools.pairwise(betas)",
        "np.full(n_chains, log_z_base)\n    for before, beta in itertools.pairwise(betas[:-1])",
        "AIS by hand, four estimates: off by how many standard errors",
    ),
    ChapterFault(
        "the mean of the logarithms for the logarithm of the mean",
        "log_z = logsumexp(log_weights) - np.log(1000)  # of the mean weight",
        "log_z = log_weights.mean()",
        "AIS by hand, four estimates: off by how many standard errors",
    ),
    ChapterFault(
        "images that are forbidden and met all the same",
        "moved.sum(axis=1, keepdims=True) < least",
        "moved.sum(axis=1, keepdims=True) < 0",
        "bars and stripes of 4 pixels or more: ln Z off by how many standard errors",
    ),
    ChapterFault(
        "training on the test split",
        "gray_train, y_train = gray_train[:n_train], y_train[:n_train]",
        "gray_train, y_train = gray_test[:n_train], y_test[:n_train]",
        "test images that the machines were trained on: share",
    ),
    ChapterFault(
        "training and test images binarized by different rules",
        "known_images = {",
        "x_test = (gray_test > 0).astype('float32')\nknown_images = {",
        "drawn pixels: ink over that of the gray images, training and test",
    ),
    ChapterFault(
        "test images in the base of the annealing",
        "image_base = base_logits(x_train)",
        "image_base = base_logits(x_test)",
        "base of the annealing: rates off those of the training images",
    ),
]


TestAnswers = harness.answers("05", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("05", FAULTS)
