"""What a derivation consists of: formulas and tables in steps, each with its figures unrounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .. import _format
from .mathtext import FIELD, fill, to_math


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``left = formula = numbers put in = value``; what is empty is left out.

    Attributes
    ----------
    left, formula : str
        In plain characters, without figures of the event.
    put_in, value : str
        Templates: ``{name:spec}`` is the step's figure of that name, see `mathtext.show`.
    """

    left: str
    formula: str = ""
    put_in: str = ""
    value: str = ""

    def filled(self, values: Mapping[str, float]) -> tuple[str, ...]:
        """Return the sides of the equation as text."""
        sides = (self.left, self.formula, fill(self.put_in, values), fill(self.value, values))
        return tuple(side for side in sides if side)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes
    ----------
    head : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        Cells, as templates.
    left : int
        How many columns are left-aligned; where a table is too wide they stand in each of its parts.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 2

    def filled(self, values: Mapping[str, float]) -> list[list[str]]:
        """Return the cells as text."""
        return [[fill(cell, values) for cell in row] for row in self.rows]


Block: TypeAlias = Line | Grid | str
INDENT = 3
"""Columns by which the body of a step is indented in plain text."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a derivation.

    Attributes
    ----------
    heading : str
        What is computed.
    body : tuple of Line, Grid or str
        Formulas with their numbers, tables, and sentences (templates too), in reading order.
    values : mapping of str to float
        Every figure printed in the step, by name, unrounded: returns are decimals, dollars USD.
    """

    heading: str
    body: tuple[Block, ...]
    values: Mapping[str, float]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Its formulas."""
        return tuple(block for block in self.body if isinstance(block, Line))

    @property
    def formula(self) -> str:
        """Its formulas as LaTeX mathematics, one below the other; "" if it has none."""
        return " \\\\\n".join(to_math(f"{line.left} = {line.formula}") for line in self.lines if line.formula)

    @property
    def put_in(self) -> str:
        """Its numbers as they were put into the formulas, a line each."""
        return "\n".join(fill(line.put_in, self.values) for line in self.lines if line.put_in)

    @property
    def value(self) -> str:
        """What its last formula gives, as text; "" if it has none."""
        given = [line for line in self.lines if line.value]
        return fill(given[-1].value, self.values) if given else ""


def step_of(heading: str, body: Iterable[Block], figures: Mapping[str, float]) -> Step:
    """Return a step that holds the figures its templates name."""
    blocks = tuple(body)
    names: dict[str, float] = {}
    for block in blocks:
        for template in _templates(block):
            names |= {name: float(figures[name]) for name, _ in FIELD.findall(template)}
    return Step(heading, blocks, names)


def _templates(block: Block) -> Iterable[str]:
    if isinstance(block, Line):
        return block.put_in, block.value
    if isinstance(block, Grid):
        return [cell for row in block.rows for cell in row]
    return [block]


def runs_of(step: Step) -> Iterator[list[Line] | Grid | str]:
    """Yield the blocks of a step, formulas that follow each other together."""
    lines: list[Line] = []
    for block in step.body:
        if isinstance(block, Line):
            lines.append(block)
            continue
        if lines:
            yield lines
            lines = []
        yield block
    if lines:
        yield lines


def parts_of(
    grid: Grid, values: Mapping[str, float], width: int = _format.WIDTH
) -> list[tuple[list[str], list[list[str]]]]:
    """Return a table as head and rows, in several parts where it is wider than so many columns."""
    rows = grid.filled(values)
    widths = [max(len(row[i]) for row in [list(grid.head), *rows]) + 2 for i in range(len(grid.head))]
    first, room = list(range(grid.left)), width - INDENT - sum(widths[: grid.left])
    parts: list[list[int]] = [[]]
    for i in range(grid.left, len(widths)):
        if parts[-1] and sum(widths[j] for j in [*parts[-1], i]) > room:
            parts.append([])
        parts[-1].append(i)
    kept = [first + part for part in parts]
    return [([grid.head[i] for i in part], [[row[i] for i in part] for row in rows]) for part in kept]
