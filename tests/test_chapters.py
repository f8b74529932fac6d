"""The tool that runs, stores and publishes chapters, on two tiny chapters of the test's own."""

import base64
import io
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import stored
from bs4 import BeautifulSoup
from PIL import Image

import aelib
from tools import chapters

SETUP = """REPOSITORY = "https://example.org/old"
VERSION = "main"
from aelib import course
course.start(seed=0)"""
GOOD = [
    SETUP,
    'print(course.budget(lecture="long", quick="short"))',
    'course.check("two is more", 2.0, above=1, main=True)',
]
BAD = [SETUP, 'course.check("holds", 0.5, below=1)', 'course.check("no", 2.0, below=1)', 'print("never")']


def write(path, sources, **tags):
    cells = [nbformat.v4.new_code_cell(source, metadata={"collapsed": True}) for source in sources]
    for index, names in tags.items():
        cells[int(index[1:])].metadata["tags"] = names
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python", "version": "3.99"}}), path
    )
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with two chapters, the first of which fails, in a path with a space in it."""
    root = tmp_path / "my course"
    (root / "notebooks").mkdir(parents=True)
    for name, value in (("ROOT", root), ("NOTEBOOKS", root / "notebooks"), ("BUILD", root / "build")):
        monkeypatch.setattr(chapters, name, value)
    (root / "notebooks" / "ERRATA.md").write_text("# Errata")
    write(root / "notebooks" / "01_bad.ipynb", BAD)
    write(root / "notebooks" / "02_good.ipynb", GOOD, _1=["solution"])
    return root


def test_run_names_the_chapter_that_fails_and_runs_the_others(folder, capsys):
    assert not chapters.run()
    table = capsys.readouterr().out
    lines = [line.split() for line in table.splitlines()]
    assert any(line[:1] == ["01_bad"] and line[-3:] == ["1", "of", "2"] for line in lines)
    assert any(line[:1] == ["02_good"] and line[-3:] == ["1", "of", "1"] for line in lines)
    assert "FAILED: cell 3 raised CheckFailed: ✗ no: 2.000, but below 1.000 was expected (quick profile)" in table
    assert "two is more" in table and "2.0000" in table and "holds" not in table
    assert table.index("01_bad  ") < table.index("02_good  ") and "2 at a time" in table
    page = (folder / "build" / "02_good.html").read_text(encoding="utf-8")
    assert "short" in page and "cdnjs" not in page
    (script,) = re.findall(r'src="(.*/tex-svg-full.js)"', page)
    assert (folder / "build" / script).exists()
    assert "CheckFailed" in (folder / "build" / "01_bad.html").read_text(encoding="utf-8")


def test_chapters_run_side_by_side_with_a_thread_each(folder, capsys, monkeypatch):
    """Each waits for a file that the other one writes."""
    monkeypatch.setattr(chapters.joblib, "cpu_count", lambda: 2)
    wait = (
        "import os, pathlib, time\npathlib.Path({!r}).touch()\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.01)"
    )
    threads = "assert {os.environ[name] for name in ('TF_NUM_INTRAOP_THREADS', 'OMP_NUM_THREADS')} == {'1'}"
    write(folder / "notebooks" / "01_bad.ipynb", [wait.format("a", "b"), threads])
    write(folder / "notebooks" / "02_good.ipynb", [wait.format("b", "a"), threads])
    assert chapters.run(), capsys.readouterr().out


def test_checks_that_fail_on_other_data_are_listed(monkeypatch):
    row = {"main": False, "value": [2.0, 3.0], "above": 1.0, "below": None}
    checks = [row | {"claim": claim, "passed": passed} for claim, passed in (("yes", True), ("no", False), ("-", None))]
    result = {"chapter": "01_bad", "seconds": 1.0, "checks": checks, "failure": None}
    monkeypatch.setenv("AELIB_DATA", "elsewhere")
    lines = [line.split() for line in chapters.table([result]).splitlines()]
    assert lines[2:4] == [["01_bad", "1.0", "1", "of", "2"], ["✗", "no", "2.0000"]]
    assert lines[4][:2] == ["data:", "elsewhere;"] and len(lines) == 5


def test_a_cell_that_hangs_is_named(folder, capsys, monkeypatch):
    monkeypatch.setitem(chapters.SECONDS, "quick", 1)
    write(folder / "notebooks" / "01_bad.ipynb", ["print('still here')", "import time\nwhile True: time.sleep(1)"])
    assert not chapters.run("01")
    assert "FAILED: cell 2 had not ended after 1 seconds" in capsys.readouterr().out


def test_a_copy_that_was_interrupted_is_made_anew(tmp_path, monkeypatch):
    def half(source, target):
        target.mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(chapters.shutil, "copytree", half)
        chapters._copy(chapters.SITE / "mathjax", tmp_path / "build" / "mathjax3")
    assert not list((tmp_path / "build").iterdir())
    chapters._copy(chapters.SITE / "mathjax", tmp_path / "build" / "mathjax3")
    assert (tmp_path / "build" / "mathjax3" / "tex-svg-full.js").exists()


def test_a_stream_without_the_signs_gets_others():
    code = """import sys
