"""Blocks of a page: texts, tables and pictures in parts, parts in sections."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from ..._format import MISSING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NUMBER = re.compile(r"([\[<±]?[+-]?(\d[\d,]*(\.\d+)?|inf)(e[+-]?\d+)?( %|[*])?( to .*|, .*)?|exact)$")
_BLANK = ("", MISSING)


@dataclass(frozen=True, slots=True)
class Text:
    """Paragraphs, one per line of text; if `listed`, the items of a list."""

    lines: tuple[str, ...]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose cells are texts already.

    Attributes
    ----------
    caption : str
        What it shows, in a line.
    head : sequence of str
        Names of the columns; none is empty.
    rows : sequence of sequence of str
        The first cell names the row.
    foot : sequence of sequence of str
        Rows that stay below when the others are sorted: totals.
    terms : mapping of str to str
        What a column means and by which convention it is computed, by its name.
    notes : tuple of str
        Lines below the table.
    derived : mapping of (int, str) to str
        Row and column of cells that a `Derivation` on the page writes out -> its key.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    foot: Sequence[Sequence[str]] = ()
    terms: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    derived: Mapping[tuple[int, str], str] = field(default_factory=dict)

    def is_number(self, column: int) -> bool:
        """Return whether every cell of a column that holds something begins with a number and is little else."""
        cells = [row[column] for row in (*self.rows, *self.foot) if row[column] not in _BLANK]
        return bool(cells) and all(_NUMBER.match(cell) and not _is_date(cell) for cell in cells)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, drawn when the page is written; its description stands below it and serves screen readers."""

    title: str
    description: str
    draw: Callable[[], Figure]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A derivation as it prints, folded until its title or a table cell with its key is clicked."""

    key: str
    title: str
    text: str


Block: TypeAlias = Text | Table | Picture | Derivation


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks under a heading."""

    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Section:
    """One result: heading, paragraphs before the first part, parts, and a record for the end of the page.

    The record is spec and provenance as plain values, as JSON would hold them.
    """

    title: str
    lead: tuple[str, ...]
    parts: Sequence[Part]
    record: Mapping[str, Any]


def _is_date(cell: str) -> bool:
    return re.match(r"\d{4}-\d\d-\d\d", cell) is not None
