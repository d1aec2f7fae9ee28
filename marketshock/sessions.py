"""Trading sessions, and the mapping of event dates to them.

The NYSE calendar is fixed (1970 to 2027), so that a study gives the same sessions on every machine. Other exchanges
have theirs by name (`markets.py`); where none is known, the days on which the benchmark has a price are the sessions.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from ._bundled import bundled_path
from ._typing import BoolArray, DateArray, IntArray, StrArray
from .errors import Argument, InputError, NotSessionError, PriceError, Words

NEW_YORK = "America/New_York"

YEAR = 252  # sessions of the NYSE a year, to the nearest whole number
MONTH = YEAR // 12

_DAYS_A_YEAR = 365.25
_EVERY = {365: ("day", 1.0), 52: ("week", 7.0), 12: ("month", 30.44), 4: ("quarter", 91.31), 1: ("year", 365.25)}
_NEAR = 0.03  # relative distance of the number counted from a number of _EVERY
_EVEN = 0.95  # share of the gaps between dates that are about one period
_FEWEST = 8  # dates; less is no series
_HALF_A_YEAR = 180  # days; holidays are spread over the year, so a shorter count would be off by several percent
_UNEVEN = 1.25  # largest ratio of the days that three thirds of the dates take; holidays make 1.15 of half a year

#: Rules of the mapping, in words; the values of ``Alignment.rule``.
SAME_DAY = "the session of that day"
AFTER_CLOSE = "after the close: the next session"
CLOSED_NEXT = "market closed: the next session"
CLOSED_PREVIOUS = "market closed: the session before"
DROPPED = "market closed: dropped"
OUTSIDE = "outside the calendar"


@dataclass(frozen=True, slots=True)
class Sessions:
    """Trading sessions of a market."""

    name: str  # "NYSE", or "index" if the dates of the prices are the calendar
    days: DateArray  # (n_sessions,), datetime64[D]: sessions, strictly increasing
    closes: DateArray | None  # (n_sessions,), datetime64[s]: closing times in UTC; None if unknown
    zone: str = ""  # time zone of the market; "" if unknown
    of: str = ""  # whose dates "index" sessions are; "" if unknown

    def contains(self, days: DateArray) -> BoolArray:
        """Return whether each day is a session, (n,)."""
        at = np.minimum(np.searchsorted(self.days, days), len(self.days) - 1)
        return np.asarray(self.days[at] == days)

    def between(self, first: np.datetime64, last: np.datetime64) -> DateArray:
        """Return the sessions from `first` to `last`, both included."""
        lo, hi = np.searchsorted(self.days, first), np.searchsorted(self.days, last, side="right")
        return self.days[lo:hi]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Sessions of events, with the rule of each mapping."""

    day: DateArray  # (n,), datetime64[D]: session; NaT if the event was dropped or lies outside the calendar
    rule: StrArray  # (n,) of text: rule of the mapping, in words


@dataclass(frozen=True, slots=True)
class SessionYear:
    """The sessions of a year, by which figures of one session become annual; `str` gives it in words."""

    n: float  # sessions a year; NaN if the dates do not tell
    source: str  # where the number comes from, or why there is none

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return not math.isnan(self.n)

    def __str__(self) -> str:
        return f"{self.n:.4g} sessions ({self.source})" if self.known else f"unknown ({self.source})"


@lru_cache(maxsize=1)
def nyse() -> Sessions:
    """Return the fixed NYSE calendar, 1970-01-01 to 2027-12-31, with early closes.

    Notes
    -----
    Generated from exchange_calendars by ``data/scripts/build_sessions.py``; a test compares the two. The regular close
    is 16:00 in all years, although the exchange closed at 15:30 before October 1974.
    """
    path = bundled_path("sessions", "nyse.csv")
    rows = [line.split(",") for line in path.read_text("ascii").splitlines() if line[0] != "#"][1:]
    closed = np.array([day for day, state in rows if state == "closed"], dtype="datetime64[D]")
    early = {np.datetime64(day): state for day, state in rows if state != "closed"}
    first, last = np.datetime64("1970-01-01"), np.datetime64("2027-12-31")
    weekdays = np.arange(first, last + 1)
    weekdays = weekdays[np.is_busday(weekdays)]
    days = weekdays[~np.isin(weekdays, closed)]
    local = days.astype("datetime64[s]") + np.timedelta64(16, "h")
    for day, clock in early.items():
        hours, minutes = map(int, clock.split(":"))
        local[np.searchsorted(days, day)] = day.astype("datetime64[s]") + np.timedelta64(60 * hours + minutes, "m")
    utc = pd.DatetimeIndex(local).tz_localize(NEW_YORK).tz_convert("UTC").tz_localize(None)
    return Sessions("NYSE", days, utc.to_numpy().astype("datetime64[s]"), NEW_YORK)


