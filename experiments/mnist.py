"""MNIST for the tables: read once in a process, however many of their modules it imports, and moved images."""

import functools

import numpy as np

from aelib import data

load = functools.cache(data.load_mnist)


def moved(x, by):
    """Each image moved by its row of `by`, pixels down and to the right; what leaves the frame comes in opposite."""
    images, new = x.reshape(-1, 28, 28), np.empty((len(x), 28, 28), x.dtype)
    for shift in np.unique(by, axis=0):
        chosen = (by == shift).all(axis=1)
        new[chosen] = np.roll(images[chosen], shift, axis=(1, 2))
    return new.reshape(len(x), -1)
