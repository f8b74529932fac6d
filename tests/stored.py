"""What every stored chapter must be: RULES take a notebook and raise AssertionError where it is not so."""

import re

from tools import chapters

MACHINE = re.compile(r"/home/|/root/|/Users/|/tmp/|/content/|[A-Z]:\\\\|0x[0-9a-f]{6,}|site-packages")
LOG = re.compile(r"Warning|WARNING|Epoch \d+/|ms/step|(epoch|it|batch)/s\]|\[IPKernelApp\]|^[IWE]0000", re.MULTILINE)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """All the text that the outputs of the notebook show."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            yield "".join(output.get("text", "")) + "".join(map(str, output.get("data", {}).get("text/plain", "")))


def outputs_are_of_this_code(notebook):
    assert notebook.metadata.aelib.code == chapters.fingerprint(notebook), (
        "the code was edited after its outputs were stored: run `make outputs`"
    )


def cells_were_run_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), f"execution counts are {counts}"


def outputs_are_clean(notebook):
    for cell in code_cells(notebook):
        assert not cell.source.rstrip().endswith(";"), f"nbval shows what a final ; hides: {cell.source[-60:]!r}"
        for output in cell.outputs:
            assert output.output_type != "error", f"a stored error: {output.get('evalue')}"
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {}), "a stored widget"
            assert output.get("name") != "stderr", f"a stored stderr: {output.text[:90]!r}"
    for text in texts(notebook):
        assert not LOG.search(text), f"a stored warning or log line: {text[:90]!r}"
        assert not MACHINE.search(text), f"a stored path or address of a machine: {text[:90]!r}"


def table(name):
    """The rows of a table of `notebooks/`, GLOSSARY.md for instance, without its head: a list of cells each."""
    lines = (chapters.NOTEBOOKS / name).read_text(encoding="utf-8").splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]


def figures_are_the_lectures(notebook):
    record = notebook.metadata.aelib
    assert record.profile == "lecture", f"the outputs are of the {record.profile} profile"
    assert set(record.versions) == set(chapters.PACKAGES)
    assert record.checks, "no check was recorded"
    for row in record.checks:
        low, high = row["value"]
        assert row["above"] is not None or row["below"] is not None, row
        assert row["above"] is None or low > row["above"], row
        assert row["below"] is None or high < row["below"], row
    shown = "\n".join(texts(notebook))
    assert shown.count("✓") == len(record.checks) and "✗" not in shown, "the checks shown are not those recorded"
    assert any(row["main"] for row in record.checks), "no main figure"


def every_cell_has_a_slide_type(notebook):
    missing = [cell.id for cell in notebook.cells if not cell.metadata.get("slideshow", {}).get("slide_type")]
    assert not missing, f"cells without a slide type: {missing}"


def metadata_is_normalised(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info", "aelib"}
    assert notebook.metadata.kernelspec.name == "python3" and set(notebook.metadata.language_info) == {"name"}
    assert all(set(cell.metadata) <= set(chapters.KEPT) for cell in notebook.cells)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def every_picture_has_a_description(notebook):
    drawing = [cell for cell in code_cells(notebook) if chapters.pictures(cell)]
    described = {cell.id: cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "") for cell in drawing}
    short = [name for name, alt in described.items() if len(alt.split()) < 12]
    assert not short, f"cells whose picture has no description of at least 12 words (CONTRIBUTING.md): {short}"
    assert len(set(described.values())) == len(described), "two pictures have the same description"
    wide = [cell.id for cell in drawing if len(chapters.pictures(cell)) > 1]
    assert not wide, f"cells with two pictures and one description: {wide}"


def exercises_are_there(notebook):
    tags = [tag for cell in code_cells(notebook) for tag in cell.metadata.get("tags", [])]
    assert tags.count("exercise") >= 3 and tags.count("solution") == tags.count("exercise")
    for cell in code_cells(notebook):
        if "exercise" in cell.metadata.get("tags", []):
            assert "no answer yet" in cell.outputs[-1].text
        if "solution" in cell.metadata.get("tags", []):
            assert "right." in cell.outputs[-1].text


def address_is_the_projects(notebook):
    address = re.search(r'^Repository = "(.*)"$', (chapters.ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    setup = code_cells(notebook)[0].source
    assert f'REPOSITORY, VERSION = "{address}", ' in setup, "run `make address`"
    assert "pip" not in setup, "the setup cell installs nothing"


RULES = [
    outputs_are_of_this_code,
    cells_were_run_top_to_bottom,
    outputs_are_clean,
    figures_are_the_lectures,
    every_cell_has_a_slide_type,
    every_picture_has_a_description,
    metadata_is_normalised,
    exercises_are_there,
    address_is_the_projects,
]
