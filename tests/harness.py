"""Deliberate faults, and answers to exercises: what the tests of modules and chapters share.

A fault is a small patch, the mistake that is likely there. Its test or check must be green without it and red with it:
that is the proof that green means something. A module's faults stand at the end of its tests, a chapter's in
`chapters/`.
"""

import contextlib
import copy
import dataclasses
import functools
import importlib
import inspect
import io
import pathlib
import re
import textwrap
import traceback
from collections.abc import Callable

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import stored

from aelib import course, exercises
from tools import chapters

CONFIG = pathlib.Path(__file__).with_name("nbval.cfg")
NBVAL = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={CONFIG}", "-p", "no:cacheprovider", "-n", "0"]

GREEN = set()  # tests that have passed without a fault, with the representation of their arguments


def each(faults):
    """The test is done with each of the faults."""
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: fault.what)


@functools.cache
def started():
    course.start(seed=0)


@dataclasses.dataclass(frozen=True)
class CodeFault:
    """Replace `old` by `new` in a function; calling `test` with `arguments` must then fail."""

    what: str
    function: Callable
    old: str
    new: str
    test: Callable
    arguments: tuple = ()

    def goes_red(self, monkeypatch):
        started()
        source = textwrap.dedent(inspect.getsource(self.function))
        source = source[source.index("def ") :]  # without decorators
        assert source.count(self.old) == 1, "the patch does not fit the code any more"
        if (self.test, repr(self.arguments)) not in GREEN:  # without the fault; once for all faults of the test
            self.test(*self.arguments)
            GREEN.add((self.test, repr(self.arguments)))
        scope = dict(self.function.__globals__)
        exec(source.replace(self.old, self.new), scope)
        monkeypatch.setattr(self.function, "__code__", scope[self.function.__name__].__code__)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            self.test(*self.arguments)


@dataclasses.dataclass(frozen=True)
class StoredFault:
    """Spoil a stored chapter; `rule` must then fail."""

    what: str
    spoil: Callable
    rule: Callable

    def goes_red(self):
        notebook = nbformat.read(chapters.find()[0], as_version=4)
        self.rule(notebook)  # green without the fault
        self.spoil(notebook)
        with pytest.raises(AssertionError):
            self.rule(notebook)


@dataclasses.dataclass(frozen=True)
class ChapterFault:
    """Replace `old` by `new` in the one code cell that holds it; the check with this claim must then fail.

    The cells between the two run too. Where the claim does not rest on them, `alone` leaves them out: the variables are
    then those that the claim's cell had in the first run, but for what the patched cell makes.
    """

    what: str
    old: str
    new: str
    claim: str
    alone: bool = False


class Chapter:
    """A chapter executed once in this process, as far as its faults reach, with its variables before each cell."""

    def __init__(self, number, faults):
        self.sources = [cell.source for cell in stored.code_cells(nbformat.read(*chapters.find(number), as_version=4))]
        self.spans = [self.span(fault) for fault in faults]
        self.before, self.green = [], {}
        self.scope = {"__name__": "__main__"}  # always the same dictionary: the chapter's functions look into it
        for source in self.sources[: max(stop for _, stop, _ in self.spans) + 1]:
            self.before.append(self.snapshot(self.scope))
            self.execute(source)

    def index(self, text):
        """The code cell that holds the text, once."""
        (index,) = [index for index, source in enumerate(self.sources) if source.count(text) == 1]
        return index

    def span(self, fault):
        """Its cell and its claim's, and whether they run alone."""
        return self.index(fault.old), self.index(f'"{fault.claim}"'), fault.alone

    @staticmethod
    def snapshot(scope):
        """The same objects, but generators of random numbers as copies."""
        return {
            name: copy.deepcopy(value) if isinstance(value, np.random.Generator) else value
            for name, value in scope.items()
        }

    def execute(self, source):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(source, self.scope)
        plt.close("all")

    def failure(self, start, stop, alone, old="", new=""):
        """Run again from one cell to another, the first one patched; the error that was raised on the way, or None."""
        self.scope.clear()
        self.scope.update(self.snapshot(self.before[stop if alone else start]))
        for index in sorted({start, stop}) if alone else range(start, stop + 1):
            source = self.sources[index]
            try:
                self.execute(source.replace(old, new) if index == start else source)
            except Exception as error:
                return error
        return None

    def goes_red(self, fault):
        """With the fault, after the same cells ran green without it (once for each first cell, to the last claim)."""
        start, stop, alone = self.span(fault)
        last = stop if alone else max(stop for first, stop, other in self.spans if (first, other) == (start, alone))
        control = start, last, alone
        if control not in self.green:
            self.green[control] = self.failure(*control)
        assert self.green[control] is None, (
            f"fails without the fault: {traceback.format_exception(self.green[control])}"
        )
        error = self.failure(start, stop, alone, fault.old, fault.new)
        assert isinstance(error, course.CheckFailed), (
            f"expected a failing check, got {traceback.format_exception(error)}"
        )
        assert f"✗ {fault.claim}: " in str(error)


BLANKS = [None, ..., lambda *_: None, lambda *_: ...]


def broken(*_):
    """An answer that raises."""
    raise ZeroDivisionError("oh")


def markers(chapter):
    """The numbers of a chapter's exercises, of those that have a marker."""
    importlib.import_module(f"aelib.exercises.ch{chapter}")
    return sorted(number for number in exercises._MARKERS if number.startswith(f"{int(chapter)}."))


def said(number, answer):
    """What the marker prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exercises.mark(number, answer)
    return printed.getvalue()


def check_verdict(number, answer, verdict):
    assert said(number, answer).startswith(f"Exercise {number}: {verdict}")


def check_hint(number, answer, hint):
    line = said(number, answer)
    assert line.startswith(f"Exercise {number}: ") and "right. " not in line and line.count("\n") == 1
    assert re.search(hint, line), line


def answers(chapter, right, wrong, numbers):
    """The tests of a chapter's markers, as a class that pytest collects under the name it is given there.

    `right` has rows of exercise and answer, `wrong` has a pattern of the hint besides; `numbers` are the exercises
    whose answer is a number, not a function.
    """

    class Answers:
        @pytest.mark.parametrize(("number", "answer"), right)
        def test_right_answers_are_right(self, number, answer):
            check_verdict(number, answer, "right. ")

        @pytest.mark.parametrize(("number", "answer", "hint"), wrong)
        def test_wrong_answers_get_a_hint(self, number, answer, hint):
            check_hint(number, answer, hint)

        @pytest.mark.parametrize("number", markers(chapter))
        @pytest.mark.parametrize("blank", BLANKS)
        def test_blank_answers_are_told_so(self, number, blank):
            if callable(blank) and number in numbers:
                pytest.skip("a number is asked for")
            check_verdict(number, blank, "no answer yet")

        def test_every_marker_is_fed_right_and_wrong(self):
            assert {row[0] for row in right} == {row[0] for row in wrong} == {*markers(chapter)}

    return Answers


def faults(number, chapter_faults):
    """The tests that a chapter's faults go red, as such a class; the chapter is executed once for all of them."""

    class Faults:
        @pytest.fixture(scope="class")
        def chapter(self):
            return Chapter(number, chapter_faults)

        @each(chapter_faults)
        def test_a_fault_goes_red(self, fault, chapter):
            chapter.goes_red(fault)

    return Faults
