"""The tables of chapter 04: what wrong formulas cost, and a VAE against a plain autoencoder.

Every network is the lecture's, 784-500-500-20, in batches of 150; the formulas are compared under Adam at 0.001. Losses
are nats per image, one z an image, means over all 10,000 test images. Nothing is chosen by the test images.
"""

import keras
import numpy as np
from keras import layers, ops
from scipy.special import expit

from aelib import losses
from aelib.course import cosine_rate
from aelib.layers import Sampling, VariationalLoss
from experiments import mnist
from experiments.table import complete, grid

(x_train, y_train), _, (x_test, y_test) = mnist.load()
x_train, x_test = x_train.reshape(-1, 784), x_test.reshape(-1, 784)


def std(t):
    return ops.exp(0.5 * t)


def kl_of_scale(z_mean, t):
    return losses.kl_to_standard_normal(z_mean, ops.log(1e-10 + t**2))


# of the layer's output t that stands beside z_mean: (what multiplies the noise, KL term, its weight, reconstruction's)
FORMULAS = {
    "right": (std, losses.kl_to_standard_normal, 1, 1),
    "scale is exp(t)": (ops.exp, losses.kl_to_standard_normal, 1, 1),
    "scale is t": (lambda t: t, kl_of_scale, 1, 1),
    "scale is t and starts at 1": (lambda t: t, kl_of_scale, 1, 1),
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
    second = linear(20)
    if formula.endswith("starts at 1"):
        second = layers.Dense(20, kernel_initializer="zeros", bias_initializer="ones")
    model = keras.Model(x, Formula(decoder, formula)([x, linear(20)(h), second(h)]))
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


def halves():
    """The encoder, to z_mean and z_log_var, and the decoder, to logits."""
    x, z = keras.Input((784,)), keras.Input((20,))
    h = hidden(x)
    encoder = keras.Model(x, [layers.Dense(20)(h), layers.Dense(20)(h)])
    return encoder, keras.Model(z, layers.Dense(784)(hidden(z)))


def fit(model, loss, target, epochs):
    adam = keras.optimizers.Adam(cosine_rate(2e-3, len(x_train), 150, epochs), beta_2=0.95)
    model.compile(adam, loss, steps_per_execution=20)
    model.fit(x_train, target, batch_size=150, epochs=epochs, verbose=0)


def variational(encoder, decoder):
    x = keras.Input((784,))
    z_mean, z_log_var = encoder(x)
    return keras.Model(x, VariationalLoss()([x, decoder(Sampling()([z_mean, z_log_var])), z_mean, z_log_var]))


def train_judge():
    """A classifier, 784-300-10. Always of one seed: it is the ruler."""
    keras.utils.set_random_seed(0)
    judge = keras.Sequential([keras.Input((784,)), layers.Dense(300, "relu"), layers.Dense(10, "softmax")])
    judge.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=43)
    judge.fit(x_train, y_train, batch_size=128, epochs=2, verbose=0)
    return judge


def frechet(a, b):
    """Fréchet distance of the normal distributions with the means and covariances of a and b, (n, n_features) each."""
    of_means = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    one, other = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    both = np.sqrt(np.linalg.eigvals(one @ other).real.clip(min=0)).sum()
    return of_means + np.trace(one) + np.trace(other) - 2 * both


def new_pictures(kind, epochs, seed):
    """What a judge says of samples, of middles between two images, and of concept vectors.

    `confidence_*` is the mean of the judge's largest probability, `frechet_*` the distance of its hidden layer for
    1,000 pictures from the same for the test images. Codes are drawn from the prior, and (`fitted`) from a normal
    distribution with the mean and covariance of the network's codes of 10,000 training images.
    `concept_a_b` is the share of test images of class a that the judge reads as b, when the mean code of b minus that
    of a is added; `before_a_b` the share without that.
    """
    judge = train_judge()
    keras.utils.set_random_seed(seed)
    encoder, decoder = halves()
    if kind == "VAE":
        fit(variational(encoder, decoder), None, None, epochs)
    else:
        plain = keras.Model(encoder.inputs, ops.sigmoid(decoder(encoder.outputs[0])))
        fit(plain, "binary_crossentropy", x_train, epochs)

    def decoded(z):
        return expit(ops.convert_to_numpy(decoder(np.asarray(z, "float32"))))

    def judged(z):
        return ops.convert_to_numpy(judge(decoded(z)))

    def off_digits(x):
        return frechet(*(ops.convert_to_numpy(judge.layers[0](part)) for part in (x, x_test)))

    rng = np.random.default_rng(seed)
    z_train, z_test = (encoder.predict(x, batch_size=1000, verbose=0)[0] for x in (x_train[:10_000], x_test))
    drawn = rng.standard_normal((1000, 20))
    fitted = rng.multivariate_normal(z_train.mean(axis=0), np.cov(z_train, rowvar=False), size=1000)
    found = {
        "confidence_prior": judged(drawn).max(axis=1).mean(),
        "confidence_fitted": judged(fitted).max(axis=1).mean(),
        "confidence_middle": judged((z_test[:250] + z_test[250:500]) / 2).max(axis=1).mean(),
        "confidence_rebuilt": judged(z_test[:1000]).max(axis=1).mean(),
        "frechet_prior": off_digits(decoded(drawn)),
        "frechet_fitted": off_digits(decoded(fitted)),
        "frechet_train": off_digits(x_train[:1000]),
    }
    for source, target in ((4, 9), (1, 7), (5, 6), (3, 8)):
        one, other = (z_train[y_train[:10_000] == digit].mean(axis=0) for digit in (source, target))
        z = z_test[y_test == source][:500]
        found[f"before_{source}_{target}"] = np.mean(judged(z).argmax(axis=1) == target)
        found[f"concept_{source}_{target}"] = np.mean(judged(z + other - one).argmax(axis=1) == target)
    return found


def main():
    complete("formulas", grid(formula=list(FORMULAS), epochs=[5], seed=range(3)), with_formula)
    complete("pictures", grid(kind=["VAE", "plain"], epochs=[5], seed=range(3)), new_pictures)
