import pathlib
import tempfile

import keras
import numpy as np
import pytest
from gradients import gradients
from harness import CodeFault, each
from keras import layers
from scipy import special, stats
from sklearn.decomposition import sparse_encode

from aelib.layers import DenseTranspose, KSparse, Sampling, VariationalLoss

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


def test_the_names_are_those_that_files_hold():
    names = [keras.saving.get_registered_name(layer) for layer in (DenseTranspose, KSparse, Sampling, VariationalLoss)]
    assert names == ["aelib>DenseTranspose", "aelib>KSparse", "aelib>Sampling", "aelib>VariationalLoss"]
    assert sequential().layers[-1].bias.name == "bias"


def test_a_partner_that_is_not_built_has_a_configuration():
    assert DenseTranspose(layers.Dense(3)).get_config()["dense"]["config"]["units"] == 3


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
        kernels = [layer.kernel for layer in copy.layers]
        slopes = gradients(lambda copy=copy: keras.ops.mean(keras.ops.square(copy(x) - x)), kernels)
        hidden1, code, hidden3, output = model.layers[-4:]
        before = [np.array(layer.kernel) for layer in (hidden1, code)]
        model.compile(keras.optimizers.SGD(1.0), "mse")
        model.train_on_batch(x, x)
        for layer, old, encoder, decoder in zip((hidden1, code), before, slopes[:2], slopes[:1:-1], strict=True):
            assert min(np.abs(encoder).max(), np.abs(decoder).max()) > 1e-3
            np.testing.assert_allclose(old - layer.kernel, encoder + decoder.T, atol=1e-6)
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


def test_the_codes_have_the_mean_and_the_variance_that_were_asked_for():
    """100,000 draws of two codes. Tolerances: five standard errors, sd / sqrt(n) of a mean, sd / sqrt(2n) of a
    standard deviation, 1 / sqrt(n) of the correlations of codes and of neighbours; Kolmogorov and Smirnov at 1e-6.
    Another seed fails in 8 comparisons by luck with a probability of 6e-6."""
    n = 100_000
    mean, variance = np.array([3, -1]), np.array([4, 0.01])  # log variances that are no log deviations
    z = Sampling(seed=0)([np.tile(np.float32(mean), (n, 1)), np.tile(np.float32(np.log(variance)), (n, 1))])
    assert z.shape == (n, 2) and keras.backend.standardize_dtype(z.dtype) == "float32"
    epsilon = (np.array(z, np.float64) - mean) / np.sqrt(variance)
    assert np.abs(epsilon.mean(axis=0)).max() < 5 / np.sqrt(n)
    assert np.abs(epsilon.std(axis=0) - 1).max() < 5 / np.sqrt(2 * n)
    assert abs(np.mean(epsilon[:, 0] * epsilon[:, 1])) < 5 / np.sqrt(n)
    assert abs(np.mean(epsilon[1:, 0] * epsilon[:-1, 0])) < 5 / np.sqrt(n)
    assert all(stats.kstest(column, "norm").pvalue > 1e-6 for column in epsilon.T)


def gaussians(n=6, latent_dim=3):
    return [x[:n, :latent_dim], x[:n, -latent_dim:] - 2]


@pytest.mark.parametrize("training", [False, True])
def test_every_call_draws_new_noise(training):
    layer = Sampling(seed=1)
    first, second = layer(gaussians(), training=training), layer(gaussians(), training=training)
    assert not np.any(np.equal(first, second))
    inputs = [keras.Input((3,)), keras.Input((3,))]
    model = keras.Model(inputs, layer(inputs))
    model.compile(run_eagerly=True)
    draws = [np.array(first), np.array(second), *(model.predict(gaussians(), verbose=0) for _ in range(2))]
    assert len(np.unique(draws)) == 4 * 6 * 3


def test_the_same_seed_draws_the_same_noise():
    one, other, third = Sampling(seed=5), Sampling(seed=5), Sampling(seed=6)
    for _ in range(2):
        z = one(gaussians())
        np.testing.assert_array_equal(z, other(gaussians()))
        assert not np.any(np.equal(z, third(gaussians())))
    draws = []
    for seed in (3, 3, 4):  # the global one, for layers without their own
        keras.utils.set_random_seed(seed)
        draws.append([np.array(layer(gaussians())) for layer in (Sampling(), Sampling())])
    np.testing.assert_array_equal(draws[0], draws[1])
    assert len(np.unique(draws)) == 4 * 6 * 3