from tools import chapters
chapters.find = lambda number: print("a ✗") or sys.exit()
chapters.main(["run"])"""
    environment = os.environ | {"PYTHONIOENCODING": "cp1252:strict"}
    done = subprocess.run([sys.executable, "-c", code], cwd=chapters.ROOT, env=environment, capture_output=True)
    assert done.stdout.split() == [b"a", b"?"], done.stderr


def test_a_kernel_that_dies_is_named(folder, capsys):
    write(folder / "notebooks" / "01_bad.ipynb", ["print('still here')", "import os; os._exit(1)"])
    assert not chapters.run("01")
    assert "FAILED: cell 2: the kernel died" in capsys.readouterr().out


def test_outputs_are_stored_normalised_and_a_failure_leaves_the_file_alone(folder, capsys):
    before = write(folder / "notebooks" / "01_bad.ipynb", ["1 / 0"]).read_bytes()
    assert not chapters.outputs()
    assert (folder / "notebooks" / "01_bad.ipynb").read_bytes() == before
    assert (
        "01_bad.ipynb is left as it was: cell 1 raised ZeroDivisionError: division by zero" in capsys.readouterr().out
    )
    notebook = nbformat.read(folder / "notebooks" / "02_good.ipynb", as_version=4)
    assert notebook.cells[1].outputs[0].text == "long\n"
    assert notebook.metadata.language_info == {"name": "python"}
    assert notebook.metadata.aelib.profile == "lecture"
    assert notebook.metadata.aelib.code == chapters.fingerprint(notebook)
    assert [row["claim"] for row in notebook.metadata.aelib.checks] == ["two is more"]
    assert [*notebook.metadata.aelib.sources] == ["aelib/course.py", "aelib/data.py", "aelib/plots.py"]
    assert chapters.changed(notebook) == []
    assert all("collapsed" not in cell.metadata for cell in notebook.cells)
    assert len(notebook.cells) == len(GOOD) and not list(folder.rglob("*.half"))


def test_what_the_outputs_depend_on_may_be_accepted(folder, capsys):
    path = folder / "notebooks" / "02_good.ipynb"
    notebook = nbformat.read(path, as_version=4)
    used = chapters.sources(notebook)
    record = {"code": chapters.fingerprint(notebook), "sources": used | {"aelib/course.py": "before a change"}}
    chapters.write(chapters.normalise(notebook, record), path)
    assert chapters.changed(notebook) == ["aelib/course.py"]
    assert chapters.accept("02")
    assert "02_good.ipynb: accepted\naelib/course.py" in capsys.readouterr().out
    notebook = nbformat.read(path, as_version=4)
    assert chapters.changed(notebook) == [] and notebook.metadata.aelib.sources == used
    notebook.cells[1].source += "\nprint()"
    chapters.write(notebook, path)
    with pytest.raises(SystemExit, match="its own cells was edited: run `make outputs CHAPTER=02`"):
        chapters.accept("02")


def picture(pixels):
    """A cell's output with these pixels, and the bytes of its PNG file."""
    file = io.BytesIO()
    plt.imsave(file, pixels)
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "a figure"}
    return nbformat.v4.new_output("display_data", data), file.getvalue()


