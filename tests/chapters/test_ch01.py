"""Chapter 01: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault, CodeFault, each
from sklearn.preprocessing import StandardScaler

from aelib import exercises
from aelib.data import make_curved_plane
from aelib.exercises import ch01

x_train = StandardScaler().fit_transform(make_curved_plane()[:100])
variances = np.linalg.eigvalsh(x_train.T @ x_train / 100)[::-1]


def second_unit(change=lambda row, v1: row - (row @ v1) * v1, decay=1.0, returned=lambda w: w):
    """The chapter's exercise 1.2 with the marked line as a function."""

    def answer(x, v1):
        w = np.array([0.5, -0.3, 0.4])
        for epoch in range(200):
            rate = 0.01 / (1 + 0.1 * epoch)
            for row in x:
                rest = change(row, v1)
                y = rest @ w
                w = w + rate * y * (rest - decay * y * w)
        with np.errstate(all="ignore"):
            return returned(w)

    return answer


def tied(encoder=1.0, decoder=1.0, factor=1.0):
    def answer(w, x):
        y = x @ w
        r = x - y @ w.T
        return -factor * (decoder * r.T @ y + encoder * x.T @ (r @ w)) / len(x)

    return answer


RIGHT = [
    ("1.1", (variances[1] + variances[2]) / 3),
    ("1.1", np.float32((variances[1] + variances[2]) / 3)),
    ("1.2", second_unit()),
    ("1.2", second_unit(lambda row, v1: row @ (np.eye(3) - np.outer(v1, v1)))),  # other words, same behaviour
    ("1.3", tied()),
    ("1.3", lambda w, x: ((x @ w @ w.T - x).T @ x @ w + x.T @ (x @ w @ w.T - x) @ w) / len(x)),
]

NUMBERS = {"1.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("1.1", variances[1] + variances[2], "average|mean taken"),
    ("1.1", variances[0] / 3, "keeps"),
    ("1.1", variances[2] / 3, "plane"),
    ("1.1", 0.5, "left out"),
    ("1.1", variances, "single number"),
    ("1.1", "0.21", "single number"),
    ("1.2", second_unit(lambda row, v1: row), "first component"),
    ("1.2", second_unit(lambda row, v1: 0 * row), "second component"),
    ("1.2", second_unit(lambda row, v1: row - (row @ v1)), "second component"),
    ("1.2", second_unit(decay=0), "decay"),
    ("1.2", second_unit(returned=lambda w: w / 0.0), "bounded"),
    ("1.2", second_unit(returned=lambda w: 3 * w), "length"),
    ("1.2", second_unit(returned=lambda w: 0 * w), "died out"),
    ("1.2", second_unit(returned=lambda w: w[:2]), r"shape \(3,\)"),
    ("1.2", lambda x, v1: np.eye(3)[0], "angle to the second component"),
    ("1.2", np.ones(3), "function itself"),
    ("1.2", harness.broken, "ZeroDivisionError"),
    ("1.3", tied(encoder=0), "decoder's weights alone"),
    ("1.3", tied(decoder=0), "encoder's part alone"),
    ("1.3", tied(factor=-1), "uphill"),
    ("1.3", tied(factor=2), "2 times"),
    ("1.3", lambda w, x: tied()(w, x) * len(x), "6 times"),
    ("1.3", lambda w, x: -tied()(w, x) * len(x), "The sign is wrong, and the length is 6 times"),
    ("1.3", lambda w, x: 0 * w, "not the gradient"),
    ("1.3", lambda w, x: w, "not the gradient"),
    ("1.3", lambda w, x: tied()(w, x).T, "shape"),
    ("1.3", lambda w, x: "no", "ValueError"),
]

