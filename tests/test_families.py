"""The table of all families: its steps, its losses and its rulers on what is known, and what the page says of it."""

import functools
import pathlib
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from harness import CodeFault, each
from keras import layers
from PIL import Image
from scipy.special import expit
from scipy.stats import norm

from aelib import data
from aelib.rbm import RBM
from experiments import ch13, families
from experiments.families import Autoencoder
from tools import families as page


def rows(n=20, width=784, seed=0):
    return np.random.default_rng(seed).random((n, width), dtype="float32")


# ---- steps and their seconds


def test_a_training_has_its_steps_and_ends_at_a_low_rate():
    x = rows(60, 1)
    for optimizer in (keras.optimizers.Adam, keras.optimizers.SGD):
        model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
        steps, _ = families.fit(model, 78, 0.5, x, x, loss="mse", optimizer=optimizer, batch_size=1)
        assert steps == int(model.optimizer.iterations) == 80  # in tens
        rate = model.optimizer._learning_rate
        assert [float(rate(step)) for step in (80, 4)] == pytest.approx(
            [0.0005, 0.5] if optimizer is keras.optimizers.Adam else [0, 0.475]
        )


def test_a_step_is_the_least_of_twenty():
    """Of two executions in a row. Two alone are too few: the graph is built in the first one."""
    clock = families.Steps(100)
    clock.times = [100, 104, 105, 106.5, 107, 108.5]
    assert clock.least() == pytest.approx(2 / 20)
    clock.times = [100, 101]
    assert np.isnan(clock.least())


SPEED = """family,seed,step,before,reference
plain,0,0.005,0,100
generalized,0,0.005,9,100
PCA,0,0,0.5,100
"""


def test_the_steps_that_fit():
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "RESULTS", pathlib.Path(folder))
        (data.RESULTS / "families_speed.csv").write_text(SPEED)
        assert families.steps_in(20.02) == {"plain": 4000, "generalized": 2200, "PCA": 0}


def test_seconds_of_several_threads_are_refused(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    with pytest.raises(RuntimeError, match="seconds are those of one thread"):
        families.calibrate("plain", 0)


# ---- losses against formulas


def small(last=4, codes=2):
    """5-3-last and codes-3-5, with weights that are not small."""
    start = {
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.7, seed=1),
        "bias_initializer": keras.initializers.Constant(0.2),
    }
    up = keras.Sequential([keras.Input((5,)), layers.Dense(3, "relu", **start), layers.Dense(last, **start)])
    down = keras.Sequential([keras.Input((codes,)), layers.Dense(5, **start)])
    return up, down


def test_the_norm_is_that_of_the_jacobian():
    up, _ = small()
    x = rows(6, 5)
    with tf.GradientTape() as tape:
        images = tf.constant(x)
        tape.watch(images)
        z = up(images)
    jacobian = tape.batch_jacobian(z, images).numpy()
    expected = (jacobian**2).sum(axis=(1, 2))
    assert expected.min() > 0
    np.testing.assert_allclose(families.jacobian_norm(*up.layers, x), expected, rtol=1e-4)


def loss_of(family, up, down, x, epsilon=None, **options):
    """What `family` would minimize, of the given networks, images and noise."""
    found = {}

    def trained(steps, loss, *target, **options):
        found["loss"] = loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "trained", trained)
        family(0, **options)
        model = Autoencoder(up, down, found["loss"])
        patch.setattr(keras.random, "normal", lambda shape, seed: keras.ops.convert_to_tensor(epsilon))
        return keras.ops.convert_to_numpy(found["loss"](model, keras.ops.convert_to_tensor(x), x))


def parts_of_the_bound(up, down, x, epsilon):
    """log p(x|z), log p(z) and log q(z|x), (k, n) each, by SciPy's densities."""
    mean, log_var = np.split(up(x).numpy(), 2, axis=1)
    sd = np.exp(log_var / 2)
    z = mean + sd * epsilon
    p = expit(np.stack([down(code).numpy() for code in z.astype("float32")]).astype("float64"))
    return (
        (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1),
        norm.logpdf(z).sum(axis=-1),
        norm.logpdf(z, mean, sd).sum(axis=-1),
    )


def test_the_importance_bound():
    up, down = small()
    x, epsilon = rows(6, 5), np.random.default_rng(1).standard_normal((3, 6, 2)).astype("float32")
    log_p_x, log_p, log_q = parts_of_the_bound(up, down, x, epsilon)
    expected = -np.log(np.exp(log_p_x + log_p - log_q).mean(axis=0))
    np.testing.assert_allclose(loss_of(families.iwae, up, down, x, epsilon, k=3), expected, rtol=1e-4)