def test_stored_pictures_have_a_palette_and_look_the_same():
    grays = np.random.default_rng(0).permutation(np.repeat(np.arange(256, dtype=np.uint8), 64)).reshape(128, 128, 1)
    pixels = np.repeat(grays, 3, axis=2)
    drawn, png = picture(pixels)
    cell = nbformat.v4.new_code_cell("", outputs=[drawn])
    (output,) = chapters.normalise(nbformat.v4.new_notebook(cells=[cell]), {}).cells[0].outputs
    stored = base64.b64decode(output.data["image/png"])
    assert len(stored) < len(png) and output.data["text/plain"] == "a figure"
    image = Image.open(io.BytesIO(stored))
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image.convert("RGB")), pixels)


def with_a_picture(lines):
    png, _ = picture(np.zeros((2, 2)))
    source = "\n".join(f"x = {i}" for i in range(lines))
    alt = {"mystnb": {"image": {"alt": 'Bars, "a" < b'}}, "slideshow": {"slide_type": "fragment"}}
    cell = nbformat.v4.new_code_cell(source, outputs=[png], metadata=alt)
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T"), cell])


def test_a_page_says_what_its_picture_shows_and_needs_no_network(folder):
    chapters.BUILD.mkdir()
    notebook = chapters.normalise(with_a_picture(2), {})
    badge = "![Open in Colab](https://colab.research.google.com/assets/badge.svg)"
    notebook.cells[0].source = f"[{badge}](https://example.org)"
    chapters.write_page(notebook, "page")
    page = BeautifulSoup((folder / "build" / "page.html").read_text(encoding="utf-8"), "html.parser")
    assert [picture["alt"] for picture in page.find_all("img")] == ['Bars, "a" < b']
    assert not page.find("details")
    assert page.find("a", href="https://example.org").text == "Open in Colab"


def test_a_picture_after_long_code_gets_a_slide_of_its_own():
    for lines, apart in ((15, False), (16, True)):
        cells = chapters.pictures_apart(with_a_picture(lines)).cells
        assert len(cells) == 2 + apart and not apart == bool(cells[1].outputs)
        if apart:
            assert cells[2].metadata.slideshow.slide_type == "subslide" and cells[2].metadata.mystnb.image.alt
            assert cells[1].metadata.slideshow.slide_type == "fragment"


def test_long_code_goes_on_on_other_slides():
    assert len(chapters.code_in_parts(with_a_picture(28)).cells) == 2
    first, second, third = chapters.code_in_parts(with_a_picture(70)).cells[1:]
    assert [len(cell.source.split("\n")) for cell in (first, second, third)] == [28, 28, 14]
    assert [bool(cell.outputs) for cell in (first, second, third)] == [False, False, True]
    assert [cell.metadata.slideshow.slide_type for cell in (first, second, third)] == ["fragment", *2 * ["subslide"]]
    notebook = with_a_picture(40)
    notebook.cells[1].source = notebook.cells[1].source.replace("x = 20\n", "\n")
    assert [cell.source.split("\n")[0] for cell in chapters.code_in_parts(notebook).cells[1:]] == ["x = 0", "x = 21"]
    notebook = with_a_picture(40)
    notebook.cells[1].metadata.slideshow.slide_type = "skip"
    assert len(chapters.code_in_parts(notebook).cells) == 2


