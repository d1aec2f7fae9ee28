"""The sessions of a security: those of its market, in one place.

A row of prices on which only other markets traded is no session of anybody else: it neither counts as a day nor costs
a return.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .._typing import BoolArray, CalendarName, DateArray, FloatArray, IntArray
from ..errors import Argument, CalendarWarning, PriceError, Words
from ..markets import named_sessions
from ..sessions import Sessions, index_sessions, nyse

_DAILY = 0.5  # share of one-session steps between a series' prices below which it is no daily series
_CLOSURES = 1 / 3  # share of New York's weekday closures on which a series must have moved to be of another market
_WEEKENDS = 0.1  # the same of Saturdays and Sundays
_HOLE = 20  # calendar days without a row: longer than any holiday of a market
ANY = "the dates"  # of whichever series has a price
_IDLE = 0.1  # share of days with a move up to which a weekday is no trading day, and of repeats that a series may have
_SATURDAY = 5
_WEEKS = 8  # days that it takes to tell
_BACK = 10  # rows in which the price before is looked for
_OTHER = 2  # days of either kind that it takes: one is a stray row, unless it is the only closure of all rows


@dataclass(frozen=True, slots=True)
class Traded:
    """Days on which a series has a price."""

    names: tuple[str, ...]  # the series
    days: DateArray  # (n,), datetime64[D], increasing
    moved: BoolArray  # (n,): whether the price differs from the one before
    lively: BoolArray | None = None  # (n,): whether that of another security of the market does; None if none is known

    @property
    def opened(self) -> DateArray:
        """The days without those over which a price was only carried on."""
        return self.days[~carried(self.days, self.moved, self.lively)]

    @property
    def whose(self) -> str:
        """The series by name, "" where it is the dates of several."""
        return "" if self.names == (ANY,) else self.label

    @property
    def label(self) -> str:
        """The series in words."""
        return self.names[0] if len(self.names) == 1 else f"{self.names[0]} and {len(self.names) - 1} more"


def traded(names: Sequence[str], days: DateArray, values: FloatArray, are_returns: bool) -> Traded:
    """Return the days on which at least half of some series have a price.

    Parameters
    ----------
    names : sequence of str
        The series.
    days : ndarray of shape (T,), datetime64[D]
        Rows.
    values : ndarray of shape (T, n)
        Their prices or returns; NaN where missing.
    are_returns : bool
        Which of the two.
    """
    there = np.isfinite(values)
    moved = np.asarray(_moved(there, values, are_returns).any(axis=1))
    enough = 2 * there.sum(axis=1) >= max(1, values.shape[1])
    return Traded(tuple(names), days[enough], moved[enough])


def shared_days(names: Sequence[str], days: DateArray, values: FloatArray, are_returns: bool) -> tuple[Traded, Traded]:
    """Return the days on which more than half of some series have a price, and those on which half have one.

    The half is of the series whose prices have begun and not ended; arguments as those of `traded`.
    """
    there = np.isfinite(values)
    moved = np.asarray(_moved(there, values, are_returns).any(axis=1))
    begun, going = np.maximum.accumulate(there, axis=0), np.maximum.accumulate(there[::-1], axis=0)[::-1]
    n, alive = there.sum(axis=1), (begun & going).sum(axis=1)
    more, half = 2 * n > alive, (2 * n >= alive) & (n > 0)
    return Traded(tuple(names), days[more], moved[more]), Traded(tuple(names), days[half], moved[half])


def _moved(there: BoolArray, values: FloatArray, are_returns: bool) -> BoolArray:
    """Return where a price differs from the one before, (T, n)."""
    if are_returns:
        return np.asarray(np.nan_to_num(values) != 0.0)
    last = np.maximum.accumulate(np.where(there, np.arange(len(values))[:, None], -1), axis=0)
    before = np.vstack([np.full((1, values.shape[1]), -1), last[:-1]])
    earlier = np.where(before >= 0, np.take_along_axis(values, np.maximum(before, 0), axis=0), np.nan)
    return np.asarray(there & (values != earlier))


def beside(series: Traded, days: DateArray, values: FloatArray, are_returns: bool) -> Traded:
    """Return a series with the days on which one of some other securities of its market moved.

    Parameters
    ----------
    series : Traded
        The series.
    days : ndarray of shape (T,), datetime64[D]
        Rows, the days of the series among them.
    values : ndarray of shape (T, n)
        Prices or returns of the others; NaN where missing.
    are_returns : bool
        Which of the two.
    """
    if not values.shape[1]:
        return series
    moved = np.asarray(_moved(np.isfinite(values), values, are_returns).any(axis=1))
    return replace(series, lively=np.asarray(moved[np.searchsorted(days, series.days)]))


def moved_on(rows: IntArray, values: FloatArray, are_returns: bool) -> BoolArray:
    """Return where the price of a row differs from the last one of the ten rows before, (n, S).

    Parameters
    ----------
    rows : ndarray of shape (n,), int
        Rows to look at.
    values : ndarray of shape (T, S)
        Prices or returns; NaN where missing.
    are_returns : bool
        Which of the two.
    """
    here = values[rows]
    if are_returns:
        return np.asarray(np.nan_to_num(here) != 0.0)
    before = np.full_like(here, np.nan)
    for back in range(1, _BACK + 1):
        if not np.isnan(before).any():
            break
        earlier = np.where((rows >= back)[:, None], values[np.maximum(rows - back, 0)], np.nan)
        before = np.where(np.isnan(before), earlier, before)
    return np.asarray(np.isfinite(here) & np.isfinite(before) & (here != before))


def sessions_for(parameter: str, series: Traded, calendar: CalendarName = "auto", warn: bool = True) -> Sessions:
    """Return the sessions of a market.

    A stated calendar comes first: "NYSE", another exchange by its code, or "index" for the days on which the series
    itself has a price, without those over which it was carried (`carried`). With "auto" it is New York's table if the
    days of the series are its sessions but for stray rows, otherwise the days of the series, with a
    `CalendarWarning`.

    Parameters
    ----------
    parameter : str
        What was given, for errors: "prices" or "returns".
    series : Traded
        The benchmark or, without one, the security.
    calendar : str, optional
        See above.
    warn : bool, optional
        Whether to warn where "auto" takes the days of the series.

    Raises
    ------
    PriceError
        If the series has no value at all; with "NYSE", if the days are not its sessions, or too sparse to be daily.
    InputError
        If no calendar has that name, or calendars of other exchanges are not installed.
    """
    if not len(series.days):
        raise PriceError(parameter, f"{series.label} has no value on any date", "give its values, or leave it out")
    if calendar == "index":
        return index_sessions(series.opened, series.whose)
    if calendar not in ("auto", "NYSE"):
        return named_sessions("calendar", calendar, series.days[0], series.days[-1])
    problem = misfit(series.days, series.moved)
    if not problem:
        return nyse()
    what = f"{series.label}: {problem}"
    if calendar == "NYSE":
        remedy = Words("correct the dates, or pass ", Argument("calendar", "index"), " to take them as sessions")
        raise PriceError(parameter, what, remedy)
    if warn:
        text = Words(
            f"{parameter}: {what}; the days on which it has a price are taken as the trading sessions. Pass ",
            *(Argument("calendar", "index"), " to say so, an exchange's code such as "),
            *(Argument("calendar", "XETR"), ", or ", Argument("calendar", "NYSE"), " to refuse such dates."),
        )
        warnings.warn(CalendarWarning(text), stacklevel=5)
    return index_sessions(series.opened, series.whose)


def carried(days: DateArray, moved: BoolArray, lively: BoolArray | None = None) -> BoolArray:
    """Return the days that are no sessions of a market because a price was carried over them, (n,).

    A price that repeats the one before is carried if its weekday is one on which the series does not trade: it moved on
    a tenth of these days at most, and on most other days. Where other securities of the market are known, it also is
    on a day on which none of them moved, if the series itself repeats a price on few days only.

    Parameters
    ----------
    days : ndarray of shape (n,), datetime64[D]
        Days with a price of the series.
    moved : ndarray of shape (n,), bool
        Whether that price differs from the one before.
    lively : ndarray of shape (n,), bool, optional
        Whether that of another security of the market does.
    """
    weekday = (days.astype(np.int64) + 3) % 7  # from Monday
    n, alive = np.bincount(weekday, minlength=7), np.bincount(weekday, weights=moved, minlength=7)
    closed = (n >= np.where(np.arange(7) < _SATURDAY, _WEEKS, 1)) & (alive <= _IDLE * n)
    usual = ~closed[weekday]
    share = moved[usual].mean() if usual.sum() >= _WEEKS else 0.0
    out = ~moved & ~usual & (share >= _DAILY)
    if lively is not None and share >= 1 - _IDLE:
        out |= ~moved & ~lively
    return np.asarray(out)


def holes(axis: DateArray) -> BoolArray:
    """Return which days of a calendar made of prices come after a hole, (T,): a return over it is of no one session.

    A hole is longer than any holiday of an exchange: more than 20 days, and than ten usual steps.
    """
    step = np.diff(axis.astype(np.int64))
    out = np.zeros(len(axis), dtype=bool)
    out[1:] = step > max(_HOLE, 10 * int(np.median(step))) if len(step) else False
    return out


def misfit(days: DateArray, moved: BoolArray) -> str:
    """Return why days are not New York's sessions, "" if they are but for stray rows.

    A stray row repeats the price before, or is rarer than the days on which another market trades while New York is
    closed.

    Parameters
    ----------
    days : ndarray of shape (n,), datetime64[D]
        Days with a price.
    moved : ndarray of shape (n,), bool
        Whether that price differs from the one before.
    """
    table = nyse()
    if days[0] < table.days[0] or days[-1] > table.days[-1]:
        return f"dates from {days[0]} to {days[-1]} reach beyond the NYSE table ({table.days[0]} to {table.days[-1]})"
    is_session = table.contains(days)
    stray = days[~is_session & moved]
    if _of_another_market(stray, days[0], days[-1]):
        return f"{len(stray)} of {len(days)} dates are no NYSE session (the first is {stray[0]})"
    place = np.searchsorted(table.days, days[is_session])
    if len(place) < 2:
        return "" if len(place) else f"{len(days)} of {len(days)} dates are no NYSE session (the first is {days[0]})"
    if (np.diff(place) == 1).mean() < _DAILY:
        expected = len(table.between(days[0], days[-1]))
        return f"{len(days)} rows for {expected} NYSE sessions are no daily series"
    return ""


def _of_another_market(stray: DateArray, first: np.datetime64, last: np.datetime64) -> bool:
    """Return whether days without a session of New York are so many that they are sessions of another market."""
    if not len(stray):
        return False
    everyday = np.arange(first, last + 1)
    weekday = np.is_busday(everyday)
    closures = int(weekday.sum()) - len(nyse().between(first, last))
    on_weekdays = int(np.is_busday(stray).sum())
    on_weekends = len(stray) - on_weekdays
    return (on_weekdays >= min(_OTHER, max(1, closures)) and on_weekdays > _CLOSURES * closures) or (
        on_weekends >= _OTHER and on_weekends > _WEEKENDS * (len(everyday) - int(weekday.sum()))
    )
