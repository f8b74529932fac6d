"""Chapter 12: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault, CodeFault, each
from sklearn.cluster import KMeans

from aelib.exercises import ch12


def ring(apart=lambda r, n: np.minimum(r, n - r), power=2, weights=lambda pull: pull.sum(axis=1, keepdims=True)):
    """The chapter's exercise 12.2 with its parts as arguments."""

    def answer(w, x, sigma):
        nodes = np.arange(len(w))
        r = apart(np.abs(nodes[:, None] - nodes), len(w))
        won = ((x[:, None] - w) ** 2).sum(axis=2).argmin(axis=1)
        pull = np.exp(-(r[:, won] ** power) / (2 * sigma**2))
        return pull @ x / weights(pull)

    return answer


def by_angles(w, x, sigma):
    """The ring as places in a list that is turned round."""
    r = np.array([[min((i - j) % len(w), (j - i) % len(w)) for j in range(len(w))] for i in range(len(w))])
    return ring(lambda *_: r)(w, x, sigma)


def u(shifts=8, itself=False, over=np.mean, power=1):
    """The chapter's exercise 12.3 with its parts as arguments."""

    def answer(w):
        rows, columns, _ = w.shape
        found = np.zeros((rows, columns))
        for m in range(rows):
            for h in range(columns):
                distances = [
                    np.linalg.norm(w[m, h] - w[i, j]) ** power
                    for i in range(max(0, m - 1), min(rows, m + 2))
                    for j in range(max(0, h - 1), min(columns, h + 2))
                    if (itself or (i, j) != (m, h)) and (shifts == 8 or abs(i - m) + abs(j - h) < 2)
                ]
                found[m, h] = over(distances)
        return found

    return answer


def around_the_rim(w):
    """Neighbours beyond the rim come in again at the other side."""
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    return np.mean([np.linalg.norm(w - np.roll(w, shift, (0, 1)), axis=2) for shift in shifts], axis=0)


def wrong_inside(w):
    found = u()(w)
    found[1, 2] = 0
    return found


RIGHT = [
    ("12.1", 0.64),
    ("12.1", (1 - 0.2) ** 2),
    ("12.2", ring()),
    ("12.2", by_angles),
    ("12.3", u()),
]

NUMBERS = {"12.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("12.1", 0.8, "mean of squares"),
    ("12.1", 0.2, "the way that the winner moves"),
    ("12.1", 0.04, "the way that the winner moves"),
    ("12.1", 0.36, "how much is missing"),
    ("12.1", 1, "after the winner has moved"),
    ("12.1", 3, "what is its square"),
    ("12.2", ring(lambda r, n: r), "still a chain"),
    ("12.2", ring(power=4), "squared twice"),
    ("12.2", ring(lambda r, n: np.maximum(r, n - r)), "shorter one counts"),
    ("12.2", ring(weights=lambda pull: 1.0), "one step apart"),
    ("12.2", ring(lambda r, n: np.minimum(r, n - 1 - r)), "one step apart"),
    ("12.2", lambda w, x, sigma: w, "as they were"),
    ("12.2", 3, "function itself"),
    ("12.3", u(over=np.sum), "This is the sum"),
    ("12.3", u(over=lambda distances: np.sum(distances) / 8), "not eight"),
    ("12.3", u(itself=True), "counted among its neighbours"),
    ("12.3", u(power=2), "squared"),
    ("12.3", u(shifts=4), "diagonal"),
    ("12.3", around_the_rim, "corner first"),
    ("12.3", wrong_inside, "one node inside"),
    ("12.3", lambda w: w[..., 0].T, "shape"),
]