def test_the_bound():
    up, down = small()
    x, epsilon = rows(6, 5), np.random.default_rng(1).standard_normal((6, 2)).astype("float32")
    mean, log_var = np.split(up(x).numpy(), 2, axis=1)
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    expected = -parts_of_the_bound(up, down, x, epsilon[None])[0][0] + 4 * kl
    np.testing.assert_allclose(loss_of(families.vae, up, down, x, epsilon, beta=4.0), expected, rtol=1e-4)


def test_the_kl_penalty():
    _, down = small()
    up = keras.Sequential([keras.Input((5,)), layers.Dense(2, "sigmoid")])
    x = rows(6, 5)
    q = up(x).numpy().mean(axis=0)
    expected = 3 * (0.1 * np.log(0.1 / q) + 0.9 * np.log(0.9 / (1 - q))).sum()
    loss, plain = (loss_of(families.kl, up, down, x, weight=weight, rho=0.1) for weight in (3.0, 0.0))
    np.testing.assert_allclose(loss - plain, expected, rtol=1e-3)


def test_each_player_trains_alone():
    """The critic's loss moves the critic only, the other's only what made the codes."""
    judge = keras.Sequential([keras.Input((2,)), layers.Dense(3, "leaky_relu"), layers.Dense(1)])
    up, _ = small(2)
    x, real = rows(6, 5), tf.constant(rows(6, 2))
    for loss, who, other in (
        (lambda: families.told_apart(judge, real, up(x)), judge, up),
        (lambda: ch13.fooled(judge, up(x))[:, 0], up, judge),
    ):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss())
        mine, theirs = tape.gradient(value, [[v.value for v in m.trainable_variables] for m in (who, other)])
        assert all(np.abs(g).sum() > 0 for g in mine) and all(g is None for g in theirs)
    z, r = judge(up(x)).numpy()[:, 0], judge(real).numpy()[:, 0]
    np.testing.assert_allclose(ch13.fooled(judge, up(x))[:, 0], -np.log(expit(z)), rtol=1e-4)
    expected = -np.log(expit(r)) - np.log(1 - expit(z))
    np.testing.assert_allclose(families.told_apart(judge, real, up(x)), expected, rtol=1e-4)


def test_targets_are_means_of_the_neighbours():
    """Eleven images a chunk: all others are the ten nearest."""
    x = rows(22, 4)
    d2 = ((x[:11, None] - x[:11]) ** 2).sum(axis=2)
    others = d2[~np.eye(11, dtype=bool)].reshape(11, 10)
    weights = np.exp(-d2 / np.median(others)) * (1 - np.eye(11))
    expected = weights @ x[:11] / weights.sum(axis=1, keepdims=True)
    found = families.neighbour_means(x, chunk=11)
    np.testing.assert_allclose(found[:11], expected, rtol=1e-4)
    np.testing.assert_array_equal(found[11:], families.neighbour_means(x[11:], chunk=11))


def test_chains_of_a_machine_without_weights():
    """Its visible units are independent: their probabilities are known."""
    rbm = RBM(3)
    rbm.build((None, 4))
    bias = np.array([-2.0, 0.0, 1.0, 3.0], "float32")
    rbm.kernel.assign(np.zeros((4, 3)))
    rbm.visible_bias.assign(bias)
    found = families.chains(rbm, rows(9, 4), 5, np.random.default_rng(0), steps=3)
    np.testing.assert_allclose(found, np.tile(expit(bias), (5, 1)), rtol=1e-5)


# ---- rulers


def test_the_frechet_distance():
    """Of clouds that are moved and stretched copies: by the formula for independent axes."""
    a = np.random.default_rng(0).standard_normal((500, 3))
    a = (a - a.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(a, rowvar=False))).T  # mean 0, covariance I
    assert ch13.frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert ch13.frechet(a, a + np.array([3, 0, 4])) == pytest.approx(25)
    assert ch13.frechet(a * [1, 2, 3], a * [2, 2, 5]) == pytest.approx(1 + 0 + 4)
    assert ch13.frechet(a * [1, 2, 3], 1 + a * [2, 2, 5]) == pytest.approx(8)


class Regression:
    """Best on the validation codes with C = 1, on all others with 10."""

    def __init__(self, C, **options):
        self.C = C

    def fit(self, z, y):
        return self

    def score(self, z, y):
        return {0.1: 0.5, 1.0: 0.9, 10.0: 0.7}[self.C] if z == "validation" else self.C


