import keras
import numpy as np
import pytest
from gradients import gradients
from harness import CodeFault, each
from scipy import integrate, special, stats
from sklearn.metrics import mean_squared_error

from aelib import losses

rng = np.random.default_rng(0)
x = rng.random((10, 6, 5), dtype=np.float32)
x_hat = rng.random((10, 6, 5), dtype=np.float32)
logits = rng.uniform(-5, 5, (10, 6, 5)).astype(np.float32)
z_mean, z_log_var = rng.normal(size=(2, 10, 3)).astype(np.float32)


def test_the_error_is_the_loops_and_scikit_learns():
    loop = np.zeros(10)
    for i in range(10):
        for row in range(6):
            for column in range(5):
                loop[i] += (float(x[i, row, column]) - float(x_hat[i, row, column])) ** 2 / 30
    error = keras.ops.convert_to_numpy(losses.squared_error(x, x_hat))
    assert error.shape == (10,) and error.dtype == np.float32
    np.testing.assert_allclose(error, loop, rtol=1e-5)
    mse = losses.mse(x, x_hat)
    assert type(mse) is float
    assert mse == pytest.approx(mean_squared_error(x.reshape(10, -1), x_hat.reshape(10, -1)), rel=1e-5)
    assert mse == pytest.approx(losses.mse(x.reshape(10, -1), x_hat.reshape(10, -1)), rel=1e-6)


def test_errors_worked_by_hand():
    a, b = np.array([[0, 1], [1, 1]], np.float32), np.array([[1, 1], [1, 0.5]], np.float32)
    assert np.asarray(losses.squared_error(a, b)).tolist() == [0.5, 0.125]
    assert losses.mse(a, b) == losses.mse(b, a) == losses.mse(a.tolist(), b.tolist()) == 0.3125
    assert losses.mse(a, a) == 0
    assert losses.mse(np.diag([1, 0, 0]), np.zeros((3, 3))) == np.mean([np.float32(1 / 3), 0, 0])  # in 64 bits
    assert losses.mse(np.uint8([[0, 3]]), np.uint8([[1, 5]])) == 2.5  # whose own difference would start at 255
    tenth = np.full((1, 2), 0.1)  # in 32 bits, as the models compute
    assert losses.mse(tenth, np.float32(tenth)) == losses.mse(np.float32(tenth), tenth) == 0
    black, gray = np.zeros((3, 4, 4)), np.full((3, 4, 4), 0.1)
    assert losses.psnr(black, gray) == pytest.approx(20, abs=1e-5)
    assert losses.psnr(black, black + 1) == 0
    assert losses.psnr(black, black) == np.inf
    # Of the mean error, and not the mean of each image's decibels: errors 0.01 and 0.03 have the mean 0.02.
    two = np.stack([np.full((4, 4), 0.01), np.full((4, 4), 0.03)]) ** 0.5
    assert losses.psnr(black[:2], two) == pytest.approx(10 * np.log10(50), abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((10, 6, 5), (10, 30)),
        ((10, 5), (5,)),
        ((10, 5), (1, 5)),
        ((10, 5), (10, 1)),
        ((10, 6, 5), (10, 6, 5, 1)),
        ((10, 5), (9, 5)),
        ((10,), (10,)),
        ((), ()),
    ],
)
@pytest.mark.parametrize(
    "error", [losses.squared_error, losses.mse, losses.psnr, losses.cross_entropy, losses.kl_to_standard_normal]
)
def test_nothing_is_broadcast(error, shape, other):
    for a, b in ((shape, other), (other, shape)):
        with pytest.raises(ValueError, match="must have one shape") as raised:
            error(np.zeros(a, np.float32), np.ones(b, np.float32))
        assert f"got {a} and {b}" in str(raised.value)


@pytest.mark.parametrize("error", [losses.mse, losses.psnr])
def test_nan_and_nothing_are_refused(error):
    holed = x.copy()
    holed[3, 0, 0] = np.nan
    for a, b in ((x, holed), (holed, x)):
        with pytest.raises(ValueError, match="NaN or infinity in 1 of 10 examples"):
            error(a, b)
    with pytest.raises(ValueError, match="0 of 0 examples"):
        error(x[:0], x_hat[:0])
    with pytest.raises(ValueError, match="infinity in 10 of 10"):
        error(x[:, :0], x_hat[:, :0])


@pytest.mark.parametrize("error", [losses.psnr, losses.cross_entropy, losses.kl_to_standard_normal])
def test_inputs_are_not_changed(error):
    a, b = x.copy(), logits.copy()
    error(a, b)
    assert np.array_equal(a, x) and np.array_equal(b, logits)


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (losses.squared_error, "images and reconstructions"),
        (losses.cross_entropy, "images and logits"),
        (losses.kl_to_standard_normal, "z_mean and z_log_var"),
    ],
)
def test_tensors_in_and_one_value_per_example_out(error, names):
    assert error(keras.Input((6, 5)), keras.Input((6, 5))).shape == (None,)
    with pytest.raises(ValueError, match=f"{names} must have one shape"):
        error(keras.Input((6, 5)), keras.Input((30,)))


