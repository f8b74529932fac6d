"""Every stored chapter is what `stored.RULES` ask for; spoilt chapters are not."""

import nbformat
import pytest
import stored
from harness import StoredFault, each

from tools import chapters


@pytest.mark.parametrize("rule", stored.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_stored_chapter(path, rule):
    rule(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_stored_chapter_is_small(path):
    assert path.stat().st_size < 2**20


def _outline():
    """A small chapter with a core and two further sections."""
    folded = {"tags": ["checks"], "slideshow": {"slide_type": "skip"}, "cellView": "form"}
    folded["jupyter"] = {"source_hidden": True}
    further = {"tags": ["further"]}
    rows = [
        ("# Title", {}),
        ("import numpy as np\n\ndef mean(x):\n    return sum(x) / len(x)", {"tags": ["setup"]}),
        ("## Section", {}),
        ("x = np.ones(3)\ny = [row for row in x]", {}),
        ('# @title Checks\ncheck("one", mean(x))', folded),
        ("### Part", {}),
        ('# @title Checks\ncheck("two", mean(y))', folded),
        ("def answer(x): ...", {"tags": ["exercise", "further"]}),
        ("## Summary", {}),
        ("## Further", further),
        ("### First", further),
        ("z = mean(x)\nw = lambda a: a + z", further),
        ('# @title Checks\ncheck("three", w(z))', folded | {"tags": ["checks", "further"]}),
        ("### Second", further),
        ("def g(a):\n    return mean(a)\n\ng(y)", further),
        ("## Solutions", {"tags": ["further", "solution"]}),
        ("answer = w", {"tags": ["further", "solution"]}),
    ]
    cells = []
    for source, metadata in rows:
        new = nbformat.v4.new_markdown_cell if source.startswith(("# T", "##")) else nbformat.v4.new_code_cell
        cells.append(new(source, metadata=nbformat.from_dict(metadata)))
    cells[1].source += "\n\nfrom aelib.course import check"
    return nbformat.v4.new_notebook(cells=cells)


def _source(index, source):
    return lambda notebook: notebook.cells[index].update(source=source)


def _metadata(index, **metadata):
    return lambda notebook: notebook.cells[index].metadata.update(nbformat.from_dict(metadata))


def _longer(notebook):
    notebook.cells[3:3] = [nbformat.v4.new_markdown_cell("text") for _ in range(stored.CORE)]


OUTLINE = [
    (stored.lines_of_code_fit, _source(3, "x = " + "1 + " * 21 + "10")),
    (stored.the_core_is_short_and_comes_first, _longer),
    (stored.the_core_is_short_and_comes_first, _metadata(3, tags=["further"])),
    (stored.the_core_is_short_and_comes_first, _metadata(14, tags=[])),
    (stored.the_core_is_short_and_comes_first, _source(8, "## Conclusion")),
    (stored.further_sections_stand_alone, _source(14, "g = w")),  # of the first section
    (stored.further_sections_stand_alone, _source(14, "def g(a):\n    return a + z")),
    (stored.further_sections_stand_alone, _source(14, "def g(a):\n    return [z for _ in a]")),
    (stored.further_sections_stand_alone, _source(3, "x = np.ones(3)\ny = lambda: w(x)")),  # the core uses it
    (stored.further_sections_stand_alone, _source(3, "y = [1, 2]")),  # defined nowhere
    (stored.no_level_of_headings_is_left_out, _source(2, "### Section")),
    (stored.checks_are_one_folded_cell_a_section, _source(5, "text")),
    (stored.checks_are_one_folded_cell_a_section, _source(4, 'check("one", mean(x))')),
    (stored.checks_are_one_folded_cell_a_section, _source(3, 'check("one", 1)')),
    (stored.checks_are_one_folded_cell_a_section, _metadata(4, slideshow={"slide_type": "fragment"})),
    (stored.checks_are_one_folded_cell_a_section, _metadata(4, jupyter={})),
    (stored.checks_are_one_folded_cell_a_section, _metadata(4, cellView="code")),
]


@pytest.mark.parametrize(("rule", "spoil"), OUTLINE)
def test_a_chapter_with_another_outline_goes_red(rule, spoil):
    notebook = _outline()
    rule(notebook)
    spoil(notebook)
    with pytest.raises(AssertionError):
        rule(notebook)


def test_sources_that_changed_are_named(monkeypatch):
    notebook = _outline()
    monkeypatch.setattr(chapters, "changed", lambda _: ["aelib/noise.py"])
    with pytest.raises(AssertionError, match=r"changed since .* stored: aelib/noise.py. Run `make outputs"):
        stored.outputs_are_of_these_sources(notebook)


def _edit_code(notebook):
    stored.code_cells(notebook)[5].source += "\nprint('later')"


def _add_output(**output):
    def spoil(notebook):
        stored.code_cells(notebook)[5].outputs.append(nbformat.v4.new_output(**output))

    return spoil


def _drop_a_check(notebook):
    notebook.metadata.aelib.checks.pop()


def _miss_a_bound(notebook):
    row = next(row for row in notebook.metadata.aelib.checks if row["below"] is not None)
    row["value"] = [row["value"][0], row["below"] * 2]


def _a_picture(notebook):
    return next(cell for cell in notebook.cells if "mystnb" in cell.metadata)


FAULTS = [
    StoredFault("code edited after its outputs were stored", _edit_code, stored.outputs_are_of_this_code),
    StoredFault(
        "a stored error",
        _add_output(output_type="error", ename="ValueError", evalue="no", traceback=[]),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored stderr",
        _add_output(output_type="stream", name="stderr", text="epochs: 100%"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored warning",
        _add_output(output_type="stream", name="stdout", text="UserWarning: the structure"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored training log",
        _add_output(output_type="stream", name="stdout", text="Epoch 1/5\n 3s 12ms/step - loss: 0.1"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a stored progress bar",
        _add_output(output_type="display_data", data={"text/plain": "0epoch [00:00, ?epoch/s]"}),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "a path of somebody's machine",
        _add_output(output_type="stream", name="stdout", text="saved to /home/somebody/model.keras"),
        stored.outputs_are_clean,
    ),
    StoredFault(
        "cells run in another order",
        lambda notebook: stored.code_cells(notebook)[3].update(execution_count=40),
        stored.cells_were_run_top_to_bottom,
    ),
    StoredFault(
        "a cell that was not run",
        lambda notebook: stored.code_cells(notebook)[3].update(execution_count=None),
        stored.cells_were_run_top_to_bottom,
    ),
    StoredFault(
        "outputs of the quick profile",
        lambda notebook: notebook.metadata.aelib.update(profile="quick"),
        stored.figures_are_the_lectures,
    ),
    StoredFault("a figure that misses its bound", _miss_a_bound, stored.figures_are_the_lectures),
    StoredFault("a check that was not recorded", _drop_a_check, stored.figures_are_the_lectures),
    StoredFault(
        "a check that was not judged",
        _add_output(output_type="stream", name="stdout", text="– a claim: 0.5 (judged in the lecture profile)"),
        stored.figures_are_the_lectures,
    ),
    StoredFault(
        "an address that is not the project's",
        lambda notebook: stored.code_cells(notebook)[0].update(source='REPOSITORY = "https://example.org"'),
        stored.set_up_comes_first,
    ),
    StoredFault(
        "a cell of code before the setup cell",
        lambda notebook: notebook.cells.insert(1, nbformat.v4.new_code_cell("import aelib")),
        stored.set_up_comes_first,
    ),
    StoredFault(
        "a cell without a slide type",
        lambda notebook: notebook.cells[3].metadata.pop("slideshow"),
        stored.every_cell_has_a_slide_type,
    ),
    StoredFault(
        "a picture without a description",
        lambda notebook: _a_picture(notebook).metadata.pop("mystnb"),
        stored.every_picture_has_a_description,
    ),
    StoredFault(
        "a description that says nothing",
        lambda notebook: _a_picture(notebook).metadata.mystnb.image.update(alt="png"),
        stored.every_picture_has_a_description,
    ),
    StoredFault(
        "stray metadata",
        lambda notebook: notebook.cells[3].metadata.update(collapsed=True),
        stored.metadata_is_normalised,
    ),
    StoredFault(
        "a solution that does not pass its marker",
        lambda notebook: stored.code_cells(notebook)[-1].outputs[0].update(text="Exercise 1.3: not yet."),
        stored.exercises_are_there,
    ),
]


@each(FAULTS)
def test_a_fault_in_a_stored_chapter_goes_red(fault):
    fault.goes_red()
