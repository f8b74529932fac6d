"""`make bench`: time and memory of the main jobs, each over what a user would pick instead, to `results/bench.csv`.

Each job runs in a process of its own, and takes turns there with what it is compared with: seconds tell of the machine
and of who else used it, ratios much less so. `peak_mib` is the largest resident memory of the job's processes.

Most jobs are medians of several turns. Those of `race` are one training each, by a recipe of the course and by one that
others publish, both ending at a `loss` on the test images; ours has to come as far as theirs. A chapter is run in the
quick profile.
"""

import collections
import json
import math
import subprocess
import sys
import time

from aelib import course

# isort: split
import keras
import numpy as np
import psutil
from keras import layers, ops
from minisom import MiniSom
from sklearn.neural_network import BernoulliRBM

from aelib import data
from aelib.course import cosine_rate
from aelib.rbm import RBM
from aelib.som import SOM, plane
from experiments.table import RESULTS, write
from tools import chapters

try:
    import resource
except ModuleNotFoundError:  # on Windows
    resource = None

N = 2048  # of the matrices
RELU = {"activation": "relu", "kernel_initializer": "he_normal"}  # of the lecture


def alternate(first, second, rounds=5):
    """Median seconds of both, measured in turn after a first call of each."""
    times = []
    for _ in range(rounds + 1):
        times.append([])
        for action in (first, second):
            started = time.perf_counter()
            action()
            times[-1].append(time.perf_counter() - started)
    return np.median(times[1:], axis=0)


def products(flop):
    """So many floating-point operations, in products of float32 matrices; at least one product."""
    a = ops.ones((N, N))
    for _ in range(max(1, round(flop / (2 * N**3)))):
        a = ops.matmul(a, a) / N
    return ops.convert_to_numpy(a)


def gibbs_step():
    x = (data.load_mnist()[0][0][: 256 * 214].reshape(-1, 784) > 0.5).astype("float32")  # full batches of the epoch
    ours, theirs = RBM(500, n_chains=256, seed=0), BernoulliRBM(500, learning_rate=0.05, batch_size=256, random_state=0)
    ours.compile(keras.optimizers.SGD(0.05), steps_per_execution=107)

    def their_epoch():
        for start in range(0, len(x), 256):
            theirs.partial_fit(x[start : start + 256])

    return alternate(lambda: ours.fit(x, batch_size=256, verbose=0), their_epoch)


def lecture_decoder(last):
    """Chapter 04's convolutional decoder of two codes: logits of an image, and a last layer."""
    parts = [
        layers.Dense(14 * 14 * 64, **RELU),
        layers.Reshape((14, 14, 64)),
        layers.Conv2DTranspose(32, 3, 2, "same", **RELU),
        layers.Conv2D(1, 3, padding="same"),
    ]
    return keras.Sequential([keras.Input((2,)), *parts, last])


def latent_grid():
    decoder = lecture_decoder(layers.Activation("sigmoid"))
    z = np.random.default_rng(0).normal(size=(225, 2))
    one_by_one = lambda: [decoder.predict(code[None], verbose=0) for code in z]  # noqa: E731
    return alternate(lambda: decoder.predict(z, batch_size=225, verbose=0), one_by_one, rounds=3)


def map_epoch():
    x = data.load_mnist()[0][0][:500].reshape(-1, 784)
    start = plane(x, 15, 15).astype("float32")
    ours, theirs = SOM(15, 15, epochs=1, sigma=(3, 3)), MiniSom(15, 15, 784, sigma=3, learning_rate=1.0)

    def our_epoch():
        ours.weights = start.copy()
        ours.step(x, 3)

    def their_epoch():
        theirs._weights = start.astype("float64")
        theirs.train_batch_offline(x, 1)

    seconds = alternate(our_epoch, their_epoch, rounds=3)
    np.testing.assert_allclose(ours.weights, theirs.get_weights(), atol=1e-6)
    return seconds


