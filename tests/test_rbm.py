import itertools
import pathlib
import statistics
import tempfile
import types

import keras
import numpy as np
import pytest
from gradients import gradients as autodiff
from harness import CodeFault, each
from keras import ops
from scipy.special import expit, logsumexp
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_info, threadpool_limits

from aelib import rbm as rbm_module
from aelib.rbm import RBM, annealed_log_partition, base_logits, exact_log_partition, gibbs, states

N_VISIBLE, N_HIDDEN = 5, 3


def machine(n_visible=N_VISIBLE, n_hidden=N_HIDDEN, scale=1.0, **options):
    """A machine with random weights and biases, none of them small."""
    rng = np.random.default_rng(0)
    rbm = RBM(n_hidden, seed=1, **options)
    rbm.build((None, n_visible))
    for weight in (rbm.kernel, rbm.visible_bias, rbm.hidden_bias):
        weight.assign(scale * rng.normal(size=weight.shape))
    return rbm


def numbers(rbm):
    return [np.array(weight, dtype=float) for weight in (rbm.kernel, rbm.visible_bias, rbm.hidden_bias)]


def joint(rbm):
    """exp(-E) of all states, by a loop over units: (2**n_visible, 2**n_hidden)."""
    w, a, b = numbers(rbm)
    table = np.empty((2 ** len(a), 2 ** len(b)))
    for m, x in enumerate(states(len(a))):
        for n, y in enumerate(states(len(b))):
            energy = -sum(x[i] * w[i, j] * y[j] for i in range(len(a)) for j in range(len(b)))
            table[m, n] = np.exp(-energy + sum(a * x) + sum(b * y))
    return table


def images(n=12, n_visible=N_VISIBLE):
    return (np.random.default_rng(2).random((n, n_visible)) < 0.4).astype(np.float32)


def gradients(rbm, x, loss=None):
    return autodiff(lambda: (loss or rbm.compute_loss)(x), rbm.trainable_variables, rbm.non_trainable_variables)


def test_a_new_machine():
    """Weights of a deviation of 0.01 (of 10,000 draws: within 7 standard errors), no thresholds, fair chains."""
    assert keras.saving.get_registered_name(RBM) == "aelib>RBM"
    rbm = RBM(100)
    assert (rbm.k, rbm.n_chains, rbm.weight_decay, rbm.seed) == (1, None, 0, None)
    rbm.build((None, 100))
    assert rbm.chains is None and [weight.name for weight in rbm.weights] == ["kernel", "visible_bias", "hidden_bias"]
    kernel, visible_bias, hidden_bias = numbers(rbm)
    assert abs(kernel.mean()) < 0.0005 and abs(kernel.std() - 0.01) < 0.0005
    assert not visible_bias.any() and not hidden_bias.any()
    one, other, third = (RBM(3, n_chains=100, seed=seed) for seed in (1, 1, 2))
    for rbm in (one, other, third):
        rbm.build((None, 100))
        assert rbm.chains.name == "chains" and rbm.chains.trainable is False
        assert abs(np.mean(rbm.chains) - 0.5) < 0.035  # 10,000 coins: 7 standard errors
    assert np.array_equal(one.chains, other.chains) and not np.array_equal(one.chains, third.chains)
    assert RBM(np.int64(3), k=np.int32(2)).k == 2


def test_states_count_in_binary():
    assert states(2).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert np.array_equal(states(6, 10, 20), states(6)[10:20])
    assert states(3, 0, 0).shape == (0, 3) and len(states(3, 6, 20)) == 2


def test_the_free_energy_and_the_probabilities_are_those_of_the_energy():
    rbm = machine()
    table, x, y = joint(rbm), states(N_VISIBLE), states(N_HIDDEN)
    np.testing.assert_allclose(rbm.free_energy(x), -np.log(table.sum(axis=1)), rtol=1e-5)
    given_x, given_y = table / table.sum(axis=1, keepdims=True), table / table.sum(axis=0)
    np.testing.assert_allclose(rbm.hidden_probabilities(x), given_x @ y, rtol=1e-5)
    np.testing.assert_allclose(rbm.visible_probabilities(y), given_y.T @ x, rtol=1e-5)
    np.testing.assert_allclose(rbm.predict(x, verbose=0), given_x @ y, rtol=1e-5)


