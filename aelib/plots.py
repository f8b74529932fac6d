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
        Label of the row and its images, square; the first `columns` of them are drawn.
    """
    return _grid(images, columns, lambda image: (0, 1))


def filters(weights, columns=8):
    """A row of weight images for each entry of a dict, each image on its own scale: mid-gray is 0, white positive.

    Parameters
    ----------
    weights : dict of str to array, shape (n, 28, 28) or (n, 784)
        Label of the row and one weight vector for each image: a dense layer's kernel, transposed.
    """
    return _grid(weights, columns, lambda image: (-np.abs(image).max(), np.abs(image).max()))


def _grid(images, columns, limits):
    squares = {label: _squares(label, array)[:columns] for label, array in images.items()}
    size = (1.1 * columns + 1.6, 1.15 * len(squares))
    figure, all_axes = plt.subplots(len(squares), columns, figsize=size, squeeze=False)
    for axes, (label, row) in zip(all_axes, squares.items(), strict=True):
        for ax in axes:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, image in zip(axes, row, strict=False):
            low, high = limits(image)
            ax.imshow(image, vmin=low, vmax=high, interpolation="nearest")
        axes[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure


def _squares(label, images):
    """(n, side, side) from that or from (n, side * side)."""
    images = np.asarray(images)
    side = math.isqrt(images.shape[-1]) if images.ndim == 2 else images.shape[-1]
    if images.ndim not in (2, 3) or images.shape[1:] not in ((side * side,), (side, side)) or len(images) == 0:
        raise ValueError(f"the images of {label!r} must be square, (n, 28, 28) or (n, 784); got {images.shape}")
    return images.reshape(-1, side, side)


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
    figure.legend(*all_axes[0, 0].get_legend_handles_labels(), loc="outside right center", markerscale=6 / size)
    return figure