FAULTS = [
    ChapterFault(
        "test rows in the training scale",
        "scaler = StandardScaler().fit(points[:100])",
        "scaler = StandardScaler().fit(points)",
        "training columns: means off 0 by",
    ),
    ChapterFault(
        "columns not centred",
        "scaler = StandardScaler().fit(points[:100])",
        "scaler = StandardScaler(with_mean=False).fit(points[:100])",
        "training columns: means off 0 by",
    ),
    ChapterFault(
        "Oja's rule without its decay term",
        "return y * (x - y * w)",
        "return y * x",
        "Oja's weights stay at length 1 after five epochs: off by",
    ),
    ChapterFault(
        "Oja's decay at half strength",
        "return y * (x - y * w)",
        "return y * (x - y * w / 2)",
        "Oja's weights stay at length 1 after five epochs: off by",
    ),
    ChapterFault(
        "a component compared with its sign",
        "abs(cosine(w_oja, pca.components_[0]))",
        "cosine(w_oja, pca.components_[0])",
        "Oja, one unit: |cos| with the first component",
    ),
    ChapterFault(
        "a component compared in the wrong order",
        "abs(cosine(w_oja, pca.components_[0]))",
        "abs(cosine(w_oja, pca.components_[::-1][0]))",
        "Oja, one unit: |cos| with the first component",
    ),
    ChapterFault(
        "Sanger's units compared in the wrong order",
        "(w[:, [k]], plane[:, [k]])",
        "(w[:, [k]], plane[:, [1 - k]])",
        "Sanger's rule: angle of each unit to its own component",
    ),
    ChapterFault(
        "Sanger's rule with the whole matrix instead of its triangle",
        "left_over = np.triu(y[:, :, None] * y[:, None, :])",
        "left_over = y[:, :, None] * y[:, None, :]",
        "Sanger's rule: angle of each unit to its own component",
    ),
    ChapterFault(
        "a shared residual of the wrong sign inside",
        "return (x - rebuilt)[..., None] * y[:, None, :]  # (starts, 3, p)",
        "return (x - 0.5 * rebuilt * np.arange(1, 4))[..., None] * y[:, None, :]",
        "(18.3), two units: angle to the plane in degrees",
    ),
    ChapterFault(
        "the encoder's term of the gradient with the wrong factor",
        "x.T @ (r @ w) / len(x)",
        "2 * x.T @ (r @ w) / len(x)",
        "with the missing term it is: largest difference",
    ),
    ChapterFault(
        "the derivative of tanh forgotten",
        "(r * (1 - x_hat**2)).mT @ y",
        "(r * (1 - x_hat)).mT @ y",
        "with the factor F' it is the decoder's gradient: largest difference",
    ),
    ChapterFault(
        "an autoencoder with one code too few",
        "ae = compiled(build_ae(3, 2))\nz =",
        "ae = compiled(build_ae(3, 1))\nz =",
        "one autoencoder, 1,000 steps: test MSE, as a multiple of PCA's",
    ),
    ChapterFault(
        "tied weights that are not tied",
        "ops.matmul(z, ops.transpose(self.kernel))",
        "ops.matmul(z, ops.transpose(2 * self.kernel))",
        "tied weights: so is theirs, largest difference",
    ),
    ChapterFault(
        "PCA without centring that centres after all",
        "np.linalg.svd(x_shifted, full_matrices=False)",
        "np.linalg.svd(x_shifted - x_shifted.mean(axis=0), full_matrices=False)",
        "PCA without centring: error as a multiple",
    ),
    ChapterFault(
        "an autoencoder without centring",
        "ae_biased, ae_unbiased = build_ae(3, 2),",
        "ae_biased, ae_unbiased = build_ae(3, 2, use_bias=False),",
        "biases learn the centring: off centred PCA by per cent",
    ),
    ChapterFault(
        "squares where the distance is meant",
        "return r / np.sqrt((r**2).sum(-1, keepdims=True) + 1e-9) / r.shape[-2]",
        "return 2 * r / r.shape[-2]",
        "five broken rows that report 6, distance: the plane turns by, degrees",
    ),
    ChapterFault(
        "a bent autoencoder that cannot bend",
        'model.add(layers.Dense(n_hidden, activation="tanh"))\n    model.add(layers.Dense(3))',
        "model.add(layers.Dense(n_hidden))\n    model.add(layers.Dense(3))",
        "one bent code: share of the best line's error",
    ),
    ChapterFault(
        "test patients in the training scale",
        "gene_scaler = StandardScaler().fit(g_train)",
        "gene_scaler = StandardScaler().fit(np.concatenate([g_train, g_test]))",
        "training genes: means off 0 by",
        alone=True,
    ),
    ChapterFault(
        "half a gradient for the encoder",
        "return x.mT @ by_code, of_a,",
        "return x.mT @ by_code / 2, of_a,",
        "gradient by hand and by autodiff: largest difference",
    ),
    ChapterFault(
        "a bias without its gradient",
        "by_code.sum(-2, keepdims=True), by_output.sum(-2, keepdims=True)",
        "by_code.sum(-2, keepdims=True), 0 * by_output.sum(-2, keepdims=True)",
        "gradient by hand and by autodiff: largest difference",
    ),
    ChapterFault(
        "a start at another plane than the right one",
        "right = [plane[None], np.zeros((1, 1, 2)), plane.T[None], np.zeros((1, 1, 3))]",
        "right = [plane[None, ::-1], np.zeros((1, 1, 2)), plane.T[None, :, ::-1], np.zeros((1, 1, 3))]",
        "from the right plane, a report of 10, distance and mae: it turns by, degrees",
    ),
    ChapterFault(
        "a slider that is not listened to",
        'image.value = picture_of(change["new"])',
        "image.value = picture_of(50)",
        "the toy shows the arrows of its slider: share",
    ),
    ChapterFault(
        "small data without larger steps",
        "nonlinear_rule(w, x) / scale**2",
        "nonlinear_rule(w, x)",
        "nonlinear units: angle to the plane, from each scale to the next, ratio",
    ),
    ChapterFault(
        "the idle part wiped out of the network itself",
        "wiped = keras.models.clone_model(model)",
        "wiped = model",
        "idle part of the encoder, share of its length",
    ),
]

MARKER_FAULTS = [
    CodeFault(
        "a marker that takes (18.3) for the whole gradient",
        ch01._tied_gradient,
        "truth = decoder + encoder",
        "truth = decoder",
        harness.check_verdict,
        ("1.3", tied(), "right"),
    ),
    CodeFault(
        "a marker that accepts any direction but the first component",
        ch01._second_component,
        "cosines[1] < 0.999",
        "cosines[1] < 0",
        harness.check_verdict,
        ("1.2", lambda x, v1: np.eye(3)[0], "not yet"),
    ),
]


TestAnswers = harness.answers("01", RIGHT, WRONG, NUMBERS)


def test_markers_hand_out_copies(capsys):
    def vandal(w, x):
        gradient = tied()(w, x)
        w[:], x[:] = 0, 0
        return gradient

    exercises.mark("1.3", vandal)
    assert "right" in capsys.readouterr().out


@each(MARKER_FAULTS)
def test_a_fault_in_a_marker_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)


TestFaults = harness.faults("01", FAULTS)
