"""Exercises that mark themselves.

A chapter ends an exercise with `exercises.mark("1.2", answer)`. The marker tries the answer out and prints one line:
right, or what to look at, or that there is no answer yet. It never raises because of the answer.
"""

import numpy as np
from scipy.special import expit
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from aelib.data import make_curved_plane

_MARKERS = {}


class _Blank(Exception):
    """The answer is still the placeholder."""


class _Wrong(Exception):
    """The answer is wrong; the message is the hint."""


def mark(number, answer):
    """Print whether the answer to an exercise is right; a wrong one gets a hint, a blank one is told so.

    Parameters
    ----------
    number : str
        The exercise, "1.2" for the second of chapter 1.
    answer : number or function, as the exercise says
        An answer is blank while it is None or `...`, or a function that returns one of them.

    Raises
    ------
    KeyError
        There is no such exercise.
    """
    if number not in _MARKERS:
        raise KeyError(f"no exercise {number!r}; there are {', '.join(sorted(_MARKERS))}")
    try:
        praise = _MARKERS[number](answer)
    except _Blank:
        print(f"Exercise {number}: no answer yet. Replace the ... and run this cell again.")
    except _Wrong as hint:
        print(f"Exercise {number}: not yet. {hint}")
    except Exception as error:  # a student's function may fail in any way; the marker's job is to say where
        print(f"Exercise {number}: your answer raised {type(error).__name__}: {error}")
    else:
        print(f"Exercise {number}: right. {praise}")


def _marker(number):
    def register(function):
        _MARKERS[number] = function
        return function

    return register


def _is_blank(answer):
    return answer is None or answer is Ellipsis


def _number(answer):
    if _is_blank(answer):
        raise _Blank
    if np.size(answer) != 1 or np.asarray(answer).dtype.kind not in "iuf":
        raise _Wrong(f"A single number is asked for; this is {answer!r}.")
    return float(np.asarray(answer).reshape(()))


def _call(function, *arguments, shape):
    """What the student's function returns for copies of the arguments, as a finite float array of the given shape."""
    if _is_blank(function):
        raise _Blank
    if not callable(function):
        raise _Wrong(f"Hand over the function itself, without calling it; this is {function!r}.")
    result = function(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
    if _is_blank(result):
        raise _Blank
    result = np.asarray(result, dtype=float)
    if result.shape != shape:
        raise _Wrong(f"The result should have the shape {shape}; this one has {result.shape}.")
    if not np.isfinite(result).all():
        raise _Wrong("The result holds NaN or infinity. Which term should keep it bounded?")
    return result


def _close(value, target, rtol=0.02):
    return np.allclose(value, target, rtol=rtol, atol=1e-8)


@_marker("1.1")
def _line_error(answer):
    value = _number(answer)
    x_train = StandardScaler().fit_transform(make_curved_plane()[:100])
    first, second, third = np.linalg.eigvalsh(x_train.T @ x_train / 100)[::-1]
    if _close(value, (second + third) / 3):
        return "What a line leaves out is the variance along the other two directions, spread over three columns."
    if _close(value, second + third):
        raise _Wrong("That is the squared distance of a point. Over what is the mean taken besides the points?")
    if _close(value, first / 3) or _close(value, first):
        raise _Wrong("That is what the line keeps. What does it lose?")
    if _close(value, third / 3) or _close(value, third):
        raise _Wrong("That is the loss of a plane. A line has one direction fewer.")
    raise _Wrong("Each direction that is left out costs its variance. Which are left out, and how is the mean taken?")


@_marker("1.2")
def _second_component(answer):
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(100, 3)) * [2.0, 1.2, 0.3] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
        x -= x.mean(axis=0)
        components = PCA().fit(x).components_
        w = _call(answer, x, components[0], shape=(3,))
        if np.linalg.norm(w) < 1e-6:
            raise _Wrong("The weights have died out: the unit was left with nothing to learn from.")
        cosines = np.abs(components @ w) / np.linalg.norm(w)
        if cosines[0] > 0.99:
            raise _Wrong("This unit still finds the first component. What must it no longer see?")
        if cosines[1] < 0.999:
            raise _Wrong(f"The angle to the second component is still {np.degrees(np.arccos(cosines[1])):.1f} degrees.")
        if not 0.95 < np.linalg.norm(w) < 1.05:
            raise _Wrong("The direction is right, the length is not 1. Did Oja's decay survive your change?")
    return "What the first unit explains was taken away, so the strongest direction left is the second component."


