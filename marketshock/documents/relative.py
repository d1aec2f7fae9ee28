"""Dates counted from the date of publication."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from . import spans
from .mention import Place, Reading, day, sentence_around, unresolved
from .resolve import UNKNOWN, convention, marked_ahead, month_or_span, no_day, with_weekday, year

_PERIODS = {"week": spans.week, "weekend": spans.weekend}


def word_year_day(offset: int, month: int, date: int, place: Place) -> Reading:
    """Read a day of last, this or next year."""
    if not spans.exists(2000, month, date):
        return unresolved("day", "relative", no_day(month, date))
    if place.published is None:
        return unresolved("day", "relative", UNKNOWN)
    year = place.published.year + offset
    if not spans.exists(year, month, date):
        return unresolved("day", "relative", no_day(month, date, year))
    return with_weekday(day(dt.date(year, month, date), "relative", "high", "year counted from publication"), place)


def word_month_day(offset: int, date: int, place: Place) -> Reading:
    """Read a day of last, this or next month."""
    if place.published is None:
        return unresolved("day", "relative", UNKNOWN)
    first = spans.month_at(place.published.year, place.published.month + offset)
    if not spans.exists(first.year, first.month, date):
        return unresolved("day", "relative", no_day(first.month, date, first.year))
    return with_weekday(day(first.replace(day=date), "relative", "high", "month counted from publication"), place)


def word_month(offset: int, part: str, place: Place) -> Reading:
    """Read last, this or next month, or a part of it."""
    if place.published is None:
        return unresolved("month", "relative", UNKNOWN)
    first = spans.month_at(place.published.year, place.published.month + offset)
    span = spans.month_part(first.year, first.month, part)
    return Reading(*span, month_or_span(part), "relative", "high", "counted from publication")


def word_year_month(offset: int, number: int, part: str, place: Place) -> Reading:
    """Read a month of last, this or next year."""
    if place.published is None:
        return unresolved("month", "relative", UNKNOWN)
    if not 1 <= number <= 12:
        return unresolved("month", "relative", f"there is no month {number}")
    span = spans.month_part(place.published.year + offset, number, part)
    return Reading(*span, month_or_span(part), "relative", "high", "year counted from publication")


def word_year(offset: int, part: str, place: Place) -> Reading:
    """Read last, this or next year, or a part of it."""
    if place.published is None:
        return unresolved("year", "relative", UNKNOWN)
    reading = year(place.published.year + offset, part)
    reason = "counted from publication" + convention(part)
    return Reading(reading.first, reading.last, reading.precision, "relative", reading.confidence, reason)


def word_quarter(offset: int, place: Place) -> Reading:
    """Read last, this or next quarter."""
    if place.published is None:
        return unresolved("quarter", "relative", UNKNOWN)
    here = place.published
    span = spans.months(here.year, 3 * ((here.month - 1) // 3 + offset) + 1, 3)
    return Reading(*span, "quarter", "relative", "medium", "counted from publication; a firm's own quarters may differ")


def period(unit: Literal["week", "weekend"], offset: int, place: Place) -> Reading:
    """Read a week (Monday to Sunday) or weekend, counted from the week of publication."""
    if place.published is None:
        return unresolved(unit, "relative", UNKNOWN)
    span = _PERIODS[unit](place.published, offset)
    reason = "the calendar week, Monday to Sunday, counted from publication; some mean the seven days before"
    return Reading(*span, unit, "relative", "medium", reason if unit == "week" else "counted from publication")


def weekend(place: Place) -> Reading:
    """Read "the weekend": the latest that began by publication."""
    back = -1 if place.published is not None and place.published.weekday() < 5 else 0
    return period("weekend", back, place)


def week_weekday(offset: int, number: int, place: Place) -> Reading:
    """Read a weekday of last, this or next week."""
    if place.published is None:
        return unresolved("day", "relative", UNKNOWN)
    when = spans.week(place.published, offset)[0] + dt.timedelta(days=number)
    return day(when, "relative", "high", f"{spans.WEEKDAYS[number]} of the calendar week counted from publication")


def last_weekday(number: int, place: Place) -> Reading:
    """Read "last Friday": the latest Friday before publication."""
    if place.published is None:
        return unresolved("day", "relative", UNKNOWN)
    back = (place.published.weekday() - number - 1) % 7 + 1
    when = place.published - dt.timedelta(days=back)
    reason = f"the latest {spans.WEEKDAYS[number]} before publication"
    if back <= place.published.weekday():  # of the same week
        return day(
            when, "relative", "low", f"{reason}; some mean the one a week earlier, {when - dt.timedelta(days=7)}"
        )
    return day(when, "relative", "high", reason)


def next_weekday(number: int, place: Place) -> Reading:
    """Read "next Friday": the Friday of the week after publication."""
    reading = week_weekday(1, number, place)
    if place.published is None or number <= place.published.weekday():
        return reading
    assert reading.first is not None
    return reading.but("low", f"some mean the one of the same week, {reading.first - dt.timedelta(days=7)}")


def bare_weekday(number: int, place: Place) -> Reading:
    """Read a weekday alone: the latest by publication, unless words or a day in the sentence indicate another."""
    if place.published is None:
        return unresolved("day", "relative", UNKNOWN)
    name = spans.WEEKDAYS[number]
    if marked_ahead(place):
        ahead = (number - place.published.weekday()) % 7
        when = place.published + dt.timedelta(days=ahead)
        reason = f"announced: the next {name} from publication on"
        return day(when, "relative", "medium" if ahead else "low", reason)
    when = place.published - dt.timedelta(days=(place.published.weekday() - number) % 7)
    anchor = next((m for m in place.nearby() if m.reading.is_day and m.anchor), None)
    reason = f"the latest {name} by publication"
    if anchor is None or anchor.reading.first is None:
        return day(when, "relative", "medium", reason)
    after = anchor.reading.first + dt.timedelta(days=(number - anchor.reading.first.weekday() - 1) % 7 + 1)
    if after >= when or after > place.published:
        return day(when, "relative", "medium", reason)
    if anchor.end > sentence_around(place.text, place.start, place.end)[0]:
        return day(
            after, "relative", "low", f"the {name} after {anchor.reading.first} in its sentence; else {when}, {reason}"
        )
    return day(when, "relative", "low", f"{reason}; or {after}, the {name} after {anchor.reading.first}")


def day_word(offset: int, place: Place, night: bool = False) -> Reading:
    """Read "today", "yesterday" or "tonight"."""
    if place.published is None:
        return unresolved("day", "relative", UNKNOWN)
    reason = "counted from publication, in the author's time zone"
    if night:
        reason += "; in New York it may be another day"
    return day(place.published + dt.timedelta(days=offset), "relative", "medium" if night else "high", reason)


def ago(count: float, unit: str, place: Place) -> Reading:
    """Read "three days ago" as a day, "two weeks (months, years) ago" as a whole week (month, year)."""
    if place.published is None:
        return unresolved(unit, "relative", UNKNOWN)
    here, n = place.published, int(count)
    reason = "counted back from publication"
    try:
        if unit == "day":
            return day(here - dt.timedelta(days=n), "relative", "medium", reason)
        if unit == "week":
            return Reading(*spans.week(here, -n), "week", "relative", "medium", reason)
        if unit == "month":
            return Reading(*spans.months(here.year, here.month - n), "month", "relative", "medium", reason)
        return Reading(*spans.year_part(here.year - n, "")[0], "year", "relative", "medium", reason)
    except (OverflowError, ValueError):
        return unresolved(unit, "relative", "lies beyond the calendar")


def so_far(first: dt.date, place: Place, kind: Literal["absolute", "partial", "relative"]) -> Reading:
    """Return the interval from a day to publication."""
    return Reading(first, place.published, "span", kind, "high", "until publication")


def year_to_date(_m: re.Match[str], place: Place) -> Reading:
    """Read "so far this year"."""
    if place.published is None:
        return unresolved("span", "relative", UNKNOWN)
    return so_far(dt.date(place.published.year, 1, 1), place, "relative")


def vague(_m: re.Match[str], place: Place) -> Reading:
    """Read "in recent days"."""
    return Reading(None, place.published, "vague", "relative", "low", "up to publication; the text gives no first day")