def test_the_free_energy_is_scikit_learns():
    theirs = BernoulliRBM(n_components=7, n_iter=2, random_state=0).fit(images(50))
    rbm = RBM(7)
    rbm.build((None, N_VISIBLE))
    for weight, value in (
        (rbm.kernel, theirs.components_.T),
        (rbm.visible_bias, theirs.intercept_visible_),
        (rbm.hidden_bias, theirs.intercept_hidden_),
    ):
        weight.assign(value)
    np.testing.assert_allclose(rbm.free_energy(images()), theirs._free_energy(images()), rtol=1e-5)
    np.testing.assert_allclose(rbm.predict(images(), verbose=0), theirs.transform(images()), rtol=1e-5)


@pytest.mark.parametrize(("n_visible", "n_hidden"), [(5, 3), (3, 5), (4, 4)])
def test_the_partition_function_is_the_sum_over_all_states(n_visible, n_hidden):
    rbm = machine(n_visible, n_hidden)
    assert exact_log_partition(rbm) == pytest.approx(np.log(joint(rbm).sum()), rel=1e-6)


def test_the_largest_layer_that_is_enumerated(monkeypatch):
    monkeypatch.setattr(rbm_module, "LARGEST", N_HIDDEN)
    assert exact_log_partition(machine()) == pytest.approx(np.log(joint(machine()).sum()), rel=1e-6)


def test_enumeration_in_parts():
    """13 hidden units are two parts of 4,096 states."""
    rbm = machine(15, 13, scale=0.3)
    by_images = logsumexp(-ops.convert_to_numpy(rbm.free_energy(states(15))).astype(float))
    assert exact_log_partition(rbm) == pytest.approx(by_images, rel=1e-6)


@pytest.mark.parametrize("n_chains", [None, 30])
def test_the_update_is_contrastive_divergence_with_probabilities(n_chains):
    """The same seed twice: the chain's end by itself, then the gradient of the loss that runs it again."""
    rbm, x = machine(k=2, n_chains=n_chains, weight_decay=0.01), images()
    start = x if n_chains is None else np.array(rbm.chains)
    state = np.array(rbm.seed_generator.state)
    end = ops.convert_to_numpy(rbm._chain_end(start))
    assert set(np.unique(end)) <= {0, 1}
    rbm.seed_generator.state.assign(state)
    found = gradients(rbm, x)
    w, _, b = numbers(rbm)
    h, h_end = expit(x @ w + b), expit(end @ w + b)
    n, m = len(x), len(end)
    expected = [end.T @ h_end / m - x.T @ h / n + 0.01 * w, end.mean(0) - x.mean(0), h_end.mean(0) - h.mean(0)]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    if n_chains:
        assert np.array_equal(rbm.chains, end)


def exact_loss(rbm):
    """Minus the mean log-likelihood, Z summed over all images, as a function for autodiff."""
    everything = states(rbm.kernel.shape[0]).astype(np.float32)
    return lambda x: ops.mean(rbm.free_energy(x)) + ops.logsumexp(-rbm.free_energy(everything))


def test_the_update_of_many_long_chains_is_the_likelihoods_gradient():
    """40,000 chains, 40 steps: every one of 23 entries within 5 standard errors (1.3 in 100,000 fail)."""
    rbm, x = machine(k=40, n_chains=40_000, scale=0.5), images()
    for ours, exact in zip(gradients(rbm, x), gradients(rbm, x, exact_loss(rbm)), strict=True):
        assert np.abs(ours - exact).max() < 5 * 0.5 / 40_000**0.5


def test_the_likelihoods_gradient_by_finite_differences():
    rbm, x, step = machine(), images(), 1e-2
    exact = gradients(rbm, x, exact_loss(rbm))

    def minus_log_likelihood():
        return float(ops.mean(rbm.free_energy(x))) + exact_log_partition(rbm)

    for weight, gradient in zip(rbm.trainable_variables, exact, strict=True):
        value, moved = np.array(weight), np.zeros_like(np.array(weight))
        moved[(1,) * value.ndim] = step
        sides = []
        for sign in (1, -1):
            weight.assign(value + sign * moved)
            sides.append(minus_log_likelihood())
        weight.assign(value)
        assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(gradient[(1,) * value.ndim], abs=1e-3)