@_marker("1.3")
def _tied_gradient(answer):
    rng = np.random.default_rng(0)
    for _ in range(3):
        w, x = rng.normal(size=(4, 2)), rng.normal(size=(6, 4))
        gradient = _call(answer, w, x, shape=w.shape)
        y = x @ w
        residual = x - y @ w.T
        decoder, encoder = -residual.T @ y / len(x), -x.T @ (residual @ w) / len(x)
        truth = decoder + encoder
        if _close(gradient, truth, rtol=1e-6):
            continue
        if _close(gradient, -truth, rtol=1e-6):
            raise _Wrong("The size is right, the sign is not: the gradient points uphill.")
        if _close(gradient, decoder, rtol=1e-6) or _close(gradient, -decoder, rtol=1e-6):
            raise _Wrong("This is the gradient of the decoder's weights alone. The same w stands in the encoder too.")
        if _close(gradient, encoder, rtol=1e-6) or _close(gradient, -encoder, rtol=1e-6):
            raise _Wrong("This is the encoder's part alone. The same w stands in the decoder too.")
        factor = (gradient * truth).sum() / (truth * truth).sum()
        if _close(gradient, factor * truth, rtol=1e-6):
            raise _Wrong(f"The direction is right, the length is {factor:.3g} times too large. Half? Sum or mean?")
        raise _Wrong("It is not the gradient. Compare one entry with (E(w + h) - E(w - h)) / 2h for a small h.")
    return "Both places where w stands contribute, and the two agree with finite differences."


@_marker("2.1")
def _tied_parameters(answer):
    value = _number(answer)
    weights, own_biases = 784 * 500 + 500 * 30, 500 + 30 + 500 + 784
    if value == weights + own_biases:
        return "Two kernels serve four layers; each of the four has its own bias."
    if value == 2 * weights + own_biases:
        raise _Wrong("That is the free autoencoder. Which of its kernels does tying save?")
    if value == weights + 500 + 30:
        raise _Wrong("The decoder's two layers have biases too, of their own.")
    if value == weights:
        raise _Wrong("Those are the kernels. Four layers have a bias each.")
    raise _Wrong("Count the kernels that are left, then one bias for each unit of each of the four layers.")


@_marker("2.2")
def _lecture_penalty(answer):
    if _is_blank(answer):
        raise _Blank
    for scale in (1e-4, 0.3):
        w = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
        penalty = answer(scale)
        if _is_blank(penalty):
            raise _Blank
        value, target = float(penalty(w)), scale * float((w**2).sum()) / 2
        if _close(value, 2 * target, rtol=1e-4):
            raise _Wrong("Still twice the penalty of TensorFlow 1: Keras sums the squares without the half.")
        if _close(value, 4 * target, rtol=1e-4):
            raise _Wrong("The factor went the wrong way: this is four times the penalty of TensorFlow 1.")
        if not _close(value, target, rtol=1e-4):
            raise _Wrong(f"For scale {scale} it returns {value:.4g} where half the sum of squares gives {target:.4g}.")
    return "Half of scale times the sum of squares, whatever the scale."


