"""The toys of the chapters, moved as a student moves them, in JupyterLab in a headless browser: `make test-toys`.

Not part of `make test`. A toy is a cell with `course.show(...)`, and needs the models of the cells before it: these run
first, all at once, in the quick profile. What each toy looks like lies in build/toys/ afterwards.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from functools import partial

import nbformat
import pytest
from browser import chromium, watched

from tools import chapters

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed (the `lab` extra)")

PICTURES = chapters.BUILD / "toys"
SOON = 1.0  # seconds within which a toy is to show that it was touched
ARGUMENTS = "--no-browser --allow-root --ip=127.0.0.1 --ServerApp.port_retries=0 --IdentityProvider.token=".split()
SETTINGS = {  # all cells are in the page, whether one sees them or not; and nobody is asked about news
    "notebook-extension/tracker": '{"windowingMode": "none"}',
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
}
INDICATOR = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator"
LOOKS = """toy => [...toy.querySelectorAll("img")].map(image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL();
})"""
WATCH = """toy => {
  const touch = () => { window.touched = performance.now(); window.changes = []; };
  for (const kind of ["keydown", "click"]) document.addEventListener(kind, touch, true);
  new MutationObserver(() => window.changes.push(performance.now()))
    .observe(toy, {subtree: true, attributes: true, attributeFilter: ["src"]});
  touch();
}"""
CUT = """toy => [...toy.querySelectorAll(".widget-label")]
  .filter(label => label.scrollWidth > label.clientWidth).map(label => label.innerText)"""
NAME = "handle => handle.closest('.widget-inline-hbox').querySelector('.widget-label')?.innerText"


def toys(notebook):
    """Where the toys are among the cells."""
    return [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and "course.show(" in cell.source]


def up_to_the_last_toy(path):
    """The core of a chapter (all of it, where a toy is not in the core) until its last toy, without outputs."""
    whole, core = (nbformat.read(path, as_version=4) for _ in range(2))
    chapters.core(core)
    notebook = core if len(toys(core)) == len(toys(whole)) else whole
    notebook.cells = notebook.cells[: max(toys(notebook), default=-1) + 1]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@contextlib.contextmanager
def jupyterlab(folder):
    """JupyterLab on a folder, with settings of its own: its address."""
    for name, text in SETTINGS.items():
        file = folder / "config" / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    environment |= {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {"AELIB_PROFILE": "quick", "AELIB_PROGRESS": "on", "PYTHONPATH": str(chapters.ROOT)}
    command = [sys.executable, "-m", "jupyterlab", *ARGUMENTS, f"--port={port}", f"--ServerApp.root_dir={folder}"]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api").close()
                break
            assert server.poll() is None and time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()  # its kernels end with it
        server.wait(30)


@contextlib.contextmanager
def opened(browser, url):
    """The page of a notebook without a network, with lists of what went wrong and of what the kernel sent."""
    with watched(browser, (1280, 900)) as page:
        page.got = []

        def receive(frame):
            frame = frame if isinstance(frame, bytes) else frame.encode()
            kind = re.search(rb'"msg_type": ?"(\w+)"', frame)
            page.got.append(kind[1].decode() if kind else "")
            if page.got[-1] == "error":
                page.wrong.append(frame[-3000:].decode(errors="replace"))

        page.on("websocket", lambda socket: socket.on("framereceived", receive))
        page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.fulfill(body=""))
        page.goto(url)
        yield page


def run_all_cells(page, seconds):
    """Click *Run All Cells* once the kernel has said that it is there, and wait for the last cell's end."""
    quiet, count, end = 0, -1, time.monotonic() + 90
    while quiet < 4:  # the questions after a kernel's start have been answered
        assert time.monotonic() < end, "no kernel"
        page.wait_for_timeout(500)
        quiet = quiet + 1 if "kernel_info_reply" in page.got and len(page.got) == count else 0
        count = len(page.got)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_selector(f"{INDICATOR}[data-status=busy]", timeout=10_000)
    quiet, end = 0, time.monotonic() + seconds
    while quiet < 4 and not page.wrong:
        assert time.monotonic() < end, "the cells have not ended"
        page.wait_for_timeout(500)
        quiet = quiet + 1 if page.locator(f"{INDICATOR}[data-status=idle]").count() else 0


def moved(page, toy, act):
    """Seconds until the first picture and until the last one has changed after `act`; None where none does."""
    before = toy.evaluate(LOOKS)
    act()
    for _ in range(30):  # three seconds at most; less once the pictures are still
        page.wait_for_timeout(100)
        touched, changes, now = page.evaluate("[touched, changes, performance.now()]")
        if changes and now - changes[-1] > 300:
            break
    page.wait_for_timeout(100)
    if not changes or toy.evaluate(LOOKS) == before:
        return None
    return (changes[0] - touched) / 1000, (changes[-1] - touched) / 1000


