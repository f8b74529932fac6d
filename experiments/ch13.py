"""The tables of chapter 13: a convolutional GAN over its epochs, and importance-weighted bounds.

What is measured, and how, stands in the chapter; the networks are its own.

`gan`: the chapter's convolutional GAN (`channels` 32; 16: half of them in both players) on the 55,000 training images,
batches of 64, one Adam (rate 1e-3, beta_1 0.5, beta_2 0.99) for both players, whose rate falls linearly to a tenth; the
generator that is judged has the mean of the weights over about the last 200 steps. 10,000 of its images are judged
against the 10,000 test images, after some of the epochs (`frechet_4`: after the fourth), by features of a classifier
that no other table uses. `_training`: the same figures of 10,000 training images.

`importance`: 784-200-200-50, leaky ReLUs, on stochastically binarized images (drawn anew for each batch), batches of
100, Adam, a rate of 4e-3 with a cosine (leaky ReLUs and not tanh by one short run each, on validation images; no other
rate was tried with them); bounds of the 10,000 test images, binarized once with a fixed seed. `nats_200`: -L_200.
`active`: codes whose mean has a variance over the test images of more than 0.01.
"""

import math
import time

import joblib
import keras
import numpy as np
from keras import layers, ops
from sklearn.metrics.pairwise import euclidean_distances

from aelib.course import cosine_rate
from experiments import mnist
from experiments.table import STORED, complete, grid

(x_train, y_train), _, (x_test, _) = mnist.load()
x_train, x_test = x_train.reshape(-1, 784), x_test.reshape(-1, 784)


# ---- importance-weighted autoencoder


def two_layers(n_inputs, n_outputs):
    h = [layers.Dense(200, "leaky_relu"), layers.Dense(200, "leaky_relu")]
    return keras.Sequential([keras.Input((n_inputs,)), *h, layers.Dense(n_outputs)])


class ImportanceAutoencoder(keras.Model):
    def __init__(self, encoder, decoder, k, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.k = encoder, decoder, k
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x):
        return self.encoder(x)

    def log_weights(self, x, k):
        """log p(x, z) - log q(z|x) of k codes an image. (n, 784) -> (k, n)"""
        mean, log_var = ops.split(self.encoder(x), 2, axis=1)
        epsilon = keras.random.normal((k, *ops.shape(mean)), seed=self.seed_generator)
        z = mean + ops.exp(0.5 * log_var) * epsilon
        logits = ops.reshape(self.decoder(ops.reshape(z, (-1, z.shape[-1]))), (k, -1, x.shape[-1]))
        log_p_x = ops.einsum("kni,ni->kn", logits, x) - ops.sum(ops.softplus(logits), axis=-1)
        return log_p_x + 0.5 * ops.sum(ops.square(epsilon) + log_var - ops.square(z), axis=-1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        x = ops.cast(keras.random.uniform(ops.shape(x), seed=self.seed_generator) < x, "float32")
        return -ops.mean(importance_bound(self.log_weights(x, self.k)))


def importance_bound(log_w):
    """(k, ...) -> (...), log of the mean of the weights"""
    return ops.logsumexp(log_w, axis=0) - np.log(log_w.shape[0])


def importance_autoencoder(k, seed):
    encoder, decoder = two_layers(784, 100), two_layers(50, 784)
    mean = x_train.mean(axis=0)
    decoder.layers[-1].bias.assign(np.log((mean + 1e-3) / (1 - mean + 1e-3)))
    return ImportanceAutoencoder(encoder, decoder, k, seed)


def bounds(model, x, ks):
    """The mean of L_k over the images, for each k, from the same max(ks) codes an image (groups of k are averaged)."""
    log_w = [ops.convert_to_numpy(model.log_weights(x[i : i + 10], max(ks))) for i in range(0, len(x), 10)]
    log_w = np.concatenate(log_w, axis=1)
    return {k: float(np.mean(importance_bound(log_w.reshape(-1, k, len(x)).swapaxes(0, 1)))) for k in ks}


def binarize(x):
    return (np.random.default_rng(7).random(x.shape) < x).astype("float32")


def importance(k, epochs, seed):
    model = importance_autoencoder(k, seed)
    rate = cosine_rate(4e-3, len(x_train), 100, epochs)
    model.compile(keras.optimizers.Adam(rate, epsilon=1e-4), steps_per_execution=50)
    started = time.process_time()
    history = model.fit(x_train, batch_size=100, epochs=epochs, verbose=0).history["loss"]
    figures = {"cpu_seconds": f"{time.process_time() - started:.0f}", "train": f"{history[-1]:.2f}"}
    x = binarize(x_test)
    found = bounds(model, x, [1, 5, 50, 200])
    mean = np.split(model.encoder.predict(x, batch_size=1000, verbose=0), 2, axis=1)[0]
    figures |= {f"nats_{k}": f"{-nats:.2f}" for k, nats in found.items()}
    return figures | {"active": int((np.var(mean, axis=0) > 0.01).sum())}


# ---- the GAN


class GAN(keras.Model):
    """Two players, one loss: each player's loss has the other's weights or outputs behind `stop_gradient`."""

    def __init__(self, generator, discriminator, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator = generator, discriminator
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        return self.discriminator(x, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        z = keras.random.normal((ops.shape(x)[0], self.generator.input_shape[1]), seed=self.seed_generator)
        fake = self.generator(z, training=training)
        both = self.discriminator(ops.concatenate([x, ops.stop_gradient(fake)]), training=training)
        real_logits, fake_logits = ops.split(both, 2)
        d_loss = ops.mean(ops.softplus(-real_logits) + ops.softplus(fake_logits))
        return d_loss + ops.mean(fooled(self.discriminator, fake, training))


def fooled(critic, made_up, training=False):
    """The loss of who wants the critic to take this for real; its weights stand still. (n, ...) -> (n, 1)"""
    weights = [ops.stop_gradient(v.value) for v in critic.trainable_variables]
    others = [v.value for v in critic.non_trainable_variables]
    return ops.softplus(-critic.stateless_call(weights, others, made_up, training=training)[0])


def generator(channels):
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(49 * 2 * channels, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Reshape((7, 7, 2 * channels)),
            layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="sigmoid"),
        ]
    )


def discriminator(channels):
    hidden = []
    for filters in (channels, 2 * channels):
        hidden += [layers.Conv2D(filters, 4, 2, "same"), layers.LeakyReLU(0.2)]
    first = [keras.Input((28, 28, 1)), layers.Rescaling(2.0, -1.0)]
    return keras.Sequential([*first, *hidden, layers.Flatten(), layers.Dense(1)])


class Measure(keras.callbacks.Callback):
    """The figures of the ruler after some epochs, of the mean weights; stands behind `SwapEMAWeights`."""

    def __init__(self, epochs, ruler):
        super().__init__()
        self.wanted, self.ruler, self.found = {*epochs}, ruler, {}
        self.z = np.random.default_rng(1).normal(size=(10_000, 64)).astype("float32")

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.wanted:
            images = self.model.generator.predict(self.z, batch_size=500, verbose=0)
            for name, figure in self.ruler(images).items():
                self.found[f"{name}_{epoch + 1}"] = f"{figure:.4g}"


def gan(epochs, channels, seed):
    ruler = Ruler()
    keras.utils.set_random_seed(seed)  # whether the classifier was read or trained just now
    model = GAN(generator(channels), discriminator(channels), seed=seed)
    steps = epochs * math.ceil(len(x_train) / 64)
    falling = keras.optimizers.schedules.PolynomialDecay(1e-3, steps, 1e-4)
    mean_weights = {"use_ema": True, "ema_momentum": 0.995}
    model.compile(keras.optimizers.Adam(falling, beta_1=0.5, beta_2=0.99, **mean_weights), steps_per_execution=43)
    measure = Measure([n for n in (1, 2, 3, 4, 6, 8, 10, 12, 16, 20) if n <= epochs], ruler)
    started = time.process_time()
    callbacks = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True), measure]
    model.fit(x_train.reshape(-1, 28, 28, 1), batch_size=64, epochs=epochs, verbose=0, callbacks=callbacks)
    figures = {"cpu_seconds": f"{time.process_time() - started:.0f}"}
    train = ruler(x_train[:10_000])
    return figures | {f"{name}_training": f"{figure:.4g}" for name, figure in train.items()} | measure.found