def index_sessions(days: DateArray, of: str = "") -> Sessions:
    """Return the calendar of the dates of the prices, without closing times; `of` says whose they are."""
    return Sessions("index", days, None, of=of)


def session_year(sessions: Sessions) -> SessionYear:
    """Return the sessions of a year on a calendar.

    252 for the sessions of the NYSE, as is usual; its table has 252.0 a year in the 40 years to 2024. On other
    calendars 365, 52, 12, 4 or 1 if there is a date every day, week, month, quarter or year, and otherwise the number
    counted in the dates, which must cover half a year evenly. NaN if they are too few or too uneven.

    Parameters
    ----------
    sessions : Sessions
        The calendar; all its days are counted.
    """
    days = sessions.days
    if sessions.name == "NYSE" or (len(days) and np.array_equal(days, nyse().between(days[0], days[-1]))):
        return SessionYear(float(YEAR), "NYSE")
    if len(days) < _FEWEST:
        return SessionYear(math.nan, f"{len(days)} dates are too few to tell")
    gaps = np.diff(days).astype(np.int64)
    length = int(gaps.sum())
    whole = length // 7 * 7 if np.median(gaps) < 7 else length  # weeks, so that no weekend is counted in part
    counted = np.count_nonzero(days < days[0] + whole) * _DAYS_A_YEAR / whole
    for n, (period, gap) in _EVERY.items():
        even = (gaps > 0.4 * gap) & (gaps < 1.6 * gap)
        if abs(counted * gap / _DAYS_A_YEAR - 1) < _NEAR and even.mean() > _EVEN:
            return SessionYear(float(n), f"one every {period}")
    span = f"{days[0]} to {days[-1]}"
    if length < _HALF_A_YEAR:
        return SessionYear(math.nan, f"{len(days)} dates, {span}, are too few to tell")
    third = len(gaps) // 3
    parts = [int(gaps[k * third : (k + 1) * third].sum()) for k in range(3)]
    if max(parts) > _UNEVEN * min(parts):
        return SessionYear(math.nan, f"the dates, {span}, are too uneven to tell")
    return SessionYear(float(counted), f"counted, {span}")


def map_timestamps(sessions: Sessions, utc: DateArray) -> Mapped:
    """Map UTC timestamps to the first session that closes after them.

    Raises `InputError` if the calendar has no closing times.

    Parameters
    ----------
    sessions : Sessions
        Calendar with closing times.
    utc : ndarray of shape (n,), datetime64[ns] or coarser
        Timestamps in UTC.
    """
    if sessions.closes is None:
        raise InputError(
            "date",
            f"a timestamp needs closing times, which the dates of {sessions.of or 'the prices'} do not have",
            Words(
                *("give dates without a time and the column timing (after_close), or name the exchange: a column "),
                *(
                    "market of the events such as XETR, ",
                    Argument("calendar", "XETR"),
                    ", or ms.Market with close and ",
                ),
                "zone",
            ),
        )
    at = np.searchsorted(sessions.closes, utc, side="right")
    local = _local_day(utc, sessions.zone or "UTC")
    day, outside = _days_at(sessions, at, local)
    rule = np.full(len(utc), CLOSED_NEXT, dtype=object)
    rule[sessions.contains(local)] = AFTER_CLOSE
    rule[day == local] = SAME_DAY
    rule[outside] = OUTSIDE
    return Mapped(day, rule)


def map_dates(sessions: Sessions, days: DateArray, after_close: BoolArray, on_closed: StrArray) -> Mapped:
    """Map dates without a time to sessions.

    Raises `NotSessionError` if a date is not a session and its `on_closed` is "raise".

    Parameters
    ----------
    sessions : Sessions
        Calendar of the market.
    days : ndarray of shape (n,), datetime64[D]
        Dates.
    after_close : ndarray of shape (n,), bool
        Whether the news came after the close of that day; such dates map to the next session.
    on_closed : ndarray of shape (n,)
        "raise", "next", "previous" or "drop", applied to dates on which the market was closed.
    """
    at = places(sessions.days, days)
    nearest, outside = _days_at(sessions, at, days)
    is_open = nearest == days
    if is_open.all() and not after_close.any():
        return Mapped(nearest, np.broadcast_to(np.array(SAME_DAY, dtype=object), (len(days),)))
    rule = np.full(len(days), SAME_DAY, dtype=object)
    closed = ~is_open & ~outside
    refused = closed & (on_closed == "raise")
    if refused.any():
        raise _closed_error(sessions, days[refused])
    step: IntArray = np.zeros(len(days), np.int64)
    step[is_open & after_close] = 1
    step[closed & (on_closed == "previous")] = -1
    day, outside = _days_at(sessions, at + step, days)
    rule[is_open & after_close] = AFTER_CLOSE
    for choice, words in (("next", CLOSED_NEXT), ("previous", CLOSED_PREVIOUS), ("drop", DROPPED)):
        rule[closed & (on_closed == choice)] = words
    rule[outside] = OUTSIDE
    day[rule == DROPPED] = np.datetime64("NaT")
    return Mapped(day, rule)


