"""Claims: what a document states and can be checked, with the precision it was stated with."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from ..errors import InputError, check_choice

Unit: TypeAlias = Literal[
    "percent", "usd", "count", "sigma", "rank", "ratio", "index", "persons", "days", "months", "year", "date"
]
Wording: TypeAlias = Literal["", "about", "nearly", "more_than", "less_than", "at_least", "at_most"]

UNITS: tuple[Unit, ...] = get_args(Unit)
WORDINGS: tuple[Wording, ...] = get_args(Wording)
_ROUNDED = ("", "about", "nearly")
_EXACT_UNITS = ("count", "rank", "year", "date", "days", "months")


@dataclass(frozen=True, slots=True)
class Stated:
    """One stated quantity.

    Attributes
    ----------
    value : float
        Decimal for percent (-0.17 is -17 %), USD, number of standard deviations, ordinal day for a date.
    unit : str
        One of `UNITS`.
    step : float
        Unit of the last digit given: 0.01 for "17 %", 1e9 for "589 bn". 0 where the wording is a bound.
    wording : str
        "" as a plain figure, or one of `WORDINGS`.
    reading : str
        How a word without a figure is read, e.g. "'far larger' is read as half as large again".

    Notes
    -----
    The interval that agrees with it, by wording:

    - plain: value ± step / 2, what rounds to it;
    - about: value ± step;
    - nearly: from one step short of the value (in size) to what still rounds to it;
    - more_than, less_than: beyond the value, which is not included; at_least, at_most: it is.

    Negative values keep their direction: "a fall of more than 5 %" is less_than -0.05.
    """

    value: float
    unit: Unit
    step: float = 0.0
    wording: Wording = ""
    reading: str = ""

    def __post_init__(self) -> None:
        check_choice("unit", self.unit, UNITS)
        check_choice("wording", self.wording, WORDINGS)
        if not math.isfinite(self.value):
            raise InputError("value", f"got {self.value}", "give a number")
        if self.wording in _ROUNDED and self.unit not in _EXACT_UNITS and not self.step > 0:
            raise InputError("step", f"got {self.step}", "give the unit of the last digit stated, e.g. 0.01 for 17 %")

    def interval(self) -> tuple[float, float]:
        """Return the bounds of what agrees; infinite where there is none."""
        step = self.step or (1.0 if self.unit in _EXACT_UNITS else 0.0)
        half, size = step / 2, abs(self.value)
        if self.wording == "about":
            return self.value - step, self.value + step
        if self.wording == "nearly":
            return (size - step, size + half) if self.value >= 0 else (-size - half, -size + step)
        if self.wording in ("more_than", "at_least"):
            return self.value, math.inf
        if self.wording in ("less_than", "at_most"):
            return -math.inf, self.value
        return self.value - half, self.value + half

    def agrees(self, value: float) -> bool:
        """Return whether a computed value lies in `interval`; NaN never does."""
        low, high = self.interval()
        if self.wording in ("more_than", "less_than"):
            return bool(low < value < high)
        slack = 1e-12 * max(1.0, abs(self.value))  # a bound that binary fractions miss by a hair
        return bool(low - slack <= value <= high + slack)


@dataclass(frozen=True, slots=True)
class Part:
    """One checkable part of a claim: a kind of check, what it needs to know, and what was stated."""

    kind: str
    stated: Stated | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of a document, in our own words.

    Attributes
    ----------
    id : str
        Unique.
    text : str
        What is stated, in one line of our own.
    document : str
        File name.
    paragraph : int
        Counted from 1 over the non-empty lines of the file.
    event : str
        Id of an event of the catalog, "" where it is about none.
    parts : tuple of Part
        What is checked; at least one.
    needs : str
        What data would settle it.
    """

    id: str
    text: str
    document: str
    paragraph: int
    parts: tuple[Part, ...]
    event: str = ""
    needs: str = ""

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError("parts", "there is none", "give kind and stated, or [[claim.part]] tables")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its checks, each once."""
        return tuple(dict.fromkeys(part.kind for part in self.parts))


def ordinal(day: dt.date) -> float:
    """Return a date as the number a `Stated` of unit "date" holds."""
    return float(day.toordinal())
