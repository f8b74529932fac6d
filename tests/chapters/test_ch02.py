"""Chapter 02: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault
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
        alone=True,
    ),
    ChapterFault(
        "clipping forgotten",
        "return np.clip(by_pca(x, k), 0, 1)",
        "return by_pca(x, k)",
        "clipped to [0, 1] it falls by per cent",
    ),
    ChapterFault(
        "PCA of uncentred images",
        "scores = (x - pca.mean_) @ pca.components_[:k].T",
        "scores = x @ pca.components_[:k].T",
        "PCA, 150 components: test MSE",
    ),
    ChapterFault(
        "L2 doubled",
        'settings["kernel_regularizer"] = regularizers.L2(l2)',
        'settings["kernel_regularizer"] = regularizers.L2(2 * l2)',
        "the network's penalty over the lecture's, four kernels",
    ),
    ChapterFault(
        "He's start replaced by N(0, 1)",
        'settings = {"kernel_initializer": "he_normal"}',
        'settings = {"kernel_initializer": initializers.RandomNormal(stddev=1.0)}',
        "the network's start over He's, first kernel",
    ),
    ChapterFault(
        "both errors measured after the step",
        "before.append(mse(batch, stacked_ae(batch)))\n    stacked_ae.train_on_batch(batch, batch)",
        "stacked_ae.train_on_batch(batch, batch)\n    before.append(mse(batch, stacked_ae(batch)))",
        "the step on the batch lowers its own error, per cent",
    ),
    ChapterFault(
        "the square's derivative without the sigmoid's",
        "2 * (p - x) * p * (1 - p)",
        "2 * (p - x)",
        "derivative of the square, by tape and by hand, off by",
    ),
    ChapterFault(
        "every recipe read as ours",
        'table["test_mse"][table["recipe"] == recipe]',
        'table["test_mse"][table["recipe"] == "ours"]',
        "stored: L2(1e-4), test MSE over that of L2(5e-5)",
    ),
    ChapterFault(
        "PCA with 150 components at every size",
        "np.array([pca_error(k) for k in sizes])",
        "np.array([pca_error(150) for k in sizes])",
        "the autoencoder's share of clipped PCA's error, every size",
    ),
    ChapterFault(
        "a slider that moves at rest",
        "z[:, number] += spread[number] * np.asarray(shifts)",
        "z[:, number] = spread[number] * np.asarray(shifts)",
        "a slider at 0: the picture differs from the rebuilt one by",
    ),
    ChapterFault(
        "frozen layers that train",
        'fit(inner_ae, h_train, epochs, loss="mse")',
        'fit(inner_ae, h_train, epochs, loss="mse")\nfit(outer_ae, x_train, epochs=1)',
        "the frozen layer while the inner pair learned: largest change",
    ),
    ChapterFault(
        "pretrained weights not copied",
        "pair_by_pair_ae = keras.Sequential(parts)",
        "pair_by_pair_ae = build_ae(150)",
        "assembled, not tuned: test MSE",
    ),
    ChapterFault(
        "weights untied",
        'tied_ae.add(DenseTranspose(code, "elu"))',
        'tied_ae.add(layers.Dense(300, "elu"))',
        "by hand and by aelib: largest difference",
    ),
    ChapterFault(
        "a tied layer without its activation",
        'tied_ae.add(DenseTranspose(code, "elu"))',
        "tied_ae.add(DenseTranspose(code))",
        "by hand and by aelib: largest difference",
    ),
    ChapterFault(
        "the floor of images that are not clipped",
        "floor = share_left(np.clip(rest, 0, 1), rest)",
        "floor = share_left(np.clip(rest, -1, 1), rest)",
        "the floor: share of the variance",
    ),
    ChapterFault(
        "PCA with 150 components where ten are meant",
        'pca_10 = ("PCA, 10", lambda x: by_clipped_pca(x, 10))',
        'pca_10 = ("PCA, 10", lambda x: by_clipped_pca(x, 150))',
        "mirrored digits, PCA with 10: MSE as a multiple of the straight ones'",
    ),
    ChapterFault(
        "8-3-8: the error sent back with the wrong sign",
        "d2 = (outputs - patterns) / 64",
        "d2 = (patterns - outputs) / 64",
        "8-3-8: every pattern rebuilt, largest error of an output",
    ),
]


TestAnswers = harness.answers("02", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("02", FAULTS)