@pytest.mark.parametrize("n", [8, 10], ids=["equal batches", "a smaller last batch"])
def test_a_model_trains_by_it(n):
    model = keras.Sequential([keras.Input((6, 5)), keras.layers.Dense(5)])
    model.compile(keras.optimizers.SGD(0.0), losses.squared_error)
    expected = losses.mse(x[:n], model.predict(x[:n], verbose=0))
    history = model.fit(x[:n], x[:n], batch_size=4, verbose=0).history["loss"]
    assert history == pytest.approx([expected], rel=1e-5)


def test_the_cross_entropy_is_numpys_summed_over_the_pixels():
    p = special.expit(logits.astype(np.float64))
    expected = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2))
    error = keras.ops.convert_to_numpy(losses.cross_entropy(x, logits))
    assert error.shape == (10,) and error.dtype == np.float32
    np.testing.assert_allclose(error, expected, rtol=1e-5)
    for shape in ((10, 30), (10, 3, 5, 2)):
        np.testing.assert_allclose(losses.cross_entropy(x.reshape(shape), logits.reshape(shape)), expected, rtol=1e-5)


def test_of_binary_pixels_the_cross_entropy_is_bernoullis():
    binary = np.round(x)
    expected = -stats.bernoulli.logpmf(binary, special.expit(logits)).sum(axis=(1, 2))
    np.testing.assert_allclose(losses.cross_entropy(binary, logits), expected, rtol=1e-4)


def test_cross_entropies_worked_by_hand():
    """At p = 1/2 it is log 2 a pixel, whatever the pixel; at p = x it is the entropy, and nowhere is it less."""
    np.testing.assert_allclose(losses.cross_entropy(x, np.zeros_like(x)), [30 * np.log(2)] * 10, rtol=1e-6)
    quarter, third = np.full((1, 2), 0.25, np.float32), np.full((1, 2), np.log(3), np.float32)  # p = 0.75
    assert float(losses.cross_entropy(quarter, third)[0]) == pytest.approx(2 * (np.log(4) - 0.25 * np.log(3)), rel=1e-6)
    lowest = losses.cross_entropy(x, special.logit(x))
    np.testing.assert_allclose(lowest, (special.entr(x) + special.entr(1 - x)).sum(axis=(1, 2)), rtol=1e-4)
    assert np.all(np.less(lowest, losses.cross_entropy(x, special.logit(x) + 0.1)))


def test_the_cross_entropy_of_a_certain_decoder_stays_finite():
    pixels, certain = np.array([[0, 1], [1, 0], [0.5, 0.5]], np.float32), np.float32([[-1000, 1000]] * 3)
    inputs = keras.Variable(certain)
    assert np.asarray(losses.cross_entropy(pixels, inputs)).tolist() == [0, 2000, 1000]
    (gradient,) = gradients(lambda: losses.cross_entropy(pixels, inputs), [inputs])
    assert gradient.tolist() == [[0, 0], [-1, 1], [-0.5, 0.5]]


def test_the_gradient_of_the_cross_entropy_is_p_minus_x():
    inputs = keras.Variable(logits)
    (gradient,) = gradients(lambda: losses.cross_entropy(x, inputs), [inputs])
    np.testing.assert_allclose(gradient, special.expit(logits) - x, atol=1e-6)


def test_the_kl_is_the_integral():
    """Of q log(q / p), one dimension at a time; independent dimensions add."""

    def log_density(z, mean, variance):
        return -((z - mean) ** 2 / variance + np.log(2 * np.pi * variance)) / 2

    def integral(mean, log_var):
        variance, edges = np.exp(log_var), mean + 12 * np.exp(log_var / 2) * np.array([-1, 1])
        return integrate.quad(
            lambda z: np.exp(log_density(z, mean, variance)) * (log_density(z, mean, variance) - log_density(z, 0, 1)),
            *edges,
        )[0]

    expected = np.vectorize(integral)(z_mean.astype(float), z_log_var.astype(float)).sum(axis=1)
    kl = keras.ops.convert_to_numpy(losses.kl_to_standard_normal(z_mean, z_log_var))
    assert kl.shape == (10,) and kl.dtype == np.float32
    np.testing.assert_allclose(kl, expected, rtol=1e-5)


def test_kls_worked_by_hand():
    def kl(mean, log_var):
        return np.asarray(losses.kl_to_standard_normal(np.float32(mean), np.float32(log_var))).tolist()

    assert kl([[0, 0]], [[0, 0]]) == [0]
    assert kl([[3, 0], [-3, 4]], [[0, 0], [0, 0]]) == [4.5, 12.5]
    tenth = 2 * np.log(0.1)  # the variance 0.01
    assert kl([[0]] * 2, [[tenth], [-tenth]]) == pytest.approx([1.8076, 47.1974], abs=5e-5)
    assert kl([[1, 0, 0]], [[tenth, tenth, 0]]) == pytest.approx([0.5 + 2 * 1.8076], abs=1e-4)


