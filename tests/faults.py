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

from aelib import course, data, exercises, losses, noise, plots
from aelib.layers import DenseTranspose, Sampling, VariationalLoss
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
        losses._axes_of_an_example,
        "tuple(range(1, len(shapes[0])))",
        "(1,)",
        test_losses.test_the_error_is_the_loops_and_scikit_learns,
    ),
    CodeFault(
        "shapes that are broadcast",
        losses._axes_of_an_example,
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
        "a cross-entropy averaged over the pixels",
        losses.cross_entropy,
        "ops.sum(",
        "ops.mean(",
        test_losses.test_the_cross_entropy_is_numpys_summed_over_the_pixels,
    ),
    CodeFault(
        "a cross-entropy of the inverted image",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.softplus(-logits)",
        test_losses.test_the_cross_entropy_is_numpys_summed_over_the_pixels,
    ),
    CodeFault(
        "logits taken for probabilities",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.softplus(ops.sigmoid(logits))",
        test_losses.test_of_binary_pixels_the_cross_entropy_is_bernoullis,
    ),
    CodeFault(
        "a cross-entropy that overflows",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.log(1 + ops.exp(logits))",
        test_losses.test_the_cross_entropy_of_a_certain_decoder_stays_finite,
    ),
    CodeFault(
        "a cross-entropy whose gradient misses the bend",
        losses.cross_entropy,
        "ops.softplus(logits)",
        "ops.softplus(ops.stop_gradient(logits))",
        test_losses.test_the_gradient_of_the_cross_entropy_is_p_minus_x,
    ),
    CodeFault(
        "a KL halved",
        losses.kl_to_standard_normal,
        "0.5 *",
        "0.25 *",
        test_losses.test_kls_worked_by_hand,
    ),
    CodeFault(
        "a KL averaged over the codes",
        losses.kl_to_standard_normal,
        "ops.sum(",
        "ops.mean(",
        test_losses.test_the_kl_is_the_integral,
    ),
    CodeFault(
        "a log variance taken for a log deviation",
        losses.kl_to_standard_normal,
        "ops.exp(z_log_var)",
        "ops.exp(2 * z_log_var)",
        test_losses.test_the_kl_is_the_integral,
    ),
    CodeFault(
        "a KL without its means",
        losses.kl_to_standard_normal,
        "ops.square(z_mean)",
        "0 * ops.square(z_mean)",
        test_losses.test_kls_worked_by_hand,
    ),
    CodeFault(
        "a KL that does not pull the variance",
        losses.kl_to_standard_normal,
        "ops.exp(z_log_var)",
        "ops.exp(ops.stop_gradient(z_log_var))",
        test_losses.test_the_gradient_of_the_kl_is_autodiffs,
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
        "a generator that starts over when it is loaded",
        Sampling.load_own_variables,
        'self.seed_generator.state.assign(store["seed_state"])',
        "pass",
        test_layers.test_a_loaded_model_goes_on_with_the_next_draw,
        (7,),
    ),
    CodeFault(
        "exp(log variance) for the deviation",
        Sampling.call,
        "0.5 * z_log_var",
        "z_log_var",
        test_layers.test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "codes without noise",
        Sampling.call,
        " * epsilon",
        " * 0 * epsilon",
        test_layers.test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "uniform noise",
        Sampling.call,
        "keras.random.normal(ops.shape(z_mean),",
        "12**0.5 * keras.random.uniform(ops.shape(z_mean), -0.5, 0.5,",
        test_layers.test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "one noise for all examples",
        Sampling.call,
        "ops.shape(z_mean)",
        "(1, ops.shape(z_mean)[1])",
        test_layers.test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "one noise for all codes of an example",
        Sampling.call,
        "ops.shape(z_mean)",
        "(ops.shape(z_mean)[0], 1)",
        test_layers.test_the_codes_have_the_mean_and_the_variance_that_were_asked_for,
    ),
    CodeFault(
        "the same noise in each call",
        Sampling.call,
        "seed=self.seed_generator",
        "seed=0",
        test_layers.test_every_call_draws_new_noise,
        (True,),
    ),
    CodeFault(
        "noise in training alone",
        Sampling.call,
        " * epsilon",
        " * epsilon * (self._get_call_context().training is True)",
        test_layers.test_every_call_draws_new_noise,
        (False,),
    ),
    CodeFault(
        "noise that the seed does not decide",
        Sampling.call,
        "seed=self.seed_generator",
        "seed=None",
        test_layers.test_the_same_seed_draws_the_same_noise,
    ),
    CodeFault(
        "a draw that stops the gradient",
        Sampling.call,
        "ops.exp(0.5 * z_log_var)",
        "ops.stop_gradient(ops.exp(0.5 * z_log_var))",
        test_layers.test_the_gradient_passes_through_the_draw,
    ),
    CodeFault(
        "a mean and log variances that are broadcast",
        Sampling.build,
        "shapes[0][1:] != shapes[1][1:]",
        "False",
        test_layers.test_only_a_mean_and_a_log_variance_are_sampled,
        ([(3,), (1,)],),
    ),
    CodeFault(
        "the KL dropped from the loss",
        VariationalLoss.call,
        "reconstruction + self.beta * kl",
        "reconstruction",
        test_layers.test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "beta forgotten",
        VariationalLoss.call,
        "self.beta * kl",
        "kl",
        test_layers.test_beta_weighs_the_loss_and_not_the_metrics,
    ),
    CodeFault(
        "beta in the metric too",
        VariationalLoss.call,
        "update_state(kl)",
        "update_state(self.beta * kl)",
        test_layers.test_beta_weighs_the_loss_and_not_the_metrics,
    ),
    CodeFault(
        "beta on the wrong term",
        VariationalLoss.call,
        "reconstruction + self.beta * kl",
        "self.beta * reconstruction + kl",
        test_layers.test_beta_weighs_the_loss_and_not_the_metrics,
    ),
    CodeFault(
        "a bound summed over the batch",
        VariationalLoss.call,
        "ops.mean(",
        "ops.sum(",
        test_layers.test_evaluate_gives_the_bound_over_all_examples,
        (False,),
    ),
    CodeFault(
        "a loss layer that evaluate does not count",
        VariationalLoss.call,
        "self.add_loss(",
        "self.add_loss(float(bool(self._get_call_context().training)) * ",
        test_layers.test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "a metric that weighs every batch alike",
        VariationalLoss.call,
        "update_state(reconstruction)",
        "update_state(ops.mean(reconstruction))",
        test_layers.test_evaluate_gives_the_bound_over_all_examples,
        (False,),
    ),
    CodeFault(
        "logits for the reconstruction",
        VariationalLoss.call,
        "ops.sigmoid(logits)",
        "logits",
        test_layers.test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "the image itself for the reconstruction",
        VariationalLoss.call,
        "ops.sigmoid(logits)",
        "x",
        test_layers.test_evaluate_gives_the_bound_over_all_examples,
        (True,),
    ),
    CodeFault(
        "a KL that is shown and not learned",
        VariationalLoss.call,
        "self.beta * kl",
        "self.beta * ops.stop_gradient(kl)",
        test_layers.test_a_step_goes_down_the_gradient_of_the_bound,
    ),
    CodeFault(
        "the bound of the mean in place of a draw",
        Sampling.call,
        " * epsilon",
        " * epsilon * 0",
        test_layers.test_evaluate_is_of_a_draw_of_the_codes,
    ),
    CodeFault(
        "a bound of any inputs",
        VariationalLoss.build,
        "shapes[2][1:] != shapes[3][1:]",
        "False",
        test_layers.test_only_images_logits_and_codes_make_a_bound,
        ([(6,), (6,), (2,), (1,)],),
    ),
    CodeFault(
        "a reconstruction in the shape of its codes",
        VariationalLoss.compute_output_shape,
        "input_shape[1]",
        "input_shape[2]",
        test_layers.test_the_bound_of_a_convolutional_network_gives_images,
    ),
    CodeFault(
        "rows on a gray scale of their own",
        plots.rows,
        "(0, 1)",
        "(None, None)",
        test_plots.test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "filters with 0 at black",
        plots.filters,
        "(-1, 1)",
        "(0, 1)",
        test_plots.test_filters_draw_each_weight_vector_around_zero,
    ),
    CodeFault(
        "filters on one scale",
        plots._scaled,
        "max(axis=(1, 2), ",
        "max(",
        test_plots.test_filters_draw_each_weight_vector_around_zero,
    ),
    CodeFault(
        "filters on the scale of their largest positive weight",
        plots._scaled,
        "np.abs(row)",
        "row",
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
        "np.stack(full)",
        "np.stack(full)[:, ::-1]",
        test_plots.test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "labels beside other rows",
        plots._grid,
        "side / 2, squares)",
        "side / 2, list(squares)[::-1])",
        test_plots.test_each_row_has_its_label_in_the_order_given,
        (plots.rows,),
    ),
    CodeFault(
        "labels that drift from their rows",
        plots._grid,
        "* (side + gap)",
        "* side",
        test_plots.test_each_row_has_its_label_in_the_order_given,
        (plots.rows,),
    ),
    CodeFault(
        "black images where there are none",
        plots._grid,
        "constant_values=np.nan",
        "constant_values=0",
        test_plots.test_fewer_images_than_columns_leave_room,
        (plots.rows,),
    ),
    CodeFault(
        "black gaps",
        plots._tiles,
        "constant_values=np.nan",
        "constant_values=0",
        test_plots.test_the_gaps_are_white,
    ),
    CodeFault(
        "rows of any size",
        plots._grid,
        "> 1:",
        "> 2:",
        test_plots.test_rows_of_two_sizes_are_refused,
        (plots.rows,),
    ),
    CodeFault(
        "a grid with its axes swapped",
        plots.latent_grid,
        "(codes[:, 0], -codes[:, 1])",
        "(codes[:, 1], -codes[:, 0])",
        test_plots.test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid flipped upside down",
        plots.latent_grid,
        "-codes[:, 1]",
        "codes[:, 1]",
        test_plots.test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid flipped left to right",
        plots.latent_grid,
        "(codes[:, 0],",
        "(-codes[:, 0],",
        test_plots.test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid in the order given",
        plots.latent_grid,
        "squares[np.lexsort((codes[:, 0], -codes[:, 1]))]",
        "squares[:]",
        test_plots.test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "tiles in columns",
        plots._tiles,
        "transpose(0, 2, 1, 3)",
        "transpose(1, 2, 0, 3)",
        test_plots.test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid on any gray scale",
        plots.latent_grid,
        "vmin=0, vmax=1",
        "vmin=None",
        test_plots.test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "ticks flipped upside down",
        plots.latent_grid,
        "n * side - places",
        "places",
        test_plots.test_a_latent_grid_names_the_codes_at_their_places,
        (3,),
    ),
    CodeFault(
        "a grid of one code",
        plots.latent_grid,
        "n < 2",
        "n < 1",
        test_plots.test_what_is_no_square_grid_of_two_codes_is_refused,
        (test_plots.np.ones((1, 2)), ""),
    ),
    CodeFault(
        "more images than codes",
        plots.latent_grid,
        "len(squares) != n * n",
        "len(squares) < n * n",
        test_plots.test_a_latent_grid_needs_a_square_image_for_each_code,
    ),
    CodeFault(
        "ticks of the other code",
        plots.latent_grid,
        "places, ticks[0]",
        "places, ticks[1]",
        test_plots.test_a_latent_grid_names_the_codes_at_their_places,
        (3,),
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
