"""Autodiff of whichever backend Keras runs on: an oracle for the tests."""

import keras
import numpy as np
from keras import ops


def gradients(function, variables, moved=()):
    """d function() / d variable of each of the Keras variables, as arrays; of several numbers their sum's.

    `moved` are the variables that the function assigns to and that shall keep it.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = function()
        values = [variable.value for variable in variables]
        found = tape.gradient(value, values, unconnected_gradients="zero")
    else:
        import jax

        def stateless(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
                value = ops.sum(function())
            return value, [scope.get_current_value(variable) for variable in moved]

        found, ends = jax.grad(stateless, has_aux=True)([variable.value for variable in variables])
        for variable, end in zip(moved, ends, strict=True):
            if end is not None:
                variable.assign(end)
    return [np.array(gradient) for gradient in found]
