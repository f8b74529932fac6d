import contextlib
import importlib.util
import os
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from harness import CodeFault, each

from aelib import course
from aelib.course import CheckFailed, budget, check


@pytest.fixture(autouse=True)
def started():
    course.start(seed=0)


def python(code, **environment):
    """A fresh interpreter; its standard output and error together."""
    return subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env=os.environ | environment,
    ).stdout


def test_imports_are_quiet_and_light():
    assert python("import aelib") == ""
    code = 'import sys, aelib.data, aelib.exercises, aelib.plots; print({"tensorflow", "keras"} & set(sys.modules))'
    assert python(code) == "set()\n"


def test_starting_is_quiet_and_training_too():
    code = (
        "from aelib import course; course.start(seed=1); import keras, numpy as np\n"
        "for _ in range(7):\n"
        "    m = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)]); m.compile(loss='mse')\n"
        "    m.fit(np.ones((4, 3)), np.ones((4, 3)), verbose=0); m.predict(np.ones((4, 3)), verbose=0)"
    )
    assert python(code) == ""


@pytest.mark.parametrize("first", ["aelib.data", "aelib.course"])
def test_waiting_threads_do_not_spin(first, monkeypatch):
    """By what scikit-learn's OpenMP library, which reads the variable when it is loaded, tells of its settings."""
    monkeypatch.delenv("OMP_WAIT_POLICY")
    told = python(f"import {first}", OMP_DISPLAY_ENV="VERBOSE")
    if "GOMP_SPINCOUNT" not in told:
        pytest.skip("another OpenMP library than GCC's")
    assert "GOMP_SPINCOUNT = '0'" in told


def test_a_failing_import_is_not_silenced():
    code = "import sys; sys.modules['tensorflow'] = None; import aelib.course"
    assert "ModuleNotFoundError" in python(code) or "ImportError" in python(code)


@pytest.mark.parametrize("error", [None, OSError])
def test_what_was_held_back_is_told_where_it_fails(capfd, error):
    with contextlib.suppress(OSError), course._quiet_stderr():
        os.write(2, b"from a library")
        if error:
            raise error
    assert capfd.readouterr().err == ("from a library" if error else "")


def test_before_start_checks_are_strict_and_bars_are_shown():
    spec = importlib.util.spec_from_file_location("another_course", course.__file__)
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    with pytest.raises(RuntimeError, match=r"^no profile yet: call course\.start"):
        fresh.budget(lecture=1, quick=1)
    with pytest.raises(fresh.CheckFailed, match=r"below 1\.000 was expected \(no profile\)$"):
        fresh.check("the claim", 2.0, below=1)
    assert len(fresh.progress()) == 1


PRETENDED_GPU = """
from aelib import course
import keras, tensorflow as tf
cpus, gpu, growing = tf.config.list_physical_devices(), tf.config.PhysicalDevice("GPU:0", "GPU"), []
tf.config.list_physical_devices = lambda kind=None: [gpu] if kind == "GPU" else [*cpus, gpu]
tf.config.experimental.set_memory_growth = lambda *setting: growing.append(setting)
def compiled():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(3)])
    model.compile("sgd", "mse")
    return model
before = compiled().jit_compile
course.start(seed=1)
model, x = compiled(), tf.ones((4, 3))
model.fit(x, x, verbose=0)
tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
print("xla", before, model.jit_compile, "tf32", tf32, "growth", growing == [(gpu, True)])
course.start(seed=1)
"""


def test_a_gpu_computes_as_a_cpu_does():
    assert python(PRETENDED_GPU) == "xla True False tf32 False growth True\n"


