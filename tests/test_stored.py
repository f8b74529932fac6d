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
