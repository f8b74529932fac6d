"""Layers that Keras does not have."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("aelib")
class DenseTranspose(keras.layers.Layer):
    """The transpose of another dense layer: `activation(x @ dense.kernel.T + bias)`, with a bias of its own.

    Training either layer changes the kernel of both. A model saves and loads with the tie if both layers are its own,
    not those of a model within it. What would lose the tie (a copy by `clone_model` or `from_config`, a file of
    nested models) is refused when it is built.

    Parameters
    ----------
    dense : keras.layers.Dense
        The layer whose kernel, (inputs, units), is used; it must be built (called) before this layer is called.
    activation : str or function, optional
        As in `keras.layers.Dense`; linear by default.

    Shapes: (batch, units) -> (batch, inputs).

    Raises
    ------
    TypeError
        `dense` is no `keras.layers.Dense`.
    ValueError
        `dense` is not built, or the input's last axis is not its number of units.
    """

    def __init__(self, dense, activation=None, **kwargs):
        if not isinstance(dense, keras.layers.Dense):
            raise TypeError(f"DenseTranspose ties to a keras.layers.Dense; got {dense!r}")
        super().__init__(**kwargs)
        self.dense = dense
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        if not self.dense.built:
            raise ValueError(
                f"{self.name} is tied to {self.dense.name}, which has no kernel yet: call that layer first"
            )
        n_inputs, units = self.dense.kernel.shape
        if input_shape[-1] != units:
            raise ValueError(
                f"{self.name} is tied to {self.dense.name} with a kernel of shape {(n_inputs, units)}, so its input "
                f"must have {units} columns; got the shape {tuple(input_shape)}"
            )
        self.bias = self.add_weight(name="bias", shape=(n_inputs,), initializer="zeros")

    def call(self, x):
        return self.activation(ops.matmul(x, ops.transpose(self.dense.kernel)) + self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.dense.kernel.shape[0])

    def get_config(self):
        dense = keras.saving.serialize_keras_object(self.dense)
        dense.pop("build_config", None)  # so that a copy without its partner is refused by `build`
        return super().get_config() | {
            "dense": dense,
            "activation": keras.activations.serialize(self.activation),
        }

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("dense")), **config)
