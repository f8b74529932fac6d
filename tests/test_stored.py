import nbformat
import pytest
import stored

from tools import chapters


@pytest.mark.parametrize("rule", stored.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_stored_chapter(path, rule):
    rule(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_stored_chapter_is_small(path):
    assert path.stat().st_size < 2**20
