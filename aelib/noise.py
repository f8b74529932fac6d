"""Noise for images: NumPy in, NumPy out, the generator passed in, the images left as they were.

Every noise function draws anew for each pixel or image, and returns float32 of the shape of `x`. They raise ValueError
for pixels outside [0, 1], NaN, an empty array or fewer than two dimensions. `batches` makes pairs with one of them.
"""

import numpy as np


def gaussian(x, level, rng):
    """x + level * N(0, 1), for each pixel. Not clipped: the result leaves [0, 1].

    Parameters
    ----------
    x : float array, shape (n, ...)
        Images with gray values in [0, 1].
    level : float
        Standard deviation of the noise, in units of the gray value; 0 or more.
    rng : numpy.random.Generator

    Source: lecture, section 18.5 (level 1.0).
    """
    x = check_images(x)
    if not 0 <= level < np.inf:
        raise ValueError(f"the noise level must be finite, 0 or more; got {level}")
    return x + np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32)


def masking(x, probability, rng):
    """Each pixel set to 0 with the given probability; the others keep their value (nothing is scaled up).

    Parameters
    ----------
    x : float array, shape (n, ...)
        Images with gray values in [0, 1].
    probability : float
        Share of the pixels that are lost, in [0, 1].
    rng : numpy.random.Generator

    Source: Vincent et al. 2008.
    """
    x = check_images(x)
    return np.where(_chosen(x.shape, probability, rng), np.float32(0), x)


def random_intensities(x, probability, rng):
    """Each pixel replaced with the given probability by a gray value drawn uniformly from [0, 1).

    Parameters
    ----------
    x : float array, shape (n, ...)
        Images with gray values in [0, 1].
    probability : float
        Share of the pixels that are replaced, in [0, 1].
    rng : numpy.random.Generator
    """
    x = check_images(x)
    return np.where(_chosen(x.shape, probability, rng), rng.random(x.shape, dtype=np.float32), x)


def dark_square(x, side, rng):
    """A square of each image set to 0, at a position drawn for each image, wholly inside it.

    Parameters
    ----------
    x : float array, shape (n, height, width)
        Images with gray values in [0, 1].
    side : int
        Side of the square in pixels, from 0 to the smaller side of the image.
    rng : numpy.random.Generator
    """
    x = check_images(x)
    if x.ndim != 3:
        raise ValueError(f"images must have the shape (n, height, width); got {x.shape}")
    n, height, width = x.shape
    if not (isinstance(side, (int, np.integer)) and 0 <= side <= min(height, width)):
        raise ValueError(f"the side must be a whole number from 0 to {min(height, width)}; got {side!r}")
    top = rng.integers(height - side + 1, size=n)[:, None, None]
    left = rng.integers(width - side + 1, size=n)[:, None, None]
    rows, columns = np.arange(height)[:, None], np.arange(width)
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return np.where(inside, np.float32(0), x)


def batches(x, corrupt, batch_size, rng):
    """Pairs (noisy, clean) without end, each epoch with a new order and new noise.

    For `fit(..., steps_per_epoch=ceil(n / batch_size), shuffle=False)`. Keras takes whole executions from a
    generator, so `steps_per_execution` has to divide the steps of an epoch.

    Parameters
    ----------
    x : float array, shape (n, ...)
        Clean images.
    corrupt : function
        `corrupt(images, rng)` returns the noisy ones.
    batch_size : int
        The last batch of an epoch is smaller where n is no multiple of it.
    rng : numpy.random.Generator

    Raises ValueError for no images or a batch size below 1, when the first pair is asked for.
    """
    if len(x) == 0 or batch_size < 1:
        raise ValueError(f"images and a batch size of 1 or more are needed; got {len(x)} images, {batch_size} a batch")
    while True:
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            clean = x[order[start : start + batch_size]]
            yield corrupt(clean, rng), clean


def check_images(x):
    """The images as float32, at least two-dimensional, if they hold gray values in [0, 1]; ValueError otherwise."""
    x = np.asarray(x, dtype=np.float32)
    if x.ndim < 2 or x.size == 0:
        raise ValueError(f"images must have the shape (n, ...) with at least one pixel; got {x.shape}")
    low, high = x.min(), x.max()
    if np.isnan(low):
        raise ValueError("pixels must lie in [0, 1]; got NaN")
    if low < 0 or high > 1:
        hint = " (divide by 255?)" if high > 1 else ""
        raise ValueError(f"pixels must lie in [0, 1]; got values from {low:.6g} to {high:.6g}{hint}")
    return x


def _chosen(shape, probability, rng):
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability must lie in [0, 1]; got {probability}")
    return rng.random(shape, dtype=np.float32) < probability
