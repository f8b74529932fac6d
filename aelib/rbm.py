"""The restricted Boltzmann machine with binary units as a Keras model, and what can be known of its partition function.

In the notation of the lecture: visible states x, hidden states y, weights w (the kernel), thresholds T (the biases),

    E(x, y) = -sum_ij x_i w_ij y_j - sum_i T_i x_i - sum_j T_j y_j,      P(x, y) = exp(-E(x, y)) / Z.

The model is Keras throughout; the functions below it are NumPy in, NumPy out, with the generator passed in.
"""

import keras
import numpy as np
from keras import ops
from scipy.special import expit, logsumexp
from threadpoolctl import threadpool_limits

from aelib.noise import check_images

LARGEST = 20  # units of a layer whose states can be enumerated: 2**20 of them
_one_thread = threadpool_limits.wrap(
    limits=1
)  # small products: a second thread gains little, and much is lost to spinning


class _StopAtNaN(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        figures = dict(logs or {}) | {weight.name: weight for weight in self.model.trainable_variables}
        for name, value in figures.items():
            if not np.isfinite(ops.convert_to_numpy(value)).all():
                raise FloatingPointError(f"epoch {epoch + 1}: {name} holds NaN or infinity; lower the learning rate?")


@keras.saving.register_keras_serializable("aelib")
class RBM(keras.Model):
    """A restricted Boltzmann machine, trained by contrastive divergence or with persistent chains.

    `fit(x)` takes images without targets and any optimiser (`compile(optimizer)`). Its `loss` is the mean free energy
    of the batch minus that of the ends of the chains (plus the penalty): its gradient is the update of CD-k with
    hidden probabilities at both ends, averaged over the batch; its value says nothing. `free_energy` is the mean of F
    over the images, in `fit` and in `evaluate`, which runs no chain and changes nothing; there the loss is the same
    number. `predict` returns p(y_j = 1 | x).

    Parameters
    ----------
    n_hidden : int
        Hidden units.
    k : int
        Gibbs steps for each update.
    n_chains : int, optional
        The chains go on from update to update, and there are so many of them, whatever the batch. They are drawn once
        by fair coins, stored with the model, and move in training only. By default each update starts its chains at
        the batch: CD-k.
    weight_decay : float
        Adds weight_decay / 2 times the sum of the squared weights (not of the biases) to the loss.
    seed : int, optional
        Of the model's own random numbers: of the chains, not of the initial weights. A loaded model begins them anew.

    Shapes: images (batch, n_visible), values in [0, 1] -> hidden probabilities (batch, n_hidden).

    Raises
    ------
    TypeError
        Targets or sample weights in `fit`.
    ValueError
        A number that is out of range; images of another width; in `fit`, `evaluate` and `predict` of an array: pixels
        outside [0, 1] or NaN.
    FloatingPointError
        In `fit`: a figure or weight is not finite at the end of an epoch.

    Source: lecture, section 19.1; Hinton 2002; Tieleman 2008 (persistent chains).
    """

    def __init__(self, n_hidden, k=1, n_chains=None, weight_decay=0.0, seed=None, **kwargs):
        for name, number in (("n_hidden", n_hidden), ("k", k), ("n_chains", 1 if n_chains is None else n_chains)):
            if not (isinstance(number, (int, np.integer)) and number >= 1):
                raise ValueError(f"{name} must be a whole number, 1 or more; got {number!r}")
        if not 0 <= weight_decay < np.inf:
            raise ValueError(f"weight_decay must be finite, 0 or more; got {weight_decay}")
        super().__init__(**kwargs)
        self.n_hidden, self.k, self.n_chains, self.weight_decay, self.seed = n_hidden, k, n_chains, weight_decay, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.free_energy_tracker = keras.metrics.Mean(name="free_energy")

    def build(self, input_shape):
        if len(input_shape) != 2 or not input_shape[1]:
            raise ValueError(f"an RBM needs images of the shape (batch, n_visible); got {tuple(input_shape)}")
        n_visible = input_shape[1]
        small = keras.initializers.RandomNormal(stddev=0.01)
        self.kernel = self.add_weight(name="kernel", shape=(n_visible, self.n_hidden), initializer=small)
        self.visible_bias = self.add_weight(name="visible_bias", shape=(n_visible,), initializer="zeros")
        self.hidden_bias = self.add_weight(name="hidden_bias", shape=(self.n_hidden,), initializer="zeros")
        self.chains = None
        if self.n_chains:
            self.chains = self.add_weight(
                name="chains",
                shape=(self.n_chains, n_visible),
                initializer=lambda shape, dtype: ops.cast(keras.random.uniform(shape, seed=self.seed) < 0.5, dtype),
                trainable=False,
            )

    def call(self, x):
        return self.hidden_probabilities(x)

    def hidden_probabilities(self, x):
        """p(y_j = 1 | x), (19.1). (batch, n_visible) -> (batch, n_hidden)"""
        return ops.sigmoid(self._hidden_sums(x))

    def visible_probabilities(self, y):
        """p(x_i = 1 | y), (19.2). (batch, n_hidden) -> (batch, n_visible)"""
        y = ops.cast(y, self.compute_dtype)
        return ops.sigmoid(ops.matmul(y, ops.transpose(self.kernel)) + self.visible_bias)

    def free_energy(self, x):
        """F(x) = -ln sum_y exp(-E(x, y)) in nats, so that P(x) = exp(-F(x)) / Z. (batch, n_visible) -> (batch,)"""
        hidden = ops.sum(ops.softplus(self._hidden_sums(x)), axis=-1)
        return -ops.matmul(ops.cast(x, self.compute_dtype), self.visible_bias) - hidden

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        free_energy = self.free_energy(x)
        self.free_energy_tracker.update_state(free_energy)
        if not training:
            return ops.mean(free_energy)
        end = self._chain_end(x if self.chains is None else self.chains)
        if self.chains is not None:
            self.chains.assign(end)
        loss = ops.mean(free_energy) - ops.mean(self.free_energy(end))
        if self.weight_decay:
            loss += self.weight_decay / 2 * ops.sum(ops.square(self.kernel))
        return loss

    def fit(self, x, y=None, *, callbacks=None, **kwargs):
        if y is not None:
            raise TypeError("an RBM is trained without targets: expected fit(x), got fit(x, y)")
        if kwargs.get("sample_weight") is not None:
            raise TypeError("an RBM weighs all images alike: expected fit(x), got sample_weight=")
        return super().fit(_checked(x), callbacks=[*(callbacks or []), _StopAtNaN()], **kwargs)

    def evaluate(self, x, **kwargs):
        return super().evaluate(_checked(x), **kwargs)

    def predict(self, x, **kwargs):
        return super().predict(_checked(x), **kwargs)

    def get_config(self):
        names = "n_hidden", "k", "n_chains", "weight_decay", "seed"
        return super().get_config() | {name: getattr(self, name) for name in names}

    def _hidden_sums(self, x):
        _check_width(x, self.kernel.shape[0])
        return ops.matmul(ops.cast(x, self.compute_dtype), self.kernel) + self.hidden_bias

    def _chain_end(self, x):
        for _ in range(self.k):
            y = self._sample(self.hidden_probabilities(x))
            x = self._sample(self.visible_probabilities(y))
        return ops.stop_gradient(x)

    def _sample(self, p):  # 16 bits would draw a multiple of 1/1024: too coarse for small p
        draws = keras.random.uniform(ops.shape(p), dtype="float32", seed=self.seed_generator)
        return ops.cast(draws < ops.cast(p, "float32"), p.dtype)


def base_logits(x):
    """Thresholds of the independent pixels nearest to the images: ln(p / (1 - p)), p = (sum of x + 1) / (n + 2).

    The start of the visible biases, and the base of `annealed_log_partition`: of training images in both cases.

    Parameters
    ----------
    x : float array, shape (n, n_visible)
        Images with values in [0, 1].

    Returns
    -------
    logits : float64 array, shape (n_visible,)

    Raises ValueError for pixels outside [0, 1].

    Source: Hinton 2010, section 8.1; the added 1 and 2 keep pixels that are never on finite.
    """
    x = check_images(x)
    p = (x.sum(axis=0, dtype=np.float64) + 1) / (len(x) + 2)
    return np.log(p / (1 - p))


def weights_of(rbm):
    """Kernel (n_visible, n_hidden), visible and hidden biases as arrays; ValueError for a machine without weights."""
    if not rbm.built:
        raise ValueError(f"the RBM with {rbm.n_hidden} hidden units has no weights yet; fit it first")
    return [ops.convert_to_numpy(weight) for weight in (rbm.kernel, rbm.visible_bias, rbm.hidden_bias)]


@_one_thread
def gibbs(rbm, x, n_steps, rng, known=None):
    """A chain for each image: hidden states given the image, an image given those, and so on.

    Parameters
    ----------
    rbm : RBM
    x : float array, shape (n, n_visible)
        Where the chains start, values in [0, 1].
    n_steps : int
        1 or more.
    rng : numpy.random.Generator
    known : bool array of a shape that fits x, optional
        Pixels that keep the value they have in x; the others are drawn.

    Returns
    -------
    chain : float32 array, shape (n_steps + 1, n, n_visible)
        chain[0] is x, the others are states of 0 and 1 (where not known).

    Raises
    ------
    ValueError
        Pixels outside [0, 1], images of another width, no step, or a machine without weights.
    """
    if n_steps < 1:
        raise ValueError(f"at least 1 Gibbs step is needed; got {n_steps}")
    w, visible_bias, hidden_bias = weights_of(rbm)
    chain = [check_images(x)]
    _check_width(chain[0], len(visible_bias))
    for _ in range(n_steps):
        y = _sample(expit(chain[-1] @ w + hidden_bias), rng)
        state = _sample(expit(y @ w.T + visible_bias), rng)
        chain.append(state if known is None else np.where(known, chain[0], state))
    return np.stack(chain)


def exact_log_partition(rbm):
    """ln Z, by summing over all states of the smaller layer (the other is summed in closed form).

    Raises ValueError where neither layer has 20 units or fewer, or the machine has no weights.
    """
    w, visible_bias, hidden_bias = (weight.astype(np.float64) for weight in weights_of(rbm))
    if len(visible_bias) < len(hidden_bias):
        w, visible_bias, hidden_bias = w.T, hidden_bias, visible_bias
    if len(hidden_bias) > LARGEST:
        raise ValueError(
            f"2**{len(hidden_bias)} states are too many to enumerate: one layer must have {LARGEST} units or fewer; "
            "estimate ln Z with annealed_log_partition"
        )
    terms = []
    for start in range(0, 2 ** len(hidden_bias), 4096):
        y = states(len(hidden_bias), start, start + 4096)
        terms.append(y @ hidden_bias + np.logaddexp(0, y @ w.T + visible_bias).sum(axis=1))
    return float(logsumexp(np.concatenate(terms)))


def states(n_units, start=0, stop=None):
    """All 2**n_units states of binary units, or those from `start` to `stop`, in binary counting order. (n, n_units)"""
    numbers = np.arange(start, 2**n_units if stop is None else min(stop, 2**n_units))
    return (numbers[:, None] >> np.arange(n_units)[::-1] & 1).astype(np.float64)


@_one_thread
def annealed_log_partition(rbm, logits, betas, n_chains, rng):
    """ln Z by annealed importance sampling, from independent pixels (beta = 0) to the machine (beta = 1).

    Between them, ln p*(x) = (1 - beta) logits·x + beta T·x + sum_j ln(1 + exp(beta (x W + T)_j)). A chain that starts
    as an exact sample of the first distribution is moved by one Gibbs step at each temperature, and collects the
    logarithm of its weight on the way. Z over the Z of the independent pixels is the mean of the weights.

    Parameters
    ----------
    rbm : RBM
    logits : float array, shape (n_visible,)
        Of the independent pixels: see `base_logits`.
    betas : float array, shape (m,)
        Inverse temperatures, rising from 0 to 1.
    n_chains : int
        2 or more.
    rng : numpy.random.Generator

    Returns
    -------
    log_z, standard_error : float
        In nats. The error is that of the mean weight over the mean weight, from the scatter of the weights: it knows
        nothing of what no chain has met.

    Raises
    ------
    ValueError
        Temperatures that do not rise from 0 to 1, fewer than two chains, logits of another width, or a machine without
        weights.

    Source: Neal 2001; Salakhutdinov & Murray 2008.
    """
    betas = np.asarray(betas, dtype=np.float64)
    if betas.ndim != 1 or len(betas) < 2 or betas[0] != 0 or betas[-1] != 1 or not (np.diff(betas) > 0).all():
        raise ValueError("betas must rise from 0 to 1, both included")
    if n_chains < 2:
        raise ValueError(f"at least 2 chains are needed for an error bar; got {n_chains}")
    w, visible_bias, hidden_bias = weights_of(rbm)
    logits = np.asarray(logits, dtype=np.float32)
    if logits.shape != visible_bias.shape:
        raise ValueError(f"logits must have the shape {visible_bias.shape}; got {logits.shape}")
    x = _sample(expit(np.tile(logits, (n_chains, 1))), rng)
    log_weights = np.zeros(n_chains)
    for before, beta in zip(betas[:-1].astype(np.float32), betas[1:].astype(np.float32), strict=True):
        sums = x @ w + hidden_bias
        log_weights += (beta - before) * (x @ (visible_bias - logits)) + (
            _softplus(beta * sums) - _softplus(before * sums)
        ).sum(axis=1, dtype=np.float64)
        y = _sample(expit(beta * sums), rng)
        x = _sample(expit((1 - beta) * logits + beta * (y @ w.T + visible_bias)), rng)
    base = len(hidden_bias) * np.log(2) + np.logaddexp(0, logits.astype(np.float64)).sum()
    weights = np.exp(log_weights - log_weights.max())
    log_z = base + log_weights.max() + np.log(weights.mean())
    return float(log_z), float(weights.std(ddof=1) / n_chains**0.5 / weights.mean())


def _check_width(x, n_visible):
    if x.shape[-1] != n_visible:
        raise ValueError(f"this RBM has {n_visible} visible units; got images of shape {tuple(x.shape)}")


def _checked(x):
    return check_images(x) if isinstance(x, (np.ndarray, list)) else x


def _sample(p, rng):
    return (rng.random(p.shape, dtype=np.float32) < p).astype(np.float32)


def _softplus(a):
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))
