"""The tables of chapter 11: transfer layer by layer, features learned without labels, and the place of a patch.

`transfer`: three convolutions, a hidden layer of 64 and an output of 5, on digits 0 to 4 of all 55,000 training
images (the base task: 6 epochs of batches of 128, Adam with a peak of 2e-3 and a cosine). The first `copied`
convolutions are then taken to digits 5 to 9, where `n_labels` images of each class are labelled: 100 steps of Adam
(1e-3) on all of them at once. `start` is "copied" or "random" (the convolutions keep their random start), `then` is
"frozen" (the first `copied` convolutions are kept) or "trained" (all layers learn). "long" is 300 steps instead of
100, "fast" a rate of 3e-3. The seed draws the labelled images and all random weights, and chooses one of three base
networks, so settings compare in pairs. `test` is the accuracy on all 4,861 test images of 5 to 9. Nothing was chosen.

`emoji_features`: emoji in Lab, 1,158 training concepts in three styles. Two towers, the code of each is what leaves
the second convolution, 32 channels at 8 x 8. "split-brain": each tower sees one part of the channels and predicts the
bin of the other part's mean at each place (25 of colours, 13 of L). "leak": the same targets, and both towers see all
channels. "autoencoder": both see all and rebuild all of 16 x 16, by squares. "supervised": both see all, and a linear
layer names the class, from all labels of the training concepts. "random": split-brain, untrained; "random whole":
untrained, and both towers see all channels. `share` is the part
of the training concepts that was seen without labels. 20 epochs of batches of 64, each image mirrored or not and
shifted by up to 2 pixels at random, Adam with a peak of 3e-3 and a cosine. Which convolution is the code, and bins
for squares, were chosen on the validation concepts, in one run each.

`all`, `n20`, `n5`: accuracy of a linear probe on the test concepts, with all labels of the training concepts and with
20 and 5 images a class (mean of 5 draws); its penalty was chosen on the validation concepts, whose accuracy is
`valid_all` and so on. `fluent`, `twemoji`: how often the nearest drawing of that style, by the cosine of standardized
features, shows the same one of the 463 test concepts as a Noto drawing. `ab_error`, `l_error`: squared error of the
mean under the predicted bins over that of the training mean image, on test concepts at 8 x 8.

`context`: two patches of 32 x 32 of a photograph, one of eight places; 56 photographs for training and 20 held out.
1,500 steps of 128 pairs, half of them mirrored, Adam with a peak of 2e-3 and a cosine. `remedy`: what the training
has, see `REMEDIES`; "random" is an untrained encoder, "colours" the mean and spread of the three channels. `train`:
accuracy in the last 25 steps; `on_all` and so on: on 8,000 pairs of held-out photographs with these remedies.
`probe`: which of the 20 held-out photographs a patch of the right half is from, by a linear probe on means and
spreads of the encoder's maps, learned from 60 patches of each left half, its penalty chosen on 60 other patches of
the right half. `probe_one`: the same, where all these patches have one colour channel left, as in the training with
all remedies. Networks without a gap have no `probe_one`.
"""

import functools

import joblib
import keras
import numpy as np
from keras import layers, ops

from aelib import data
from aelib.course import cosine_rate
from experiments.classifiers import accuracy
from experiments.table import STORED, complete, grid

BASE_EPOCHS, STEPS, N_BASES = 6, 100, 3
EPOCHS, PEAK, DRAWS = 20, 3e-3, 5


def draw_labelled(y, n, draw):
    """Indices of n examples of each class, class by class, or of all."""
    if n is None:
        return np.arange(len(y))
    rng = np.random.default_rng(draw)
    return np.concatenate([rng.choice(np.flatnonzero(y == c), n, replace=False) for c in range(y.max() + 1)])


