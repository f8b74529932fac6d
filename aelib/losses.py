"""Reconstruction errors: per example, then the mean over examples."""

import numpy as np
from keras import ops


def squared_error(x, x_hat):
    """Squared difference, one value per example, averaged over its pixels.

    Parameters
    ----------
    x, x_hat : float tensor, shape (batch, ...)
        Images and their reconstructions, of equal shape.

    Returns
    -------
    error : float tensor, shape (batch,)
        In squared units of the gray value.

    Raises
    ------
    ValueError
        The shapes differ (nothing is broadcast), or there are fewer than two dimensions.
    """
    shapes = tuple(x.shape), tuple(x_hat.shape)
    if shapes[0] != shapes[1] or len(shapes[0]) < 2:
        raise ValueError(f"images and reconstructions must have one shape (n, ...); got {shapes[0]} and {shapes[1]}")
    return ops.mean(ops.square(ops.subtract(x, x_hat)), axis=tuple(range(1, len(shapes[0]))))


def mse(x, x_hat):
    """Mean of `squared_error` over the examples, a Python float. ValueError if it is not finite, or without example."""
    error = ops.convert_to_numpy(squared_error(np.asarray(x, "float32"), np.asarray(x_hat, "float32")))
    bad = int((~np.isfinite(error)).sum())
    if bad or len(error) == 0:
        found = f"NaN or infinity in {bad} of {len(error)} examples"
        raise ValueError(f"the images and reconstructions must be finite and not empty; got {found}")
    return float(error.mean(dtype=np.float64))


def psnr(x, x_hat):
    """Peak signal-to-noise ratio in decibels, 10 log10(1 / mse): of the mean error of all examples, for a peak of 1."""
    return -10 * float(np.log10(mse(x, x_hat)))
