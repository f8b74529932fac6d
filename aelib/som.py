"""Kohonen maps, trained in batches, and the rulers for them: NumPy in, NumPy out.

The nodes of a map lie on a grid of `rows` by `columns`; each holds a weight vector as long as a row of the data.
"""

import numbers

import numpy as np
from scipy import sparse


class SOM:
    """A Kohonen map (self-organizing map) whose kernel is a Gaussian of the distance on the grid.

    An epoch finds the winner of each row, and then sets every node to the mean of all rows, each weighted by the kernel
    between the node and the row's winner. There is no learning rate, and the order of the rows does not matter.

    Parameters
    ----------
    rows, columns : int
        Of the grid. There may be more nodes than rows of data: those without a hit lie between their neighbours.
    epochs : int
    sigma : tuple (first, last)
        Widths of the kernel, in steps of the grid; it shrinks by one factor an epoch. `first` is None for half the
        longer side of the grid (at least 1).

    Attributes
    ----------
    weights : float array, shape (rows, columns, width), after `fit`
        float32 where the data are, float64 otherwise.

    Raises
    ------
    ValueError
        A side or a number of epochs below 1, or widths of the kernel that are not two, or not positive.

    Source: Kohonen 2013, Neural Networks 37:52 (the batch form).
    """

    def __init__(self, rows, columns, epochs=30, sigma=(None, 0.6)):
        self.rows, self.columns, self.epochs = _whole(rows=rows, columns=columns, epochs=epochs)
        if np.shape(sigma) != (2,):
            raise ValueError(f"sigma must be two widths of the kernel, (first, last); got {sigma!r}")
        first, last = sigma
        self.sigma = max(1.0, max(rows, columns) / 2) if first is None else _positive(first), _positive(last)
        places = self.places(np.arange(rows * columns))
        self._apart = ((places[:, None] - places) ** 2).sum(axis=2)  # squared distances on the grid
        self.weights = None

    def fit(self, x, start=None):
        """Train on the rows of x from `start`, (rows, columns, width), or else from the plane of two components.

        Raises
        ------
        ValueError
            x that is no matrix, is empty, or holds NaN or infinity; a start of another shape, or one that holds these.
        """
        x = _matrix(x)
        shape = (self.rows, self.columns, x.shape[1])
        if start is not None and np.shape(start) != shape:
            raise ValueError(f"start must have the shape {shape}; got {np.shape(start)}")
        weights = plane(x, self.rows, self.columns) if start is None else np.asarray(start)
        if not np.isfinite(weights).all():
            raise ValueError("start holds NaN or infinity; expected finite numbers")
        self.weights = weights.astype(x.dtype)
        first, last = self.sigma
        for epoch in range(self.epochs):
            self.step(x, first * (last / first) ** (epoch / max(1, self.epochs - 1)))
        return self

    def step(self, x, sigma):
        """One epoch with this width of the kernel."""
        x, w = self._fitting(x), self._flat()
        won = _winners(x, w)
        one_hot = sparse.csr_array((np.ones_like(x[:, 0]), (won, np.arange(len(x)))), shape=(len(w), len(x)))
        kernel = np.exp(-self._apart / (2 * _positive(sigma) ** 2)).astype(x.dtype)
        total = kernel @ np.bincount(won, minlength=len(w)).astype(x.dtype)
        reached = total > 0  # with a very narrow kernel some nodes are beyond all rows: they stay
        means = kernel @ (one_hot @ x) / np.where(reached, total, 1)[:, None]
        self.weights = np.where(reached[:, None], means, w).reshape(self.weights.shape)

    def predict(self, x):
        """The place of each row's winner on the grid: int array, shape (n, 2), row and column."""
        return self.places(_winners(self._fitting(x), self._flat()))

    def places(self, nodes):
        """Row and column, (n, 2), of nodes that are counted along the rows of the grid."""
        return np.stack(np.divmod(nodes, self.columns), axis=1)

    def quantization_error(self, x):
        """Mean distance (not squared) of the rows from their winners."""
        x, w = self._fitting(x), self._flat()
        return float(np.linalg.norm(x - w[_winners(x, w)], axis=1).mean())

    def topographic_error(self, x):
        """Share of rows whose two nearest nodes are not neighbours on the grid, diagonals counted as neighbours."""
        self._needs_neighbours("topographic_error")
        first, second = (
            self.places(_winners(self._fitting(x), self._flat(), 2).ravel()).reshape(-1, 2, 2).swapaxes(0, 1)
        )
        return float((np.abs(first - second).max(axis=1) > 1).mean())

    def u_matrix(self):
        """Mean distance of each node's weights from those of its neighbours, diagonals included: (rows, columns)."""
        self._needs_neighbours("u_matrix")
        w = self._flat().astype(np.float64)  # neighbours are alike: their difference is small beside their length
        near = (self._apart > 0) & (self._apart <= 2)
        distances = np.sqrt(np.maximum(_squares(w, w), 0))
        return ((distances * near).sum(axis=1) / near.sum(axis=1)).reshape(self.rows, self.columns)

    def _flat(self):
        if self.weights is None:
            raise ValueError("the map has no weights yet: call fit first")
        return self.weights.reshape(self.rows * self.columns, -1)

    def _fitting(self, x):
        x, width = _matrix(x), self._flat().shape[1]
        if x.shape[1] != width:
            raise ValueError(f"the map was trained on rows of {width} numbers; got rows of {x.shape[1]}")
        return x.astype(self.weights.dtype, copy=False)

    def _needs_neighbours(self, what):
        if self.rows * self.columns == 1:
            raise ValueError(f"{what} needs neighbours; a map of one node has none")


