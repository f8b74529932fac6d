"""The tables of chapter 10: codes of digits by neighbours, relations and embedding losses, and word vectors.

`neighbours`: 784-256-10-256-784, ReLU and a sigmoid at the end, on the first 10,000 training images, 20 epochs of
batches of 100, Adam with a peak of 2e-3 and a cosine. The seed is that of the start and of the batches, the same for
every method, so methods compare in pairs; there are five seeds, or three. `near` is the accuracy of the five nearest
codes among the training codes, `linear` that of a logistic regression on standardized codes; both of all 5,000
validation and 10,000 test images. The methods' constants (10 neighbours, none of them the image itself, each row of
weights divided by its sum, the weights of the relations and of the embedding losses) were chosen on the validation
images, in one run each. PCA, LDA, Isomap (fitted on the first 2,000 images) and the pixels have no seed.

Of the methods, "class mean", "classifier" and those with friends and enemies see the labels. The classifier is the
encoder alone, its ten codes are the logits of the classes. The target of "blurred" is the image, blurred until it is as
far from itself as the heat kernel's target is: a control that smooths without a neighbour.

`word_vectors`: words of the glosses of WordNet, each gloss with its lemmas before it; words seen at least five times.
`dev` and `test` are two halves of the nouns that have one supersense only, of ten supersenses: accuracy of the five
nearest other nouns. `pairs_dev`, `pairs_test`, `pairs`: Spearman's correlation with WordSim-353, on two halves and on
all pairs whose words are known. What is to be reported of `test` and `pairs_test` is chosen by `dev` and `pairs_dev`.
"""

import collections
import functools

import keras
import numpy as np
from keras import layers, ops
from scipy import sparse
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import Isomap
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aelib import data
from aelib.course import cosine_rate
from experiments.table import complete, grid

N, BATCH_SIZE, EPOCHS, K, ROUND = 10_000, 100, 20, 10, 5
BLUR = 1.16  # pixels: the mean squared distance from the image is 13.4, summed over the pixels, as the heat kernel's is


@functools.cache
def digits():
    """The first training images, all validation and all test images, flat, with their labels."""
    (x_train, y_train), *others = data.load_mnist()
    return [(x.reshape(-1, 784), y) for x, y in ((x_train[:N], y_train[:N]), *others)]


def nearest(space, k=K):
    """Squared distances and indices of the k nearest others, (n, k) each."""
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(space).kneighbors()
    return distances**2, indices


def weights_of(indices, values, n):
    rows = np.repeat(np.arange(n), indices.shape[1])
    return sparse.csr_array((values.ravel(), (rows, indices.ravel())), shape=(n, n))


def heat(space):
    """exp(-d^2 / t) for the ten nearest, t the median of these d^2."""
    d2, near = nearest(space)
    return weights_of(near, np.exp(-d2 / np.median(d2)), len(space))


def friends_and_enemies(x, y, k1, k2):
    """+1 for the k1 nearest of the own class, -1 for the k2 nearest of the other classes."""
    rows, columns, values = [], [], []
    for c in np.unique(y):
        own, others = np.flatnonzero(y == c), np.flatnonzero(y != c)
        found = [(own[nearest(x[own], k1)[1]], 1.0)]
        if k2:
            near = NearestNeighbors(n_neighbors=k2, algorithm="brute").fit(x[others])
            found.append((others[near.kneighbors(x[own], return_distance=False)], -1.0))
        for indices, value in found:
            rows.append(np.repeat(own, indices.shape[1]))
            columns.append(indices.ravel())
            values.append(np.full(indices.size, value))
    rows, columns, values = map(np.concatenate, (rows, columns, values))
    return sparse.csr_array((values, (rows, columns)), shape=(len(x), len(x)))


def mean_targets(s, x):
    """The weighted means of the neighbours, and the sums of the weights."""
    total = np.asarray(s.sum(axis=1)).ravel()
    return ((s @ x) / total[:, None]).astype("float32"), total.astype("float32")


