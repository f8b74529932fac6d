"""Every erratum rests on checks of the chapters; what quotes a figure of a check, quotes the one that it saw."""

import re

import pytest
import stored

from tools import chapters, report

ROWS = stored.table("ERRATA.md")
CHECKS = {row["claim"]: row for path in chapters.find() for row in report.record(path.name[:2]).checks}
QUOTED = re.compile(r"`([^`]+)`: ([-+]?\d[.\d]*(?:e[-+]?\d+)?)")
MATTERS = "wrong result", "wrong statement", "slip of the pen"
INSTRUCTORS = (chapters.NOTEBOOKS / "INSTRUCTORS.md").read_text(encoding="utf-8")


def assert_seen(claim, number):
    """The check exists, passed, and saw this number, rounded to its digits."""
    assert CHECKS[claim]["passed"]
    number = number.rstrip(".")  # the end of a sentence
    digits = len(number.split("e")[0].lstrip("+-").replace(".", "").lstrip("0"))
    assert any(float(f"{seen:.{digits - 1}e}") == float(number) for seen in CHECKS[claim]["value"]), CHECKS[claim]


def test_the_errata_are_there():
    """In order, and without a gap but for the numbers that the page names."""
    numbers = [int(row[0]) for row in ROWS]
    page = (chapters.NOTEBOOKS / "ERRATA.md").read_text(encoding="utf-8")
    free = [int(one) for one in re.findall(r"\d+", re.search(r"The numbers ([\d, and]+) are not given", page)[1])]
    assert numbers == [one for one in range(1, numbers[-1] + 1) if one not in free]
    assert all(len(row) == 7 and row[6] in MATTERS for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_an_erratum_is_held_by_checks(row):
    quoted = QUOTED.findall(row[4])
    assert quoted and len(quoted) == row[4].count("`") / 2
    for claim, number in quoted:
        assert_seen(claim, number)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_an_erratum_names_its_chapter_and_sections(row):
    """A link leads to the chapter's notebook, and each section is a heading of it."""
    number, link, sections = re.fullmatch(r"\[?chapter (\d+)(?:\]\((\S+)\))?, (.*)", row[5]).groups()
    (path,) = chapters.find(f"{int(number):02}")
    assert link in (None, path.name)
    texts = "\n".join(cell.source for cell in report.notebook(path.name[:2]).cells if cell.cell_type == "markdown")
    headings = re.findall(r"^##+ (?:Further: )?(.*)", texts, re.MULTILINE)
    for section in sections.split("; "):
        assert any(heading.startswith(section.removeprefix("Further: ")) for heading in headings), section


@pytest.mark.parametrize(("claim", "number"), QUOTED.findall(INSTRUCTORS))
def test_a_figure_for_instructors_is_the_chapters(claim, number):
    assert_seen(claim, number)
