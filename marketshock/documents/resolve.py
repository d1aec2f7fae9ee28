"""Written dates, in full or without year or month. A missing year is never guessed without evidence."""

from __future__ import annotations

import datetime as dt
import re

from . import spans
from .mention import Confidence, Mention, Place, Reading, day, unresolved
from .mention import sentence_around as _sentence

UNKNOWN = "the date of publication is not known"
RECENT, FAR = 92, 183  # days before publication; a date without a year is rarely older than FAR
SHORT = 10  # days by which a list of days may run into the next month
SOON = 62  # days after publication in which a date may be an announcement
THROUGH = re.compile(r"\s*(?:至|到|-|–|—|~|to|through)\s*")
_AHEAD = re.compile(
    r"(?:将[于在从自]|定于|拟于|计划[于在]|预[计定][于在]|最迟|即将)(?:当地|美国|美东|北京)?(?:时间)?\s*$"
    r"|\b(?:will|would|starting|starts?|begins?|takes? effect|goes? into effect|as early as|ahead of"
    r"|(?:is|are) (?:due|scheduled|slated|set|expected|to)|scheduled for|(?:due|payable) (?:on|out)|effective)\b[^,]*$",
    re.IGNORECASE,
)
_AHEAD_AFTER = re.compile(
    r"\s*(?:起?将(?:正式)?(?:生效|公布|召开|举行|发布|实施|执行|开始|到期|上市)"
    r"|will\b|is (?:due|to|set|scheduled|expected)\b)",
    re.IGNORECASE,
)


def full_date(year: int, month: int, date: int, place: Place) -> Reading:
    """Read a date with its year."""
    if not spans.exists(year, month, date):
        return unresolved("day", "absolute", no_day(month, date, year))
    return with_weekday(day(dt.date(year, month, date), "absolute", "high", "written in full"), place)


def month_day(month: int, date: int, place: Place) -> Reading:
    """Read a month and a day without a year: the latest such day that is not after publication.

    After words of announcement ("due on") the next such day after publication is taken. If an earlier date in the
    paragraph implies another year, a weekday beside the date decides. Without a weekday, a date of the last `RECENT`
    days in another sentence is kept with low confidence, and any other date is unresolved.
    """
    if not spans.exists(2000, month, date):
        return unresolved("day", "partial", no_day(month, date))
    if (first := _beginning(place)) is not None:
        when = first if (first.month, first.day) == (month, date) else _nearest_year(month, date, first, 1)
        reason = "no year written: the next after the beginning of the range"
        return with_weekday(day(when, "partial", "high", reason), place)
    if place.published is None:
        return unresolved("day", "partial", f"no year is written, and {UNKNOWN}")
    coming = _nearest_year(month, date, place.published, 1)
    if marked_ahead(place) and (coming - place.published).days <= FAR:
        return with_weekday(day(coming, "partial", "medium", "announced: the next after publication"), place)
    latest = _nearest_year(month, date, place.published, -1)
    rival, named = _by_year_before(month, date, place)
    if rival is not None and named is not None and rival != latest:
        return _either(latest, rival, named, place)
    recent = (place.published - latest).days <= FAR
    agrees = rival is not None and named is not None and (recent or named.reading.precision in ("day", "month"))
    return _latest(latest, place, agrees)


def _latest(when: dt.date, place: Place, agrees: bool) -> Reading:
    assert place.published is not None
    following = _nearest_year(when.month, when.day, place.published, 1)
    reading = day(when, "partial", "medium", "no year written: the latest not after publication")
    if agrees:
        reading = reading.but("high", "the year named before it agrees")
    elif (following - place.published).days <= SOON and place.weekday is None:
        return unresolved("day", "partial", f"no year is written: {when}, or {following} if it is announced")
    elif (place.published - when).days > FAR:
        reading = reading.but("low", f"far back; or {following} if it is announced")
    return with_weekday(reading, place)


