"""The chapters' faults, as `harness` tries them, on a small chapter of the test's own."""

import keras
import nbformat
import numpy as np
import pytest
from harness import Chapter, ChapterFault

from aelib import course
from tools import chapters

CELLS = [
    ("# A title", False),
    ("import numpy as np\nfrom aelib.course import check\n\nrng, seen = np.random.default_rng(0), []", False),
    ("a = 1\nfirst = rng.random()", False),
    ("b = 2 * a\nseen.append(b)", False),
    ('check("b is two", b, above=1.5, below=2.5)\ncheck("the first draw", first, above=0.6, below=0.7)', False),
    ("## Nobody's", False),
    ("0 / 0", False),
    ("## Further: nobody's", True),
    ("1 / 0", True),
    ("## Further: alone", True),
    ("c = a + 1", True),
    ('seen.append("between")', True),
    ('check("c is two", c, above=1.5)\nseen.append(c)', True),
]
AFTER = ChapterFault("one too many", "a = 1", "a = 1; rng.random()", "the first draw")
FIRST = ChapterFault("another number", "a = 1", "a = 5", "b is two")
LATER = ChapterFault("no factor", "b = 2 * a", "b = a", "b is two")
ALONE = ChapterFault("a small sum", "c = a + 1", "c = a", "c is two", alone=True)


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Makes a chapter of some of the cells, some of them replaced."""
    course.start(seed=0)

    def make(faults, without=None, **replaced):
        cells = []
        for source, further in CELLS:
            new = nbformat.v4.new_markdown_cell if source.startswith("#") else nbformat.v4.new_code_cell
            source = replaced.get(source.split(" ")[0], source)
            cells.append(new(source, metadata={"tags": ["further"]} if further else {}))
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "77_small.ipynb")
        monkeypatch.setattr(chapters, "NOTEBOOKS", tmp_path)
        return Chapter("77", faults, without or ["## Nobody's"])

    return make


@pytest.mark.parametrize("faults", [[AFTER, FIRST, LATER, ALONE], [ALONE, LATER, AFTER, LATER], [FIRST]])
def test_faults_go_red_in_any_order_and_the_chapter_is_as_without_them(chapter, faults):
    run = chapter([FIRST, ALONE])
    for fault in faults:
        run.goes_red(fault)
    run.finish()
    assert run.scope["b"] == 2 and 0.6 < run.scope["first"] < 0.7


def test_networks_get_their_weights_back(chapter):
    run = chapter([LATER])
    run.advance(2)
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    net.compile("adam", "mse", run_eagerly=True)
    net.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
    run.scope["nets"] = {"one": [net]}
    before = [np.array(weight) for weight in (*net.variables, *net.optimizer.variables)]
    train = "b = a; nets['one'][0].train_on_batch(np.ones((1, 1)), np.zeros((1, 1)))"
    run.goes_red(ChapterFault("no factor", "b = 2 * a", train, "b is two"))
    for weight, value in zip((*net.variables, *net.optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_fault_that_runs_alone_leaves_out_what_is_between(chapter):
    run = chapter([ALONE])
    run.goes_red(ALONE)
    assert run.scope["seen"] == [2, "between", 2] and run.reached == 6
    run.finish()
    assert run.scope["seen"] == [2, "between", 2, 2] and run.reached == 7


def test_a_check_that_fails_without_the_fault_is_told(chapter):
    run = chapter([LATER], b="b = 7 * a")
    run.goes_red(ChapterFault("no factor", "b = 7 * a", "b = a", "b is two"))
    with pytest.raises(course.CheckFailed, match="✗ b is two: 7"):
        run.finish()
    run = chapter([ALONE], c="c = a")
    with pytest.raises(AssertionError, match="fails without the fault"):
        run.goes_red(ChapterFault("nothing", "c = a", "c = 1", "c is two", alone=True))


@pytest.mark.parametrize(
    ("new", "claim", "match"),
    [
        ("b = 2 * a + 0", "b is two", "expected a failing check, got"),
        ("b = nothing", "b is two", "NameError"),
        ("b = a", "the first draw", "another check fails: ✗ b is two"),
    ],
)
def test_a_fault_that_is_not_found_is_told(chapter, new, claim, match):
    with pytest.raises(AssertionError, match=match):
        chapter([LATER]).goes_red(ChapterFault("", "b = 2 * a", new, claim))


def test_a_section_that_cannot_be_left_out_is_told(chapter):
    with pytest.raises(AssertionError, match="a fault is in # A title"):
        chapter([LATER], ["# A title"])
    with pytest.raises(AssertionError, match=r"no such section: \{'## Nowhere'\}"):
        chapter([LATER], ["## Nowhere"])


@pytest.mark.parametrize(("old", "claim"), [("b = 3", "b is two"), ("b = 2", "b is"), ("seen", "b is two")])
def test_a_patch_that_does_not_fit_is_told(chapter, old, claim):
    with pytest.raises(AssertionError, match="cells of code hold once"):
        chapter([LATER]).goes_red(ChapterFault("", old, "", claim))
