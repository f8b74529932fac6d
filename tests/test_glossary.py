"""Every term of the glossary has its three languages, a definition, and a chapter that is there."""

import re

import nbformat
import pytest
import stored

from tools import chapters

ROWS = stored.table("GLOSSARY.md")
CHAPTERS = {str(int(path.name[:2])): path.name for path in chapters.find()}


def test_the_terms_stand_in_order():
    terms = [row[0].lower() for row in ROWS]
    assert len(terms) > 50 and terms == sorted(set(terms))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_term_has_three_languages_and_a_chapter(row):
    assert len(row) == 5 and all(row)
    assert re.search("[а-яё]", row[1]) or row[1] == row[0], "not in Russian"
    assert not re.search("[а-яё]", row[0] + row[2]), "Russian in another column"
    number = row[4].strip("[").partition("]")[0]
    name = CHAPTERS.get(number)
    assert row[4] == (f"[{number}]({name})" if name else number), f"chapter {number} is {name}"


@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_each_chapter_names_the_glossary(path):
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert any("(GLOSSARY.md)" in text for text in texts)
