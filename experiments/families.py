"""The tables of all families: what every kind of autoencoder of the course makes of MNIST under one protocol.

All learn from the 55,000 training images (gray, without labels), each for as many steps as fit in SECONDS of one core.
The rate rises over the first twentieth of the steps and falls by a cosine; of the machines it falls linearly. Everybody
has 32 codes, and (but for the convolutional network, the machines and the map) the network 784-256-32-256-784: ReLU,
linear codes, answers as logits, the cross-entropy in nats summed over the pixels, Adam, batches of 128.

- pixels, PCA: the images themselves, with training images for what is drawn; 32 components, answers clipped. No seed
  changes them, nor the map.
- plain; tied: both layers of the decoder have the encoder's weights, transposed.
- stacked: 784-256 and 256-32 are pretrained one after the other, `share` of the steps each, then both are tuned.
- denoising: normal noise in the input. k-sparse: the k largest codes of an image are kept. L1: `weight` times the sum
  of the codes' absolute values. KL: sigmoid codes, `weight` times the sum of KL(rho, mean code of the batch).
- contractive: `weight` times the squared Frobenius norm of the code's Jacobian.
- convolutional: two convolutions with stride 2, and back (chapter 09), batches of 64.
- generalized: the target is the mean of the ten nearest images, weighted by the heat kernel (chapter 10); they are
  looked for among 5,000 images at a time. relational, embedding: chapter 10's losses beside the squared error.
- VAE, beta-VAE, IWAE (five codes an image): the bounds, of gray pixels. Their codes are the means.
- AAE: a critic 32-256-256-1 tells the codes from draws of N(0, I).
- RBM: 784-32. DBN: 784-256 and 256-32, half of the steps each. Persistent chains for the lowest machine. Codes are
  probabilities.
- GAN: no codes; its images come from 32 normal numbers, by chapter 13's dense network 32-256-512-784.
- Kohonen map: 4 by 8 nodes, 30 epochs; the 32 codes are the distances from the nodes, the answer is the nearest node.

`families`: `test_mse` is the error of answers. `linear_100`, `near_100`: test accuracy in per cent of a logistic
regression and of five nearest neighbours on the codes of 100 labelled images, means of ten draws that all families
share; `linear_all`, `near_all`: of all 55,000. The regression's strength is the best on the validation images, of four
(of all labels: of two); it reads codes less their means, divided by one number. `noisy_...`, `masked_...`: the
regression of all labels, and the error against the clean image, where test images have normal noise of level 0.5, or
half of their pixels set to 0. `frechet`: of 10,000 images made from draws of what the family takes for its codes'
distribution (`fitted`: from the normal distribution of its training codes), against the 10,000 test images, on the 128
features of one classifier (chapter 13; its weights are kept in `build/experiments/`, and one that is trained on another
processor is another ruler, so that all rows are measured with one). The chains of the machines take 100 steps from
independent pixels. `parameters` are those that code, rebuild or draw. nan stands where a family has no such thing.

`families_speed`: seconds of one thread's processor time, measured in one short run. `step`: of one, in the first
setting, the least of twenty steps in a row; the graph is built before. `before`: of what comes before the steps (the
neighbours of the generalized autoencoder), or of everything (PCA, the map). `reference`: 10^9 operations a second of a
product of matrices beside it, which tells whether the processor was the same for all. The GAN has none: its step was
measured later on a slower processor, there 4.32 of the plain autoencoder's, least against least of three runs each, and
stands as 4.32 times the plain one of this table. All rows of the other tables follow from these steps: they may be
measured on any machine, under any load, or by `extras/DASK_SWEEP.md`. To measure the speeds anew, delete the three
tables, and with one thread and no neighbour on the core

    TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1 python -m experiments.families

`families_pilot`: the settings that were tried with seed 0, for the steps in PILOT_SECONDS, and figures of the
validation images. Each family has the one of the best `valid_linear_100`, or where only the speed of learning was in
question (FASTEST) of the least `valid_mse`; the GAN that of the least `frechet`. Nothing is chosen by the test images.
"""

import dataclasses
import functools
import math
import os
import time
from collections.abc import Callable

