import contextlib
import csv
import pathlib
import random
import subprocess
import sys
import tempfile

import joblib
import keras
import numpy as np
import pytest
from harness import CodeFault, each

from aelib import data
from experiments import table

SETTINGS = table.grid(n=[1, 2], seed=range(3))
ROOT = pathlib.Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def new_folder():
    """A folder that goes away; until then no `clear_session`, which collects garbage for half a second a row."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.utils, "clear_session", lambda: None)
        yield pathlib.Path(folder)


def read(folder, name="demo"):
    path = folder / f"{name}.csv"
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []


def keys(settings):
    return [(int(row["n"]), int(row["seed"])) for row in settings]


def measuring(calls, stop=None):
    """A measurement that notes its calls, and raises in the middle of one of them."""

    def measure(n, seed):
        calls.append((n, seed))
        if (n, seed) == stop:
            raise KeyboardInterrupt
        return {"error": n + seed / 3, "call": len(calls)}

    return measure


def test_a_grid_is_every_combination_in_order():
    assert table.grid(n=[2, 10], seed=range(2), recipe=["one"]) == [
        {"n": 2, "seed": 0, "recipe": "one"},
        {"n": 2, "seed": 1, "recipe": "one"},
        {"n": 10, "seed": 0, "recipe": "one"},
        {"n": 10, "seed": 1, "recipe": "one"},
    ]
    assert len(table.grid(a=range(3), b=range(4), seed=[0])) == 12


def test_every_setting_is_measured_once_in_order_and_written_at_once():
    with new_folder() as folder:
        calls, written = [], []

        def measure(n, seed):
            written.append(len(read(folder)))
            return measuring(calls)(n, seed)

        table.complete("demo", SETTINGS, measure, folder=folder)
        rows = read(folder)
        assert calls == keys(SETTINGS) == keys(rows)
        assert written == [0, 1, 2, 3, 4, 5]
        assert list(rows[0]) == ["n", "seed", "error", "call", "seconds"]
        assert [float(row["error"]) for row in rows] == [n + seed / 3 for n, seed in calls]  # to the last digit
        assert all(0 <= float(row["seconds"]) < 60 for row in rows)
        assert [path.name for path in folder.iterdir()] == ["demo.csv"]

        path = folder / "demo.csv"
        before = path.read_bytes()
        table.complete("demo", SETTINGS, measuring(calls), folder=folder)
        assert len(calls) == 6 and path.read_bytes() == before


def test_it_goes_on_after_an_error():
    with new_folder() as folder:
        calls = []
        with pytest.raises(KeyboardInterrupt):
            table.complete("demo", SETTINGS, measuring(calls, stop=(2, 0)), folder=folder)
        finished = read(folder)
        assert keys(finished) == keys(SETTINGS)[:3]
        table.complete("demo", SETTINGS, measuring(calls), folder=folder)
        assert read(folder)[:3] == finished
        assert keys(read(folder)) == keys(SETTINGS)
        assert calls == keys(SETTINGS)[:4] + keys(SETTINGS)[3:]  # the interrupted one alone is measured twice


def test_it_goes_on_after_a_kill():
    """A real kill of a real process in the middle of a measurement. It has no Keras, whose import takes seconds."""
    program = """
import sys, time, types
sys.modules["keras"] = types.ModuleType("keras")
sys.modules["keras"].utils = types.SimpleNamespace(clear_session=lambda: None, set_random_seed=lambda seed: None)
from experiments import table

def measure(n, seed):
    if (n, seed) == (1, 2):
        print("now", flush=True)
        time.sleep(300)
    return {"error": n + seed / 3, "call": 0}