def test_the_strength_is_chosen_on_validation():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "LogisticRegression", Regression)
        assert families.logistic("training", "y", "validation", "y", [0.1, 1.0, 10.0]).C == 1


@functools.cache
def lamps():
    """Images of ten classes: the class's own ten pixels are on. A fifth of the test images have another label."""
    parts = []
    for n in (400, 60, 100):
        y = np.arange(n) % 10
        x = np.zeros((n, 784), "float32")
        x[np.arange(n)[:, None], 10 * y[:, None] + np.arange(10)] = 1
        parts.append((x, y.copy()))
    parts[2][1][:20] = (parts[2][1][:20] + 1) % 10
    return parts


def test_the_figures_of_known_codes():
    """Codes are the sums of each class's pixels; answers leave out half of the light, and have it 784 pixels wide."""
    sums = np.kron(np.eye(10), np.ones((10, 1)))
    encode = lambda x: x[:, :100] @ sums  # noqa: E731
    decode = lambda z: np.pad(np.repeat(z / 20, 10, axis=1), [(0, 0), (0, 684)])  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "images", lamps)
        found = families.of_codes(families.Made(encode, decode), encode(lamps()[0][0]))
    assert {name: found[name] for name in ("linear_100", "near_100", "linear_all", "near_all")} == {
        name: pytest.approx(80) for name in ("linear_100", "near_100", "linear_all", "near_all")
    }
    assert [found["test_mse"], found["valid_mse"]] == pytest.approx([10 * 0.25 / 784] * 2)
    assert found["masked_linear"] == pytest.approx(80, abs=2)  # some pixel of the ten is left, nearly always
    assert found["masked_mse"] == pytest.approx(10 * (0.75**2 + 1 / 160) / 784, rel=0.1)  # against the clean images
    assert found["noisy_mse"] == pytest.approx((2.5 + 100 * 10 * 0.25 / 400) / 784, rel=0.1)


def test_codes_are_scaled_by_one_number():
    """Of the training codes: without their means, and none of them to a spread of its own."""
    z = np.array([[1.0, 70], [3, 70], [5, 100], [7, 100]])
    found = families.scaled(z)(np.vstack([z, [[4, 85]]]))
    scale = np.sqrt((5 + 225) / 2)
    np.testing.assert_allclose(found, np.array([[-3, -15], [-1, -15], [1, 15], [3, 15], [0, 0]]) / scale)


def test_draws_are_the_same_for_everybody():
    y = np.arange(500) % 10
    first, again = families.few_labels(y), families.few_labels(y)
    assert len(first) == 10 and all((a == b).all() for a, b in zip(first, again, strict=True))
    assert all((np.bincount(y[few]) == 10).all() for few in first)
    assert len({tuple(few) for few in first}) == 10


def test_the_maps_codes_are_distances(monkeypatch):
    monkeypatch.setattr(families, "images", lamps)
    found = families.som(0)
    x = lamps()[2][0][:10]
    nodes = found.decode(np.eye(32) * -1)  # the nearest of each is itself
    np.testing.assert_allclose(found.encode(x), np.linalg.norm(x[:, None] - nodes, axis=2), atol=2e-3)
    assert found.parameters == nodes.size == 32 * 784


@pytest.mark.parametrize("family", ["tied", "DBN", "GAN"])
def test_a_family_from_end_to_end(family, monkeypatch):
    """One whose weights are shared, one of several parts, one without codes."""
    monkeypatch.setattr(families, "images", lamps)
    function, (first, *_) = families.FAMILIES[family]
    made = function(20, **first)
    halves = 784 * 256 + 256 * 32
    tied, dbn = halves + 2 * 256 + 32 + 784, halves + 784 + 2 * 256 + 32
    parameters = {"tied": tied, "DBN": dbn, "GAN": 34 * 256 + 258 * 512 + 513 * 784}
    assert made.parameters == parameters[family] and made.spent[0] == 20
    if made.encode:
        z = made.encode(lamps()[2][0])
        x_hat = made.decode(z)
        assert z.shape == (100, 32) and x_hat.shape == (100, 784) and 0 <= x_hat.min() <= x_hat.max() <= 1
    if made.sample:
        drawn = made.sample(3, np.random.default_rng(0))
        assert drawn.shape == (3, 784) and 0 <= drawn.min() <= drawn.max() <= 1
    assert (made.encode is None) == (family == "GAN") and (made.sample is None) == (family == "tied")


