"""Run, store and publish the chapters: `python -m tools.chapters --help`. It needs the `dev` extra.

Nothing here is imported by a chapter.
"""

import argparse
import base64
import datetime
import hashlib
import importlib.metadata
import importlib.resources
import io
import json
import os
import pathlib
import platform
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

import joblib
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter, SlidesExporter
from PIL import Image
from tqdm import tqdm

from tools.sources import sources

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"
SITE = ROOT / "site"
PACKAGES = ("tensorflow", "keras", "numpy", "matplotlib", "scikit-learn")
# Metadata of a cell: what its picture shows (mystnb), and whether its code is folded in JupyterLab and in Colab.
KEPT = ("slideshow", "tags", "mystnb", "jupyter", "cellView")
SECONDS = {"quick": 600, "lecture": 3600}  # after which a cell is taken to hang
MOST = 8  # chapters at a time; each takes up to two gigabytes
MATHJAX = {  # of pages, slides and site: what is wrong is to look wrong, and nothing is fetched for a menu
    "tex": {"inlineMath": [["$", "$"], ["\\(", "\\)"]], "packages": {"[-]": ["noerrors", "noundefined"]}},
    "options": {"enableMenu": False},
}
BADGE = re.compile(r"!\[([^\]]*)\]\(https://colab\.research\.google\.com/assets/[^)]*\)")
# What a picture shows, for those who do not see it: metadata of the cell that draws it, where MyST-NB looks for it too.
WITH_ALT = """{% block data_png scoped %}
{%- set alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "") | escape_html -%}
{{ super() | replace("<img ", '<img alt="' ~ alt ~ '" ', 1) }}
{%- endblock %}"""
WITH_FOLDS = """{% block input scoped %}
{%- if cell.metadata.get("jupyter", {}).get("source_hidden") -%}
<details><summary>Show the code</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{% endblock %}"""
LOCAL = {
    "mathjax_url": "mathjax3/tex-svg-full.js",
    "require_js_url": "",
    "mermaid_js_url": "",
    "mermaid_layout_elk_js_url": "",
}
COLAB = "https://colab.research.google.com/github/"


def find(number=None):
    """Paths of all chapters in order, or of the one whose file name starts with `number`."""
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    chosen = [path for path in paths if number in (None, "", path.name[:2])]
    if not chosen:
        raise SystemExit(
            f"no chapter {number or ''} in {NOTEBOOKS.name}/; there are {[path.name[:2] for path in paths]}"
        )
    return chosen