import joblib
import keras
import numpy as np
from keras import layers, ops
from scipy.special import expit
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.neighbors import KNeighborsClassifier

from aelib import data, noise, pretraining
from aelib.course import cosine_rate
from aelib.layers import DenseTranspose, KSparse
from aelib.losses import cross_entropy, kl_to_standard_normal, mse
from aelib.rbm import RBM, base_logits, gibbs
from aelib.som import SOM
from experiments import ch09, ch10, ch13, mnist
from experiments.table import complete

SECONDS, PILOT_SECONDS = 20, 5
TOGETHER = 10  # steps in one execution of a graph: whole epochs of batches of 128 or 64 are multiples
CODES, UNITS, BATCH_SIZE, RATE = 32, 256, 128, 4e-3
STRENGTHS = [0.01, 0.1, 1.0, 10.0]  # of the logistic regression
N_DRAWS, N_MADE = 10, 10_000
WARM = 400  # steps of the calibration


@functools.cache
def images():
    """Training, validation and test images, flat, with their labels."""
    return [(x.reshape(-1, 784), y) for x, y in mnist.load()]


# ---- as many steps as fit


class Steps(keras.callbacks.Callback):
    """Ends the training after so many steps, and notes the processor's time after each execution of the graph."""

    def __init__(self, steps):
        super().__init__()
        self.steps, self.times = steps, []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.process_time())
        self.model.stop_training = int(self.model.optimizer.iterations) >= self.steps

    def least(self):
        """Seconds of a step: of twenty, in the best case, after the first execution, which builds the graph."""
        found = np.array(self.times)
        return (found[2:] - found[:-2]).min() / (2 * TOGETHER) if len(found) > 2 else math.nan


def fit(model, steps, rate, x, *y, loss=None, optimizer=keras.optimizers.Adam, batch_size=BATCH_SIZE, **options):
    """Train for so many steps. Their number, and the seconds that they would take in the best case.

    The options are the optimizer's. The rates of stochastic gradient descent fall from the start.
    """
    steps = max(1, round(steps / TOGETHER)) * TOGETHER
    falling = keras.optimizers.schedules.PolynomialDecay(rate, steps, 0.0)
    rates = falling if optimizer is keras.optimizers.SGD else cosine_rate(rate, steps, 1, 1)
    clock = Steps(steps)
    model.compile(optimizer(rates, **options), loss, steps_per_execution=TOGETHER)
    model.fit(x, *y, batch_size=batch_size, epochs=steps, callbacks=[clock], verbose=0)
    return np.array([steps, steps * clock.least()])


# ---- the families


@dataclasses.dataclass
class Made:
    """What a family has after its training, as functions of arrays."""

    encode: Callable | None = None  # images -> codes
    decode: Callable | None = None  # codes -> images
    sample: Callable | None = None  # n, generator -> images
    parameters: int = 0
    spent: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(2))  # what `fit` said, of all parts
    spread: bool = True  # whether codes between and around those of images may be decoded


def dense(units, activation="relu"):
    return layers.Dense(units, activation, kernel_initializer="he_normal" if activation == "relu" else "glorot_uniform")


def encoder(*last):
    return keras.Sequential([keras.Input((784,)), dense(UNITS), *(last or [dense(CODES, None)])])


def decoder(*rest):
    return keras.Sequential([keras.Input((CODES,)), *(rest or [dense(UNITS), dense(784, None)])])