table.complete("demo", table.grid(n=[1, 2], seed=range(3)), measure, folder=sys.argv[1])
"""
    with new_folder() as folder:
        command = [sys.executable, "-c", program, str(folder)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout.readline() == "now\n"
            process.kill()
        assert process.returncode != 0
        assert keys(read(folder)) == keys(SETTINGS)[:2]
        calls = []
        table.complete("demo", SETTINGS, measuring(calls), folder=folder)
        assert calls == keys(SETTINGS)[2:] and keys(read(folder)) == keys(SETTINGS)


@pytest.mark.parametrize("moment", ["replace", "fsync"])
def test_a_kill_while_writing_leaves_the_old_table(moment):
    with new_folder() as folder:
        calls = []
        table.complete("demo", SETTINGS[:2], measuring(calls), folder=folder)
        before = (folder / "demo.csv").read_bytes()

        def killed(*arguments):
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(table.os, moment, killed)
            table.complete("demo", SETTINGS, measuring(calls), folder=folder)
        assert (folder / "demo.csv").read_bytes() == before
        for leftover in folder.glob("*.new"):
            leftover.write_text("n,seed\nhalf a r")  # what a kill may leave of it
        table.complete("demo", SETTINGS, measuring(calls), folder=folder)
        assert calls == keys(SETTINGS)[:3] + keys(SETTINGS)[2:]
        assert keys(read(folder)) == keys(SETTINGS)
        assert [path.name for path in folder.iterdir()] == ["demo.csv"]


@pytest.mark.parametrize(("backend", "n_jobs"), [("sequential", 1), ("threading", 2)])
def test_a_failing_run_is_reported_with_its_settings_and_takes_no_other_row_along(backend, n_jobs):
    def measure(n, seed):
        if (n, seed) in ((1, 1), (2, 0)):
            raise ValueError(f"no figures for {n} and {seed}")
        return {"error": n / 3}

    with new_folder() as folder:
        with (
            joblib.parallel_config(backend, n_jobs=n_jobs),
            pytest.raises(RuntimeError, match="demo: 2 of 6 runs failed") as raised,
        ):
            table.complete("demo", SETTINGS, measure, folder=folder)
        for setting in ({"n": 1, "seed": 1}, {"n": 2, "seed": 0}):
            assert str(setting) in str(raised.value)
            assert f"ValueError: no figures for {setting['n']} and {setting['seed']}" in str(raised.value)
        assert keys(read(folder)) == [(1, 0), (1, 2), (2, 1), (2, 2)]
        calls = []
        table.complete("demo", SETTINGS, lambda n, seed: {"error": calls.append((n, seed))}, folder=folder)
        assert calls == [(1, 1), (2, 0)] and keys(read(folder)) == keys(SETTINGS)


def test_settings_that_join_later_stand_in_their_place():
    with new_folder() as folder:
        table.complete("demo", SETTINGS[1::2], measuring([]), folder=folder)
        old = read(folder)
        table.complete("demo", SETTINGS, measuring([]), folder=folder)
        assert keys(read(folder)) == keys(SETTINGS) and read(folder)[1::2] == old


def test_a_measurement_has_its_seed_whatever_came_before():
    def measure(n, seed):
        return {"python": random.random(), "numpy": np.random.rand(), "keras": float(keras.random.normal(()))}

    def figures(rows):
        return [[row[name] for name in ("python", "numpy", "keras")] for row in rows]

    settings = table.grid(n=[1, 2], seed=range(2))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        table.complete("whole", settings, measure, folder=folder)
        table.complete("parts", settings[3:], measure, folder=folder)
        table.complete("parts", settings, measure, folder=folder)
        rows = figures(read(folder, "whole"))
        assert rows == figures(read(folder, "parts"))
        assert rows[:2] == rows[2:]  # n is not used
        assert len({value for row in rows[:2] for value in row}) == 6


def test_text_and_numbers_come_back():
    recipes = ["lecture: L2(5e-5)", "at once"]
    with new_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "RESULTS", folder)
        settings = table.grid(recipe=recipes, level=[0.1, 1e-4], n=[30], seed=range(2))
        calls = []
        for _ in range(2):
            table.complete(
                "demo",
                settings,
                lambda recipe, level, n, seed: calls.append(seed) or {"error": level / 3, "name": f"run of {recipe}"},
                folder=folder,
            )
        assert len(calls) == 8
        results = data.load_results("demo")
        for column in ("recipe", "level", "n", "seed"):
            assert results[column].tolist() == [setting[column] for setting in settings]
        assert results["error"].tolist() == [setting["level"] / 3 for setting in settings]
        assert results["name"].tolist() == [f"run of {setting['recipe']}" for setting in settings]
        assert [results.dtype[column].kind for column in results.dtype.names] == list("UfiifUf")


@pytest.mark.parametrize(
    ("settings", "content", "found"),
    [
        (SETTINGS, "n,seed,error\n1,0,0.5\n7,0,0.5\n", r"demo\.csv: holds \('n=7', 'seed=0'\).*delete the table"),
        (SETTINGS, "n,seed,error\n1,9,0.5\n", r"holds \('n=1', 'seed=9'\)"),
        (SETTINGS, "codes,seed,error\n1,0,0.5\n", r"expected the columns \['n', 'seed'\], found \['codes', "),
        (SETTINGS, "n,seed,epochs,error\n1,0,5,0.5\n1,0,9,0.5\n", "several rows of one setting"),
        (SETTINGS, "n,seed,error\n", "found no row"),
        (SETTINGS, "", "found no row"),
        ([*SETTINGS, {"n": 1, "seed": 2}], None, "demo: the same setting twice"),
    ],
    ids=["another setting", "another seed", "another column", "a column more", "no row", "empty", "a setting twice"],
)
def test_what_does_not_fit_is_refused(settings, content, found):
    """The table holds `content`; `complete` raises, measures nothing and leaves it alone."""
    with new_folder() as folder:
        path, calls = folder / "demo.csv", []
        if content is not None:
            path.write_text(content)
        with pytest.raises(ValueError, match=found):
            table.complete("demo", settings, measuring(calls), folder=folder)
        assert calls == []
        assert content is None or path.read_text() == content


FAULTS = [
    CodeFault(
        "stored text read as numbers",
        data.load_results,
        "dtype=None",
        "dtype=float",
        test_text_and_numbers_come_back,
    ),
    CodeFault(
        "a table written in place",
        table.write,
        'path.with_suffix(".new")',
        "path",
        test_a_kill_while_writing_leaves_the_old_table,
        ("replace",),
    ),
    CodeFault(
        "a table written after all measurements",
        table.complete,
        "        write([rows[key] for key in wanted if key in rows], path)",
        "    write([rows[key] for key in wanted if key in rows], path)",
        test_every_setting_is_measured_once_in_order_and_written_at_once,
    ),
    CodeFault(
        "an error that loses the finished rows",
        table.complete,
        "        write([rows[key] for key in wanted if key in rows], path)",
        "    write([rows[key] for key in wanted if key in rows], path)",
        test_it_goes_on_after_an_error,
    ),
    CodeFault(
        "finished rows that are measured again",
        table.complete,
        "if _key(setting) not in rows]",
        "]",
        test_it_goes_on_after_an_error,
    ),
    CodeFault(
        "a measurement without its seed",
        table._run,
        'keras.utils.set_random_seed(setting["seed"])',
        "pass",
        test_a_measurement_has_its_seed_whatever_came_before,
    ),
    CodeFault(
        "one seed for all measurements",
        table._run,
        'setting["seed"])',
        "0)",
        test_a_measurement_has_its_seed_whatever_came_before,
    ),
    CodeFault(
        "rows in the order of their measurement",
        table.complete,
        "for key in wanted if key in rows",
        "for key in rows",
        test_settings_that_join_later_stand_in_their_place,
    ),
    CodeFault(
        "rows of other settings dropped without a word",
        table.complete,
        "if unknown := sorted(set(rows) - set(wanted)):",
        "if unknown := []:",
        test_what_does_not_fit_is_refused,
        (SETTINGS, "n,seed,error\n7,0,0.5\n", "not among the settings"),
    ),
    CodeFault(
        "a setting that may stand there twice",
        table.complete,
        "len(set(wanted)) < len(wanted)",
        "False",
        test_what_does_not_fit_is_refused,
        ([SETTINGS[0]] * 2, None, "the same setting twice"),
    ),
    CodeFault(
        "failed runs passed over in silence",
        table.complete,
        "if failed:",
        "if False:",
        test_a_failing_run_is_reported_with_its_settings_and_takes_no_other_row_along,
        ("sequential", 1),
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
