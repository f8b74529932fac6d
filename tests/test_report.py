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
    """What the report writes into it is there to the letter: figures that are swapped do not pass."""
    readme = (chapters.ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == report.readme(readme)
    ours, theirs = (row.mean for name in ("pretrained", "random") for row in report.ROWS if row.name == name)
    assert readme.count(f"**{ours}**") == readme.count(f"**{theirs}**") == 1
    swapped = readme.replace(f"**{ours}**", "**x**").replace(f"**{theirs}**", f"**{ours}**")
    swapped = swapped.replace("**x**", f"**{theirs}**")
    assert swapped != readme == report.readme(swapped)


def test_a_readme_without_a_place_for_the_table():
    readme = (chapters.ROOT / "README.md").read_text(encoding="utf-8")
    for name in report.PARTS:
        with pytest.raises(
            ValueError, match=rf"README.md: expected the lines <!-- {name}.* and <!-- end of {name} -->"
        ):
            report.readme(readme.replace(f"<!-- end of {name} -->", ""))


@pytest.mark.parametrize("number", report.FILES)
def test_every_chapter_has_a_main_figure_from_a_row(number):
    assert re.search(r"\*\*\{\w+\.\w+\}\*\*", report.FILES[number]["chapter"]["figure"])


def test_the_picture_of_the_readme_is_chapter_03s():
    assert (chapters.SITE / "denoising.png").read_bytes() == report.picture()[0]


@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_every_chapter_has_a_picture_for_the_front_page(path):
    png, alt = report.picture(path.name[:2])
    assert png.startswith(b"\x89PNG") and len(alt.split()) > 5


def test_a_picture_that_is_not_there(monkeypatch):
    monkeypatch.setitem(report.FILES["05"]["chapter"], "picture", "nothing")
    with pytest.raises(ValueError, match="chapter 05 has no picture nothing"):
        report.picture("05")


def test_words_for_figures():
    assert report.in_words([0.017537, 0.017537]) == "0.01754"
    assert report.in_words([0.1, 0.25]) == "0.1 to 0.25"
    assert report.in_words([189.0, 149.0, 229.0]) == "189 ± 40 (3)"
    assert report.in_words([1.0, 1.1, 1.2]) == "1.10 ± 0.10 (3)"
    assert report.in_words([0.9875, 0.9875, 0.9875]) == "0.9875 ± 0 (3)"
    assert report.in_words([0.1, 0.1, 0.1]) == "0.1 ± 0 (3)"


def test_a_claim_that_no_check_made():
    with pytest.raises(ValueError, match="chapter 01 has no check 'nothing'"):
        report.Row("01", "", claim="nothing").run()


def test_a_table_of_too_few_seeds():
    with pytest.raises(ValueError, match=r"0 rows with .*expected three"):
        report.Row("02", "", table="recipe", column="test_mse", where={"recipe": "none"}).seeds()
