"""Dated mentions of a text: find matches, choose, join, and read them in order."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from . import chinese, english
from .mention import Mention, Place, Reading, Rule, lower, sentence_around
from .resolve import THROUGH
from .spans import exists

RULES = (*chinese.RULES, *english.NUMERIC, *english.RULES)

_JOIN = re.compile(r"[ \t]*+\(?[ \t]*+")
_JOIN_COMMA = re.compile(r"[ \t]*+[,,]?[ \t]*+\(?[ \t]*+")
_SINCE = re.compile(r"\s*(?:年?以来|至今|迄今(?:为止)?|来(?!自|到|临|看|说|源|袭|年))")
_SINCE_BEFORE = re.compile(r"\bsince (?:the )?$", re.IGNORECASE)
_ZONE = re.compile(r"(当地时间|美东时间|美国东部时间|纽约时间|北京时间|Beijing time)[,,]?\s*$")
_ZONES = {"当地时间": "local time"}
_TIMING = (
    (
        "after_close",
        re.compile(
            r"(?<!开)盘后|收市后|after (?:the )?(?:closing |market )?(?:bell|close)|after-hours|post-?market", re.I
        ),
    ),
    ("before_open", re.compile(r"(?<!收)盘前|before (?:the )?(?:opening |market )?(?:bell|open)|pre-?market", re.I)),
    (
        "during",
        re.compile(r"盘中|开盘(?!前)|早盘|午后|尾盘|intraday|at the open|(?:morning|afternoon|midday) trading", re.I),
    ),
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A chosen match and the pointer beside it, if any."""

    start: int
    end: int
    rule: Rule
    match: re.Match[str]
    beside: _Found | None = None


def mentions(paragraphs: Sequence[str], blanked: Sequence[str], published: dt.date | None) -> list[Mention]:
    """Return the dated mentions of a text, in order.

    Parameters
    ----------
    paragraphs : sequence of str
        Paragraphs as written.
    blanked : sequence of str
        The same paragraphs after `half_width`, with names of instruments blanked out; positions are unchanged.
    published : date or None
        Date of publication; None if unknown.
    """
    out: list[Mention] = []
    for number, (written, text) in enumerate(zip(paragraphs, blanked, strict=True), start=1):
        begun = len(out)
        for found in _joined(_chosen(text), text):
            mention = _read(found, written, text, number, out, published)
            if mention is not None:
                out.append(mention)
        out[begun:] = _ranges(out[begun:], text, number, written)
    return _timed(out, blanked)


def _chosen(text: str) -> list[_Found]:
    """Return the non-overlapping matches of a paragraph: the first to begin wins, then the longest."""
    found = [_Found(*_span(match), rule, match) for rule in RULES for match in rule.pattern.finditer(text)]
    chosen: list[_Found] = []
    for candidate in sorted(found, key=lambda f: (f.start, -f.end)):
        if candidate.start < candidate.end and (not chosen or candidate.start >= chosen[-1].end):
            chosen.append(candidate)
    return chosen


def _span(match: re.Match[str]) -> tuple[int, int]:
    return match.span("at" if "at" in match.re.groupindex else 0)


def _joined(chosen: list[_Found], text: str) -> Iterator[_Found]:
    """Join a date with the weekday or pointer beside it: Monday (January 27), 1月24日周五."""
    at = 0
    while at < len(chosen):
        one, other = chosen[at], chosen[at + 1] if at + 1 < len(chosen) else None
        at += 1
        if other is None or {one.rule.role, other.rule.role} != {"date", "pointer"}:
            yield one
            continue
        pattern = _JOIN_COMMA if one.rule.role == "pointer" else _JOIN
        if not pattern.fullmatch(text, one.end, other.start):
            yield one
            continue
        at += 1
        end = other.end
        if "(" in text[one.end : other.start] and (closing := re.compile(r"\s*\)").match(text, end)):
            end = closing.end()
        date, pointer = (one, other) if one.rule.role == "date" else (other, one)
        yield _Found(one.start, end, date.rule, date.match, pointer)


def _read(
    found: _Found, written: str, text: str, number: int, earlier: list[Mention], published: dt.date | None
) -> Mention | None:
    place = Place(published, text, found.start, found.end, number, earlier, _weekday_of(found.beside))
    reading = found.rule.read(found.match, place)
    if reading is None:
        return None
    if found.beside is not None:
        reading = _beside(reading, found.beside, place)
    compared = bool(_SINCE.match(text, place.end) or _SINCE_BEFORE.search(text[max(place.start - 12, 0) : place.start]))
    reading, end = _since(reading, place)
    words = written[found.start : end]
    return Mention(number, found.start, end, words, _in_zone(reading, place), anchor=not compared)


