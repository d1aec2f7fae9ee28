"""Checks of recorded facts: levels of macro figures, dates, definitions; and what market data do not tell."""

from __future__ import annotations

import datetime as dt
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from .._bundled import MAGNIFICENT_SEVEN
from ..catalog.claim import ordinal
from ..errors import InputError
from ..sessions import MONTH
from ..volatility.measure import fragility
from ..volatility.portfolios import volatility_portfolios
from .evidence import Evidence
from .finding import Answer, Measure

Names = str | Sequence[str]


def fact(evidence: Evidence, *, fact: Names, of: str = "value", open_source: bool = False) -> Answer:
    """Value of a recorded fact; where several are named, each is a vintage or a survey tried.

    ``of`` is "value", or of a date its "year"; "published" is the day the fact was published. ``open_source`` says that
    the document does not name which of several it means.
    """
    facts = [evidence.fact(name) for name in _several(fact)]
    measures = tuple(Measure(str(f["vintage"]), _read(f, of)) for f in facts)
    return Answer(measures, _sources(facts), equal=open_source, cited=tuple(str(f["source"]) for f in facts))


def fact_ratio(evidence: Evidence, *, fact: Names, per: Names) -> Answer:
    """Ratio of two recorded facts, of every vintage named."""
    return _combined(evidence, fact, per, lambda a, b: a / b if b else math.nan)


def fact_change(evidence: Evidence, *, fact: Names, minus: Names) -> Answer:
    """Difference of two recorded facts, of every vintage named."""
    return _combined(evidence, fact, minus, lambda a, b: a - b)


def fact_excess(evidence: Evidence, *, fact: Names, over: Names) -> Answer:
    """By what share one recorded fact exceeds another, of every vintage named."""
    return _combined(evidence, fact, over, lambda a, b: a / b - 1 if b else math.nan)


def weeks_before(evidence: Evidence, *, fact: str, published: dt.date) -> Answer:
    """Calendar weeks, from Monday, from the publication of the document to that of a fact; -1 is the week before."""
    known = evidence.fact(fact)
    day = _published(known)
    mondays = [d - dt.timedelta(days=d.weekday()) for d in (day, published)]
    inputs = {f"{known['what']}: published": str(day), "document published": str(published)}
    weeks = float((mondays[0] - mondays[1]).days // 7)
    return Answer((Measure("calendar weeks, Monday to Sunday", weeks),), inputs, note=f"Source: {known['source']}")


def definition(_: Evidence, *, names: Sequence[str], like: str) -> Answer:
    """How many names a definition of the document and the library's have not in common."""
    if like not in _DEFINED:
        raise InputError("like", f"got {like!r}", f"allowed are {', '.join(_DEFINED)}")
    ours = _DEFINED[like]()
    apart = set(names) ^ set(ours)
    inputs = {"document": ", ".join(names), "library": ", ".join(ours)}
    return Answer((Measure("names not in common", float(len(apart))),), inputs)


def not_market_data(_: Evidence, *, why: str) -> Answer:
    """What neither prices nor recorded facts tell."""
    return Answer(missing=why)


def _seven() -> tuple[str, ...]:
    return MAGNIFICENT_SEVEN


def _fragility() -> tuple[str, ...]:
    threshold = inspect.signature(fragility).parameters["threshold"].default
    return "return / volatility of the days before", f"event from {threshold:g}"


def _low_volatility() -> tuple[str, ...]:
    sessions = inspect.signature(volatility_portfolios).parameters["lookback"].default
    return ("standard deviation of daily returns", *(f"{n // MONTH} months" for n in sessions))


_DEFINED: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "magnificent_seven": _seven,
    "fragility": _fragility,
    "low_volatility": _low_volatility,
}


def _combined(evidence: Evidence, one: Names, other: Names, of: Callable[[float, float], float]) -> Answer:
    pairs = [(evidence.fact(a), evidence.fact(b)) for a, b in product(_several(one), _several(other))]
    measures = [Measure(f"{a['vintage']} and {b['vintage']}", of(_read(a), _read(b))) for a, b in pairs]
    facts = [f for pair in pairs for f in pair]
    return Answer(tuple(measures), _sources(facts), cited=tuple(str(f["source"]) for f in facts))


def _several(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _read(fact: pd.Series[Any], of: str = "value") -> float:
    """Return the value of a fact as a number."""
    if of == "published":
        return ordinal(_published(fact))
    if fact["unit"] != "date":
        return float(fact["value"])
    day = dt.date.fromisoformat(str(fact["value"]))
    return float(day.year) if of == "year" else ordinal(day)


def _published(fact: pd.Series[Any]) -> dt.date:
    return dt.date.fromisoformat(re.match(r"\d{4}-\d{2}-\d{2}", str(fact["published"]))[0])  # type: ignore[index]


def _sources(facts: Sequence[pd.Series[Any]]) -> dict[str, float | str]:
    return {f"{f['what']}, {f['period']} ({f['vintage']})": f"{f['value']} {f['unit']}; {f['source']}" for f in facts}
