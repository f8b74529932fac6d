import keras
import numpy as np
import pytest
from harness import CodeFault, each
from keras import layers
from scipy.special import expit

from aelib import pretraining
from aelib.pretraining import draw_labelled, pretrain, stack, unroll
from aelib.rbm import RBM


def images(n=40, n_pixels=12):
    return (np.random.default_rng(2).random((n, n_pixels)) < 0.4).astype(np.float32)


def machine(n_hidden, n_visible=None, rate=0.1):
    """With random weights and biases where n_visible is given."""
    rbm = RBM(n_hidden, seed=1)
    rbm.compile(keras.optimizers.SGD(rate))
    if n_visible:
        rbm.build((None, n_visible))
        rng = np.random.default_rng(n_hidden)
        for weight in rbm.trainable_variables:
            weight.assign(rng.normal(size=weight.shape))
    return rbm


def autoencoder(n_inputs, n_hidden, activation="sigmoid", rate=0.01):
    model = keras.Sequential(
        [
            keras.Input((n_inputs,)),
            layers.Dropout(0.3),
            layers.Dense(n_hidden, activation, bias_initializer="normal"),
            layers.Dense(n_inputs, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    return model


def of_layers(*units, n_inputs=12, use_bias=True):
    """An autoencoder that nobody compiled."""
    return keras.Sequential([keras.Input((n_inputs,)), *(layers.Dense(n, use_bias=use_bias) for n in units)])


def weights(part):
    return [np.array(weight) for weight in part.trainable_variables]


@pytest.mark.parametrize("sizes", [(7, 5), (12, 12)])  # square ones let only the numbers tell
def test_a_stack_is_the_pass_from_machine_to_machine(sizes):
    parts, x = [machine(sizes[0], 12), machine(sizes[1], sizes[0])], images()
    model = stack(parts)
    assert type(model) is keras.Sequential and [type(layer) for layer in model.layers] == 2 * [layers.Dense]
    (w1, _, b1), (w2, _, b2) = (weights(part) for part in parts)
    np.testing.assert_allclose(model.predict(x, verbose=0), expit(expit(x @ w1 + b1) @ w2 + b2), rtol=1e-4)


@pytest.mark.parametrize("sizes", [(7, 3), (12, 12)])
def test_unrolled_it_goes_up_and_down_again(sizes):
    parts, x = [machine(sizes[0], 12), autoencoder(*sizes, activation=None)], images()
    (w1, a1, b1), (w2, b2, v2, c2) = (weights(part) for part in parts)
    code = expit(x @ w1 + b1) @ w2 + b2
    expected = expit(expit(code @ v2 + c2) @ w1.T + a1)
    np.testing.assert_allclose(unroll(parts).predict(x, verbose=0), expected, rtol=1e-4)
    np.testing.assert_allclose(stack(parts).predict(x, verbose=0), code, rtol=1e-4, atol=1e-5)


def test_the_network_has_copies():
    parts = [machine(7, 12)]
    before, model = weights(parts[0]), unroll(parts)
    model.compile("adam", "mse")
    model.fit(images(), images(), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(parts[0]), strict=True))
    assert not np.array_equal(model.layers[0].kernel, np.transpose(model.layers[1].kernel))


def test_every_part_learns_what_the_ones_below_it_make():
    """The loop written out, with the same seeds: a machine, an autoencoder on its probabilities, a machine on top."""

    def parts():
        keras.utils.set_random_seed(0)
        return [machine(12, 12), autoencoder(12, 12), machine(12)]

    fit, x = dict(epochs=2, batch_size=10, verbose=0), images()
    found = parts()
    model = pretrain(found, x, **fit)
    first, second, third = parts()
    first.fit(x, **fit)
    w, _, b = weights(first)
    h1 = expit(x @ w + b)
    second.fit(h1, h1, **fit)
    w, b, _, _ = weights(second)
    third.fit(expit(h1 @ w + b), **fit)
    for ours, theirs in zip(found, (first, second, third), strict=True):
        for a, b in zip(weights(ours), weights(theirs), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)
    np.testing.assert_allclose(model.predict(x, verbose=0), stack(found).predict(x, verbose=0))


def test_pretraining_lowers_the_error_of_every_autoencoder():
    x, seen = images(200), []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
    keras.utils.set_random_seed(0)
    pretrain([autoencoder(12, 8), autoencoder(8, 6)], x, epochs=10, callbacks=[watch], verbose=0)
    assert seen[9] < seen[0] and seen[19] < seen[10] and len(seen) == 20


def test_nothing_is_left_in_the_images_and_nothing_printed(capsys):
    x = images()
    before = x.copy()
    pretrain([machine(7), machine(5)], x, verbose=0)
    assert np.array_equal(x, before)
    assert capsys.readouterr() == ("", "")


def test_the_draw_is_balanced_without_repeats_and_in_random_order():
    y = np.repeat(np.arange(5), 40)
    indices = draw_labelled(y, 50, 5, np.random.default_rng(0))
    assert np.bincount(y[indices]).tolist() == 5 * [10] and len(set(indices)) == 50
    assert (np.diff(y[indices]) < 0).sum() > 5
    assert np.array_equal(indices, draw_labelled(y, 50, 5, np.random.default_rng(0)))
    assert not np.array_equal(indices, draw_labelled(y, 50, 5, np.random.default_rng(1)))
    assert sorted(y[draw_labelled(y, 5, 5, np.random.default_rng(0))]) == list(range(5))
    assert sorted(draw_labelled(y, 200, 5, np.random.default_rng(0))) == list(range(200))


def dropout_between():
    return keras.Sequential([keras.Input((12,)), layers.Dense(7), layers.Dropout(0.1), layers.Dense(12)])


Y = np.repeat(np.arange(5), [40, 40, 40, 40, 39])


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: stack([]), "^a stack needs at least one layer; got none$"),
        (lambda: unroll([]), "at least one layer"),
        (lambda: pretrain([], images()), "at least one layer"),
        (lambda: stack([machine(7, 12), machine(5, 8)]), "layer 2 of the stack takes 8 inputs; it would get 7"),
        (lambda: unroll([machine(7, 12), autoencoder(8, 5)]), "layer 2 of the stack takes 8 inputs; it would get 7"),
        (lambda: pretrain([machine(7, 13)], images()), "layer 1 of the stack takes 13 inputs; it would get 12"),
        (lambda: pretrain([autoencoder(13, 7)], images()), "layer 1 of the stack takes 13 inputs; it would get 12"),
        (lambda: stack([machine(7)]), "the RBM with 7 hidden units has no weights yet; fit it first"),
        (lambda: unroll([machine(7, 12), machine(5)]), "the RBM with 5 hidden units has no weights yet"),
        (lambda: stack([keras.Sequential([keras.Input((12,)), layers.Dense(12)])]), "ends in two Dense layers"),
        (lambda: stack([dropout_between()]), "ends in two Dense layers"),
        (lambda: stack([keras.Sequential([keras.Input((12,)), layers.Dense(7), layers.Dense(11)])]), "12 .* got 11"),
        (lambda: stack([of_layers(7, 5, 12)]), "an autoencoder in a stack has one hidden layer; got "),
        (lambda: unroll([of_layers(7, 12, use_bias=False)]), "a stack need a bias, use_bias=True"),
        (lambda: pretrain([machine(7)], images() * 255, verbose=0), "divide by 255"),
        (lambda: draw_labelled(Y, 200, 5, None), "200 labels need 40 examples of each class; the smallest .* has 39"),
        (lambda: draw_labelled(Y, 6, 6, None), "6 labels need 1 examples of each class; the smallest class has 0"),
        (lambda: draw_labelled(Y, 52, 5, None), "multiple of 5, as many of each class; got 52"),
        (lambda: draw_labelled(Y, 0, 5, None), "got 0"),
        (lambda: draw_labelled(Y, 40, 4, None), r"whole numbers from 0 to 3; got \[0 1 2 3 4\]"),
        (lambda: draw_labelled(Y - 1, 50, 5, None), r"got \[-1"),
        (lambda: draw_labelled(Y + 0.5, 50, 5, None), r"got \[0\.5"),
    ],
)
def test_what_is_wrong_is_named(call, found):
    with pytest.raises(ValueError, match=found):
        call()


