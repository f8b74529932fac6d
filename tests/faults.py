"""Deliberate faults: each is a small patch, and the test or check that must go red because of it.

A new chapter adds its own to CHAPTER, a new function of `aelib` to CODE. `test_faults.py` applies them one at a time.
"""

import dataclasses
from collections.abc import Callable

import nbformat
import stored
import test_course
import test_data
import test_exercises

from aelib import course, data, exercises


@dataclasses.dataclass(frozen=True)
class CodeFault:
    """Replace `old` by `new` in a function; calling `test` with `arguments` must then fail."""

    what: str
    function: Callable
    old: str
    new: str
    test: Callable
    arguments: tuple = ()


@dataclasses.dataclass(frozen=True)
class ChapterFault:
    """Replace `old` by `new` in the one code cell that holds it; the check with this claim must then fail."""

    what: str
    chapter: str
    old: str
    new: str
    claim: str


@dataclasses.dataclass(frozen=True)
class StoredFault:
    """Spoil a stored chapter; `rule` must then fail."""

    what: str
    spoil: Callable
    rule: Callable


CODE = [
    CodeFault(
        "a loader that skips the scaling",
        data._unit_interval,
        " / np.float32(255)",
        "",
        test_data.test_mnist_is_whole_scaled_and_split_without_overlap,
    ),
    CodeFault(
        "a validation split that overlaps the training images",
        data.load_mnist,
        "x[N_VALID:], y[N_VALID:]",
        "x[: -N_VALID], y[: -N_VALID]",
        test_data.test_mnist_is_whole_scaled_and_split_without_overlap,
    ),
    CodeFault(
        "a test split that overlaps the training patients",
        data.load_gene_expression,
        "return (x_train, y_train), (x_test, y_test)",
        "return (x_train, y_train), (x_train[:24], y_train[:24])",
        test_data.test_gene_expression_is_split_by_disease_without_overlap,
    ),
    CodeFault(
        "a split that ignores the disease",
        data.load_gene_expression,
        ", stratify=y",
        "",
        test_data.test_gene_expression_is_split_by_disease_without_overlap,
    ),
    CodeFault(
        "an unknown vote read as no",
        data.load_votes,
        '"?": np.nan',
        '"?": 0.0',
        test_data.test_votes_are_what_uci_documents,
    ),
    CodeFault(
        "the point cloud with its columns drawn in another order",
        data.make_curved_plane,
        "0.7 * np.sin(angles) + 0.05 * rng.randn(200)",
        "0.7 * np.sin(angles) + 0.05 * rng.randn(201)[1:]",
        test_data.test_curved_plane_is_the_lectures,
    ),
    CodeFault(
        "a check that lets NaN pass",
        course._extremes,
        "not np.isfinite(array).all()",
        "False",
        test_course.test_a_check_cannot_assert_nothing,
        (float("nan"), {"below": 1}, ValueError, "NaN or infinity"),
    ),
    CodeFault(
        "a check that looks at one element of an array only",
        course.check,
        "high < below",
        "low < below",
        test_course.test_a_check_that_fails_raises_with_both_numbers,
        (test_course.np.array([0.1, 1.1]), {"below": 1}),
    ),
    CodeFault(
        "a check without a bound that passes",
        course.check,
        "above is None and below is None",
        "False",
        test_course.test_a_check_cannot_assert_nothing,
        (1.0, {}, TypeError, "asserts nothing"),
    ),
    CodeFault(
        "a check that reports where it should stop",
        course.check,
        "if _strict:",
        "if False:",
        test_course.test_a_check_that_fails_raises_with_both_numbers,
        (2.0, {"below": 1}),
    ),
    CodeFault(
        "a marker that takes (18.3) for the whole gradient",
        exercises._tied_gradient,
        "truth = decoder + encoder",
        "truth = decoder",
        test_exercises.check_verdict,
        ("1.3", test_exercises.tied(), "right"),
    ),
    CodeFault(
        "a marker that accepts any direction but the first component",
        exercises._second_component,
        "cosines[1] < 0.999",
        "cosines[1] < 0",
        test_exercises.check_verdict,
        ("1.2", lambda x, v1: test_exercises.np.eye(3)[0], "not yet"),
    ),
]

