"""Parts of a derivation: formulas, tables and sentences in steps, each with its unrounded figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .mathtext import FIELD, fill, to_math


@dataclass(frozen=True, slots=True)
class Line:
    """One equation: ``left = formula = numbers put in = value``; empty sides are left out.

    Attributes
    ----------
    left, formula : str
        Plain characters, without figures of the event.
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
    """A table: names of the columns, cells as templates, and how many columns are left-aligned.

    A table that is too wide is cut into parts; each repeats the left-aligned columns.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 2


Block: TypeAlias = Line | Grid | str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a derivation.

    Attributes
    ----------
    heading : str
        The quantity that is computed.
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
        """The formulas."""
        return tuple(block for block in self.body if isinstance(block, Line))

    @property
    def formula(self) -> str:
        """The formulas as LaTeX mathematics, one below the other; "" if there is none."""
        return " \\\\\n".join(to_math(f"{line.left} = {line.formula}") for line in self.lines if line.formula)

    @property
    def put_in(self) -> str:
        """The numbers put into the formulas, one line each."""
        return "\n".join(fill(line.put_in, self.values) for line in self.lines if line.put_in)

    @property
    def value(self) -> str:
        """The value of the last formula as text; "" if there is none."""
        return next((fill(line.value, self.values) for line in reversed(self.lines) if line.value), "")


def step_of(heading: str, body: Iterable[Block], figures: Mapping[str, float]) -> Step:
    """Return a step with those of the figures that its templates name."""
    blocks = tuple(body)
    names = (name for block in blocks for template in _templates(block) for name, _ in FIELD.findall(template))
    return Step(heading, blocks, {name: float(figures[name]) for name in names})


def _templates(block: Block) -> Iterator[str]:
    if isinstance(block, Grid):
        yield from (cell for row in block.rows for cell in row)
    else:
        yield from (block.put_in, block.value) if isinstance(block, Line) else (block,)