@_marker("2.3")
def _relu_pca(answer):
    rng = np.random.default_rng(0)
    for n_inputs, n_codes in ((6, 2), (5, 4)):
        v = np.linalg.qr(rng.normal(size=(n_inputs, n_codes)))[0]
        x = rng.normal(size=(20, n_inputs))
        if _is_blank(answer) or _is_blank(kernels := answer(v.copy())):
            raise _Blank
        if len(kernels) != 2:
            raise _Wrong(f"Two kernels are asked for; these are {len(kernels)}.")
        kernel1, kernel2 = (_call(lambda k=k: k, shape=np.shape(k)) for k in kernels)
        expected = (n_inputs, 2 * n_codes), (2 * n_codes, n_codes)
        if (kernel1.shape, kernel2.shape) != expected:
            raise _Wrong(f"The shapes should be {expected} here; they are {(kernel1.shape, kernel2.shape)}.")
        h = np.maximum(x @ kernel1, 0)
        if _close(h @ kernel2, x @ v, rtol=1e-4):
            continue
        if _close(h @ kernel2, np.abs(x @ v), rtol=1e-4):
            raise _Wrong("This gives the absolute value: with which sign must the second half come back?")
        raise _Wrong("It is not x @ v. What do ReLU(a) and ReLU(-a) have to do with a?")
    return "a = ReLU(a) - ReLU(-a): a ReLU net with two hidden units a code can be PCA before any training."


@_marker("3.1")
def _dropout_error(answer):
    value = _number(answer)
    if _close(value, 3 / 7):
        return "Three times in ten it is 1 off, otherwise 3/7 off: the mean stays, the square does not."
    if _close(value, 0):
        raise _Wrong("The mean difference is 0. The squared difference cannot be: what values does the pixel take?")
    if _close(value, 0.3):
        raise _Wrong("That is what the lost pixels add. Keras changes the others too.")
    if _close(value, 9 / 70):
        raise _Wrong("That is what the kept pixels add. What do the lost ones add?")
    if _close(value, 7 / 3):
        raise _Wrong("That is for a rate of 0.7, the slides' way of counting. Keras's rate is the probability to lose.")
    raise _Wrong("List the two values that can arrive, their probabilities, and their squared distances from 1.")


@_marker("3.2")
def _fresh_pairs(answer):
    x, level, n_epochs = np.random.default_rng(0).random((50, 784), dtype=np.float32), 0.5, 3
    if _is_blank(answer):
        raise _Blank
    if not callable(answer):
        raise _Wrong(f"Hand over the function itself, without calling it; this is {answer!r}.")
    pairs = answer(x.copy(), level, np.random.default_rng(1), n_epochs)
    if _is_blank(pairs):
        raise _Blank
    pairs = [tuple(np.asarray(part, dtype=float) for part in pair) for pair in pairs]
    if len(pairs) != n_epochs or any(len(pair) != 2 or {part.shape for part in pair} != {x.shape} for pair in pairs):
        raise _Wrong(
            f"For {n_epochs} epochs a list of {n_epochs} pairs (input, target) of the shape of x is asked for."
        )
    if all(_close(target, source) for source, target in pairs):
        raise _Wrong("Input and target are the same array. Which of the two should be clean?")
    if any(_close(source, x) for source, _ in pairs):
        raise _Wrong("The input is clean. What is to be denoised?")
    if any(not _close(target, x) for _, target in pairs):
        raise _Wrong("The target is not the clean image.")
    if any(_close(pairs[i][0], pairs[j][0]) for i in range(n_epochs) for j in range(i)):
        raise _Wrong("Two epochs see the same noise. Where does the line that draws it belong?")
    spread = np.std([source - x for source, _ in pairs])
    if not 0.97 < spread / level < 1.03:
        raise _Wrong(f"The noise has a standard deviation of {spread:.3g} where {level} was asked for.")
    return "Clean targets, and a new draw inside the loop."