FAULTS = [
    ChapterFault(
        "unknown votes left as NaN",
        "x = np.where(np.isnan(votes), 0.5, votes).astype(float)",
        "x = votes.astype(float)",
        "unknown votes left in the input: share",
        alone=True,
    ),
    ChapterFault(
        "the party as a seventeenth vote",
        "x = np.where(np.isnan(votes), 0.5, votes).astype(float)",
        'x = np.column_stack([np.nan_to_num(votes, nan=0.5), party == "democrat"])',
        "columns of the input: not more than votes",
        alone=True,
    ),
    ChapterFault(
        "the distance taken after the step in both estimates",
        "        before = ((x[i] - w[y]) ** 2).sum()\n        w[y] += rate * (x[i] - w[y])",
        "        w[y] += rate * (x[i] - w[y])\n        before = ((x[i] - w[y]) ** 2).sum()",
        "running Q as printed over that before the step",
    ),
    ChapterFault(
        "a mean for half of a sum",
        "return 0.5 * len(x) * mean_square(x, w)",
        "return mean_square(x, w)",
        "the printed gradient over that of half the sum",
    ),
    ChapterFault(
        "a rate that never falls",
        "w += (rates[t] * kernel",
        "w += (rates[0] * kernel",
        "one centre with the rate 1 / t: off the running mean by",
    ),
    ChapterFault(
        "a kernel of data distance on the grid",
        "return np.exp(-r2[rho2.argmin()] / (2 * sigma**2))",
        "return np.exp(-rho2 / (2 * sigma**2))",
        "the grid's kernel of 1 x 3 nodes, half-way: off that by hand by",
        alone=True,
    ),
    ChapterFault(
        "the squared distance on the grid squared again",
        "return np.exp(-r2[rho2.argmin()] / (2 * sigma**2))",
        "return np.exp(-(r2[rho2.argmin()] ** 2) / (2 * sigma**2))",
        "the grid's kernel of 1 x 3 nodes, half-way: off that by hand by",
        alone=True,
    ),
    ChapterFault(
        "rows and columns of the grid swapped",
        "(itertools.product(range(M), range(H))))\n    return",
        "(itertools.product(range(H), range(M))))\n    return",
        "grid distances of node 0 to next row and column",
        alone=True,
    ),
    ChapterFault(
        "a kernel that does not shrink",
        "sigma = first * (last / first) ** done\n        return np.exp",
        "sigma = first\n        return np.exp",
        "the grid's kernel of 1 x 3 nodes, half-way: off that by hand by",
        alone=True,
    ),
    ChapterFault(
        "diagonal neighbours that are none",
        "te = np.mean(r2[first, second] > 2)",
        "te = np.mean(r2[first, second] > 1)",
        "votes, 10 x 10: topographic error",
        alone=True,
    ),
    ChapterFault(
        "a batch step without the weights' sum",
        "return pull @ x / pull.sum(axis=1, keepdims=True)\n\n\nw_start",
        "return pull @ x / len(x)\n\n\nw_start",
        "these lines and aelib: weights apart by",
        alone=True,
    ),
    ChapterFault(
        "a number of members near for their distance",
        "ten_nearest = np.sort(to_members, axis=1)[:, :10].mean(axis=1)",
        "ten_nearest = (to_members < 1.2).sum(axis=1)",
        "the slide's local density: rank correlation with members near",
        alone=True,
    ),
    ChapterFault(
        "rows and columns of a winner swapped",
        "flat = som.predict(x) @ [10, 1]\nshare",
        "flat = som.predict(x) @ [1, 10]\nshare",
        "two clusters of nodes: agreement with the party",
        alone=True,
    ),
    ChapterFault(
        "a map of digits trained on the test images",
        "x_train, y_train = x_train[:n_train], y_train[:n_train]",
        "x_train, y_train = x_test[:n_train], y_test[:n_train]",
        "test images among those that the map was trained on: share",
        alone=True,
    ),
    ChapterFault(
        "k-means in the order of the map",
        'kmeans.weights = best.fit(x_train).cluster_centers_.astype("float32")',
        "kmeans.weights = digits.weights.reshape(225, -1)",
        "MNIST, k-means without order: test TE",
        alone=True,
    ),
    ChapterFault(
        "a map that has seen the members put aside",
        "seen, new = mixed[145:], mixed[:145]",
        "seen, new = mixed, mixed[:145]",
        "members put aside that the map has seen: share",
        alone=True,
    ),
    ChapterFault(
        "a running Q that keeps the last square only",
        "running += forget * (np.array([after, before]) - running)",
        "running[:] = after, before",
        "started from the sum: running Q over the truth after 400 steps",
        alone=True,
    ),
    ChapterFault(
        "a soft rule in which the winner moves alone",
        "return lambda rho2, done: np.exp(-rho2 / (2 * tau**2))",
        "return winner_takes_all",
        "WTM, τ = 2, from members: empty clusters of 100, each seed",
        alone=True,
    ),
    ChapterFault(
        "a fixed rate that falls",
        '"fixed": np.full(5000, 0.3)',
        '"fixed": falling(5000, 0.5, 0.02)',
        "fixed rate: members that change winner in the last epoch, share",
        alone=True,
    ),
    ChapterFault(
        "another order that is the same one",
        "picks = np.random.default_rng(order).integers(0, len(x), n_online)",
        "picks = np.random.default_rng(0).integers(0, len(x), n_online)",
        "online, other order: Jaccard index",
        alone=True,
    ),
    ChapterFault(
        "another start that the batch form does not get",
        "return trained_map(x, w0)",
        "return trained_map(x, w_start)",
        "batch, other start: Jaccard index",
        alone=True,
    ),
    ChapterFault(
        "trustworthiness with picture and data swapped",
        "kept[name] = [trustworthiness(x, places, n_neighbors=k_near)]",
        "kept[name] = [trustworthiness(places, x, n_neighbors=k_near)]",
        "votes, trustworthiness: map above PCA's plane",
        alone=True,
    ),
    ChapterFault(
        "places in the sorted list for ranks",
        "ranks = rho2.argsort().argsort()",
        "ranks = rho2.argsort()",
        "near zero, rank kernel: share of empty clusters, each seed",
        alone=True,
    ),
    ChapterFault(
        "no mask where the winner is sought",
        "(((given[:, None] - w) ** 2) * left[:, None]).sum(axis=2)",
        "((given[:, None] - w) ** 2).sum(axis=2)",
        "hidden votes: masked winner above half votes, each draw",
        alone=True,
    ),
    ChapterFault(
        "a map of the sheet that is trained on its test points",
        "w, _ = compete(arc_train, w0, kernel, falling(5000, 0.5, 0.02), order)\n        won",
        "w, _ = compete(arc_test, w0, kernel, falling(5000, 0.5, 0.02), order)\n        won",
        "arc, 4 x 6: test error over the plane's",
        alone=True,
    ),
    ChapterFault(
        "a neighbour of the U-matrix counted once for all",
        "by_sum = by_mean * near.sum(axis=1).reshape(10, 10)",
        "by_sum = by_mean * 8",
        "U-matrix by sums: rim over inside",
        alone=True,
    ),
]


