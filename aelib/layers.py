"""Layers that Keras does not have."""

import keras
import numpy as np
from keras import ops

from aelib import losses


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
        dense = keras.saving.deserialize_keras_object(config["dense"])
        return cls(**config | {"dense": dense})


@keras.saving.register_keras_serializable("aelib")
class Sampling(keras.layers.Layer):
    """One draw from the diagonal Gaussian of each example, `z_mean + exp(0.5 * z_log_var) * epsilon`.

    The noise is new in every call, in training and out of it: `evaluate` needs it for the bound. Where the mean is
    wanted, use `z_mean`. The generator belongs to the layer, which saves its state with the model (Keras would not).

    Parameters
    ----------
    seed : int, optional
        Seed of the layer's own generator; without one, the global seed decides.

    Shapes: a list of z_mean and z_log_var, both (batch, latent_dim) -> (batch, latent_dim).

    Raises
    ------
    ValueError
        The input is not a list of two tensors of one shape (batch, latent_dim).

    Source: Kingma & Welling 2014, section 2.4.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        shapes = _shapes(input_shape)
        if len(shapes) != 2 or len(shapes[0]) != 2 or shapes[0][1:] != shapes[1][1:]:
            raise ValueError(f"{self.name} takes [z_mean, z_log_var], both (batch, latent_dim); got {shapes}")

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(ops.shape(z_mean), dtype=z_mean.dtype, seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def save_own_variables(self, store):
        store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["seed_state"])

    def get_config(self):
        return super().get_config() | {"seed": self.seed}


@keras.saving.register_keras_serializable("aelib")
class VariationalLoss(keras.layers.Layer):
    """Adds the negative evidence lower bound, cross-entropy + beta * KL, to the model; returns the reconstruction.

    Both terms are nats per example, summed over pixels and over latent dimensions; their means over the batch are the
    loss that is added, and the metrics "reconstruction" and "kl" (without beta). Compile the model with `loss=None`.
    On the JAX backend there are no such metrics, only the loss: Keras's trainer does not carry a layer's metrics there.

    Parameters
    ----------
    beta : float
        Weight of the KL term; 1 for the bound.

    Shapes: a list of images x (batch, ...), logits of the same shape, z_mean and z_log_var (batch, latent_dim)
    -> sigmoid(logits).

    Raises
    ------
    ValueError
        beta is negative, NaN or infinite; the input is not such a list of four.

    Source: Kingma & Welling 2014, equation 10; beta: Higgins et al. 2017.
    """

    def __init__(self, beta=1.0, **kwargs):
        if not 0 <= beta < float("inf"):
            raise ValueError(f"beta must be a finite number of at least 0; got {beta!r}")
        super().__init__(**kwargs)
        self.beta = beta
        self.has_metrics = keras.backend.backend() != "jax"  # its trainer does not carry the metrics of a layer
        if self.has_metrics:
            self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction")
            self.kl_tracker = keras.metrics.Mean(name="kl")

    def build(self, input_shape):
        shapes = _shapes(input_shape)
        if len(shapes) != 4 or shapes[0][1:] != shapes[1][1:] or shapes[2][1:] != shapes[3][1:] or len(shapes[2]) != 2:
            raise ValueError(
                f"{self.name} takes [x, logits, z_mean, z_log_var], the first two of one shape and the last two "
                f"(batch, latent_dim); got {shapes}"
            )

    def call(self, inputs):
        x, logits, z_mean, z_log_var = inputs
        reconstruction = losses.cross_entropy(x, logits)
        kl = losses.kl_to_standard_normal(z_mean, z_log_var)
        self.add_loss(ops.mean(reconstruction + self.beta * kl))
        if self.has_metrics:
            self.reconstruction_tracker.update_state(reconstruction)
            self.kl_tracker.update_state(kl)
        return ops.sigmoid(logits)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[1])

    def get_config(self):
        return super().get_config() | {"beta": self.beta}


@keras.saving.register_keras_serializable("aelib")
class KSparse(keras.layers.Layer):
    """Keeps the k largest units of each example and sets all others to zero, in training and out of it.

    Exactly k units are kept: where several are equal at the border, those of the lower numbers. The gradient passes
    through the units that are kept. `k` is a weight that no optimizer changes, so a schedule may lower it while a model
    is trained (`set_k`, between two epochs), and a model is saved with the k that it has by then.

    Parameters
    ----------
    k : int
        How many units are kept at first; 1 or more, and not more than there are.
    by : {"value", "magnitude"}
        Whether the largest units are those of the largest values, or of the largest absolute values.

    Shapes: (..., units) -> (..., units).

    Raises
    ------
    ValueError
        k is no whole number of at least 1, or there are fewer units than k; `by` is not one of its two values.

    Source: Makhzani & Frey 2014.
    """

    def __init__(self, k, by="value", **kwargs):
        if by not in ("value", "magnitude"):
            raise ValueError(f"by must be 'value' or 'magnitude'; got {by!r}")
        super().__init__(**kwargs)
        self.initial_k = _count(k)
        self.by = by

    def build(self, input_shape):
        self.units = input_shape[-1]
        self._check(self.initial_k)
        start = keras.initializers.Constant(self.initial_k)
        self.k = self.add_weight(name="k", shape=(), initializer=start, dtype="int32", trainable=False)

    def set_k(self, k):
        """Keep k units from now on. ValueError where that is no whole number from 1 to the number of units."""
        if not self.built:
            raise ValueError(f"{self.name} does not know its units yet: call it before set_k")
        self._check(_count(k))
        self.k.assign(k)

    def _check(self, k):
        if k > self.units:
            raise ValueError(f"{self.name} cannot keep k = {k} of {self.units} units")

    def call(self, z):
        size = ops.stop_gradient(ops.abs(z) if self.by == "magnitude" else z)
        border = ops.take(ops.sort(size, axis=-1), self.units - self.k, axis=-1)[..., None]  # the k-th largest
        above, level = size > border, size == border
        room = self.k - ops.sum(ops.cast(above, "int32"), axis=-1, keepdims=True)
        first = ops.cumsum(ops.cast(level, "int32"), axis=-1) <= room
        return ops.where(ops.logical_or(above, ops.logical_and(level, first)), z, ops.zeros_like(z))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return super().get_config() | {"k": self.initial_k, "by": self.by}


def _count(k):
    """k as an int, if it is a whole number of at least 1."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1; got {k!r}")
    return int(k)


def _shapes(input_shape):
    """The shapes of a list of inputs; of a single input a list of one."""
    return [tuple(shape) for shape in (input_shape if isinstance(input_shape, list) else [input_shape])]