@functools.cache
def digits():
    """Training images of 0 to 4, training and test images of 5 to 9, (n, 28, 28, 1), each with labels 0 to 4."""
    (x_train, y_train), _, (x_test, y_test) = data.load_mnist()
    low, high, test = y_train < 5, y_train >= 5, y_test >= 5
    return (
        (x_train[low, ..., None], y_train[low]),
        (x_train[high, ..., None], y_train[high] - 5),
        (x_test[test, ..., None], y_test[test] - 5),
    )


def digit_network():
    """Three convolutions and a head: logits of five classes."""
    he = {"activation": "relu", "kernel_initializer": "he_normal"}
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 5, strides=2, padding="same", **he),
            layers.Conv2D(32, 3, strides=2, padding="same", **he),
            layers.Conv2D(48, 3, **he),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(64, **he),
            layers.Dense(5),
        ]
    )


def compiled(model, rate):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


@joblib.Memory(STORED, verbose=0).cache
def base(seed):
    """All weights of the network that has learned 0 to 4."""
    keras.utils.set_random_seed(seed)
    x, y = digits()[0]
    model = compiled(digit_network(), cosine_rate(2e-3, len(x), 128, BASE_EPOCHS))
    model.fit(x, y, batch_size=128, epochs=BASE_EPOCHS, verbose=0)
    return model.get_weights()


@functools.cache
def learner(copied, frozen, rate):
    """A compiled network whose first `copied` convolutions are frozen, or none."""
    model = digit_network()
    for layer in model.layers[:copied]:
        layer.trainable = not frozen
    return compiled(model, rate)


def transfer(n_labels, copied, start, then, seed):
    (x, y), (x_test, y_test) = digits()[1:]
    few = draw_labelled(y, n_labels, seed)
    weights = digit_network().get_weights()  # `complete` has seeded Keras: the same in all settings of a seed
    if start == "copied":
        weights[: 2 * copied] = base(seed % N_BASES)[: 2 * copied]
    frozen = then.startswith("frozen")
    model = learner(copied if frozen else 0, frozen, 3e-3 if then.endswith("fast") else 1e-3)
    model.set_weights(weights)
    for variable in model.optimizer.variables:
        if "learning_rate" not in variable.path:
            variable.assign(ops.zeros_like(variable))
    for _ in range(3 * STEPS if then.endswith("long") else STEPS):
        model.train_on_batch(x[few], y[few])
    return {"test": f"{accuracy(model, x_test, y_test):.5f}"}


# ---- emoji