def type_another(field):
    """Type into a field one of the words that its placeholder offers, not the one that stands there."""
    words = field.get_attribute("placeholder").split(", ")
    field.fill(next(word for word in words if word != field.input_value().lower()))
    field.press("Enter")


def controls(toy):
    """What can be moved, by name: sliders by the keyboard, fields, a first switch of many, a player, each button."""
    found = {}
    for field in toy.locator(".widget-text input").all():
        found[field.evaluate("field => field.closest('.widget-text').innerText.trim()")] = partial(type_another, field)
    for handle in toy.locator("[role=slider]").all():
        name = handle.evaluate(NAME)
        assert name, "a slider without a description"
        last = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        found[name] = partial(handle.press, "ArrowLeft" if last else "ArrowRight")
    for kind in (".widget-toggle-button", ".widget-play button"):
        for button in toy.locator(kind).all()[:1]:
            found[kind.split()[0].removeprefix(".widget-")] = button.click
    for button in toy.locator(".widget-button").all():
        found[button.inner_text()] = button.click
    return found


@pytest.fixture(scope="session")
def browser():
    with chromium() as found:
        yield found


def play(notebook, name, browser, folder):
    """Run the notebook, whose last cell is a toy, and move all there is to move in its toys."""
    nbformat.write(notebook, folder / f"{name}.ipynb")
    with jupyterlab(folder) as address, opened(browser, f"{address}/lab/tree/{name}.ipynb") as page:
        run_all_cells(page, chapters.SECONDS["quick"])
        assert not page.wrong, page.wrong[0]
        for index in toys(notebook):
            output = page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-OutputArea")
            toy = output.locator(".jupyter-widgets").first
            toy.scroll_into_view_if_needed()
            PICTURES.mkdir(parents=True, exist_ok=True)
            output.screenshot(path=PICTURES / f"{name}-{index + 1}.png")
            assert not toy.evaluate(CUT), "a description that is cut off"
            others = toy.locator("input:not(.widget-text input), select, textarea")
            assert not others.count(), "a control that this test cannot move yet"
            assert toy.evaluate("toy => toy.scrollWidth <= toy.clientWidth"), "wider than the notebook"
            toy.evaluate(WATCH)
            seconds = {control: [] for control in controls(toy)}
            for _ in range(2):  # a first time a slider may do nothing, until another one was moved
                for control, act in controls(toy).items():
                    seconds[control].append(moved(page, toy, act))
            output.screenshot(path=PICTURES / f"{name}-{index + 1}-moved.png")
            assert not page.wrong, page.wrong[0]
            print(f"{name}, cell {index + 1}, seconds until the first and the last picture has changed:")
            for control, times in seconds.items():
                print(
                    f"  {control:<14}", *("never" if pair is None else "{:.2f}-{:.2f}".format(*pair) for pair in times)
                )
            assert seconds, "nothing to move"
            first = {control: [pair[0] for pair in times if pair] for control, times in seconds.items()}
            assert all(first.values()), "a control that changes no picture"
            assert max(map(min, first.values())) < SOON, "slow"


@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_each_control_of_a_toy_changes_a_picture(path, browser, tmp_path):
    notebook = up_to_the_last_toy(path)
    if not notebook.cells:
        assert "ipywidgets" not in path.read_text("utf-8"), "widgets, and no toy: show it by `course.show`"
        pytest.skip("no toy")
    stored = nbformat.read(path, as_version=4)
    for index in toys(stored):
        beside = stored.cells[max(0, index - 2) : index + 1]
        assert any(map(chapters.pictures, beside)), "no picture for those who have no kernel"
    play(notebook, path.stem, browser, tmp_path)


TINY = """import io
from types import SimpleNamespace
import ipywidgets
from PIL import Image
course = SimpleNamespace(show=display)
def picture(gray):
    file = io.BytesIO()
    Image.new("L", (40, 40), gray).save(file, "png")
    return file.getvalue()
slider = ipywidgets.IntSlider(0, max=9, description="gray")
image = ipywidgets.Image(value=picture(0), format="png")
def draw(change):
    image.value = picture(20 * change["new"])
slider.observe(draw, names="value")
course.show(ipywidgets.VBox([slider, image]))"""


@pytest.mark.parametrize(
    ("message", "right", "wrong"),
    [
        ("NameError", "20 * change", "20 * chance"),
        ("a control that changes no picture", "picture(20 * change", "picture(0 * change"),
        ("without a description", ', description="gray"', ""),
        ("cut off", 'description="gray"', 'description="the gray value of the picture"'),
        ("slow", "def draw(change):", "def draw(change):\n    import time; time.sleep(1.5)"),
    ],
)
def test_a_toy_that_is_broken_is_found(message, right, wrong, browser, tmp_path):
    assert right in TINY
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cell = nbformat.v4.new_code_cell(TINY.replace(right, wrong))
    with pytest.raises(AssertionError, match=message):
        play(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), "tiny", browser, tmp_path)
