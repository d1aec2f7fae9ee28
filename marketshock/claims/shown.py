"""Text of stated and computed values in their units."""

from __future__ import annotations

import datetime as dt
import math

from ..catalog.claim import Stated, Unit

_WORDS = {
    "": "",
    "about": "about ",
    "nearly": "nearly ",
    "more_than": "more than ",
    "less_than": "less than ",
    "at_least": "at least ",
    "at_most": "at most ",
}


def show(value: float, unit: Unit, step: float = 0.0) -> str:
    """Return a value as text in its unit; `step`, the unit of rounding, sets the number of digits."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if unit == "date":
        return str(dt.date.fromordinal(round(value)))
    if unit == "percent" and value == 0:
        return "0 %"
    if unit == "percent":
        return f"{100 * value:+.{_digits(100 * step, 2)}f} %"
    if unit == "usd":
        return f"{value / 1e9:+,.{_digits(step / 1e9, 1)}f} bn USD" if abs(value) >= 1e8 else f"{value:,.0f} USD"
    if unit == "sigma":
        return f"{value:.{_digits(step, 2)}f} sigma"
    if unit in ("ratio", "index"):
        return f"{value:.{_digits(step, 2 if unit == 'ratio' else 1)}f}"
    if unit == "rank":
        return f"rank {value:.0f}"
    plural = {"days": " days", "months": " months", "persons": " persons"}
    return f"{value:.0f}" if unit == "year" else f"{value:,.0f}{plural.get(unit, '')}"


def show_stated(stated: Stated) -> str:
    """Return a stated value as text: "nearly -17 %"."""
    return f"{_WORDS[stated.wording]}{show(stated.value, stated.unit, stated.step)}"


def show_interval(stated: Stated) -> str:
    """Return the interval that agrees with a stated value as text."""
    low, high = stated.interval()
    if stated.unit in ("date", "count", "rank", "year", "days", "months") and stated.wording == "":
        return "exact"
    if math.isinf(high):
        return f"{'>' if stated.wording == 'more_than' else '>='} {show(low, stated.unit)}"
    if math.isinf(low):
        return f"{'<' if stated.wording == 'less_than' else '<='} {show(high, stated.unit)}"
    return f"{show(low, stated.unit)} to {show(high, stated.unit)}"


def _digits(step: float, otherwise: int) -> int:
    return max(0, round(-math.log10(step))) if step > 0 else otherwise