def folded(tag=None):
    """A chapter of a cell that is folded, a further one, and one that is neither."""
    cells = [nbformat.v4.new_code_cell(f"cell = {i}") for i in range(3)]
    cells[0].metadata["jupyter"] = {"source_hidden": True}
    cells[0].metadata["tags"] = [tag] if tag else []
    cells[1].metadata["tags"] = ["further"]
    return nbformat.v4.new_notebook(cells=cells)


def test_folded_code_is_folded_on_pages_and_on_the_site_and_not_on_slides(folder):
    chapters.BUILD.mkdir()
    chapters.write_page(folded(), "page")
    page = BeautifulSoup((folder / "build" / "page.html").read_text(encoding="utf-8"), "html.parser")
    assert [" ".join(fold.pre.text.split()) for fold in page.find_all("details")] == ["cell = 0"]
    for tag, hidden in ((None, "hide-input"), ("setup", "hide-input"), ("checks", "hide-cell")):
        cells = nbformat.reads(chapters.with_folds(nbformat.writes(folded(tag))), as_version=4).cells
        assert [cell.metadata.get("tags", []) for cell in cells] == [[*filter(None, [tag]), hidden], ["further"], []]
        deck = chapters.without_folded_code(folded(tag)).cells
        assert [cell.metadata.get("transient", {}).get("remove_source", False) for cell in deck] == [True, False, False]


def test_the_core_has_no_further_sections():
    assert [cell.source for cell in chapters.core(folded()).cells] == ["cell = 0", "cell = 2"]


def test_the_students_edition_has_no_solutions_and_no_outputs(folder):
    assert chapters.exercises("02")
    notebook = nbformat.read(folder / "build" / "exercises" / "02_good.ipynb", as_version=4)
    assert [cell.source for cell in notebook.cells] == [GOOD[0], GOOD[2]]
    assert not any(cell.outputs for cell in notebook.cells)


@pytest.fixture
def project(folder):
    """The project's files that have the address or the version, and one chapter with both."""
    (folder / "pyproject.toml").write_text('[project.urls]\nRepository = "https://example.org/old"\n')
    (folder / "CITATION.cff").write_text("title: t\nrepository-code: https://example.org/old\nversion: 1\n")
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- A thing.\n")
    (folder / "aelib").mkdir()
    (folder / "aelib" / "__init__.py").write_text('__version__ = "0.0.1"\n')
    (folder / "notebooks" / "01_bad.ipynb").unlink()
    path = folder / "notebooks" / "02_good.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(f"[x]({chapters.COLAB}a/b/blob/main/notebooks/n.ipynb)"))
    notebook.metadata["aelib"] = {"code": chapters.fingerprint(notebook)}
    nbformat.write(notebook, path)
    return folder


def test_one_command_rewrites_the_address(project):
    assert chapters.address("https://github.com/me/mine/", "v2")
    notebook = nbformat.read(project / "notebooks" / "02_good.ipynb", as_version=4)
    assert f"{chapters.COLAB}me/mine/blob/v2/notebooks/02_good.ipynb)" in notebook.cells[0].source
    assert 'REPOSITORY = "https://github.com/me/mine"\nVERSION = "v2"\n' in notebook.cells[1].source
    assert notebook.metadata.aelib.code == chapters.fingerprint(notebook)
    assert (project / "pyproject.toml").read_text() == '[project.urls]\nRepository = "https://github.com/me/mine"\n'
    cited = (project / "CITATION.cff").read_text()
    assert cited == "title: t\nrepository-code: https://github.com/me/mine\nversion: 1\n"


@pytest.mark.parametrize(
    "remote",
    ["https://github.com/me/mine.git", "https://me:secret@github.com/me/mine", "git@github.com:me/mine.git"],
)
def test_the_address_is_by_default_that_of_the_remote(project, remote):
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    with pytest.raises(SystemExit, match=r"no remote origin .*make address URL="):
        chapters.address()
    subprocess.run(["git", "-C", str(project), "remote", "add", "origin", remote], check=True)
    assert chapters.address()
    setup = nbformat.read(project / "notebooks" / "02_good.ipynb", as_version=4).cells[1].source
    assert setup.startswith('REPOSITORY = "https://github.com/me/mine"\nVERSION = "main"\n')


