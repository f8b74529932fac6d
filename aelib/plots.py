"""Figures that more than one chapter draws. Each function returns the figure; `course.start` sets the style."""

import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator


def curves(lines, xlabel, ylabel, log=False, x=None):
    """One line for each entry of a dict.

    Parameters
    ----------
    lines : dict of str to array, shape (n,)
        Legend label and the values, drawn over `x`.
    log : bool
        A logarithmic vertical axis.
    x : array, shape (n,), optional
        By default 1 ... n: epochs, for instance. Where it is given, the points are marked.
    """
    figure, axes = plt.subplots()
    marks = itertools.cycle("os^Dv" if x is not None else [""])
    for (label, values), style, mark in zip(
        lines.items(), itertools.cycle(["-", "--", "-.", ":"]), marks, strict=False
    ):
        positions = np.arange(1, len(values) + 1) if x is None else x
        axes.plot(positions, values, style, marker=mark, label=label, linewidth=2)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


def rows(images, columns=8):
    """A row of images for each entry of a dict, all on one gray scale: 0 is black, 1 is white, what lies beyond is cut.

    Parameters
    ----------
    images : dict of str to array, shape (n, 28, 28) or (n, 784)
        Label of the row and its images, square and of one size; the first `columns` of them are drawn.
    """
    return _grid({label: _squares(label, array)[:columns] for label, array in images.items()}, columns, (0, 1))


def filters(weights, columns=8):
    """A row of weight images for each entry of a dict, each image on its own scale: mid-gray is 0, white positive.

    Parameters
    ----------
    weights : dict of str to array, shape (n, 28, 28) or (n, 784)
        Label of the row and one weight vector for each image: a dense layer's kernel, transposed.
    """
    squares = {label: _squares(label, array)[:columns] for label, array in weights.items()}
    return _grid({label: _scaled(row) for label, row in squares.items()}, columns, (-1, 1))


def _scaled(row):
    largest = np.abs(row).max(axis=(1, 2), keepdims=True)
    return row / np.where(largest == 0, 1, largest)


def latent_grid(codes, images):
    """Decoded images of a square grid of codes, each where its code lies: code 1 grows to the right, code 2 upwards.

    Parameters
    ----------
    codes : float array, shape (n * n, 2)
        All pairs of n values of the one code and n of the other, in any order.
    images : float array, shape (n * n, 28, 28) or (n * n, 784)
        What each code decodes to, in [0, 1].
    """
    codes = np.asarray(codes)
    n = math.isqrt(len(codes))
    if codes.ndim != 2 or codes.shape[1] != 2 or n < 2 or n * n != len(codes):
        raise ValueError(f"a latent grid needs n * n codes of two dimensions, n >= 2; got the shape {codes.shape}")
    values = [len(np.unique(axis)) for axis in codes.T]
    if values != [n, n] or len(np.unique(codes, axis=0)) != n * n:
        raise ValueError(
            f"a latent grid needs all pairs of {n} values and {n}; got {len(np.unique(codes, axis=0))} different "
            f"pairs of {values[0]} and {values[1]} values"
        )
    squares = _squares("the codes", images)
    if len(squares) != n * n:
        raise ValueError(f"expected an image for each of {n * n} codes; got {len(squares)}")
    squares = squares[np.lexsort((codes[:, 0], -codes[:, 1]))]
    side = squares.shape[1]
    figure, axes = plt.subplots(figsize=(8, 8))
    axes.imshow(_tiles(squares.reshape(n, n, side, side)), vmin=0, vmax=1)
    shown, places = [0, n // 2, n - 1], (np.array([0, n // 2, n - 1]) + 0.5) * side
    ticks = [[f"{value:z.2f}" for value in np.unique(axis)[shown]] for axis in codes.T]
    axes.set_xticks(places, ticks[0])
    axes.set_yticks(n * side - places, ticks[1])
    axes.set(xlabel="code 1", ylabel="code 2")
    return figure


def _grid(squares, columns, limits, gap=2):
    if len({row.shape[1:] for row in squares.values()}) > 1:
        found = {label: row.shape for label, row in squares.items()}
        raise ValueError(f"the images of all rows must be of one size; got {found}")
    full = [np.pad(row, [(0, columns - len(row)), (0, 0), (0, 0)], constant_values=np.nan) for row in squares.values()]
    side = full[0].shape[1]
    figure, axes = plt.subplots(figsize=(1.1 * columns + 1.6, 1.15 * len(full)))
    low, high = limits
    axes.imshow(_tiles(np.stack(full), gap), vmin=low, vmax=high, interpolation="nearest")
    axes.set_yticks(np.arange(len(full)) * (side + gap) + side / 2, squares)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _tiles(squares, gap=0):
    """One picture of (rows, columns, side, side), with gaps of NaN, which is drawn white."""
    n_rows, n_columns, side = squares.shape[:3]
    padded = np.pad(squares, [(0, 0), (0, 0), (0, gap), (0, gap)], constant_values=np.nan)
    picture = padded.transpose(0, 2, 1, 3).reshape(n_rows * (side + gap), n_columns * (side + gap))
    return picture[: len(picture) - gap, : picture.shape[1] - gap]


def _squares(label, images):
    """(n, side, side), as floats, from that or from (n, side * side)."""
    images = np.asarray(images)
    side = math.isqrt(images.shape[-1]) if images.ndim == 2 else images.shape[-1]
    if images.ndim not in (2, 3) or images.shape[1:] not in ((side * side,), (side, side)) or len(images) == 0:
        raise ValueError(f"the images of {label!r} must be square, (n, 28, 28) or (n, 784); got {images.shape}")
    return images.reshape(-1, side, side).astype("float32", copy=False)


def codes(panels, labels, names):
    """Two-dimensional codes side by side, coloured by class.

    Parameters
    ----------
    panels : dict of str to array, shape (n, 2)
        Title and codes of each panel.
    labels : int array, shape (n,)
        Class of each row, an index into `names`.
    names : list of str
    """
    for title, z in panels.items():
        if np.shape(z) != (len(labels), 2):
            raise ValueError(f"codes of {title!r} must have the shape {(len(labels), 2)}; got {np.shape(z)}")
    figure, all_axes = plt.subplots(1, len(panels), figsize=(5 * len(panels), 4.2), squeeze=False)
    size = 6 if len(labels) < 500 else 4
    for axes, (title, z) in zip(all_axes[0], panels.items(), strict=True):
        for index, (name, mark) in enumerate(zip(names, itertools.cycle("osD^vP*X<>"), strict=False)):
            axes.plot(*np.asarray(z)[np.asarray(labels) == index].T, mark, label=name, markersize=size, alpha=0.8)
        axes.set(title=title, xlabel="code 1", ylabel="code 2")
        axes.locator_params(nbins=5)
    figure.legend(*all_axes[0, 0].get_legend_handles_labels(), loc="outside right center", markerscale=6 / size)
    return figure
