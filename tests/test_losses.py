import keras
import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from aelib import losses

rng = np.random.default_rng(0)
x = rng.random((10, 6, 5), dtype=np.float32)
x_hat = rng.random((10, 6, 5), dtype=np.float32)


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
    black, gray = np.zeros((3, 4, 4)), np.full((3, 4, 4), 0.1)
    assert losses.psnr(black, gray) == pytest.approx(20, abs=1e-5)
    assert losses.psnr(black, black + 1) == 0
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
@pytest.mark.parametrize("error", [losses.squared_error, losses.mse, losses.psnr])
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


def test_inputs_are_not_changed():
    before = x.copy(), x_hat.copy()
    losses.psnr(x, x_hat)
    assert np.array_equal(x, before[0]) and np.array_equal(x_hat, before[1])


def test_tensors_in_and_one_value_per_example_out():
    error = losses.squared_error(keras.Input((6, 5)), keras.Input((6, 5)))
    assert error.shape == (None,)
    with pytest.raises(ValueError, match="must have one shape"):
        losses.squared_error(keras.Input((6, 5)), keras.Input((30,)))


@pytest.mark.parametrize("n", [8, 10], ids=["equal batches", "a smaller last batch"])
def test_a_model_trains_by_it(n):
    model = keras.Sequential([keras.Input((6, 5)), keras.layers.Dense(5)])
    model.compile(keras.optimizers.SGD(0.0), losses.squared_error)
    expected = losses.mse(x[:n], model.predict(x[:n], verbose=0))
    history = model.fit(x[:n], x[:n], batch_size=4, verbose=0).history["loss"]
    assert history == pytest.approx([expected], rel=1e-5)