@_marker("3.3")
def _dropout(answer):
    rng = np.random.default_rng(0)
    x = 1 + rng.random((400, 50))  # no zeros of its own
    for rate in (0.3, 0.8, 0.0):
        dropped = _call(answer, x, rate, np.random.default_rng(1), shape=x.shape)
        lost = dropped == 0
        if rate == 0:
            if not _close(dropped, x):
                raise _Wrong("With a rate of 0 nothing should change.")
            break
        if not lost.any():
            raise _Wrong("Nothing is lost. Draw one number for each entry, and compare it with the rate.")
        if (lost == lost[0]).all() or (lost == lost[:, :1]).all():
            raise _Wrong("Whole columns or whole rows are lost. Draw for each entry of x by itself.")
        if abs(lost.mean() - (1 - rate)) < 0.02:
            raise _Wrong(f"At a rate of {rate} that share is to be lost. Here it is kept: that is the slides' p.")
        if abs(lost.mean() - rate) > 0.02:
            raise _Wrong(f"At a rate of {rate} a share of {lost.mean():.2f} is lost.")
        if _close(dropped[~lost], x[~lost]):
            raise _Wrong("The right share is lost, but the others are as they were, so the mean falls.")
        if not _close(dropped[~lost], x[~lost] / (1 - rate)):
            factor = np.mean(dropped[~lost] / x[~lost])
            raise _Wrong(f"The entries that are kept are multiplied by {factor:.3g}. Which factor keeps the mean?")
    return "Lost with probability rate, scaled by 1 / (1 - rate): the mean stays."


@_marker("4.1")
def _lecture_beta(answer):
    value = _number(answer)
    if _close(value, 0.0392):
        return "The mean over 20 codes is a tenth of what it is over 2, and nobody changed a number in the loss."
    if _close(value, 0.392):
        raise _Wrong("That is for two codes, where the mean of the bracket happens to be the sum with its half.")
    if _close(value, 3.92):
        raise _Wrong("The other way: a mean over more codes is less of the sum.")
    if _close(value, 5e-5) or _close(value, 5e-4 / 20):
        raise _Wrong("And the first term? It is a mean over 784 pixels, where the bound has their sum.")
    if _close(value, 0.0196):
        raise _Wrong("The lecture's bracket comes without the half of the KL term.")
    raise _Wrong("Write both terms as sums with a factor in front; β is the second factor over the first.")


@_marker("4.2")
def _codes_in_use(answer):
    if _is_blank(answer):
        raise _Blank
    rng = np.random.default_rng(0)
    # log-variances at which each code is judged, and whether its KL is more than 0.01
    for z_log_var, used in (([-0.1, 0.1, 0.5, -3.0], [0, 0, 1, 1]), ([0.0, -0.1, -0.5], [0, 0, 1])):
        z_log_var = np.tile(np.array(z_log_var), (50, 1))
        z_mean = 0.02 * rng.normal(size=z_log_var.shape)
        found = answer(z_mean, z_log_var)
        if _is_blank(found):
            raise _Blank
        if np.shape(found) == (50,):
            raise _Wrong("It answers for each image. The mean belongs over the images, one answer for each code.")
        if np.shape(found) != (len(used),):
            raise _Wrong(f"One answer for each of {len(used)} codes is asked for; the shape is {np.shape(found)}.")
        if np.asarray(found).dtype != bool:
            raise _Wrong("True or False for each code is asked for.")
        wrong = np.flatnonzero(np.asarray(found) != np.array(used, dtype=bool))
        if len(wrong):
            t = z_log_var[0, wrong[0]]
            raise _Wrong(f"A code with z_log_var = {t} is judged wrongly. What is its variance: exp of what?")
    return "Mean over images, variance exp(z_log_var): these are the codes that carry something."


@_marker("4.3")
def _free_bits(answer):
    rng = np.random.default_rng(0)
    z_mean, z_log_var = rng.normal(size=(2, 30, 4)) * [2.0, 0.5, 0.2, 0.05]
    kl = 0.5 * (z_mean**2 + np.exp(z_log_var) - z_log_var - 1)
    for free_nats in (0.3, 0.0):
        value = float(_call(answer, z_mean.copy(), z_log_var.copy(), free_nats, shape=()))
        if _close(value, np.maximum(kl.mean(axis=0), free_nats).sum(), rtol=1e-6):
            continue
        if _close(value, np.maximum(kl, free_nats).mean(axis=0).sum(), rtol=1e-6):
            raise _Wrong("The limit is put on each image. First the mean over the batch, then the limit.")
        if _close(value, max(kl.mean(axis=0).sum(), free_nats), rtol=1e-6):
            raise _Wrong("The limit is put on the sum. Each code has its own free nats.")
        if _close(value, np.maximum(kl.mean(axis=0) - free_nats, 0).sum(), rtol=1e-6):
            raise _Wrong("The free nats are taken off. Replace what is less than them; the gradient is the same.")
        if _close(value, np.minimum(kl.mean(axis=0), free_nats).sum(), rtol=1e-6):
            raise _Wrong("That is the smaller of the two; a code is to pay beyond the free nats.")
        if _close(value, np.maximum(kl.mean(axis=0), free_nats).mean(), rtol=1e-6):
            raise _Wrong("That is the mean over the codes. The KL of a vector is the sum over its codes.")
        raise _Wrong(f"With {free_nats} free nats it is {value:.4g}. Is the KL of each code right, before the limit?")
    return "Below the limit a code costs the same whatever it does, so nothing pushes it to 0."