def dense_training():
    x = data.load_mnist()[0][0][: 128 * 200].reshape(-1, 784)
    widths = [300, 150, 300]
    model = keras.Sequential([keras.Input((784,)), *(layers.Dense(n, "elu") for n in widths), layers.Dense(784)])
    model.compile("adam", "mse", steps_per_execution=50)
    flop = 3 * 2 * len(x) * sum(layer.kernel.shape[0] * layer.kernel.shape[1] for layer in model.layers)
    return alternate(lambda: model.fit(x, x, batch_size=128, verbose=0), lambda: products(flop))


def words():
    from experiments import ch10

    found, (_, ids, sentence) = {}, ch10.corpus()

    def whole_arrays():
        found["ours"] = ch10.ppmi(ch10.counts.__wrapped__(10), 0.75).tocoo()  # not the counts that it keeps

    def by_pairs():
        found["theirs"] = pair_by_pair(ids.tolist(), sentence.tolist(), 10, 0.75)

    seconds = alternate(whole_arrays, by_pairs, rounds=1)
    ours, theirs = found["ours"], found["theirs"]
    pairs = zip(ours.row.tolist(), ours.col.tolist(), strict=True)
    np.testing.assert_allclose(ours.data, [theirs.pop(pair) for pair in pairs], atol=1e-9)
    assert not theirs
    return seconds


def pair_by_pair(ids, sentence, window, alpha):
    """What `counts` and `ppmi` of `experiments/ch10.py` compute: a dict from pairs of words to their PPMI."""
    met, of_word = collections.defaultdict(float), collections.defaultdict(float)
    for i, word in enumerate(ids):
        for j in range(i + 1, min(i + window + 1, len(ids))):
            if sentence[j] != sentence[i]:
                break
            if word >= 0 and ids[j] >= 0:
                met[word, ids[j]] += 1 / (j - i)
                met[ids[j], word] += 1 / (j - i)
    for (word, _), n in met.items():
        of_word[word] += n
    contexts = sum(n**alpha for n in of_word.values())
    pmi = {(w, c): math.log(n * contexts / (of_word[w] * of_word[c] ** alpha)) for (w, c), n in met.items()}
    return {pair: value for pair, value in pmi.items() if value > 0}


def race(ours, theirs, **test):
    """Seconds of two trainings, and the loss of each network on the test images; ours has to come as far as theirs."""
    seconds, losses = [], []
    for model, train in (ours, theirs):
        started = time.perf_counter()
        train()
        seconds.append(time.perf_counter() - started)
        losses.append(model.evaluate(**test, batch_size=1000, verbose=0, return_dict=True)["loss"])
    if losses[0] > losses[1]:
        raise RuntimeError(f"our recipe ends at {losses[0]:.5g}, theirs at {losses[1]:.5g}")
    return *seconds, *losses


def stacked_autoencoder():
    """32 codes. Theirs prints about 0.08 after 100 epochs, cross-entropy a pixel."""
    from experiments import ch02

    x, epochs = ch02.x_train, 6
    widths = [(300, "relu"), (32, None), (300, "relu"), (784, "sigmoid")]
    ours = keras.Sequential([keras.Input((784,)), *(ch02.dense(*width) for width in widths)])
    hidden = [layers.Dense(n, "relu") for n in (128, 64, 32, 64, 128)]
    theirs = keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(784, "sigmoid")])

    def train_ours():
        ch02.fit(ours, x, cosine_rate(4e-3, len(x), 128, epochs), 128, epochs)

    def train_theirs():
        theirs.compile("adam", "binary_crossentropy")
        theirs.fit(x, x, batch_size=256, epochs=100, verbose=0)

    return race((ours, train_ours), (theirs, train_theirs), x=ch02.x_test, y=ch02.x_test)


def dense_vae():
    """The lecture's network, 784-500-500-20. Theirs prints 99 to 111 nats after 50 epochs, of a training batch each."""
    from experiments import ch04

    ours, theirs = (ch04.variational(*ch04.halves()) for _ in range(2))

    def train_theirs():
        theirs.compile("adam")
        theirs.fit(ch04.x_train, batch_size=150, epochs=25, verbose=0)

    return race((ours, lambda: ch04.fit(ours, None, None, 12)), (theirs, train_theirs), x=ch04.x_test)


