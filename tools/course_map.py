"""The course as a map, from `tools/map.toml`: which chapter needs which, as a picture and as a table.

`python -m tools.report` writes both: `site/map.svg`, and the table in README.md.
"""

import html
import re
import textwrap
import tomllib

from tools import chapters

MAP = tomllib.loads((chapters.ROOT / "tools" / "map.toml").read_text(encoding="utf-8"))
WIDTH, BOX, COLUMN, ROW, LEFT, TOP = 1000, (152, 92), 165, 146, 11, 12
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
FEW = 18, 3  # letters on a line, and lines, that a box holds
REFERENCE = re.compile(r"\b[Cc]hapters? ((?:\d+)(?:(?:, | and | to | or )\d+)*)")


def there():
    """The chapters of the map whose notebooks are there, {number: entry}."""
    return {path.name[:2]: MAP["chapters"][path.name[:2]] for path in chapters.find()}


def needs(number):
    """All that a chapter needs: what it builds on, and what that builds on."""
    found = set()
    for earlier in MAP["chapters"][number].get("needs", {}):
        found |= {earlier} | needs(earlier)
    return found


def arrows(drawn):
    """Pairs (earlier, later) of the picture: those of `needs` that do not follow from others of a later chapter's."""
    for later in drawn:
        direct = MAP["chapters"][later].get("needs", {})
        implied = set().union(*map(needs, direct)) if direct else set()
        yield from ((earlier, later) for earlier in direct if earlier in drawn and earlier not in implied)


def references(notebook, number):
    """Earlier chapters that the text of a chapter names, outside "What became of it": {of the core}, {of Further}."""
    core, further = set(), set()
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and not cell.source.startswith("## What became of it"):
            names = further if "further" in cell.metadata.get("tags", []) else core
            for found in REFERENCE.findall(cell.source):
                names.update(f"{int(one):02}" for one in re.findall(r"\d+", found))
    return tuple({name for name in names if name < number} for names in (core, further))


def table():
    """Markdown: what each chapter needs and what it only points back to."""
    lines = ["| chapter | builds on | also points back to |", "|---|---|---|"]
    for number, entry in there().items():
        cells = ["; ".join(f"**{n}** {why}" for n, why in entry.get(key, {}).items()) for key in ("needs", "meets")]
        lines.append(f"| **{number}** {entry['name']} | {cells[0] or 'nothing'} | {cells[1] or '–'} |")
    return "\n".join(lines) + "\n"


def alt():
    """The picture in words."""
    drawn, families, ways = there(), [], []
    for family, look in MAP["families"].items():
        members = [f"{n} {entry['name'].replace(',', '')}" for n, entry in drawn.items() if entry["family"] == family]
        if members:
            families.append(f"{look['name']} ({', '.join(members)})")
    for number in drawn:
        reached = sorted(later for earlier, later in arrows(drawn) if earlier == number)
        if reached:
            ways.append(f"from {number} to {', '.join(reached)}")
    return (
        f"A map of {len(drawn)} chapters in families, {'; '.join(families)}, "
        f"with an arrow from a chapter to those that build on it: {'; '.join(ways)}."
    )


def picture():
    """The map, an SVG."""
    drawn = there()
    boxes = {number: _box(entry) for number, entry in drawn.items()}
    height = round(max(y + h for _, y, _, h in boxes.values()) + 78)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" font-family="{FONT}">',
        "<title>Which chapter builds on which</title>",
        f"<desc>{html.escape(alt())}</desc>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for earlier, later in arrows(drawn):
        parts.append(f'<path d="{_way(boxes[earlier], boxes[later])}" fill="none" stroke="#555" stroke-width="1.6" ')
        parts[-1] += 'marker-end="url(#head)"/>'
    for number, entry in drawn.items():
        parts += _drawn(number, entry, *boxes[number])
    parts += _legend(drawn, height - 50)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(entry):
    """x, y, width and height."""
    column, row = entry["place"]
    x, y, (width, height) = LEFT + COLUMN * column, TOP + ROW * row, BOX
    if entry.get("wide"):
        return LEFT + COLUMN, y, 5 * COLUMN - (COLUMN - width), height - 36
    return x, y, width, height


def _way(one, other):
    """From the lower edge of a box to the upper one of another, or along the row."""
    (x, y, w, h), (x2, y2, w2, _) = one, other
    if y == y2:
        return f"M{x + w:g} {y + h / 2:g} H{x2 - 2:g}"
    start, end = x + w / 2, x2 + w2 / 2
    if x2 <= start <= x2 + w2 and w2 > w:  # a wide box is reached straight on
        return f"M{start:g} {y + h:g} V{y2 - 2:g}"
    lean = (end - start) / 6  # arrows of one box leave it side by side, and reach the next one inwards of its corner
    start, end = start + max(-w / 2.5, min(w / 2.5, lean)), end - max(-w / 4, min(w / 4, lean))
    middle = (y + h + y2) / 2
    return f"M{start:g} {y + h:g} C{start:g} {middle:g} {end:g} {middle:g} {end:g} {y2 - 2:g}"


def _drawn(number, entry, x, y, width, height):
    look = MAP["families"][entry["family"]]
    lines = [entry["line"]] if entry.get("wide") else textwrap.wrap(entry["line"], FEW[0])
    if len(lines) > FEW[1] or len(entry["name"]) > FEW[0] - 4:
        raise ValueError(f"tools/map.toml, chapter {number}: too many words for its box")
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{look["tint"]}" '
        f'stroke="{look["colour"]}" stroke-width="1.5"/>'
    )
    yield f'<rect x="{x:g}" y="{y:g}" width="7" height="{height:g}" rx="3" fill="{look["colour"]}"/>'
    yield (
        f'<text x="{x + 15:g}" y="{y + 23:g}" font-size="15" font-weight="bold" fill="#111">'
        f"{number} {html.escape(entry['name'])}</text>"
    )
    for place, line in enumerate(lines):
        yield f'<text x="{x + 15:g}" y="{y + 44 + 18 * place:g}" font-size="15" fill="#222">{html.escape(line)}</text>'


def _legend(drawn, y):
    families = [(family, [n for n in drawn if drawn[n]["family"] == family]) for family in MAP["families"]]
    for place, (family, members) in enumerate(one for one in families if one[1]):
        look, x, row = MAP["families"][family], LEFT + 340 * (place % 3), y + 26 * (place // 3)
        text = html.escape(f"{look['name']}: {', '.join(members)}")
        yield f'<rect x="{x:g}" y="{row:g}" width="16" height="16" rx="3" fill="{look["colour"]}"/>'
        yield f'<text x="{x + 23:g}" y="{row + 13:g}" font-size="15" fill="#222">{text}</text>'
