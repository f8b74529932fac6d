"""Figures that more than one chapter draws. Each function returns the figure; `course.start` sets the style."""

import itertools
import math

import matplotlib.patheffects
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import MaxNLocator

# One colour a thing, in every chapter (Okabe & Ito's, which colour-blind people can tell apart). The subject of a
# chapter has the strongest; it is the first of Matplotlib's cycle, as `course.start` sets it.
COLOURS = {
    "autoencoder": "#0072B2",
    "pca": "#E69F00",  # or whatever the best linear map is
    "plain": "#009E73",  # the same network without the chapter's idea; an autoencoder beside a VAE, for instance
    "other": "#D55E00",  # a method of another kind: label spreading, nearest neighbours
    "rbm": "#CC79A7",
    "random": "#56B4E9",  # a random start
    "data": "#666666",
}
# Ten classes (Tol's muted scheme and black).
CLASSES = ["#332288", "#CC6677", "#DDAA33", "#117733", "#88CCEE", "#AA4499", "#44AA99", "#882255", "#999933", "#222222"]


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


def rows(images, columns=8, minus=None):
    """A row of images for each entry of a dict, all on one gray scale: 0 is black, 1 is white, what lies beyond is cut.

    Parameters
    ----------
    images : dict of str to array, shape (n, 28, 28) or (n, 784)
        Label of the row and its images, square and of one size; the first `columns` of them are drawn.
    minus : str, optional
        A label of `images`. Below each other row stands how far it is from that one: the absolute difference, three
        times as bright, so that a third of the gray scale is white.

    Raises
    ------
    ValueError
        Images that are not square or not of one size, a `minus` that is no label, or rows of other lengths than its.
    """
    if minus is not None and minus not in images:
        raise ValueError(f"minus= must be one of the rows {list(images)}; got {minus!r}")
    squares = {}
    for label, array in images.items():
        squares[label] = _squares(label, array)[:columns]
        if minus not in (None, label):
            other = _squares(minus, images[minus])[:columns]
            if squares[label].shape != other.shape:
                raise ValueError(
                    f"{label!r} must have as many images as {minus!r}, of the same size; "
                    f"got the shapes {squares[label].shape} and {other.shape}"
                )
            squares[f"difference × 3 ({label})"] = 3 * np.abs(squares[label] - other)
    return _grid(squares, columns, (0, 1))


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


def codes(panels, labels, names, share=True):
    """Two-dimensional codes side by side, coloured by class, each class with its name at its median.

    Parameters
    ----------
    panels : dict of str to array, shape (n, 2)
        Title and codes of each panel.
    labels : int array, shape (n,)
        Class of each row, an index into `names`.
    names : list of str
        Ten at most.
    share : bool
        Whether all panels have the same axes, so that sizes compare. Where units differ, as in t-SNE maps, they do not.

    Raises
    ------
    ValueError
        Codes that are not of the shape (n, 2), or more than ten names.
    """
    for title, z in panels.items():
        if np.shape(z) != (len(labels), 2):
            raise ValueError(f"codes of {title!r} must have the shape {(len(labels), 2)}; got {np.shape(z)}")
    if len(names) > len(CLASSES):
        raise ValueError(f"there are colours for {len(CLASSES)} classes; got {len(names)} names")
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(5 * len(panels), 4.6), squeeze=False, sharex=share, sharey=share
    )
    halo = [matplotlib.patheffects.withStroke(linewidth=4, foreground="white")]
    for axes, (title, z) in zip(all_axes[0], panels.items(), strict=True):
        for index, (name, colour) in enumerate(zip(names, CLASSES, strict=False)):
            group = np.asarray(z)[np.asarray(labels) == index]
            axes.plot(*group.T, "o", color=colour, label=name, markersize=6 if len(labels) < 500 else 3, alpha=0.6)
            if len(group):
                axes.text(
                    *np.median(group, axis=0),
                    name,
                    color=colour,
                    fontsize=18,
                    fontweight="bold",
                    ha="center",
                    va="center",
                    path_effects=halo,
                    zorder=5,
                )
        axes.set(title=title, xlabel="code 1", ylabel="code 2")
        axes.locator_params(nbins=5)
    return figure


_KINDS = {  # face and edge of a node
    "data": ("#e8e8e8", COLOURS["data"]),
    "map": ("white", COLOURS["autoencoder"]),
    "code": (COLOURS["autoencoder"], COLOURS["autoencoder"]),
    "chance": ("#fbe9f2", COLOURS["rbm"]),  # a random draw: a circle
    "loss": ("#fff3d6", COLOURS["pca"]),
}


def diagram(nodes, arrows, links=(), size=(9, 2.6)):
    """A model as boxes and arrows.

    Parameters
    ----------
    nodes : dict of str to tuple (x, y, text, kind) or (x, y, text, kind, height)
        Place of the centre, what is written there, and "data" (gray), "map" (a layer or function: white), "code"
        (blue), "chance" (drawn at random: a circle) or "loss". A box is 1.6 wide and 0.9 high, or of the given height.
    arrows : list of tuple (from, to) or (from, to, text) or (from, to, text, bend)
        Names of two nodes, what is written beside the arrow, and how much it bends to the left of its way (0: straight;
        negative: to the right).
    links : list of tuple (one, other)
        Lines without a direction: an RBM's weights.
    size : tuple
        Of the figure in inches; the scale of x and y is the same.

    Raises
    ------
    ValueError
        An unknown kind, or an arrow from or to a node that is not there.
    """
    for name, (_, _, _, kind, *_) in nodes.items():
        if kind not in _KINDS:
            raise ValueError(f"the kind of {name!r} must be one of {', '.join(_KINDS)}; got {kind!r}")
    for one, other, *_ in [*arrows, *links]:
        if {one, other} - set(nodes):
            raise ValueError(f"an arrow from {one!r} to {other!r}, but the nodes are {list(nodes)}")
    figure, axes = plt.subplots(figsize=size)
    patches = {}
    for name, (x, y, text, kind, *height) in nodes.items():
        face, edge = _KINDS[kind]
        style = {"facecolor": face, "edgecolor": edge, "linewidth": 2, "zorder": 2}
        if kind == "chance":
            patches[name] = Circle((x, y), 0.55, **style)
        else:
            tall = height[0] if height else 0.9
            corner = (x - 0.8, y - tall / 2)
            patches[name] = FancyBboxPatch(corner, 1.6, tall, boxstyle="round,pad=0,rounding_size=0.1", **style)
        axes.add_patch(patches[name])
        ink = "white" if kind == "code" else "black"
        axes.text(x, y, text, ha="center", va="center", color=ink, fontsize=13, zorder=3)
    for one, other, *rest in [*arrows, *((*link, "", 0, "-") for link in links)]:
        text, bend, head = (*rest, *("", 0, "-|>")[len(rest) :])
        start, end = np.array(nodes[one][:2], float), np.array(nodes[other][:2], float)
        axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle=head,
                connectionstyle=f"arc3,rad={-bend}",
                patchA=patches[one],
                patchB=patches[other],
                shrinkA=1,
                shrinkB=1,
                mutation_scale=18,
                linewidth=1.8,
                color=COLOURS["data"],
                zorder=1,
            )
        )
        if text:
            left = np.array([start[1] - end[1], end[0] - start[0]])  # of the way, as long as it
            place = (start + end) / 2 + bend / 2 * left + 0.28 * left / np.hypot(*left)
            axes.text(*place, text, ha="center", va="center", fontsize=12, zorder=3)
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.margins(0.04)
    axes.axis("off")
    return figure
