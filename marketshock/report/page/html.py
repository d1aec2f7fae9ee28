"""Blocks, parts and sections as HTML. Every text is escaped here, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._format import escape
from .blocks import Block, Derivation, Part, Picture, Section, Table, Text

_LONG, _PROSE = 26, 110  # characters from which on a cell may break into lines, and needs room


@dataclass(slots=True)
class Names:
    """Ids given so far on one page: each is given once."""

    given: set[str] = field(default_factory=set)

    def new(self, text: str) -> str:
        """Return an id made of a text: letters, digits and hyphens."""
        stem = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-") or "part"
        stem = stem if stem[0].isalpha() else f"s-{stem}"
        name, n = stem, 1
        while name in self.given:
            n += 1
            name = f"{stem}-{n}"
        self.given.add(name)
        return name


@dataclass(frozen=True, slots=True)
class Entry:
    """A heading: its id, its words, and the headings under it."""

    name: str
    text: str
    below: tuple[Entry, ...] = ()


def section_html(section: Section, names: Names) -> tuple[str, Entry]:
    """Return a section and its entry for the list of contents."""
    name = names.new(section.title)
    inner, below = parts_html(section.parts, names)
    lead = "".join(f'<p class="lead">{escape(line)}</p>\n' for line in section.lead)
    body = (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{escape(section.title)}</h2>\n{lead}{inner}</section>\n'
    )
    return body, Entry(name, section.title, below)


def parts_html(parts: Sequence[Part], names: Names) -> tuple[str, tuple[Entry, ...]]:
    """Return parts under headings of the third level, with their entries."""
    out, entries = [], []
    for part in parts:
        name = names.new(part.heading)
        entries.append(Entry(name, part.heading))
        out.append(f'<h3 id="{name}">{escape(part.heading)}</h3>\n')
        made = [block_html(block, names) for block in part.blocks]
        tables = {k: block for k, block in enumerate(part.blocks) if isinstance(block, Table)}
        if tables:
            made.insert(max(tables) + 1, _terms(list(tables.values())))
        out += made
    return "".join(out), tuple(entries)


def block_html(block: Block, names: Names) -> str:
    """Return one block."""
    if isinstance(block, Table):
        return table_html(block, names.new(f"table {block.caption}"))
    if isinstance(block, Picture):
        return picture_html(block, names.new(f"picture {block.title}"))
    if isinstance(block, Derivation):
        return derivation_html(block, names)
    return text_html(block)


def text_html(text: Text) -> str:
    """Return paragraphs, or a list."""
    if text.listed:
        return "<ul>\n" + "".join(f"<li>{escape(line)}</li>\n" for line in text.lines) + "</ul>\n"
    return "".join(f"<p>{escape(line)}</p>\n" for line in text.lines)


def table_html(table: Table, name: str) -> str:
    """Return a table that scrolls in its box, its button before it and its notes below it."""
    numeric = [table.is_number(k) for k in range(len(table.head))]
    head = "".join(
        f'<th scope="col"{_kind(is_number)}><button type="button">{escape(label)}</button></th>'
        for label, is_number in zip(table.head, numeric, strict=True)
    )
    caption = escape(table.caption)
    lines = "".join(
        _row(row, numeric, [table.derived.get((k, label), "") for label in table.head])
        for k, row in enumerate(table.rows)
    )
    foot = "".join(_row(row, numeric) for row in table.foot)
    count = "1 row" if len(table.rows) == 1 else f"{len(table.rows)} rows"
    label = f'data-table="{name}" aria-label="Copy table: {caption}"'
    return (
        f'<div class="table">\n<div class="tools"><span>{count}</span>'
        f'<button type="button" class="copy" {label}>Copy</button></div>\n'
        f'<div class="box" role="region" aria-labelledby="{name}-caption" tabindex="0">\n<table id="{name}">\n'
        f'<caption><span id="{name}-caption">{caption}</span></caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}</tbody>\n"
        + (f"<tfoot>\n{foot}</tfoot>\n" if foot else "")
        + "</table>\n</div>\n"
        + "".join(f'<p class="note">{escape(note)}</p>\n' for note in table.notes)
        + "</div>\n"
    )


def _kind(is_number: bool) -> str:
    return ' class="number" data-sort="number"' if is_number else ""


def _row(cells: Sequence[str], numeric: Sequence[bool], derived: Sequence[str] = ()) -> str:
    out = []
    for k, (cell, is_number) in enumerate(zip(cells, numeric, strict=True)):
        kind = "number" if is_number else _width(cell)
        attribute = f' class="{kind}"' if kind else ""
        shown = escape(cell)
        if derived and derived[k]:
            shown = f'<a href="#{_place(derived[k])}" title="how it was computed">{shown}</a>'
        out.append(f'<th scope="row"{attribute}>{shown}</th>' if k == 0 else f"<td{attribute}>{shown}</td>")
    return f"<tr>{''.join(out)}</tr>\n"


def _width(cell: str) -> str:
    return "prose" if len(cell) > _PROSE else "long" if len(cell) > _LONG else ""


def _terms(tables: Sequence[Table]) -> str:
    """Return what the columns of a part's tables mean, each name once."""
    known = {label: table.terms[label] for table in tables for label in table.head if label in table.terms}
    if not known:
        return ""
    items = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>\n" for label, text in known.items())
    return f"<details>\n<summary>What the columns mean</summary>\n<dl>\n{items}</dl>\n</details>\n"


def picture_html(picture: Picture, name: str) -> str:
    """Return a picture as inline SVG, what it shows below it."""
    from ...plots.svg import inline_svg

    svg = inline_svg(picture.draw(), name, picture.title, picture.description)
    label = escape(picture.title)
    return (
        f'<figure>\n<div class="box" role="region" aria-label="Picture: {label}" tabindex="0">\n{svg}\n</div>\n'
        f"<figcaption>{escape(picture.description)}</figcaption>\n</figure>\n"
    )


def derivation_html(block: Derivation, names: Names) -> str:
    """Return a folded derivation; a link to it unfolds it. One that stands on the page already is not written again."""
    place = _place(block.key)
    if place in names.given:
        return ""
    names.given.add(place)
    title = escape(block.title)
    return (
        f'<details class="derivation">\n<summary>{title}</summary>\n'
        f'<div class="box" id="{place}" role="region" aria-label="{title}" tabindex="0">\n'
        f"<pre>{escape(block.text)}</pre>\n</div>\n</details>\n"
    )


def _place(key: str) -> str:
    return "derivation-" + re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")


def contents_html(entries: Sequence[Entry]) -> str:
    """Return the list of contents with its links."""

    def items(some: Sequence[Entry]) -> str:
        return "".join(
            f'<li><a href="#{e.name}">{escape(e.text)}</a>{f"<ul>{items(e.below)}</ul>" if e.below else ""}</li>\n'
            for e in some
        )

    return f'<nav aria-labelledby="contents">\n<h2 id="contents">Contents</h2>\n<ol>\n{items(entries)}</ol>\n</nav>\n'


def record_table(record: Mapping[str, Any], caption: str) -> Table:
    """Return nested plain values as a table of names and values."""
    return Table(caption, ("what", "value"), [[name, value] for name, value in _flat(record)])


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        yield name, "; ".join(_one(v) for v in value) or "none"
    else:
        yield name, _one(value)


def _one(value: Any) -> str:
    if value is None or (isinstance(value, Mapping) and not value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_one(v)}" for k, v in value.items())
    return ", ".join(map(_one, value)) if isinstance(value, (list, tuple)) else str(value)
