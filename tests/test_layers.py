import pathlib
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from aelib.layers import DenseTranspose

x = np.random.default_rng(0).random((20, 6), dtype=np.float32)


def sequential(sizes=(6, 4, 3), **options):
    """The encoder's two layers and their transposes, all biases random."""
    inputs, hidden, codes = sizes
    hidden1, code = layers.Dense(hidden, "tanh", **options), layers.Dense(codes, **options)
    output = DenseTranspose(hidden1, "sigmoid")
    model = keras.Sequential([keras.Input((inputs,)), hidden1, code, DenseTranspose(code, "tanh"), output])
    for layer in model.layers:
        layer.bias.assign(keras.random.normal(layer.bias.shape, seed=1))
    return model


def functional(**options):
    stack = sequential(**options).layers
    inputs = keras.Input((6,))
    outputs = inputs
    for layer in stack:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def untied(model):
    """The same function with four dense layers that share nothing."""
    hidden1, code, hidden3, output = (layer for layer in model.layers if not isinstance(layer, layers.InputLayer))
    copy = keras.Sequential(
        [keras.Input((6,)), *(layers.Dense(n, f) for n, f in ((4, "tanh"), (3, None), (4, "tanh"), (6, "sigmoid")))]
    )
    kernels = [hidden1.kernel, code.kernel, np.transpose(code.kernel), np.transpose(hidden1.kernel)]
    for layer, kernel, old in zip(copy.layers, kernels, (hidden1, code, hidden3, output), strict=True):
        layer.set_weights([np.array(kernel), np.array(old.bias)])
    return copy


def test_forward_is_numpys():
    dense = layers.Dense(3, "relu")
    dense.build((None, 5))
    tied = DenseTranspose(dense, "sigmoid")
    h = np.random.default_rng(0).normal(size=(7, 2, 3)).astype(np.float32)
    assert tied(h).shape == tied.compute_output_shape((7, 2, 3)) == (7, 2, 5)
    assert tied.compute_output_shape((None, 3)) == (None, 5)
    assert not np.any(tied.bias)
    tied.bias.assign([1, -1, 0.5, 2, -3])
    z = h @ np.array(dense.kernel).T + np.array(tied.bias)
    np.testing.assert_allclose(tied(h), 1 / (1 + np.exp(-z)), rtol=1e-4)
    linear = DenseTranspose(dense)
    np.testing.assert_allclose(linear(h[0]), h[0] @ np.array(dense.kernel).T, rtol=1e-4, atol=1e-6)


def test_the_lectures_parameters():
    sizes = [(300, "relu"), (150, None), (300, "relu"), (784, "sigmoid")]
    free = keras.Sequential([keras.Input((784,)), *(layers.Dense(*size) for size in sizes)])
    tied = sequential((784, 300, 150))
    assert (free.count_params(), tied.count_params()) == (561_934, 281_734)
    assert len(tied.trainable_variables) == 6  # two kernels and four biases


def test_the_shared_kernels_gradient_is_the_sum_of_its_two_places():
    """The oracle is autodiff through an untied copy; one step of gradient descent moves the encoder and the decoder."""
    for model in (sequential(), functional()):
        copy = untied(model)
        with tf.GradientTape() as tape:
            loss = keras.ops.mean(keras.ops.square(copy(x) - x))
        gradients = tape.gradient(loss, [layer.kernel.value for layer in copy.layers])
        hidden1, code, hidden3, output = model.layers[-4:]
        before = [np.array(layer.kernel) for layer in (hidden1, code)]
        model.compile(keras.optimizers.SGD(1.0), "mse")
        model.train_on_batch(x, x)
        for layer, old, encoder, decoder in zip((hidden1, code), before, gradients[:2], gradients[:1:-1], strict=True):
            assert min(np.abs(encoder).max(), np.abs(decoder).max()) > 1e-3
            np.testing.assert_allclose(old - layer.kernel, encoder + tf.transpose(decoder), atol=1e-6)
        assert output.dense.kernel is hidden1.kernel and hidden3.dense.kernel is code.kernel
        np.testing.assert_allclose(model(x), untied(model)(x), rtol=1e-5)