def test_settings_are_words_of_their_own():
    for name, (_, several) in families.FAMILIES.items():
        assert len({families.words(one) for one in several}) == len(several), name


PILOT = """family,setting,seed,valid_mse,valid_linear_100,frechet
plain,rate 0.002,0,0.010,70,nan
plain,rate 0.004,0,0.011,75,nan
denoising,level 0.5,0,0.012,80,nan
denoising,level 1.0,0,0.011,75,nan
GAN,rate 0.0005,0,nan,nan,50
GAN,rate 0.001,0,nan,nan,40
"""


def test_the_best_of_the_pilot_is_chosen():
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "RESULTS", pathlib.Path(folder))
        (data.RESULTS / "families_pilot.csv").write_text(PILOT)
        assert families.chosen("plain") == "rate 0.002"
        assert families.chosen("denoising") == "level 0.5"
        assert families.chosen("GAN") == "rate 0.001"
        assert families.chosen("IWAE") == "k 5"


def test_the_tables_are_whole_and_follow_from_one_another(monkeypatch):
    """All rows of the chosen settings and of the steps that fit are stored, and no other row: nothing is measured."""
    for name in ("calibrate", "pilot", "measure"):
        monkeypatch.setattr(families, name, None)
    families.main()


def test_figures_are_missing_only_where_a_family_has_no_such_thing():
    own = {"pixels", "VAE", "beta-VAE", "IWAE", "AAE", "RBM", "DBN", "GAN"}  # draws
    without = {"frechet": families.FAMILIES.keys() - own}
    without["frechet_fitted"] = {"pixels", "RBM", "DBN", "GAN", "Kohonen map"}
    for family, columns in page.found().items():
        seeds = 1 if family in families.WITHOUT_SEED else 3
        for name in page.COLUMNS:
            none = without.get(name, {"pixels", "GAN"} if name.endswith("mse") else {"GAN"})
            assert len(columns[name]) == (0 if family in none else seeds), (family, name)


def test_speeds_are_those_of_one_processor():
    reference = data.load_results("families_speed")["reference"]
    assert np.nanmax(reference) < 1.25 * np.nanmin(reference)


# ---- the page


def test_the_page_is_what_the_table_makes():
    assert page.PAGE.read_text(encoding="utf-8") == page.page(page.found())


def test_the_picture_is_of_this_table():
    with Image.open(page.PICTURE) as picture:
        assert picture.text["Source"] == page.fingerprint()


def test_every_family_is_on_the_page():
    assert list(page.found()) == list(page.CHAPTERS) == list(families.FAMILIES)
    assert sorted(name for several in page.KINDS.values() for name in several) == sorted(families.FAMILIES)


def test_there_are_verdicts():
    assert len({verdict.need for verdict in page.VERDICTS}) == len(page.VERDICTS) >= 5


@pytest.mark.parametrize("verdict", page.VERDICTS, ids=lambda verdict: verdict.need)
def test_a_verdict_is_what_the_table_says(verdict):
    found = page.found()
    claims = list(verdict.claims(found))
    assert claims, "a sentence without a claim"
    wrong = [claim for claim in claims if not page.better(found, *claim)]
    assert not wrong, f"not so in every seed: {wrong}"


TOY = {
    "a": {"test_mse": [1, 2, 3], "near_all": [70, 71, 72]},
    "b": {"test_mse": [4, 5, 6], "near_all": [72, 73, 74]},
    "c": {"test_mse": [], "near_all": [75, 76, 77]},
}


def test_better_means_every_seed():
    assert page.better(TOY, "test_mse", "a", "b") and not page.better(TOY, "test_mse", "b", "a")
    assert page.better(TOY, "near_all", "c", "a") and not page.better(TOY, "near_all", "b", "a")  # 72 twice
    with pytest.raises(ValueError, match="a and c: one of them has no test_mse"):
        page.better(TOY, "test_mse", "a", "c")


def test_the_best_is_compared_with_all_others():
    verdict = page.Verdict("", "", {"near_all": ("c",)}, (("test_mse", "a", ("b",)),))
    assert list(verdict.claims(TOY)) == [("near_all", "c", "a"), ("near_all", "c", "b"), ("test_mse", "a", "b")]
    assert list(page.Verdict("", "", {"test_mse": ("a",)}).claims(TOY)) == [("test_mse", "a", "b")]


