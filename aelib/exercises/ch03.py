"""The markers of chapter 03."""

import numpy as np

from aelib.exercises import UNCALLED, Blank, Wrong, as_number, call, close, is_blank, marker, recognise


@marker("3.1")
def _dropout_error(answer):
    value = as_number(answer)
    if close(value, 3 / 7):
        return "Three times in ten it is 1 off, otherwise 3/7 off: the mean stays, the square does not."
    mistakes = {
        "The mean difference is 0. The squared difference cannot be: what values does the pixel take?": 0,
        "That is what the lost pixels add. Keras changes the others too.": 0.3,
        "That is what the kept pixels add. What do the lost ones add?": 9 / 70,
        "That is for a rate of 0.7, the slides' way of counting. Keras's rate is the probability to lose.": 7 / 3,
    }
    recognise(value, mistakes)
    raise Wrong("List the two values that can arrive, their probabilities, and their squared distances from 1.")


@marker("3.2")
def _fresh_pairs(answer):
    x, level, n_epochs = np.random.default_rng(0).random((50, 784), dtype=np.float32), 0.5, 3
    if is_blank(answer):
        raise Blank
    if not callable(answer):
        raise Wrong(UNCALLED.format(answer))
    pairs = answer(x.copy(), level, np.random.default_rng(1), n_epochs)
    if is_blank(pairs):
        raise Blank
    pairs = [tuple(np.asarray(part, dtype=float) for part in pair) for pair in pairs]
    if len(pairs) != n_epochs or any(len(pair) != 2 or {part.shape for part in pair} != {x.shape} for pair in pairs):
        raise Wrong(f"For {n_epochs} epochs a list of {n_epochs} pairs (input, target) of the shape of x is asked for.")
    if all(close(target, source) for source, target in pairs):
        raise Wrong("Input and target are the same array. Which of the two should be clean?")
    if any(close(source, x) for source, _ in pairs):
        raise Wrong("The input is clean. What is to be denoised?")
    if any(not close(target, x) for _, target in pairs):
        raise Wrong("The target is not the clean image.")
    if any(close(pairs[i][0], pairs[j][0]) for i in range(n_epochs) for j in range(i)):
        raise Wrong("Two epochs see the same noise. Where does the line that draws it belong?")
    spread = np.std([source - x for source, _ in pairs])
    if not 0.97 < spread / level < 1.03:
        raise Wrong(f"The noise has a standard deviation of {spread:.3g} where {level} was asked for.")
    return "Clean targets, and a new draw inside the loop."


@marker("3.3")
def _dropout(answer):
    rng = np.random.default_rng(0)
    x = 1 + rng.random((400, 50))  # no zeros of its own
    for rate in (0.3, 0.8, 0.0):
        dropped = call(answer, x, rate, np.random.default_rng(1), shape=x.shape)
        lost = dropped == 0
        if rate == 0:
            if not close(dropped, x):
                raise Wrong("With a rate of 0 nothing should change.")
            break
        if not lost.any():
            raise Wrong("Nothing is lost. Draw one number for each entry, and compare it with the rate.")
        if (lost == lost[0]).all() or (lost == lost[:, :1]).all():
            raise Wrong("Whole columns or whole rows are lost. Draw for each entry of x by itself.")
        if abs(lost.mean() - (1 - rate)) < 0.02:
            raise Wrong(f"At a rate of {rate} that share is to be lost. Here it is kept: that is the slides' p.")
        if abs(lost.mean() - rate) > 0.02:
            raise Wrong(f"At a rate of {rate} a share of {lost.mean():.2f} is lost.")
        if close(dropped[~lost], x[~lost]):
            raise Wrong("The right share is lost, but the others are as they were, so the mean falls.")
        if not close(dropped[~lost], x[~lost] / (1 - rate)):
            factor = np.mean(dropped[~lost] / x[~lost])
            raise Wrong(f"The entries that are kept are multiplied by {factor:.3g}. Which factor keeps the mean?")
    return "Lost with probability rate, scaled by 1 / (1 - rate): the mean stays."


@marker("3.4")
def _independent_target(answer):
    value = as_number(answer)
    if close(value, 0.28):
        return "The target's own noise adds its variance, 0.25, and nothing else: no answer can know it."
    mistakes = {
        "That is the error against clean images. The training compares with noisy ones.": 0.03,
        "That is what the target's noise adds. The answer is not perfect either.": 0.25,
        "Is 0.5 the level or its square? And is it one noise that adds to the error, or both?": 0.53,
    }
    recognise(value, mistakes)
    raise Wrong("Write the target as x + level * noise, and square: which term has the mean zero?")
