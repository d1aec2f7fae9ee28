"""Answers of Yahoo beside their bars: whether one is of the kind asked for, and its metadata, validated once."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from .checks import ERROR, WARNING, Finding

_KINDS = {"/v8/finance/chart/": ("chart", "chart"), "/finance/timeseries/": ("timeseries", "table of counts")}
_TEXTS = ("symbol", "currency", "instrumentType", "exchangeName", "fullExchangeName", "exchangeTimezoneName")
_LONGEST = 80  # characters of a name
_FIRST, _LAST = -8_520_336_000, 7_258_118_400  # seconds: 1700 to 2200


@dataclass(frozen=True, slots=True)
class Answer:
    """The last response of a thread."""

    status: int
    asked: str  # address
    came: str  # address after redirects
    body: bytes

    @property
    def nonsense(self) -> str:
        """What came instead of the kind that was asked for; "" if nothing speaks against it.

        Of pages, such as the one of earnings, nothing is known. Errors are answers: ``{"finance": {"error": ...}}``.
        """
        kind, named = next((k for part, k in _KINDS.items() if part in self.asked), ("", ""))
        if not kind:
            return ""
        if self.body.lstrip()[:1] == b"<" or _path(self.came) != _path(self.asked):
            return "a page instead of figures"
        try:
            document = json.loads(self.body)
        except ValueError:  # UnicodeDecodeError is one
            return "an answer cut off or no JSON"
        except RecursionError:
            return f"an answer that is no {named} (nested too deeply)"
        held = document.get(kind, document.get("finance")) if isinstance(document, dict) else None
        return "" if isinstance(held, dict) else f"an answer that is no {named} ({_start(self.body)})"


def _path(address: str) -> str:
    return unquote(urlsplit(address).path).rstrip("/")


def _start(body: bytes) -> str:
    text = "".join(c if c.isprintable() else " " for c in body[:200].decode(errors="replace")).strip()
    return f"{text[:40]}..." if len(text) > 40 else text or "empty"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart without its bars.

    Attributes
    ----------
    meta : dict
        Metadata by Yahoo's names: text or None; times in UTC or None; ``currentTradingPeriod`` with the end of the
        regular session alone.
    is_adjusted : bool
        Whether an adjusted close was sent.
    found : tuple of Finding
        On all days: a symbol other than the one asked for, times out of order, splits without a positive ratio.
    """

    meta: Mapping[str, Any]
    is_adjusted: bool
    found: tuple[Finding, ...]


def chart_of(body: bytes, symbol: str) -> Chart:
    """Return what a chart has beside its bars.

    Raises `ValueError` where metadata are not of their kind: the message names what.
    """
    result = json.loads(body)["chart"]["result"][0]
    meta = result["meta"]
    known = {name: _text(name, meta.get(name)) for name in (*_TEXTS, "dataGranularity")}
    _check_zone(known["exchangeTimezoneName"])
    period = meta.get("currentTradingPeriod") or {}
    regular = (period.get("regular") or {}) if isinstance(period, dict) else period
    if not isinstance(regular, dict):
        raise ValueError(f"its currentTradingPeriod is {_shown(period)}")
    moments = {name: _moment(name, meta.get(name)) for name in ("firstTradeDate", "regularMarketTime")}
    end = _moment("currentTradingPeriod", regular.get("end"))
    found = (*_other_symbol(known["symbol"], symbol), *_disorder(result), *_odd_splits(result))
    told = {**known, **moments, "currentTradingPeriod": {"regular": {"end": end}}}
    return Chart(told, "adjclose" in result["indicators"], found)


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        raise ValueError(f"its {name} is {_shown(value)}")
    return value


def _check_zone(name: str | None) -> None:
    try:
        ZoneInfo(name or "UTC")
    except (OSError, ValueError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError; a folder is an OSError
        raise ValueError(f"its exchangeTimezoneName is {_shown(name)}") from error


def _moment(name: str, value: Any) -> dt.datetime | None:
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and _FIRST <= value < _LAST:
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=value)
    raise ValueError(f"its {name} is {_shown(value)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text[:40]}..." if len(text) > 40 else text


def _other_symbol(came: str | None, asked: str) -> tuple[Finding, ...]:
    """Yahoo writes a symbol as it is asked for, but for the dollar in front of a currency: JPY=X for USDJPY=X."""
    if came is None:
        return (Finding("other_symbol", WARNING, "the answer names no symbol"),)
    plain, wanted = came.upper(), asked.upper()
    same = plain == wanted or (wanted == f"USD{plain}" and plain.endswith("=X"))
    return () if same else (Finding("other_symbol", ERROR, f"the answer is of {came}, and not of {asked}"),)


def _disorder(result: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Yfinance sorts by time: times that are out of order would pair with the figures of other days."""
    times = result.get("timestamp") or []
    later = all(a <= b for a, b in itertools.pairwise(times))
    return () if later else (Finding("order", ERROR, "the times of the answer are not increasing"),)


def _odd_splits(result: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Splits of no ratio; closes may be adjusted for them or not, and no day of the series is safe."""
    listed = (result.get("events") or {}).get("splits") or {}
    odd = []
    for split in listed.values():
        above, below = (split.get(name) for name in ("numerator", "denominator"))
        ratio = above / below if isinstance(below, (int, float)) and below else math.nan
        if not 0 < ratio < math.inf:
            odd.append(f"{_shown(above)}:{_shown(below)}")
    return (Finding("split", ERROR, f"split without a positive ratio: {', '.join(odd[:3])}"),) if odd else ()


def symbol_of_counts(body: bytes, symbol: str) -> str:
    """Return the symbol a table of counts is of, "" if it is the one asked for or none is named."""
    named = (json.loads(body)["timeseries"]["result"][0].get("meta") or {}).get("symbol") or [symbol]
    return "" if symbol.upper() in (str(name).upper() for name in named) else _shown(named)