def test_a_penalty_on_the_shared_kernel_counts_once():
    model = sequential(kernel_regularizer=keras.regularizers.L2(0.1))
    kernels = [np.array(layer.kernel) for layer in model.layers[:2]]
    assert len(model.losses) == 2
    assert float(sum(model.losses)) == pytest.approx(0.1 * sum((kernel**2).sum() for kernel in kernels), rel=1e-5)


@pytest.mark.parametrize("build", [sequential, functional])
def test_a_saved_model_loads_with_the_tie(build):
    model = build()
    model.compile(keras.optimizers.Adam(0.01), "mse", run_eagerly=True)  # compiling a graph takes longer
    model.fit(x, x, epochs=2, shuffle=False, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tied.keras"
        model.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
    stored = loaded.predict(x, verbose=0)
    np.testing.assert_array_equal(stored, model.predict(x, verbose=0))

    def is_tied():
        hidden1, code, hidden3, output = loaded.layers[-4:]
        assert output.dense is hidden1 and hidden3.dense is code
        assert loaded.count_params() == model.count_params()
        np.testing.assert_allclose(loaded(x), untied(loaded)(x), rtol=1e-5)

    is_tied()
    for one in (model, loaded):  # the optimizer's state too
        one.fit(x, x, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-4)
    assert np.abs(loaded(x) - stored).max() > 1e-3
    is_tied()


def test_weights_alone_are_stored_too():
    model, other = sequential(), sequential()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tied.weights.h5"
        model.save_weights(path)
        other.load_weights(path)
    np.testing.assert_array_equal(other(x), model(x))


@pytest.mark.parametrize(
    "copy",
    [
        keras.models.clone_model,
        lambda model: model.from_config(model.get_config()),
        lambda model: DenseTranspose.from_config(model.layers[-1].get_config())(np.ones((2, 4), np.float32)),
    ],
    ids=["clone_model", "model's from_config", "layer's from_config"],
)
@pytest.mark.parametrize("build", [sequential, functional])
def test_a_copy_that_would_lose_the_tie_is_refused(build, copy):
    with pytest.raises(ValueError, match=r"is tied to dense.*, which has no kernel yet: call that layer first"):
        copy(build())


@pytest.mark.parametrize("partner", ["beside it in another model", "nowhere"])
def test_a_file_that_would_lose_the_tie_is_refused(partner):
    """Keras does not note what two models inside a model share: not even then is a kernel made up."""
    hidden1 = layers.Dense(4)
    encoder = keras.Sequential([keras.Input((6,)), hidden1])
    decoder = keras.Sequential([keras.Input((4,)), DenseTranspose(hidden1)])
    model = decoder if partner == "nowhere" else keras.Sequential([encoder, decoder])
    with tempfile.TemporaryDirectory() as folder:
        model.save(pathlib.Path(folder) / "half.keras")
        with pytest.raises(ValueError, match="has no kernel yet"):
            keras.saving.load_model(pathlib.Path(folder) / "half.keras")


@pytest.mark.parametrize("partner", [layers.Conv2D(3, 2), DenseTranspose, "dense", None])
def test_only_a_dense_layer_has_this_transpose(partner):
    with pytest.raises(TypeError, match=r"ties to a keras\.layers\.Dense; got"):
        DenseTranspose(partner)


def test_a_layer_that_was_not_called_has_no_transpose():
    dense = layers.Dense(3, name="late")
    with pytest.raises(ValueError, match="tied to late, which has no kernel yet: call that layer first"):
        DenseTranspose(dense)(np.ones((2, 3), np.float32))


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_wrong_width_is_refused(width):
    dense = layers.Dense(3, name="narrow")
    dense.build((None, 5))
    with pytest.raises(ValueError, match=rf"narrow with a kernel of shape \(5, 3\).* 3 columns; got .* \(2, {width}\)"):
        DenseTranspose(dense).build((2, width))
