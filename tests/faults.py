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
import test_experiments
import test_layers
import test_losses
import test_noise
import test_plots
import test_rbm

from aelib import course, data, exercises, losses, noise, plots, rbm
from aelib.layers import DenseTranspose
from aelib.rbm import RBM
from experiments import table


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


# DenseTranspose.build: a layer of its own, with equal numbers.
COPIED_KERNEL = """\
kernel = self.dense.kernel
    self.dense = type(self.dense)(kernel.shape[1])
    self.dense.build((None, kernel.shape[0]))
    self.dense.kernel.assign(kernel)
    n_inputs, units = kernel.shape"""

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
    CodeFault(
        "a schedule that forgets the smaller last batch",
        course.cosine_rate,
        "math.ceil(n / batch_size)",
        "(n // batch_size)",
        test_course.test_the_rate_rises_and_falls_as_a_cosine,
    ),
    CodeFault(
        "a schedule that falls too far",
        course.cosine_rate,
        "alpha=0.001",
        "alpha=0.0",
        test_course.test_the_rate_rises_and_falls_as_a_cosine,
    ),
    CodeFault(
        "a schedule that takes twice its warm-up",
        course.cosine_rate,
        "steps // 20",
        "steps // 10",
        test_course.test_the_rate_rises_and_falls_as_a_cosine,
    ),
    CodeFault(
        "stored text read as numbers",
        data.load_results,
        "dtype=None",
        "dtype=float",
        test_experiments.test_text_and_numbers_come_back,
    ),
    CodeFault(
        "noise that is clipped",
        noise.gaussian,
        "x + np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32)",
        "np.clip(x + np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32), 0, 1)",
        test_noise.test_gaussian_noise_has_its_mean_and_deviation_and_is_not_clipped,
    ),
    CodeFault(
        "a level taken for a variance",
        noise.gaussian,
        "np.float32(level)",
        "np.float32(level) ** 0.5",
        test_noise.test_gaussian_noise_has_its_mean_and_deviation_and_is_not_clipped,
    ),
    CodeFault(
        "one noise for all images",
        noise.gaussian,
        "rng.standard_normal(x.shape,",
        "rng.standard_normal(x.shape[1:],",
        test_noise.test_gaussian_noise_has_its_mean_and_deviation_and_is_not_clipped,
    ),
    CodeFault(
        "noise written into the images",
        noise.gaussian,
        "x + np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32)",
        "np.add(x, np.float32(level) * rng.standard_normal(x.shape, dtype=np.float32), out=x)",
        test_noise.test_noise_is_a_new_array_of_float32_and_repeats_with_its_seed,
        ("gaussian",),
    ),
    CodeFault(
        "noise without its generator",
        noise.random_intensities,
        "rng.random(x.shape, dtype=np.float32)",
        "np.random.random(x.shape).astype(np.float32)",
        test_noise.test_noise_is_a_new_array_of_float32_and_repeats_with_its_seed,
        ("random intensities",),
    ),
    CodeFault(
        "noise in float64",
        noise.random_intensities,
        "rng.random(x.shape, dtype=np.float32)",
        "rng.random(x.shape)",
        test_noise.test_noise_is_a_new_array_of_float32_and_repeats_with_its_seed,
        ("random intensities",),
    ),
    CodeFault(
        "masking that scales the rest up, as dropout does",
        noise.masking,
        "np.float32(0), x)",
        "np.float32(0), x / max(1 - probability, 1e-3))",
        test_noise.test_masking_loses_its_share_and_scales_nothing,
    ),
    CodeFault(
        "the share of pixels that is kept, not lost",
        noise._chosen,
        "< probability",
        ">= probability",
        test_noise.test_masking_loses_its_share_and_scales_nothing,
    ),
    CodeFault(
        "whole columns lost",
        noise._chosen,
        "rng.random(shape, dtype=np.float32)",
        "np.broadcast_to(rng.random(shape[1:], dtype=np.float32), shape)",
        test_noise.test_masking_loses_its_share_and_scales_nothing,
    ),
    CodeFault(
        "salt and pepper for random intensities",
        noise.random_intensities,
        "rng.random(x.shape, dtype=np.float32)",
        "rng.integers(2, size=x.shape).astype(np.float32)",
        test_noise.test_random_intensities_replace_their_share_uniformly,
    ),
    CodeFault(
        "a probability that may exceed 1",
        noise._chosen,
        "<= 1",
        "<= 100",
        test_noise.test_bad_levels_are_refused,
        (lambda x: noise.random_intensities(x, 30, test_noise.generator()), "got 30"),
    ),
    CodeFault(
        "one position for all squares",
        noise.dark_square,
        "rng.integers(height - side + 1, size=n)",
        "np.full(n, rng.integers(height - side + 1))",
        test_noise.test_a_dark_square_is_one_square_anywhere,
    ),
    CodeFault(
        "a square that never reaches the edge",
        noise.dark_square,
        "rng.integers(width - side + 1",
        "rng.integers(width - side",
        test_noise.test_a_dark_square_is_one_square_anywhere,
    ),
    CodeFault(
        "a square with a row too many",
        noise.dark_square,
        "rows < top + side",
        "rows <= top + side",
        test_noise.test_a_dark_square_is_one_square_anywhere,
    ),
    CodeFault(
        "gray values up to 255 let through",
        noise.check_images,
        "low < 0 or high > 1",
        "low < 0",
        test_noise.test_bad_images_are_refused,
        ("gaussian", lambda x: x * 255, "divide by 255"),
    ),
    CodeFault(
        "NaN let through",
        noise.check_images,
        "np.isnan(low)",
        "False",
        test_noise.test_bad_images_are_refused,
        ("masking", lambda x: x * test_noise.np.nan, "got NaN"),
    ),
    CodeFault(
        "the same order in every epoch",
        noise.batches,
        "while True:\n        order = rng.permutation(len(x))",
        "order = rng.permutation(len(x))\n    while True:",
        test_noise.test_an_epoch_of_batches_holds_every_image_once,
    ),
    CodeFault(
        "the smaller last batch dropped",
        noise.batches,
        "range(0, len(x), batch_size)",
        "range(0, len(x) - batch_size + 1, batch_size)",
        test_noise.test_an_epoch_of_batches_holds_every_image_once,
    ),
    CodeFault(
        "images drawn with repetition",
        noise.batches,
        "rng.permutation(len(x))",
        "rng.integers(len(x), size=len(x))",
        test_noise.test_an_epoch_of_batches_holds_every_image_once,
    ),
    CodeFault(
        "a noisy target",
        noise.batches,
        "yield corrupt(clean, rng), clean",
        "yield (corrupt(clean, rng),) * 2",
        test_noise.test_batches_feed_keras_with_clean_targets,
    ),
    CodeFault(
        "an error summed over the pixels",
        losses.squared_error,
        "ops.mean(",
        "ops.sum(",
        test_losses.test_errors_worked_by_hand,
    ),
    CodeFault(
        "an absolute error",
        losses.squared_error,
        "ops.square(",
        "ops.abs(",
        test_losses.test_the_error_is_the_loops_and_scikit_learns,
    ),
    CodeFault(
        "an error averaged over the rows of pixels only",
        losses.squared_error,
        "tuple(range(1, len(shapes[0])))",
        "1",
        test_losses.test_the_error_is_the_loops_and_scikit_learns,
    ),
    CodeFault(
        "shapes that are broadcast",
        losses.squared_error,
        "shapes[0] != shapes[1]",
        "False",
        test_losses.test_nothing_is_broadcast,
        (losses.mse, (10, 5), (1, 5)),
    ),
    CodeFault(
        "an error that lets NaN pass",
        losses.mse,
        "bad or len(error) == 0",
        "len(error) == 0",
        test_losses.test_nan_and_nothing_are_refused,
        (losses.psnr,),
    ),
    CodeFault(
        "decibels of the error's root",
        losses.psnr,
        "-10 *",
        "-20 *",
        test_losses.test_errors_worked_by_hand,
    ),
    CodeFault(
        "a tied layer without its bias",
        DenseTranspose.call,
        " + self.bias",
        "",
        test_layers.test_forward_is_numpys,
    ),
    CodeFault(
        "a tied layer without its activation",
        DenseTranspose.call,
        "self.activation(",
        "(",
        test_layers.test_forward_is_numpys,
    ),
    CodeFault(
        "the width of a tied layer's output not transposed",
        DenseTranspose.compute_output_shape,
        ".shape[0]",
        ".shape[1]",
        test_layers.test_forward_is_numpys,
    ),
    CodeFault(
        "tied weights that learn in the encoder alone",
        DenseTranspose.call,
        "ops.transpose(self.dense.kernel)",
        "ops.transpose(ops.stop_gradient(self.dense.kernel))",
        test_layers.test_the_shared_kernels_gradient_is_the_sum_of_its_two_places,
    ),
    CodeFault(
        "tied weights that are a copy",
        DenseTranspose.build,
        "n_inputs, units = self.dense.kernel.shape",
        COPIED_KERNEL,
        test_layers.test_the_lectures_parameters,
    ),
    CodeFault(
        "tied weights that come apart in training",
        DenseTranspose.build,
        "n_inputs, units = self.dense.kernel.shape",
        COPIED_KERNEL,
        test_layers.test_the_shared_kernels_gradient_is_the_sum_of_its_two_places,
    ),
    CodeFault(
        "a copy that loses the tie without a word",
        DenseTranspose.build,
        "if not self.dense.built:",
        "self.dense.built or self.dense.build((None, 6))\n    if False:",
        test_layers.test_a_copy_that_would_lose_the_tie_is_refused,
        (test_layers.sequential, test_layers.keras.models.clone_model),
    ),
    CodeFault(
        "a tied layer that takes any width",
        DenseTranspose.build,
        "input_shape[-1] != units",
        "input_shape[-1] is None",
        test_layers.test_a_wrong_width_is_refused,
        (5,),
    ),
    CodeFault(
        "a chain that does not advance: every k is CD-1",
        RBM._chain_end,
        "range(self.k)",
        "range(1)",
        test_rbm.test_the_chain_advances,
        (3,),
    ),
    CodeFault(
        "a gradient through the chain",
        RBM._chain_end,
        "return ops.stop_gradient(x)",
        "p = self.visible_probabilities(y)\n    return x + p - ops.stop_gradient(p)",
        test_rbm.test_the_update_is_contrastive_divergence_with_probabilities,
        (None,),
    ),
    CodeFault(
        "probabilities where the chain needs draws",
        RBM._sample,
        "ops.cast(keras.random.uniform(ops.shape(p), seed=self.seed_generator) < p, p.dtype)",
        "p",
        test_rbm.test_the_update_is_contrastive_divergence_with_probabilities,
        (None,),
    ),
    CodeFault(
        "the negative phase with the sign of the positive",
        RBM.compute_loss,
        "- ops.mean(self.free_energy(end))",
        "+ ops.mean(self.free_energy(end))",
        test_rbm.test_the_update_is_contrastive_divergence_with_probabilities,
        (None,),
    ),
    CodeFault(
        "a weight decay that forgets its half",
        RBM.compute_loss,
        "self.weight_decay / 2",
        "self.weight_decay",
        test_rbm.test_the_update_is_contrastive_divergence_with_probabilities,
        (30,),
    ),
    CodeFault(
        "persistent chains that start anew at each batch",
        RBM.compute_loss,
        "x if self.chains is None else self.chains",
        "x if self.chains is None else ops.ones_like(self.chains)",
        test_rbm.test_persistent_chains_go_on_from_update_to_update,
    ),
    CodeFault(
        "persistent chains that are not kept",
        RBM.compute_loss,
        "self.chains.assign(end)",
        "pass",
        test_rbm.test_persistent_chains_are_advanced,
    ),
    CodeFault(
        "persistent chains that move in evaluate",
        RBM.compute_loss,
        "if not training:",
        "if not training and self.chains is None:",
        test_rbm.test_evaluate_changes_nothing_and_reports_the_free_energy,
        (4,),
    ),
    CodeFault(
        "a free energy without the visible thresholds",
        RBM.free_energy,
        "-ops.matmul(ops.cast(x, self.compute_dtype), self.visible_bias) - hidden",
        "-hidden",
        test_rbm.test_the_free_energy_is_scikit_learns,
    ),
    CodeFault(
        "a free energy without the hidden thresholds",
        RBM._hidden_sums,
        " + self.hidden_bias",
        "",
        test_rbm.test_the_free_energy_and_the_probabilities_are_those_of_the_energy,
    ),
    CodeFault(
        "visible units without their thresholds",
        RBM.visible_probabilities,
        " + self.visible_bias",
        "",
        test_rbm.test_the_free_energy_and_the_probabilities_are_those_of_the_energy,
    ),
    CodeFault(
        "NaN in a weight that goes unnoticed",
        rbm._StopAtNaN.on_epoch_end,
        "dict(logs or {}) | {weight.name: weight for weight in self.model.trainable_variables}",
        "dict(logs or {})",
        test_rbm.test_nan_that_the_last_batch_left_is_found_too,
    ),
    CodeFault(
        "pixels up to 255 let through",
        rbm._checked,
        "check_images(x) if isinstance(x, (np.ndarray, list)) else x",
        "x",
        test_rbm.test_what_is_wrong_is_named,
        (lambda: test_rbm.machine().predict(test_rbm.images() * 255, verbose=0), "divide by 255"),
    ),
    CodeFault(
        "a partition function without the thresholds of the layer that is enumerated",
        rbm.exact_log_partition,
        "y @ hidden_bias + ",
        "",
        test_rbm.test_the_partition_function_is_the_sum_over_all_states,
        (3, 5),
    ),
    CodeFault(
        "annealing from a base with another Z",
        rbm.annealed_log_partition.__wrapped__,
        "len(hidden_bias) * np.log(2) + ",
        "",
        test_rbm.test_annealed_weights_are_unbiased_for_any_temperatures,
        ([0, 0.3, 1],),
    ),
    CodeFault(
        "annealing with one temperature missing",
        rbm.annealed_log_partition.__wrapped__,
        "zip(betas[:-1].astype(np.float32), betas[1:].astype(np.float32), strict=True)",
        "zip(betas[:-2].astype(np.float32), betas[1:-1].astype(np.float32), strict=True)",
        test_rbm.test_annealed_weights_are_unbiased_for_any_temperatures,
        ([0, 0.2, 0.5, 0.8, 1],),
    ),
    CodeFault(
        "the mean of the logarithms for the logarithm of the mean",
        rbm.annealed_log_partition.__wrapped__,
        "log_weights.max() + np.log(weights.mean())",
        "log_weights.mean()",
        test_rbm.test_annealed_weights_are_unbiased_for_any_temperatures,
        ([0, 0.3, 1],),
    ),
    CodeFault(
        "an error bar of one weight, not of their mean",
        rbm.annealed_log_partition.__wrapped__,
        " / n_chains**0.5",
        "",
        test_rbm.test_the_error_bar_is_the_scatter_of_repeated_estimates,
    ),
    CodeFault(
        "known pixels that are drawn anew",
        rbm.gibbs.__wrapped__,
        "state if known is None else np.where(known, chain[0], state)",
        "state",
        test_rbm.test_gibbs_returns_the_chain_and_keeps_what_is_known,
    ),
    CodeFault(
        "Gibbs sampling that starts each step from the first image",
        rbm.gibbs.__wrapped__,
        "chain[-1] @ w",
        "chain[0] @ w",
        test_rbm.test_the_chain_advances,
        (3,),
    ),
    CodeFault(
        "rows on gray scales of their own",
        plots.rows,
        "(0, 1)",
        "(image.min(), image.max())",
        test_plots.test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "filters with 0 at any gray",
        plots.filters,
        "-np.abs(image).max()",
        "image.min()",
        test_plots.test_filters_draw_each_weight_vector_around_zero,
    ),
    CodeFault(
        "images turned on their side",
        plots._squares,
        "reshape(-1, side, side)",
        "reshape(-1, side, side).swapaxes(1, 2)",
        test_plots.test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "images that are not the given ones",
        plots._grid,
        "zip(axes, row, strict=False)",
        "zip(axes, row[::-1], strict=False)",
        test_plots.test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "points at the wrong places",
        plots.curves,
        "if x is None else x\n",
        "if x is None else np.arange(len(x))\n",
        test_plots.test_curves_over_given_places_mark_the_points,
    ),
    CodeFault(
        "a table written in place",
        table._write,
        'path.with_suffix(".new")',
        "path",
        test_experiments.test_a_kill_while_writing_leaves_the_old_table,
        ("replace",),
    ),
    CodeFault(
        "a table written after all measurements",
        table.complete,
        "        _write([rows[key] for key in wanted if key in rows], path)",
        "    _write([rows[key] for key in wanted if key in rows], path)",
        test_experiments.test_every_setting_is_measured_once_in_order_and_written_at_once,
    ),
    CodeFault(
        "an error that loses the finished rows",
        table.complete,
        "        _write([rows[key] for key in wanted if key in rows], path)",
        "    _write([rows[key] for key in wanted if key in rows], path)",
        test_experiments.test_it_goes_on_after_an_error,
    ),
    CodeFault(
        "finished rows that are measured again",
        table.complete,
        "if _key(setting) in rows:",
        "if False:",
        test_experiments.test_it_goes_on_after_an_error,
    ),
    CodeFault(
        "a measurement without its seed",
        table.complete,
        'keras.utils.set_random_seed(setting["seed"])',
        "pass",
        test_experiments.test_a_measurement_has_its_seed_whatever_came_before,
    ),
    CodeFault(
        "one seed for all measurements",
        table.complete,
        'setting["seed"])',
        "0)",
        test_experiments.test_a_measurement_has_its_seed_whatever_came_before,
    ),
    CodeFault(
        "rows in the order of their measurement",
        table.complete,
        "for key in wanted if key in rows",
        "for key in rows",
        test_experiments.test_settings_that_join_later_stand_in_their_place,
    ),
    CodeFault(
        "rows of other settings dropped without a word",
        table.complete,
        "if unknown := sorted(set(rows) - set(wanted)):",
        "if unknown := []:",
        test_experiments.test_what_does_not_fit_is_refused,
        (test_experiments.SETTINGS, "n,seed,error\n7,0,0.5\n", "not among the settings"),
    ),
    CodeFault(
        "a setting that may stand there twice",
        table.complete,
        "len(set(wanted)) < len(wanted)",
        "False",
        test_experiments.test_what_does_not_fit_is_refused,
        ([test_experiments.SETTINGS[0]] * 2, None, "the same setting twice"),
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
    ChapterFault(
        "training on the test split",
        "02",
        "x_train, y_train = x_train[:n_train], y_train[:n_train]",
        "x_train, y_train = x_test[:n_train], y_test[:n_train]",
        "test images that are also training images: share",
    ),
    ChapterFault(
        "clipping forgotten",
        "02",
        "mse(x_test, np.clip(x_hat_pca, 0, 1))",
        "mse(x_test, x_hat_pca)",
        "clipped to [0, 1] it falls by per cent",
    ),
    ChapterFault(
        "PCA of uncentred images",
        "02",
        "x_hat_pca = pca.inverse_transform(pca.transform(x_test))",
        "x_hat_pca = pca.inverse_transform(x_test @ pca.components_.T)",
        "PCA, 150 components: test MSE",
    ),
    ChapterFault(
        "L2 doubled",
        "02",
        "penalty = regularizers.L2(l2)",
        "penalty = regularizers.L2(2 * l2)",
        "the network's penalty over the lecture's, four kernels",
    ),
    ChapterFault(
        "He's start replaced by N(0, 1)",
        "02",
        'layers.Dense(units, activation, kernel_initializer="he_normal", kernel_regularizer=penalty)',
        "layers.Dense(units, activation, kernel_initializer=initializers.RandomNormal(stddev=1.0), "
        "kernel_regularizer=penalty)",
        "the network's start over He's, first kernel",
    ),
    ChapterFault(
        "frozen layers that train",
        "02",
        'fit(inner_ae, h_train, epochs, loss="mse")',
        'fit(inner_ae, h_train, epochs, loss="mse")\nfit(outer_ae, x_train, epochs=1)',
        "the frozen layer while the inner pair learned: largest change",
    ),
    ChapterFault(
        "pretrained weights not copied",
        "02",
        "pair_by_pair_ae = keras.Sequential([keras.Input((784,)), hidden1, code, hidden3, output])",
        "pair_by_pair_ae = build_ae(150)",
        "assembled, not tuned: test MSE",
    ),
    ChapterFault(
        "weights untied",
        "02",
        'DenseTranspose(hidden1, "sigmoid")]',
        'layers.Dense(784, "sigmoid")]',
        "by hand and by aelib: largest difference",
    ),
    ChapterFault(
        "a tied layer without its activation",
        "02",
        'DenseTranspose(code, "elu")',
        "DenseTranspose(code)",
        "by hand and by aelib: largest difference",
    ),
    ChapterFault(
        "training on the test split",
        "03",
        "= x_train[:n_train], y_train[:n_train]",
        "= x_test[:n_train], y_test[:n_train]",
        "test images that the networks will be trained on: share",
    ),
    ChapterFault(
        "the noise level of the evaluation off by a factor",
        "03",
        "x_noisy = noise.gaussian(x_test, noise_level, rng)",
        "x_noisy = noise.gaussian(x_test, noise_level / 2, rng)",
        "the noisy image: its error is the noise's variance",
    ),
    ChapterFault(
        "a clean image where the noisy one is meant",
        "03",
        "x_noisy = noise.gaussian(x_test, noise_level, rng)",
        "x_noisy = x_test",
        "the noisy image: its error is the noise's variance",
    ),
    ChapterFault(
        "noise left on in predict",
        "03",
        "x_hat = denoiser.predict(images, verbose=0)",
        "x_hat = denoiser(images, training=True).numpy()",
        "GaussianNoise is off in predict: largest difference",
    ),
    ChapterFault(
        "a noise layer that is off in training",
        "03",
        "noise_layer(images, training=True)",
        "noise_layer(images)",
        "GaussianNoise in training: mean square of what it adds",
    ),
    ChapterFault(
        "a linear denoiser with twice the noise in its formula",
        "03",
        "covariance + level**2 * np.eye(784), covariance",
        "covariance + 2 * level**2 * np.eye(784), covariance",
        "the noise level that suits the validation images best",
    ),
    ChapterFault(
        "a linear denoiser of clean images",
        "03",
        "x_linear = linear_denoiser(x_noisy, noise_level)",
        "x_linear = linear_denoiser(x_test, noise_level)",
        "linear denoiser: test MSE over what the formula expects",
    ),
    ChapterFault(
        "noisy targets",
        "03",
        "fit(denoiser, x_train, x_train, epochs)",
        "denoiser, x = build_ae(), noise.gaussian(x_train, noise_level, rng)\nfit(denoiser, x, x, epochs)",
        "denoiser, level 1.0: test MSE",
    ),
    ChapterFault(
        "a clean input in the evaluation",
        "03",
        "x_denoised, x_plain = answer(denoiser, x_noisy)",
        "x_denoised, x_plain = answer(denoiser, x_test)",
        "the clean image shown instead: share of the true error",
    ),
    ChapterFault(
        "one noise draw for all epochs",
        "03",
        "(layers.GaussianNoise(noise_level), x_small, x_small)",
        "(None, x_fixed, x_small)",
        "one draw for all epochs: error over that of fresh noise",
    ),
    ChapterFault(
        "dropout's scale forgotten",
        "03",
        "(r * x / keep) @ kernel",
        "(r * x) @ kernel",
        "the conventions in training: largest difference inside f",
    ),
    ChapterFault(
        "the mean taken before the bend",
        "03",
        "np.maximum(keras_training, 0).mean(axis=0)",
        "np.maximum(keras_training.mean(axis=0), 0)",
        "behind a ReLU they do not: mean in training over value at test time",
    ),
    ChapterFault(
        "the rate taken for the probability to keep",
        "03",
        "for x in (x_masked, x_masked / 0.7)",
        "for x in (x_masked, x_masked / 0.3)",
        "dropout autoencoder: share of the masked image's error",
    ),
    ChapterFault(
        "training on the test split",
        "05",
        "gray_train, y_train, gray_test, y_test = gray_train[:n_train], y_train[:n_train], ",
        "gray_train, y_train, gray_test, y_test = gray_test[:n_train], y_test[:n_train], ",
        "test images that the machines will be trained on: share",
    ),
    ChapterFault(
        "training and test images binarized by different rules",
        "05",
        "known_images = {",
        "x_test = (gray_test > 0).astype('float32')\nknown_images = {",
        "drawn pixels: ink over that of the gray images, training and test",
    ),
    ChapterFault(
        "one variable drawn without its threshold",
        "05",
        "return sigmoid(s @ couplings[:, i] + thresholds[i])",
        "return sigmoid(s @ couplings[:, i])",
        "one unit given the others, by S and by the energy: largest difference",
    ),
    ChapterFault(
        "a free energy without the visible thresholds",
        "05",
        "return -x @ t_x - np.logaddexp(0, x @ w + t_y).sum(axis=1)",
        "return -np.logaddexp(0, x @ w + t_y).sum(axis=1)",
        "P(x) by the free energy and by the joint sum: largest difference",
    ),
    ChapterFault(
        "the gradient uphill and downhill exchanged",
        "05",
        "return difference(statistics(x, weights), statistics(all_x, weights, p))",
        "return difference(statistics(all_x, weights, p), statistics(x, weights))",
        "gradient by (19.7) and by autodiff, weights and thresholds: largest difference",
    ),
    ChapterFault(
        "hidden draws where probabilities are meant in the last step",
        "05",
        "return difference(statistics(x, weights), statistics(x_k, weights))",
        "h = sample(sigmoid(x_k @ weights[0] + weights[2]), np.random.default_rng(0))\n    "
        "return difference(statistics(x, weights), (x_k.T @ h / len(h), x_k.mean(axis=0), h.mean(axis=0)))",
        "the update by hand and by aelib: largest difference",
    ),
    ChapterFault(
        "a chain that does not advance",
        "05",
        "for _ in range(k):\n        x = gibbs_step(x, weights, rng)",
        "start = x\n    for _ in range(k):\n        x = gibbs_step(start, weights, rng)",
        "25 Gibbs steps by hand and by aelib: share of states that differ",
    ),
    ChapterFault(
        "annealing from a base with another Z",
        "05",
        "len(t_y) * np.log(2) + np.logaddexp",
        "np.logaddexp",
        "AIS by hand, four estimates: off by how many standard errors",
    ),
    ChapterFault(
        "annealing with one temperature missing",
        "05",
        "itertools.pairwise(betas)",
        "itertools.pairwise(betas[:-1])",
        "AIS by hand, four estimates: off by how many standard errors",
    ),
    ChapterFault(
        "the mean of the logarithms for the logarithm of the mean",
        "05",
        "log_z, relative = logsumexp(log_weights) - np.log(1000), ",
        "log_z, relative = log_weights.mean(), ",
        "AIS by hand, four estimates: off by how many standard errors",
    ),
    ChapterFault(
        "test images in the base of the annealing",
        "05",
        "image_base = base_logits(x_train)",
        "image_base = base_logits(x_test)",
        "base of the annealing: rates off those of the training images",
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
