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
    if ops.shape(x) != ops.shape(x_hat) or len(ops.shape(x)) < 2:
        raise ValueError(
            f"images and reconstructions must have one shape (n, ...); got {ops.shape(x)} and {ops.shape(x_hat)}"
        )
    return ops.mean(ops.square(ops.subtract(x, x_hat)), axis=tuple(range(1, len(ops.shape(x)))))


def mse(x, x_hat):
    """Mean of `squared_error` over the examples, as a Python float. ValueError if it is NaN or there is no example."""
    error = ops.convert_to_numpy(squared_error(np.asarray(x, "float32"), np.asarray(x_hat, "float32")))
    if len(error) == 0 or np.isnan(error).any():
        found = f"NaN in {np.isnan(error).sum()} of {len(error)} examples" if len(error) else "no example"
        raise ValueError(f"the images and reconstructions must be finite and not empty; got {found}")
    return float(error.mean(dtype=np.float64))


def psnr(x, x_hat):
    """Peak signal-to-noise ratio in decibels, 10 log10(1 / mse): of the mean error of all examples, with peak value 1."""
    return -10 * float(np.log10(mse(x, x_hat)))