@_marker("5.1")
def _log_partition_of_nothing(answer):
    value = _number(answer)
    if _close(value, (784 + 500) * np.log(2), rtol=1e-3):
        return "Every one of the 2 ** 1284 states has energy 0 and counts 1."
    if _close(value, 784 * np.log(2), rtol=1e-3) or _close(value, 500 * np.log(2), rtol=1e-3):
        raise _Wrong("Those are the states of one layer. The sum runs over both.")
    if _close(value, 784 * 500 * np.log(2), rtol=1e-3):
        raise _Wrong("There are 784 · 500 weights. How many states are there?")
    if _close(value, 1284, rtol=1e-3):
        raise _Wrong("That is the logarithm to base 2. A nat is not a bit.")
    if _close(value, 0):
        raise _Wrong("That would be Z = 1, a single state. Each state counts exp(0): how many are there?")
    raise _Wrong("All energies are 0, so Z is the number of states of all units together.")


@_marker("5.2")
def _moving_chain(answer):
    start = np.array([3.0, -1.0])
    for k in (1, 4):
        calls = []

        def step(x, calls=calls):
            calls.append(np.copy(x))
            return 2 * x + 1

        state = _call(answer, k, start, step, shape=start.shape)
        if len(calls) != k:
            raise _Wrong(f"For k = {k} the step was taken {len(calls)} times.")
        if not _close(state, (start + 1) * 2**k - 1, rtol=1e-9):
            if _close(state, 2 * start + 1, rtol=1e-9):
                raise _Wrong("Every step starts from the same x, so any k gives one step. Where must its result go?")
            raise _Wrong("This is not the state after k steps.")
    return "Each step starts where the last one ended."


@_marker("5.3")
def _free_energy(answer):
    rng = np.random.default_rng(0)
    for scale in (1, 1000):
        x, w = (rng.random((20, 6)) < 0.5) * 1.0, scale * rng.normal(size=(6, 4))
        t_visible, t_hidden = scale * rng.normal(size=6), scale * rng.normal(size=4)
        sums = x @ w + t_hidden
        with np.errstate(all="ignore"):
            value = _call(answer, x, w, t_visible, t_hidden, shape=(20,))
        visible, hidden = x @ t_visible, np.logaddexp(0, sums).sum(axis=1)
        if _close(value, -visible - hidden, rtol=1e-6):
            continue
        if _close(value, visible + hidden, rtol=1e-6):
            raise _Wrong("This is -F: what is likely must have a low energy.")
        if _close(value, -hidden, rtol=1e-6):
            raise _Wrong("The visible thresholds are missing.")
        if _close(value, -visible - np.logaddexp(0, x @ w).sum(axis=1), rtol=1e-6):
            raise _Wrong("The hidden thresholds are missing.")
        if _close(value, -visible - (expit(sums) * sums).sum(axis=1), rtol=1e-6):
            raise _Wrong("This is the mean energy of the hidden units' states; their entropy is missing.")
        raise _Wrong("It is not -ln of the sum of exp(-E) over the hidden states.")
    return "One pass through the network, and no sum over 2 ** 4 states."