@functools.cache
def targets(method):
    """What the output is compared with, (n, 784)."""
    x, y = digits()[0]
    if method == "class mean":
        return np.stack([x[y == c].mean(axis=0) for c in range(10)])[y]
    if method == "blurred":
        return gaussian_filter(x.reshape(-1, 28, 28), (0, BLUR, BLUR)).reshape(x.shape)
    if method.startswith("heat"):
        return mean_targets(heat(x), x)[0]
    if "friends" in method:
        words = method.split()
        k2 = int(words[2]) if "enemies" in method else 0
        return mean_targets(friends_and_enemies(x, y, int(words[0]), k2), x)[0]
    return x


def squares(x, x_hat):
    """Summed over the pixels, one value per image."""
    return ops.sum(ops.square(x - x_hat), axis=1)


def apart(a):
    """Squared distances of all pairs of rows, by the Gram matrix."""
    norms = ops.sum(a * a, axis=1)
    return ops.maximum(norms[:, None] + norms[None] - 2 * ops.matmul(a, ops.transpose(a)), 0.0)


def others(pairs):
    """1 for two different rows, 0 on the diagonal."""
    return 1 - ops.eye(ops.shape(pairs)[0])


def relational(weight, threshold=None, alone=False):
    """Squares, plus `weight` times the mean over the other images of the batch of the squared difference of relations.

    A relation is the inner product of two images; a threshold is subtracted from it, and what is below 0 counts 0.
    """

    def relation(a):
        product = ops.matmul(a, ops.transpose(a))
        return product if threshold is None else ops.relu(product - threshold)

    def loss(x, x_hat):
        difference = relation(x) - relation(x_hat)
        own = 0.0 if alone else squares(x, x_hat)
        return own + weight * ops.mean(others(difference) * ops.square(difference), axis=1)

    return loss


def embedding(kind):
    """Between images x and their codes z, one value per image: the mean over the images of the batch."""

    def loss(x, z):
        far, d2 = apart(x), apart(z)
        if kind == "LE":
            pairs = d2 * ops.exp(-far / 20)
        elif kind == "MDS":
            pairs = ops.square(ops.sqrt(d2 + 1e-9) - ops.sqrt(far + 1e-9))
        else:
            near = ops.cast(far <= 50, "float32")
            pairs = near * d2 + (1 - near) * ops.relu(1 - d2)
        return ops.mean(others(pairs) * pairs, axis=1)

    return loss


RELATIONS = {
    "relations 0.01": (0.01,),
    "relations 0.1": (0.1,),
    "relations 0.01 above 100": (0.01, 100.0),
    "relations alone": (0.01, None, True),
}
EMBEDDINGS = {"LE": 1.0, "MDS": 0.1, "margin": 1.0}  # weight of the embedding loss, the reconstruction counts 1
WITHOUT_SEED = ["pixels", "PCA", "LDA", "Isomap"]


def build():
    """784 -> 256 -> 10 -> 256 -> 784: the autoencoder and its encoder."""
    he = {"activation": "relu", "kernel_initializer": "he_normal"}
    x = keras.Input((784,))
    z = layers.Dense(10, name="code")(layers.Dense(256, **he)(x))
    x_hat = layers.Dense(784, "sigmoid")(layers.Dense(256, **he)(z))
    return keras.Model(x, x_hat), keras.Model(x, z)


def train(method):
    """A trained encoder."""
    x, y = digits()[0]
    ae, encoder = build()
    compiled = {"optimizer": keras.optimizers.Adam(cosine_rate(2e-3, N, BATCH_SIZE, EPOCHS)), "steps_per_execution": 20}
    fit = {"batch_size": BATCH_SIZE, "epochs": EPOCHS, "verbose": 0}
    if method == "classifier":
        encoder.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), **compiled)
        encoder.fit(x, y, **fit)
        return encoder
    if method in EMBEDDINGS:
        model = keras.Model(ae.input, [encoder.output, ae.output])
        model.compile(loss=[embedding(method), squares], loss_weights=[EMBEDDINGS[method], 1.0], **compiled)
        model.fit(x, [x, x], **fit)
        return encoder
    ae.compile(loss=relational(*RELATIONS[method]) if method in RELATIONS else squares, **compiled)
    if method == "heat anew":
        for done in range(0, EPOCHS, ROUND):
            z = encoder.predict(x, batch_size=1000, verbose=0) if done else None
            aim = targets("heat") if z is None else mean_targets(heat(z), x)[0]
            ae.fit(x, aim, **fit | {"epochs": ROUND})
    else:
        ae.fit(x, targets(method), **fit)
    return encoder