def _either(latest: dt.date, rival: dt.date, named: Mention, place: Place) -> Reading:
    """Choose between the latest date by publication and the date in a year named earlier in the paragraph."""
    assert place.published is not None
    both = f"{latest} (the latest not after publication) or {rival} (by the year named before it)"
    fitting = [when for when in (latest, rival) if when.weekday() == place.weekday]
    if len(fitting) == 1:
        return day(fitting[0], "partial", "medium", f"{both}: the weekday written beside it decides")
    apart = named.end <= _sentence(place.text, place.start, place.end)[0]
    if apart and (place.published - latest).days <= RECENT:
        return day(latest, "partial", "low", f"{both}: the recent one is taken")
    return unresolved("day", "partial", f"no year is written, and two are possible: {both}")


def _by_year_before(month: int, date: int, place: Place) -> tuple[dt.date | None, Mention | None]:
    """Return the date in the nearest year named earlier in the paragraph, and the mention of that year."""
    assert place.published is not None
    for mention in place.nearby():
        reading = mention.reading
        if not _names_year(reading) or reading.first is None:
            continue
        if reading.precision in ("year", "half", "season", "span"):
            years = [reading.first.year]
        else:
            years = [reading.first.year + step for step in (-1, 0, 1)]
        possible = [dt.date(y, month, date) for y in years if spans.exists(y, month, date)]
        possible = [when for when in possible if when <= place.published]
        return min(possible, key=lambda when: abs(when - reading.first), default=None), mention  # type: ignore[operator]
    return None, None


def _names_year(reading: Reading) -> bool:
    if reading.kind == "relative":
        return reading.precision in ("year", "half", "season", "quarter")
    return reading.kind == "absolute" and reading.precision not in ("decade", "span")


def bare_day(date: int, place: Place) -> Reading:
    """Read a day without its month: near the previous day in the paragraph, else near publication.

    A day after publication is accepted only if the text announces it.
    """
    ahead = marked_ahead(place)
    before = next((m.reading.first for m in place.nearby() if m.reading.is_day and m.anchor), None)
    here = before or place.published
    if here is None:
        return unresolved("day", "partial", f"no month is written, and {UNKNOWN}")
    months = [spans.month_at(here.year, here.month + step) for step in (0, -1, 1)]
    days = [first.replace(day=date) for first in months if spans.exists(first.year, first.month, date)]
    bound = place.published if not ahead else None
    days = [when for when in days if bound is None or when <= bound]
    if before is None and ahead:
        days = [when for when in days if when >= here]
    if not days:
        return unresolved("day", "partial", f"no month is written, and no near one has a day {date}")
    if before is None:
        reason = "announced: the next from publication on" if ahead else "the latest not after publication"
        when = min(days, key=lambda day_: abs((day_ - here).days))
        return with_weekday(day(when, "partial", "low", f"no month written: {reason}"), place)
    later = [when for when in days if when >= here and (when.month == here.month or (when - here).days <= SHORT)]
    when = later[0] if later else min(days, key=lambda day_: abs((day_ - here).days))
    confidence: Confidence = "medium" if when.month == here.month else "low"
    return with_weekday(day(when, "partial", confidence, f"no month written: {here} is named before it"), place)


def month_of_year(year: int, month: int, part: str) -> Reading:
    """Read a month with its year."""
    if not 1 <= month <= 12:
        return unresolved("month", "absolute", f"there is no month {month}")
    return Reading(
        *spans.month_part(year, month, part), month_or_span(part), "absolute", "high", "month and year written"
    )


def month(number: int, part: str, place: Place) -> Reading:
    """Read a month without a year: the latest that began by publication."""
    if not 1 <= number <= 12:
        return unresolved("month", "partial", f"there is no month {number}")
    if (first := _beginning(place)) is not None:
        span = spans.month_part(first.year + (number < first.month), number, part)
        reason = "no year written: the next after the beginning of the range"
        return Reading(*span, month_or_span(part), "partial", "high", reason)
    if place.published is None:
        return unresolved("month", "partial", f"no year is written, and {UNKNOWN}")
    here = place.published
    year = here.year - (number > here.month)
    confidence: Confidence = "medium"
    reason = "no year written: the latest that began by publication"
    coming = spans.month_at(here.year + (number <= here.month), number)
    if marked_ahead(place) and (coming - here).days <= FAR:
        year, reason = coming.year, "announced: the next after publication"
    elif (coming - here).days <= SOON and number != here.month:
        return unresolved("month", "partial", f"no year is written: {year}, or {coming.year} if it is announced")
    elif (here - spans.month_at(year, number)).days > FAR:
        confidence, reason = "low", f"{reason}; far back, or {coming.year} if it is announced"
    return Reading(*spans.month_part(year, number, part), month_or_span(part), "partial", confidence, reason)


