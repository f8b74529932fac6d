"""The tables of chapter 02: what each part of its recipe does, error against code size, layer by layer against at once.

Errors are mean squared errors over images and pixels, of all 5,000 validation and 10,000 test images. Nothing is chosen
by the test images.
"""

import keras
from keras import layers

from aelib.course import cosine_rate
from aelib.losses import mse
from experiments import mnist
from experiments.table import complete, grid

(x_train, _), (x_valid, _), (x_test, _) = mnist.load()
x_train, x_valid, x_test = (x.reshape(-1, 784) for x in (x_train, x_valid, x_test))

LECTURE = {"l2": 5e-5, "rate": 1e-2, "schedule": False, "batch_size": 150, "epochs": 5}
LECTURE |= {"hidden": "elu", "code": "elu", "output": "linear", "loss": "mse"}
NO_PENALTY, LINEAR_CODE = {"l2": 0}, {"code": "linear"}
TRAINING = {"rate": 2e-3, "schedule": True, "batch_size": 128, "epochs": 10}
OUTPUT = {"output": "sigmoid", "loss": "binary_crossentropy"}
OURS = LECTURE | NO_PENALTY | TRAINING | LINEAR_CODE | OUTPUT


def taken_back(changes):
    return OURS | {name: LECTURE[name] for name in changes}


# one change added to the lecture's recipe; two; one taken back from ours
RECIPES = {
    "lecture: L2(5e-5)": LECTURE,
    "lecture with L2(1e-4)": LECTURE | {"l2": 1e-4},
    "lecture + no penalty": LECTURE | NO_PENALTY,
    "lecture + training": LECTURE | TRAINING,
    "lecture + linear code": LECTURE | LINEAR_CODE,
    "lecture + output": LECTURE | OUTPUT,
    "lecture + no penalty + training": LECTURE | NO_PENALTY | TRAINING,
    "ours": OURS,
    "ours - no penalty": taken_back(NO_PENALTY),
    "ours - training": taken_back(TRAINING),
    "ours - linear code": taken_back(LINEAR_CODE),
    "ours - output": taken_back(OUTPUT),
    "ours - cross-entropy": taken_back({"loss"}),
    "ours with ReLU": OURS | {"hidden": "relu"},
}


def dense(units, activation, l2=0):
    regularizer = keras.regularizers.L2(l2) if l2 else None
    return layers.Dense(units, activation, kernel_initializer="he_normal", kernel_regularizer=regularizer)


def fit(model, x, rate, batch_size, epochs, loss="binary_crossentropy"):
    model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=50)
    model.fit(x, x, batch_size=batch_size, epochs=epochs, verbose=0)


def errors(model):
    return {
        "valid_mse": mse(x_valid, model.predict(x_valid, batch_size=1000, verbose=0)),
        "test_mse": mse(x_test, model.predict(x_test, batch_size=1000, verbose=0)),
    }


def with_recipe(recipe, seed):
    r = RECIPES[recipe]
    sizes = [(300, r["hidden"]), (150, r["code"]), (300, r["hidden"]), (784, r["output"])]
    model = keras.Sequential([keras.Input((784,)), *(dense(units, activation, r["l2"]) for units, activation in sizes)])
    rate = cosine_rate(r["rate"], len(x_train), r["batch_size"], r["epochs"]) if r["schedule"] else r["rate"]
    fit(model, x_train, rate, r["batch_size"], r["epochs"], r["loss"])
    return errors(model)


def with_codes(n_codes, epochs, seed):
    sizes = [(300, "relu"), (n_codes, None), (300, "relu"), (784, "sigmoid")]
    model = keras.Sequential([keras.Input((784,)), *(dense(units, activation) for units, activation in sizes)])
    fit(model, x_train, cosine_rate(4e-3, len(x_train), 128, epochs), 128, epochs)
    return errors(model)


def at_once_or_not(training, seed):
    """12 epochs at once; or 8 of each pair, which together cost what 8 at once do, and then 4 at once."""
    hidden1, code, hidden3, output = dense(300, "elu"), dense(150, None), dense(300, "elu"), dense(784, "sigmoid")
    stack = keras.Sequential([keras.Input((784,)), hidden1, code, hidden3, output])
    n = len(x_train)
    if training == "at once":
        fit(stack, x_train, cosine_rate(2e-3, n, 128, 12), 128, 12)
        return errors(stack) | {"before_fine_tuning_test_mse": errors(stack)["test_mse"]}
    outer = keras.Sequential([keras.Input((784,)), hidden1, output])
    fit(outer, x_train, cosine_rate(2e-3, n, 128, 8), 128, 8)
    h_train = keras.Sequential([keras.Input((784,)), hidden1]).predict(x_train, batch_size=1000, verbose=0)
    inner = keras.Sequential([keras.Input((300,)), code, hidden3])
    fit(inner, h_train, cosine_rate(2e-3, n, 128, 8), 128, 8, "mse")
    before = errors(stack)["test_mse"]
    fit(stack, x_train, cosine_rate(1e-3, n, 128, 4), 128, 4)
    return errors(stack) | {"before_fine_tuning_test_mse": before}


def main():
    complete("code_size", grid(n_codes=[2, 10, 30, 5, 150], epochs=[20], seed=range(3)), with_codes)
    complete("recipe", grid(recipe=list(RECIPES), seed=range(3)), with_recipe)
    complete("layerwise", grid(training=["at once", "one at a time"], seed=range(3)), at_once_or_not)
