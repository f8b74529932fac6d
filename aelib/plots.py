"""Figures that more than one chapter draws. Each function returns the figure; `course.start` sets the style."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator


def curves(lines, xlabel, ylabel, log=False):
    """One line for each entry of a dict.

    Parameters
    ----------
    lines : dict of str to array, shape (n,)
        Legend label and the values, drawn over 1 ... n.
    log : bool
        A logarithmic vertical axis.
    """
    figure, axes = plt.subplots()
    for (label, values), style in zip(lines.items(), itertools.cycle(["-", "--", "-.", ":"]), strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, style, label=label, linewidth=2)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


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
    for axes, (title, z) in zip(all_axes[0], panels.items(), strict=True):
        for index, (name, marker) in enumerate(zip(names, itertools.cycle("osD^vP*X<>"), strict=False)):
            axes.plot(*np.asarray(z)[np.asarray(labels) == index].T, marker, label=name, alpha=0.8)
        axes.set(title=title, xlabel="code 1", ylabel="code 2")
    all_axes[0, 0].legend()
    return figure
