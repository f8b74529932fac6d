"""Reconstruction errors and divergences: a value for each example; `mse` and `psnr` give one for all of them."""

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
    axes = _axes_of_an_example("images and reconstructions", x, x_hat)
    return ops.mean(ops.square(ops.subtract(x, x_hat)), axis=axes)


def mse(x, x_hat):
    """Mean of `squared_error` over the examples, a Python float. ValueError if it is not finite, or without example."""
    error = ops.convert_to_numpy(squared_error(np.asarray(x, "float32"), np.asarray(x_hat, "float32")))
    bad = int((~np.isfinite(error)).sum())
    if bad or len(error) == 0:
        found = f"NaN or infinity in {bad} of {len(error)} examples"
        raise ValueError(f"the images and reconstructions must be finite and not empty; got {found}")
    return float(error.mean(dtype=np.float64))


def psnr(x, x_hat):
    """Peak signal-to-noise ratio in decibels, 10 log10(1 / mse): of the mean error of all examples, for a peak of 1.

    Infinite where they are equal. Raises ValueError as `mse`.
    """
    error = mse(x, x_hat)
    return -10 * float(np.log10(error)) if error else float("inf")


def cross_entropy(x, logits):
    """Bernoulli cross-entropy, -sum(x log p + (1 - x) log(1 - p)), one value per example, summed over its pixels.

    Of pixels that are 0 or 1 it is -log p(x|z). Of gray ones it is not the likelihood of anything, and it is not 0 at
    p = x but the sum of the pixels' entropies.

    Parameters
    ----------
    x : float tensor, shape (batch, ...)
        Images, in [0, 1].
    logits : float tensor, of the same shape
        log(p / (1 - p)) of each pixel: the decoder's output before its sigmoid.

    Returns
    -------
    error : float tensor, shape (batch,)
        Nats per example.

    Raises
    ------
    ValueError
        The shapes differ (nothing is broadcast), or there are fewer than two dimensions.
    """
    axes = _axes_of_an_example("images and logits", x, logits)
    return ops.sum(ops.subtract(ops.softplus(logits), ops.multiply(x, logits)), axis=axes)


def kl_to_standard_normal(z_mean, z_log_var):
    """KL(q(z|x) || N(0, I)) of a diagonal Gaussian, one value per example, summed over the latent dimensions.

    Parameters
    ----------
    z_mean, z_log_var : float tensor, shape (batch, latent_dim)
        Mean and natural logarithm of the variance.

    Returns
    -------
    kl : float tensor, shape (batch,)
        Nats per example. Never negative, but for rounding.

    Raises
    ------
    ValueError
        The shapes differ (nothing is broadcast), or there are fewer than two dimensions.

    Source: Kingma & Welling 2014, appendix B.
    """
    axes = _axes_of_an_example("z_mean and z_log_var", z_mean, z_log_var)
    excess = ops.subtract(ops.subtract(ops.exp(z_log_var), z_log_var), 1)  # of the variance
    return 0.5 * ops.sum(ops.add(ops.square(z_mean), excess), axis=axes)


def _axes_of_an_example(names, a, b):
    """All axes but the first, of two tensors of one shape."""
    shapes = tuple(a.shape), tuple(b.shape)
    if shapes[0] != shapes[1] or len(shapes[0]) < 2:
        raise ValueError(f"{names} must have one shape (n, ...); got {shapes[0]} and {shapes[1]}")
    return tuple(range(1, len(shapes[0])))