def codes(method):
    """Codes of the training, validation and test images."""
    images = [x for x, _ in digits()]
    x, y = digits()[0]
    if method == "pixels":
        return images
    if method in WITHOUT_SEED:
        fitted = {
            "PCA": lambda: PCA(10, svd_solver="covariance_eigh").fit(x),
            "LDA": lambda: LinearDiscriminantAnalysis().fit(x, y),
            "Isomap": lambda: Isomap(n_neighbors=K, n_components=10).fit(x[:2000]),
        }[method]()
        return [fitted.transform(image) for image in images]
    encoder = train(method)
    return [encoder.predict(image, batch_size=1000, verbose=0) for image in images]


def neighbours(method, seed):
    z_train, *others = codes(method)
    (_, y_train), *labels = digits()
    near = KNeighborsClassifier(5, algorithm="brute").fit(z_train, y_train)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(z_train, y_train)
    figures = {}
    for part, z, (_, y) in zip(("valid", "test"), others, labels, strict=True):
        figures |= {f"{part}_near": near.score(z, y), f"{part}_linear": linear.score(z, y)}
    return figures | {"spread": f"{z_train.std(axis=0).mean():.4f}"}


SUPERSENSES = ["animal", "artifact", "body", "food", "person", "plant", "substance", "location", "feeling", "time"]


@functools.cache
def corpus():
    """Number of each word; number at each place, -1 for a word seen less than 5 times; sentence of each place."""
    _, lemmas, tokens = data.load_glosses()
    sentences = [
        [part for word in words for part in word.split("_") if part.isalpha()] + gloss
        for words, gloss in zip(lemmas, tokens, strict=True)
    ]
    often = collections.Counter(word for sentence in sentences for word in sentence)
    number = {word: i for i, (word, n) in enumerate(often.most_common()) if n >= 5}
    ids = np.array([number.get(word, -1) for sentence in sentences for word in sentence])
    return number, ids, np.repeat(np.arange(len(sentences)), [len(sentence) for sentence in sentences])


@functools.cache
def counts(window):
    """How often two words stand at most `window` places apart in a gloss; a pair that is d apart counts 1/d."""
    number, ids, sentence = corpus()
    n = len(number)
    total = sparse.csr_array((n, n))
    for d in range(1, window + 1):
        one, other = ids[:-d], ids[d:]
        both = (sentence[:-d] == sentence[d:]) & (one >= 0) & (other >= 0)
        total = total + sparse.coo_array((np.full(both.sum(), 1 / d), (one[both], other[both])), shape=(n, n)).tocsr()
    return (total + total.T).tocsr()


def ppmi(pairs, alpha):
    """log p(w, c) / (p(w) p(c)), where that is positive; p(c) is made of counts to the power alpha."""
    pairs = pairs.tocoo()
    p_word = np.asarray(pairs.sum(axis=1)).ravel() / pairs.sum()
    p_context = np.asarray(pairs.sum(axis=0)).ravel() ** alpha
    p_context /= p_context.sum()
    value = np.log(pairs.data / pairs.sum() / (p_word[pairs.row] * p_context[pairs.col]))
    kept = value > 0
    return sparse.csr_array((value[kept], (pairs.row[kept], pairs.col[kept])), shape=pairs.shape)


@functools.cache
def matrix(name, window, alpha):
    if name.startswith("PPMI"):
        return ppmi(counts(window), alpha)
    return np.log1p(counts(window)) if name == "log counts" else counts(window)


@functools.cache
def decomposed(name, window, alpha):
    """The 200 leading left singular vectors and singular values, the largest first."""
    svd = TruncatedSVD(200, algorithm="arpack", random_state=0)
    scaled = svd.fit_transform(matrix(name, window, alpha))
    return scaled / svd.singular_values_, svd.singular_values_