CHAPTER = [
    ChapterFault(
        "test rows in the training scale",
        "01",
        "scaler = StandardScaler().fit(points[:100])",
        "scaler = StandardScaler().fit(points)",
        "training columns: means off 0 by",
    ),
    ChapterFault(
        "columns not centred",
        "01",
        "scaler = StandardScaler().fit(points[:100])",
        "scaler = StandardScaler(with_mean=False).fit(points[:100])",
        "training columns: means off 0 by",
    ),
    ChapterFault(
        "Oja's rule without its decay term",
        "01",
        "return y * (x - y * w)",
        "return y * x",
        "Oja's weights stay at length 1 after five epochs: off by",
    ),
    ChapterFault(
        "Oja's decay at half strength",
        "01",
        "return y * (x - y * w)",
        "return y * (x - y * w / 2)",
        "Oja's weights stay at length 1 after five epochs: off by",
    ),
    ChapterFault(
        "a component compared with its sign",
        "01",
        "abs(cosine(w_oja, pca.components_[0]))",
        "cosine(w_oja, pca.components_[0])",
        "Oja, one unit: |cos| with the first component",
    ),
    ChapterFault(
        "a component compared in the wrong order",
        "01",
        "abs(cosine(w_oja, pca.components_[0]))",
        "abs(cosine(w_oja, pca.components_[::-1][0]))",
        "Oja, one unit: |cos| with the first component",
    ),
    ChapterFault(
        "Sanger's units compared in the wrong order",
        "01",
        "largest_angle(w[:, [k]], plane[:, [k]])",
        "largest_angle(w[:, [k]], plane[:, [1 - k]])",
        "Sanger's rule: angle of each unit to its own component",
    ),
    ChapterFault(
        "Sanger's rule with the whole matrix instead of its triangle",
        "01",
        "np.triu(y[:, None] * y)",
        "(y[:, None] * y)",
        "Sanger's rule: angle of each unit to its own component",
    ),
    ChapterFault(
        "a shared residual of the wrong sign inside",
        "01",
        "return (x - w @ y)[:, None] * y  #",
        "return (x - 0.5 * w @ y * np.arange(1, 4))[:, None] * y  #",
        "(18.3), two units: angle to the plane in degrees",
    ),
    ChapterFault(
        "the encoder's term of the gradient with the wrong factor",
        "01",
        "x.T @ (r @ w) / len(x)  #",
        "2 * x.T @ (r @ w) / len(x)  #",
        "with the missing term it is: largest difference",
    ),
    ChapterFault(
        "the derivative of tanh forgotten",
        "01",
        "(r * (1 - x_hat**2)).mT @ y",
        "(r * (1 - x_hat)).mT @ y",
        "with the factor F' it is the decoder's gradient: largest difference",
    ),
    ChapterFault(
        "an autoencoder with one code too few",
        "01",
        "ae = compiled(build_ae(3, 2))\nz =",
        "ae = compiled(build_ae(3, 1))\nz =",
        "one autoencoder, 1,000 steps: test MSE, as a multiple of PCA's",
    ),
    ChapterFault(
        "tied weights that are not tied",
        "01",
        "ops.transpose(self.kernel)) + self.bias",
        "ops.transpose(2 * self.kernel)) + self.bias",
        "tied weights: so is theirs, largest difference",
    ),
    ChapterFault(
        "PCA without centring that centres after all",
        "01",
        "np.linalg.svd(x_shifted, full_matrices=False)",
        "np.linalg.svd(x_shifted - x_shifted.mean(axis=0), full_matrices=False)",
        "no biases: off PCA without centring by per cent",
    ),
    ChapterFault(
        "an autoencoder without centring",
        "01",
        "ae_biased, ae_unbiased = compiled(build_ae(3, 2)),",
        "ae_biased, ae_unbiased = compiled(build_ae(3, 2, use_bias=False)),",
        "biases learn the centring: off centred PCA by per cent",
    ),
    ChapterFault(
        "squares where the distance is meant",
        "01",
        "ops.sqrt(ops.sum((x - x_hat) ** 2, axis=-1) + 1e-9)",
        "ops.sum((x - x_hat) ** 2, axis=-1)",
        "distance: the plane turns by, degrees",
    ),
    ChapterFault(
        "a bent autoencoder that cannot bend",
        "01",
        'layers.Dense(n_hidden, activation="tanh"),\n            layers.Dense(3),',
        "layers.Dense(n_hidden),\n            layers.Dense(3),",
        "one bent code: share of the best line's error",
    ),
    ChapterFault(
        "test patients in the training scale",
        "01",
        "gene_scaler = StandardScaler().fit(g_train)",
        "gene_scaler = StandardScaler().fit(np.concatenate([g_train, g_test]))",
        "training genes: means off 0 by",
    ),
]