def _weekday_of(pointer: _Found | None) -> int | None:
    """Return the weekday written beside a date, Monday 0."""
    if pointer is None or "wd" not in pointer.match.re.groupindex:
        return None
    names = chinese.WEEKDAYS | english.WEEKDAYS
    return names.get(pointer.match["wd"].lower())


def _beside(reading: Reading, pointer: _Found, place: Place) -> Reading:
    """Compare a date with "last Friday" or "the next trading day" beside it."""
    groups = pointer.match.groupdict()
    if "wd" in groups and not groups.get("rel"):
        return reading  # a weekday alone, already used by the rule of the date
    pointed = pointer.rule.read(pointer.match, replace(place, start=pointer.start, end=pointer.end, weekday=None))
    if pointed is None or pointed.first is None or reading.first is None:
        return reading
    if pointed.first == reading.first:
        return reading.but("high", "the words beside it agree")
    return reading.but("low", f"the words beside it mean {pointed.first}")


def _since(reading: Reading, place: Place) -> tuple[Reading, int]:
    """Extend an interval after "since" ("since 2022") to the span until publication."""
    if reading.first is None or reading.precision in ("day", "vague") or reading.last == place.published:
        return reading, place.end
    suffix = _SINCE.match(place.text, place.end)
    if not suffix and not _SINCE_BEFORE.search(place.text[max(place.start - 12, 0) : place.start]):
        return reading, place.end
    end = suffix.end() if suffix else place.end
    if place.published is not None and place.published < reading.first:
        return reading, end
    reason = f"{reading.reason}; from its beginning until publication"
    return Reading(reading.first, place.published, "span", reading.kind, reading.confidence, reason), end


def _in_zone(reading: Reading, place: Place) -> Reading:
    """Add the time zone to the reason if the text names one."""
    zone = _ZONE.search(place.text[max(place.start - 14, 0) : place.start])
    if zone is None or not reading.is_day:
        return reading
    if zone[1] in ("北京时间", "Beijing time"):
        return reading.but(
            lower("medium", reading.confidence), "Beijing time: in New York it may still be the day before"
        )
    return reading.but(reading.confidence, f"{_ZONES.get(zone[1], 'New York time')}: the day where it happened")


def _ranges(found: list[Mention], text: str, number: int, written: str) -> list[Mention]:
    """Join two days, months or years with "to" between them into one interval."""
    out: list[Mention] = []
    for mention in found:
        before = out[-1] if out else None
        if before is not None and _is_range(before, mention, text):
            one, other = _begun(before.reading, mention.reading), mention.reading
            span = Reading(one.first, other.last, "span", one.kind, lower(one.confidence, other.confidence), one.reason)
            out[-1] = Mention(number, before.start, mention.end, written[before.start : mention.end], span)
        else:
            out.append(mention)
    return out


def _begun(first: Reading, last: Reading) -> Reading:
    """Return the beginning of a range, with the year of its end if it has none of its own."""
    if first.kind != "partial" or last.kind != "absolute" or first.first is None or last.last is None:
        return first
    year = last.last.year - (first.first.replace(year=2000) > last.last.replace(year=2000))
    if not exists(year, first.first.month, first.first.day):
        return first
    return replace(
        first, first=first.first.replace(year=year), confidence="high", reason="year of the end of the range"
    )


def _is_range(one: Mention, other: Mention, text: str) -> bool:
    first, last = _begun(one.reading, other.reading), other.reading
    if first.precision not in ("day", "month", "year") or first.precision != last.precision:
        return False
    if first.first is None or last.last is None or first.first > last.last:
        return False
    return bool(THROUGH.fullmatch(text, one.end, other.start))


def _timed(found: list[Mention], texts: Sequence[str]) -> list[Mention]:
    """Set the timing of each day from the surrounding words."""
    out = []
    for at, mention in enumerate(found):
        text = texts[mention.paragraph - 1]
        low, high = sentence_around(text, mention.start, mention.end)
        if at and found[at - 1].paragraph == mention.paragraph:
            low = max(low, found[at - 1].end)
        if at + 1 < len(found) and found[at + 1].paragraph == mention.paragraph:
            high = min(high, found[at + 1].start)
        around = (
            text[max(low, mention.start - 40) : mention.start] + " " + text[mention.end : min(high, mention.end + 40)]
        )
        hints = [name for name, pattern in _TIMING if pattern.search(around)]
        timing = hints[0] if mention.reading.is_day and len(hints) == 1 else ""
        out.append(replace(mention, timing=timing))
    return out