def convolutional_vae():
    """Two codes. Ours is the lecture's network; theirs prints 146.95 after 30 epochs, training images."""
    from experiments import ch04

    x, z = keras.Input((784,)), keras.Input((2,))
    h = layers.Conv2D(32, 3, padding="same", **RELU)(layers.Reshape((28, 28, 1))(x))
    for strides in (2, 1, 1):
        h = layers.Conv2D(64, 3, strides, "same", **RELU)(h)  # -> (14, 14, 64)
    h = layers.Dense(32, **RELU)(layers.Flatten()(h))
    encoder = keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])
    ours = ch04.variational(encoder, lecture_decoder(layers.Flatten()))

    halved = {"strides": 2, "activation": "relu", "padding": "same"}  # or doubled
    h = layers.Conv2D(64, 3, **halved)(layers.Conv2D(32, 3, **halved)(layers.Reshape((28, 28, 1))(x)))
    h = layers.Dense(16, "relu")(layers.Flatten()(h))
    encoder = keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])
    h = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, "relu")(z))
    h = layers.Conv2DTranspose(32, 3, **halved)(layers.Conv2DTranspose(64, 3, **halved)(h))
    h = layers.Conv2DTranspose(1, 3, padding="same")(h)
    theirs = ch04.variational(encoder, keras.Model(z, layers.Flatten()(h)))

    def train_ours():
        adam = keras.optimizers.Adam(cosine_rate(3e-3, len(ch04.x_train), 64, 1), beta_2=0.95)
        ours.compile(adam, steps_per_execution=20)
        ours.fit(ch04.x_train, batch_size=64, verbose=0)

    def train_theirs():
        theirs.compile("adam")
        theirs.fit(ch04.x_train, batch_size=128, epochs=3, verbose=0)

    return race((ours, train_ours), (theirs, train_theirs), x=ch04.x_test)


def chapter(number):
    (path,) = chapters.find(number)
    products(1e12)
    started = time.perf_counter()
    products(1e12)
    baseline = time.perf_counter() - started
    _, result = chapters.execute(path, "quick")
    if result["failure"]:
        raise RuntimeError(f"{path.name}: {result['failure']}")
    return result["seconds"], baseline


JOBS = {  # what is measured, and what beside
    "Gibbs step": (gibbs_step, "scikit-learn's BernoulliRBM"),
    "latent grid of 225 codes": (latent_grid, "225 calls"),
    "batch epoch of a map": (map_epoch, "MiniSom's"),
    "PPMI of the glosses": (words, "a loop over pairs"),
    "stacked autoencoder": (stacked_autoencoder, "blog.keras.io: 100 epochs"),
    "dense VAE": (dense_vae, "handson-ml: 25 of its 50 epochs"),
    "convolutional VAE": (convolutional_vae, "keras.io: 3 of its 30 epochs"),
    "dense training": (dense_training, "as much arithmetic in matrix products"),
}


def measure(job):
    """One row of the table, as JSON on standard output."""
    course.start(seed=0)
    if job.startswith("chapter"):
        beside, found = "1 TFLOP in matrix products", chapter(job.split()[1])
    else:
        function, beside = JOBS[job]
        found = function()
    seconds, baseline, *losses = found
    row = {"job": job, "beside": beside, "seconds": f"{seconds:.3f}", "baseline_seconds": f"{baseline:.3f}"}
    row |= {"ratio": f"{seconds / baseline:.3g}", "peak_mib": round(peak_mib())}
    losses = [f"{loss:.4g}" for loss in losses] or ["", ""]
    print(json.dumps(row | dict(zip(("loss", "baseline_loss"), losses, strict=True))))


def peak_mib():
    """The largest resident memory so far: of this process, or (not on Windows) of one that it has waited for."""
    if resource is None:
        return psutil.Process().memory_info().peak_wset / 2**20
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in whose) / (2**20 if sys.platform == "darwin" else 2**10)


def main():
    rows = []
    for job in [*JOBS, *(f"chapter {path.name[:2]}" for path in chapters.find())]:
        done = subprocess.run([sys.executable, "-m", "tools.bench", job], stdout=subprocess.PIPE, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print("   ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    write(rows, RESULTS / "bench.csv")


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
