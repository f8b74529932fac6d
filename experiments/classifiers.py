"""Classifiers of the tables of several chapters: trained by chapter 06's protocol, and measured."""

import keras
import numpy as np
import tensorflow as tf


def fit_best(model, x, y, validation, rate, steps, evaluations, batch_size):
    """Adam; the validation images are seen `evaluations` times, and the best weights are kept."""
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps // evaluations,
    )
    best = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=evaluations, restore_best_weights=True)
    model.fit(
        tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).repeat().batch(batch_size),
        steps_per_epoch=steps // evaluations,
        epochs=evaluations,
        shuffle=False,
        validation_data=tf.data.Dataset.from_tensor_slices(validation).batch(1000),
        callbacks=[best],
        verbose=0,
    )


def accuracy(model, x, y):
    return float(np.mean(model.predict(x, batch_size=1000, verbose=0).argmax(axis=1) == y))
