"""The markers of chapter 15."""

import itertools

import numpy as np

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("15.1")
def _largest(answer):
    value = as_number(answer)
    if close(value, 1 / 5001, rtol=1e-3):
        return "The new one is the largest of 5,001 with the same chance as each of the others."
    mistakes = {
        "No image of the 5,000 exceeds it, but a new one may. What is the chance that it is the largest of all?": 0,
        "That is the rate of the threshold of rank ⌈5,001 · 0.95⌉. Here it is the largest.": 0.05,
        "Is that in per cent? A share is asked for.": 100 / 5001,
        "Half of all would be the median's share.": 0.5,
    }
    recognise(value, mistakes, rtol=1e-4)
    raise Wrong("The 5,000 errors and the new one are alike. Which of them is the largest, with what chance?")


def _share(y, groups):
    """The best one-to-one match, by trying all."""
    classes, names = np.unique(y), np.unique(groups)
    counts = np.array([[np.sum((groups == name) & (y == one)) for one in classes] for name in names])
    if len(names) > len(classes):
        counts = counts.T
    rows = range(len(counts))
    return max(counts[rows, list(order)].sum() for order in itertools.permutations(range(counts.shape[1]), len(counts)))


@marker("15.2")
def _cluster_accuracy(answer):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 120)
    noisy = np.where(rng.random(120) < 0.8, y, rng.integers(0, 4, 120))
    cases = {
        "groups that are the classes": (y, noisy),
        "groups in another order": (y, np.array([2, 3, 1, 0])[noisy]),
        "groups named 7, 100, 20 and 5": (y, np.array([7, 100, 20, 5])[noisy]),
        "groups named -1, 3, 1 and 2": (y, np.array([-1, 3, 1, 2])[noisy]),
        "classes named 3, 9, 4 and 50": (np.array([3, 9, 4, 50])[y], noisy),
        "more groups than classes": (y, noisy + 4 * (rng.random(120) < 0.3)),
        "fewer groups than classes": (y, noisy // 2),
        "one group": (y, np.zeros(120, int)),
        "three of ten groups that are used": (y % 3, 3 * (noisy % 3)),
        "unequal groups": (np.repeat([0, 1, 2], [80, 15, 5]), np.repeat([1, 0, 1, 2], [70, 10, 15, 5])),
    }
    for case, (classes, groups) in cases.items():
        try:
            found = float(call(answer, classes, groups, shape=()))
        except (IndexError, KeyError, ValueError) as error:
            raise Wrong(f"With {case} it raised {type(error).__name__}: {error}") from None
        right = _share(classes, groups) / len(classes)
        if close(found, right, rtol=1e-6):
            continue
        counts = [np.unique(classes[groups == name], return_counts=True)[1].max() for name in np.unique(groups)]
        of_class = [np.unique(groups[classes == name], return_counts=True)[1].max() for name in np.unique(classes)]
        mistakes = {
            "Is that in per cent? A share is asked for.": 100 * right,
            "That is the number of images, not their share.": right * len(classes),
            f"With {case}: each group takes its most frequent class here. Two groups may not have the same one.": sum(
                counts
            )
            / len(classes),
            f"With {case}: each class takes its largest group here. Two classes may not have the same one.": sum(
                of_class
            )
            / len(classes),
            f"With {case}: group 0 is not class 0. Match them first.": np.mean(classes == groups),
        }
        recognise(found, mistakes, rtol=1e-6)
        raise Wrong(f"With {case} the share is {right:.3f}, and this is {found:.3f}.")
    return "One to one, whatever the groups are called, and however many there are."


@marker("15.3")
def _joint_loss(answer):
    rng = np.random.default_rng(0)
    all_errors, named, lam = 50 + 100 * rng.random(600), 2 * rng.random(7), 30.0
    right = all_errors.sum() + lam * named.sum()
    sizes = 600, 200, 50
    found = []
    for size in sizes:
        parts = all_errors.reshape(-1, size)
        found.append(np.mean([float(call(answer, part, named, 600, lam, shape=())) for part in parts]))
    found = np.array(found)
    if close(found, right, rtol=1e-6):
        return "The labels count as often as printed, with batches of any size."
    n, k, b = 600, len(named), np.array(sizes)
    copied, labels = all_errors.mean(), named.mean()
    mistakes = {
        "Both are means here. Then λ is n/k times too strong beside the copy.": copied + lam * labels + 0 * b,
        "That is the objective over n. The printed sums are asked for.": copied + lam * labels * k / n + 0 * b,
        "The labels are averaged. Their sum is printed.": n * copied + lam * labels + 0 * b,
        "Sums over the batch: with smaller batches the labels weigh more.": b * copied + lam * labels * k,
        "All labels are in every batch. Do not scale them by n over the size of the batch.": n * copied
        + lam * labels * k * n / b,
        "Where is λ?": n * copied + labels * k + 0 * b,
        "The batch's sum has to stand for the sum of all n images.": b * copied + lam * labels * k * b / n,
    }
    recognise(found, mistakes, rtol=1e-6)
    if not close(found, found[0], rtol=1e-6):
        raise Wrong("The mean over all batches depends on their size. What stands for the sum of n errors?")
    raise Wrong("n errors, estimated by the mean of a batch, and λ times the sum of all labelled losses.")
