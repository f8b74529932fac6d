"""The slides and the site in a headless browser without a network: `make test-browser`. Not part of `make test`.

`python tests/browser.py 05` measures the cells of a chapter's deck and stores where its pages end.
"""

import contextlib
import pathlib
import shutil
import sys
import urllib.parse

import nbformat
import pytest

from tools import chapters

PAGE = (1280, 720)
ROOM = 690  # what `paginate` fills; the rest is for a machine with other fonts

MEASURE = """() => {
  const slides = [...document.querySelectorAll(".slides section")].filter(slide => !slide.querySelector("section"));
  const shown = element => !element.closest("mjx-assistive-mml");
  return slides.map(slide => {
    const corner = slide.getBoundingClientRect();
    return [...slide.querySelectorAll(".jp-Cell")].map(cell => {
      const boxes = [cell, ...cell.querySelectorAll("*")].filter(shown).map(e => e.getBoundingClientRect());
      const edge = (side, zero) => Math.max(...boxes.map(box => box[side])) - zero;
      return {id: cell.id.replace("cell-id=", ""), height: Number(cell.dataset.height),
              bottom: edge("bottom", corner.top), right: edge("right", corner.left)};
    });
  });
}"""

# The equations of a page once they are drawn: how many, what is wrong, and braces under terms, over the term's width.
EQUATIONS = """async () => {
  await window.MathJax?.startup?.promise;
  const all = selector => [...document.querySelectorAll(selector)], width = e => e.getBoundingClientRect().width;
  const braces = all("g[data-mml-node=munder] > g[data-mml-node=mo]:nth-child(2)");
  return {count: all("mjx-container > svg").length, wrong: all("[data-mml-node=merror]").map(e => e.textContent),
          braces: braces.map(brace => width(brace) / width(brace.previousElementSibling))};
}"""


@contextlib.contextmanager
def chromium():
    """A headless Chromium or Chrome: the system's, or else Playwright's own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the `site` extra)")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no browser: none of {', '.join(names)}, and Playwright has none ({str(error)[:60]})")
        yield browser
        browser.close()


@contextlib.contextmanager
def watched(browser, size):
    """An empty page of this width and height, with a list of the errors in its console and its scripts."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    page.close()


@contextlib.contextmanager
def opened(browser, file):
    """The page of a file, with lists of what went wrong and of all requests."""
    with watched(browser, PAGE) as page:
        page.asked = []
        page.on("requestfailed", lambda request: page.wrong.append(f"failed: {request.url[:90]}"))
        page.on("request", lambda request: page.asked.append(request.url))
        page.route("http*://**", lambda route: route.abort())
        page.goto(file.as_uri())
        yield page


def measured(browser, path, deck="full.slides"):
    """The cells of each slide, what went wrong, the requests, what the pictures are said to show, the equations."""
    chapters.slides(path.name[:2])
    with opened(browser, chapters.BUILD / f"{path.stem}.{deck}.html") as page:
        page.wait_for_selector("body[data-ready]", timeout=120_000)
        alts = page.evaluate("[...document.images].map(image => image.alt)")
        return page.evaluate(MEASURE), page.wrong, page.asked, alts, page.evaluate(EQUATIONS)


def assert_drawn(equations, cells):
    """As in print: no error, and each brace is as wide as what it stands under, or a little wider."""
    text = "".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not equations["wrong"]
    assert equations["count"] >= text.count("$$") // 2
    assert len(equations["braces"]) == text.count(r"\underbrace")
    assert all(0.95 < ratio < 1.5 for ratio in equations["braces"])  # the brace's parts overlap, and reach out


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.mark.parametrize("deck", ["slides", "full.slides"])
@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_slides_fit_and_need_no_network(browser, path, deck):
    slides, wrong, asked, alts, equations = measured(browser, path, deck)
    assert slides
    assert not wrong
    assert all(url.startswith(("file:", "data:")) for url in asked)
    beyond = [cell["id"] for cells in slides for cell in cells if cell["bottom"] > PAGE[1] or cell["right"] > PAGE[0]]
    assert not beyond, f"cells beyond the edge of their slide: {beyond}; run `python tests/browser.py {path.name[:2]}`"
    notebook = nbformat.read(path, as_version=4)
    cells = (notebook if deck == "full.slides" else chapters.core(notebook)).cells
    assert_drawn(equations, cells)
    described = {cell.metadata.mystnb.image.alt for cell in cells if "mystnb" in cell.metadata}
    assert described <= set(alts), "a description that the deck does not have"
    print(f"{path.stem}.{deck}: {len(slides)} slides, {len(asked)} requests, {equations['count']} equations")