def execute(path, profile, position=0, **environment):
    """Run a chapter in a fresh kernel, in its own folder, up to the first cell that fails.

    `position` is the line of its progress bar; what else is named are environment variables of the kernel.

    Returns
    -------
    notebook : NotebookNode with the outputs
    result : dict with chapter, seconds, checks (see `course.checks`) and failure (None, or what happened where)
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS[profile],
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
    )
    environment = os.environ | environment | {"AELIB_PROFILE": profile, "AELIB_PROGRESS": "off"}
    failure, alive, started = None, True, time.perf_counter()
    cells = list(notebook.cells)
    with client.setup_kernel(env=environment):
        with tqdm(cells, desc=path.stem, unit="cell", position=position, leave=False, disable=None) as bar:
            for index, cell in enumerate(bar):
                try:
                    client.execute_cell(cell, index)
                except CellExecutionError as error:
                    failure = f"cell {index + 1} raised {error.ename}: {error.evalue}"
                except CellTimeoutError:
                    failure, alive = f"cell {index + 1} had not ended after {client.timeout} seconds", False
                except DeadKernelError:
                    failure, alive = f"cell {index + 1}: the kernel died", False
                if failure:
                    break
        seconds = time.perf_counter() - started
        checks = _checks(client) if alive else []
    return notebook, {"chapter": path.stem, "seconds": seconds, "checks": checks, "failure": failure}


def run(number=None):
    """Execute chapters in the quick profile, a core each, write them as pages, print a table. True if none failed."""
    started, results, paths = time.perf_counter(), [], find(number)
    jobs = min(len(paths), joblib.cpu_count(), MOST)
    threads = str(max(1, joblib.cpu_count() // jobs))
    names = "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"
    environment = dict.fromkeys(names, threads) if jobs > 1 else {}
    lines = queue.SimpleQueue()  # of the progress bars
    for line in range(jobs):
        lines.put(line)

    def task(path):
        line = lines.get()
        try:
            return execute(path, "quick", line, **environment)
        finally:
            lines.put(line)

    BUILD.mkdir(exist_ok=True)
    shutil.copy(NOTEBOOKS / "ERRATA.md", BUILD)
    parallel = joblib.Parallel(jobs, backend="threading", return_as="generator_unordered")
    for notebook, result in parallel(joblib.delayed(task)(path) for path in sorted(paths, key=_longest_first)):
        results.append(result)
        write_page(notebook, result["chapter"])
        tqdm.write(f"{result['chapter']}: {'FAILED' if result['failure'] else 'done'} after {result['seconds']:.0f} s")
    print(table(sorted(results, key=lambda result: result["chapter"])))
    print(f"{time.perf_counter() - started:.0f} s in all, {jobs} at a time; alone, a chapter is faster (make bench)")
    print(f"pages: {BUILD.relative_to(ROOT)}/*.html")
    return not any(result["failure"] for result in results)


def _longest_first(path):
    return -nbformat.read(path, as_version=4).metadata.get("aelib", {}).get("seconds", 0)


def table(results):
    """What `run` found: a row a chapter, its main figures below it, the checks that failed, and its own failure.

    On other data than the course's a check may fail and the chapter goes on.
    """
    lines = [f"\n{'chapter (quick profile)':<62}{'seconds':>9}{'checks passed':>15}"]
    for result in results:
        verdicts = [row["passed"] for row in result["checks"] if row["passed"] is not None]
        passed = f"{sum(verdicts)} of {len(verdicts)}"
        lines.append(f"{result['chapter']:<62}{result['seconds']:>9.1f}{passed:>15}")
        for row in result["checks"]:
            low, high = row["value"]
            figure = high if row["above"] is None else low
            if row["passed"] is False and row["claim"] not in (result["failure"] or ""):
                lines.append(f"  ✗ {row['claim']:<58}{figure:>#9.5g}")
            elif row["main"]:
                lines.append(f"    {row['claim']:<58}{figure:>#9.5g}")
        if result["failure"]:
            lines.append(f"    FAILED: {result['failure']}")
    if os.environ.get("AELIB_DATA"):
        lines.append(
            f"data: {os.environ['AELIB_DATA']}; a check that fails on other data than the course's stops nothing"
        )
    return "\n".join(lines) + "\n"


def outputs(number=None):
    """Execute chapters in the lecture profile and store the normalised outputs. True if none failed.

    A chapter that fails is left as it was.
    """
    os.environ.pop("AELIB_DATA", None)
    failed = []
    for path in find(number):
        used = sources(nbformat.read(path, as_version=4))
        notebook, result = execute(path, "lecture")
        if result["failure"]:
            failed.append(f"{path.name} is left as it was: {result['failure']}")
            continue
        versions = {name: importlib.metadata.version(name) for name in PACKAGES}
        record = {
            "profile": "lecture",
            "versions": versions,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "seconds": round(result["seconds"]),
            "code": fingerprint(notebook),
            "sources": used,
            "checks": result["checks"],
        }
        write(normalise(notebook, record), path)
        print(f"{path.name}: stored after {result['seconds']:.0f} s")
    print("\n".join(failed), end="\n" if failed else "")
    return not failed


def accept(number):
    """Keep a chapter's outputs although what they depend on changed: you say that the change cannot change them."""
    for path in find(number):
        notebook = nbformat.read(path, as_version=4)
        record, used = notebook.metadata.aelib, sources(notebook)
        if record.code != fingerprint(notebook):
            raise SystemExit(f"{path.name}: the code of its own cells was edited: run `make outputs CHAPTER={number}`")
        print("\n".join([f"{path.name}: accepted", *changed(notebook)]))
        record["sources"] = used
        write(notebook, path)
    return True


