"""Every deliberate fault of `faults.py` must turn its test or check red: proof that green means something."""

import contextlib
import copy
import inspect
import io
import pathlib
import subprocess
import sys
import textwrap
import traceback

import faults
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import stored

from aelib import course
from tools import chapters

CONFIG = pathlib.Path(__file__).with_name("nbval.cfg")
NBVAL = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={CONFIG}", "-p", "no:cacheprovider", "-n", "0"]


@pytest.fixture(scope="module", autouse=True)
def started():
    course.start(seed=0)


@pytest.mark.parametrize("fault", faults.CODE, ids=lambda fault: fault.what)
def test_a_fault_in_the_code_goes_red(fault, monkeypatch):
    source = textwrap.dedent(inspect.getsource(fault.function))
    source = source[source.index("def ") :]  # without decorators
    assert source.count(fault.old) == 1, "the patch does not fit the code any more"
    fault.test(*fault.arguments)  # green without the fault
    scope = dict(fault.function.__globals__)
    exec(source.replace(fault.old, fault.new), scope)
    monkeypatch.setattr(fault.function, "__code__", scope[fault.function.__name__].__code__)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        fault.test(*fault.arguments)


@pytest.mark.parametrize("fault", faults.STORED, ids=lambda fault: fault.what)
def test_a_fault_in_a_stored_chapter_goes_red(fault):
    notebook = nbformat.read(chapters.find()[0], as_version=4)
    fault.rule(notebook)  # green without the fault
    fault.spoil(notebook)
    with pytest.raises(AssertionError):
        fault.rule(notebook)


class Chapter:
    """A chapter executed once in this process, as far as its faults reach, with its variables before each cell."""

    def __init__(self, number):
        self.sources = [cell.source for cell in stored.code_cells(nbformat.read(*chapters.find(number), as_version=4))]
        self.before = []
        claims = [fault.claim for fault in faults.CHAPTER if fault.chapter == number]
        last = max(self.index(f'"{claim}"') for claim in claims)
        scope = {"__name__": "__main__"}
        for source in self.sources[: last + 1]:
            self.before.append(self.snapshot(scope))
            self.execute(source, scope)

    def index(self, text):
        """The code cell that holds the text, once."""
        (index,) = [index for index, source in enumerate(self.sources) if source.count(text) == 1]
        return index

    @staticmethod
    def snapshot(scope):
        """The same objects, but generators of random numbers as copies."""
        return {
            name: copy.deepcopy(value) if isinstance(value, np.random.Generator) else value
            for name, value in scope.items()
        }

    @staticmethod
    def execute(source, scope):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(source, scope)
        plt.close("all")

    def failure(self, fault):
        """Run from the faulty cell to the one that holds the claim; the error that was raised on the way, or None."""
        start, stop = self.index(fault.old), self.index(f'"{fault.claim}"')
        scope = self.snapshot(self.before[start])
        for index in range(start, stop + 1):
            source = self.sources[index]
            try:
                self.execute(source.replace(fault.old, fault.new) if index == start else source, scope)
            except Exception as error:
                return error
        return None


@pytest.fixture(scope="module")
def chapter_runs():
    return {}


@pytest.mark.parametrize("fault", faults.CHAPTER, ids=lambda fault: f"{fault.chapter} {fault.what}")
def test_a_fault_in_a_chapter_goes_red(fault, chapter_runs):
    if fault.chapter not in chapter_runs:
        chapter_runs[fault.chapter] = None  # stays so where the chapter itself fails
        chapter_runs[fault.chapter] = Chapter(fault.chapter)
    assert chapter_runs[fault.chapter], "the chapter fails without any fault"
    error = chapter_runs[fault.chapter].failure(fault)
    assert isinstance(error, course.CheckFailed), f"expected a failing check, got {traceback.format_exception(error)}"
    assert f"✗ {fault.claim}: " in str(error)


def test_faults_go_red_through_nbval(tmp_path):
    """The first cells of chapter 1 with faults behind them: exactly the faulty cells fail."""
    notebook = nbformat.read(chapters.find("01")[0], as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:3]

    def add(source, text):
        output = nbformat.v4.new_output("stream", text=text)
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, outputs=[output], execution_count=len(notebook.cells) + 1)
        )

    add("print('error', 1 / 3, x_train.shape)", "error 0.25 (100, 3)\n")  # another decimal: meant to pass
    add("check('a third', 1 / 3, below=1)", "✓ a third: 0.2500\n")
    add("check('half', 1 / 2, below=0.1, quick=False)", "✓ half: 0.0500\n")
    add("check('two', [1.0, 2.0], below=0.1, quick=False)", "✓ two: 0.0100 to 0.0500\n")
    bad = len(notebook.cells)
    add("print('train', x_train.shape)", "training (100, 3)\n")  # a wrong word
    add("print('train', x_train.shape)", "train (99, 3)\n")  # a wrong shape
    add("print(1 / 3)", "nan\n")  # a number that is none
    add("check('a third', 1 / 3, below=0.1)", "✓ a third: 0.0333\n")  # a violated check
    add("check('half', 1 / 2, below=0.1, quick=False)", "✓ a half: 0.0500\n")  # another claim, not judged
    add("1 / 0", "")  # a cell that raises
    path = tmp_path / "faulty.ipynb"
    nbformat.write(notebook, path)
    command = [sys.executable, "-m", "pytest", *NBVAL, "-rA", "--rootdir", str(tmp_path), "-c", "/dev/null", str(path)]
    report = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout
    verdicts = [line.split("::Cell ") for line in report.splitlines() if line.startswith(("PASSED", "FAILED"))]
    passed = {int(cell.split()[0]) for word, cell in verdicts if word.startswith("PASSED")}
    failed = {int(cell.split()[0]) for word, cell in verdicts if word.startswith("FAILED")}
    assert passed == set(range(bad)) and failed == set(range(bad, len(notebook.cells))), report
