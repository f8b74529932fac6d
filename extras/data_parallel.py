"""Chapter 02's and chapter 04's network, trained by several processes with a part of each batch: DATA_PARALLEL.md."""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"  # before Keras

from aelib import course, data  # noqa: F401, course keeps TensorFlow's start-up quiet

# isort: split
import keras
import tensorflow as tf
from keras import layers

from aelib.layers import Sampling, VariationalLoss


def dense(units, activation="elu"):
    return layers.Dense(units, activation, kernel_initializer="he_normal")


def autoencoder():
    sizes = [(300, "elu"), (150, None), (300, "elu"), (784, "sigmoid")]
    model = keras.Sequential([keras.Input((784,)), *(dense(*size) for size in sizes)])
    model.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
    return model


def variational():
    x = keras.Input((784,))
    h = dense(500)(dense(500)(x))
    z_mean, z_log_var = dense(20, None)(h), dense(20, None)(h)
    logits = dense(784, None)(dense(500)(dense(500)(Sampling()([z_mean, z_log_var]))))
    model = keras.Model(x, VariationalLoss()([x, logits, z_mean, z_log_var]))
    model.compile(keras.optimizers.Adam(1e-3), loss=None)
    return model


def main(n_images="55000", address=None, n_processes="1", number="0"):
    if address:
        keras.distribution.initialize(address, int(n_processes), int(number))
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    x_train = data.load_mnist()[0][0].reshape(-1, 784)[: int(n_images)]
    for build in (autoencoder, variational):
        keras.utils.set_random_seed(0)  # the same weights, order and noise in every process
        batches = tf.data.Dataset.from_tensor_slices((x_train, x_train)).shuffle(len(x_train)).repeat().batch(128)
        model = build()
        history = model.fit(batches, steps_per_epoch=len(x_train) // 128, epochs=3, shuffle=False, verbose=0).history
        n_devices = len(model.weights[0].value.sharding.device_set)
        print(
            f"{build.__name__}, devices: {n_devices}, losses:", *(f"{loss:.7g}" for loss in history["loss"]), flush=True
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