def test_figures_in_a_sentence(monkeypatch):
    monkeypatch.setattr(page, "VERDICTS", [page.Verdict("To rebuild:", "PCA has {PCA[test_mse]}.")])
    assert f"- **To rebuild:** PCA has {page.mean(page.found()['PCA']['test_mse'])}." in page.page(page.found())


def test_a_figure_of_one_of_three_and_of_none():
    assert [page.mean(figures) for figures in ([], [0.12345], [1.0, 1.1, 1.2])] == ["", "0.1235", "1.10 ± 0.10"]


FAULTS = [
    CodeFault("the worst of the pilot", families.chosen, "argmax", "argmin", test_the_best_of_the_pilot_is_chosen),
    CodeFault(
        "everything chosen by its error",
        families.chosen,
        "if family in FASTEST",
        "if True",
        test_the_best_of_the_pilot_is_chosen,
    ),
    CodeFault("means compared, not seeds", page.better, "min(ours)", "max(ours)", test_better_means_every_seed),
    CodeFault(
        "less is always better", page.better, "if COLUMNS[column].more", "if False", test_better_means_every_seed
    ),
    CodeFault(
        "compared with itself alone",
        page.Verdict.claims,
        "name not in several",
        "name in several",
        test_the_best_is_compared_with_all_others,
    ),
    CodeFault(
        "a training that goes on",
        families.Steps.on_train_batch_end,
        ">= self.steps",
        ">= 2 * self.steps",
        test_a_training_has_its_steps_and_ends_at_a_low_rate,
    ),
    CodeFault(
        "a rate for another number of steps",
        families.fit,
        "cosine_rate(rate, steps, 1, 1)",
        "cosine_rate(rate, 2 * steps, 1, 1)",
        test_a_training_has_its_steps_and_ends_at_a_low_rate,
    ),
    CodeFault(
        "seconds that others had",
        families.Steps.least,
        ".min()",
        ".max()",
        test_a_step_is_the_least_of_twenty,
    ),
    CodeFault("neighbours for nothing", families.steps_in, "(seconds - start)", "seconds", test_the_steps_that_fit),
    CodeFault(
        "units that are off counted too",
        families.jacobian_norm,
        "hidden(x) > 0",
        "hidden(x) > -1",
        test_the_norm_is_that_of_the_jacobian,
    ),
    CodeFault(
        "the mean outside the logarithm",
        ch13.importance_bound,
        "ops.logsumexp(log_w, axis=0)",
        "ops.mean(log_w, axis=0)",
        test_the_importance_bound,
    ),
    CodeFault(
        "a sum for a mean of the weights",
        ch13.importance_bound,
        " - np.log(log_w.shape[0])",
        "",
        test_the_importance_bound,
    ),
    CodeFault("beta left out", families.vae, "beta * kl_", "kl_", test_the_bound),
    CodeFault("KL the other way round", families.kl, "ops.log(rho / mean)", "ops.log(mean / rho)", test_the_kl_penalty),
    CodeFault(
        "a critic that is trained to be fooled",
        ch13.fooled,
        "ops.stop_gradient(v.value)",
        "v.value",
        test_each_player_trains_alone,
    ),
    CodeFault(
        "a maker that helps the critic",
        families.told_apart,
        "ops.stop_gradient(made_up)",
        "made_up",
        test_each_player_trains_alone,
    ),
    CodeFault(
        "the first chunk alone",
        families.neighbour_means,
        "range(0, len(x), chunk)",
        "range(0, 1)",
        test_targets_are_means_of_the_neighbours,
    ),
    CodeFault(
        "second moments for covariances",
        ch13.frechet,
        "np.cov(a, rowvar=False)",
        "a.T @ a / len(a)",
        test_the_frechet_distance,
    ),
    CodeFault(
        "codes with their means",
        families.scaled,
        "return lambda z: (z - means)",
        "return lambda z: z",
        test_codes_are_scaled_by_one_number,
    ),
    CodeFault("standard deviations left out", ch13.frechet, "- 2 * both", "", test_the_frechet_distance),
    CodeFault(
        "the worst strength", families.logistic, "max(found", "min(found", test_the_strength_is_chosen_on_validation
    ),
    CodeFault(
        "errors against the noisy image",
        families.of_codes,
        "error(made, x_test, z)\n    return",
        "error(made, spoil(x_test, rng=np.random.default_rng(0)), z)\n    return",
        test_the_figures_of_known_codes,
    ),
    CodeFault(
        "accuracy of the training codes",
        families.of_codes,
        "100 * linear.score(of(z_test), y_test)",
        "100 * linear.score(of(z_train), y)",
        test_the_figures_of_known_codes,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
