"""Checks of bars that look sound: an error refuses them, a warning stays with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._typing import DateArray, FloatArray
from ..sessions import NEW_YORK, nyse
from .bars import FIELDS, Bars, dividend_steps, last_known
from .extremes import SPIKE, far_from_closes

ERROR, WARNING, NOTE = "error", "warning", "note"

#: Names of the findings, for ``tolerate=``.
FINDINGS = {
    "order": "times not unique and increasing",
    "not_finite": "a figure that is infinite",
    "not_positive": "a price that is zero or negative, a volume or dividend that is negative",
    "missing": "a bar without a close, or without an open, high or low",
    "range": "low <= open, close <= high does not hold",
    "closed_day": "a bar on a day the exchange was closed",
    "absent": "a session without a bar",
    "spike": "a close far from both its neighbours, or an open, high or low far from the closes",
    "unfinished": "a bar of a day that is not over",
    "capital_gains": "capital gains that may be counted twice",
    "starts_late": "first traded after the first day asked",
    "jump": "a close far from the one before",
    "split": "a split the closes are not adjusted for, or one without a positive ratio",
    "adjustment": "the vendor's adjusted close steps without a dividend that explains it",
    "unadjusted": "closes without an adjusted close of the vendor, so that dividends are not compared with it",
    "other_symbol": "an answer that does not name the symbol asked for",
    "other_days": "bars of days that were not asked for",
    "stale": "the same bar again and again",
    "calendar": "no calendar is known, sessions were not checked",
}

_JUMP = (1.6, 20.0)  # factors beyond which a move that stays is a warning, an error; see SPIKE of one that reverts
_STEP = (1e-4, 2e-3)  # the same of a step of the adjustment that no dividend explains
_UNIT = 4e-6  # currency units: rounding of a vendor's closes at the sixth decimal, in both of a ratio
_RANGE = 1e-3  # by how much, relative, a close may lie outside low and high: vendors round each alone
_STALE = 5  # equal bars in a row
_ON_NYSE = ("EQUITY", "ETF", "INDEX", "MUTUALFUND")  # futures and currencies keep other hours


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: its name (a key of `FINDINGS`), severity, what it is, and the days it is on (none: all)."""

    name: str
    severity: str
    what: str
    days: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The finding in words, with its first days."""
        shown = (
            ""
            if self.name == "starts_late"
            else ", ".join(self.days[:3]) + (f" and {len(self.days) - 3} more" if len(self.days) > 3 else "")
        )
        return f"{self.what} on {shown}" if shown else self.what

    def within(self, first: dt.date, last: dt.date) -> Finding | None:
        """Return what of it falls on the days [first, last), None if nothing does."""
        days = tuple(day for day in self.days if str(first) <= day < str(last))
        return replace(self, days=days) if days or not self.days else None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return {"name": self.name, "severity": self.severity, "what": self.what, "days": list(self.days)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Finding:
        """Return a finding from `to_dict`."""
        return cls(plain["name"], plain["severity"], plain["what"], tuple(plain["days"]))


def check_bars(bars: Bars, vendor_adjusted: FloatArray | None = None) -> list[Finding]:
    """Return what is wrong or odd with the bars of a security.

    Parameters
    ----------
    bars : Bars
        As fetched.
    vendor_adjusted : ndarray of shape (n,), optional
        The vendor's own adjusted close; its steps must be those of the dividends.
    """
    found = _order(bars)
    if found or not len(bars):
        return found
    found = not_finite(bars, vendor_adjusted)
    bars = replace(bars, values=np.where(np.isinf(bars.values), np.nan, bars.values))
    with np.errstate(all="ignore"):  # absurd prices
        found += [*_positive(bars), *_missing(bars), *_range(bars), *_moves(bars), *_extremes(bars), *_stale(bars)]
        found += _sessions(bars)
        if bars.about.get("interval", "1d") == "1d":
            found += _splits(bars)
            if vendor_adjusted is not None:
                found += [*_unadjusted(bars, vendor_adjusted), *_adjustment(bars, vendor_adjusted)]
    return found


def not_finite(bars: Bars, vendor_adjusted: FloatArray | None = None) -> list[Finding]:
    """Return the infinite figures of every field: they would pass as large prices, or as no price at all."""
    columns = {name: bars[name] for name in FIELDS}
    if vendor_adjusted is not None:
        columns["adjusted close"] = vendor_adjusted
    infinite = {name: np.isinf(column) for name, column in columns.items()}
    names = [name for name, where in infinite.items() if where.any()]
    where = np.any(list(infinite.values()), axis=0)
    return _finding("not_finite", ERROR, f"{', '.join(names)} infinite", bars.day, where)


def _order(bars: Bars) -> list[Finding]:
    bad = (bars.time[1:] <= bars.time[:-1]) | (bars.day[1:] < bars.day[:-1])
    return _finding("order", ERROR, "a bar is not later than the one before", bars.day[1:], bad)


def _positive(bars: Bars) -> list[Finding]:
    """A close must be positive; opens, highs and lows of old bars are often 0 and then count as missing."""
    other = (np.column_stack([bars[n] for n in ("open", "high", "low")]) <= 0).any(axis=1)
    return [
        *_finding("not_positive", ERROR, "close zero or negative", bars.day, bars["close"] <= 0),
        *_finding("not_positive", ERROR, "dividend negative", bars.day, bars["dividend"] < 0),
        *_finding("not_positive", WARNING, "open, high or low zero or negative, taken as missing", bars.day, other),
        *_finding(
            "not_positive",
            WARNING,
            "volume negative, or too large to be one, taken as missing",
            bars.day,
            bars["volume"] < 0,
        ),
    ]


def _missing(bars: Bars) -> list[Finding]:
    without = np.isnan(bars["close"])
    other = np.isnan(np.column_stack([bars[n] for n in ("open", "high", "low")])).any(axis=1)
    return [
        *_finding("missing", WARNING, "no close", bars.day, without),
        *_finding("missing", WARNING, "no open, high or low", bars.day, other & ~without),
    ]


def _range(bars: Bars) -> list[Finding]:
    low, high = (np.where(bars[n] > 0, bars[n], np.nan) for n in ("low", "high"))
    opened, slack = bars["open"], _RANGE * bars["close"]
    close = (bars["close"] < low - slack) | (bars["close"] > high + slack) | (low > high + slack)
    outside = (opened > 0) & ((opened < low - slack) | (opened > high + slack))
    # Many opens of old bars are of another auction and a little outside. None is so by a factor, and orders fill there.
    far = (opened > 0) & ((opened * SPIKE[0] < low) | (opened > high * SPIKE[0]))
    return [
        *_finding("range", ERROR, "close outside low and high", bars.day, close),
        *_finding("range", ERROR, "open far outside low and high", bars.day, far & ~close),
        *_finding("range", WARNING, "open outside low and high", bars.day, outside & ~far & ~close),
    ]


def _moves(bars: Bars) -> list[Finding]:
    known = np.isfinite(bars["close"]) & (bars["close"] > 0)
    day, close = bars.day[known], bars["close"][known]
    paid = dividend_steps(close, bars["dividend"][known])  # a special dividend explains its fall
    step = np.diff(np.log(close), prepend=np.log(close[:1])) - np.log(np.where(paid > 0, paid, 1.0))
    size = np.cumsum(step)
    away = np.abs(step)
    back = np.zeros(len(size), bool)
    if len(size) > 2:
        over = np.abs(size[2:] - size[:-2])
        back[1:-1] = over < 0.25 * np.minimum(away[1:-1], away[2:])
    after = np.concatenate([[False], back[:-1]])  # the way back is no move of its own
    found: list[Finding] = []
    for name, limits, which in (("spike", SPIKE, back), ("jump", _JUMP, ~back & ~after)):
        warn, refuse = (which & (away > np.log(limit)) for limit in limits)
        for severity, bad in ((ERROR, refuse), (WARNING, warn & ~refuse)):
            factors = ", ".join(f"x{f:.4g}" for f in np.exp(step[bad])[:3])
            what = f"close {factors}" + (" and back" if name == "spike" else " against the close before")
            found += _finding(name, severity, what, day, bad)
    return found


def _extremes(bars: Bars) -> list[Finding]:
    """Opens, highs and lows by the rule of the closes that revert: within the day everything reverts."""
    found: list[Finding] = []
    factors = far_from_closes(bars["close"], bars["open"], bars["high"], bars["low"])
    for name, factor in factors.items():
        away = np.abs(np.log(factor))
        warn, refuse = (away > np.log(limit) for limit in SPIKE)
        for severity, bad in ((ERROR, refuse), (WARNING, warn & ~refuse)):
            shown = ", ".join(f"x{f:.4g}" for f in factor[bad][:3])
            beside = "the closes" if name == "open" else "open and close"
            found += _finding("spike", severity, f"{name} {shown} against {beside}", bars.day, bad)
    return found


def _splits(bars: Bars) -> list[Finding]:
    """On the day of a split the split-adjusted close does not move by its ratio."""
    split = bars["split"]
    ratio = np.where(split > 0, split, 1.0)
    move, size = np.log(bars["close"] / last_known(bars["close"])), np.log(ratio)
    bad = (np.abs(size) > np.log(1.4)) & (np.abs(move + size) < 0.25 * np.abs(size))
    return [
        *_finding("split", ERROR, "split with a negative ratio", bars.day, split < 0),
        *_finding("split", ERROR, "close moves by the ratio of the split: not adjusted for it", bars.day, bad),
    ]


def _unadjusted(bars: Bars, adjusted: FloatArray) -> list[Finding]:
    """Dividends cannot be compared where the vendor sent no adjusted close."""
    known, sent = np.isfinite(bars["close"]), adjusted > 0
    if known.any() and not sent[known].any():
        return [Finding("unadjusted", WARNING, "no adjusted close was sent: the dividends are not compared with it")]
    return _finding("unadjusted", WARNING, "no adjusted close was sent", bars.day, known & ~sent)


def _adjustment(bars: Bars, adjusted: FloatArray) -> list[Finding]:
    """The vendor's factor before and after a day must differ by the dividend of the day and by nothing else."""
    known = np.isfinite(bars["close"]) & (bars["close"] > 0) & np.isfinite(adjusted) & (adjusted > 0)
    paid = dividend_steps(bars["close"], bars["dividend"])
    unpriced = paid <= 0
    # A dividend on a day without a close shows in the step to the next close.
    explained = np.cumprod(np.where(unpriced, 1.0, paid))[known]
    factor, close, day = adjusted[known] / bars["close"][known], bars["close"][known], bars.day[known][1:]
    step = factor[:-1] / factor[1:]
    off = np.abs(step - explained[1:] / explained[:-1]) - _UNIT / np.minimum(close[1:], close[:-1])
    free = ~np.isin(day, bars.day[unpriced])
    warn, refuse = (free & (off > limit) for limit in _STEP)
    found = _finding("adjustment", ERROR, "dividend as large as the close before", bars.day, unpriced)
    for severity, bad in ((ERROR, refuse), (WARNING, warn & ~refuse)):
        sizes = ", ".join(f"{1 - s:.3%}" for s in step[bad][:3])
        what = f"adjusted close steps by {sizes}, which the dividend does not explain,"
        found += _finding("adjustment", severity, what, day, bad)
    return found


