"""English and numeric date forms: one rule per form."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from functools import partial

from . import context, relative, resolve
from .mention import Place, Reading, Rule, unresolved
from .numerals import ENGLISH, number

_FULL = {name.lower(): i for i, name in enumerate(calendar.month_name) if name}
_SHORT = {name.lower()[:3]: i for name, i in _FULL.items()} | {"sept": 9}
WEEKDAYS = {name.lower(): i for i, name in enumerate(calendar.day_name)}
WEEKDAYS |= {name[:3]: i for name, i in WEEKDAYS.items()} | {"tues": 1, "thur": 3, "thurs": 3}


def _capital(names: Iterable[str]) -> str:
    """Return a pattern of names, capitalized or in capitals; lowercase may, march and sat are ordinary words."""
    return "|".join(form for name in names for form in (name.capitalize(), name.upper()))


_MON = rf"(?P<mon>(?-i:{_capital([*_FULL, *sorted(_SHORT, key=len, reverse=True)])}))\b(?:\.(?=,?\s+\d))?"
_MONTH = f"(?P<mon>(?-i:{_capital(_FULL)}))"
_Y = r"(?P<y>(?:1[89]|20)\d{2})"
_WORD_YEAR = "(?P<ry>last|this|next) year"
_D = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_PIECE = "(?:the )?(?:beginning|start|middle|end) of"
_PART = rf"(?P<part>early|mid|late|(?:at )?{_PIECE})[\s-]+(?:in )?"
_REL = {"last": -1, "previous": -1, "past": -1, "this": 0, "next": 1, "coming": 1}
_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4}


def _part(text: str | None) -> str:
    words = (text or "").lower()
    for part, names in (("early", ("early", "begin", "start")), ("mid", ("mid",)), ("late", ("late", "end"))):
        if any(name in words for name in names):
            return part
    return ""


def _month_number(name: str) -> int:
    name = name.lower()
    return _FULL.get(name) or _SHORT[name]


def _date(m: re.Match[str], place: Place) -> Reading | None:
    month, date = _month_number(m["mon"]), int(m["d"])
    if m["y"]:
        return resolve.full_date(int(m["y"]), month, date, place)
    if m["ry"]:
        return relative.word_year_day(_REL[m["ry"].lower()], month, date, place)
    return resolve.month_day(month, date, place)


def _through(m: re.Match[str], place: Place) -> Reading:
    """Read "January 27-31" as one interval."""
    month = _month_number(m["mon"])
    if m["y"]:
        first, last = (resolve.full_date(int(m["y"]), month, int(m[d]), place) for d in ("d", "e"))
    else:
        first, last = (resolve.month_day(month, int(m[d]), place) for d in ("d", "e"))
    if first.first is None or last.first is None:
        return unresolved("span", first.kind, first.reason if first.first is None else last.reason)
    if first.first > last.first:
        return unresolved("span", first.kind, "the end lies before the beginning")
    return Reading(first.first, last.first, "span", first.kind, first.confidence, first.reason)


def _month(m: re.Match[str], place: Place) -> Reading | None:
    number_, part = _month_number(m["mon"]), _part(m["part"])
    if m["y"]:
        return resolve.month_of_year(int(m["y"]), number_, part)
    if m["ry"]:
        return relative.word_year_month(_REL[m["ry"].lower()], number_, part, place)
    return resolve.month(number_, part, place)


def _word_month(m: re.Match[str], place: Place) -> Reading:
    """Read "last January" or "next March"."""
    if place.published is None:
        return unresolved("month", "relative", resolve.UNKNOWN)
    month, here, rel = _month_number(m["mon"]), place.published, m["rel"].lower()
    if rel == "last":
        reason = "the latest before the month of publication; some mean the one a year earlier"
        return resolve.month_of_year(here.year - (month >= here.month), month, "").but("low", reason)
    year = here.year + (rel == "next" and month <= here.month)
    return resolve.month_of_year(year, month, "").but("medium", "counted from publication")


def _ordered(m: re.Match[str], place: Place) -> Reading:
    return resolve.full_date(int(m["y"]), int(m["m"]), int(m["d"]), place)


def _unordered(m: re.Match[str], place: Place) -> Reading:
    """Read "27/01/2025"; unresolved if both numbers can be the month."""
    first, second, year = int(m["a"]), int(m["b"]), int(m["y"])
    if first <= 12 and second <= 12 and first != second:
        return unresolved("day", "absolute", "day and month may stand in either order")
    month, date = (first, second) if first <= 12 else (second, first)
    return resolve.full_date(year, month, date, place)


def _year(m: re.Match[str], _place: Place) -> Reading:
    return resolve.year(int(m["y"]), _part(m["part"]))


def _year_piece(m: re.Match[str], place: Place) -> Reading:
    """Read a quarter, half or season of a year, e.g. "the first half of 2024"."""
    piece = (m["q"] or m["q2"] or m["half"] or m["season"]).lower()
    piece = {"fall": "autumn"}.get(piece, piece)
    part = f"q{piece[-1]}" if piece[0] == "q" else piece
    if m["half"]:
        part = f"h{_NTH[piece]}"
    elif m["q2"]:
        part = f"q{_NTH[piece]}"
    if m["y"]:
        return resolve.year(int(m["y"]), part)
    return relative.word_year(_REL[m["ry"].lower()], part, place)


def _quarter(m: re.Match[str], place: Place) -> Reading:
    return resolve.quarter(_NTH[m["q"].lower()], place)


def _decade(m: re.Match[str], place: Place) -> Reading:
    return resolve.decade(int(m["y"]), _part(m["part"]), place)


def _period(m: re.Match[str], place: Place) -> Reading | None:
    unit, offset, part = m["unit"].lower(), _REL[m["rel"].lower()], (m["part"] or "").lower()
    if part == "earlier" and offset == 0:
        whole = _whole_period(unit, offset, "", place)
        return whole if whole.first is None else relative.so_far(whole.first, place, "relative")
    return _whole_period(unit, offset, _part(part), place)


def _whole_period(unit: str, offset: int, part: str, place: Place) -> Reading:
    if unit in ("week", "weekend"):
        return relative.period(unit, offset, place)  # type: ignore[arg-type]
    if unit == "month":
        return relative.word_month(offset, part, place)
    if unit == "quarter":
        return relative.word_quarter(offset, place)
    if unit == "year":
        return relative.word_year(offset, part, place)
    return relative.word_year(offset, {"fall": "autumn"}.get(unit, unit), place).but("low", "some mean the latest one")


def _weekday(m: re.Match[str], place: Place) -> Reading:
    day, rel = WEEKDAYS[m["wd"].lower()], (m["rel"] or "").lower()
    if rel in ("last", "past", "this past"):
        return relative.last_weekday(day, place)
    if rel in ("next", "coming", "this coming"):
        return relative.next_weekday(day, place)
    if rel == "this":
        return relative.week_weekday(0, day, place)
    return relative.bare_weekday(day, place)


_DAY_WORDS = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1, "last night": -1}
_DAY_WORDS |= {"the day before yesterday": -2, "the day after tomorrow": 2}
_DAY_WORDS |= {f"this {part}": 0 for part in ("morning", "afternoon", "evening")}


def _day_word(m: re.Match[str], place: Place) -> Reading:
    word = re.sub(r"\s+", " ", m[0].lower())
    return relative.day_word(_DAY_WORDS[word], place, night=word in ("tonight", "last night"))


def _ago(m: re.Match[str], place: Place) -> Reading | None:
    count = number(m["n"])
    if count is None or count < 1:
        return None
    return relative.ago(count, m["unit"].lower(), place)


def _bare_day(m: re.Match[str], place: Place) -> Reading:
    return resolve.bare_day(int(m["d"]), place)


def _put_off(m: re.Match[str], place: Place) -> Reading | None:
    count = number(m["n"])
    if count is None or count < 1:
        return None
    return context.put_off(count, m["unit"].lower(), bool(m["least"]), place)


def _context_day(step: int, sessions: bool, _m: re.Match[str], place: Place) -> Reading:
    return context.context_day(step, sessions, place)


def _weekend(_m: re.Match[str], place: Place) -> Reading:
    return relative.weekend(place)


def _context_period(m: re.Match[str], place: Place) -> Reading:
    return context.context_period(m["unit"].lower(), place)


def _c(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z\d])(?:{pattern})(?![A-Za-z\d年月])", re.IGNORECASE)


_AFTER_IN = "(?:(?<=in )|(?<=since )|(?<=of )|(?<=during )|(?<=from )|(?<=until )|(?<=through )|(?<=to )|(?<=for ))"
_COUNT = rf"(?P<n>\d{{1,3}}|{ENGLISH})[\s-](?P<unit>day|week|month|year)s?"
_SESSION = r"(?:trading (?:day|session)|session|business day)"
_WD = f"(?P<wd>(?-i:{_capital([name.lower() for name in calendar.day_name])}))"

#: Numeric dates: year first (ISO), or day and month first if their order is unambiguous.
NUMERIC = (
    Rule(
        "2025-01-27",
        re.compile(
            r"(?<![\d.\-/])(?P<y>(?:1[89]|20)\d{2})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?![\d\-/]|\.\d)"
        ),
        _ordered,
        "date",
    ),
    Rule(
        "27/01/2025",
        re.compile(
            r"(?<![\d.\-/])(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<y>(?:1[89]|20)\d{2})(?![\d\-/]|\.\d)"
        ),
        _unordered,
        "date",
    ),
)

#: English date forms. Of overlapping matches the first to begin wins, then the longest.
RULES = (
    Rule("January 27", _c(rf"{_MON}\s+{_D}(?:(?:,\s*|\s+)(?:{_Y}|(?:of )?{_WORD_YEAR}))?(?![,.]\d|%)"), _date, "date"),
    Rule(
        "27 January",
        _c(rf"(?:the )?{_D}\s+(?:of\s+)?{_MON}(?:(?:,\s*|\s+)(?:{_Y}|(?:of )?{_WORD_YEAR}))?"),
        _date,
        "date",
    ),
    Rule(
        "January 27-31",
        _c(rf"{_MON}\s+{_D}\s*(?:-|–|—|to|through)\s*(?P<e>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+{_Y})?"),
        _through,
    ),
    Rule("January 2025", _c(rf"(?:{_PART})?{_MON},?\s+(?:of )?(?:{_Y}|{_WORD_YEAR})"), _month),
    Rule("January", _c(rf"(?:{_PART})?(?!may\b|march\b){_MONTH}(?P<y>)(?P<ry>)"), _month),
    Rule("in May", _c(rf"(?:{_PART}|{_AFTER_IN})(?P<mon>(?-i:May|MAY|March|MARCH))(?P<y>)(?P<ry>)"), _month),
    Rule("last January", _c(rf"(?P<rel>last|this|next) {_MONTH}"), _word_month),
    Rule("in 2024", _c(rf"(?:{_PART}|{_AFTER_IN}|(?<=before )|(?<=after )|(?<=by )){_Y}"), _year),
    Rule(
        "first quarter of 2024",
        _c(
            r"(?:(?P<q>q[1-4])|(?:the )?(?:(?P<q2>first|second|third|fourth) quarter|(?P<half>first|second) half"
            rf"|(?P<season>spring|summer|autumn|fall|winter)))(?: of| in|,)? (?:{_Y}|{_WORD_YEAR})"
        ),
        _year_piece,
    ),
    Rule("fourth quarter", _c(r"(?P<q>first|second|third|fourth)[\s-]quarter"), _quarter),
    Rule("the 1990s", _c(rf"(?:the )?(?:{_PART}(?:the )?)?(?P<y>(?:1[89]|20)\d0)s"), _decade),
    Rule(
        "the late '90s",
        re.compile(rf"(?<![A-Za-z\d])(?:the )?(?:{_PART}(?:the )?)?'(?P<y>\d0)'?s\b", re.IGNORECASE),
        _decade,
    ),
    Rule(
        "last week",
        _c(
            rf"(?:(?P<part>earlier|early|late|later|mid|{_PIECE})[\s-]+)?(?<!the )(?P<rel>last|previous|this|next) "
            r"(?P<unit>week|weekend|month|quarter|year|spring|summer|autumn|fall|winter)"
        ),
        _period,
    ),
    Rule(
        "last Friday",
        _c(rf"(?<!black )(?<!cyber )(?<!every )(?:(?P<rel>last|next|this past|this coming|this|past|coming) )?{_WD}"),
        _weekday,
        "pointer",
    ),
    Rule(
        "Fri",
        _c(r"(?P<wd>(?-i:Mon|Tues?|Wed|Thur?s?|Fri|Sat|Sun))\.?(?P<rel>)(?=,? (?:[A-Z][a-z]{2}|\d{1,2} [A-Z]))"),
        _weekday,
        "pointer",
    ),
    Rule(
        "yesterday",
        _c(r"(?<!usa )(?:" + "|".join(sorted(_DAY_WORDS, key=len, reverse=True)) + ")"),
        _day_word,
        "pointer",
    ),
    Rule("three days ago", _c(rf"{_COUNT} ago"), _ago),
    Rule(
        "the 27th",
        _c(r"on the (?P<at>(?P<d>\d{1,2})(?:st|nd|rd|th))(?! (?:of|floor|anniversary|century|[a-z]+ (?:time|floor)))"),
        _bare_day,
        "date",
    ),
    Rule(
        "that day", _c(r"(?:that|the|that very|the very) same day|that day"), partial(_context_day, 0, False), "pointer"
    ),
    Rule("the next day", _c(r"the (?:next|following) day|a day later"), partial(_context_day, 1, False), "pointer"),
    Rule(
        "the day before",
        _c(r"the previous day|the day before|a day earlier"),
        partial(_context_day, -1, False),
        "pointer",
    ),
    Rule("the next trading day", _c(rf"the (?:next|following) {_SESSION}"), partial(_context_day, 1, True), "pointer"),
    Rule(
        "the previous session",
        _c(rf"the (?:previous|prior|preceding) {_SESSION}"),
        partial(_context_day, -1, True),
        "pointer",
    ),
    Rule("that week", _c(r"(?:that|the same) (?P<unit>week|weekend|month|year)"), _context_period),
    Rule("the weekend", _c(r"(?:over|at|during) (?P<at>the weekend)"), _weekend),
    Rule("so far this year", _c(r"so far this year|this year so far|year[\s-]to[\s-]date"), relative.year_to_date),
    Rule("in recent days", _c(r"in recent days|in the past few days|the other day"), relative.vague),
    Rule(
        "paused for a month",
        re.compile(
            r"\b(?:paus|delay|postpon|suspend|defer|put(?:s|ting)? off|push(?:es|ed)? back)\w*\b[^.;]{0,60}?\bfor "
            rf"(?P<least>at least )?(?P<at>{_COUNT})\b",
            re.IGNORECASE,
        ),
        _put_off,
    ),
)
