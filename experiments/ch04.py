"""The table of chapter 04: what wrong formulas cost.

Every network is the lecture's, 784-500-500-20, Adam 0.001, batches of 150. Figures are nats per image, one z an image,
means over all 10,000 test images. Nothing is chosen by the test images.
"""

import keras
import numpy as np
from keras import layers, ops

from aelib import data, losses
from experiments.table import complete, grid

(x_train, _), _, (x_test, _) = data.load_mnist()
x_train, x_test = x_train.reshape(-1, 784), x_test.reshape(-1, 784)


def std(t):
    return ops.exp(0.5 * t)


# of the layer's output t that stands beside z_mean: (what multiplies the noise, KL term, its weight, reconstruction's)
FORMULAS = {
    "right": (std, losses.kl_to_standard_normal, 1, 1),
    "scale is exp(t)": (ops.exp, losses.kl_to_standard_normal, 1, 1),
    "scale is t": (lambda t: t, lambda z_mean, t: losses.kl_to_standard_normal(z_mean, ops.log(1e-10 + t**2)), 1, 1),
    "KL as printed": (std, lambda z_mean, t: ops.sum(z_mean**2 + ops.exp(t) - 0.5 * t - 1, axis=1), 1, 1),
    "KL averaged over codes": (std, losses.kl_to_standard_normal, 1 / 20, 1),
    "cross-entropy averaged over pixels": (std, losses.kl_to_standard_normal, 1, 1 / 784),
}


class Formula(layers.Layer):
    """Draws z, decodes it, adds the loss; returns z_mean and what multiplied the noise."""

    def __init__(self, decoder, formula):
        super().__init__()
        self.decoder = decoder
        self.scale, self.kl, self.beta, self.reconstruction = FORMULAS[formula]
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs):
        x, z_mean, t = inputs
        scale = self.scale(t)
        z = z_mean + scale * keras.random.normal(ops.shape(z_mean), seed=self.seed_generator)
        reconstruction = self.reconstruction * losses.cross_entropy(x, self.decoder(z))
        self.add_loss(ops.mean(reconstruction + self.beta * self.kl(z_mean, t)))
        return z_mean, scale


def hidden(h):
    """The two hidden layers of one half of the lecture's network."""
    for _ in range(2):
        h = layers.Dense(500, activation="elu", kernel_initializer="he_normal")(h)
    return h


def linear(units):
    return layers.Dense(units, kernel_initializer="he_normal")


def with_formula(formula, epochs, seed):
    """The bound is computed by the right formulas, from the distribution that z was really drawn from."""
    x, z = keras.Input((784,)), keras.Input((20,))
    decoder = keras.Model(z, linear(784)(hidden(z)))
    h = hidden(x)
    model = keras.Model(x, Formula(decoder, formula)([x, linear(20)(h), linear(20)(h)]))
    model.compile(keras.optimizers.Adam(1e-3), loss=None, steps_per_execution=50)
    model.fit(x_train, batch_size=150, epochs=epochs, verbose=0)
    z_mean, scale = model.predict(x_test, batch_size=1000, verbose=0)
    z_log_var = np.log(1e-10 + scale**2)
    noise = np.random.default_rng(seed).standard_normal(z_mean.shape)
    logits = decoder.predict(z_mean + np.exp(z_log_var / 2) * noise, batch_size=1000, verbose=0)
    kl = np.asarray(losses.kl_to_standard_normal(z_mean, z_log_var)).mean()
    reconstruction = np.asarray(losses.cross_entropy(x_test, logits)).mean()
    return {
        "test_bound": reconstruction + kl,
        "test_reconstruction": reconstruction,
        "test_kl": kl,
        "negative_scales": (scale < 0).mean(),
    }


def main():
    complete("formulas", grid(formula=list(FORMULAS), epochs=[5], seed=range(3)), with_formula)