def changed(notebook):
    """Files of `aelib` and tables that are not what they were when the outputs were stored."""
    before, now = notebook.metadata.aelib.get("sources", {}), sources(notebook)
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def normalise(notebook, record):
    """The notebook without what differs from run to run or from machine to machine; `record` goes into its metadata."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "aelib": record,
        }
    )
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
        if cell.cell_type == "code":
            cell.outputs = _merge_streams(cell.outputs)
        for output in pictures(cell):
            output.data["image/png"] = _with_palette(output.data["image/png"])
    return notebook


def pictures(cell):
    """The outputs of a cell that are pictures."""
    return [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def fingerprint(notebook):
    """A hash of the code cells: equal as long as nobody edits the code."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def exercises(number=None):
    """Write the students' edition: without solutions and outputs."""
    folder = BUILD / "exercises"
    folder.mkdir(parents=True, exist_ok=True)
    for path in find(number):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        notebook.metadata.pop("aelib", None)
        write(notebook, folder / path.name)
        print((folder / path.name).relative_to(ROOT))
    return True


def address(url="", version=""):
    """Write the repository's address and version into the setup cells and badges, and the project file.

    Without an address, that of the remote "origin"; without a version, main.
    """
    url, version = _https(url or _origin()), version or "main"
    for path in find():
        notebook = nbformat.read(path, as_version=4)
        fresh = notebook.metadata.get("aelib", {}).get("code") == fingerprint(notebook)
        replaced = 0
        for cell in notebook.cells:
            for pattern, line in (
                ("REPOSITORY, VERSION = .*", f'REPOSITORY, VERSION = "{url}", "{version}"'),
                ("REPOSITORY = .*", f'REPOSITORY = "{url}"'),
                ("VERSION = .*", f'VERSION = "{version}"'),
            ):
                cell.source, count = re.subn(f"^{pattern}$", lambda _, line=line: line, cell.source, flags=re.MULTILINE)
                replaced += count
            if url.startswith("https://github.com/"):
                here = f"{COLAB}{url.removeprefix('https://github.com/')}/blob/{version}/notebooks/{path.name}"
                cell.source = re.sub(re.escape(COLAB) + r"[^)]*", lambda _, here=here: here, cell.source)
        if replaced not in (1, 2):
            raise SystemExit(f"{path.name}: expected one line REPOSITORY = ... and one VERSION = ...; found {replaced}")
        if fresh:  # outputs do not depend on the address
            notebook.metadata.aelib.code = fingerprint(notebook)
        write(notebook, path)
    _replace("pyproject.toml", 'Repository = "{}"', url)
    _replace("CITATION.cff", "repository-code: {}", url)
    print(f"the chapters fetch {version} of {url}")
    return True


def release(version):
    """Make the chapters fetch the tag `version` (v1.2.3) instead of main, and write its number where it belongs."""
    if not re.fullmatch(r"v\d+\.\d+\.\d+", version):
        raise SystemExit(f"a version is written v1.2.3; got {version!r}")
    number, today = version.removeprefix("v"), datetime.date.today().isoformat()
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    if "\n## Unreleased\n" not in changes:
        raise SystemExit("CHANGELOG.md has no part `## Unreleased`: what is to be released?")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    address(project["project"]["urls"]["Repository"], version)
    _replace("aelib/__init__.py", '__version__ = "{}"', number)
    _replace("CITATION.cff", "version: {}", number)
    changes = changes.replace("\n## Unreleased\n", f"\n## {number}, {today}\n", 1)
    (ROOT / "CHANGELOG.md").write_text(changes, "utf-8", newline="\n")
    print(f"""then: make test
      git commit -am "{number}" && git tag {version} && git push origin HEAD {version}
      make address && git commit -am "Chapters fetch main" && git push""")
    return True