@_marker("6.1")
def _vanishing_chain(answer):
    value = _number(answer)
    if _close(value, 0.5**9, rtol=1e-3):
        return "Nine steps back, each a weight of 2 times a slope of 1/4 at most."
    if _close(value, 0.5**10, rtol=1e-3):
        raise _Wrong("Ten units, but how many steps from the last delta to the first?")
    if _close(value, 0.25**9, rtol=1e-3) or _close(value, 0.25**10, rtol=1e-3):
        raise _Wrong("Those are the slopes alone. Each step multiplies by a weight too.")
    if _close(value, 2.0**9) or _close(value, 2.0**10):
        raise _Wrong("Those are the weights alone. Each step multiplies by the sigmoid's derivative too.")
    if _close(value, 2.0, rtol=1e-3) or _close(value, 0.5, rtol=1e-3):
        raise _Wrong("One step is not enough: nine of them lie between the two units.")
    raise _Wrong("delta_n = w delta_{n+1} y_n (1 - y_n): how large can the factor be, and how often does it count?")


@_marker("6.2")
def _greedy_loop(answer):
    rng = np.random.default_rng(0)
    x, sizes = rng.random((9, 5)), [5, 5, 3]  # two machines as large as the images: nothing but the numbers tells
    made = [(rng.normal(size=(below, n)), rng.normal(size=n)) for below, n in zip([5, 5, 5], sizes, strict=True)]
    inputs = []

    def fit(x, n):
        if len(inputs) == 3 or n != sizes[len(inputs)]:
            raise _Wrong("One machine for each entry of sizes, in their order.")
        inputs.append(np.copy(x))
        return made[len(inputs) - 1]

    top = _call(answer, x, sizes, fit, shape=(9, 3))
    if len(inputs) != 3:
        raise _Wrong(f"Three sizes, but fit was called {len(inputs)} times.")
    expected = [x]
    for w, t in made:
        expected.append(expit(expected[-1] @ w + t))
    if _close(inputs[1], x) and _close(inputs[2], x):
        raise _Wrong("Every machine was trained on the pixels. What does the second one have to be given?")
    if _close(inputs[1], x @ made[0][0] + made[0][1]):
        raise _Wrong("The second machine was given sums. Its visible units are the first one's probabilities.")
    if _close(inputs[1], expit(x @ made[0][0])):
        raise _Wrong("The hidden thresholds are missing.")
    if not all(_close(found, wanted, rtol=1e-6) for found, wanted in zip(inputs, expected, strict=False)):
        raise _Wrong("A machine was not given the hidden probabilities of the one below it.")
    if not _close(top, expected[3], rtol=1e-6):
        raise _Wrong("The training is right; what is returned is not the top machine's hidden probabilities.")
    return "Each machine learns from what the one below it makes; no label was needed."


@_marker("6.3")
def _up_and_down(answer):
    rng = np.random.default_rng(0)
    x = rng.random((8, 5))
    machines = [(rng.normal(size=(5, 5)), rng.normal(size=5), rng.normal(size=5)) for _ in range(3)]
    found = _call(answer, x, machines, shape=x.shape)

    def passed(order=-1, visible=1, transposed=True, code=expit):
        h = x
        for number, (w, _, t_hidden) in enumerate(machines, 1):
            h = (code if number == len(machines) else expit)(h @ w + t_hidden)
        for w, t_visible, _ in machines[::order]:
            h = expit(h @ (w.T if transposed else w) + visible * t_visible)
        return h

    h = x
    for w, _, t_hidden in machines:
        h = expit(h @ w + t_hidden)
    if _close(found, passed(), rtol=1e-6):
        return "The same weights carry both ways: no decoder had to be learned."
    if _close(found, h):
        raise _Wrong("This is the code. The way down is missing.")
    if _close(found, passed(order=1)):
        raise _Wrong("On the way down the top machine comes first.")
    if _close(found, passed(visible=0)):
        raise _Wrong("The visible thresholds are missing on the way down.")
    if _close(found, passed(transposed=False)):
        raise _Wrong("On the way down the weights are transposed.")
    if _close(found, passed(code=lambda s: s)):
        raise _Wrong("The top machine's hidden units are probabilities too: its sums need the sigmoid.")
    raise _Wrong("It is not the pass up through all machines and down again.")
