"""Deliberate faults, and answers to exercises: what the tests of modules and chapters share.

A fault is a small patch, the mistake that is likely there. Its test or check must be green without it and red with it:
that is the proof that green means something. A module's faults stand at the end of its tests, a chapter's in
`chapters/`.
"""

import contextlib
import copy
import dataclasses
import functools
import gc
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
    then those that the claim's cell has without the fault, but for what the patched cell makes.
    """

    what: str
    old: str
    new: str
    claim: str
    alone: bool = False


def trained(value):
    """The weights of a network and of its optimizer, or of all that are in a dictionary or a list."""
    if isinstance(value, (course.keras.Layer, course.keras.Optimizer)):
        yield from value.variables
        yield from trained(getattr(value, "optimizer", None))
    elif isinstance(value, (dict, list, tuple)) and len(value) < 1000:  # others hold words or numbers
        for one in value.values() if isinstance(value, dict) else value:
            yield from trained(one)


class Chapter:
    """A chapter executed in this process, cell by cell, as far as its faults reach.

    Further sections without a fault are left out: they stand alone (`stored.further_sections_stand_alone`). So are the
    sections of the core that `without` names by their headings, on which no fault rests. nbval runs them all.

    Where it has come to the cells of a fault, they run with the fault first. Then the chapter goes on through them
    without it, from the variables that they had begun with.
    """

    def __init__(self, number, faults, without=()):
        self.scope = {}  # always the same dictionary: the chapter's functions look into it
        self.sources, left_out = [], set(without)
        texts = [text for fault in faults for text in (fault.old, f'"{fault.claim}"')]
        for section in stored.sections(nbformat.read(*chapters.find(number), as_version=4)):
            heading = section[0].source.splitlines()[0]
            sources = [cell.source for cell in section if cell.cell_type == "code"]
            has_fault = any(text in source for text in texts for source in sources)
            if heading in left_out:
                assert not has_fault, f"a fault is in {heading}"
                left_out.remove(heading)
            elif has_fault or "further" not in stored.tags(section[0]):
                self.sources += sources
        assert not left_out, f"no such section: {left_out}"
        self.begin()

    def begin(self):
        self.reached = self.tried = 0  # so many cells ran without a fault; so many must, as faults were tried in them
        self.green = set()  # pairs of cells that ran alone without a fault
        self.scope.clear()
        self.scope["__name__"] = "__main__"

    def holding(self, text):
        """The index of the one code cell that holds the text once."""
        found = [index for index, source in enumerate(self.sources) if source.count(text) == 1]
        assert len(found) == 1, f"{len(found)} cells of code hold once: {text}"
        return found[0]

    def span(self, fault):
        """The fault's cell, its claim's, and where the chapter must have come to when the fault is tried."""
        start, stop = self.holding(fault.old), self.holding(f'"{fault.claim}"')
        return start, stop, stop if fault.alone and stop > start + 1 else start

    def execute(self, source):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(source, self.scope)
        plt.close("all")

    def advance(self, cell):
        """Go on to this cell without a fault."""
        while self.reached < cell:
            self.execute(self.sources[self.reached])
            self.reached += 1

    def failure(self, cells, old="", new=""):
        """Run these cells, the first one patched, and put the variables back; the error that was raised, or None.

        They are the same objects, but networks get their weights back, and generators of random numbers are copied.
        """
        before = dict(self.scope)
        weights = [(weight, np.array(weight)) for weight in trained(before)]
        generators = {name: value for name, value in before.items() if isinstance(value, np.random.Generator)}
        self.scope.update(copy.deepcopy(generators))
        try:
            for index in cells:
                source = self.sources[index]
                self.execute(source.replace(old, new) if index == cells[0] else source)
        except Exception as error:
            return error
        finally:
            self.scope.clear()
            self.scope.update(before)
            for weight, value in weights:
                weight.assign(value)
        return None

    def goes_red(self, fault):
        """With the fault; that the same cells are green without it, `finish` shows for those that do not run alone."""
        start, stop, place = self.span(fault)
        if self.reached > place:  # not in the chapter's order
            self.finish()
            self.begin()
        self.advance(place)
        self.tried = max(self.tried, stop + 1)
        cells = range(start, stop + 1) if place == start else [start, stop]
        if place > start and (start, stop) not in self.green:
            error = self.failure(cells)
            assert error is None, f"fails without the fault: {traceback.format_exception(error)}"
            self.green.add((start, stop))
        error = self.failure(cells, fault.old, fault.new)
        assert isinstance(error, course.CheckFailed), (
            f"expected a failing check, got {traceback.format_exception(error)}"
        )
        assert f"✗ {fault.claim}: " in str(error), f"another check fails: {error}"

    def finish(self):
        """Go on through the last claim that a fault was tried on."""
        self.advance(self.tried)


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


def faults(number, chapter_faults, without=()):
    """The tests that a chapter's faults go red, as such a class; the chapter is executed once for all of them."""
    run = Chapter(number, chapter_faults, without)

    class Faults:
        @pytest.fixture(scope="class")
        def chapter(self):
            yield run
            run.finish()  # an error here: without a fault it fails too
            run.begin()
            gc.collect()  # its networks

        @each(sorted(chapter_faults, key=lambda fault: run.span(fault)[-1]))
        def test_a_fault_goes_red(self, fault, chapter):
            chapter.goes_red(fault)

    return Faults