def _origin():
    command = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"no remote origin ({found.stderr.strip()}); name the address: make address URL=https://...")
    return found.stdout.strip()


def _https(url):
    """The address that anybody can clone, without the name and password that a remote may have."""
    url = re.sub(r"^(ssh://)?git@([^:/]+)[:/]", r"https://\2/", url.removesuffix("/").removesuffix(".git"))
    scheme, rest = url.partition("://")[::2]
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else url


def _replace(file, line, value):
    """Write a value into the line of a file of the project."""
    pattern, text = "^" + re.escape(line).replace(r"\{\}", '[^"\n]*'), (ROOT / file).read_text("utf-8")
    text = re.sub(pattern, lambda _: line.format(value), text, flags=re.MULTILINE)
    (ROOT / file).write_text(text, "utf-8", newline="\n")


def slides(number=None):
    """Write each chapter, with its stored outputs, as two decks of slides, its core and all (with the `site` extra)."""
    BUILD.mkdir(exist_ok=True)
    _copy(importlib.resources.files("sphinx_revealjs") / "_static/revealjs/dist", BUILD / "reveal" / "dist")
    template = (SITE / "slides.html.j2").read_text(encoding="utf-8") + WITH_ALT
    exporter = SlidesExporter(raw_template=template, reveal_url_prefix="reveal", reveal_theme="white", **LOCAL)
    for path in find(number):
        for name, cut in (("slides", core), ("full.slides", lambda notebook: notebook)):
            deck = cut(nbformat.read(path, as_version=4))
            _export(exporter, code_in_parts(pictures_apart(without_folded_code(deck))), f"{path.stem}.{name}")
            print((BUILD / f"{path.stem}.{name}.html").relative_to(ROOT))
    return True


def core(notebook):
    """The notebook without the sections for home and for a second lecture, tagged `further`."""
    notebook.cells = [cell for cell in notebook.cells if "further" not in cell.metadata.get("tags", [])]
    return notebook


def is_folded(cell):
    """Whether the code is for those who ask for it: the set-up, the checks, a long drawing."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden")) or bool(
        {"setup", "checks"} & set(cell.metadata.get("tags", []))
    )


def without_folded_code(notebook):
    """The notebook, where code that is folded is not shown at all: nothing can be unfolded on a slide."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_folded(cell):
            cell.metadata["transient"] = {"remove_source": True}
    return notebook