# ---- the ruler


def classifier():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, 2, "same", activation="relu"),
            layers.Conv2D(64, 3, 2, "same", activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(128, "relu"),
            layers.Dropout(0.3),
            layers.Dense(10),
        ]
    )


@joblib.Memory(STORED, verbose=0).cache
def classifier_weights():
    keras.utils.set_random_seed(0)
    model = classifier()
    rate = cosine_rate(2e-3, len(x_train), 128, 8)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=43)
    model.fit(x_train.reshape(-1, 28, 28, 1), y_train, batch_size=128, epochs=8, verbose=0)
    return model.get_weights()


def reader():
    """The classifier with two answers: its 128 features and its logits."""
    model = classifier()
    model.set_weights(classifier_weights())
    return keras.Model(model.inputs, [model.layers[-3].output, model.outputs[0]])


def features(model, x):
    """Both answers of a `reader` to images of any shape."""
    found, logits = model.predict(x.reshape(-1, 28, 28, 1), batch_size=1000, verbose=0)
    return found.astype("float64"), logits


class Ruler:
    """What 10,000 images are worth, by 128 features and the class of a classifier; against the 10,000 test images."""

    def __init__(self):
        self.model = reader()
        self.real, _ = features(self.model, x_test)

    def __call__(self, x):
        found, logits = features(self.model, x)
        shares = np.bincount(logits.argmax(axis=1), minlength=10) / len(x)
        precision, recall = precision_recall(found[:5000], self.real[:5000])
        figures = {"frechet": frechet(found, self.real), "precision": precision, "recall": recall}
        return figures | {"rarest": shares.min(), "most": shares.max()}


def frechet(a, b):
    """Squared Fréchet distance of two normal distributions with the means and covariances of a and b."""
    c_a, c_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(c_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    both = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ c_b @ root), 0)).sum()
    return float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(c_a) + np.trace(c_b) - 2 * both)


def precision_recall(made, real, k=3):
    """Shares of made images in a ball of a real one, and the reverse; a ball reaches to the k-th of its own kind."""
    inside = []
    between = euclidean_distances(made, real, squared=True)
    for centres, distances in ((real, between), (made, between.T)):
        radii = np.partition(euclidean_distances(centres, squared=True), k, axis=1)[:, k]
        inside.append(float((distances <= radii).any(axis=1).mean()))
    return inside


def main():
    complete("importance", grid(seed=range(3), k=[1, 5], epochs=[16]), importance)
    complete("gan", grid(channels=[32, 16], seed=range(3), epochs=[8]), gan)
