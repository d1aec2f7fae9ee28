"""Intervals of the calendar."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import TypeAlias

Span: TypeAlias = tuple[dt.date, dt.date]
"""First and last day, both included."""

MONTHS = tuple(calendar.month_name)
WEEKDAYS = tuple(calendar.day_name)
_DAY = dt.timedelta(days=1)
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}


def exists(year: int, month: int, day: int) -> bool:
    """Return whether there is such a day."""
    return 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def months(year: int, month: int, count: int = 1) -> Span:
    """Return `count` months from one on; `month` may lie beyond 1 to 12."""
    first, after = month_at(year, month), month_at(year, month + count)
    return first, after - _DAY


def month_at(year: int, month: int) -> dt.date:
    """Return the first day of a month; 13 is January of the next year."""
    return dt.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def shifted(day: dt.date, count: int) -> dt.date:
    """Return the day some months later, or the last of that month if it is shorter."""
    first, last = months(day.year, day.month + count)
    return min(first.replace(day=min(day.day, last.day)), last)


def week(day: dt.date, offset: int = 0) -> Span:
    """Return the week, Monday to Sunday, some weeks after that of a day."""
    monday = day + dt.timedelta(days=7 * offset - day.weekday())
    return monday, monday + 6 * _DAY


def weekend(day: dt.date, offset: int = 0) -> Span:
    """Return Saturday and Sunday of a week."""
    sunday = week(day, offset)[1]
    return sunday - _DAY, sunday


def month_part(year: int, month: int, part: str) -> Span:
    """Return a month, or its days 1-10 ("early"), 11-20 ("mid"), 21 to the end ("late")."""
    first, last = months(year, month)
    ends = {"early": (1, 10), "mid": (11, 20), "late": (21, last.day)}
    low, high = ends.get(part, (1, last.day))
    return first.replace(day=low), first.replace(day=high)


def year_part(year: int, part: str) -> tuple[Span, str]:
    """Return a year or a part of it, and its precision.

    "early" is the first quarter, "mid" April to September, "late" the last quarter; "q1" to "q4", "h1", "h2" and the
    seasons (whole months; winter from December) are what they are called.
    """
    if part in _SEASONS:
        return months(year, _SEASONS[part], 3), "season"
    if part[:1] == "q":
        return months(year, 3 * int(part[1]) - 2, 3), "quarter"
    if part[:1] == "h":
        return months(year, 6 * int(part[1]) - 5, 6), "half"
    low, count = {"early": (1, 3), "mid": (4, 6), "late": (10, 3)}.get(part, (1, 12))
    return months(year, low, count), "year" if count == 12 else "span"


def decade_part(year: int, part: str) -> Span:
    """Return a decade, or its years 0-3 ("early"), 4-6 ("mid"), 7-9 ("late")."""
    low, high = {"early": (0, 3), "mid": (4, 6), "late": (7, 9)}.get(part, (0, 9))
    return dt.date(year + low, 1, 1), dt.date(year + high, 12, 31)
