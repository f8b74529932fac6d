"""Chapter 15: right and wrong answers to its exercises, and the mistakes that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault
from scipy.optimize import linear_sum_assignment


def accuracy(named=True, match="one", scale=1.0):
    """The chapter's exercise 15.2 with its parts as arguments."""

    def answer(y, groups):
        if named:
            (classes, y), (names, groups) = (np.unique(a, return_inverse=True) for a in (y, groups))
            sizes = len(names), len(classes)
        else:
            sizes = 10, 10
        counts = np.zeros(sizes)
        np.add.at(counts, (groups, y), 1)
        if match == "one":
            found = counts[linear_sum_assignment(-counts)].sum()
        elif match == "many":
            found = counts.max(axis=1).sum()
        elif match == "class":
            found = counts.max(axis=0).sum()
        elif match == "cost":
            found = counts[linear_sum_assignment(counts)].sum()
        else:
            found = np.trace(counts[:, : sizes[0]])
        return scale * found / len(y)

    return answer


def by_position(y, groups):
    """Counts in as many rows as the largest name, where -1 is the last one."""
    counts = np.zeros(2 * [1 + max(y.max(), groups.max())])
    np.add.at(counts, (groups, y), 1)
    return counts[linear_sum_assignment(-counts)].sum() / len(y)


def by_trial(y, groups):
    """Another right answer: the smaller side is padded, and the cost is what disagrees."""
    classes, names = sorted(set(y)), sorted(set(groups))
    size = max(len(classes), len(names))
    cost = np.full((size, size), float(len(y)))
    for i, name in enumerate(names):
        for j, one in enumerate(classes):
            cost[i, j] -= np.sum((groups == name) & (y == one))
    return 1 - (cost[linear_sum_assignment(cost)].sum() - len(y) * (size - 1)) / len(y)


def objective(copied=lambda errors, n: n * errors.mean(), named=lambda losses, n, b: losses.sum(), weighted=True):
    """The chapter's exercise 15.3 with its parts as arguments."""

    def answer(errors, losses, n, lam):
        return copied(errors, n) + (lam if weighted else 1) * named(losses, n, len(errors))

    return answer


RIGHT = [
    ("15.1", 1 / 5001),
    ("15.1", 0.0002),
    ("15.2", accuracy()),
    ("15.2", by_trial),
    ("15.3", objective()),
    ("15.3", objective(lambda errors, n: n / len(errors) * errors.sum())),
]

NUMBERS = {"15.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("15.1", 0, "a new one may"),
    ("15.1", 0.05, "rank"),
    ("15.1", 100 / 5001, "per cent"),
    ("15.1", 0.5, "median"),
    ("15.1", 0.01, "alike"),
    ("15.2", accuracy(named=False), "it raised"),
    ("15.2", by_position, "With groups named -1, 3, 1 and 2 the share is"),
    ("15.2", accuracy(match="many"), "most frequent"),
    ("15.2", accuracy(match="class"), "largest group"),
    ("15.2", accuracy(match="cost"), "the share is"),
    ("15.2", accuracy(scale=100), "per cent"),
    ("15.2", lambda y, groups: np.mean(y == groups), "Match them first"),
    ("15.2", lambda y, groups: len(y) * accuracy()(y, groups), "number of images"),
    ("15.2", 0.5, "function itself"),
    ("15.3", objective(lambda e, n: e.mean(), lambda losses, n, b: losses.mean()), "too strong"),
    ("15.3", objective(lambda e, n: e.mean(), lambda losses, n, b: losses.sum() / n), "over n"),
    ("15.3", objective(named=lambda losses, n, b: losses.mean()), "averaged"),
    ("15.3", objective(lambda e, n: e.sum()), "smaller batches"),
    ("15.3", objective(named=lambda losses, n, b: losses.sum() * n / b), "Do not scale"),
    ("15.3", objective(weighted=False), "Where is"),
    ("15.3", objective(lambda e, n: e.sum(), lambda losses, n, b: losses.sum() * b / n), "stand for"),
    ("15.3", objective(lambda e, n: e.sum() ** 2), "depends on their size"),
    ("15.3", lambda errors, named, n, lam: 5.0, "labelled losses"),
    ("15.3", lambda errors, named, n, lam: errors, "shape"),
]

FAULTS = [
    ChapterFault(
        "a threshold without the new one in the rank",
        "(len(errors) + 1) * (1 - alpha)",
        "len(errors) * (1 - alpha) - 1",
        "conformal threshold of 99 errors, known law: mean false alarms",
        alone=True,
    ),
    ChapterFault(
        "a threshold from too few errors goes through",
        "if rank > len(errors):",
        "rank = min(rank, len(errors))\n    if rank < 1:",
        "too few held-out errors are refused: share",
        alone=True,
    ),
    ChapterFault(
        "pairs counted the other way round",
        "len(odd) * (len(odd) + 1) / 2",
        "len(odd) * (len(odd) - 1) / 2",
        "AUROC off the count of all pairs, points",
        alone=True,
    ),
    ChapterFault(
        "an AUROC of one kind goes through",
        "if not len(normal) or not len(odd):",
        "if False:",
        "anomalies or normal ones only are refused: share",
        alone=True,
    ),
    ChapterFault(
        "groups matched by cost",
        "of_group, of_class = linear_sum_assignment(-counts)",
        "of_group, of_class = linear_sum_assignment(counts)",
        "matched accuracy off the best of six permutations, points",
        alone=True,
    ),
    ChapterFault(
        "P without the size of the groups",
        "p = q**2 / q.sum(axis=0)",
        "p = q**2",
        "P by hand, largest difference",
        alone=True,
    ),
    ChapterFault(
        "a head that is trained at λ = 0",
        "net = build_joint(0.0, 1e-3)",
        "net = build_joint(1e3 * (outputs - 1), 1e-3)",
        "λ = 0 off the plain autoencoder, largest logit",
        alone=True,
    ),
    ChapterFault(
        "unknown words go through",
        "if unknown := sorted(set(words) - set(WORDS)):",
        "words = [w for w in words if w in WORDS]\n        if unknown := []:",
        "captions with unknown words are refused: share",
        alone=True,
    ),
    ChapterFault(
        "the next word leaked into the input",
        "logits = answers(writer, code, rows[:, :-1])",
        "logits = np.eye(len(WORDS))[rows[:, 1:]]",
        "captions of shuffled scenes: next words right, per cent",
        alone=True,
    ),
    ChapterFault(
        "labels that are shuffled",
        "x_named, y_named = x_all[chosen], y_all[chosen]",
        "x_named, y_named = x_all[chosen], y_all[chosen[::-1]]",
        "one draw: joint network, per cent right",
    ),
]


TestAnswers = harness.answers("15", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("15", FAULTS)
