"""Claims: checkable statements of a document, with the precision of each stated figure."""

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
        Decimal for percent (-0.17 is -17 %), USD, number of standard deviations, or the ordinal of a date.
    unit : str
        One of `UNITS`.
    step : float
        Value of one unit in the last stated digit: 0.01 for "17 %", 1e9 for "589 bn". 0 for a wording that is a bound.
    wording : str
        One of `WORDINGS`; "" for a plain figure.
    reading : str
        Interpretation of a word without a figure, e.g. "'far larger' is read as half as large again".

    Notes
    -----
    Interval of values that agree, by wording:

    - plain: value ± step / 2, the values that round to it;
    - about: value ± step;
    - nearly: in absolute value, from one step below the value to half a step above it;
    - more_than, less_than: beyond the value, value excluded;
    - at_least, at_most: beyond the value, value included.

    Negative values keep their sign: "a fall of more than 5 %" is less_than -0.05.

    Raises
    ------
    ChoiceError
        If `unit` or `wording` is not one of the allowed values.
    InputError
        If `value` is not finite, or a rounded figure has no positive `step`.
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
        """Return the bounds of the values that agree; infinite on an open side."""
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
        """Return whether a computed value lies in `interval`; False for NaN."""
        low, high = self.interval()
        if self.wording in ("more_than", "less_than"):
            return bool(low < value < high)
        slack = 1e-12 * max(1.0, abs(self.value))  # tolerance for binary rounding at a bound
        return bool(low - slack <= value <= high + slack)


@dataclass(frozen=True, slots=True)
class Part:
    """One checkable part of a claim."""

    kind: str
    stated: Stated | None  # stated quantity; None if the kind has none
    parameters: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""  # label of the part


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of a document, paraphrased.

    Attributes
    ----------
    id : str
        Unique id.
    text : str
        The statement, paraphrased in one line.
    document : str
        File name of the document.
    paragraph : int
        Paragraph number, from 1 over the non-empty lines of the file.
    parts : tuple of Part
        Checkable parts, at least one.
    event : str
        Id of a catalog event, "" if the claim is not about one.
    needs : str
        Data that would be needed to check the claim.

    Raises
    ------
    InputError
        If there are no parts.
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
            raise InputError("parts", "there are none", "give kind and stated, or [[claim.part]] tables")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the checks, without duplicates."""
        return tuple(dict.fromkeys(part.kind for part in self.parts))


def ordinal(day: dt.date) -> float:
    """Return a date as the `value` of a `Stated` with unit "date"."""
    return float(day.toordinal())
