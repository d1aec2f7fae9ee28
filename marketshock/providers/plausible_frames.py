"""Frames that are not what they are passed as: factors in percent, codes among figures, rows of closed days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray
from ..sessions import nyse
from .codes import is_code, look_like_returns, not_positive
from .found import NOTE, REFUSE, PriceFinding
from .frames import PERCENT, PERCENT_SHARE, numeric_values, session_dates

INFINITE = 1.7e308  # stands for an infinite value until it is named
_EVERY = "(all)"
_FEWEST = 3  # columns that tell a row carried along from prices that did not move
_NO_DAY = np.datetime64("NaT", "D")


def factor_findings(names: Sequence[str], days: DateArray, values: FloatArray) -> list[PriceFinding]:
    """Return what cannot be decimal factor returns: percent, codes, a return of 1 and more.

    Parameters
    ----------
    names, days : sequence of str, ndarray of datetime64[D]
        Of the columns and of the rows.
    values : ndarray of shape (T, F)
        NaN where missing.
    """
    found: list[PriceFinding] = []
    for k, name in enumerate(names):
        column = values[:, k]
        coded = is_code(column)
        if coded.any():
            at = int(np.argmax(coded))
            cause = f"{column[at]:g}, a missing-value code{_times(coded)}"
            found.append(PriceFinding(name, days[at], "codes", np.nan, cause, REFUSE))
        size = np.abs(column[np.isfinite(column) & ~coded])
        if not len(size):
            continue
        typical, above = float(np.median(size)), float((size > 1).mean())
        if typical > PERCENT or above > PERCENT_SHARE:
            cause = f"median size {typical:.3g}, {100 * above:.0f} % above 1: percent; divide by 100"
            found.append(PriceFinding(name, _NO_DAY, "percent", np.nan, cause, REFUSE, days[0], days[-1]))
            continue
        with np.errstate(invalid="ignore"):
            large = (np.abs(column) >= 1) & ~coded
        if large.any():
            at = int(np.argmax(large))
            cause = f"{column[at]:g}, a factor return of {100 * column[at]:+.0f} %{_times(large)}"
            found.append(PriceFinding(name, days[at], "above_one", np.nan, cause, REFUSE))
    return found


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