def _stale(bars: Bars) -> list[Finding]:
    columns = [bars[n] for n in ("open", "high", "low", "close")]
    same = np.all([np.diff(c, prepend=np.nan) == 0 for c in columns], axis=0)
    count = np.zeros(len(same), int)
    for i in np.flatnonzero(same):
        count[i] = count[i - 1] + 1
    return _finding("stale", WARNING, f"{_STALE} or more equal bars in a row", bars.day, count == _STALE - 1)


def _sessions(bars: Bars) -> list[Finding]:
    about = bars.about
    if not on_nyse(about):
        what = f"no calendar of {about.get('instrument', '?')} in {about.get('timezone', '?')}: sessions not checked"
        return [Finding("calendar", NOTE, what)]
    first, last = _expected(bars)
    want = nyse().between(first, last)
    inside = bars.day[(bars.day >= nyse().days[0]) & (bars.day <= nyse().days[-1])]
    closed, absent = np.setdiff1d(inside, nyse().days), np.setdiff1d(want, bars.day)
    every = np.ones(len(closed), bool), np.ones(len(absent), bool)
    odd = WARNING if about.get("instrument") == "INDEX" else ERROR  # some indices are of markets with other holidays
    listed = about.get("first_trade") or ""
    late = (str(bars.covered[0]),) if listed > str(bars.covered[0]) and bars.day[0] >= np.datetime64(listed) else ()
    return [
        *([Finding("starts_late", WARNING, f"first traded on {listed}, later than asked", late)] if late else []),
        *_finding("closed_day", odd, "bar on a day the NYSE was closed", closed, every[0]),
        *_finding("absent", WARNING, "no bar on a session", absent, every[1]),
    ]


