"""Printed form of results: one protocol for the text, the notebook, exports and pages; frames that print as tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from . import _format

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]], Sequence[str]]
"""Column heads, rows, and notes below the table."""

_MOST = 60  # rows; a longer frame has the printed form of pandas


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A table of texts."""

    # head, rows: names of the columns, and cells
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1  # how many columns are left-aligned
    # marks, notes: lines directly below (meanings of marks in the cells, rows left out), and lines set off by a blank
    # line
    marks: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Printout:
    """The printed form of a result, its lines not yet folded."""

    title: Sequence[str]  # lines above the first table
    tables: Sequence[PrintedTable]  # one or more; exports and pages take the first
    notes: Sequence[str] = ()  # lines below the last table
    folded: bool = False  # whether the text folds long lines of the title
    # In the text: before the later lines of a folded line, and before each note
    indent: str = "  "
    bullet: str = ""

    @property
    def below(self) -> list[str]:
        """Every line below the first table."""
        return [*self.tables[0].marks, *self.tables[0].notes, *self.notes]

    def text(self) -> str:
        """Return title, tables and notes, a blank line between them."""
        parts = ["\n".join(map(self._fold, self.title) if self.folded else self.title)] if self.title else []
        for table in self.tables:
            lines = _format.text_table(table.head, table.rows, table.left)
            parts.append("\n".join([lines, *map(self._fold, table.marks)]))
            parts += ["\n".join(map(self._fold, table.notes))] if table.notes else []
        parts += ["\n".join(self._fold(self.bullet + note) for note in self.notes)] if self.notes else []
        return "\n\n".join(parts)

    def html(self) -> str:
        """Return the tables for a notebook; all lines are captions."""
        captions = [[*self.title, *self.below], *([*t.marks, *t.notes] for t in self.tables[1:])]
        tables = zip(captions, self.tables, strict=True)
        return "".join(_format.html_table("\n".join(c), t.head, t.rows, t.left) for c, t in tables)

    def _fold(self, line: str) -> str:
        return _format.wrapped(line, self.indent)


class Printable(ABC):
    """A result with a printed form: text, notebook, exports and pages all read `printout`."""

    __slots__ = ()

    @abstractmethod
    def printout(self) -> Printout:
        """Return title, tables and notes as texts."""

    def __repr__(self) -> str:
        return self.printout().text()

    def _repr_html_(self) -> str:
        return self.printout().html()


class ReadableFrame(pd.DataFrame):
    """A frame with a printer. Frames derived from it, by slicing or otherwise, are plain DataFrames."""

    _metadata = ("printer",)
    printer: Callable[[pd.DataFrame], Table]

    @classmethod
    def of(cls, frame: pd.DataFrame, printer: Callable[[pd.DataFrame], Table]) -> ReadableFrame:
        """Return the frame with a printer, a function that converts it to a `Table`."""
        out = cls(frame)
        out.printer = printer
        return out

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def printout(self) -> Printout | None:
        """Return the printed form, None without a printer or if the frame has been changed in place."""
        try:
            head, rows, below = self.printer(self)
        except (KeyError, AttributeError, TypeError):
            return None
        return Printout((), (PrintedTable(head, rows),), below)

    def __repr__(self) -> str:
        printed = self.printout() if 0 < len(self) <= _MOST else None
        return str(pd.DataFrame(self).__repr__()) if printed is None else printed.text()

    def _repr_html_(self) -> str:
        printed = self.printout() if 0 < len(self) <= _MOST else None
        return str(pd.DataFrame(self)._repr_html_()) if printed is None else printed.html()  # type: ignore[operator]

    def __reduce__(self) -> Any:
        return pd.DataFrame(self).__reduce__()