def year(number: int, part: str) -> Reading:
    """Read a written year, or a part of it."""
    span, precision = spans.year_part(number, part)
    confidence: Confidence = "high" if part in ("", "h1", "h2") or part[:1] == "q" else "medium"
    return Reading(*span, precision, "absolute", confidence, "year written" + convention(part))


def quarter(number: int, place: Place) -> Reading:
    """Read a quarter without a year: the latest that began by publication."""
    if place.published is None:
        return unresolved("quarter", "partial", f"no year is written, and {UNKNOWN}")
    here = place.published
    begun = spans.month_at(here.year, 3 * number - 2) <= here
    span = spans.months(here.year if begun else here.year - 1, 3 * number - 2, 3)
    reason = "no year written: the latest that began by publication; a firm's own quarters may differ"
    return Reading(*span, "quarter", "partial", "low", reason)


def decade(number: int, part: str, place: Place) -> Reading:
    """Read a decade: 1990, or 90 without a century (then the latest decade that began by publication)."""
    if number >= 100:
        return Reading(
            *spans.decade_part(number, part), "decade", "absolute", "high", "decade written" + convention(part)
        )
    if place.published is None:
        return unresolved("decade", "partial", f"no century is written, and {UNKNOWN}")
    first = place.published.year // 100 * 100 + number
    first -= 100 * (first > place.published.year)
    reason = "no century written: the latest that began by publication" + convention(part)
    return Reading(*spans.decade_part(first, part), "decade", "partial", "medium", reason)


def _beginning(place: Place) -> dt.date | None:
    """Return the first day of a range whose end is the date: 2025年1月至 ..., January 2025 to ..."""
    before = place.earlier[-1] if place.earlier else None
    if before is None or before.paragraph != place.paragraph or not _names_year(before.reading):
        return None
    return before.reading.first if THROUGH.fullmatch(place.text, before.end, place.start) else None


def marked_ahead(place: Place) -> bool:
    """Return whether the words beside a date announce it."""
    return bool(_AHEAD.search(place.before) or _AHEAD_AFTER.match(place.after))


def _nearest_year(month: int, date: int, near: dt.date, step: int) -> dt.date:
    """Return the latest date of that month and day by `near` (step -1), or the next after it (step 1)."""
    for number in range(near.year, near.year + 9 * step, step):
        if spans.exists(number, month, date):
            when = dt.date(number, month, date)
            if (when <= near) if step < 0 else (when > near):
                return when
    raise ValueError(f"no {month}-{date} near {near}")  # unreachable: leap years are at most eight years apart


def with_weekday(reading: Reading, place: Place) -> Reading:
    """Confirm a day by the weekday written beside it, or report the contradiction in the reason."""
    if place.weekday is None or reading.first is None:
        return reading
    if reading.first.weekday() == place.weekday:
        return reading.but("high", "the weekday beside it agrees")
    written, actual = spans.WEEKDAYS[place.weekday], spans.WEEKDAYS[reading.first.weekday()]
    return reading.but("low", f"the text has {written}, but {reading.first} is a {actual}")


def no_day(month: int, date: int, year: int | None = None) -> str:
    """Return the reason for a day that does not exist."""
    if not 1 <= month <= 12:
        return f"there is no month {month}"
    return f"there is no {date} {spans.MONTHS[month]}" + (f" {year}" if year else "")


def month_or_span(part: str) -> str:
    """Return the precision of a month, or of a part of it."""
    return "span" if part else "month"


def convention(part: str) -> str:
    """Return the addition to a reason for a part read by convention, "" for others."""
    names = {"early": "the beginning", "mid": "the middle", "late": "the end"}
    return f"; {names[part]} by convention" if part in names else ""
