"""RESULTS.md says what the stored outputs and tables say, and these agree with one another."""

import re

import pytest

from tools import chapters, report

BOTH = [row for row in report.ROWS if row.claim and row.table]


def test_the_file_is_what_the_stored_figures_make():
    assert (chapters.ROOT / "RESULTS.md").read_text(encoding="utf-8") == report.text()


@pytest.mark.parametrize("row", BOTH, ids=lambda row: row.quantity)
def test_a_chapters_run_agrees_with_its_seeds(row):
    """Within the tolerance of the file, around the seeds' mean."""
    mean = sum(row.seeds()) / len(row.seeds())
    for figure in row.run():
        assert figure == pytest.approx(mean, rel=report.TOLERANCE)


def test_figures_of_the_readme_are_those_of_the_results():
    """Each bold figure of the README's table of chapters stands in RESULTS.md."""
    readme = (chapters.ROOT / "README.md").read_text(encoding="utf-8")
    table = [re.findall(r"\*\*(.+?)\*\*", line) for line in readme.splitlines() if line.startswith("| [0")]
    assert len(table) == 6 and all(table)
    known = set(re.findall(r"-?\d[\d.]*", report.text()))
    assert [figure for figures in table for figure in figures if figure not in known] == []


def test_the_picture_of_the_readme_is_chapter_03s():
    assert (chapters.SITE / "denoising.png").read_bytes() == report.picture()


def test_words_for_figures():
    assert report.in_words([0.017537, 0.017537]) == "0.01754"
    assert report.in_words([0.1, 0.25]) == "0.1 to 0.25"
    assert report.in_words([189.0, 149.0, 229.0]) == "189 ± 40 (3)"
    assert report.in_words([1.0, 1.1, 1.2]) == "1.10 ± 0.10 (3)"
    assert report.in_words([0.9875, 0.9875, 0.9875]) == "0.9875 ± 0 (3)"
    assert report.in_words([0.1, 0.1, 0.1]) == "0.1 ± 0 (3)"


def test_a_claim_that_no_check_made():
    with pytest.raises(ValueError, match="chapter 01 has no check 'nothing'"):
        report.Row("01", "", "nothing").run()


def test_a_table_of_too_few_seeds():
    with pytest.raises(ValueError, match=r"0 rows with .*expected three"):
        report.Row("02", "", table=("recipe", "test_mse", {"recipe": "none"})).seeds()