def test_a_larger_screen_shows_the_same_slides(browser):
    """What is set smaller, and which picture grows by how much, depends on the page and not on the window."""
    (path,) = chapters.find("08")
    chapters.slides("08")
    sizes = []
    for window in (PAGE, (1920, 1080)):
        with watched(browser, window) as page:
            page.goto((chapters.BUILD / f"{path.stem}.slides.html").as_uri())
            page.wait_for_selector("body[data-ready]", timeout=120_000)
            styles = "[...document.querySelectorAll('.slides .jp-Cell, .jp-RenderedImage img')].map(e => e.style)"
            sizes.append(page.evaluate(f"{styles}.map(style => parseFloat(style.zoom || style.width))"))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
    assert max(sizes[0]) > 1000


@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_pages_draw_their_equations_without_a_network(browser, path):
    """The page that `make run` writes, of the stored outputs."""
    name, notebook = f"{path.stem}.stored", nbformat.read(path, as_version=4)
    chapters.BUILD.mkdir(exist_ok=True)
    chapters.write_page(notebook, name)
    with opened(browser, chapters.BUILD / f"{name}.html") as page:
        assert_drawn(page.evaluate(EQUATIONS), notebook.cells)
        assert not page.wrong
        assert all(url.startswith(("file:", "data:")) for url in page.asked)


SITE = chapters.BUILD / "site"  # `make test-browser` builds it


def test_site_needs_no_network_and_its_links_lead_somewhere(browser):
    pages = [page for page in sorted(SITE.rglob("*.html")) if "_static" not in page.parts]
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in chapters.find()}
    assert notebooks.keys() <= {page.stem for page in pages}
    count = 0
    for file in pages:
        with opened(browser, file) as page:
            page.wait_for_url(lambda url: url != (SITE / "index.html").as_uri())  # which leads to the front page
            equations = page.evaluate(EQUATIONS)
            links = page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.href)")
        assert not page.wrong + equations["wrong"], file
        if file.stem in notebooks:
            assert_drawn(equations, notebooks[file.stem].cells)
        assert all(url.startswith(("file:", "data:")) for url in page.asked), file
        local = {urllib.parse.unquote(urllib.parse.urlsplit(link).path) for link in links if link.startswith("file:")}
        assert not [path for path in local if not pathlib.Path(path).exists()], file
        count += len(page.asked)
    print(f"site: {len(pages)} pages, {count} requests")


def test_site_finds_a_word(browser):
    with opened(browser, SITE / "search.html") as page:
        page.goto((SITE / "search.html").as_uri() + "?q=reparameterization")
        page.wait_for_selector("#search-results li a")
        assert any(
            "04_variational" in link
            for link in page.evaluate("[...document.querySelectorAll('#search-results li a')].map(link => link.href)")
        )
        assert not page.wrong


def paginate(path, slides):
    """Store the slide types of a chapter anew: a cell that no longer fits on its slide begins the next one."""
    heights = {cell["id"]: cell["height"] for cells in slides for cell in cells}
    notebook, used = nbformat.read(path, as_version=4), 0.0
    for cell in notebook.cells:
        show = cell.metadata.slideshow
        if show.slide_type == "skip":
            continue
        height = heights[cell.id] + 10  # its margin
        if show.slide_type == "slide":
            used = 10
        else:
            show.slide_type = "subslide" if used + height > ROOM else "fragment"
            used = 10 if show.slide_type == "subslide" else used
        apart = [height for name, height in heights.items() if name.startswith(f"{cell.id}-")]  # on pages of their own
        used = 10 + apart[-1] + 10 if apart else used + height
    chapters.write(notebook, path)


if __name__ == "__main__":
    with chromium() as found:
        for chapter in chapters.find(*sys.argv[1:2]):
            paginate(chapter, measured(found, chapter)[0])
