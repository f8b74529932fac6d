"""Greedy layer-wise pretraining: restricted Boltzmann machines or autoencoders, one on top of the other.

A stack is a list of `parts`, the lowest first. A part is a compiled `RBM`, or a compiled autoencoder whose last two
layers are the hidden and the output layer, both `Dense`: `Sequential([Input((784,)), Dropout(0.3), Dense(500,
"sigmoid"), Dense(784, "sigmoid")])` is a denoising one. Both kinds may stand in one stack.
"""

import keras
import numpy as np
from keras import layers

from aelib.rbm import RBM, weights_of


def pretrain(parts, x, **fit):
    """Fit each part without labels on what the parts below it make of the images; return them stacked.

    The lowest part learns the images, each other one the hidden outputs of the part below: of an RBM its probabilities
    p(y_j = 1 | x), not drawn states, because they are what the layer above will be given in the network.

    Parameters
    ----------
    parts : list of compiled RBM or autoencoder
        They are trained in place.
    x : float array, shape (n, n_inputs)
        Values in [0, 1].
    **fit
        Given to each part's `fit`: epochs, batch_size, callbacks, verbose.

    Returns
    -------
    model : keras.Sequential
        `stack(parts)`.

    Raises
    ------
    ValueError
        No parts, one that is no such part or is not compiled, or sizes that do not fit; before anything is trained.

    Source: Hinton, Osindero & Teh 2006 (machines); Bengio et al. 2007, Vincent et al. 2008 (autoencoders).
    """
    _check(parts, np.shape(x)[-1])
    for number, part in enumerate(parts, 1):
        if not part.compiled:
            raise ValueError(f"layer {number} of the stack is not compiled: compile it before pretrain")
    for part in parts:
        if isinstance(part, RBM):
            part.fit(x, **fit)
        else:
            part.fit(x, x, **fit)
        x = stack([part]).predict(x, batch_size=1000, verbose=0)
    return stack(parts)


def stack(parts):
    """The hidden layers of all parts as one network: of an RBM a `Dense` sigmoid layer, p(y_j = 1 | x).

    Returns
    -------
    model : keras.Sequential
        New `Dense` layers with copies of the weights: (batch, n_inputs) -> (batch, units of the last part). Training it
        leaves the parts as they are.

    Raises
    ------
    ValueError
        No parts, sizes that do not fit, or a machine that was neither fitted nor built.
    """
    _check(parts)
    return _assembled([_halves(part)[0] for part in parts])


def unroll(parts):
    """The deep autoencoder of a stack: up through the hidden layers, and down again through the parts' other halves.

    The way down of an RBM is a `Dense` sigmoid layer with the transposed weights and the visible biases.

    Returns
    -------
    model : keras.Sequential
        New `Dense` layers with copies of the weights, not tied: (batch, n_inputs) -> (batch, n_inputs).

    Raises
    ------
    ValueError
        As `stack`.
    """
    _check(parts)
    up, down = zip(*(_halves(part) for part in parts), strict=True)
    return _assembled([*up, *down[::-1]])


def draw_labelled(y, n, n_classes, rng):
    """Which examples keep their label: n of them, as many of each class, drawn without replacement.

    Parameters
    ----------
    y : int array, shape (n_examples,)
        Classes, 0 to n_classes - 1.
    n : int
        A multiple of n_classes.
    rng : numpy.random.Generator

    Returns
    -------
    indices : int array, shape (n,)
        In random order.

    Raises
    ------
    ValueError
        Labels outside the classes, an n that cannot be shared out, or more labelled examples than a class has.
    """
    y = np.asarray(y)
    if not np.isin(y, np.arange(n_classes)).all():
        raise ValueError(f"labels must be whole numbers from 0 to {n_classes - 1}; got {np.unique(y)}")
    if n < n_classes or n % n_classes:
        raise ValueError(f"the labels must be a multiple of {n_classes}, as many of each class; got {n}")
    smallest = np.bincount(y, minlength=n_classes).min()
    if n // n_classes > smallest:
        raise ValueError(f"{n} labels need {n // n_classes} examples of each class; the smallest class has {smallest}")
    chosen = [rng.choice(np.flatnonzero(y == label), n // n_classes, replace=False) for label in range(n_classes)]
    return rng.permutation(np.concatenate(chosen))


def _sizes(part):
    """Inputs and hidden units; of an RBM that is not built yet the inputs are None."""
    if isinstance(part, RBM):
        return part.kernel.shape[0] if part.built else None, part.n_hidden
    if len(part.layers) < 2 or not all(isinstance(layer, layers.Dense) for layer in part.layers[-2:]):
        raise ValueError(f"a part must be an RBM or an autoencoder that ends in two Dense layers; got {part.layers}")
    if any(isinstance(layer, layers.Dense) for layer in part.layers[:-2]):
        raise ValueError(f"an autoencoder in a stack has one hidden layer; got {part.layers}")
    n_inputs, (hidden, output) = part.input_shape[-1], part.layers[-2:]
    if not (hidden.use_bias and output.use_bias):
        raise ValueError("both Dense layers of an autoencoder in a stack need a bias, use_bias=True")
    if output.units != n_inputs:
        raise ValueError(f"an autoencoder of {n_inputs} inputs must have as many outputs; got {output.units}")
    return n_inputs, hidden.units


def _check(parts, n_inputs=None):
    if not parts:
        raise ValueError("a stack needs at least one layer; got none")
    for number, part in enumerate(parts, 1):
        expected, n_hidden = _sizes(part)
        if None not in (expected, n_inputs) and expected != n_inputs:
            raise ValueError(f"layer {number} of the stack takes {expected} inputs; it would get {n_inputs}")
        n_inputs = n_hidden


def _halves(part):
    """(kernel, bias, activation) of the way up and of the way down."""
    if isinstance(part, RBM):
        kernel, visible, hidden = weights_of(part)
        return (kernel, hidden, "sigmoid"), (kernel.T, visible, "sigmoid")
    return [(*layer.get_weights(), layer.activation) for layer in part.layers[-2:]]


def _assembled(halves):
    model = keras.Sequential([keras.Input((len(halves[0][0]),))])
    for kernel, bias, activation in halves:
        model.add(layers.Dense(len(bias), activation, kernel_initializer="zeros"))  # draws no random numbers
        model.layers[-1].set_weights([kernel, bias])
    return model
