"""`make bench`: time and memory of the main jobs, as ratios within one run, to `results/bench.csv`.

Each job runs in a process of its own, and takes turns there with what it is compared with: seconds tell of the machine
and of who else used it, ratios much less so. `peak_mib` is the largest resident memory of the job's processes.

    Gibbs step       an epoch of the 784-500 machine, k = 1, 256 chains, over one of scikit-learn's BernoulliRBM
    latent grid      one call of chapter 04's convolutional decoder over 225 calls, a code each
    map epoch        a batch epoch of a Kohonen map of 15 by 15, 500 digits, over MiniSom's
    dense training   the arithmetic of fitting 784-300-150-300-784, over as much of it in large matrix products
    chapter 01 ...   a chapter in the quick profile, over 1 TFLOP in matrix products
"""

import json
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
from aelib.rbm import RBM
from aelib.som import SOM, plane
from experiments.table import RESULTS, write
from tools import chapters

try:
    import resource
except ModuleNotFoundError:  # on Windows
    resource = None

N = 2048  # of the matrices


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
    x = (data.load_mnist()[0][0][: 256 * 40].reshape(-1, 784) > 0.5).astype("float32")
    ours, theirs = RBM(500, n_chains=256, seed=0), BernoulliRBM(500, learning_rate=0.05, batch_size=256, random_state=0)
    ours.compile(keras.optimizers.SGD(0.05), steps_per_execution=20)

    def their_epoch():
        for start in range(0, len(x), 256):
            theirs.partial_fit(x[start : start + 256])

    return alternate(lambda: ours.fit(x, batch_size=256, verbose=0), their_epoch)


def latent_grid():
    decoder = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(14 * 14 * 64, "relu"),
            layers.Reshape((14, 14, 64)),
            layers.Conv2DTranspose(32, 3, 2, "same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
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


JOBS = {"Gibbs step": gibbs_step, "latent grid": latent_grid, "map epoch": map_epoch, "dense training": dense_training}


def measure(job):
    """One row of the table, as JSON on standard output."""
    course.start(seed=0)
    seconds, baseline = chapter(job.split()[1]) if job.startswith("chapter") else JOBS[job]()
    row = {"job": job, "seconds": f"{seconds:.3f}", "baseline_seconds": f"{baseline:.3f}"}
    print(json.dumps(row | {"ratio": f"{seconds / baseline:.3g}", "peak_mib": round(peak_mib())}))


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
