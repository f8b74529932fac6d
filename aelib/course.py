"""Start a chapter quietly and reproducibly, choose its budget, and check its claims.

Importing this module imports TensorFlow and Keras without their log lines.
"""

import contextlib
import math
import os
import pathlib
import sys
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from aelib.data import SHIPPED
from aelib.plots import COLOURS


@contextlib.contextmanager
def _quiet_stderr():
    """Hold back what is written to file descriptor 2, from C++ too; replay it if the body raises."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(screen, log.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _quiet_stderr():
    import keras
    import tensorflow as tf
    from tqdm.keras import TqdmCallback

    tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")  # its advice on retracing is not for a reader of a chapter

PROFILES = ("lecture", "quick")
_profile = None
_strict = True
_bars = True
_checks = []


class CheckFailed(AssertionError):
    """A figure of the chapter does not meet the bound that the chapter claims for it."""


def start(seed, profile=None, strict=True):
    """Begin a chapter: seeds, profile, figure style, an empty list of checks.

    The environment variable AELIB_PROGRESS=off switches the progress bars and widgets off. On a machine with a GPU the
    chapter is computed as on one without: operations are deterministic, so that Keras does not compile by XLA, products
    have all 23 bits (no TF32), and no more of the GPU's memory is taken than is used.

    Parameters
    ----------
    seed : int
        Seeds Python, NumPy and Keras (`keras.utils.set_random_seed`).
    profile : {"lecture", "quick"}, optional
        Which argument `budget` returns; by default the environment variable AELIB_PROFILE, or else "lecture".
    strict : bool
        False: a failing `check` reports and goes on. So it does when AELIB_DATA names other data than the shipped.

    Raises
    ------
    ValueError
        The profile, or AELIB_PROGRESS, is not one of its two values.
    """
    global _profile, _strict, _bars
    profile = profile or os.environ.get("AELIB_PROFILE") or "lecture"
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(map(repr, PROFILES))}; got {profile!r}")
    bars = os.environ.get("AELIB_PROGRESS") or "on"
    if bars not in ("on", "off"):
        raise ValueError(f"AELIB_PROGRESS must be 'on' or 'off'; got {bars!r}")
    _gpus_like_cpus()
    keras.utils.clear_session()  # Keras 3.10 would go on with an earlier start's random numbers
    keras.utils.set_random_seed(seed)
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=list(COLOURS.values())),
            "font.size": 13,
            "figure.figsize": (8, 4),
            "figure.dpi": 72,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "image.cmap": "gray",
        }
    )
    folder = os.environ.get("AELIB_DATA")
    shipped = not folder or pathlib.Path(folder).resolve() == SHIPPED
    _profile, _strict, _bars = profile, strict and shipped, bars == "on"
    _checks.clear()


def _gpus_like_cpus():
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        tf.config.experimental.enable_op_determinism()
        tf.config.experimental.enable_tensor_float_32_execution(False)
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # at a second start it is in use, and stays as the first has set it
            tf.config.experimental.set_memory_growth(gpu, True)


def budget(*, lecture, quick):
    """`lecture` or `quick`, whichever profile the chapter was started in.

    Raises RuntimeError before `start` was called.
    """
    if _profile is None:
        raise RuntimeError("no profile yet: call course.start(seed=...) first")
    return lecture if _profile == "lecture" else quick


def progress():
    """Callbacks for `fit(..., verbose=0)`: a bar over the epochs, or nothing where AELIB_PROGRESS is "off"."""
    return [TqdmCallback(verbose=0)] if _bars else []


def show(widget):
    """Display a widget, or nothing where AELIB_PROGRESS is "off"."""
    if _bars:
        display(widget)


def cosine_rate(peak, n, batch_size, epochs):
    """A learning rate for `epochs` epochs over n examples: 5 % of the steps linearly up to `peak`, then a cosine down.

    Returns
    -------
    rate : keras.optimizers.schedules.CosineDecay
        It starts at 0, so the first update changes nothing, and ends at a thousandth of `peak`. One schedule serves one
        fit, of two steps or more.

    Source: Loshchilov & Hutter 2017, with a linear warm-up.
    """
    steps = epochs * math.ceil(n / batch_size)
    warm_up = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, alpha=0.001, warmup_target=peak, warmup_steps=warm_up
    )


def check(claim, value, *, above=None, below=None, main=False, quick=True):
    """Compare a figure with a bound, or with a baseline, and say in one line how it went.

    The line has no bounds unless the figure misses them: a reader of a chapter wants the figure.

    Parameters
    ----------
    claim : str
        What the figure shows, as a sentence.
    value : float or array
        The figure; of an array every element has to meet the bound.
    above, below : float
        The value must be greater than `above` and less than `below`; at least one of them is given.
    main : bool
        Whether this is a main figure of the chapter: `make run` lists those.
    quick : bool
        False: the quick profile is too short to show this. There the figure is printed without a verdict.

    Raises
    ------
    CheckFailed
        The value misses its bound (when not strict, this is printed instead).
    TypeError, ValueError
        No bound, bounds that leave nothing between them, an empty array, NaN or infinity, or a boolean.
    """
    if above is None and below is None:
        raise TypeError(f"check({claim!r}) asserts nothing: give above=, below= or both")
    low, high = _extremes(f"the value of check({claim!r})", value)
    for name, bound in (("above", above), ("below", below)):
        if bound is not None and np.size(bound) != 1:
            raise TypeError(f"{name}= of check({claim!r}) must be one number; got an array of shape {np.shape(bound)}")
    above = None if above is None else _extremes(f"above= of check({claim!r})", above)[0]
    below = None if below is None else _extremes(f"below= of check({claim!r})", below)[0]
    if None not in (above, below) and above >= below:
        raise ValueError(f"check({claim!r}) cannot hold: nothing is above {above} and below {below}")

    passed = (above is None or low > above) and (below is None or high < below)
    judged = quick or _profile != "quick"
    _checks.append({"claim": claim, "main": main, "value": [low, high], "above": above, "below": below})
    _checks[-1]["passed"] = passed if judged else None
    found = f"{low:#.4g}" if np.size(value) == 1 else f"{low:#.4g} to {high:#.4g}"
    if not judged:
        print(f"– {claim}: {found} (judged in the lecture profile)")
        return
    if passed:
        print(f"✓ {claim}: {found}")
        return
    bounds = [f"{name} {bound:#.4g}" for name, bound in (("above", above), ("below", below)) if bound is not None]
    verdict = f"✗ {claim}: {found}, but {' and '.join(bounds)} was expected ({_profile or 'no'} profile)"
    if _strict:
        raise CheckFailed(verdict)
    print(verdict)


def checks():
    """What the checks since `start` saw: a list of dicts with claim, main, value [min, max], above, below, passed.

    `passed` is None where the quick profile does not judge.
    """
    return [dict(row) for row in _checks]


def _extremes(name, value):
    """Smallest and largest element as Python floats; refuses what cannot be compared."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number or an array of numbers; got {value!r}")
    if array.size == 0:
        raise ValueError(f"{name} is an empty array of shape {array.shape}; expected at least one number")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
    return float(array.min()), float(array.max())