def with_folds(text):
    """A notebook's file as MyST-NB is to read it: what is folded in JupyterLab is folded on the site too."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_folded(cell):
            tags = cell.metadata.setdefault("tags", [])
            tags.append("hide-cell" if "checks" in tags else "hide-input")
            name = "checks" if "checks" in tags else "code"
            cell.metadata.setdefault("mystnb", {}).update(
                code_prompt_show=f"Show the {name}", code_prompt_hide=f"Hide the {name}"
            )
    return nbformat.writes(notebook)


def code_in_parts(notebook, lines=28):
    """The notebook, where code of more than so many lines goes on in a cell, and so on a slide, of its own."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        hidden = "transient" in cell.metadata or cell.metadata.get("slideshow", {}).get("slide_type") == "skip"
        while cell.cell_type == "code" and not hidden and cell.source.count("\n") >= lines:
            code = cell.source.split("\n")
            cut = max((i for i in range(lines // 2, lines) if not code[i]), default=lines)  # at an empty line, if any
            metadata = cell.metadata | {"slideshow": {"slide_type": "subslide"}}
            source, outputs = "\n".join(code[cut:]).lstrip("\n"), cell.outputs
            cell.source, cell.outputs = "\n".join(code[:cut]).rstrip(), []
            cell = nbformat.v4.new_code_cell(source, id=f"{cell.id}-more", metadata=metadata, outputs=outputs)
            cells.append(cell)
    notebook.cells = cells
    return notebook


def pictures_apart(notebook, lines=15):
    """The notebook, where a picture after more than so many lines of code is a cell, and so a slide, of its own."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if pictures(cell) and cell.source.count("\n") >= lines and "transient" not in cell.metadata:
            metadata = cell.metadata | {"transient": {"remove_source": True}, "tags": ["picture"]}
            metadata["slideshow"] = {"slide_type": "subslide"}
            cells.append(nbformat.v4.new_code_cell(id=f"{cell.id}-picture", metadata=metadata, outputs=cell.outputs))
            cell.outputs = []
    notebook.cells = cells
    return notebook


def write_page(notebook, name):
    """An HTML page that needs no network: MathJax lies beside it."""
    template = "{% extends 'index.html.j2' %}" + WITH_ALT + WITH_FOLDS
    _export(HTMLExporter(raw_template=template, **LOCAL), notebook, name)


def _export(exporter, notebook, name):
    _copy(SITE / "mathjax", BUILD / "mathjax3")
    for cell in notebook.cells:
        cell.source = BADGE.sub(r"\1", cell.source)  # the badge is a picture in the network
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": name}})
    settings = f"<script>MathJax = {json.dumps(MATHJAX)};</script>"
    (BUILD / f"{name}.html").write_text(page.replace("<head>", "<head>" + settings, 1), encoding="utf-8")


def _copy(folder, target):
    """Copy a folder once, and whole or not at all."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as half:
            copied = shutil.copytree(folder, pathlib.Path(half, target.name))
            os.replace(copied, target)


def _checks(client):
    """What the chapter's checks saw, asked of its kernel in a cell that is taken away again."""
    source = """import json, sys
course = sys.modules.get("aelib.course")  # not there where the setup cell failed
print(json.dumps(course.checks() if course else []))"""
    client.nb.cells.append(nbformat.v4.new_code_cell(source))
    client.execute_cell(client.nb.cells[-1], len(client.nb.cells) - 1, store_history=False)
    return json.loads(client.nb.cells.pop().outputs[0].text)


def _merge_streams(cell_outputs):
    merged = []
    for output in cell_outputs:
        if merged and output.output_type == "stream" == merged[-1].output_type and output.name == merged[-1].name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


def _with_palette(png):
    """The picture, base64 in and out, in at most 256 colours: half of the bytes, and as many grays as before."""
    picture, file = Image.open(io.BytesIO(base64.b64decode(png))), io.BytesIO()
    picture.convert("RGB").quantize(256).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def write(notebook, path):
    """Write by a rename, so that a kill leaves the old file or the new one."""
    nbformat.validate(notebook)
    half = path.with_suffix(".half")
    nbformat.write(notebook, half)
    os.replace(half, path)


def main(arguments=None):
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a stream that has no ✗ gets a ?
    parser = argparse.ArgumentParser(prog="python -m tools.chapters", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (run, outputs, accept, exercises, slides):
        sub = commands.add_parser(command.__name__, help=command.__doc__.splitlines()[0])
        one = "one chapter, 01 for instance"
        if command is accept:
            sub.add_argument("number", help=one)
        else:
            sub.add_argument("number", help=f"{one}; without it all", nargs="?")
    sub = commands.add_parser("address", help=address.__doc__.splitlines()[0])
    sub.add_argument("url", nargs="?", default="", help="https://github.com/OWNER/REPOSITORY; by default git's origin")
    sub.add_argument("version", nargs="?", default="", help="a branch or tag of that repository; by default main")
    sub = commands.add_parser("release", help=release.__doc__.splitlines()[0])
    sub.add_argument("version", help="v1.2.3")
    options = vars(parser.parse_args(arguments))
    return 0 if globals()[options.pop("command")](**options) else 1


if __name__ == "__main__":
    sys.exit(main())
