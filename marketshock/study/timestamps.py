"""Timestamps of another zone than that of the market, where nobody stated the market."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, IntArray
from ..catalog.table import EventTable
from ..errors import Argument, CalendarWarning, InputError, Words
from ..sessions import NEW_YORK, Sessions

#: Suffixes of other exchanges than New York's, as vendors write them: two letters or more, or one of these alone.
_FOREIGN = re.compile(r".+\.([A-Z]{2,}|[FLTV])")
_NOT_FOREIGN = ("US", "OQ", "PK", "OB", "UN", "WS", "WT", "WI", "RT", "PR")  # New York's, and kinds of shares there


def of_another_exchange(ticker: str) -> bool:
    """Return whether a ticker has the suffix of another exchange than New York's."""
    found = _FOREIGN.fullmatch(ticker)
    return found is not None and found[1] not in _NOT_FOREIGN


def check_zones(table: EventTable, events: IntArray, sessions: Sessions) -> None:
    """Say that New York's closing times are used where a timestamp or a ticker points to another market.

    Parameters
    ----------
    table : EventTable
        All events.
    events : ndarray of shape (n,), int
        Those of a market that nobody stated.
    sessions : Sessions
        What was found for it; only New York's table has closing times of its own.

    Raises
    ------
    InputError
        If a security with the suffix of another exchange has a timestamp: its day depends on the closing time.

    Warns
    -----
    CalendarWarning
        If timestamps are neither in New York's time nor in UTC.
    """
    if sessions.zone != NEW_YORK or not len(table.utc) or not table.utc.strides[0]:
        return
    timed = events[~np.isnat(table.utc[events])]
    if not len(timed):
        return
    foreign = [i for i in timed if of_another_exchange(str(table.names[table.security[i]]))]
    if foreign:
        name = str(table.names[table.security[foreign[0]]])
        what = f"event {table.id_of(foreign[0])!r} has a timestamp, and the closing times of {name!r} are not known"
        raise InputError("events", f"{what}: New York's would be used", _stated())
    elsewhere = timed[~_in_new_york(table.utc[timed], table.offset[timed])]
    if len(elsewhere):
        first, more = elsewhere[0], f" (and {len(elsewhere) - 1} more)" if len(elsewhere) > 1 else ""
        what = f"events: event {table.id_of(first)!r}{more} has a timestamp of another zone than New York's"
        warnings.warn(
            CalendarWarning(Words(f"{what}, whose closing times are used, as no market is stated; ", _stated())),
            stacklevel=5,
        )


def _stated() -> Words:
    own = 'such as market "XETR" with its index in the column benchmark'
    return Words(f"say which: a column market or calendar of the events, {own}; or ", Argument("calendar", "XETR"))


def _in_new_york(utc: DateArray, offset: IntArray) -> BoolArray:
    """Return which timestamps are written in UTC or in New York's time."""
    local = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(NEW_YORK).tz_localize(None).to_numpy()
    ahead = (local.astype("datetime64[m]") - utc.astype("datetime64[m]")).astype(np.int64)
    return np.asarray((offset == 0) | (offset == ahead))
