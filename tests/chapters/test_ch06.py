"""Chapter 06: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
import pytest
from harness import ChapterFault, each
from scipy.special import expit


def greedy(sums=lambda x, w, t: x @ w + t, unit=expit, advance=True, returned=lambda h: h):
    """The chapter's exercise 6.2 with its parts as arguments."""

    def answer(x, sizes, fit):
        h = x
        for n in sizes:
            w, t = fit(h if advance else x, n)
            h = unit(sums(h, w, t))
        return returned(h)

    return answer


def unrolled(order=-1, transposed=True, visible=1, code=expit):
    """The chapter's exercise 6.3 with its parts as arguments."""

    def answer(x, machines):
        h = x
        for w, _, t in machines[:-1]:
            h = expit(h @ w + t)
        w, _, t = machines[-1]
        h = code(h @ w + t)
        for w, t, _ in machines[::order]:
            h = expit(h @ (w.T if transposed else w) + visible * t)
        return h

    return answer


def up_only(x, machines):
    for w, _, t in machines:
        x = expit(x @ w + t)
    return x


RIGHT = [
    ("6.1", 1 / 512),
    ("6.2", greedy()),
    ("6.2", greedy(unit=lambda s: 1 / (1 + np.exp(-s)))),
    ("6.3", unrolled()),
]

NUMBERS = {"6.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("6.1", 1 / 1024, "how many steps"),
    ("6.1", 0.25**9, "slopes alone"),
    ("6.1", 0.25**10, "slopes alone"),
    ("6.1", 512, "weights alone"),
    ("6.1", 0.5, "nine of them"),
    ("6.1", 3, "how often"),
    ("6.2", greedy(advance=False), "trained on the pixels"),
    ("6.2", greedy(unit=lambda s: s), "was given sums"),
    ("6.2", greedy(sums=lambda x, w, t: x @ w), "thresholds are missing"),
    ("6.2", greedy(unit=lambda s: expit(-s)), "was not given the hidden probabilities"),
    ("6.2", greedy(returned=lambda h: 2 * h), "what is returned"),
    ("6.2", lambda x, sizes, fit: greedy()(x, sizes[::-1], fit), "in their order"),
    ("6.2", lambda x, sizes, fit: x[:, :3] + 0 * fit(x, sizes[0])[1][:3], "called 1 times"),
    ("6.2", 3, "function itself"),
    ("6.3", up_only, "This is the code"),
    ("6.3", unrolled(order=1), "the top machine comes first"),
    ("6.3", unrolled(visible=0), "visible thresholds"),
    ("6.3", unrolled(transposed=False), "transposed"),
    ("6.3", unrolled(code=lambda s: s), "need the sigmoid"),
    ("6.3", lambda x, machines: x, "not the pass"),
    ("6.3", lambda x, machines: x[:, :2], "shape"),
]

FAULTS = [
    ChapterFault(
        "a delta that forgets the sigmoid's derivative",
        "delta[n + 1] * slope[n]",
        "delta[n + 1]",
        "the chain's gradients over the printed ones, off by",
    ),
    ChapterFault(
        "the output above for the output below a weight",
        "gradient = y[:5] * delta[1:]",
        "gradient = y[1:] * delta[1:]",
        "the chain's gradients over the printed ones, off by",
    ),
    ChapterFault(
        "the held-out font in training",
        "data.make_letters(fonts, 10, train_noise,",
        "data.make_letters([*fonts, held_out], 10, train_noise,",
        "training letters that look like the held-out font: share",
    ),
    ChapterFault(
        "the same noise in training and test letters",
        "easy_noise, seed=[0, 2])",
        "easy_noise, seed=[0, 0])",
        "pixels switched in two parts at once, over chance",
    ),
    ChapterFault(
        "validation letters for test letters",
        "easy_noise, seed=[0, 2])",
        "easy_noise, seed=[0, 1])",
        "pixels switched in two parts at once, over chance",
    ),
    ChapterFault(
        "pretrained weights that are not copied",
        "layer.set_weights(pair)",
        "pass",
        "letters, networks before fine-tuning: top hidden layers off the stacks' by",
    ),
    ChapterFault(
        "pretrained hidden biases dropped",
        "layer.set_weights(pair)",
        "layer.set_weights([pair[0], 0 * pair[1]])",
        "letters, networks before fine-tuning: top hidden layers off the stacks' by",
    ),
    ChapterFault(
        "the stack trained on the test split",
        "x_train, y_train, x_valid, y_valid = x_train[:n_train],",
        "x_train, y_train, x_valid, y_valid = x_test[:n_train],",
        "test digits that the stack will be trained on: share",
    ),
    ChapterFault(
        "a second machine that is given sums, not probabilities",
        "by_hand = sigmoid(by_hand @ kernel + bias)",
        "by_hand = by_hand @ kernel + bias",
        "greedy loop by hand and by aelib, top probabilities: largest difference",
    ),
    ChapterFault(
        "a stack without its pretrained weights",
        "return stack(machines)",
        "return keras.models.clone_model(stack(machines))",
        "fine-tuned network before tuning, hidden layers off the machines' by",
    ),
    ChapterFault(
        "frozen layers that train",
        'hidden.trainable = start != "frozen"',
        "hidden.trainable = True",
        "frozen layers after the training: hidden outputs moved by",
    ),
    ChapterFault(
        "dropout left on in the evaluation",
        "ops.convert_to_numpy(model(x)).argmax(axis=1) == y))",
        "ops.convert_to_numpy(model(x, training=True)).argmax(axis=1) == y))",
        "the same network tested twice: accuracies apart",
    ),
    ChapterFault(
        "validation used as test",
        '"test": (x_test, y_test)}',
        '"test": (x_valid, y_valid)}',
        "images to be tested on that chose the epoch: share",
    ),
    ChapterFault(
        "test labels in the fine-tuning set",
        "x, y = x_train[chosen], y_train[chosen]",
        "x, y = x_test[chosen % n_test], y_test[chosen % n_test]",
        "labelled images that are also test images: share",
    ),
    ChapterFault(
        "unpaired seeds in a paired comparison",
        'return rows[np.argsort(rows["seed"])]',
        'return rows[np.argsort(rows["test_accuracy"])]',
        "draws, methods in pairs: seeds of a pair apart",
    ),
]


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_right_answers_are_right(number, answer):
    harness.check_verdict(number, answer, "right. ")


@pytest.mark.parametrize(("number", "answer", "hint"), WRONG)
def test_wrong_answers_get_a_hint(number, answer, hint):
    harness.check_hint(number, answer, hint)


@pytest.mark.parametrize("number", harness.markers("06"))
@pytest.mark.parametrize("blank", harness.BLANKS)
def test_blank_answers_are_told_so(number, blank):
    if callable(blank) and number in NUMBERS:
        pytest.skip("a number is asked for")
    harness.check_verdict(number, blank, "no answer yet")


def test_every_marker_is_fed_right_and_wrong():
    assert {row[0] for row in RIGHT} == {row[0] for row in WRONG} == {*harness.markers("06")}


@pytest.fixture(scope="module")
def chapter():
    return harness.Chapter("06", FAULTS)


@each(FAULTS)
def test_a_fault_goes_red(fault, chapter):
    chapter.goes_red(fault)
