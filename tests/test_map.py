"""The map of the course says what the texts of the chapters say, and the plans for a term follow it."""

import html
import re

import nbformat
import pytest

from tools import chapters, course_map, report

NUMBERS = [path.name[:2] for path in chapters.find()]
ENTRIES = course_map.MAP["chapters"]
INSTRUCTORS = (chapters.NOTEBOOKS / "INSTRUCTORS.md").read_text(encoding="utf-8")
PLANS = re.findall(r"^### (\d+) weeks$(.*?)(?=^##)", INSTRUCTORS, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", NUMBERS)
def test_what_a_chapter_needs_is_what_its_text_refers_to(number):
    core, further = course_map.references(report.notebook(number), number)
    entry = ENTRIES[number]
    needs, meets = set(entry.get("needs", {})), set(entry.get("meets", {}))
    assert needs <= core, f"the core of chapter {number} refers to {sorted(core)}, its needs are {sorted(needs)}"
    assert not needs & meets
    assert core | further == needs | meets, "every reference to an earlier chapter, and no other, is in tools/map.toml"


def test_references_are_found():
    text = "(Chapters 1, 3 and 12.) Chapter 06's graph, [chapter 9](09.ipynb), chapter 11; a chapter of 5 pages"
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_markdown_cell("## What became of it\nchapter 2")]
    cells.append(nbformat.v4.new_markdown_cell("chapter 4", metadata={"tags": ["further"]}))
    found = course_map.references(nbformat.v4.new_notebook(cells=cells), "11")
    assert found == ({"01", "03", "06", "09"}, {"04"})


def test_no_chapter_needs_a_later_one():
    assert all(earlier < number for number, entry in ENTRIES.items() for earlier in entry.get("needs", {}))
    assert course_map.needs("13") >= {"01", "02", "04", "09"} and course_map.needs("01") == set()


def test_the_picture_is_drawn_from_the_map():
    """An arrow of each need that does not follow from another; a box of each chapter, and none over another."""
    stored = (chapters.SITE / "map.svg").read_text(encoding="utf-8")
    assert stored == course_map.picture()
    drawn = course_map.there()
    assert list(drawn) == NUMBERS
    arrows = set(course_map.arrows(drawn))
    assert stored.count("marker-end") == len(arrows)

    def reached(number):
        direct = {earlier for earlier, later in arrows if later == number}
        return direct.union(*map(reached, direct))

    for number, entry in drawn.items():
        assert reached(number) == course_map.needs(number) & set(drawn)
        assert f">{number} {html.escape(entry['name'])}<" in stored
    boxes = [course_map._box(entry) for entry in drawn.values()]
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and x + w <= course_map.WIDTH
        assert all(x + w < x2 or x2 + w2 < x or y + h < y2 or y2 + h2 < y for x2, y2, w2, h2 in boxes[:i])


def test_a_line_that_is_too_long_for_its_box():
    entry = ENTRIES["03"] | {"line": "a line of far more words than all three lines of a box of this picture can hold"}
    with pytest.raises(ValueError, match="chapter 03: too many words"):
        list(course_map._drawn("03", entry, 0, 0, 100, 70))


def test_readme_and_site_show_it():
    readme, index = ((chapters.ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "site/index.md"))
    assert f"![{course_map.alt()}](site/map.svg)" in readme and course_map.table() in readme
    assert "<!-- the map -->" in index  # site/conf.py puts it there


def weeks(plan):
    """The chapters of each week of a plan, in order: the numbers in bold of the second column."""
    rows = [line.split("|") for line in plan.splitlines() if re.match(r"\| \d", line)]
    assert [int(row[1]) for row in rows] == list(range(1, len(rows) + 1))
    return [[f"{int(one):02}" for one in re.findall(r"\*\*(\d+)\*\*", row[2])] for row in rows]


@pytest.mark.parametrize(("length", "plan"), PLANS, ids=[length for length, _ in PLANS])
def test_a_plan_has_what_its_chapters_need(length, plan):
    taught, seen = weeks(plan), set()
    assert len(taught) == int(length)
    for week in taught:
        for number in week:
            assert number in ENTRIES and number not in seen
            assert course_map.needs(number) <= seen, f"chapter {number} needs {course_map.needs(number) - seen} before"
            seen.add(number)


def test_there_are_three_plans_and_the_longest_has_every_chapter():
    assert [length for length, _ in PLANS] == ["8", "12", "15"]
    assert set(NUMBERS) <= set().union(*weeks(PLANS[-1][1]))


def test_what_is_for_home_is_there():
    """Exercises that have a marker and are not for class, and sections that a chapter has."""
    named = re.findall(r"\| \*\*(\d+)\*\* [^|]*\| ([\d., ]+); \*(Further: [^*]+)\* \|", PLANS[-1][1])
    assert len(named) == len(NUMBERS)
    for number, exercises, section in named:
        cells = report.notebook(f"{int(number):02}").cells
        (in_class,) = re.findall(
            rf"^## {number} · .*?In class: exercise ([^\n]*)", INSTRUCTORS, re.MULTILINE | re.DOTALL
        )
        for exercise in exercises.split(", "):
            assert exercise.startswith(f"{number}.") and exercise not in re.findall(r"\d+\.\d+", in_class)
            assert any(re.search(rf"^(\*\*|### ){exercise} ", cell.source, re.MULTILINE) for cell in cells), exercise
        assert any(cell.source.startswith(f"## {section}") for cell in cells), section


@pytest.mark.parametrize("number", NUMBERS)
def test_a_chapter_has_a_path_of_90_minutes(number):
    """Of one shape, its parts add up to 90 minutes, and a chapter's title is its heading."""
    (part,) = re.findall(rf"^## {int(number)} · (.*?)(?=^## |\Z)", INSTRUCTORS, re.MULTILINE | re.DOTALL)
    assert part.startswith(report.title(number) + "\n\n90 minutes with the core. ")
    head, *rows = re.findall(r"^\|.*\|$", part, re.MULTILINE)
    assert head == "| part | minutes | run live | ask | answer | in the quick profile |"
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[1:]]
    assert all(len(row) == 6 and all(row) and "?" in row[3] for row in cells)
    assert sum(int(row[1]) for row in cells) == 90
    for piece in (
        "\n\nCells for a short hour: ",
        "\n\nOn the board: ",
        " In class: exercise ",
        "\n\nStudents ask:\n\n- *",
    ):
        assert part.count(piece) == 1, piece
