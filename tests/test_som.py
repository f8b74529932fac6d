import warnings

import numpy as np
import pytest
from harness import CodeFault, each
from minisom import MiniSom
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from aelib import som
from aelib.som import SOM, plane

GRIDS = (3, 5), (5, 3), (1, 4), (4, 1)


def rows(n=60, width=4, seed=0):
    """Three clouds, so that the map has something to find."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)) + 4 * rng.integers(0, 3, size=(n, 1))


def fitted(sides=(3, 5), x=None, **settings):
    return SOM(*sides, **settings).fit(rows() if x is None else x)


def peer(ours, sigma=1.0):
    """MiniSom with the same weights, of which a batch epoch has this width and replaces the weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the width is large for the map
        other = MiniSom(ours.rows, ours.columns, ours.weights.shape[2], sigma=sigma, learning_rate=1.0)
    other._weights = ours.weights.astype(float)
    return other


def check_epochs_are_those_of_minisom(sides=(3, 5)):
    x = rows()
    ours = SOM(*sides, epochs=1).fit(x)
    for sigma in (2.0, 0.8, 0.3):
        other = peer(ours, sigma)
        other.train_batch_offline(x, 1)
        ours.step(x, sigma)
        np.testing.assert_allclose(ours.weights, other.get_weights(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("sides", GRIDS)
def test_epochs_are_those_of_minisom(sides):
    check_epochs_are_those_of_minisom(sides)


def check_rulers_are_those_of_minisom():
    for sides in ((3, 5), (8, 12), (2, 2)):
        for last in (0.3, 1.0):
            ours, x = fitted(sides, sigma=(None, last)), rows(200, seed=1)
            other = peer(ours)
            assert ours.quantization_error(x) == pytest.approx(other.quantization_error(x), rel=1e-12)
            assert ours.topographic_error(x) == pytest.approx(other.topographic_error(x), abs=1e-12)
            u = ours.u_matrix()
            np.testing.assert_allclose(u / u.max(), other.distance_map("mean"), rtol=1e-9)
            assert [tuple(place) for place in ours.predict(x)] == [other.winner(row) for row in x]
    assert 0 < fitted((8, 12), sigma=(None, 0.3)).topographic_error(rows(200, seed=1)) < 1  # and not trivially so


def test_rulers_are_those_of_minisom():
    check_rulers_are_those_of_minisom()


def check_the_u_matrix_is_a_distance():
    """MiniSom divides by the largest, so the size is tested by hand: 0, 3 and 7 in a row."""
    ours = SOM(1, 3)
    ours.weights = np.array([[[0.0], [3.0], [7.0]]])
    np.testing.assert_allclose(ours.u_matrix(), [[3, 3.5, 4]])


def test_the_u_matrix_is_a_distance():
    check_the_u_matrix_is_a_distance()


def check_a_narrow_kernel_is_a_step_of_kmeans():
    x = rows()
    start = x[np.random.default_rng(2).choice(60, 15, replace=False)].reshape(3, 5, 4) + 1e-3
    ours = SOM(3, 5, epochs=1, sigma=(0.02, 0.02)).fit(x, start)
    expected = KMeans(15, init=start.reshape(15, 4), n_init=1, max_iter=1).fit(x)
    np.testing.assert_allclose(ours.weights.reshape(15, 4), expected.cluster_centers_, atol=1e-9)


def test_a_narrow_kernel_is_a_step_of_kmeans():
    check_a_narrow_kernel_is_a_step_of_kmeans()


def test_a_wide_kernel_makes_all_nodes_the_mean():
    x = rows()
    ours = fitted(x=x, sigma=(1e5, 1e5))
    np.testing.assert_allclose(ours.weights, np.broadcast_to(x.mean(axis=0), (3, 5, 4)), atol=1e-6)


def check_a_node_beyond_all_rows_stays():
    ours = SOM(1, 3, epochs=1, sigma=(0.01, 0.01)).fit(np.ones((2, 1)), np.array([[[1.0], [5.0], [9.0]]]))
    np.testing.assert_allclose(ours.weights.ravel(), [1, 5, 9])


def test_a_node_beyond_all_rows_stays():
    check_a_node_beyond_all_rows_stays()


def check_the_width_shrinks_by_one_factor():
    seen = []

    class Watched(SOM):
        def step(self, x, sigma):
            seen.append(sigma)
            return super().step(x, sigma)

    Watched(4, 6, epochs=4, sigma=(8, 1)).fit(rows())
    np.testing.assert_allclose(seen, [8, 4, 2, 1])
    seen.clear()
    Watched(4, 6, epochs=2).fit(rows())
    np.testing.assert_allclose(seen, [3, 0.6])
    seen.clear()
    Watched(1, 1, epochs=1).fit(rows())
    np.testing.assert_allclose(seen, [1])
    seen.clear()
    Watched(1, 1).fit(rows())
    assert len(seen) == 30


def test_the_width_shrinks_by_one_factor():
    check_the_width_shrinks_by_one_factor()


def check_the_start_is_the_plane_of_two_components():
    x = rows()
    pca = PCA(2).fit(x)
    for sides in ((5, 3), (3, 5)):
        w = plane(x, *sides)
        long = w if sides == (5, 3) else w.swapaxes(0, 1)
        z = pca.transform(long.reshape(15, 4)).reshape(5, 3, 2) / np.sqrt(pca.explained_variance_ * 59 / 60)
        down, across = np.meshgrid(np.linspace(-1.5, 1.5, 5), np.linspace(-1.5, 1.5, 3), indexing="ij")
        np.testing.assert_allclose(np.abs(z), np.abs(np.stack([down, across], axis=2)), atol=1e-9)
        np.testing.assert_allclose(pca.inverse_transform(pca.transform(w.reshape(15, 4))), w.reshape(15, 4), atol=1e-9)
        assert np.ptp(z[:, 0, 0]) == pytest.approx(3) and np.ptp(z[0, :, 1]) == pytest.approx(3)
    down, across = (np.ptp(pca.transform(plane(x, 4, 4)[part])[:, 0]) for part in (np.s_[:, 0], np.s_[0]))
    assert down > 1 and across < 1e-9  # of a square, the first component goes down the rows
    small, large = (np.abs(plane(scale * x, 3, 5) - scale * x.mean(axis=0)) for scale in (0.01, 1))
    np.testing.assert_allclose(small, 0.01 * large, atol=1e-9)


def test_the_start_is_the_plane_of_two_components():
    check_the_start_is_the_plane_of_two_components()


def test_one_column_has_one_component():
    w = plane(np.arange(10.0)[:, None], 2, 4)
    assert w.shape == (2, 4, 1) and np.ptp(w[:, 0]) == 0 and np.ptp(w[0]) > 0


def test_the_order_of_the_rows_does_not_matter():
    x = rows()
    mixed = np.random.default_rng(0).permutation(len(x))
    np.testing.assert_allclose(fitted(x=x).weights, fitted(x=x[mixed]).weights, atol=1e-9)


def test_more_nodes_than_rows_lie_between_their_neighbours():
    x = np.array([[0.0], [1.0]])
    w = fitted((1, 9), x, sigma=(4, 2)).weights.ravel()
    w = w if w[0] < w[-1] else w[::-1]
    assert np.all(np.diff(w) > 0) and 0 < w[0] and w[-1] < 1


def test_inputs_are_not_changed_and_types_are_kept():
    x, start = rows().astype(np.float32), np.zeros((3, 5, 4))
    before = x.copy()
    ours = SOM(3, 5, epochs=2).fit(x, start)
    assert np.array_equal(x, before) and not start.any()
    assert ours.weights.dtype == np.float32 and ours.fit(x.astype(int)).weights.dtype == np.float64
    kept = ours.weights
    assert ours.fit(rows(seed=3)) is ours and ours.weights is not kept
    kept, copied = ours.weights, ours.weights.copy()
    ours.step(rows(), 0.1)
    assert np.array_equal(kept, copied) and not np.array_equal(ours.weights, kept)


def test_many_rows_are_taken_in_parts():
    x = np.random.default_rng(0).normal(size=(20, 2))
    w = np.random.default_rng(1).normal(size=(6, 2))
    whole = som._squares(x, w)
    np.testing.assert_allclose(whole, ((x[:, None] - w) ** 2).sum(axis=2))
    for chunk in (7, 20, 100):
        assert np.array_equal(som._winners(x, w, chunk=chunk), whole.argmin(axis=1))
        assert np.array_equal(som._winners(x, w, 2, chunk), whole.argsort(axis=1)[:, :2])


HOLES = np.where(np.eye(4) > 0, np.nan, 1.0)


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("^x holds NaN in 4 of 4 rows: fill what is missing first$", lambda: fitted(x=HOLES)),
        ("x holds NaN", lambda: fitted(x=rows()).predict(HOLES)),
        ("^x holds infinity; expected finite numbers$", lambda: fitted(x=rows() / 0)),
        (
            r"^x must be a matrix with at least one row and one column; got the shape \(0, 3\)$",
            lambda: fitted(x=np.zeros((0, 3))),
        ),
        (r"must be a matrix .* \(7,\)", lambda: fitted(x=np.zeros(7))),
        ("^the map was trained on rows of 4 numbers; got rows of 3$", lambda: fitted().predict(rows(width=3))),
        ("trained on rows of 4 numbers; got rows of 3", lambda: fitted().quantization_error(rows(width=3))),
        ("^the map has no weights yet: call fit first$", lambda: SOM(3, 5).predict(rows())),
        ("call fit first", lambda: SOM(3, 5).u_matrix()),
        (r"^start must have the shape \(3, 5, 4\); got \(15, 4\)$", lambda: SOM(3, 5).fit(rows(), np.zeros((15, 4)))),
        (
            "^start holds NaN or infinity; expected finite numbers$",
            lambda: SOM(3, 5).fit(rows(), np.full((3, 5, 4), np.nan)),
        ),
        (
            "^topographic_error needs neighbours; a map of one node has none$",
            lambda: fitted((1, 1)).topographic_error(rows()),
        ),
        ("^u_matrix needs neighbours; a map of one node has none$", lambda: fitted((1, 1)).u_matrix()),
        ("^rows must be a whole number, at least 1; got 0$", lambda: SOM(0, 5)),
        ("^columns must be a whole number, at least 1; got 2.5$", lambda: SOM(2, 2.5)),
        ("^rows must be a whole number, at least 1; got '3'$", lambda: SOM("3", 5)),
        ("^rows must be a whole number, at least 1; got nan$", lambda: SOM(np.nan, 5)),
        ("^columns must be a whole number, at least 1; got inf$", lambda: SOM(2, np.inf)),
        ("^epochs must be .*; got 0$", lambda: SOM(2, 2, epochs=0)),
        ("^rows must be a whole number, at least 1; got 0$", lambda: plane(rows(), 0, 5)),
        ("^columns must be a whole number, at least 1; got 2.5$", lambda: plane(rows(), 2, 2.5)),
        (r"^sigma must be two widths of the kernel, \(first, last\); got 1$", lambda: SOM(2, 2, sigma=1)),
        ("^a width of the kernel must be positive; got None$", lambda: SOM(2, 2, sigma=(1, None))),
        ("^a width of the kernel must be positive; got 0$", lambda: SOM(2, 2, sigma=(1, 0))),
        ("width of the kernel must be positive; got -1", lambda: SOM(2, 2, sigma=(-1, 1))),
        ("width of the kernel must be positive; got nan", lambda: fitted().step(rows(), np.nan)),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_cannot_be_is_said(message, action):
    with pytest.raises(ValueError, match=message):
        action()


def test_a_map_of_one_node_is_the_mean():
    np.testing.assert_allclose(fitted((1, 1)).weights[0, 0], rows().mean(axis=0))


FAULTS = [
    CodeFault(
        "rows and columns swapped",
        SOM.places,
        "self.columns",
        "self.rows",
        check_epochs_are_those_of_minisom,
    ),
    CodeFault(
        "the squared distance on the grid squared again",
        SOM.step,
        "-self._apart /",
        "-(self._apart**2) /",
        check_epochs_are_those_of_minisom,
    ),
    CodeFault(
        "a kernel without the half",
        SOM.step,
        "(2 * _positive(sigma) ** 2)",
        "(_positive(sigma) ** 2)",
        check_epochs_are_those_of_minisom,
    ),
    CodeFault(
        "an extra pi",
        SOM.step,
        "(2 * _positive",
        "(2 * np.pi * _positive",
        check_epochs_are_those_of_minisom,
    ),
    CodeFault(
        "the mean over winners, each alike",
        SOM.step,
        "won, minlength=len(w)).astype",
        "np.unique(won), minlength=len(w)).astype",
        check_epochs_are_those_of_minisom,
    ),
    CodeFault(
        "a quantization error of squares",
        SOM.quantization_error,
        ".mean()",
        ".__pow__(2).mean()",
        check_rulers_are_those_of_minisom,
    ),
    CodeFault(
        "diagonal nodes that are no neighbours",
        SOM.topographic_error,
        ".max(axis=1)",
        ".sum(axis=1)",
        check_rulers_are_those_of_minisom,
    ),
    CodeFault(
        "a U-matrix of sums",
        SOM.u_matrix,
        "near.sum(axis=1))",
        "1)",
        check_rulers_are_those_of_minisom,
    ),
    CodeFault(
        "the node among its neighbours",
        SOM.u_matrix,
        "(self._apart > 0)",
        "(self._apart >= 0)",
        check_rulers_are_those_of_minisom,
    ),
    CodeFault(
        "squared distances in the U-matrix",
        SOM.u_matrix,
        "np.sqrt(np.maximum(_squares(w, w), 0))",
        "np.maximum(_squares(w, w), 0)",
        check_the_u_matrix_is_a_distance,
    ),
    CodeFault(
        "nodes without rows set to nothing",
        SOM.step,
        "reached = total > 0",
        "reached = total > -1",
        check_a_node_beyond_all_rows_stays,
    ),
    CodeFault(
        "a width that does not shrink",
        SOM.fit,
        "(last / first) ** (epoch",
        "(last / first) ** (0 * epoch",
        check_the_width_shrinks_by_one_factor,
    ),
    CodeFault(
        "a width that shrinks too late",
        SOM.fit,
        "max(1, self.epochs - 1)",
        "self.epochs",
        check_the_width_shrinks_by_one_factor,
    ),
    CodeFault(
        "eigenvalues ignored",
        plane,
        "vectors * np.sqrt(np.maximum(values, 0))",
        "vectors",
        check_the_start_is_the_plane_of_two_components,
    ),
    CodeFault(
        "the first component along the short side",
        plane,
        "if rows < columns",
        "if rows > columns",
        check_the_start_is_the_plane_of_two_components,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
