"""Market, calendar and benchmark named by the events of a backtest: an account has one of each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .._typing import CALENDARS, CalendarName
from ..catalog.table import EventTable
from ..errors import Argument, InputError, Words
from ..markets import is_calendar


def calendar_stated(table: EventTable, calendar: CalendarName, benchmark: str | None) -> CalendarName:
    """Return the calendar of the account: the one that all events name, else the one of the call.

    Parameters
    ----------
    table : EventTable
        The events.
    calendar, benchmark
        Of the call.

    Raises
    ------
    InputError
        If the column market, benchmark or calendar of the events says something else than the call, or not the same of
        all events: nothing of it would be used.
    """
    stated = {name: list(pd.unique(column)) for name, column in table.given_columns(np.arange(len(table))).items()}
    for name, values in stated.items():
        if name == "benchmark":
            if values != [benchmark]:
                remedy = Words("pass ", Argument("benchmark", str(max(values))), " and leave the column out")
                raise _unread(name, values, remedy)
            continue
        known = len(values) == 1 and (is_calendar(values[0]) or (name == "calendar" and values[0] in CALENDARS))
        if not known or calendar not in ("auto", values[0]):
            remedy = Words("pass one such as ", Argument("calendar", "24/7"), ", and trade each market by itself")
            raise _unread(name, values, remedy)
        calendar = values[0]
    return calendar


def _unread(name: str, values: list[str], remedy: Words) -> InputError:
    said = " and ".join(repr(value) for value in values[:2])
    more = f" and {len(values) - 2} more" if len(values) > 2 else ""
    one = "benchmark" if name == "benchmark" else "calendar"
    return InputError(
        f"events, column {name!r}", f"says {said}{more}, but an account has one {one}, of the call", remedy
    )
