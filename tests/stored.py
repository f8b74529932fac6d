"""What every stored chapter must be: RULES take a notebook and raise AssertionError where it is not so."""

import builtins
import itertools
import re
import symtable

from tools import chapters

MACHINE = re.compile(r"/home/|/root/|/Users/|/tmp/|/content/|[A-Z]:\\\\|0x[0-9a-f]{6,}|site-packages")
COLUMNS = 88  # of a line of code: what a page and a slide show without scrolling
CORE = 50  # cells of the part that is shown live
LOG = re.compile(r"Warning|WARNING|Epoch \d+/|ms/step|(epoch|it|batch)/s\]|\[IPKernelApp\]|^[IWE]0000", re.MULTILINE)


CHECK = re.compile(r"^\s*check\(", re.MULTILINE)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def has_core(notebook):
    """Whether the chapter is divided into a core and further sections; rules that are about this ask it first."""
    return any("further" in tags(cell) for cell in notebook.cells)


def sections(notebook):
    """Lists of cells: each begins with a heading of the second or third level, the first one with the title."""
    parts = [[]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.match("###? ", cell.source):
            parts.append([])
        parts[-1].append(cell)
    return parts


def texts(notebook):
    """All the text that the outputs of the notebook show."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            yield "".join(output.get("text", "")) + "".join(map(str, output.get("data", {}).get("text/plain", "")))


def outputs_are_of_this_code(notebook):
    assert notebook.metadata.aelib.code == chapters.fingerprint(notebook), (
        "the code was edited after its outputs were stored: run `make outputs CHAPTER=NN`"
    )


def outputs_are_of_these_sources(notebook):
    if has_core(notebook):
        changed = ", ".join(chapters.changed(notebook))
        assert not changed, (
            f"changed since the outputs were stored: {changed}. Run `make outputs CHAPTER=NN` or, where that cannot "
            "change an output, `python -m tools.chapters accept NN`"
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
    assert not re.search("^– .* profile", shown, re.MULTILINE), "a check that was not judged"
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
    marked = [tag for cell in code_cells(notebook) for tag in tags(cell)]
    assert marked.count("exercise") >= 3 and marked.count("solution") == marked.count("exercise")
    for cell in code_cells(notebook):
        if "exercise" in tags(cell):
            assert "no answer yet" in cell.outputs[-1].text
        if "solution" in tags(cell):
            assert "right." in cell.outputs[-1].text


def set_up_comes_first(notebook):
    setup = code_cells(notebook)[0]
    assert "setup" in tags(setup), "the first cell of code makes `import aelib` work, and is tagged so"
    assert "pip" not in setup.source, "the setup cell installs nothing"
    project = (chapters.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    address = re.search(r'^Repository = "(.*)"$', project, re.MULTILINE)[1]
    assert re.search(f'^REPOSITORY(, VERSION)? = "{re.escape(address)}"', setup.source, re.MULTILINE), (
        "run `make address`"
    )


def lines_of_code_fit(notebook):
    if has_core(notebook):
        lines = [line for cell in code_cells(notebook) for line in cell.source.splitlines()]
        long = [line for line in lines if len(line) > COLUMNS]
        assert not long, f"lines of code with more than {COLUMNS} columns: {long}"


def the_core_is_short_and_comes_first(notebook):
    if not has_core(notebook):
        return
    n_core = sum("further" not in tags(cell) for cell in notebook.cells)
    assert n_core <= CORE, f"{n_core} cells without the tag further; at most {CORE} are shown live"
    cells = [cell for cell in notebook.cells if not tags(cell) & {"exercise", "solution"}]  # these may be anywhere
    further = ["further" in tags(cell) for cell in cells]
    assert further == sorted(further), "the core goes on after a cell tagged further"
    summary = [index for index, cell in enumerate(cells) if re.match("##+ Summary", cell.source)]
    assert summary and not any(further[: summary[0]]), "the sections tagged further come after the summary"


def further_sections_stand_alone(notebook):
    """What a section tagged `further` names is defined in it, or in the core; what the core names, in the core."""
    if not has_core(notebook):
        return
    core = [cell for cell in code_cells(notebook) if not tags(cell) & {"further", "solution"}]
    defined, used = names(core)
    unknown = used - defined - set(dir(builtins))
    assert not unknown, f"the core uses names that it does not define: {sorted(unknown)}"
    for section in sections(notebook):
        title, cells = section[0], [cell for cell in section if cell.cell_type == "code"]
        if "further" in tags(title) and "solution" not in tags(title):
            own, used = names(cells)
            unknown = used - own - defined - set(dir(builtins))
            heading = title.source.splitlines()[0]
            assert not unknown, f"{heading!r} uses names of another section that is not in the core: {sorted(unknown)}"


def no_level_of_headings_is_left_out(notebook):
    """MyST warns where one is, and `make site` fails on warnings."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    headings = re.findall(r"^(#+) (.*)", "\n".join(texts), re.MULTILINE)
    for (above, _), (level, text) in itertools.pairwise(headings):
        assert len(level) <= len(above) + 1, f"{level} {text}: a heading of level {len(above) + 1} comes first"


def names(cells):
    """Names that the cells define, and those that they use, of the notebook's own and built-in ones."""
    defined, used = set(), set()

    def collect(table, top):
        for symbol in table.get_symbols():
            if top and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()):
                defined.add(symbol.get_name())
            elif symbol.is_declared_global() and symbol.is_assigned():
                defined.add(symbol.get_name())
            if symbol.is_referenced() and (top or symbol.is_global()):
                used.add(symbol.get_name())
        for child in table.get_children():
            collect(child, False)

    for cell in cells:
        collect(symtable.symtable(cell.source, cell.id, "exec"), True)
    return defined, used


def checks_are_one_folded_cell_a_section(notebook):
    if not has_core(notebook):
        return
    for section in sections(notebook):
        cells = [cell for cell in section if "checks" in tags(cell)]
        assert len(cells) <= 1, f"{section[0].source.splitlines()[0]!r} has {len(cells)} cells tagged checks"
        for cell in cells:
            assert cell.source.startswith("# @title Checks\n"), f"{cell.id}: the first line is not `# @title Checks`"
            assert cell.metadata.slideshow.slide_type == "skip", f"{cell.id}: checks are not for the slides"
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), f"{cell.id} is not folded in JupyterLab"
            assert cell.metadata.get("cellView") == "form", f"{cell.id} is not folded in Colab"
    loose = [cell.id for cell in code_cells(notebook) if "checks" not in tags(cell) and CHECK.search(cell.source)]
    assert not loose, f"cells with a check and without the tag checks: {loose}"


RULES = [
    outputs_are_of_this_code,
    outputs_are_of_these_sources,
    cells_were_run_top_to_bottom,
    outputs_are_clean,
    figures_are_the_lectures,
    every_cell_has_a_slide_type,
    every_picture_has_a_description,
    metadata_is_normalised,
    exercises_are_there,
    set_up_comes_first,
    lines_of_code_fit,
    the_core_is_short_and_comes_first,
    further_sections_stand_alone,
    no_level_of_headings_is_left_out,
    checks_are_one_folded_cell_a_section,
]
