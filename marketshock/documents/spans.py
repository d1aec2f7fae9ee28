"""Calendar intervals: weeks, months, parts of years, decades."""

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
    """Return whether the day exists."""
    return 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def months(year: int, month: int, count: int = 1) -> Span:
    """Return the span of `count` months from `month` on; `month` may lie outside 1 to 12."""
    first, after = month_at(year, month), month_at(year, month + count)
    return first, after - _DAY


def month_at(year: int, month: int) -> dt.date:
    """Return the first day of a month; month 13 is January of the next year."""
    return dt.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def shifted(day: dt.date, count: int) -> dt.date:
    """Return the day `count` months later, or the last day of that month if it is shorter."""
    first, last = months(day.year, day.month + count)
    return min(first.replace(day=min(day.day, last.day)), last)


def week(day: dt.date, offset: int = 0) -> Span:
    """Return the week (Monday to Sunday) that is `offset` weeks after the week of `day`."""
    monday = day + dt.timedelta(days=7 * offset - day.weekday())
    return monday, monday + 6 * _DAY


def weekend(day: dt.date, offset: int = 0) -> Span:
    """Return the Saturday and Sunday of the week that is `offset` weeks after the week of `day`."""
    sunday = week(day, offset)[1]
    return sunday - _DAY, sunday


def month_part(year: int, month: int, part: str) -> Span:
    """Return a month, or its days 1-10 ("early"), 11-20 ("mid") or 21 to the end ("late")."""
    first, last = months(year, month)
    ends = {"early": (1, 10), "mid": (11, 20), "late": (21, last.day)}
    low, high = ends.get(part, (1, last.day))
    return first.replace(day=low), first.replace(day=high)


def year_part(year: int, part: str) -> tuple[Span, str]:
    """Return a year or a part of it, and its precision.

    "early" is the first quarter, "mid" is April to September and "late" is the last quarter. "q1" to "q4" are quarters,
    "h1" and "h2" halves. Seasons are three whole months; winter begins in December.
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
    """Return a decade, or its years 0-3 ("early"), 4-6 ("mid") or 7-9 ("late")."""
    low, high = {"early": (0, 3), "mid": (4, 6), "late": (7, 9)}.get(part, (0, 9))
    return dt.date(year + low, 1, 1), dt.date(year + high, 12, 31)