def on_nyse(about: Mapping[str, Any]) -> bool:
    """Return whether what trades keeps the sessions of the NYSE, from what is known about its bars."""
    return bool(about.get("timezone") == NEW_YORK and about.get("instrument", "EQUITY") in _ON_NYSE)


def _expected(bars: Bars) -> tuple[np.datetime64, np.datetime64]:
    """Return the first and the last day on which a bar is owed: covered, and not before the first trade."""
    first, last = np.datetime64(bars.covered[0]), np.datetime64(bars.covered[1]) - 1
    listed = bars.about.get("first_trade")
    began = min(np.datetime64(listed), bars.day[0]) if listed else bars.day[0]
    return max(first, began), max(last, bars.day[-1])


def _finding(name: str, severity: str, what: str, days: DateArray, bad: Any) -> list[Finding]:
    return [Finding(name, severity, what, tuple(str(day) for day in np.unique(days[bad])))] if bad.any() else []


def found_in(about: Mapping[str, Any], first: dt.date, last: dt.date) -> list[Finding]:
    """Return the findings that came with bars, as far as they concern the days [first, last)."""
    kept = (Finding.from_dict(plain).within(first, last) for plain in about.get("findings", []))
    return [finding for finding in kept if finding]


def words(found: Iterable[Finding]) -> str:
    """Return findings as one line, each with its name."""
    return "; ".join(f"{f.text} [{f.name}]" for f in found)