def test_the_noise_is_the_generators():
    """Of its layer's seed, from the first number on, times the deviation, added."""
    epsilon = keras.random.normal((6, 3), seed=keras.random.SeedGenerator(5))
    mean, log_var = gaussians()
    np.testing.assert_allclose(Sampling(seed=5)(gaussians()), mean + np.exp(log_var / 2) * epsilon, rtol=1e-5)


def test_the_gradient_passes_through_the_draw():
    """z = mean + exp(v / 2) epsilon: dz/dmean = 1 and dz/dv = (z - mean) / 2."""
    inputs = [keras.Variable(part) for part in gaussians()]
    z = np.array(Sampling(seed=0)(gaussians()))  # the same noise as in the copy that is differentiated
    layer = Sampling(seed=0)
    by_mean, by_log_var = gradients(lambda: layer([keras.ops.convert_to_tensor(part) for part in inputs]), inputs)
    assert np.array_equal(by_mean, np.ones((6, 3)))
    np.testing.assert_allclose(by_log_var, (z - gaussians()[0]) / 2, rtol=1e-4, atol=1e-6)
    assert np.abs(by_log_var).min() > 0


def test_codes_have_the_shape_and_the_type_of_their_mean():
    for batch in (None, 7):
        assert Sampling().compute_output_shape([(batch, 3), (5, 3)]) == (batch, 3)
        assert Sampling()([keras.Input(batch_shape=(batch, 3)) for _ in range(2)]).shape == (batch, 3)
    layer = Sampling(dtype="mixed_float16")
    for n in (6, 2):  # another batch than the one it was built for
        z = layer(gaussians(n))
        assert z.shape == (n, 3) and keras.backend.standardize_dtype(z.dtype) == "float16"


def test_a_certain_code_is_its_mean_and_the_inputs_stay():
    mean, log_var = gaussians()[0].copy(), np.full((6, 3), -200, np.float32)
    np.testing.assert_array_equal(Sampling()([mean, log_var]), gaussians()[0])
    assert np.array_equal(mean, gaussians()[0]) and (log_var == -200).all()