def to_lab(rgb):
    """sRGB in [0, 1] to CIE Lab under D65, (..., 3)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ matrix.T / matrix.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    lightness, a, b = 116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])
    return np.stack([lightness, a, b], axis=-1).astype("float32")


@functools.cache
def emoji():
    """Scaled Lab of training, validation and test concepts, (3, n, 32, 32, 3), each with the classes (n,)."""
    parts = [(to_lab(x), y) for x, y in data.load_emoji_parts()]
    train = parts[0][0]
    mean = train.mean(axis=(0, 1, 2, 3))
    scale = np.array([train[..., 0].std(), *[train[..., 1:].std()] * 2], "float32")
    return [((x - mean) / scale, y) for x, y in parts]


def small(x):
    """Means of 4 x 4 pixels: (..., 32, 32, c) -> (..., 8, 8, c)."""
    return x.reshape(*x.shape[:-3], 8, 4, 8, 4, x.shape[-1]).mean(axis=(-4, -2))


EDGES_L, EDGES_AB = np.linspace(-2, 0.75, 12), np.array([-1.25, -0.6, 0.1, 0.9])
N_COLOURS, N_GRAYS = 25, 13


def bins(x):
    """Scaled Lab (..., 3) -> numbers of the bin of (a, b), below 25, and of that of L, below 13."""
    a, b = np.digitize(x[..., 1], EDGES_AB), np.digitize(x[..., 2], EDGES_AB)
    return 5 * a + b, np.digitize(x[..., 0], EDGES_L)


def tower(n_channels):
    """Input, the features (8, 8, 32), and a third convolution over them."""
    he = {"activation": "relu", "kernel_initializer": "he_normal", "padding": "same"}
    x = keras.Input((32, 32, n_channels))
    z = layers.Conv2D(16, 3, strides=2, **he)(x)
    z = layers.Conv2D(32, 3, strides=2, **he)(z)
    return x, z, layers.Conv2D(64, 1, **he)(layers.Conv2D(32, 3, **he)(z))


SPLIT, WHOLE = (slice(0, 1), slice(1, 3)), (slice(0, 3), slice(0, 3))


def sees(method):
    """The channels that enter each tower."""
    return SPLIT if method in ("split-brain", "random") else WHOLE


def augmented(x, rng):
    """Each image mirrored or not, and shifted by up to 2 pixels (what leaves on one side enters on the other)."""
    n, side = x.shape[:2]
    columns = np.arange(side) + rng.integers(-2, 3, (n, 1))
    columns = np.where(rng.random((n, 1)) < 0.5, columns, -1 - columns) % side
    rows = (np.arange(side) + rng.integers(-2, 3, (n, 1))) % side
    return x[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def train_towers(method, share, seed):
    """Two encoders, and the model that was trained around them (None for random ones)."""
    towers = [tower(part.stop - part.start) for part in sees(method)]
    (x_one, z_one, h_one), (x_two, z_two, h_two) = towers
    encoders = [keras.Model(x_one, z_one), keras.Model(x_two, z_two)]
    if method.startswith("random"):
        return encoders, None
    x, y = emoji()[0]
    kept = np.flatnonzero(y >= 0) if method == "supervised" else np.arange(len(y))
    kept = np.random.default_rng(seed).permutation(kept)[: round(share * len(kept))]
    x, y = x[:, kept].reshape(-1, 32, 32, 3), np.tile(y[kept], 3)
    by_name = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if method == "supervised":
        pooled = layers.AveragePooling2D(2)(layers.Concatenate()([h_one, h_two]))
        outputs, loss = layers.Dense(13)(layers.Dropout(0.5)(layers.Flatten()(pooled))), by_name
    elif method == "autoencoder":
        outputs, loss = [layers.Conv2D(12, 1)(h) for h in (h_one, h_two)], ["mse", "mse"]
    else:
        outputs, loss = [layers.Conv2D(N_COLOURS, 1)(h_one), layers.Conv2D(N_GRAYS, 1)(h_two)], [by_name, by_name]
    model = keras.Model([x_one, x_two], outputs)
    rate = cosine_rate(PEAK, len(x), 64, EPOCHS)
    model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=10)
    rng = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        now = augmented(x, rng)
        if method == "supervised":
            aim = y
        elif method == "autoencoder":  # all channels of 16 x 16 pixels, four of them at each place
            aim = now.reshape(-1, 8, 2, 2, 8, 2, 2, 3).mean(axis=(3, 6)).transpose(0, 1, 3, 2, 4, 5)
            aim = [aim.reshape(-1, 8, 8, 12)] * 2
        else:
            aim = list(bins(small(now)))
        model.fit([now[..., part] for part in sees(method)], aim, batch_size=64, verbose=0)
    return encoders, model


def features(encoders, method, x):
    """Means of both towers' features at 4 x 4 places: (3, n, 32, 32, 3) -> (3, n, 1024)."""
    flat = x.reshape(-1, 32, 32, 3)
    z = [e.predict(flat[..., part], batch_size=500, verbose=0) for e, part in zip(encoders, sees(method), strict=True)]
    z = np.concatenate(z, axis=-1).reshape(len(flat), 4, 2, 4, 2, -1).mean(axis=(2, 4))
    return z.reshape(*x.shape[:2], -1)