class Autoencoder(keras.Model):
    """An encoder, a decoder with logits, and `loss(model, x, target)`: nats or squares, one value per image."""

    def __init__(self, encoder, decoder, loss):
        super().__init__()
        self.encoder, self.decoder, self.loss_of = encoder, decoder, loss
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, x):
        return self.encoder(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(self.loss_of(self, x, x if y is None else y))

    def normal(self, shape):
        return keras.random.normal(shape, seed=self.seed_generator)


def predict(model, x):
    return model.predict(np.asarray(x, "float32"), batch_size=1000, verbose=0)


def size(*models):
    """Numbers that learn, those that are shared counted once."""
    weights = {id(weight): weight for model in models for weight in model.trainable_weights}
    return sum(math.prod(weight.shape) for weight in weights.values())


def trained(steps, loss, *target, rate=RATE, up=None, down=None, prior=False, parts=None, **options):
    """An `Autoencoder` after its training; `prior` says that its codes are those of N(0, I)."""
    model = Autoencoder(up or encoder(), down or decoder(), loss)
    for name, part in (parts or {}).items():
        setattr(model, name, part)
    spent = fit(model, steps, rate, images()[0][0], *target, **options)

    def decode(z):
        return expit(predict(model.decoder, z))

    def sample(n, rng):
        return decode(rng.standard_normal((n, CODES)))

    return Made(
        encode=lambda x: predict(model.encoder, x)[:, :CODES],
        decode=decode,
        sample=sample if prior else None,
        parameters=size(model.encoder, model.decoder),
        spent=spent,
    )


def rebuilt(model, x, target):
    return cross_entropy(target, model.decoder(model.encoder(x)))


def pixels(steps):
    x = images()[0][0]
    return Made(encode=lambda x: x, sample=lambda n, rng: x[rng.choice(len(x), n, replace=False)])


def pca(steps):
    x = images()[0][0]
    found = PCA(CODES, svd_solver="covariance_eigh").fit(x)
    parameters = found.components_.size + found.mean_.size
    return Made(found.transform, lambda z: found.inverse_transform(z).clip(0, 1), parameters=parameters)


def plain(steps, rate):
    return trained(steps, rebuilt, rate=rate)


def tied(steps, rate):
    up = encoder()
    hidden, code = up.layers
    return trained(steps, rebuilt, rate=rate, up=up, down=decoder(DenseTranspose(code, "relu"), DenseTranspose(hidden)))


def stacked(steps, share, rate=RATE):
    """`share` of the steps goes to each of the two parts, what is left to both together."""
    x = images()[0][0]
    first = keras.Sequential([keras.Input((784,)), dense(UNITS), dense(784, None)])
    second = keras.Sequential([keras.Input((UNITS,)), dense(CODES, None), dense(UNITS)])
    spent = fit(first, share * steps, rate, x, x, loss=keras.losses.BinaryCrossentropy(from_logits=True))
    h = predict(pretraining.stack([first]), x)
    spent += fit(second, share * steps, rate, h, h, loss="mse")
    unrolled = pretraining.unroll([first, second]).layers
    up, down = keras.Sequential([keras.Input((784,)), *unrolled[:2]]), decoder(*unrolled[2:])
    tuned = trained((1 - 2 * share) * steps, rebuilt, rate=rate, up=up, down=down)
    tuned.spent += spent
    return tuned


def denoising(steps, level):
    def loss(model, x, target):
        return rebuilt(model, x + level * model.normal(ops.shape(x)), target)

    return trained(steps, loss)


def k_sparse(steps, k):
    return trained(steps, rebuilt, up=encoder(dense(CODES, None), KSparse(k)))


def l1(steps, weight):
    def loss(model, x, target):
        z = model.encoder(x)
        return cross_entropy(target, model.decoder(z)) + weight * ops.sum(ops.abs(z), axis=1)

    return trained(steps, loss)


def kl(steps, weight, rho):
    def loss(model, x, target):
        z = model.encoder(x)
        mean = ops.clip(ops.mean(z, axis=0), 1e-6, 1 - 1e-6)
        penalty = rho * ops.log(rho / mean) + (1 - rho) * ops.log((1 - rho) / (1 - mean))
        return cross_entropy(target, model.decoder(z)) + weight * ops.sum(penalty)

    return trained(steps, loss, up=encoder(dense(CODES, "sigmoid")))


def jacobian_norm(hidden, code, x):
    """Squared Frobenius norm of the Jacobian of code(hidden(x)), hidden with ReLU, code linear. (n, inputs) -> (n,)

    J = V' D W' with D = 1 for the units that are on: the sum over pairs of such units of (W'W * VV').
    """
    on = ops.cast(hidden(x) > 0, "float32")
    w, v = hidden.kernel, code.kernel
    pairs = ops.matmul(ops.transpose(w), w) * ops.matmul(v, ops.transpose(v))
    return ops.sum(ops.matmul(on, pairs) * on, axis=1)


def contractive(steps, weight):
    def loss(model, x, target):
        return rebuilt(model, x, target) + weight * jacobian_norm(*model.encoder.layers, x)

    return trained(steps, loss)


def convolutional(steps, rate):
    cells = layers.Reshape((28, 28, 1)), ch09.conv(16, 2), ch09.conv(32, 2), layers.Flatten(), dense(CODES, None)
    back = dense(7 * 7 * 32), layers.Reshape((7, 7, 32)), ch09.transposed(16, 4), ch09.transposed(1, 4, None)
    up, down = keras.Sequential([keras.Input((784,)), *cells]), decoder(*back, layers.Flatten())
    return trained(steps, rebuilt, rate=rate, up=up, down=down, batch_size=64)


def neighbour_means(x, chunk=5000):
    """The mean of each image's ten nearest of its chunk, weighted by the heat kernel."""
    chunks = (x[i : i + chunk] for i in range(0, len(x), chunk))
    return np.concatenate([ch10.mean_targets(ch10.heat(part), part)[0] for part in chunks])


def generalized(steps):
    return trained(steps, rebuilt, neighbour_means(images()[0][0]))


def relational(steps, weight):
    """The images of the batch are compared with one another by their inner products, rebuilt and not."""
    both = ch10.relational(weight)
    return trained(steps, lambda model, x, target: both(target, ops.sigmoid(model.decoder(model.encoder(x)))))


def embedding(steps, kind, weight):
    def loss(model, x, target):
        z = model.encoder(x)
        return ch10.squares(target, ops.sigmoid(model.decoder(z))) + weight * ch10.embedding(kind)(x, z)

    return trained(steps, loss)


def vae(steps, beta):
    def loss(model, x, target):
        mean, log_var = ops.split(model.encoder(x), 2, axis=1)
        z = mean + ops.exp(0.5 * log_var) * model.normal(ops.shape(mean))
        return cross_entropy(target, model.decoder(z)) + beta * kl_to_standard_normal(mean, log_var)

    return trained(steps, loss, up=encoder(dense(2 * CODES, None)), prior=True)


def iwae(steps, k):
    def loss(model, x, target):
        return -ch13.importance_bound(ch13.ImportanceAutoencoder.log_weights(model, x, k))

    return trained(steps, loss, up=encoder(dense(2 * CODES, None)), prior=True)


def told_apart(critic, real, made_up):
    """The critic's loss; who made it up does not learn from it."""
    return ops.softplus(-critic(real)[:, 0]) + ops.softplus(critic(ops.stop_gradient(made_up))[:, 0])


def critic(first, *units):
    hidden = [layers.Dense(n, "leaky_relu", kernel_initializer="he_normal") for n in units]
    return keras.Sequential([*first, *hidden, layers.Dense(1)])


def aae(steps, weight, rate=2e-3):
    def loss(model, x, target):
        z = model.encoder(x)
        players = told_apart(model.critic, model.normal(ops.shape(z)), z) + weight * ch13.fooled(model.critic, z)[:, 0]
        return cross_entropy(target, model.decoder(z)) + players

    parts = {"critic": critic([keras.Input((CODES,))], 256, 256)}
    return trained(steps, loss, rate=rate, prior=True, parts=parts, beta_1=0.5)


def gan(steps, rate):
    """The generator has the mean weights of about the last hundred steps."""

    def normal(units):
        return layers.Dense(units, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()

    generator = decoder(*normal(256), *normal(512), dense(784, "sigmoid"))
    model = ch13.GAN(generator, critic([keras.Input((784,)), layers.Rescaling(2.0, -1.0)], 512, 256))
    spent = fit(model, steps, rate, images()[0][0], beta_1=0.5, use_ema=True, ema_momentum=0.99)
    return Made(
        sample=lambda n, rng: predict(generator, rng.standard_normal((n, CODES))),
        parameters=size(generator),
        spent=spent,
    )


def machine(steps, x, units, rate, n_chains=None):
    """A machine after its training, and what `fit` says."""
    rbm = RBM(units, n_chains=n_chains, weight_decay=1e-4)
    rbm.build((None, x.shape[1]))
    rbm.visible_bias.assign(base_logits(x))
    return rbm, fit(rbm, steps, rate, x, optimizer=keras.optimizers.SGD, momentum=0.5)


def chains(rbm, x, n, rng, steps=100):
    """Probabilities of the visible units at the end of n chains that start at independent units with the means of x."""
    state = (rng.random((n, x.shape[1])) < x.mean(axis=0)).astype("float32")
    for _ in range(steps):
        state = gibbs(rbm, state, 1, rng)[-1]
    y = rng.random((n, rbm.n_hidden)) < ops.convert_to_numpy(rbm.hidden_probabilities(state))
    return ops.convert_to_numpy(rbm.visible_probabilities(y))


def of_machines(parts, x_top, spent):
    down = decoder(*pretraining.unroll(parts).layers[len(parts) :])
    up = pretraining.stack(parts)

    def sample(n, rng):
        h = chains(parts[-1], x_top, n, rng)
        for part in parts[-2::-1]:
            h = ops.convert_to_numpy(part.visible_probabilities(h))
        return h

    return Made(
        encode=lambda x: predict(up, x),
        decode=lambda z: predict(down, z),
        sample=sample,
        parameters=size(*parts),
        spent=spent,
        spread=False,
    )


def rbm(steps, rate):
    x = images()[0][0]
    part, spent = machine(steps, x, CODES, rate, BATCH_SIZE)
    return of_machines([part], x, spent)


def dbn(steps, rate):
    x = images()[0][0]
    low, spent = machine(steps / 2, x, UNITS, rate, BATCH_SIZE)
    h = predict(pretraining.stack([low]), x)
    top, more = machine(steps / 2, h, CODES, rate)
    return of_machines([low, top], h, spent + more)


def som(steps):
    weights = SOM(4, 8).fit(images()[0][0]).weights.reshape(CODES, 784)
    return Made(
        encode=lambda x: euclidean_distances(x, weights),
        decode=lambda z: weights[z.argmin(axis=1)],
        parameters=weights.size,
        spread=False,
    )


FAMILIES = {  # the settings that are tried
    "pixels": (pixels, [{}]),
    "PCA": (pca, [{}]),
    "plain": (plain, [{"rate": rate} for rate in (2e-3, 4e-3)]),
    "tied": (tied, [{"rate": rate} for rate in (2e-3, 4e-3)]),
    "stacked": (stacked, [{"share": 0.15}]),
    "denoising": (denoising, [{"level": level} for level in (0.5, 1.0)]),
    "k-sparse": (k_sparse, [{"k": k} for k in (8, 16)]),
    "L1": (l1, [{"weight": weight} for weight in (0.1, 1.0)]),
    "KL": (kl, [{"weight": weight, "rho": 0.2} for weight in (1.0, 10.0)]),
    "contractive": (contractive, [{"weight": weight} for weight in (0.3, 3.0)]),
    "convolutional": (convolutional, [{"rate": rate} for rate in (5e-3, 1e-2)]),
    "generalized": (generalized, [{}]),
    "relational": (relational, [{"weight": weight} for weight in (0.001, 0.01)]),
    "embedding": (embedding, [{"kind": kind, "weight": w} for kind, w in (("LE", 1.0), ("MDS", 0.1), ("margin", 1.0))]),
    "VAE": (vae, [{"beta": 1.0}]),
    "beta-VAE": (vae, [{"beta": beta} for beta in (0.25, 4.0)]),
    "IWAE": (iwae, [{"k": 5}]),
    "AAE": (aae, [{"weight": weight} for weight in (2.0, 20.0)]),
    "RBM": (rbm, [{"rate": rate} for rate in (0.05, 0.1, 0.2)]),
    "DBN": (dbn, [{"rate": rate} for rate in (0.05, 0.1, 0.2)]),
    "GAN": (gan, [{"rate": rate} for rate in (5e-4, 1e-3, 2e-3)]),
    "Kohonen map": (som, [{}]),
}
WITHOUT_SEED = ["pixels", "PCA", "Kohonen map"]
FASTEST = ["plain", "tied", "convolutional", "RBM", "DBN"]  # chosen by their error


def chosen(family):
    """The words of the setting that was best in the pilot."""
    several = FAMILIES[family][1]
    if len(several) == 1:
        return words(several[0])
    pilot = data.load_results("families_pilot")
    pilot = pilot[pilot["family"] == family]
    if family in FASTEST:
        return pilot["setting"][pilot["valid_mse"].argmin()]
    return pilot["setting"][pilot["frechet"].argmin() if family == "GAN" else pilot["valid_linear_100"].argmax()]


def words(setting):
    """A setting as text without commas."""
    return " ".join(f"{name} {value}" for name, value in setting.items())


def named(family, text):
    """The setting of these words."""
    (found,) = (one for one in FAMILIES[family][1] if words(one) == text)
    return found


# ---- the rulers

SPOILT = {
    "noisy": functools.partial(noise.gaussian, level=0.5),
    "masked": functools.partial(noise.masking, probability=0.5),
}
COLUMNS = ["valid_mse", "test_mse", "linear_100", "near_100", "linear_all", "near_all"]
COLUMNS += [f"{name}_{what}" for name in SPOILT for what in ("linear", "mse")] + ["frechet", "frechet_fitted"]


@functools.cache
def features_of(part):
    """Of all training, validation or test images: 0, 1 or 2."""
    return features(images()[part][0])


def features(x):
    """(n, 784) -> (n, 128)"""
    return ch13.features(ch13.reader(), x)[0]


def logistic(z, y, z_valid, y_valid, strengths=STRENGTHS):
    """The regression with the best accuracy on the validation codes."""
    found = [LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(z, y) for strength in strengths]
    return max(found, key=lambda model: model.score(z_valid, y_valid))


def scaled(z_train):
    """A function of codes: the means are 0, and all are divided by one number. Each by its own would blow up those that
    a family does not use.
    """
    means = z_train.mean(axis=0)
    scale = (z_train - means).std()
    return lambda z: (z - means) / scale


def few_labels(y, n_draws=N_DRAWS):
    """The indices of 100 labelled images, ten of each class, for each draw: the same for all families."""
    return [pretraining.draw_labelled(y, 100, 10, np.random.default_rng(draw)) for draw in range(n_draws)]


def near(z, y, z_test, y_test):
    return KNeighborsClassifier(5, algorithm="brute").fit(z, y).score(z_test, y_test)


def drawn(made, z_train, part, n):
    """Fréchet distances from all images of a part of n that are drawn, and of n decoded from a normal distribution."""
    rng, found = np.random.default_rng(0), {"frechet": math.nan, "frechet_fitted": math.nan}
    if made.sample:
        found["frechet"] = ch13.frechet(features(made.sample(n, rng)), features_of(part))
    if made.decode and made.spread:
        z = rng.multivariate_normal(z_train.mean(axis=0), np.cov(z_train, rowvar=False), size=n)
        found["frechet_fitted"] = ch13.frechet(features(made.decode(z)), features_of(part))
    return found


def error(made, clean, z):
    return mse(clean, made.decode(z)) if made.decode else math.nan


def of_codes(made, z_train):
    """All figures of the codes and of what is rebuilt from them."""
    (_, y), (x_valid, y_valid), (x_test, y_test) = images()
    z_valid, z_test = made.encode(x_valid), made.encode(x_test)
    found = {"valid_mse": error(made, x_valid, z_valid), "test_mse": error(made, x_test, z_test)}
    of = scaled(z_train)
    by_draw = []
    for few in few_labels(y):
        linear = logistic(of(z_train[few]), y[few], of(z_valid), y_valid)
        by_draw.append([linear.score(of(z_test), y_test), near(z_train[few], y[few], z_test, y_test)])
    found["linear_100"], found["near_100"] = 100 * np.mean(by_draw, axis=0)
    linear = logistic(of(z_train), y, of(z_valid), y_valid, STRENGTHS[1::2])
    found["linear_all"] = 100 * linear.score(of(z_test), y_test)
    found["near_all"] = 100 * near(z_train, y, z_test, y_test)
    for name, spoil in SPOILT.items():
        z = made.encode(spoil(x_test, rng=np.random.default_rng(0)))
        found[f"{name}_linear"] = 100 * linear.score(of(z), y_test)
        found[f"{name}_mse"] = error(made, x_test, z)
    return found


def rounded(figures):
    return {name: f"{figure:.5g}" for name, figure in figures.items()}


def of_this_clock(work):
    started = time.process_time()
    work()
    return time.process_time() - started


def speed(n=1000):
    """Of this processor just now, at best: 10^9 operations a second of its time, in a product of float32 matrices."""
    a = np.ones((n, n), "float32")
    return 2 * n**3 / 1e9 / min(of_this_clock(lambda: a @ a) for _ in range(10))


def calibrate(family, seed):
    """Seconds of a step, and of what is done before the first one."""
    if os.environ.get("TF_NUM_INTRAOP_THREADS") != "1" or os.environ.get("OMP_NUM_THREADS") != "1":
        raise RuntimeError("seconds are those of one thread: set TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1")
    function, (first, *_) = FAMILIES[family]
    images()
    before, found = speed(), []
    whole = of_this_clock(lambda: found.append(function(WARM, **first)))
    steps, seconds = found[0].spent
    start = whole if not steps else 0.0
    if family == "generalized":
        start = of_this_clock(lambda: neighbour_means(images()[0][0]))
    after = speed()
    step = seconds / steps if steps else 0.0
    return {"step": f"{step:.4g}", "before": f"{start:.4g}", "reference": f"{min(before, after):.4g}"}


def steps_in(seconds):
    """{family: how many steps it makes in so many seconds}, by the stored speeds."""
    table = data.load_results("families_speed")
    known = zip(table["family"].tolist(), table["step"], table["before"], strict=True)
    return {name: int((seconds - start) / step / TOGETHER) * TOGETHER if step else 0 for name, step, start in known}


def measure(family, setting, steps, seed):
    made = FAMILIES[family][0](steps, **named(family, setting))
    found, z = dict.fromkeys(COLUMNS, math.nan), None
    if made.encode:
        z = made.encode(images()[0][0])
        found |= of_codes(made, z)
    found |= drawn(made, z, 2, N_MADE)
    return rounded(found) | {"parameters": made.parameters}


def pilot(family, setting, steps, seed):
    """What a choice needs, of the validation images."""
    (x, y), (x_valid, y_valid), _ = images()
    made = FAMILIES[family][0](steps, **named(family, setting))
    found = dict.fromkeys(["valid_mse", "valid_linear_100", "frechet"], math.nan)
    if made.encode:
        z, z_valid = made.encode(x), made.encode(x_valid)
        of, found["valid_mse"] = scaled(z), error(made, x_valid, z_valid)
        models = [logistic(of(z[few]), y[few], of(z_valid), y_valid) for few in few_labels(y, 5)]
        found["valid_linear_100"] = 100 * np.mean([model.score(of(z_valid), y_valid) for model in models])
    else:
        found["frechet"] = drawn(made, None, 1, len(x_valid))["frechet"]
    return rounded(found)


def main():
    with joblib.parallel_config("sequential"):  # a clock has the machine for itself
        complete("families_speed", [{"family": name, "seed": 0} for name in FAMILIES], calibrate)
    few, many = steps_in(PILOT_SECONDS), steps_in(SECONDS)
    tried = [(name, words(one)) for name, (_, several) in FAMILIES.items() if len(several) > 1 for one in several]
    rows = [{"family": name, "setting": one, "steps": few[name], "seed": 0} for name, one in tried]
    complete("families_pilot", rows, pilot)
    best = {name: chosen(name) for name in FAMILIES}
    runs = [(name, seed) for seed in range(3) for name in FAMILIES if seed == 0 or name not in WITHOUT_SEED]
    rows = [{"family": name, "setting": best[name], "steps": many[name], "seed": seed} for name, seed in runs]
    complete("families", rows, measure)


if __name__ == "__main__":
    main()