def test_the_gradient_of_the_kl_is_autodiffs():
    inputs = [keras.Variable(z_mean), keras.Variable(z_log_var)]
    by_mean, by_log_var = gradients(lambda: losses.kl_to_standard_normal(*inputs), inputs)
    np.testing.assert_allclose(by_mean, z_mean, atol=1e-6)
    np.testing.assert_allclose(by_log_var, (np.exp(z_log_var) - 1) / 2, rtol=1e-5, atol=1e-6)


def test_numpys_types_go_with_those_of_keras():
    """A binary image is bool or float64 in NumPy where a network's output is float32."""
    error = losses.cross_entropy(np.round(x), logits)
    for images in (x > 0.5, np.round(x).astype(np.float64), np.round(x).astype(np.uint8)):
        np.testing.assert_allclose(losses.cross_entropy(images, keras.ops.convert_to_tensor(logits)), error, rtol=1e-5)
    kl = losses.kl_to_standard_normal(z_mean.astype(np.float64), keras.ops.convert_to_tensor(z_log_var))
    np.testing.assert_allclose(kl, losses.kl_to_standard_normal(z_mean, z_log_var), rtol=1e-5)


FAULTS = [
    CodeFault(
        "an error summed over the pixels",
        losses.squared_error,
        "ops.mean(",
        "ops.sum(",
        test_errors_worked_by_hand,
    ),
    CodeFault(
        "an absolute error",
        losses.squared_error,
        "ops.square(",
        "ops.abs(",
        test_the_error_is_the_loops_and_scikit_learns,
    ),
    CodeFault(
        "an error averaged over the rows of pixels only",
        losses._axes_of_an_example,
        "tuple(range(1, len(shapes[0])))",
        "(1,)",
        test_the_error_is_the_loops_and_scikit_learns,
    ),
    CodeFault(
        "shapes that are broadcast",
        losses._axes_of_an_example,
        "shapes[0] != shapes[1]",
        "False",
        test_nothing_is_broadcast,
        (losses.mse, (10, 5), (1, 5)),
    ),
    CodeFault(
        "an error that lets NaN pass",
        losses.mse,
        "bad or len(error) == 0",
        "len(error) == 0",
        test_nan_and_nothing_are_refused,
        (losses.psnr,),
    ),
    CodeFault(
        "decibels of the error's root",
        losses.psnr,
        "-10 *",
        "-20 *",
        test_errors_worked_by_hand,
    ),
    CodeFault(
        "a cross-entropy averaged over the pixels",
        losses.cross_entropy,
        "ops.sum(",
        "ops.mean(",
        test_the_cross_entropy_is_numpys_summed_over_the_pixels,
    ),
    CodeFault(
        "a cross-entropy of the inverted image",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.softplus(-logits)",
        test_the_cross_entropy_is_numpys_summed_over_the_pixels,
    ),
    CodeFault(
        "logits taken for probabilities",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.softplus(ops.sigmoid(logits))",
        test_of_binary_pixels_the_cross_entropy_is_bernoullis,
    ),
    CodeFault(
        "a cross-entropy that overflows",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.log(1 + ops.exp(logits))",
        test_the_cross_entropy_of_a_certain_decoder_stays_finite,
    ),
    CodeFault(
        "a cross-entropy whose gradient misses the bend",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.softplus(ops.stop_gradient(logits))",
        test_the_gradient_of_the_cross_entropy_is_p_minus_x,
    ),
    CodeFault(
        "a KL halved",
        losses.kl_to_standard_normal,
        "0.5 *",
        "0.25 *",
        test_kls_worked_by_hand,
    ),
    CodeFault(
        "a KL averaged over the codes",
        losses.kl_to_standard_normal,
        "ops.sum(",
        "ops.mean(",
        test_the_kl_is_the_integral,
    ),
    CodeFault(
        "a log variance taken for a log deviation",
        losses.kl_to_standard_normal,
        "ops.exp(z_log_var)",
        "ops.exp(2 * z_log_var)",
        test_the_kl_is_the_integral,
    ),
    CodeFault(
        "a KL without its means",
        losses.kl_to_standard_normal,
        "ops.square(z_mean)",
        "0 * ops.square(z_mean)",
        test_kls_worked_by_hand,
    ),
    CodeFault(
        "a KL that does not pull the variance",
        losses.kl_to_standard_normal,
        "ops.exp(z_log_var)",
        "ops.exp(ops.stop_gradient(z_log_var))",
        test_the_gradient_of_the_kl_is_autodiffs,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