def histogram(x):
    """Roots of the shares of 4 x 4 x 4 colours: (3, n, 32, 32, 3) -> (3, n, 64)."""
    cells = np.stack(
        [np.digitize(x[..., c], edges) for c, edges in enumerate(([-1.5, -0.5, 0.4], *[[-0.8, 0, 0.8]] * 2))]
    )
    number = (cells * np.array([16, 4, 1])[:, None, None, None, None]).sum(axis=0).reshape(-1, 1024)
    return np.sqrt(np.stack([np.bincount(row, minlength=64) / 1024 for row in number])).reshape(*x.shape[:2], 64)


PENALTIES = 10.0 ** np.arange(0, 6)


def ridge_scores(z, y, others):
    """Accuracies, (penalties, parts), of a linear map to one-hot classes with a penalty on its weights."""
    mean, deviation, classes = z.mean(axis=0), z.std(axis=0) + 1e-6, np.eye(y.max() + 1)[y]
    z, middle = (z - mean) / deviation, classes.mean(axis=0)
    values, vectors = np.linalg.eigh(z @ z.T)
    right, scores = vectors.T @ (classes - middle), []
    for penalty in PENALTIES:
        w = z.T @ (vectors @ (right / (np.maximum(values, 0) + penalty)[:, None]))
        scores.append([np.mean(((o - mean) / deviation @ w + middle).argmax(axis=1) == t) for o, t in others])
    return np.array(scores)


def probe(z_parts):
    """Accuracies on the test concepts, the penalty chosen on the validation concepts."""
    pairs_of = zip(z_parts, emoji(), strict=True)
    (z, y), *others = [(z[:, y >= 0].reshape(-1, z.shape[-1]), np.tile(y[y >= 0], 3)) for z, (_, y) in pairs_of]
    figures = {}
    for name, n in (("all", None), ("n20", 20), ("n5", 5)):
        few = [draw_labelled(y, n, draw) for draw in range(DRAWS if n else 1)]
        scores = np.mean([ridge_scores(z[chosen], y[chosen], others) for chosen in few], axis=0)
        valid, figures[name] = scores[scores[:, 0].argmax()]
        figures[f"valid_{name}"] = valid
    return figures


def found_again(z, of, among):
    """Share of drawings of one style whose nearest of another, by cosine, shows the same concept."""
    one, other = (row / np.linalg.norm(row, axis=1, keepdims=True) for row in (z[of], z[among]))
    return np.mean((one @ other.T).argmax(axis=1) == np.arange(len(one)))


def predicted(model, x):
    """Mean colours under the predicted bins: (n, 32, 32, 3) -> scaled Lab (n, 8, 8, 3)."""
    seen = small(emoji()[0][0]).reshape(-1, 3)
    of_colours, of_grays = bins(seen)
    colours = np.stack([np.bincount(of_colours, seen[:, c], N_COLOURS) for c in (1, 2)], axis=1)
    colours /= np.maximum(np.bincount(of_colours, minlength=N_COLOURS), 1)[:, None]
    grays = np.bincount(of_grays, seen[:, 0], N_GRAYS) / np.maximum(np.bincount(of_grays, minlength=N_GRAYS), 1)
    ab, lightness = model.predict([x[..., part] for part in SPLIT], batch_size=500, verbose=0)
    ab, lightness = (np.exp(logits - logits.max(axis=-1, keepdims=True)) for logits in (ab, lightness))
    ab, lightness = (p / p.sum(axis=-1, keepdims=True) for p in (ab, lightness))
    return np.concatenate([(lightness @ grays)[..., None], ab @ colours], axis=-1)


