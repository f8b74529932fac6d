"""Chapter 02: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
import pytest
from harness import ChapterFault, each
from keras import regularizers


def relu_pca(first=1.0, second=-1.0, returned=lambda *kernels: kernels):
    def answer(v):
        identity = np.eye(v.shape[1])
        return returned(np.hstack([first * v, -first * v]), np.vstack([identity, second * identity]))

    return answer


RIGHT = [
    ("2.1", 407_000 + 1_814),
    ("2.2", lambda scale: regularizers.L2(scale / 2)),
    ("2.2", lambda scale: lambda w: 0.5 * scale * (w**2).sum()),
    ("2.3", relu_pca()),
    ("2.3", lambda v: (np.hstack([-v, v]), np.vstack([-np.eye(v.shape[1]), np.eye(v.shape[1])]))),
]

NUMBERS = {"2.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("2.1", 814_000 + 1_814, "free autoencoder"),
    ("2.1", 407_530, "decoder's two layers"),
    ("2.1", 407_000, "bias each"),
    ("2.1", 281_734, "Count the kernels"),
    ("2.1", "many", "single number"),
    ("2.2", regularizers.L2, "Still twice"),
    ("2.2", lambda scale: regularizers.L2(2 * scale), "wrong way"),
    ("2.2", lambda scale: regularizers.L1(scale), "half the sum of squares"),
    ("2.2", lambda scale: regularizers.L2(5e-5), "For scale 0.3"),
    ("2.2", harness.broken, "ZeroDivisionError"),
    ("2.3", relu_pca(second=1.0), "absolute value"),
    ("2.3", relu_pca(first=2.0), "not x @ v"),
    ("2.3", relu_pca(returned=lambda kernel1, kernel2: (kernel1, kernel2.T)), "shapes should be"),
    ("2.3", relu_pca(returned=lambda kernel1, kernel2: (kernel1,)), "Two kernels"),
]

FAULTS = [
    ChapterFault(
        "training on the test split",
        "x_train, y_train = x_train[:n_train], y_train[:n_train]",
        "x_train, y_train = x_test[:n_train], y_test[:n_train]",
        "test images that are also training images: share",
    ),
    ChapterFault(
        "clipping forgotten",
        "mse(x_test, np.clip(x_hat_pca, 0, 1))",
        "mse(x_test, x_hat_pca)",
        "clipped to [0, 1] it falls by per cent",
    ),
    ChapterFault(
        "PCA of uncentred images",
        "x_hat_pca = pca.inverse_transform(pca.transform(x_test))",
        "x_hat_pca = pca.inverse_transform(x_test @ pca.components_.T)",
        "PCA, 150 components: test MSE",
    ),
    ChapterFault(
        "L2 doubled",
        "penalty = regularizers.L2(l2)",
        "penalty = regularizers.L2(2 * l2)",
        "the network's penalty over the lecture's, four kernels",
    ),
    ChapterFault(
        "He's start replaced by N(0, 1)",
        'layers.Dense(units, activation, kernel_initializer="he_normal", kernel_regularizer=penalty)',
        "layers.Dense(units, activation, kernel_initializer=initializers.RandomNormal(stddev=1.0), "
        "kernel_regularizer=penalty)",
        "the network's start over He's, first kernel",
    ),
    ChapterFault(
        "frozen layers that train",
        'fit(inner_ae, h_train, epochs, loss="mse")',
        'fit(inner_ae, h_train, epochs, loss="mse")\nfit(outer_ae, x_train, epochs=1)',
        "the frozen layer while the inner pair learned: largest change",
    ),
    ChapterFault(
        "pretrained weights not copied",
        "pair_by_pair_ae = keras.Sequential([keras.Input((784,)), hidden1, code, hidden3, output])",
        "pair_by_pair_ae = build_ae(150)",
        "assembled, not tuned: test MSE",
    ),
    ChapterFault(
        "weights untied",
        'DenseTranspose(hidden1, "sigmoid")]',
        'layers.Dense(784, "sigmoid")]',
        "by hand and by aelib: largest difference",
    ),
    ChapterFault(
        "a tied layer without its activation",
        'DenseTranspose(code, "elu")',
        "DenseTranspose(code)",
        "by hand and by aelib: largest difference",
    ),
]


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_right_answers_are_right(number, answer):
    harness.check_verdict(number, answer, "right. ")


@pytest.mark.parametrize(("number", "answer", "hint"), WRONG)
def test_wrong_answers_get_a_hint(number, answer, hint):
    harness.check_hint(number, answer, hint)


@pytest.mark.parametrize("number", harness.markers("02"))
@pytest.mark.parametrize("blank", harness.BLANKS)
def test_blank_answers_are_told_so(number, blank):
    if callable(blank) and number in NUMBERS:
        pytest.skip("a number is asked for")
    harness.check_verdict(number, blank, "no answer yet")


def test_every_marker_is_fed_right_and_wrong():
    assert {row[0] for row in RIGHT} == {row[0] for row in WRONG} == {*harness.markers("02")}


@pytest.fixture(scope="module")
def chapter():
    return harness.Chapter("02", FAULTS)


@each(FAULTS)
def test_a_fault_goes_red(fault, chapter):
    chapter.goes_red(fault)