@pytest.mark.parametrize(
    "shapes",
    [
        [(3,)],
        [(3,), (2,)],
        [(3,), (1,)],
        [(3, 1), (3, 1)],
        [(), ()],
        [(3,), (3,), (3,)],
    ],
)
def test_only_a_mean_and_a_log_variance_are_sampled(shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    for wrong in [inputs, inputs[0]] if len(inputs) == 1 else [inputs]:
        with pytest.raises(
            ValueError, match=r"codes takes \[z_mean, z_log_var\], both \(batch, latent_dim\); got "
        ) as e:
            Sampling(name="codes")(wrong)
        assert str([(None, *shape) for shape in shapes]) in str(e.value)


def test_layers_come_back_from_their_configuration():
    for seed in (None, 0, 7):
        layer = Sampling(seed, name="codes")
        copy = Sampling.from_config(layer.get_config())
        assert (copy.seed, copy.name) == (seed, "codes") and copy.get_config() == layer.get_config()
        assert seed is None or np.array_equal(copy(gaussians()), layer(gaussians()))
    for beta in (0, 0.392, 1.0, 4):
        copy = VariationalLoss.from_config(VariationalLoss(beta, name="bound").get_config())
        assert (copy.beta, copy.name) == (beta, "bound")
    assert VariationalLoss().beta == 1


def variational(beta=1.0, log_var=-1.0, seed=0):
    """Two codes of six pixels. With a log variance of about -40 the noise is lost in rounding."""

    def dense(units, seed, bias=0.0):
        starts = keras.initializers.GlorotNormal(seed), keras.initializers.Constant(bias)
        return layers.Dense(units, kernel_initializer=starts[0], bias_initializer=starts[1])

    inputs = keras.Input((6,))
    z_mean, z_log_var = dense(2, 1)(inputs), dense(2, 2, log_var)(inputs)
    logits = dense(6, 3, 0.5)(Sampling(seed)([z_mean, z_log_var]))
    return keras.Model(inputs, VariationalLoss(beta, name="bound")([inputs, logits, z_mean, z_log_var]))


def terms(model, images=x):
    """Reconstruction and KL of each image and the output, by NumPy from the weights of a model without noise."""
    mean, log_var, decoder = (
        [np.array(w, np.float64) for w in layer.weights] for layer in model.layers if layer.weights
    )
    z_mean, z_log_var = images @ mean[0] + mean[1], images @ log_var[0] + log_var[1]
    p = special.expit(z_mean @ decoder[0] + decoder[1])
    kl = 0.5 * (z_mean**2 + np.exp(z_log_var) - z_log_var - 1)
    return -(images * np.log(p) + (1 - images) * np.log(1 - p)).sum(axis=1), kl.sum(axis=1), p


def test_on_jax_it_has_no_metrics(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert VariationalLoss().metrics == []


METRICS = keras.backend.backend() != "jax"  # there the layer has none


def evaluated(model, **options):
    return model.evaluate(x, batch_size=8, return_dict=True, verbose=0, **options)


@pytest.mark.parametrize("eagerly", [True, False], ids=["eager", "graph"])
def test_evaluate_gives_the_bound_over_all_examples(eagerly):
    """Batches of 8, 8 and 4: Keras weighs the loss of a batch by its size, so the mean is that of the 20 images."""
    model = variational(beta=0.25, log_var=-40.0)
    model.compile("sgd", loss=None, run_eagerly=eagerly)
    reconstruction, kl, p = terms(model)
    by_batch = [np.mean((reconstruction + 0.25 * kl)[rows]) for rows in (slice(8), slice(8, 16), slice(16, 20))]
    assert abs(np.mean(by_batch) / np.mean(reconstruction + 0.25 * kl) - 1) > 1e-4  # what it must not be
    expected = {"reconstruction": reconstruction.mean(), "kl": kl.mean()} if METRICS else {}
    for _ in range(2):  # the second time from fresh sums, whatever was predicted in between
        assert evaluated(model) == pytest.approx(expected | {"loss": np.mean(reconstruction + 0.25 * kl)}, rel=1e-5)
        np.testing.assert_allclose(model.predict(x + 0, verbose=0, batch_size=8), p, rtol=1e-4)


def test_beta_weighs_the_loss_and_not_the_metrics():
    for beta in (0, 1, 4):
        model = variational(beta, log_var=-40.0)
        model.compile("sgd", loss=None, run_eagerly=True)
        figures, (reconstruction, kl, _) = evaluated(model), terms(model)
        assert not METRICS or figures["kl"] == pytest.approx(kl.mean(), rel=1e-5)
        assert figures["loss"] == pytest.approx(reconstruction.mean() + beta * kl.mean(), rel=1e-5)


def test_evaluate_is_of_a_draw_of_the_codes():
    """4,000 images of one draw each, against the expectation over the codes by Gauss-Hermite quadrature: within five
    standard errors (with another seed 6e-7 fail by luck). With a beta of 0 the loss is the reconstruction."""
    model = variational(beta=0, log_var=0.0)
    model.compile("sgd", loss=None, run_eagerly=True)
    first, second = evaluated(model), evaluated(model)
    assert first["loss"] != second["loss"] and first.get("kl") == second.get("kl")
    mean, log_var, decoder = ([np.array(w) for w in layer.weights] for layer in model.layers if layer.weights)
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    epsilon, weights = (
        np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 1, 2),
        np.outer(weights, weights).ravel(),
    )
    z = x @ mean[0] + mean[1] + np.exp((x @ log_var[0] + log_var[1]) / 2) * epsilon
    logits = z @ decoder[0] + decoder[1]
    errors = (np.logaddexp(0, logits) - x * logits).sum(axis=-1)
    expected = np.average(errors, axis=0, weights=weights)
    variance = np.average((errors - expected) ** 2, axis=0, weights=weights)
    figures = model.evaluate(np.tile(x, (200, 1)), batch_size=1000, return_dict=True, verbose=0)
    tolerance = 5 * np.sqrt(variance.mean() / 4000)
    assert abs(figures["loss"] - expected.mean()) < tolerance
    assert abs(terms(model)[0].mean() - expected.mean()) > 2 * tolerance  # without noise it is another number


def test_a_step_goes_down_the_gradient_of_the_bound():
    """The oracle: autodiff of Keras's cross-entropy and of the KL's definition by log densities."""
    model = variational(beta=0.5, log_var=-20.0)
    mean, log_var, decoder = (layer for layer in model.layers if layer.weights)
    variables = model.trainable_variables

    def bound():
        z_mean, z_log_var = mean(x), log_var(x)
        pixels = keras.ops.binary_crossentropy(x, decoder(z_mean), from_logits=True)
        kl = -z_log_var / 2 + (keras.ops.exp(z_log_var) + z_mean**2) / 2 - 0.5
        return keras.ops.mean(keras.ops.sum(pixels, 1) + 0.5 * keras.ops.sum(kl, 1))

    slopes = gradients(bound, variables)
    before = [np.array(variable) for variable in variables]
    model.compile(keras.optimizers.SGD(0.1), loss=None, run_eagerly=True)
    model.train_on_batch(x)
    for old, new, gradient in zip(before, variables, slopes, strict=True):
        assert np.abs(gradient).max() > 1e-2
        np.testing.assert_allclose((old - new) / 0.1, gradient, rtol=1e-3, atol=1e-3)


def test_it_trains_and_counts_every_epoch_anew():
    model = variational(beta=0.5)
    model.compile(keras.optimizers.Adam(0.1), loss=None, jit_compile=False)
    images = np.repeat(np.tile(np.eye(2, dtype=np.float32), (20, 1)), 3, axis=1)  # 1, 1, 1, 0, 0, 0 or the reverse
    history = model.fit(images, epochs=15, batch_size=32, validation_data=(images, None), verbose=0).history
    for split in ("", "val_"):
        loss = np.array(history[split + "loss"])
        assert loss[-1] < 3 < loss[0]
        if METRICS:
            reconstruction, kl = (np.array(history[split + name]) for name in ("reconstruction", "kl"))
            np.testing.assert_allclose(loss, reconstruction + 0.5 * kl, rtol=1e-5)


def saved_and_loaded(model):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "vae.keras"
        model.save(path)
        return keras.saving.load_model(path, safe_mode=True)


def test_a_saved_variational_model_loads():
    model = variational(beta=0.25, log_var=-40.0)
    model.compile(keras.optimizers.Adam(0.01), loss=None, run_eagerly=True)
    model.fit(x, epochs=2, batch_size=20, verbose=0)
    loaded = saved_and_loaded(model)
    assert loaded.get_layer("bound").beta == 0.25
    for old, new in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    assert evaluated(loaded) == pytest.approx(evaluated(model), rel=1e-6)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)
    histories = [one.fit(x, epochs=2, batch_size=20, verbose=0).history for one in (model, loaded)]
    assert histories[0]["loss"] == pytest.approx(histories[1]["loss"], rel=1e-5)  # the optimizer's state too