def _edit_code(notebook):
    stored.code_cells(notebook)[5].source += "\nprint('later')"


def _add_output(**output):
    def spoil(notebook):
        stored.code_cells(notebook)[5].outputs.append(nbformat.v4.new_output(**output))

    return spoil


def _drop_a_check(notebook):
    notebook.metadata.aelib.checks.pop()


def _miss_a_bound(notebook):
    row = next(row for row in notebook.metadata.aelib.checks if row["below"] is not None)
    row["value"] = [row["value"][0], row["below"] * 2]


STORED = [
    StoredFault("code edited after its outputs were stored", _edit_code, stored.outputs_are_of_this_code),
    StoredFault(
        "a stored error",
        _add_output(output_type="error", ename="ValueError", evalue="no", traceback=[]),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored stderr",
        _add_output(output_type="stream", name="stderr", text="epochs: 100%"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored warning",
        _add_output(output_type="stream", name="stdout", text="UserWarning: the structure"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored training log",
        _add_output(output_type="stream", name="stdout", text="Epoch 1/5\n 3s 12ms/step - loss: 0.1"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored progress bar",
        _add_output(output_type="display_data", data={"text/plain": "0epoch [00:00, ?epoch/s]"}),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a path of somebody's machine",
        _add_output(output_type="stream", name="stdout", text="saved to /home/somebody/model.keras"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "cells run in another order",
        lambda notebook: stored.code_cells(notebook)[3].update(execution_count=40),
        stored.cells_were_run_top_to_bottom,
    ),
    StoredFault(
        "a cell that was not run",
        lambda notebook: stored.code_cells(notebook)[3].update(execution_count=None),
        stored.cells_were_run_top_to_bottom,
    ),
    StoredFault(
        "outputs of the quick profile",
        lambda notebook: notebook.metadata.aelib.update(profile="quick"),
        stored.figures_are_the_lectures,
    ),
    StoredFault("a figure that misses its bound", _miss_a_bound, stored.figures_are_the_lectures),
    StoredFault("a check that was not recorded", _drop_a_check, stored.figures_are_the_lectures),
    StoredFault(
        "a cell without a slide type",
        lambda notebook: notebook.cells[3].metadata.pop("slideshow"),
        stored.every_cell_has_a_slide_type,
    ),
    StoredFault(
        "stray metadata",
        lambda notebook: notebook.cells[3].metadata.update(collapsed=True),
        stored.metadata_is_normalised,
    ),
    StoredFault(
        "a solution that does not pass its marker",
        lambda notebook: stored.code_cells(notebook)[-1].outputs[0].update(text="Exercise 1.3: not yet."),
        stored.exercises_are_there,
    ),
]
