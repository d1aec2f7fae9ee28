"""Daily bars stamped at midnight of their exchange and written in UTC: east of Greenwich that is the day before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, IntArray
from ..errors import PriceError

_ZONES = (
    *("Europe/London", "Europe/Paris", "Europe/Athens", "Africa/Johannesburg", "Asia/Jerusalem", "Europe/Istanbul"),
    *("Europe/Moscow", "Asia/Riyadh", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka"),
    *("Asia/Bangkok", "Asia/Jakarta", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Taipei", "Asia/Tokyo"),
    *("Asia/Seoul", "Australia/Sydney", "Pacific/Auckland"),
)
_HALVES = (17 * 60 + 30, 18 * 60 + 15, 18 * 60 + 30, 20 * 60 + 30)  # Yangon, Kathmandu, Kolkata, Tehran
_MIDNIGHTS = np.array([*(hour * 60 for hour in range(11, 24)), *_HALVES])  # of zones from UTC+1 to UTC+13
_FEW = 5  # a weekday without sessions has less than one bar for so many of another: exchanges open on odd Saturdays
_WHOLE = (
    0.5  # share of the first session's bars that each other session of a security's week has: weekly bars have none
)


def refuse_midnights_elsewhere(
    parameter: str, index: pd.Index, days: DateArray, there: Callable[[], BoolArray] | None = None
) -> None:
    """Refuse bars whose dates are a day early because midnight of their zone was converted to UTC.

    The time of day alone does not tell (21:00 UTC is the close of New York and midnight in Moscow), so that the bars
    must also lie on the days of a trading week that is shifted by one: on Sundays and not on Fridays and Saturdays, or
    on Saturdays and not on Thursdays and Fridays. In summer and in winter the hour may differ; each is looked at by
    itself. So is each security: the days of a coin beside a stock are none of its own.

    Parameters
    ----------
    parameter : str
        Name of the argument or file, for errors.
    index : Index
        Dates, with or without a time of day, as times or as ISO text; times without a zone are taken for UTC.
    days : ndarray of shape (T,), datetime64[D]
        The date of each in its own zone.
    there : callable, optional
        Returns whether each security has a value on each of them, (T, S). Called only if a time of day may be midnight
        elsewhere.

    Raises
    ------
    PriceError
        Naming the zones in which all such bars are stamped at midnight.
    """
    utc = _times(index)
    if utc is None:
        return
    minute = (utc.astype("datetime64[m]") - utc.astype("datetime64[D]")).astype(np.int64)
    early = np.zeros(len(days), dtype=bool)
    weekday = (days.astype(np.int64) + 3) % 7  # Monday is 0; 1970 began on a Thursday
    midnights = np.intersect1d(minute, _MIDNIGHTS)
    present = there() if there is not None and len(midnights) else np.zeros((len(days), 0), dtype=bool)
    for one in midnights:
        here = minute == one
        if _is_shifted_week(np.bincount(weekday[here], minlength=7)):
            early |= here
            continue
        count = np.array([present[here & (weekday == day)].sum(axis=0) for day in range(7)]).T
        early |= here & present[:, [_is_shifted_week(of_one, _WHOLE) for of_one in count]].any(axis=1)
    if early.any():
        raise PriceError(parameter, *_said(utc, minute, early, weekday))


def _times(index: pd.Index) -> DateArray | None:
    """Return the times in UTC, NaT where one cannot be read; None if no entry has a time of day."""
    if isinstance(index, pd.DatetimeIndex):
        times = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
        utc: DateArray = times.to_numpy()
        return None if index.tz is None and (utc == utc.astype("datetime64[D]")).all() else utc
    text = index.astype(str)
    if not (text.str.len() > len("2025-01-27")).any():
        return None
    plain = pd.Series(text.str.replace(r" (?=Z|[+-]\d)", "", regex=True))
    read = pd.to_datetime(plain, format="ISO8601", utc=True, errors="coerce")
    return np.asarray(read.dt.tz_localize(None).to_numpy())


def _is_shifted_week(count: IntArray, whole: float = 0.0) -> bool:
    """Return whether bars by weekday are those of a week of five sessions, a day early.

    `whole` is how many bars of each other session of the week there are at least, relative to those of the first.
    """
    weeks = ((6, 4, 5), (5, 3, 4))  # the days before Monday, Friday and Saturday; before Sunday, Thursday and Friday
    return any(
        count[first] > 0
        and _FEW * max(count[one], count[two]) <= count[first]
        and min(count[(first + k) % 7] for k in range(1, 5)) >= whole * count[first]
        for first, one, two in weeks
    )


def _said(utc: DateArray, minute: IntArray, early: BoolArray, weekday: IntArray) -> tuple[str, str]:
    """Return what is wrong and what to do."""
    hours = " and ".join(f"{m // 60:02}:{m % 60:02}" for m in np.unique(minute[early]))
    saturdays, thursdays = (np.count_nonzero(weekday[early] == day) for day in (5, 3))
    lie = "Saturdays and not on Thursdays" if saturdays > thursdays else "Sundays and not on Fridays"
    stamps = pd.DatetimeIndex(utc[early]).tz_localize("UTC")
    zones = [z for z in _ZONES if (stamps.tz_convert(z).hour == 0).all() and (stamps.tz_convert(z).minute == 0).all()]
    where = f"midnight in {' or '.join(zones[:3])}" if zones else "midnight east of Greenwich"
    zone = zones[0] if zones else "the exchange's zone"
    problem = f"bars at {hours} UTC lie on {lie}: that is {where}, and each would be taken for the day before its own"
    return problem, f"convert the times to {zone} first, or give the dates alone"
