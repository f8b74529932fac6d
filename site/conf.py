"""The site: `make site`. Sphinx reads the repository from its root, so that links between files work as they stand."""

import html
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from aelib import __version__  # noqa: E402
from tools import chapters, course_map, report  # noqa: E402

project = "Autoencoders, executable"
author = 'The authors of "Autoencoders, executable"'
release = __version__
root_doc = "site/index"
include_patterns = ["site/*.md", "notebooks/*", "data/SOURCES.md", "RESULTS.md", "CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = ["**.half", "**/.ipynb_checkpoints", "notebooks/autoencoders"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_update_mathjax = False

autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
default_role = "literal"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "sphinx_book_theme"
html_title = project
html_theme_options = {"home_page_in_toc": True, "show_toc_level": 2, "navbar_persistent": []}
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_search_summary = False  # it would fetch the pages, which a browser refuses to do with files
html_static_path = ["mathjax", "static"]
html_css_files = ["course.css"]
mathjax_path = "tex-svg-full.js"
mathjax3_config = chapters.MATHJAX


def without_badge(app, docname, source):
    source[0] = chapters.BADGE.sub(r"\1", source[0])


def with_folds(app, docname, source):
    if pathlib.Path(app.env.doc2path(docname)).suffix == ".ipynb":
        source[0] = chapters.with_folds(source[0])


def front_page(app, docname, source):
    """A card a chapter: its title, and a picture of its stored outputs. Below them the map."""
    if docname == root_doc:
        folder, cards = pathlib.Path(app.outdir, "_static", "chapters"), ['<div class="chapters">']
        folder.mkdir(parents=True, exist_ok=True)
        for path in chapters.find():
            number = path.name[:2]
            png, alt = report.picture(number)
            (folder / f"{number}.png").write_bytes(png)
            picture = f'<img src="../_static/chapters/{number}.png" alt="{html.escape(alt)}">'
            title = f"<strong>{number} {html.escape(report.title(number))}</strong>"
            cards.append(f'<a href="../notebooks/{path.stem}.html">{picture}{title}</a>')
        source[0] = source[0].replace("<!-- the chapters -->", "\n".join([*cards, "</div>"]))
        source[0] = source[0].replace("<!-- the map -->", f"![{course_map.alt()}](map.svg)")


def front_page_is_old(*_):
    return [root_doc]


def start_page(app, error):
    (pathlib.Path(app.outdir) / "index.html").write_text('<meta http-equiv="refresh" content="0; url=site/index.html">')


def setup(app):
    app.connect("source-read", without_badge)
    app.connect("source-read", with_folds)
    app.connect("source-read", front_page)
    app.connect("env-get-outdated", front_page_is_old)
    app.connect("build-finished", start_page)
