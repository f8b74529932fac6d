"""Exercises that mark themselves.

A chapter ends an exercise with `exercises.mark("1.2", answer)`. The marker tries the answer out and prints one line:
right, or what to look at, or that there is no answer yet. It never raises because of the answer.

The markers of chapter 1 are in `ch01.py`, which is imported when an answer to one of its exercises comes.
"""

import fractions
import importlib
import pkgutil

import numpy as np

UNCALLED = "Hand over the function itself, without calling it; this is {!r}."
_MARKERS = {}


class Blank(Exception):
    """The answer is still the placeholder."""


class Wrong(Exception):
    """The answer is wrong; the message is the hint."""


def mark(number, answer):
    """Print whether the answer to an exercise is right; a wrong one gets a hint, a blank one is told so.

    Parameters
    ----------
    number : str
        The exercise, "1.2" for the second of chapter 1.
    answer : number, list or function, as the exercise says
        An answer is blank while it is None or `...`, or a function that returns one of them.

    Raises
    ------
    KeyError
        There is no such exercise.
    """
    if number not in _MARKERS:
        _load(f"ch{str(number).partition('.')[0]:0>2}")
    if number not in _MARKERS:
        _load()
        known = sorted(_MARKERS, key=lambda number: [int(part) for part in number.split(".")])
        raise KeyError(f"no exercise {number!r}; there are {', '.join(known)}")
    try:
        praise = _MARKERS[number](answer)
    except Blank:
        print(f"Exercise {number}: no answer yet. Replace the ... and run this cell again.")
    except Wrong as hint:
        print(f"Exercise {number}: not yet. {hint}")
    except Exception as error:  # a student's function may fail in any way; the marker's job is to say where
        if isinstance(error, TypeError) and not callable(answer):
            print(f"Exercise {number}: not yet. {UNCALLED.format(answer)}")
        else:
            print(f"Exercise {number}: your answer raised {type(error).__name__}: {error}")
    else:
        print(f"Exercise {number}: right. {praise}")


def _load(chapter=None):
    """Import a chapter's markers, where there are any, or those of all chapters; they enter themselves above."""
    for module in pkgutil.iter_modules(__path__):
        if chapter in (None, module.name):
            importlib.import_module(f"{__name__}.{module.name}")


def marker(number):
    """The function that follows is the marker of this exercise: it takes the answer, and returns praise or raises."""

    def register(function):
        _MARKERS[number] = function
        return function

    return register


def is_blank(answer):
    """Whether the placeholder is still there."""
    return answer is None or answer is Ellipsis


def as_number(answer):
    """The answer as a float, where it is one number."""
    if is_blank(answer):
        raise Blank
    answer = float(answer) if isinstance(answer, fractions.Fraction) else answer
    if np.size(answer) != 1 or np.asarray(answer).dtype.kind not in "iuf":
        raise Wrong(f"A single number is asked for; this is {answer!r}.")
    return float(np.asarray(answer).reshape(()))


def call(function, *arguments, shape):
    """What the student's function returns for copies of the arguments, as a finite float array of the given shape."""
    if is_blank(function):
        raise Blank
    if not callable(function):
        raise Wrong(UNCALLED.format(function))
    result = function(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
    if is_blank(result):
        raise Blank
    result = np.asarray(result, dtype=float)
    if result.shape != shape:
        raise Wrong(f"The result should have the shape {shape}; this one has {result.shape}.")
    if not np.isfinite(result).all():
        hint = "Does an exp overflow, does a log meet 0, or is the term missing that keeps it bounded?"
        raise Wrong(f"The result holds NaN or infinity. {hint}")
    return result


def close(value, target, rtol=0.02):
    """Whether all numbers are equal, but for rounding."""
    return np.allclose(value, target, rtol=rtol, atol=1e-8)


def recognise(found, mistakes, rtol=0.02):
    """Raise `Wrong` where the answer is that of a known mistake: `mistakes` holds the result of each under its hint."""
    for hint, result in mistakes.items():
        if close(found, result, rtol):
            raise Wrong(hint)
