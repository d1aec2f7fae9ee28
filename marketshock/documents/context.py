"""Dates counted from an earlier day of the same text."""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice

import numpy as np

from ..sessions import nyse
from . import spans
from .mention import Mention, Place, Reading, day, lower, sentence_around, unresolved
from .resolve import UNKNOWN

_REACH = 1  # paragraphs searched backward
_EVENT = re.compile(
    r"(?:会|会议|业绩|财报|公布|发布|宣布|披露|上市|讲话|演讲|选举|投票|决议|决定|就职|上任|上台|收购|公告|开幕)的?$|的$"
)

_GENERIC = frozenset({"公布", "发布", "宣布", "披露", "业绩", "会议", "公告", "公司", "数据", "美股", "市场"})


def context_day(step: int, sessions: bool, place: Place) -> Reading:
    """Read "that day" (step 0), "the next day" (1), "the next trading day" (1, in NYSE sessions).

    The anchor is the nearest earlier day in the same paragraph or the one before. "The day of the call" and similar
    wordings need an anchor in the same paragraph whose sentence shares a word with the event.

    Parameters
    ----------
    step : int
        Days or sessions from the anchor.
    sessions : bool
        Whether `step` counts NYSE sessions instead of calendar days.
    place : Place
        Position of the match.

    Returns
    -------
    Reading
        Unresolved if there is no anchor, or if the day lies beyond the NYSE calendar.
    """
    event = _EVENT.search(place.before) if step == 0 else None
    anchor = _named_by_event(place) if event else _anchor(place)
    if anchor is None or anchor.reading.first is None:
        reason = "refers to an event whose day is not written near it" if event else "refers to no day written near it"
        return unresolved("day", "context", reason)
    when = _session_step(anchor.reading.first, step) if sessions else _stepped(anchor.reading.first, step)
    if when is None:
        return unresolved("day", "context", "lies beyond the NYSE calendar")
    reason = f"{'counted from' if step else 'refers to'} {anchor.reading.first}, named before it"
    near = anchor.paragraph == place.paragraph and not event
    confidence = lower("medium" if near else "low", anchor.reading.confidence)
    return day(when, "context", confidence, reason + ("" if anchor.paragraph == place.paragraph else _where(anchor)))


def context_period(unit: str, place: Place) -> Reading:
    """Read "that week", "that weekend", "that month" or "that year" as the one of the nearest earlier day."""
    anchor = _anchor(place)
    if anchor is None or anchor.reading.first is None:
        return unresolved(unit, "context", "refers to no day written near it")
    here = anchor.reading.first
    span = {
        "week": spans.week(here),
        "weekend": spans.weekend(here),
        "month": spans.months(here.year, here.month),
        "year": spans.year_part(here.year, "")[0],
    }[unit]
    return Reading(*span, unit, "context", "low", f"the {unit} of {here}, named before it")


def put_off(count: float, unit: str, at_least: bool, place: Place) -> Reading:
    """Read a pause or delay "for a month": its last day, counted from the nearest earlier day, and the day after."""
    anchor = _anchor(place, reach=3)
    if anchor is None or anchor.reading.first is None:
        return unresolved("span", "context", "a delay from a day that is not written near it")
    here, n = anchor.reading.first, int(count)
    try:
        last = {
            "day": lambda: here + dt.timedelta(days=n),
            "week": lambda: here + dt.timedelta(days=7 * n),
            "month": lambda: spans.shifted(here, n),
            "year": lambda: spans.shifted(here, 12 * n),
        }[unit]()
        end = last + dt.timedelta(days=1)
    except (OverflowError, ValueError):
        return unresolved("span", "context", "lies beyond the calendar")
    reason = f"a delay counted from {here}, named before it: its last day and the day after"
    return Reading(last, end, "span", "context", "low", reason + (", at the earliest" if at_least else ""))


def only_since(low: int, high: int, place: Place) -> Reading:
    """Read "in the mere three weeks since": between `low` and `high` days before publication."""
    if place.published is None:
        return unresolved("span", "relative", UNKNOWN)
    try:
        first, last = (place.published - dt.timedelta(days=n) for n in (high, low))
    except OverflowError:
        return unresolved("span", "relative", "lies beyond the calendar")
    return Reading(first, last, "span", "relative", "low", "the time since an event, counted back from publication")


def _anchor(place: Place, reach: int = _REACH) -> Mention | None:
    for mention in islice(reversed(place.earlier), 100):
        if mention.paragraph < place.paragraph - reach:
            return None
        if mention.reading.is_day and mention.anchor:
            return mention
    return None


def _named_by_event(place: Place) -> Mention | None:
    """Return the nearest earlier day of the paragraph whose sentence shares a word with the event's name."""
    words = _words(place.before)
    for mention in place.nearby():
        low, high = sentence_around(place.text, mention.start, mention.end)
        if mention.reading.is_day and words & _words(place.text[low : min(high, place.start - len(place.before))]):
            return mention
    return None


def _words(text: str) -> set[str]:
    """Return Latin words and pairs of adjacent Chinese characters."""
    chinese = re.sub(r"[^\u4e00-\u9fff]", " ", text)
    pairs = {chinese[i : i + 2] for i in range(len(chinese) - 1)}
    return {pair for pair in pairs if " " not in pair} - _GENERIC | {
        w.lower() for w in re.findall(r"[A-Za-z][A-Za-z\d]+", text)
    }


def _stepped(when: dt.date, step: int) -> dt.date | None:
    try:
        return when + dt.timedelta(days=step)
    except OverflowError:
        return None


def _session_step(when: dt.date, step: int) -> dt.date | None:
    days = nyse().days
    here = np.datetime64(when, "D")
    if not days[0] <= here <= days[-1]:
        return None
    at = np.searchsorted(days, here, side="right") if step > 0 else np.searchsorted(days, here) - 1
    if not 0 <= at < len(days):
        return None
    found: dt.date = days[at].astype(object)
    return found


def _where(mention: Mention) -> str:
    return f" in paragraph {mention.paragraph}"