def plane(x, rows, columns, reach=1.5):
    """Weights on the plane of the first two principal components, the start of a map.

    Parameters
    ----------
    x : float array, shape (n, width)
    rows, columns : int
    reach : float
        How far the plane goes to both sides of the mean, in standard deviations along each component.

    Returns
    -------
    weights : float array, shape (rows, columns, width)
        The first component grows along the longer side of the grid.

    Raises
    ------
    ValueError
        A side below 1, or x that is no matrix, is empty, or holds NaN or infinity.
    """
    x, (rows, columns) = _matrix(x), _whole(rows=rows, columns=columns)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True).reshape(x.shape[1], -1))
    axes = np.zeros((2, x.shape[1]))
    count = min(2, x.shape[1])
    axes[:count] = (vectors * np.sqrt(np.maximum(values, 0))).T[::-1][:count]
    if rows < columns:
        axes = axes[::-1]
    down, across = (np.linspace(-reach, reach, n) if n > 1 else np.zeros(1) for n in (rows, columns))
    return x.mean(axis=0) + down[:, None, None] * axes[0] + across[None, :, None] * axes[1]


def _whole(**counts):
    """The counts as integers."""
    for name, value in counts.items():
        if not isinstance(value, numbers.Real) or value // 1 != value or value < 1:
            raise ValueError(f"{name} must be a whole number, at least 1; got {value!r}")
    return map(int, counts.values())


def _positive(sigma):
    if not isinstance(sigma, numbers.Real) or not 0 < sigma < np.inf:
        raise ValueError(f"a width of the kernel must be positive; got {sigma!r}")
    return float(sigma)


def _matrix(x):
    """As a matrix of float32 or float64, finite, with at least one row."""
    x = np.asarray(x)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"x must be a matrix with at least one row and one column; got the shape {x.shape}")
    x = x.astype(np.float32 if x.dtype == np.float32 else np.float64, copy=False)
    if np.isnan(x).any():
        raise ValueError(f"x holds NaN in {np.isnan(x).any(axis=1).sum()} of {len(x)} rows: fill what is missing first")
    if not np.isfinite(x).all():
        raise ValueError("x holds infinity; expected finite numbers")
    return x


def _squares(x, w):
    """Squared distances, (n, nodes), by one matrix product."""
    return (x**2).sum(axis=1)[:, None] - 2 * (x @ w.T) + (w**2).sum(axis=1)


def _winners(x, w, count=1, chunk=10_000):
    """The nearest node of each row, (n,), or the `count` nearest, (n, count), nearest first."""
    found = []
    for begin in range(0, len(x), chunk):  # not all distances at once: 55,000 rows have 12 million of them
        apart = (w**2).sum(axis=1) - 2 * (x[begin : begin + chunk] @ w.T)  # but for what is the same for all nodes
        found.append(apart.argmin(axis=1) if count == 1 else apart.argsort(axis=1, kind="stable")[:, :count])
    return np.concatenate(found)
