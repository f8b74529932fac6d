"""The small models of the site's toys: `python -m tools.toys` trains them and writes site/static/weights.js.

Two models of chapters 04 and 05 with fewer hidden units, eight bits a weight, and the start of a map of chapter 12.
"""

import base64
import json

from aelib import course  # before Keras, because it keeps TensorFlow's start-up quiet

# isort: split
import keras
import numpy as np
from keras import layers, ops
from scipy.special import expit
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from aelib import data
from aelib.layers import Sampling, VariationalLoss
from aelib.rbm import RBM, base_logits
from tools import chapters

FILE = chapters.SITE / "static" / "weights.js"
BEGIN = "// Written by tools/toys.py.\nconst WEIGHTS = "


def packed(w):
    """A matrix as eight bits a number, and a scale a column, in base64."""
    scale = (np.abs(w).max(axis=0) / 127).astype("<f4")
    values = np.round(w / scale).astype("i1")
    text = [base64.b64encode(a.tobytes()).decode() for a in (scale, values)]
    return {"shape": w.shape, "scale": text[0], "values": text[1]}


def unpacked(matrix):
    """What the page makes of it: float32."""
    scale, values = (
        np.frombuffer(base64.b64decode(matrix[key]), kind) for key, kind in (("scale", "<f4"), ("values", "i1"))
    )
    return values.reshape(matrix["shape"]) * scale


def read():
    """What weights.js holds."""
    return json.loads(FILE.read_text("utf-8").removeprefix(BEGIN).removesuffix(";\n"))


def decode(dense, z):
    """Pixels of the codes z, (n, 2) -> (n, 784), by the layers that weights.js holds."""
    for layer in dense:
        a = z @ unpacked(layer["kernel"]) + np.array(layer["bias"], "float32")
        z = np.where(a > 0, a, np.expm1(np.minimum(a, 0)))  # elu
    return expit(a)


def _numbers(values, digits):
    return np.round(np.asarray(values, "float64"), digits).tolist()


def plane(x, epochs=20, units=128):
    """A VAE with two codes, as in chapter 04: its decoder."""
    elu = {"activation": "elu", "kernel_initializer": "he_normal"}
    image, z = keras.Input((784,)), keras.Input((2,))
    h = layers.Dense(units, **elu)(layers.Dense(units, **elu)(image))
    encoder = keras.Model(image, [layers.Dense(2)(h), layers.Dense(2)(h)])
    h = layers.Dense(units, **elu)(layers.Dense(units, **elu)(z))
    decoder = keras.Model(z, layers.Dense(784)(h))
    z_mean, z_log_var = encoder(image)
    logits = decoder(Sampling()([z_mean, z_log_var]))
    vae = keras.Model(image, VariationalLoss()([image, logits, z_mean, z_log_var]))
    rate = course.cosine_rate(3e-3, len(x), 150, epochs)
    vae.compile(keras.optimizers.Adam(rate, beta_2=0.95), loss=None, steps_per_execution=20)
    vae.fit(x, batch_size=150, epochs=epochs, verbose=2)
    dense = [
        {"kernel": packed(ops.convert_to_numpy(layer.kernel)), "bias": _numbers(layer.bias, 4)}
        for layer in decoder.layers[1:]
    ]
    codes = np.random.default_rng(4).normal(size=(1000, 2)).astype("float32")
    off = np.abs(decode(dense, codes) - expit(ops.convert_to_numpy(decoder(codes))))
    return {"layers": dense, "off": _numbers([off.mean(), off.max()], 4)}


def chains(x, x_test, epochs=20, units=160):
    """A machine with persistent chains, as in chapter 05, and twelve test images to start from."""
    rng = np.random.default_rng(5)
    x, x_test = ((rng.random(gray.shape, dtype="float32") < gray).astype("float32") for gray in (x, x_test))
    rbm = RBM(units, k=2, n_chains=256, weight_decay=1e-4, seed=5)
    rbm.build((None, 784))
    rbm.visible_bias.assign(base_logits(x))
    falling = keras.optimizers.schedules.PolynomialDecay(0.1, epochs * -(-len(x) // 256), end_learning_rate=0.0)
    rbm.compile(keras.optimizers.SGD(falling, momentum=0.5), steps_per_execution=43)
    rbm.fit(x, batch_size=256, epochs=epochs, verbose=2)
    machine = {"kernel": packed(ops.convert_to_numpy(rbm.kernel))}
    machine |= {name: _numbers(getattr(rbm, name), 4) for name in ("visible_bias", "hidden_bias")}
    before = ops.convert_to_numpy(rbm.hidden_probabilities(x_test[:1000]))
    off = np.abs(before - expit(x_test[:1000] @ unpacked(machine["kernel"]) + np.array(machine["hidden_bias"])))
    digits = [base64.b64encode(np.packbits(image > 0)).decode() for image in x_test[:12]]
    return machine | {"digits": digits, "off": _numbers([off.mean(), off.max()], 4)}


def net():
    """The curved plane of chapter 12, the random start of its map, and the axes on which both are drawn."""
    points = data.make_curved_plane()[:100]
    points = StandardScaler().fit_transform(points)
    start = np.random.default_rng(0).uniform(-0.5 / 96, 0.5 / 96, (8, 12, 3))
    axes = PCA(n_components=2).fit(points).components_
    return {"points": _numbers(points, 4), "start": _numbers(start, 6), "axes": _numbers(axes, 4)}


def main():
    course.start(seed=4)
    (x, _), _, (x_test, _) = data.load_mnist()
    x, x_test = x.reshape(-1, 784), x_test.reshape(-1, 784)
    weights = {"plane": plane(x), "chains": chains(x, x_test), "net": net()}
    FILE.write_text(BEGIN + json.dumps(weights, separators=(",", ":")) + ";\n", "utf-8")
    for name in ("plane", "chains"):
        print(name, "eight bits a weight move a probability by (mean, largest)", weights[name]["off"])
    print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