TestAnswers = harness.answers("12", RIGHT, WRONG, NUMBERS)


def test_the_ring_is_kmeans_with_a_narrow_kernel_and_the_mean_with_a_wide_one():
    rng = np.random.default_rng(5)
    w = 4 * rng.normal(size=(6, 3))
    x = np.repeat(w, 5, axis=0) + 0.1 * rng.normal(size=(30, 3))
    kmeans = KMeans(6, init=w, n_init=1, max_iter=1).fit(x)
    np.testing.assert_allclose(ring()(w, x, 0.02), kmeans.cluster_centers_)
    np.testing.assert_allclose(ring()(w, x, 1e6), np.tile(x.mean(axis=0), (6, 1)))


MARKER_FAULTS = [
    CodeFault(
        "a marker that takes the chain for the ring",
        ch12._ring,
        "ring = np.minimum(chain, 7 - chain)",
        "ring = chain",
        harness.check_verdict,
        ("12.2", ring(), "right"),
    ),
    CodeFault(
        "a marker that takes the sum",
        ch12._u_matrix,
        "right = by_hand()",
        "right = by_hand(mean=False)",
        harness.check_verdict,
        ("12.3", u(), "right"),
    ),
]


@each(MARKER_FAULTS)
def test_a_fault_in_a_marker_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)


TestFaults = harness.faults("12", FAULTS)
