"""Every erratum rests on checks of the chapters, and quotes the figures that they saw."""

import re

import nbformat
import pytest
import stored

from tools import chapters

ROWS = stored.table("ERRATA.md")
CHECKS = {
    row["claim"]: row for path in chapters.find() for row in nbformat.read(path, as_version=4).metadata.aelib.checks
}


def test_the_errata_are_there():
    numbers = {int(row[0]) for row in ROWS}
    assert numbers >= {*range(1, 28)}
    assert all(len(row) == 6 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_an_erratum_is_held_by_checks(row):
    quoted = re.findall(r"`([^`]+)`: ([-+.e\d]+)", row[4])
    assert quoted and len(quoted) == row[4].count("`") / 2
    for claim, number in quoted:
        assert CHECKS[claim]["passed"]
        digits = len(number.split("e")[0].replace(".", "").lstrip("0"))
        assert any(float(f"{seen:.{digits - 1}e}") == float(number) for seen in CHECKS[claim]["value"]), CHECKS[claim]