@functools.cache
def rulers():
    """Nouns of one supersense and their classes, which of them are for choosing; known pairs, scores, and likewise."""
    number = corpus()[0]
    lexnames, lemmas, _ = data.load_glosses()
    senses = collections.defaultdict(set)
    for name, words in zip(lexnames, lemmas, strict=True):
        for word in words:
            senses[word].add(str(name))
    known = {f"noun.{name}": c for c, name in enumerate(SUPERSENSES)}
    labelled = [
        (i, known[next(iter(senses[w]))]) for w, i in number.items() if len(senses[w]) == 1 and senses[w] <= set(known)
    ]
    words, classes = np.array(labelled).T
    pairs, scores = data.load_word_pairs()
    known = np.array([one in number and other in number for one, other in pairs])
    pairs = np.array([[number[word] for word in pair] for pair in pairs[known]])
    halves = [np.random.default_rng(10).permutation(n) % 2 == 0 for n in (len(words), len(pairs))]
    return (words, classes, halves[0]), (pairs, scores[known], halves[1])


def unit(rows):
    if sparse.issparse(rows):
        length = np.sqrt(np.asarray((rows * rows).sum(axis=1)).ravel())
        return sparse.diags_array(1 / np.maximum(length, 1e-9)) @ rows
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def word_vectors(rows, window, alpha, n_dims, power, seed):
    """Leading singular vectors of a matrix times a power of their values; without dimensions, its rows as they are."""
    if n_dims:
        u, s = decomposed(rows, window, alpha)
        vectors = unit(u[:, :n_dims] * s[:n_dims] ** power)
    else:
        vectors = unit(matrix(rows, window, alpha))
    (words, classes, choose), (pairs, scores, choose_pairs) = rulers()
    nouns = vectors[words]
    alike = np.asarray((nouns @ nouns.T).todense() if sparse.issparse(nouns) else nouns @ nouns.T)
    np.fill_diagonal(alike, -np.inf)
    near = np.argpartition(-alike, 5, axis=1)[:, :5]
    right = np.eye(10)[classes[near]].sum(axis=1).argmax(axis=1) == classes
    one, other = vectors[pairs[:, 0]], vectors[pairs[:, 1]]
    cosine = np.asarray((one * other).sum(axis=1)).ravel()
    figures = {"dev": right[choose].mean(), "test": right[~choose].mean()}
    parts = {"pairs_dev": choose_pairs, "pairs_test": ~choose_pairs, "pairs": choose_pairs | True}
    for name, part in parts.items():
        figures[name] = spearmanr(cosine[part], scores[part]).statistic
    return {name: f"{figure:.5f}" for name, figure in figures.items()}


FIVE_SEEDS = ["plain", "heat", "class mean", "10 friends 2 enemies", "relations 0.01", "classifier"]
THREE_SEEDS = [
    "heat anew",
    "10 friends",
    "LE",
    "MDS",
    "margin",
    "relations 0.01 above 100",
    "relations alone",
    "blurred",
]


def main():
    some = {"alpha": [0.75, 1.0], "n_dims": [50, 100, 200], "power": [0.0, 0.5, 1.0]}
    vectors = grid(rows=["PPMI"], window=[2, 5, 10], **some)
    vectors += grid(rows=["counts", "log counts"], window=[10], alpha=[1.0], n_dims=[100], power=[0.0, 0.5, 1.0])
    vectors += grid(rows=["PPMI"], window=[10], alpha=[0.75, 1.0], n_dims=[0], power=[1.0])
    complete("word_vectors", [row | {"seed": 0} for row in vectors], word_vectors)
    settings = [{"method": method, "seed": 0} for method in WITHOUT_SEED]
    settings += [{"method": method, "seed": seed} for seed in range(5) for method in FIVE_SEEDS]
    settings += [{"method": method, "seed": seed} for seed in range(3) for method in THREE_SEEDS]
    settings += [{"method": "relations 0.1", "seed": 0}]
    complete("neighbours", settings, neighbours)


if __name__ == "__main__":
    main()