def test_a_gpu_in_use_stays_as_it_is(monkeypatch):
    set_growth = []

    def in_use(*setting):
        set_growth.append(setting)
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(course.tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(course.tf.config.experimental, "set_memory_growth", in_use)
    monkeypatch.setattr(course.tf.config.experimental, "enable_op_determinism", lambda: None)
    monkeypatch.setattr(course.tf.config.experimental, "enable_tensor_float_32_execution", lambda allowed: None)
    course._gpus_like_cpus()
    assert set_growth == [("a GPU", True)]


def test_a_seed_repeats():
    import keras

    def draws():
        course.start(seed=3)
        kernel = keras.layers.Dense(3)(np.ones((1, 3)))
        return [np.random.rand(), float(keras.random.normal(())), *np.ravel(kernel)]

    assert draws() == draws()


def test_profiles(monkeypatch):
    course.start(seed=0, profile="lecture")
    assert budget(lecture=50, quick=2) == 50
    monkeypatch.setenv("AELIB_PROFILE", "quick")
    course.start(seed=0)
    assert budget(lecture=50, quick=2) == 2
    monkeypatch.delenv("AELIB_PROFILE")
    course.start(seed=0)
    assert budget(lecture=50, quick=2) == 50
    monkeypatch.setenv("AELIB_PROFILE", "fast")
    with pytest.raises(ValueError, match="'lecture', 'quick'; got 'fast'"):
        course.start(seed=0)


def test_progress_bars_and_widgets_are_switched_by_one_variable(monkeypatch):
    shown = []
    monkeypatch.setattr(course, "display", shown.append)
    monkeypatch.delenv("AELIB_PROGRESS")
    course.start(seed=0)
    (bar,) = course.progress()
    assert bar.verbose == 0  # over the epochs, none over the batches
    course.show("a widget")
    assert shown == ["a widget"]
    monkeypatch.setenv("AELIB_PROGRESS", "off")
    course.start(seed=0)
    assert course.progress() == []
    course.show("another widget")
    assert shown == ["a widget"]
    monkeypatch.setenv("AELIB_PROGRESS", "perhaps")
    with pytest.raises(ValueError, match="'on' or 'off'; got 'perhaps'"):
        course.start(seed=0)


def test_budget_before_start(monkeypatch):
    monkeypatch.setattr(course, "_profile", None)
    with pytest.raises(RuntimeError, match="call course"):
        budget(lecture=1, quick=1)


def test_the_rate_rises_and_falls_as_a_cosine():
    """A thousand steps: 10 epochs of 100 batches, the last of them smaller."""
    rate = course.cosine_rate(0.002, n=9_901, batch_size=100, epochs=10)
    expected = []
    for step in range(1001):
        if step < 50:
            expected.append(0.002 * step / 50)
        else:
            cosine = (1 + np.cos(np.pi * (step - 50) / 950)) / 2
            expected.append(0.002 * (0.999 * cosine + 0.001))
    np.testing.assert_allclose([rate(step) for step in range(0, 1001, 10)], expected[::10], rtol=1e-3, atol=1e-9)
    assert float(rate(50)) == pytest.approx(max(expected)) == 0.002
    assert float(rate(1000)) == float(rate(5000)) == pytest.approx(2e-6, rel=1e-3)


def test_a_short_schedule_has_a_warm_up_too():
    rate = course.cosine_rate(0.1, n=10, batch_size=10, epochs=2)
    assert [float(rate(step)) for step in range(3)] == pytest.approx([0, 0.1, 0.0001])


def test_a_warm_up_is_of_whole_steps():
    rate = course.cosine_rate(0.1, n=50, batch_size=1, epochs=1)  # a twentieth is two and a half
    assert [float(rate(step)) for step in range(3)] == pytest.approx([0, 0.05, 0.1])


def test_the_figure_style_is_for_the_back_of_the_room():
    style = {
        "font.size": 13,
        "figure.figsize": [8, 4],
        "figure.dpi": 72,
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "image.cmap": "gray",
    }
    assert {name: plt.rcParams[name] for name in style} == style


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.5, {"below": 1}),
        (0.5, {"above": 0}),
        (np.float32(0.5), {"above": 0, "below": 1}),
        (np.array([0.1, 0.9]), {"above": 0, "below": 1}),
        ([1, 2], {"below": np.float64(3)}),
    ],
)
def test_a_check_that_holds_says_so(capsys, value, bounds):
    check("the claim", value, **bounds)
    line = capsys.readouterr().out
    figure = " to ".join(
        f"{extreme(value):#.4g}" for extreme in ((np.min, np.max) if np.size(value) > 1 else (np.min,))
    )
    assert line == f"✓ the claim: {figure}\n"  # without the bounds


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (1.0, {"below": 1}),
        (0.0, {"above": 0}),
        (2.0, {"above": 0, "below": 1}),
        (np.array([0.1, 1.1]), {"below": 1}),
        (np.array([-0.1, 0.9]), {"above": 0}),
    ],
)
def test_a_check_that_fails_raises_with_both_numbers(value, bounds):
    with pytest.raises(CheckFailed) as error:
        check("the claim", value, **bounds)
    assert f"{np.max(value):#.4g}" in str(error.value) and f"{next(iter(bounds.values())):#.4g}" in str(error.value)
    assert "quick profile" in str(error.value)


def test_a_check_that_fails_names_both_bounds():
    with pytest.raises(CheckFailed) as error:
        check("the claim", 2.0, above=0, below=1)
    assert str(error.value) == "✗ the claim: 2.000, but above 0.000 and below 1.000 was expected (quick profile)"


