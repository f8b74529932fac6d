"""The machinery of the markers; what they say of answers is tested in `chapters/`."""

import pathlib
import re

import harness
import pytest

from aelib import exercises
from tools import chapters


@pytest.mark.parametrize("number", ["9.9", "1.9", "one"])
def test_an_unknown_exercise_is_an_error(number):
    with pytest.raises(KeyError, match=rf"no exercise '{number}'; there are 1\.1, .*, 6\.3"):
        exercises.mark(number, 1)


def test_what_is_no_function_gets_a_hint():
    exercises._load()
    for number in exercises._MARKERS:
        for answer in (0.5, "x @ w"):
            line = harness.said(number, answer)
            assert "raised" not in line and "right." not in line
            assert isinstance(answer, float) or re.search("Hand over the function|single number", line), line


def test_every_chapter_has_its_files():
    numbers = {path.name[:2] for path in chapters.find()}
    for folder, name in (
        ("aelib/exercises", "ch{}.py"),
        ("tests/chapters", "test_ch{}.py"),
        ("experiments/rows", "{}.toml"),
    ):
        found = {path.name for path in pathlib.Path(chapters.ROOT, folder).glob(name.format("[0-9][0-9]"))}
        assert found == {name.format(number) for number in numbers}, folder