def transition(rbm):
    """P(next image | image) of one Gibbs step, enumerated. (2**n_visible, 2**n_visible)"""
    table = joint(rbm)
    return (table / table.sum(axis=1, keepdims=True)) @ (table / table.sum(axis=0)).T


@pytest.mark.parametrize("k", [1, 3])
def test_the_chain_advances(k):
    """50,000 chains from one image: each of 32 frequencies within 5 standard errors of the enumerated k steps."""
    rbm, n = machine(k=k, scale=2.0), 50_000
    expected = np.linalg.matrix_power(transition(rbm), k)[0]
    ends = (
        rbm._chain_end(np.zeros((n, N_VISIBLE), np.float32)),
        gibbs(rbm, np.zeros((n, 5)), k, np.random.default_rng(0))[-1],
    )
    assert np.abs(np.linalg.matrix_power(transition(rbm), 4 - k)[0] - expected).max() > 0.02  # else nothing is shown
    for end in ends:
        counts = np.bincount(np.asarray(end).astype(int) @ 2 ** np.arange(N_VISIBLE)[::-1], minlength=32)
        assert (np.abs(counts / n - expected) < 5 * np.sqrt(expected / n) + 1e-6).all()


def test_the_chain_leaves_the_machines_distribution_as_it_is():
    table = joint(machine()).sum(axis=1)
    np.testing.assert_allclose(table @ transition(machine()), table, rtol=1e-9)


def test_gibbs_returns_the_chain_and_keeps_what_is_known():
    rbm, x = machine(), images()
    before = x.copy()
    chain = gibbs(rbm, x, 6, np.random.default_rng(0))
    assert chain.shape == (7, 12, N_VISIBLE) and chain.dtype == np.float32 and set(np.unique(chain)) == {0, 1}
    assert np.array_equal(chain[0], x) and np.array_equal(x, before)
    assert np.array_equal(chain, gibbs(rbm, x, 6, np.random.default_rng(0)))
    known = np.array([True, False, True, False, False])
    clamped = gibbs(rbm, x, 6, np.random.default_rng(0), known)
    assert (clamped[:, :, known] == x[:, known]).all() and not (clamped[:, :, ~known] == x[:, ~known]).all()


def test_gibbs_draws_the_hidden_states_then_the_visible_ones():
    rbm, x = machine(), images()
    w, a, b = numbers(rbm)
    rng = np.random.default_rng(0)
    y = rng.random((12, N_HIDDEN), dtype=np.float32) < expit(x @ w + b)
    expected = rng.random((12, N_VISIBLE), dtype=np.float32) < expit(y @ w.T + a)
    assert np.array_equal(gibbs(rbm, x, 1, np.random.default_rng(0)), [x, expected])


@pytest.mark.parametrize("call", [lambda: gibbs(machine(), images(), 1, np.random.default_rng(0)), lambda: annealed()])
def test_small_products_take_one_thread(monkeypatch, call):
    threads = []

    def note(a):
        threads.append({pool["num_threads"] for pool in threadpool_info()})
        return expit(a)

    monkeypatch.setattr(rbm_module, "expit", note)
    with threadpool_limits(limits=2):
        call()
        note(0)
    assert set().union(*threads[:-1]) == {1}
    if threads[-1] == {1}:
        pytest.skip("there is no second thread")


def two_moulds():
    """A machine that hardly ever leaves all-on or all-off."""
    rbm = machine(n_visible=8, n_hidden=1, n_chains=6, k=1)
    for weight, value in ((rbm.kernel, 12.0), (rbm.visible_bias, -6.0), (rbm.hidden_bias, -48.0)):
        weight.assign(np.full(weight.shape, value))
    return rbm


def test_persistent_chains_go_on_from_update_to_update():
    """The images are all on, the chains all off; at a rate of 0 they stay so, whatever the batches hold."""
    rbm = two_moulds()
    rbm.chains.assign(np.zeros((6, 8)))
    rbm.compile(keras.optimizers.SGD(0.0))
    rbm.fit(np.ones((20, 8)), batch_size=6, epochs=2, verbose=0)  # the last batch is smaller
    assert rbm.chains.shape == (6, 8) and np.array(rbm.chains).mean() < 0.1


