"""Frames that are not what they are passed as: factors in percent, codes among figures, rows of closed days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray
from ..sessions import nyse
from .codes import is_code, is_hundredth, look_like_returns, not_positive
from .found import NOTE, REFUSE, WARN, PriceFinding
from .frames import PERCENT, PERCENT_SHARE, numeric_values, session_dates

INFINITE = 1.7e308  # stands for an infinite value until it is named
_EVERY = "(all)"
_FEWEST_ROWS = 20  # rows that tell the usual size
_FAR, _SIZABLE = 25.0, 0.1  # times the usual size, and returns, beyond which a row is unlike the others
_NEAR_ROWS, _NEAR_SOME = 10, 3  # of so many rows so many make a run
_ALONE = 0.3  # a single return of a factor or a benchmark beyond is odd: the S&P lost 20 % on its worst day
_IN_A_ROW, _NO_PERCENT = 7, 0.008
_FEWEST = 3  # columns that tell a row carried along from prices that did not move
_NO_DAY = np.datetime64("NaT", "D")


def factor_findings(names: Sequence[str], days: DateArray, values: FloatArray) -> list[PriceFinding]:
    """Return what cannot be decimal returns of factors or benchmarks: percent, codes, a return of 1 and more.

    Parameters
    ----------
    names, days : sequence of str, ndarray of datetime64[D]
        Of the columns and of the rows.
    values : ndarray of shape (T, F)
        NaN where missing.
    """
    return [f for k, name in enumerate(names) for f in _of_factor(name, days, values[:, k])]


def _of_factor(name: str, days: DateArray, column: FloatArray) -> Iterator[PriceFinding]:
    coded = is_code(column)
    if coded.any():
        yield _first(name, days, coded, "codes", f"{column[np.argmax(coded)]:g}, a missing-value code{_times(coded)}")
    size = np.where(coded, np.nan, np.abs(column))
    known = size[np.isfinite(size)]
    if not len(known) or np.isin(known, (0.0, 1.0)).all():  # an indicator is a regressor, and no return
        return
    if (rows := _in_percent(size)).any():
        cause = f"{_span(days, rows)} of the size of percent, others of decimals: bring all rows into decimals"
        yield replace(_first(name, days, rows, "scale", cause), first=days[0], last=days[-1])
        return
    typical, above = float(np.median(known)), float((known > 1).mean())
    if typical > PERCENT or above > PERCENT_SHARE:
        cause = f"median size {typical:.3g}, {100 * above:.0f} % above 1: percent; divide by 100"
        yield PriceFinding(name, _NO_DAY, "percent", np.nan, cause, REFUSE, days[0], days[-1])
        return
    over_100, large = is_hundredth(column), size >= 1  # in percent -.99 is a return like others
    if over_100.any():
        cause = f"{column[np.argmax(over_100)]:g}, a missing-value code divided by 100{_times(over_100)}"
        yield _first(name, days, over_100, "codes", cause)
    if large.any():
        value = column[np.argmax(large)]
        cause = f"{value:g}, a return of {100 * value:+.0f} %{_times(large)}"
        yield _first(name, days, large, "above_one", cause)
    yield from scale_findings(name, days, np.where(large | over_100, np.nan, size), _ALONE)


def _first(name: str, days: DateArray, which: BoolArray, rule: str, cause: str) -> PriceFinding:
    return PriceFinding(name, days[int(np.argmax(which))], rule, np.nan, cause, REFUSE)


def scale_findings(name: str, days: DateArray, size: FloatArray, alone: float = np.inf) -> Iterator[PriceFinding]:
    """Yield one finding for the rows whose size, (T,), is far beyond that of the others: percent among decimals?

    Three within ten rows make one, or a single row of more than `alone`.
    """
    moving = size[size > 0]
    if len(moving) < _FEWEST_ROWS:
        return
    usual = float(np.median(moving))
    big = size > max(_FAR * usual, _SIZABLE)
    if not big.any():
        return
    near = np.convolve(big, np.ones(2 * _NEAR_ROWS - 1), "same") >= _NEAR_SOME  # others up to nine rows away
    rows = big & (near | (size > alone))
    if rows.any():
        times = float(np.median(size[rows])) / usual
        cause = f"{_span(days, rows)} {times:.0f} times the usual size of {usual:.2g}: percent among decimals?"
        at = np.flatnonzero(rows)
        yield PriceFinding(name, days[at[0]], "scale", np.nan, cause, WARN, days[at[0]], days[at[-1]])


def _in_percent(size: FloatArray) -> BoolArray:
    """Return which rows are in percent where others are in decimals, (T,); none where all are alike.

    Of seven consecutive values a middle one of 20 % never happens in decimals, and one of .008 % never in percent.
    """
    moving = np.flatnonzero(size > 0)
    none = np.zeros(len(size), dtype=bool)
    if len(moving) < _FEWEST_ROWS or not (size[moving] > PERCENT).any():
        return none
    middle = np.median(np.lib.stride_tricks.sliding_window_view(size[moving], _IN_A_ROW), axis=1)
    if middle.max() <= PERCENT or middle.min() >= _NO_PERCENT:
        return none
    return np.asarray(size > PERCENT)


def _span(days: DateArray, rows: BoolArray) -> str:
    """Return rows in words, to be followed by what they are."""
    at = np.flatnonzero(rows)
    return f"{len(at)} rows from {days[at[0]]} to {days[at[-1]]} are" if len(at) > 1 else "this row is"


def without_impossible(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[PriceFinding]]:
    """Return a wide frame of prices with NaN for what `Prices` refuses, and these values as findings."""
    values = numeric_values("prices", frame)
    days = session_dates("prices", frame.index, frame)
    found: list[PriceFinding] = []
    for k, name in enumerate(map(str, frame.columns)):
        column = values[:, k]
        infinite = np.abs(column) == INFINITE
        if infinite.any():
            cause = f"an infinite value{_times(infinite)}"
            found.append(PriceFinding(name, days[int(np.argmax(infinite))], "infinite", np.nan, cause, REFUSE))
            column[infinite] = np.nan
        with np.errstate(invalid="ignore"):
            low = column <= 0
        if not low.any():
            continue
        if look_like_returns(column):
            cause = not_positive(column, int(np.argmax(low)))[0]
            found.append(PriceFinding(name, days[int(np.argmax(low))], "returns_as_prices", np.nan, cause, REFUSE))
            column[:] = np.nan
            continue
        found += _of_signs(name, days, column, low)
        column[low] = np.nan
    return pd.DataFrame(values, index=frame.index, columns=frame.columns), found


def _of_signs(name: str, days: DateArray, column: FloatArray, low: BoolArray) -> Iterator[PriceFinding]:
    """Yield one finding per cause: the first value of it, and how many there are."""
    first: dict[str, tuple[int, str, int]] = {}
    for at in np.flatnonzero(low):
        kind = not_positive(column, int(at))[0] or "which is no price"
        place, told, n = first.get(kind, (int(at), f"{column[at]:g}, {kind}", 0))
        first[kind] = place, told, n + 1
    for place, told, n in first.values():
        more = f" ({n} such values)" if n > 1 else ""
        yield PriceFinding(name, days[place], "codes", np.nan, told + more, REFUSE)


def carried_rows(days: DateArray, values: FloatArray) -> list[PriceFinding]:
    """Return the rows that repeat the row before in all columns, three or more, on days that are no session.

    The sessions are those of the NYSE if all other rows are; otherwise only weekends count, if none of them has a row
    of its own.
    """
    if values.shape[1] < _FEWEST or len(days) < 2:
        return []
    equal = np.zeros(len(days), dtype=bool)
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    equal[1:] = same.all(axis=1) & np.isfinite(values[1:]).any(axis=1)
    if not equal.any():
        return []
    table = nyse()
    weekend = (days.astype(np.int64) + 3) % 7 >= 5  # day 0 of the epoch was a Thursday
    inside = days[0] >= table.days[0] and days[-1] <= table.days[-1]
    if inside and table.contains(days[~equal]).all():
        closed = equal & ~table.contains(days)
    else:
        closed = equal & weekend if not (weekend & ~equal).any() else np.zeros(len(days), dtype=bool)
    if not closed.any():
        return []
    at = int(np.argmax(closed))
    cause = f"equal to the row before in every column, on a day without trading{_times(closed, 'rows')}: carried along"
    return [PriceFinding(_EVERY, days[at], "closed_day", 1.0, cause, NOTE, days[at], days[np.flatnonzero(closed)[-1]])]


def _times(which: BoolArray, what: str = "values") -> str:
    n = int(which.sum())
    return f" ({n} such {what})" if n > 1 else ""