def emoji_features(method, share, seed):
    parts = [x for x, _ in emoji()]
    if method == "pixels":
        z_parts = [small(x).reshape(3, x.shape[1], -1) for x in parts]
    elif method == "colour histogram":
        z_parts = [histogram(x) for x in parts]
    else:
        encoders, model = train_towers(method, share, seed)
        z_parts = [features(encoders, method, x) for x in parts]
    figures = probe(z_parts)
    mean, deviation = z_parts[0].mean(axis=(0, 1)), z_parts[0].std(axis=(0, 1)) + 1e-6
    z = (z_parts[2] - mean) / deviation
    figures |= {"fluent": found_again(z, 0, 2), "twemoji": found_again(z, 0, 1), "ab_error": "", "l_error": ""}
    if method == "split-brain":
        x = parts[2].reshape(-1, 32, 32, 3)
        truth, middle = small(x), small(parts[0]).mean(axis=(0, 1))
        ours, middles = (np.square(guess - truth).mean(axis=(0, 1, 2)) for guess in (predicted(model, x), middle))
        figures |= {"l_error": ours[0] / middles[0], "ab_error": ours[1:].sum() / middles[1:].sum()}
    return {name: f"{figure:.5f}" if figure != "" else "nan" for name, figure in figures.items()}


# ---- photographs

PLACES = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]  # rows, columns
PATCH = 32


@functools.cache
def photographs():
    """56 for training and 20 held out, (n, 240, 320, 3)."""
    x, _, _ = data.load_photographs()
    return np.split(x[np.random.default_rng(0).permutation(len(x))], [len(x) - 20])


def pairs(x, n, rng, gap, jitter):
    """Two patches of each of n drawn photographs, and the place of the second: (n, 32, 32, 3), the same, (n,)."""
    step, (height, width) = PATCH + gap, x.shape[1:3]
    place, image = rng.integers(8, size=n), rng.integers(len(x), size=n)
    margin = step + jitter
    row = rng.integers(margin, height - PATCH - margin + 1, n)
    column = rng.integers(margin, width - PATCH - margin + 1, n)
    moved = np.array(PLACES)[place] * step + rng.integers(-jitter, jitter + 1, (n, 2))
    inside = np.arange(PATCH)

    def cut(row, column):
        return x[image[:, None, None], (row[:, None] + inside)[:, :, None], (column[:, None] + inside)[:, None]]

    return cut(row, column), cut(row + moved[:, 0], column + moved[:, 1]), place


def one_channel(patches, rng):
    """One colour channel of each patch is kept, the two others become faint noise."""
    kept = rng.integers(3, size=len(patches))
    out = rng.normal(0.5, 0.01, patches.shape).astype("float32")
    each = np.arange(len(patches))
    out[each, ..., kept] = patches[each, ..., kept]
    return out


def context_network():
    """Logits of eight places from two patches, and the encoder that both share."""
    he = {"activation": "relu", "kernel_initializer": "he_normal"}
    x = keras.Input((PATCH, PATCH, 3))
    h = layers.Conv2D(32, 5, strides=4, padding="same", **he)(x)
    h = layers.Conv2D(64, 3, strides=2, padding="same", **he)(h)
    encoder = keras.Model(x, h)
    shared = keras.Sequential([encoder, layers.Flatten(), layers.Dense(128, **he)])
    one, other = keras.Input((PATCH, PATCH, 3)), keras.Input((PATCH, PATCH, 3))
    h = layers.Dense(128, **he)(layers.Concatenate()([shared(one), shared(other)]))
    return keras.Model([one, other], layers.Dense(8)(h)), encoder


REMEDIES = {"all": (16, 4, True), "no gap": (0, 0, True), "all colours": (16, 4, False)}  # gap, jitter, one channel
TESTS = {f"on_{remedy}".replace(" ", "_"): remedy for remedy in REMEDIES}  # columns of the table
CONTEXT_STEPS = 1500
MIRRORED = np.array([PLACES.index((row, -column)) for row, column in PLACES])


def batch(x, n, rng, remedy):
    """Pairs as the network gets them, half of them mirrored, and the places."""
    gap, jitter, drop = REMEDIES[remedy]
    one, other, place = pairs(x, n, rng, gap, jitter)
    turned = rng.random(n) < 0.5
    one[turned], other[turned] = one[turned, :, ::-1], other[turned, :, ::-1]
    if drop:
        one, other = one_channel(one, rng), one_channel(other, rng)
    return [one - 0.5, other - 0.5], np.where(turned, MIRRORED[place], place)