def test_a_release_makes_the_chapters_fetch_its_tag(project, capsys):
    assert chapters.release("v1.2.3")
    setup = nbformat.read(project / "notebooks" / "02_good.ipynb", as_version=4).cells[1].source
    assert setup.startswith('REPOSITORY = "https://example.org/old"\nVERSION = "v1.2.3"\n')
    assert (project / "aelib" / "__init__.py").read_text() == '__version__ = "1.2.3"\n'
    assert "\nversion: 1.2.3\n" in (project / "CITATION.cff").read_text()
    assert "\n## 1.2.3, 2" in (project / "CHANGELOG.md").read_text() and "git tag v1.2.3" in capsys.readouterr().out
    for version, found in (
        ("1.2.4", "a version is written v1.2.3; got '1.2.4'"),
        ("v1.2.4", "no part `## Unreleased`"),
    ):
        with pytest.raises(SystemExit, match=found):
            chapters.release(version)


def test_the_citation_has_the_version_and_the_address():
    citation = (chapters.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((chapters.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {aelib.__version__}\n" in citation
    assert f"\nrepository-code: {project['urls']['Repository']}\n" in citation


def test_an_unknown_chapter_lists_those_that_exist(folder):
    with pytest.raises(SystemExit, match=r"no chapter 77 in .*; there are \['01', '02'\]"):
        chapters.find("77")


@pytest.fixture
def stand_in(tmp_path):
    """A repository with nothing in it but a stand-in for the library."""
    source = tmp_path / "source"
    (source / "aelib").mkdir(parents=True)
    (source / "notebooks").mkdir()
    for name, content in (("__init__", ""), ("data", ""), ("course", "def start(seed): pass")):
        (source / "aelib" / f"{name}.py").write_text(content)
    git = ["git", "-C", str(source), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    return source


SETUPS = {path.stem: stored.code_cells(nbformat.read(path, as_version=4))[0].source for path in chapters.find()}


def library(setup, folder):
    """Where a setup cell finds the library, opened in this folder on a machine where it is not installed."""
    hide = "import sys\nsys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder)]\n"
    forget = f"sys.path = [entry for entry in sys.path if entry not in ('', {str(chapters.ROOT)!r})]\n"
    code = hide + forget + setup + "\nimport aelib, pathlib\nprint(pathlib.Path(aelib.__file__).resolve().as_posix())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip()).parent.parent


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_the_setup_cell_finds_the_course_or_fetches_it(tmp_path, stand_in, setup):
    """A chapter's file alone in an empty folder, as Colab opens it; and in a clone, at the root and in notebooks/."""
    one_line = 'REPOSITORY, VERSION = "{}", "main"'  # as some chapters still have it
    lines = {"REPOSITORY = ": f'REPOSITORY = "{stand_in.as_uri()}"', "VERSION = ": 'VERSION = "main"'}
    lines["REPOSITORY, VERSION = "] = one_line.format(stand_in.as_uri())
    for start, line in lines.items():
        setup = re.sub(f"^{start}.*$", lambda _, line=line: line, setup, flags=re.MULTILINE)
    empty = tmp_path / "an empty folder"
    empty.mkdir()
    for _ in range(2):  # the second time finds the folder that the first has made
        assert library(setup, empty) == (empty / "autoencoders").resolve()
    if "REPOSITORY, " not in setup:
        for folder in (stand_in, stand_in / "notebooks"):
            assert library(setup, folder) == stand_in.resolve()


def test_the_setup_cell_is_the_same_in_all_chapters():
    setups = {re.sub("seed=.*", "", setup) for setup in SETUPS.values() if "REPOSITORY, " not in setup}
    assert len(setups) <= 1