@pytest.mark.parametrize(
    ("value", "bounds", "error", "message"),
    [
        (0.5, {"above": [1, 2, 3]}, TypeError, r"^above= of check\('the claim'\) must be one .* of shape \(3,\)$"),
        (0.5, {"below": [1, 2, 3]}, TypeError, r"^below= of check\('the claim'\) must be one .* of shape \(3,\)$"),
        (1.0, {}, TypeError, "asserts nothing"),
        (float("nan"), {"below": 1}, ValueError, "NaN or infinity"),
        (float("-inf"), {"below": 1}, ValueError, "NaN or infinity"),
        (np.array([0.0, np.nan]), {"below": 1}, ValueError, "NaN or infinity"),
        (np.array([]), {"below": 1}, ValueError, "empty array"),
        (0.0, {"below": float("inf")}, ValueError, "below.*infinity"),
        (0.0, {"above": float("nan")}, ValueError, "above.*NaN"),
        (0.5, {"above": 1, "below": 0}, ValueError, "cannot hold"),
        (0.5, {"above": 1, "below": 1}, ValueError, "cannot hold"),
        (True, {"above": 0}, TypeError, "number"),
        ("0.5", {"above": 0}, TypeError, "number"),
        (None, {"above": 0}, TypeError, "number"),
        (1j, {"above": 0}, TypeError, "number"),
        (0.5, {"below": np.array([1, 2])}, TypeError, "one number"),
        (0.5, {"below": True}, TypeError, "number"),
    ],
)
def test_a_check_cannot_assert_nothing(value, bounds, error, message):
    for strict in (True, False):
        course.start(seed=0, strict=strict)
        with pytest.raises(error, match=message):
            check("the claim", value, **bounds)
    assert course.checks() == []


@pytest.mark.parametrize("value", [0.5, 2.0])
def test_what_quick_is_too_short_for_is_judged_in_the_lecture_profile_only(capsys, value):
    course.start(seed=0, profile="quick")
    check("the claim", value, below=1, quick=False)
    assert capsys.readouterr().out == f"– the claim: {value:#.4g} (judged in the lecture profile)\n"
    assert [row["passed"] for row in course.checks()] == [None]
    course.start(seed=0, profile="lecture", strict=False)
    check("the claim", value, below=1, quick=False)
    assert capsys.readouterr().out.startswith("✓ the claim: 0.5000\n" if value < 1 else "✗ the claim: 2.000, but")
    assert [row["passed"] for row in course.checks()] == [value < 1]


def test_not_strict_reports_and_goes_on(capsys):
    course.start(seed=0, strict=False)
    check("the claim", 2.0, below=1)
    assert capsys.readouterr().out.startswith("✗ the claim: 2.000, but below 1.000 was expected")
    assert [row["passed"] for row in course.checks()] == [False]


def test_other_data_reports_and_goes_on(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    course.start(seed=0)
    check("the claim", 2.0, below=1)
    assert capsys.readouterr().out.startswith("✗")
    monkeypatch.setenv("AELIB_DATA", str(course.SHIPPED))
    course.start(seed=0)
    with pytest.raises(CheckFailed):
        check("the claim", 2.0, below=1)


def test_checks_are_recorded_since_start():
    check("one", np.array([1, 3]), below=4, main=True)
    assert course.checks() == [
        {"claim": "one", "main": True, "value": [1.0, 3.0], "above": None, "below": 4.0, "passed": True}
    ]
    check("two", 1, above=0)
    assert [row["main"] for row in course.checks()] == [True, False]
    course.start(seed=0)
    assert course.checks() == []


FAULTS = [
    CodeFault(
        "a check that lets NaN pass",
        course._extremes,
        "not np.isfinite(array).all()",
        "False",
        test_a_check_cannot_assert_nothing,
        (float("nan"), {"below": 1}, ValueError, "NaN or infinity"),
    ),
    CodeFault(
        "a check that looks at one element of an array only",
        course.check,
        "high < below",
        "low < below",
        test_a_check_that_fails_raises_with_both_numbers,
        (np.array([0.1, 1.1]), {"below": 1}),
    ),
    CodeFault(
        "a check without a bound that passes",
        course.check,
        "above is None and below is None",
        "False",
        test_a_check_cannot_assert_nothing,
        (1.0, {}, TypeError, "asserts nothing"),
    ),
    CodeFault(
        "a check that reports where it should stop",
        course.check,
        "if _strict:",
        "if False:",
        test_a_check_that_fails_raises_with_both_numbers,
        (2.0, {"below": 1}),
    ),
    CodeFault(
        "a schedule that forgets the smaller last batch",
        course.cosine_rate,
        "math.ceil(n / batch_size)",
        "(n // batch_size)",
        test_the_rate_rises_and_falls_as_a_cosine,
    ),
    CodeFault(
        "a schedule that falls too far",
        course.cosine_rate,
        "alpha=0.001",
        "alpha=0.0",
        test_the_rate_rises_and_falls_as_a_cosine,
    ),
    CodeFault(
        "a schedule that takes twice its warm-up",
        course.cosine_rate,
        "steps // 20",
        "steps // 10",
        test_the_rate_rises_and_falls_as_a_cosine,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