def photograph_probe(z_of, one=False):
    """Which of the 20 held-out photographs: learned from 60 patches of the left half, asked of 60 of the right.

    `one`: one colour channel of each patch is kept.
    """
    _, x = photographs()
    rng, parts = np.random.default_rng(5), []
    for low, high in ((0, 160 - PATCH), (160, 320 - PATCH), (160, 320 - PATCH)):
        row, column = rng.integers(0, 241 - PATCH, (20, 60)), rng.integers(low, high + 1, (20, 60))
        patches = [
            x[i, r : r + PATCH, c : c + PATCH] for i in range(20) for r, c in zip(row[i], column[i], strict=True)
        ]
        patches = np.stack(patches)
        parts.append(z_of(one_channel(patches, rng) if one else patches))
    names = np.repeat(np.arange(20), 60)
    scores = ridge_scores(parts[0], names, [(parts[1], names), (parts[2], names)])
    return scores[scores[:, 0].argmax(), 1]


def mean_and_spread(maps):
    return np.concatenate([maps.mean(axis=(1, 2)), maps.std(axis=(1, 2))], axis=1)


def context(remedy, seed):
    figures = dict.fromkeys(["probe", "probe_one", "train", *TESTS], np.nan)
    z_of = mean_and_spread
    if remedy != "colours":
        model, encoder = context_network()
        z_of = lambda x: mean_and_spread(encoder.predict(x - 0.5, batch_size=500, verbose=0))  # noqa: E731
    if remedy not in ("colours", "random"):
        x_train, x_test = photographs()
        compiled(model, cosine_rate(2e-3, 128 * CONTEXT_STEPS, 128, 1))
        rng = np.random.default_rng(seed)
        for _ in range(CONTEXT_STEPS // 25):
            x, y = batch(x_train, 25 * 128, rng, remedy)
            seen = model.fit(x, y, batch_size=128, verbose=0)
        figures["train"] = seen.history["accuracy"][0]
        for column, test in TESTS.items():
            x, y = batch(x_test, 8000, np.random.default_rng(99), test)
            figures[column] = model.evaluate(x, y, batch_size=500, verbose=0)[1]
    figures["probe"] = photograph_probe(z_of)
    if remedy != "no gap":
        figures["probe_one"] = photograph_probe(z_of, one=True)
    return {name: f"{float(figure):.5f}" for name, figure in figures.items()}


def main():
    settings = grid(n_labels=[5, 20], copied=[0], start=["random"], then=["trained"], seed=range(10))
    settings += grid(
        n_labels=[5, 20], copied=[0], start=["random"], then=["trained long", "trained fast"], seed=range(10)
    )
    settings += grid(n_labels=[5, 20], copied=[1, 2, 3], start=["copied"], then=["frozen", "trained"], seed=range(10))
    settings += grid(n_labels=[5, 20], copied=[1, 2, 3], start=["random"], then=["frozen"], seed=range(10))
    settings += grid(n_labels=[5, 20], copied=[3], start=["random"], then=["frozen long"], seed=range(10))
    complete("transfer", settings, transfer)
    settings = grid(method=["pixels", "colour histogram"], share=[1.0], seed=[0])
    settings += grid(method=["random", "random whole", "split-brain"], share=[1.0], seed=range(5))
    settings += grid(method=["split-brain"], share=[0.25, 0.5], seed=range(5))
    settings += grid(method=["autoencoder", "leak", "supervised"], share=[1.0], seed=range(3))
    complete("emoji_features", settings, emoji_features)
    settings = grid(remedy=["colours"], seed=[0]) + grid(remedy=["random", "all colours"], seed=range(5))
    settings += grid(remedy=["all", "no gap"], seed=range(3))
    complete("context", settings, context)


if __name__ == "__main__":
    main()