def test_persistent_chains_are_advanced():
    rbm = machine(n_chains=50)
    rbm.compile(keras.optimizers.SGD(0.0))
    before = np.array(rbm.chains)
    assert 0.3 < before.mean() < 0.7 and set(np.unique(before)) == {0, 1}
    rbm.fit(images(), verbose=0)
    assert not np.array_equal(before, rbm.chains)


@pytest.mark.parametrize("n_chains", [None, 4])
def test_evaluate_changes_nothing_and_reports_the_free_energy(n_chains):
    rbm = machine(n_chains=n_chains)
    rbm.compile(keras.optimizers.SGD(0.1))
    before = [np.array(weight) for weight in rbm.weights] + [np.array(rbm.seed_generator.state)]
    report = rbm.evaluate(images(), batch_size=5, verbose=0, return_dict=True)
    rbm.predict(images(), verbose=0)
    after = [np.array(weight) for weight in rbm.weights] + [np.array(rbm.seed_generator.state)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert report["free_energy"] == pytest.approx(float(np.mean(rbm.free_energy(images()))), rel=1e-5)


def test_training_fits_a_small_distribution():
    """Two images of eight pixels, half the time each. Independent pixels give the two a probability of 1 / 128. How
    the machine shares it out between them depends on the seed: no chain crosses from one to the other at the end."""
    x = np.repeat(np.array([[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]], np.float32), 960, axis=0)
    keras.utils.set_random_seed(0)
    rbm = RBM(8, n_chains=256, seed=0)
    rate = keras.optimizers.schedules.PolynomialDecay(0.1, 900, end_learning_rate=0.0)
    rbm.compile(keras.optimizers.SGD(rate, momentum=0.5), steps_per_execution=20)
    history = rbm.fit(x, batch_size=32, epochs=15, verbose=0).history
    assert set(history) == {"loss", "free_energy"}
    two = x[[0, -1]]
    assert np.exp(-ops.convert_to_numpy(rbm.free_energy(two)) - exact_log_partition(rbm)).sum() > 0.9
    at_one, at_the_other = ((np.array(rbm.chains) == image).all(axis=1).mean() for image in two)
    assert at_one > 0.3 and at_the_other > 0.3  # the chains follow
    if keras.backend.backend() == "tensorflow":  # with this seed: independent pixels reach -8 ln 2, the truth -ln 2
        assert -np.mean(rbm.free_energy(x)) - exact_log_partition(rbm) > -1.5


def test_a_machine_saves_loads_and_trains_on_alike():
    rbm = machine(k=2, n_chains=7, weight_decay=0.01)
    rbm.compile(keras.optimizers.SGD(0.1, momentum=0.5))
    rbm.fit(images(), batch_size=5, epochs=2, shuffle=False, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rbm.keras"
        rbm.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
    assert {name: getattr(loaded, name) for name in ("n_hidden", "k", "n_chains", "weight_decay", "seed")} == {
        name: getattr(rbm, name) for name in ("n_hidden", "k", "n_chains", "weight_decay", "seed")
    }
    loaded.seed_generator.state.assign(np.array(rbm.seed_generator.state))  # Keras does not store it
    for model in (rbm, loaded):
        model.fit(images(), batch_size=5, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(rbm.weights, loaded.weights, strict=True):
        assert np.array_equal(ours, theirs)


def test_base_logits_are_the_smoothed_mean():
    x = np.array([[0, 1, 0], [0, 1, 1]], np.float32)
    np.testing.assert_allclose(expit(base_logits(x)), [1 / 4, 3 / 4, 1 / 2])
    gray = np.random.default_rng(0).random((1000, 3), dtype=np.float32)  # summed in 64 bits
    np.testing.assert_allclose(expit(base_logits(gray)), (gray.astype(float).sum(axis=0) + 1) / 1002, rtol=1e-12)


@pytest.mark.parametrize("betas", [[0, 1], [0, 0.3, 1], [0, 0.2, 0.5, 0.8, 1]])
def test_annealed_weights_are_unbiased_for_any_temperatures(betas):
    """100,000 chains: the mean weight over the true ratio is 1 within 5 of its standard errors."""
    rbm, logits = machine(6, 4, scale=0.7), np.array([-1, 0, 1, -0.5, 0.5, 0.2])
    log_z, error = annealed_log_partition(rbm, logits, betas, 100_000, np.random.default_rng(0))
    assert error < 0.02
    assert abs(np.expm1(log_z - exact_log_partition(rbm))) < 5 * error


def test_annealing_is_its_formula():
    """The same draws, in 64 bits: the ratio of p* at each two temperatures, the mean weight, its standard error."""
    rbm, logits, betas = machine(4, 3), np.array([-1, 0, 1, -0.5]), [0, 0.2, 0.6, 1]
    w, a, b = numbers(rbm)
    rng = np.random.default_rng(0)

    def draw(p):
        return (rng.random(p.shape, dtype=np.float32) < p).astype(float)

    def log_p(x, beta):
        return (1 - beta) * x @ logits + beta * x @ a + np.logaddexp(0, beta * (x @ w + b)).sum(axis=1)

    x, log_weights = draw(np.tile(expit(logits), (50, 1))), 0
    for before, beta in itertools.pairwise(betas):
        log_weights += log_p(x, beta) - log_p(x, before)
        y = draw(expit(beta * (x @ w + b)))
        x = draw(expit((1 - beta) * logits + beta * (y @ w.T + a)))
    base, weights = 3 * np.log(2) + np.logaddexp(0, logits).sum(), np.exp(log_weights)
    log_z, error = annealed_log_partition(rbm, logits, betas, 50, np.random.default_rng(0))
    assert log_z == pytest.approx(base + np.log(weights.mean()), rel=1e-5)
    assert error == pytest.approx(statistics.stdev(weights) / 50**0.5 / weights.mean(), rel=1e-4)
    assert type(log_z) is type(error) is float


def test_the_error_bar_is_the_scatter_of_repeated_estimates():
    """200 estimates: their deviation is known to 5 %; the bound allows 25 %."""
    rbm, logits = machine(6, 4, scale=0.7), np.zeros(6)
    rng, betas = np.random.default_rng(0), np.linspace(0, 1, 6)
    found = np.array([annealed_log_partition(rbm, logits, betas, 200, rng) for _ in range(200)])
    assert 0.75 < found[:, 1].mean() / found[:, 0].std() < 1.25


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: RBM(0), "n_hidden must be a whole number, 1 or more; got 0"),
        (lambda: RBM(5, k=0), "k must be a whole number, 1 or more; got 0"),
        (lambda: RBM(5, n_chains=0), "n_chains must be a whole number, 1 or more; got 0"),
        (lambda: RBM(5, k=1.5), "got 1.5"),
        (lambda: RBM(5, weight_decay=-1), "weight_decay must be finite, 0 or more; got -1"),
        (lambda: RBM(5, weight_decay=np.inf), "weight_decay must be finite, 0 or more; got inf"),
        (lambda: RBM(5).build((None, 28, 28)), r"shape \(batch, n_visible\); got \(None, 28, 28\)"),
        (lambda: machine().free_energy(images(4, 6)), r"has 5 visible units; got images of shape \(4, 6\)"),
        (lambda: machine().predict(images(4, 6), verbose=0), "has 5 visible units"),
        (lambda: machine().predict(images() * 255, verbose=0), r"\[0, 1\]; got values .*divide by 255"),
        (lambda: compiled().fit(images() * 2, verbose=0), r"\[0, 1\]; got values"),
        (lambda: compiled().evaluate(images() * np.nan, verbose=0), "got NaN"),
        (
            lambda: exact_log_partition(machine(21, 21)),
            r"2\*\*21 states are too many .* fewer; estimate ln Z with annealed_log_partition$",
        ),
        (lambda: gibbs(machine(), images(), 0, np.random.default_rng(0)), "at least 1 Gibbs step is needed; got 0"),
        (lambda: gibbs(machine(), images() - 1, 1, np.random.default_rng(0)), r"\[0, 1\]"),
        (lambda: gibbs(machine(), images(4, 6), 1, np.random.default_rng(0)), r"has 5 visible units; got .*\(4, 6\)"),
        (lambda: gibbs(RBM(3), images(), 1, np.random.default_rng(0)), "RBM with 3 hidden units has no weights yet"),
        (lambda: exact_log_partition(RBM(3)), "RBM with 3 hidden units has no weights yet; fit it first"),
        (lambda: annealed(betas=[0.1, 1]), "^betas must rise from 0 to 1, both included$"),
        (lambda: annealed(betas=[]), "rise from 0 to 1"),
        (lambda: annealed(betas=[0, 0.5, 0.5, 1]), "rise from 0 to 1"),
        (lambda: annealed(betas=np.uint8([0, 1, 0, 1])), "rise from 0 to 1"),  # their own differences never fall
        (lambda: annealed(betas=[0, 0.9]), "rise from 0 to 1"),
        (lambda: annealed(betas=[0, 0.6, 0.5, 1]), "rise from 0 to 1"),
        (lambda: annealed(n_chains=1), "at least 2 chains are needed for an error bar; got 1"),
        (lambda: annealed(logits=np.zeros(4)), r"logits must have the shape \(5,\); got \(4,\)"),
        (lambda: base_logits(images() + 1), r"\[0, 1\]"),
    ],
)
def test_what_is_wrong_is_named(call, found):
    with pytest.raises(ValueError, match=found):
        call()


