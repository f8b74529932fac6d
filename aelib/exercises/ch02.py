"""The markers of chapter 02."""

import numpy as np

from aelib.exercises import Blank, Wrong, as_number, call, close, is_blank, marker


@marker("2.1")
def _tied_parameters(answer):
    value = as_number(answer)
    weights, own_biases = 784 * 500 + 500 * 30, 500 + 30 + 500 + 784
    if value == weights + own_biases:
        return "Two kernels serve four layers; each of the four has its own bias."
    if value == 2 * weights + own_biases:
        raise Wrong("That is the free autoencoder. Which of its kernels does tying save?")
    if value == weights + 500 + 30:
        raise Wrong("The decoder's two layers have biases too, of their own.")
    if value == weights:
        raise Wrong("Those are the kernels. Four layers have a bias each.")
    raise Wrong("Count the kernels that are left, then one bias for each unit of each of the four layers.")


@marker("2.2")
def _lecture_penalty(answer):
    if is_blank(answer):
        raise Blank
    for scale in (1e-4, 0.3):
        w = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
        penalty = answer(scale)
        if is_blank(penalty):
            raise Blank
        value, target = float(penalty(w)), scale * float((w**2).sum()) / 2
        if close(value, 2 * target, rtol=1e-4):
            raise Wrong("Still twice the penalty of TensorFlow 1: Keras sums the squares without the half.")
        if close(value, 4 * target, rtol=1e-4):
            raise Wrong("The factor went the wrong way: this is four times the penalty of TensorFlow 1.")
        if not close(value, target, rtol=1e-4):
            raise Wrong(f"For scale {scale} it returns {value:.4g} where half the sum of squares gives {target:.4g}.")
    return "Half of scale times the sum of squares, whatever the scale."


@marker("2.3")
def _relu_pca(answer):
    rng = np.random.default_rng(0)
    for n_inputs, n_codes in ((6, 2), (5, 4)):
        v = np.linalg.qr(rng.normal(size=(n_inputs, n_codes)))[0]
        x = rng.normal(size=(20, n_inputs))
        if is_blank(answer) or is_blank(kernels := answer(v.copy())):
            raise Blank
        if len(kernels) != 2:
            raise Wrong(f"Two kernels are asked for; these are {len(kernels)}.")
        kernel1, kernel2 = (call(lambda k=k: k, shape=np.shape(k)) for k in kernels)
        expected = (n_inputs, 2 * n_codes), (2 * n_codes, n_codes)
        if (kernel1.shape, kernel2.shape) != expected:
            raise Wrong(f"The shapes should be {expected} here; they are {(kernel1.shape, kernel2.shape)}.")
        h = np.maximum(x @ kernel1, 0)
        if close(h @ kernel2, x @ v, rtol=1e-4):
            continue
        if close(h @ kernel2, np.abs(x @ v), rtol=1e-4):
            raise Wrong("This gives the absolute value: with which sign must the second half come back?")
        raise Wrong("It is not x @ v. What do ReLU(a) and ReLU(-a) have to do with a?")
    return "a = ReLU(a) - ReLU(-a): a ReLU net with two hidden units a code can be PCA before any training."
