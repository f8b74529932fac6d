"""RESULTS.md: the headline figures, from the chapters' stored outputs and the stored tables; the README's chapters.

`python -m tools.report` writes both, the README's pictures, and the page of all families (`tools/families.py`);
`make results` does so after the tables are complete.
What stands there is in `experiments/rows/`, a file a chapter:

    [chapter]   its line in the README: section of the lecture, minutes, main figure, the lecture's and others' figures;
                `{name.mean}` is a figure of the row with this name, see the properties of `Row`; where the largest
                picture of its core is not the one for the site's front page, `picture`: the id of the cell that has it
    [[row]]     a row of RESULTS.md: the fields of `Row`
"""

import base64
import dataclasses
import functools
import re
import tomllib

import nbformat
import numpy as np

from aelib import data
from tools import chapters, course_map, families
from tools.words import in_words

TOLERANCE = 0.05  # of a chapter's own run, against the mean of the seeds


@dataclasses.dataclass
class Row:
    """A headline figure.

    claim: of the check in the chapter's stored outputs that saw it; table, column, where: of the runs over several
    seeds, those with these values of other columns; scale: multiplies both. lecture, peer: text, of sources outside the
    project, its figure first. name: for the README.
    """

    chapter: str
    quantity: str
    name: str | None = None
    claim: str | None = None
    table: str | None = None
    column: str | None = None
    where: dict = dataclasses.field(default_factory=dict)
    lecture: str = ""
    peer: str = ""
    scale: float = 1

    def run(self):
        """What the chapter's own run gave: (lowest, highest)."""
        for check in record(self.chapter)["checks"]:
            if check["claim"] == self.claim:
                return [self.scale * value for value in check["value"]]
        raise ValueError(f"chapter {self.chapter} has no check {self.claim!r}")

    def seeds(self):
        """The figures of the seeds."""
        table = data.load_results(self.table)
        chosen = np.logical_and.reduce([table[key] == value for key, value in self.where.items()])
        figures = table[self.column][chosen]
        if len(figures) < 3:
            raise ValueError(f"{self.table}.csv: {len(figures)} rows with {self.where}, expected three seeds or more")
        return (self.scale * figures).tolist()

    @property
    def figure(self):
        """Of the chapter's own run."""
        return in_words(self.run())

    @property
    def highest(self):
        """Of the chapter's own run, where its check saw several."""
        return in_words([max(self.run())] * 2)

    @property
    def mean(self):
        """Of the seeds."""
        return in_words(self.seeds()).split(" ")[0]

    @property
    def of_lecture(self):
        return re.match(r"-?[\d.]+", self.lecture)[0]

    @property
    def of_others(self):
        return re.match(r"-?[\d.]+", self.peer)[0]


FILES = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((chapters.ROOT / "experiments" / "rows").glob("[0-9][0-9].toml"))
}
ROWS = [Row(chapter, **row) for chapter, file in FILES.items() for row in file["row"]]


@functools.cache
def notebook(chapter):
    (path,) = chapters.find(chapter)
    return nbformat.read(path, as_version=4)


def record(chapter):
    """What `make outputs` stored in the chapter's metadata: profile, versions, machine, seconds, checks."""
    return notebook(chapter).metadata.aelib


def title(chapter):
    return notebook(chapter).cells[0].source.splitlines()[0].partition(" · ")[2]


def picture(chapter="03"):
    """The chapter's picture for the site's front page, a PNG, and its description; chapter 03's is the README's too."""
    named = FILES.get(chapter, {"chapter": {}})["chapter"].get("picture")
    (path,) = chapters.find(chapter)
    cells = chapters.core(nbformat.read(path, as_version=4)).cells
    found = [
        (base64.b64decode(output.data["image/png"]), cell.metadata.mystnb.image.alt)
        for cell in cells
        for output in chapters.pictures(cell)
        if named in (None, cell.id)
    ]
    if not found:
        raise ValueError(f"chapter {chapter} has no picture {named or ''} in the stored outputs of its core")
    return max(found, key=lambda one: len(one[0]))


def text():
    """RESULTS.md."""
    lines = [
        "# Results",
        "",
        "Written by `make results`. *This run*: what the chapter's stored outputs show, lecture profile, shipped data,",
        "one run (two figures are the lowest and the highest of several). *Seeds*: mean ± standard deviation, and how",
        "many, of the stored tables in `experiments/results/`. Where a row has both, they agree within "
        f"{100 * TOLERANCE:.0f} per cent. Errors",
        "and accuracies on MNIST are of all 10,000 test images.",
        "",
        "| chapter | quantity | this run | seeds | lecture | published elsewhere |",
        "|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        run, seeds = in_words(row.run()) if row.claim else "", in_words(row.seeds()) if row.table else ""
        lines.append(f"| {row.chapter} | {row.quantity} | {run} | {seeds} | {row.lecture} | {row.peer} |")
    lines += ["", "| chapter | seconds, lecture profile | machine | versions |", "|---|---|---|---|"]
    for chapter in FILES:
        stored = record(chapter)
        versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
        lines.append(f"| {chapter} | {stored['seconds']} | {stored['machine']} | {versions} |")
    lines += ["", "## All families", "", f"{families.PROTOCOL} {families.READING} {families.LINK}", ""]
    return "\n".join(lines) + "\n" + families.table(families.found())


def chapter_table():
    """The README's table of the chapters."""
    lines = [
        "| chapter | lecture | minutes: lecture / quick | main figure | the lecture's, others' |",
        "|---|---|---|---|---|",
    ]
    for number, file in FILES.items():
        line, named = file["chapter"], {row.name: row for row in ROWS if row.chapter == number and row.name}
        (path,) = chapters.find(number)
        cells = [
            f"[{number} {title(number)}](notebooks/{path.name})",
            line["section"],
            f"{line['minutes']['lecture']} / {line['minutes']['quick']}",
            line["figure"].format(**named),
            line["others"].format(**named),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def bench_table():
    """Ratios of seconds that `make bench` measured; the file has more, and the chapters."""
    table = data.load_results("bench")
    lines = ["| job | beside | its seconds over theirs | test loss, its and theirs |", "|---|---|---|---|"]
    for row in table[~np.char.startswith(table["job"], "chapter")]:
        losses = "" if np.isnan(row["loss"]) else f"{row['loss']:.4g}, {row['baseline_loss']:.4g}"
        lines.append(f"| {row['job']} | {row['beside']} | {row['ratio']:.2g} | {losses} |")
    return "\n".join(lines) + "\n"


PARTS = {  # of the README
    "chapters": chapter_table,
    "picture": lambda: f"![{course_map.alt()}](site/map.svg)\n",
    "map": course_map.table,
    "bench": bench_table,
}


def readme(old):
    """The README with its tables and its picture written anew, each between two lines that name it."""
    for name, write in PARTS.items():
        begin, end = f"<!-- {name}: written by tools/report.py -->\n\n", f"\n<!-- end of {name} -->"
        before, found, rest = old.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise ValueError(f"README.md: expected the lines {begin.strip()} and {end.strip()} around its {name}")
        old = before + begin + write() + end + after
    return old


def main():
    (chapters.ROOT / "RESULTS.md").write_text(text(), encoding="utf-8")
    path = chapters.ROOT / "README.md"
    path.write_text(readme(path.read_text(encoding="utf-8")), encoding="utf-8")
    (chapters.SITE / "denoising.png").write_bytes(picture()[0])
    (chapters.SITE / "map.svg").write_text(course_map.picture(), encoding="utf-8")
    families.main()


if __name__ == "__main__":
    main()