def test_sizes_are_checked_before_anything_is_trained():
    first = machine(7, 12)
    before = weights(first)
    with pytest.raises(ValueError, match="layer 2"):
        pretrain([first, machine(5, 8)], images(), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(first), strict=True))


def test_a_part_must_be_compiled():
    with pytest.raises(ValueError, match="layer 1 of the stack is not compiled"):
        pretrain([RBM(5)], images(), verbose=0)
    first = machine(7, 12)
    before = weights(first)
    with pytest.raises(ValueError, match="layer 2 of the stack is not compiled: compile it before pretrain"):
        pretrain([first, of_layers(5, 7, n_inputs=7)], images(), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(first), strict=True))


FAULTS = [
    CodeFault(
        "weights not transposed on the way down",
        pretraining._halves,
        "(kernel.T, visible",
        "(kernel, visible",
        test_unrolled_it_goes_up_and_down_again,
        ((12, 12),),
    ),
    CodeFault(
        "hidden biases dropped",
        pretraining._halves,
        "(kernel, hidden, ",
        "(kernel, 0 * hidden, ",
        test_a_stack_is_the_pass_from_machine_to_machine,
        ((7, 5),),
    ),
    CodeFault(
        "pretrained weights not copied",
        pretraining._assembled,
        "model.layers[-1].set_weights([kernel, bias])",
        "pass",
        test_a_stack_is_the_pass_from_machine_to_machine,
        ((7, 5),),
    ),
    CodeFault(
        "every part trained on the pixels",
        pretraining.pretrain,
        "x = stack([part]).predict(x, batch_size=1000, verbose=0)",
        "pass",
        test_every_part_learns_what_the_ones_below_it_make,
    ),
    CodeFault(
        "labels drawn with repeats",
        pretraining.draw_labelled,
        "replace=False",
        "replace=True",
        test_the_draw_is_balanced_without_repeats_and_in_random_order,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