def test_sample_weights_are_refused():
    with pytest.raises(TypeError, match=r"weighs all images alike: expected fit\(x\), got sample_weight="):
        compiled().fit(images(), sample_weight=np.ones(len(images())))


def test_targets_are_refused():
    for call in (lambda: compiled().fit(images(), images()), lambda: compiled().fit(images(), y=images())):
        with pytest.raises(TypeError, match=r"^an RBM is trained without targets: expected fit\(x\), got fit\(x, y\)$"):
            call()


def compiled():
    rbm = machine()
    rbm.compile(keras.optimizers.SGD(0.1))
    return rbm


def annealed(logits=(0, 0, 0, 0, 0), betas=(0, 0.5, 1), n_chains=10):
    return annealed_log_partition(machine(), np.array(logits), betas, n_chains, np.random.default_rng(0))


def test_two_chains_are_enough():
    assert np.isfinite(annealed(n_chains=2)).all()


class Batches(keras.utils.PyDataset):
    """Images that are no array; two batches of 6."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (images()[6 * index : 6 * index + 6],)


def test_images_may_come_from_a_data_set_and_options_are_passed_on():
    rbm = machine()
    np.testing.assert_allclose(rbm.predict(Batches(), verbose=0), rbm.predict(images(), verbose=0), rtol=1e-5)
    assert rbm.predict(images(), batch_size=5, steps=1, verbose=0).shape == (5, N_HIDDEN)


def test_a_machine_computes_in_its_own_type():
    rbm = machine(dtype="float16")
    x, y = images(), np.ones((2, N_HIDDEN), np.float32)
    for result in (rbm.hidden_probabilities(x), rbm.visible_probabilities(y), rbm.free_energy(x)):
        assert keras.backend.standardize_dtype(result.dtype) == "float16"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "float64"])
@pytest.mark.parametrize("n_chains", [None, 4])
def test_a_machine_learns_in_its_own_type(dtype, n_chains):
    rbm = machine(dtype=dtype, k=2, n_chains=n_chains)
    before = numbers(rbm)[0]
    rbm.compile(keras.optimizers.SGD(0.1))
    rbm.fit(images(), verbose=0)
    assert np.abs(numbers(rbm)[0] - before).max() > 0.001
    if n_chains:
        assert set(np.unique(np.array(rbm.chains, dtype=float))) == {0, 1}


def test_nan_in_training_names_the_epoch_and_the_quantity():
    rbm = machine()
    rates = iter([0.1, np.nan])
    rbm.compile(keras.optimizers.SGD(0.1))
    poison = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: rbm.kernel.assign(rbm.kernel * next(rates))
    )
    with pytest.raises(FloatingPointError, match="epoch 2: free_energy holds NaN"):
        rbm.fit(images(), epochs=3, callbacks=[poison], verbose=0)


def test_nan_that_the_last_batch_left_is_found_too():
    rbm = machine()
    rbm.compile(keras.optimizers.SGD(float("inf")))
    with pytest.raises(FloatingPointError, match="epoch 1: kernel holds NaN or infinity"):
        rbm.fit(images(), verbose=0)


def test_samples_keep_their_probabilities():
    """A million draws, three probabilities: within 5 standard deviations."""
    p = np.tile(np.array([0.0, 0.2, 1.0], np.float32), (1_000_000, 1))
    for drawn in (
        ops.convert_to_numpy(machine()._sample(ops.convert_to_tensor(p))),
        rbm_module._sample(p, np.random.default_rng(0)),
    ):
        mean = drawn.mean(axis=0)
        assert mean[0] == 0 and mean[2] == 1 and abs(mean[1] - 0.2) < 5 * 0.4 / 1000


def test_samples_in_16_bits_keep_a_small_probability():
    """A million draws, within 5 standard deviations: uniform numbers of 16 bits would be 0 five times as often."""
    drawn = machine(dtype="float16")._sample(ops.full((1_000_000,), 0.0002, dtype="float16"))
    assert keras.backend.standardize_dtype(drawn.dtype) == "float16"
    assert abs(np.array(drawn, dtype=float).mean() - 0.0002) < 5 * (0.0002 / 1_000_000) ** 0.5


def test_a_sample_is_one_uniform_number_below_each_probability():
    rbm, p = machine(), np.random.default_rng(3).random((200, 4), dtype=np.float32)
    numbers_drawn = keras.random.uniform(p.shape, seed=keras.random.SeedGenerator(1))
    np.testing.assert_array_equal(rbm._sample(ops.convert_to_tensor(p)), ops.convert_to_numpy(numbers_drawn) < p)


def test_what_has_the_probability_0_is_not_even_drawn_by_a_0(monkeypatch):
    zeros = types.SimpleNamespace(random=lambda shape, dtype: np.zeros(shape, dtype))
    assert not rbm_module._sample(np.zeros(3, np.float32), zeros).any()
    monkeypatch.setattr(keras.random, "uniform", lambda shape, dtype=None, seed=None: ops.zeros(shape))
    assert not np.any(machine()._sample(ops.zeros(3)))
    monkeypatch.setattr(
        keras.random, "uniform", lambda shape, dtype=None, seed=None: ops.full(shape, 0.5)
    )  # the upper half's first
    assert not np.any(machine(n_chains=4).chains)


FAULTS = [
    CodeFault(
        "a chain that does not advance: every k is CD-1",
        RBM._chain_end,
        "range(self.k)",
        "range(1)",
        test_the_chain_advances,
        (3,),
    ),
    CodeFault(
        "a gradient through the chain",
        RBM._chain_end,
        "return ops.stop_gradient(x)",
        "p = self.visible_probabilities(y)\n    return x + p - ops.stop_gradient(p)",
        test_the_update_is_contrastive_divergence_with_probabilities,
        (None,),
    ),
    CodeFault(
        "probabilities where the chain needs draws",
        RBM._sample,
        'ops.cast(draws < ops.cast(p, "float32"), p.dtype)',
        "p",
        test_the_update_is_contrastive_divergence_with_probabilities,
        (None,),
    ),
    CodeFault(
        "uniform numbers of the machine's own 16 bits",
        RBM._sample,
        'keras.random.uniform(ops.shape(p), dtype="float32", seed=self.seed_generator)',
        'ops.cast(keras.random.uniform(ops.shape(p), dtype=p.dtype, seed=self.seed_generator), "float32")',
        test_samples_in_16_bits_keep_a_small_probability,
    ),
    CodeFault(
        "the negative phase with the sign of the positive",
        RBM.compute_loss,
        "- ops.mean(self.free_energy(end))",
        "+ ops.mean(self.free_energy(end))",
        test_the_update_is_contrastive_divergence_with_probabilities,
        (None,),
    ),
    CodeFault(
        "a weight decay that forgets its half",
        RBM.compute_loss,
        "self.weight_decay / 2",
        "self.weight_decay",
        test_the_update_is_contrastive_divergence_with_probabilities,
        (30,),
    ),
    CodeFault(
        "persistent chains that start anew at each batch",
        RBM.compute_loss,
        "x if self.chains is None else self.chains",
        "x if self.chains is None else ops.ones_like(self.chains)",
        test_persistent_chains_go_on_from_update_to_update,
    ),
    CodeFault(
        "persistent chains that are not kept",
        RBM.compute_loss,
        "self.chains.assign(end)",
        "pass",
        test_persistent_chains_are_advanced,
    ),
    CodeFault(
        "persistent chains that move in evaluate",
        RBM.compute_loss,
        "if not training:",
        "if not training and self.chains is None:",
        test_evaluate_changes_nothing_and_reports_the_free_energy,
        (4,),
    ),
    CodeFault(
        "a free energy without the visible thresholds",
        RBM.free_energy,
        "-ops.matmul(ops.cast(x, self.compute_dtype), self.visible_bias) - hidden",
        "-hidden",
        test_the_free_energy_is_scikit_learns,
    ),
    CodeFault(
        "a free energy without the hidden thresholds",
        RBM._hidden_sums,
        " + self.hidden_bias",
        "",
        test_the_free_energy_and_the_probabilities_are_those_of_the_energy,
    ),
    CodeFault(
        "visible units without their thresholds",
        RBM.visible_probabilities,
        " + self.visible_bias",
        "",
        test_the_free_energy_and_the_probabilities_are_those_of_the_energy,
    ),
    CodeFault(
        "NaN in a weight that goes unnoticed",
        rbm_module._StopAtNaN.on_epoch_end,
        "dict(logs or {}) | {weight.name: weight for weight in self.model.trainable_variables}",
        "dict(logs or {})",
        test_nan_that_the_last_batch_left_is_found_too,
    ),
    CodeFault(
        "pixels up to 255 let through",
        rbm_module._checked,
        "check_images(x) if isinstance(x, (np.ndarray, list)) else x",
        "x",
        test_what_is_wrong_is_named,
        (lambda: machine().predict(images() * 255, verbose=0), "divide by 255"),
    ),
    CodeFault(
        "a partition function without the thresholds of the layer that is enumerated",
        rbm_module.exact_log_partition,
        "y @ hidden_bias + ",
        "",
        test_the_partition_function_is_the_sum_over_all_states,
        (3, 5),
    ),
    CodeFault(
        "annealing from a base with another Z",
        rbm_module.annealed_log_partition.__wrapped__,
        "len(hidden_bias) * np.log(2) + ",
        "",
        test_annealed_weights_are_unbiased_for_any_temperatures,
        ([0, 0.3, 1],),
    ),
    CodeFault(
        "annealing with one temperature missing",
        rbm_module.annealed_log_partition.__wrapped__,
        "zip(betas[:-1].astype(np.float32), betas[1:].astype(np.float32), strict=True)",
        "zip(betas[:-2].astype(np.float32), betas[1:-1].astype(np.float32), strict=True)",
        test_annealed_weights_are_unbiased_for_any_temperatures,
        ([0, 0.2, 0.5, 0.8, 1],),
    ),
    CodeFault(
        "the mean of the logarithms for the logarithm of the mean",
        rbm_module.annealed_log_partition.__wrapped__,
        "log_weights.max() + np.log(weights.mean())",
        "log_weights.mean()",
        test_annealed_weights_are_unbiased_for_any_temperatures,
        ([0, 0.3, 1],),
    ),
    CodeFault(
        "an error bar of one weight, not of their mean",
        rbm_module.annealed_log_partition.__wrapped__,
        " / n_chains**0.5",
        "",
        test_the_error_bar_is_the_scatter_of_repeated_estimates,
    ),
    CodeFault(
        "known pixels that are drawn anew",
        rbm_module.gibbs.__wrapped__,
        "state if known is None else np.where(known, chain[0], state)",
        "state",
        test_gibbs_returns_the_chain_and_keeps_what_is_known,
    ),
    CodeFault(
        "Gibbs sampling that starts each step from the first image",
        rbm_module.gibbs.__wrapped__,
        "chain[-1] @ w",
        "chain[0] @ w",
        test_the_chain_advances,
        (3,),
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