@pytest.mark.parametrize("seed", [None, 7])
def test_a_loaded_model_goes_on_with_the_next_draw(seed):
    model = variational(seed=seed)
    model.compile("sgd", loss=None, run_eagerly=True)
    model.fit(x, batch_size=20, verbose=0)  # so that the generator is not where it began
    loaded = saved_and_loaded(model)
    assert evaluated(loaded) == pytest.approx(evaluated(model), rel=1e-6)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


@pytest.mark.parametrize("beta", [-1, -1e-9, float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_a_beta_that_is_no_weight_is_refused(beta):
    with pytest.raises(ValueError, match="beta must be a finite number of at least 0; got ") as error:
        VariationalLoss(beta)
    assert repr(beta) in str(error.value)


@pytest.mark.parametrize(
    "shapes",
    [
        [(6,)],
        [(6,), (6,), (2,)],
        [(6,), (6,), (2,), (2,), (2,)],
        [(6,), (5,), (2,), (2,)],
        [(6, 1), (6,), (2,), (2,)],
        [(6,), (6,), (2,), (1,)],
        [(6,), (6,), (2, 1), (2, 1)],
        [(2,), (2,), (6, 6, 1), (6, 6, 1)],
    ],
)
def test_only_images_logits_and_codes_make_a_bound(shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    for wrong in [inputs, inputs[0]] if len(inputs) == 1 else [inputs]:
        with pytest.raises(ValueError, match=r"bound takes \[x, logits, z_mean, z_log_var\], the first two of ") as e:
            VariationalLoss(name="bound")(wrong)
        assert str([(None, *shape) for shape in shapes]) in str(e.value)


def test_the_bound_of_a_convolutional_network_gives_images():
    """`Conv2DTranspose` in a graph: shapes that are known only when it runs."""
    inputs = keras.Input((4, 4, 1))
    h = layers.Flatten()(layers.Conv2D(2, 3, strides=2, padding="same")(inputs))
    z_mean, z_log_var = layers.Dense(2)(h), layers.Dense(2)(h)
    h = layers.Reshape((2, 2, 1))(layers.Dense(4)(Sampling()([z_mean, z_log_var])))
    logits = layers.Conv2DTranspose(1, 3, strides=2, padding="same")(h)
    output = VariationalLoss()([inputs, logits, z_mean, z_log_var])
    assert output.shape == (None, 4, 4, 1)
    model = keras.Model(inputs, output)
    model.compile("sgd", loss=None)
    images = np.random.default_rng(0).random((10, 4, 4, 1), dtype=np.float32)
    history = model.fit(images, batch_size=4, verbose=0).history
    figures = {name: value for name, (value,) in history.items()}
    assert 16 * np.log(2) / 2 < figures["loss"] < 16 * np.log(2) * 2  # a sum over 16 pixels
    if METRICS:
        assert figures["loss"] == pytest.approx(figures["reconstruction"] + figures["kl"], rel=1e-5)
        assert 16 * np.log(2) / 2 < figures["reconstruction"] < figures["loss"]


# DenseTranspose.build: a layer of its own, with equal numbers.
COPIED_KERNEL = """\
kernel = self.dense.kernel
    self.dense = type(self.dense)(kernel.shape[1])
    self.dense.build((None, kernel.shape[0]))
    self.dense.kernel.assign(kernel)
    n_inputs, units = kernel.shape"""


def largest(z, k, by="value"):
    """Which of (n, units) are kept, by a loop: the k largest of each row; of equal ones those that come first."""
    kept = np.zeros(z.shape, bool)
    for row, mask in zip(np.abs(z) if by == "magnitude" else z, kept, strict=True):
        order = sorted(range(len(row)), key=lambda unit: (-row[unit], unit))
        mask[order[:k]] = True
    return kept


def sums(ties, seed=3):
    """(40, 7), of both signs. With ties they are whole numbers, so that most rows have equal ones."""
    z = np.random.default_rng(seed).normal(scale=2, size=(40, 7))
    return (z.round() if ties else z).astype(np.float32)


@pytest.mark.parametrize("by", ["value", "magnitude"])
@pytest.mark.parametrize("k", [1, 2, 4, 6, 7])
def test_the_largest_units_are_kept(k, by):
    for z in (sums(ties=False), sums(ties=True)):
        layer, kept = KSparse(k, by), largest(z, k, by)
        before = z.copy()
        for training in (False, True):
            code = np.array(layer(z, training=training))
            np.testing.assert_array_equal(code, np.where(kept, z, 0))
        np.testing.assert_array_equal(z, before)
        assert code.dtype == np.float32
        np.testing.assert_array_equal(KSparse(k, by)(z.reshape(8, 5, 7)), code.reshape(8, 5, 7))


def test_the_value_decides_unless_it_is_said_otherwise():
    z = np.array([[-3.0, 1.0, 2.0]])
    np.testing.assert_array_equal(KSparse(1)(z), [[0, 0, 2]])
    np.testing.assert_array_equal(KSparse(1, by="value")(z), [[0, 0, 2]])
    np.testing.assert_array_equal(KSparse(1, by="magnitude")(z), [[-3, 0, 0]])
    np.testing.assert_array_equal(KSparse(2)(z - 2), [[0, -1, 0]])  # negative sums may be the largest


@pytest.mark.parametrize("by", ["value", "magnitude"])
def test_exactly_k_are_kept_of_equal_ones(by):
    z = np.float32([[0.9, 0.9, 0.9, 0.1], [0.5, 0.9, 0.5, 0.5], [0, 0, 0, 0]]) + np.float32(1)
    expected = [[1.9, 1.9, 0, 0], [1.5, 1.9, 0, 0], [1, 1, 0, 0]]
    np.testing.assert_array_equal(KSparse(2, by)(z), np.float32(expected))


@pytest.mark.parametrize("by", ["value", "magnitude"])
def test_the_gradient_passes_through_what_is_kept(by):
    z, k = sums(ties=True), 3
    variable, layer, factors = keras.Variable(z), KSparse(k, by), sums(ties=False, seed=4)
    layer.build(z.shape)
    (gradient,) = gradients(lambda: keras.ops.sum(layer(variable) * factors), [variable])
    np.testing.assert_allclose(gradient, np.where(largest(z, k, by), factors, 0), rtol=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_on_orthonormal_atoms_it_is_orthogonal_matching_pursuit(k):
    atoms = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0].astype(np.float32)
    points = np.random.default_rng(1).normal(size=(30, 5)).astype(np.float32)
    expected = sparse_encode(points, atoms, algorithm="omp", n_nonzero_coefs=k)
    np.testing.assert_allclose(KSparse(k, by="magnitude")(points @ atoms.T), expected, atol=1e-5)


def sparse_autoencoder(k=4, by="value"):
    dense = layers.Dense(9, kernel_initializer=keras.initializers.GlorotNormal(0))
    return keras.Sequential([keras.Input((6,)), dense, KSparse(k, by, name="sparse"), DenseTranspose(dense)])


def active(model):
    """How many units of each example are not zero: a set. No sum of these examples is zero."""
    code = keras.Sequential(model.layers[:2])
    return set(np.count_nonzero(code.predict(x, verbose=0), axis=1).tolist())


def test_k_is_a_weight_that_is_not_trained():
    model = sparse_autoencoder()
    layer = model.get_layer("sparse")
    assert [(w.name, w.dtype, w.shape) for w in layer.weights] == [("k", "int32", ())]
    assert layer.trainable_weights == [] and int(layer.k) == 4
    assert layer.compute_output_shape((None, 9)) == (None, 9)
    assert type(layer.compute_output_shape([5, 9])) is tuple
    model.compile(keras.optimizers.Adam(0.01, weight_decay=0.1), "mse")
    model.fit(x, x, epochs=1, verbose=0)
    assert int(layer.k) == 4 and active(model) == {4}


def test_a_compiled_model_follows_k():
    """One model, whose graph is not made anew: after each change, in `fit` and in `predict`."""
    model, seen = sparse_autoencoder(6), []

    class Schedule(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            model.get_layer("sparse").set_k([6, 4, np.int64(1)][epoch])

        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs["loss"])

    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, x, batch_size=20, epochs=3, verbose=0, callbacks=[Schedule()])
    expected = []
    for k in (6, 4, 1):
        model.get_layer("sparse").set_k(k)
        rebuilt = model.predict(x, verbose=0)
        assert active(model) == {k}
        expected.append(np.mean((rebuilt - x) ** 2))
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
    assert len(set(seen)) == 3


def test_a_saved_model_keeps_the_k_that_it_had():
    model = sparse_autoencoder(6, "magnitude")
    model.compile(keras.optimizers.Adam(0.01), "mse", run_eagerly=True)
    model.fit(x, x, epochs=1, verbose=0)
    model.get_layer("sparse").set_k(2)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "sparse.keras"
        model.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
    layer = loaded.get_layer("sparse")
    assert (int(layer.k), layer.by, layer.initial_k) == (2, "magnitude", 6)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    layer.set_k(9)
    assert active(loaded) == {9}


def test_a_k_sparse_layer_comes_back_from_its_configuration():
    for k, by in ((1, "value"), (np.int64(3), "magnitude")):
        config = KSparse(k, by, name="sparse").get_config()
        copy = KSparse.from_config(config)
        assert (copy.initial_k, copy.by, copy.name) == (k, by, "sparse") and type(config["k"]) is int


@pytest.mark.parametrize("k", [0, -1, 2.0, 1.5, True, None, "2", float("nan")])
def test_a_k_that_is_no_number_of_units_is_refused(k):
    for refuse in (KSparse, sparse_autoencoder().get_layer("sparse").set_k):
        with pytest.raises(ValueError, match=r"^k must be a whole number of at least 1; got ") as e:
            refuse(k)
        assert str(e.value).endswith(f"got {k!r}")


def test_more_than_all_units_cannot_be_kept():
    with pytest.raises(ValueError, match=r"^sparse cannot keep k = 10 of 9 units$"):
        sparse_autoencoder(10)
    layer = sparse_autoencoder(9).get_layer("sparse")
    with pytest.raises(ValueError, match=r"^sparse cannot keep k = 10 of 9 units$"):
        layer.set_k(10)
    assert int(layer.k) == 9
    with pytest.raises(ValueError, match=r"^early does not know its units yet: call it before set_k$"):
        KSparse(1, name="early").set_k(1)


@pytest.mark.parametrize("by", ["abs", None, 2])
def test_only_values_and_magnitudes_are_compared(by):
    with pytest.raises(ValueError, match=r"^by must be 'value' or 'magnitude'; got ") as e:
        KSparse(1, by)
    assert str(e.value).endswith(f"got {by!r}")


FAULTS = [
    CodeFault(
        "more than k of equal units",
        KSparse.call,
        "ops.logical_and(level, first)",
        "level",
        test_exactly_k_are_kept_of_equal_ones,
        ("value",),
    ),
    CodeFault(
        "equal units that are all dropped",
        KSparse.call,
        "ops.logical_or(above, ops.logical_and(level, first))",
        "above",
        test_the_largest_units_are_kept,
        (2, "value"),
    ),
    CodeFault(
        "the smallest units",
        KSparse.call,
        "self.units - self.k",
        "self.k - 1",
        test_the_largest_units_are_kept,
        (2, "value"),
    ),
    CodeFault(
        "a k that no schedule reaches",
        KSparse.call,
        "self.units - self.k",
        "self.units - self.initial_k",
        test_a_compiled_model_follows_k,
    ),
    CodeFault(
        "dense codes at test",
        KSparse.call,
        "ops.where(",
        "ops.where(True if self._get_call_context().training is not True else ",
        test_the_largest_units_are_kept,
        (2, "value"),
    ),
    CodeFault(
        "magnitudes for the units themselves",
        KSparse.call,
        "first)), z,",
        "first)), size,",
        test_the_largest_units_are_kept,
        (2, "magnitude"),
    ),
    CodeFault(
        "k as a number that is not stored",
        KSparse.set_k,
        "self.k.assign(k)",
        "self.k = k",
        test_a_compiled_model_follows_k,
    ),
    CodeFault(
        "more units kept than there are",
        KSparse.build,
        "self._check(self.initial_k)",
        "pass",
        test_more_than_all_units_cannot_be_kept,
    ),
    CodeFault(
        "a tied layer without its bias",
        DenseTranspose.call,
        " + self.bias",
        "",
        test_forward_is_numpys,
    ),
    CodeFault(
        "a tied layer without its activation",
        DenseTranspose.call,
        "self.activation(",
        "(",
        test_forward_is_numpys,
    ),
    CodeFault(
        "the width of a tied layer's output not transposed",
        DenseTranspose.compute_output_shape,
        ".shape[0]",
        ".shape[1]",
        test_forward_is_numpys,
    ),
    CodeFault(
        "tied weights that learn in the encoder alone",
        DenseTranspose.call,
        "ops.transpose(self.dense.kernel)",
        "ops.transpose(ops.stop_gradient(self.dense.kernel))",
        test_the_shared_kernels_gradient_is_the_sum_of_its_two_places,
    ),
    CodeFault(
        "tied weights that are a copy",
        DenseTranspose.build,
        "n_inputs, units = self.dense.kernel.shape",
        COPIED_KERNEL,
        test_the_lectures_parameters,
    ),
    CodeFault(
        "tied weights that come apart in training",
        DenseTranspose.build,
        "n_inputs, units = self.dense.kernel.shape",
        COPIED_KERNEL,
        test_the_shared_kernels_gradient_is_the_sum_of_its_two_places,
    ),
    CodeFault(
        "a copy that loses the tie without a word",
        DenseTranspose.build,
        "if not self.dense.built:",
        "self.dense.built or self.dense.build((None, 6))\n    if False:",
        test_a_copy_that_would_lose_the_tie_is_refused,
        (sequential, keras.models.clone_model),
    ),
    CodeFault(
        "a tied layer that takes any width",
        DenseTranspose.build,
        "input_shape[-1] != units",
        "input_shape[-1] is None",
        test_a_wrong_width_is_refused,
        (5,),
    ),
    CodeFault(
        "a generator that starts over when it is loaded",
        Sampling.load_own_variables,
        'self.seed_generator.state.assign(store["seed_state"])',
        "pass",
        test_a_loaded_model_goes_on_with_the_next_draw,
        (7,),
    ),
    CodeFault(
        "exp(log variance) for the deviation",
        Sampling.call,
        "0.5 * z_log_var",
        "z_log_var",
        test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "codes without noise",
        Sampling.call,
        " * epsilon",
        " * 0 * epsilon",
        test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "uniform noise",
        Sampling.call,
        "keras.random.normal(ops.shape(z_mean),",
        "12**0.5 * keras.random.uniform(ops.shape(z_mean), -0.5, 0.5,",
        test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "one noise for all examples",
        Sampling.call,
        "ops.shape(z_mean)",
        "(1, ops.shape(z_mean)[1])",
        test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "one noise for all codes of an example",
        Sampling.call,
        "ops.shape(z_mean)",
        "(ops.shape(z_mean)[0], 1)",
        test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "the same noise in each call",
        Sampling.call,
        "seed=self.seed_generator",
        "seed=0",
        test_every_call_draws_new_noise,
        (True,),
    ),
    CodeFault(
        "noise in training alone",
        Sampling.call,
        " * epsilon",
        " * epsilon * (self._get_call_context().training is True)",
        test_every_call_draws_new_noise,
        (False,),
    ),
    CodeFault(
        "noise that the seed does not decide",
        Sampling.call,
        "seed=self.seed_generator",
        "seed=None",
        test_the_same_seed_draws_the_same_noise,
    ),
    CodeFault(
        "a draw that stops the gradient",
        Sampling.call,
        "ops.exp(0.5 * z_log_var)",
        "ops.stop_gradient(ops.exp(0.5 * z_log_var))",
        test_the_gradient_passes_through_the_draw,
    ),
    CodeFault(
        "a mean and log variances that are broadcast",
        Sampling.build,
        "shapes[0][1:] != shapes[1][1:]",
        "False",
        test_only_a_mean_and_a_log_variance_are_sampled,
        ([(3,), (1,)],),
    ),
    CodeFault(
        "the KL dropped from the loss",
        VariationalLoss.call,
        "reconstruction + self.beta * kl",
        "reconstruction",
        test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "beta forgotten",
        VariationalLoss.call,
        "self.beta * kl",
        "kl",
        test_beta_weighs_the_loss_and_not_the_metrics,
    ),
    CodeFault(
        "beta in the metric too",
        VariationalLoss.call,
        "update_state(kl)",
        "update_state(self.beta * kl)",
        test_beta_weighs_the_loss_and_not_the_metrics,
    ),
    CodeFault(
        "beta on the wrong term",
        VariationalLoss.call,
        "reconstruction + self.beta * kl",
        "self.beta * reconstruction + kl",
        test_beta_weighs_the_loss_and_not_the_metrics,
    ),
    CodeFault(
        "a bound summed over the batch",
        VariationalLoss.call,
        "ops.mean(",
        "ops.sum(",
        test_evaluate_gives_the_bound_over_all_examples,
        (False,),
    ),
    CodeFault(
        "a loss layer that evaluate does not count",
        VariationalLoss.call,
        "self.add_loss(",
        "self.add_loss(float(bool(self._get_call_context().training)) * ",
        test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "a metric that weighs every batch alike",
        VariationalLoss.call,
        "update_state(reconstruction)",
        "update_state(ops.mean(reconstruction))",
        test_evaluate_gives_the_bound_over_all_examples,
        (False,),
    ),
    CodeFault(
        "logits for the reconstruction",
        VariationalLoss.call,
        "ops.sigmoid(logits)",
        "logits",
        test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "the image itself for the reconstruction",
        VariationalLoss.call,
        "ops.sigmoid(logits)",
        "x",
        test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "a KL that is shown and not learned",
        VariationalLoss.call,
        "self.beta * kl",
        "self.beta * ops.stop_gradient(kl)",
        test_a_step_goes_down_the_gradient_of_the_bound,
    ),
    CodeFault(
        "the bound of the mean in place of a draw",
        Sampling.call,
        " * epsilon",
        " * epsilon * 0",
        test_evaluate_is_of_a_draw_of_the_codes,
    ),
    CodeFault(
        "a bound of any inputs",
        VariationalLoss.build,
        "shapes[2][1:] != shapes[3][1:]",
        "False",
        test_only_images_logits_and_codes_make_a_bound,
        ([(6,), (6,), (2,), (1,)],),
    ),
    CodeFault(
        "a reconstruction in the shape of its codes",
        VariationalLoss.compute_output_shape,
        "input_shape[1]",
        "input_shape[2]",
        test_the_bound_of_a_convolutional_network_gives_images,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