def places(axis: DateArray, days: DateArray) -> IntArray:
    """Return ``np.searchsorted(axis, days)``; many days are looked up in a table of all calendar days.

    Parameters
    ----------
    axis : ndarray of shape (T,), datetime64[D]
        Axis, strictly increasing.
    days : ndarray of shape (n,), datetime64[D]
        Days without NaT.
    """
    first, last = axis[0].astype(np.int64), axis[-1].astype(np.int64)
    if len(days) < last - first:
        return np.asarray(np.searchsorted(axis, days))
    table = np.searchsorted(axis, np.arange(first, last + 2).astype(axis.dtype))
    return np.asarray(table[np.clip(days.astype(axis.dtype).astype(np.int64) - first, 0, len(table) - 1)])


def nearest_sessions(sessions: Sessions, day: np.datetime64) -> tuple[np.datetime64, np.datetime64]:
    """Return the sessions before and after a day that is not a session."""
    at = int(np.searchsorted(sessions.days, day))
    last = len(sessions.days) - 1
    return sessions.days[max(at - 1, 0)], sessions.days[min(at, last)]


def day_named(parameter: str, value: object) -> np.datetime64:
    """Return the day given as a date, a timestamp (its date is used) or text in the form YYYY-MM-DD.

    Raises `InputError` if `value` is not a date.
    """
    is_date = isinstance(value, (dt.date, np.datetime64))  # includes datetime and Timestamp
    try:
        text = str(value)[:10] if is_date or isinstance(value, str) else ""
        if isinstance(value, str) and value != text:
            raise ValueError(value)
        return np.datetime64(dt.date.fromisoformat(text), "D")
    except ValueError as error:
        raise InputError(parameter, f"{value!r} is no date", "write it as '2025-01-27'") from error


def previous_session(sessions: Sessions, session: np.datetime64) -> np.datetime64:
    """Return the session before a session: what a close, a market cap and a count are "before".

    Raises `PriceError` if the calendar has no earlier session.

    Parameters
    ----------
    sessions : Sessions
        The calendar of the study or, without one, of the prices.
    session : datetime64[D]
        One of its sessions.
    """
    at = int(np.searchsorted(sessions.days, session))
    if at == 0:
        raise PriceError("prices", f"there is no session before {session}", "give prices that begin earlier")
    return np.datetime64(sessions.days[at - 1], "D")


def resolve_session(parameter: str, value: object, sessions: Sessions | None = None) -> np.datetime64:
    """Return the session of a date.

    Raises `InputError` if `value` is not a date, or beyond the calendar; `NotSessionError` if the market was closed
    that day.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    value : date or str
        As `day_named` takes it.
    sessions : Sessions, optional
        The calendar; the NYSE calendar by default.
    """
    day = day_named(parameter, value)
    table = nyse() if sessions is None else sessions
    first, last = table.days[0], table.days[-1]
    if not first <= day <= last:
        calendar = "the NYSE calendar" if table.name == "NYSE" else "the prices"
        raise InputError(parameter, f"{day} lies beyond {calendar}", f"give a day from {first} to {last}")
    if not table.contains(np.array([day]))[0]:
        before, after = nearest_sessions(table, day)
        weekday = pd.Timestamp(day).day_name()
        kind = "NYSE session" if table.name == "NYSE" else "date of the prices"
        raise NotSessionError(parameter, f"{day}, a {weekday}, is no {kind}", f"give {before} or {after}")
    return day


def _days_at(sessions: Sessions, at: IntArray, when: DateArray) -> tuple[DateArray, BoolArray]:
    """Return the sessions at positions `at` and a mask of dates outside the calendar, whose session is NaT."""
    outside = (at < 0) | (at >= len(sessions.days)) | (when < sessions.days[0])
    day = sessions.days[np.clip(at, 0, len(sessions.days) - 1)]
    day[outside] = np.datetime64("NaT")
    return day, outside


def _closed_error(sessions: Sessions, closed: DateArray) -> NotSessionError:
    day = closed[0]
    before, after = nearest_sessions(sessions, day)
    more = f" (and {len(closed) - 1} more)" if len(closed) > 1 else ""
    weekday = pd.Timestamp(day).day_name()
    return NotSessionError(
        "date",
        f"{day}, a {weekday}, is no {sessions.name} session{f' of {sessions.of}' if sessions.of else ''}{more}",
        Words(Argument("on_closed", "next"), f" takes {after}, 'previous' takes {before}, 'drop' excludes the event"),
        day,
    )


def _local_day(utc: DateArray, zone: str) -> DateArray:
    local = pd.DatetimeIndex(utc.astype("datetime64[us]")).tz_localize("UTC").tz_convert(zone)
    return local.tz_localize(None).to_numpy().astype("datetime64[D]")
