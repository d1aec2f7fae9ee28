"""Days a source was asked for: which of them are settled, and for how long its silence on the others is believed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .._typing import BoolArray, DateArray, IntArray
from ..sessions import nyse
from .bars import Bars
from .checks import NOTE, WARNING, Finding, on_nyse

Span = tuple[dt.date, dt.date]
"""Days [first, last)."""

_GIVEN_UP = dt.timedelta(days=10)  # without a bar for longer, a vendor is not just late
_HOLIDAYS = 2  # weekdays in a row without a bar that are common where no calendar is known
_OLD, _LONGER = dt.timedelta(days=365), 30  # the silence on a day that old is believed that many times as long
_OFTEN = 0.5  # of the bars on the commonest day of the week: weekends of what trades on them


class Answer(NamedTuple):
    """A source was asked for the days [first, last) at a time; `came` is what it said if it had no bar at all."""

    first: dt.date
    last: dt.date
    when: dt.datetime
    came: str = ""

    @property
    def span(self) -> Span:
        """The days."""
        return self.first, self.last


def settled_until(bars: Bars) -> dt.date:
    """Return the end of what an answer settles: the last bar, and the days after it on which no bar was owed."""
    first, last = bars.covered
    known = bars.close_days
    known = known[(known >= np.datetime64(first)) & (known < np.datetime64(last))]
    if not len(known):
        return first
    after = np.arange(known[-1] + 1, np.datetime64(last))
    late = after[_owed(after, bars)]
    end: dt.date = late[0].item() if len(late) else last
    return end


def unanswered(
    want: Span,
    bars: Bars,
    spans: Sequence[Span],
    answers: Sequence[Answer],
    *,
    earliest: dt.date,
    now: dt.datetime,
    forget: dt.timedelta,
) -> list[Span]:
    """Return the days to ask for: those never answered, and those without a bar whose silence is believed no more.

    Where nothing else is to be asked, the last bar is: it may be one of an unfinished day, if a clock was ahead. What
    was answered before the `earliest` day of the source stays as it is.
    """
    if not spans and not answers:
        return merged([want])
    days = _days(want)
    kept = days < np.datetime64(earliest)
    if kept.any():
        kept &= within(days, [*spans, *(answer.span for answer in answers)])
    for gap in (~_settled(days, bars, spans), _is_last(days, bars)):
        gap &= ~kept
        for answer in answers:
            if gap.any():
                gap &= ~_believed(days, bars, answer, now, forget)
        if gap.any():
            return _runs(days, gap)
    return []


def needed(answers: Sequence[Answer], bars: Bars, spans: Sequence[Span]) -> list[Answer]:
    """Return the answers, in order of time, without those on which nothing depends any more."""
    kept: list[Answer] = []
    for answer in reversed(answers):
        days = _days(answer.span)
        doubtful = ~_settled(days, bars, spans) | _is_last(days, bars)
        if (doubtful & ~within(days, [later.span for later in kept])).any():
            kept.insert(0, answer)
    return kept


def silence(bars: Bars, now: dt.datetime) -> list[Finding]:
    """Return a finding if bars end before the days asked for do: on which days there is none, and as of when.

    It is a note as long as a holiday may be the cause.
    """
    last = settled_until(bars)
    after = _days((last, bars.covered[1]))
    days = tuple(map(str, after[_owed(after, bars)]))
    if not days or not len(bars):
        return []
    late = len(days) > _HOLIDAYS and not on_nyse(bars.about)  # there each session is absent by its own finding
    severity = WARNING if late or now.date() - last > _GIVEN_UP else NOTE
    what = f"no bar as of {now:%Y-%m-%d %H:%M} UTC"
    return [Finding("absent", severity, what, days)]


def _believed(days: DateArray, bars: Bars, answer: Answer, now: dt.datetime, forget: dt.timedelta) -> BoolArray:
    """Return on which days the silence of a source is still believed. An answer from the future never is."""
    asked = within(days, [answer.span])
    if not answer.when <= now:
        return np.zeros(len(days), bool)
    known = bars.close_days
    if not len(known):
        return asked & (now < answer.when + forget)
    old = days < np.datetime64(answer.when.date() - _OLD)
    longer = old & (now < answer.when + forget * _LONGER) & (not answer.came)
    asked &= longer | (now < answer.when + forget)
    if answer.when.date() - known[-1].item() <= _GIVEN_UP:
        asked &= days <= known[-1]  # what is late may come any minute
    return asked


def _settled(days: DateArray, bars: Bars, spans: Iterable[Span]) -> BoolArray:
    """Return which days were answered for good: with a close, or where no bar was owed."""
    settled = within(days, spans)
    rest = settled & ~_among(days, bars.close_days)
    settled[rest] = ~_owed(days[rest], bars)
    return settled


def _is_last(days: DateArray, bars: Bars) -> BoolArray:
    known = bars.close_days
    return days == known[-1] if len(known) else np.zeros(len(days), bool)


def _days(span: Span) -> DateArray:
    return np.arange(np.datetime64(span[0]), np.datetime64(span[1]))


def _owed(days: DateArray, bars: Bars) -> BoolArray:
    """Return on which days a bar is owed: sessions of the NYSE, and where no calendar is known the usual weekdays."""
    week = _weekday(days)
    count = np.bincount(_weekday(bars.day), minlength=7)
    owed = (week < 5) | (count[week] > _OFTEN * count.max())
    if on_nyse(bars.about):
        calendar = nyse().days
        inside = (days >= calendar[0]) & (days <= calendar[-1])
        owed = np.where(inside, nyse().contains(days), owed)
    listed = bars.about.get("first_trade")
    if listed and len(bars) and bars.day[0] >= np.datetime64(listed):
        owed &= days >= np.datetime64(listed)
    return np.asarray(owed)


def _weekday(days: DateArray) -> IntArray:
    """Return 0 for Monday to 6 for Sunday; day 0, 1 January 1970, was a Thursday."""
    return np.asarray((days.astype(np.int64) + 3) % 7)


def _among(days: DateArray, known: DateArray) -> BoolArray:
    at = np.searchsorted(known, days)
    found = np.zeros(len(days), bool)
    found[at < len(known)] = known[at[at < len(known)]] == days[at < len(known)]
    return found


def within(days: DateArray, spans: Iterable[Span]) -> BoolArray:
    """Return which days lie in the spans."""
    inside = np.zeros(len(days), bool)
    for first, last in spans:
        inside |= (days >= np.datetime64(first)) & (days < np.datetime64(last))
    return inside


def _runs(days: DateArray, which: BoolArray) -> list[Span]:
    """Return the days of a mask as spans."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]])))
    return [
        (days[a].item(), days[b - 1].item() + dt.timedelta(days=1))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans as the fewest that cover the same days, in order; empty ones are dropped."""
    out: list[Span] = []
    for first, last in sorted(s for s in spans if s[0] < s[1]):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def gaps(wanted: Span, spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the parts of a span that others do not cover."""
    first, last = wanted
    for a, b in merged(spans):
        if b <= first or a >= last:
            continue
        if a > first:
            yield first, a
        first = b
    if first < last:
        yield first, last
