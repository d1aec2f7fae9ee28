"""What a rule answers, and what it may look at."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["absolute", "partial", "relative", "context", "byline"]
Confidence: TypeAlias = Literal["high", "medium", "low", "none"]
_REMEMBERED = 20  # mentions
CONFIDENCES: tuple[Confidence, ...] = ("none", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a date in a text means.

    Attributes
    ----------
    first, last : date or None
        The interval, both ends included; None where it is not known.
    precision : str
        "day", or what kind of interval: weekend, week, month, quarter, half, season, year, decade, span, vague.
    kind : {"absolute", "partial", "relative", "context", "byline"}
        Year written; year (or month) left out; counted from publication; counted from an earlier day of the text; the
        date of publication itself.
    confidence : {"high", "medium", "low", "none"}
        "none" is a date that stays unresolved.
    reason : str
        How it was read, or why it was not.
    """

    first: dt.date | None
    last: dt.date | None
    precision: str
    kind: Kind
    confidence: Confidence
    reason: str

    @property
    def is_day(self) -> bool:
        """Whether it names one day that is known."""
        return self.precision == "day" and self.first is not None

    def but(self, confidence: Confidence, reason: str) -> Reading:
        """Return it with another confidence and something more to say."""
        return replace(self, confidence=confidence, reason=f"{self.reason}; {reason}" if self.reason else reason)


def day(when: dt.date, kind: Kind, confidence: Confidence, reason: str) -> Reading:
    """Return the reading of one day."""
    return Reading(when, when, "day", kind, confidence, reason)


def unresolved(precision: str, kind: Kind, reason: str) -> Reading:
    """Return a date that stays unresolved, with its reason."""
    return Reading(None, None, precision, kind, "none", reason)


def lower(one: Confidence, other: Confidence) -> Confidence:
    """Return the lower of two confidences."""
    return min(one, other, key=CONFIDENCES.index)


@dataclass(frozen=True, slots=True)
class Mention:
    """A date in a text: its place and its reading.

    Attributes
    ----------
    paragraph : int
        Counted from 1.
    start, end : int
        Characters of the paragraph, the end not included.
    text : str
        As written.
    reading : Reading
        What it means.
    timing : {"", "before_open", "during", "after_close"}
        What the words around say of the hour.
    anchor : bool
        Whether "that day" may refer to it: not to one that something is compared with ("the lowest since June 5").
    """

    paragraph: int
    start: int
    end: int
    text: str
    reading: Reading
    timing: str = ""
    anchor: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule may look at besides its match.

    Attributes
    ----------
    published : date or None
        Date of publication.
    text : str
        The paragraph, half-width, with names of instruments blanked out.
    start, end : int
        Where the match stands.
    paragraph : int
        Counted from 1.
    earlier : sequence of Mention
        Those already read, in the order of the text.
    weekday : int or None
        Weekday written beside a date, Monday 0.
    """

    published: dt.date | None
    text: str
    start: int
    end: int
    paragraph: int
    earlier: Sequence[Mention]
    weekday: int | None = None

    def nearby(self) -> Iterator[Mention]:
        """Return the mentions before it in its paragraph, the nearest first, as far as a reader remembers."""
        for mention in islice(reversed(self.earlier), _REMEMBERED):
            if mention.paragraph != self.paragraph:
                return
            yield mention

    @property
    def before(self) -> str:
        """The text of the clause before the match."""
        return re.split(r"[,。;!?]|[.:](?=\s)", self.text[max(self.start - 60, 0) : self.start])[-1]

    @property
    def after(self) -> str:
        """The text of the clause after the match."""
        return re.split(r"[,。;!?]|[.:](?=\s)", self.text[self.end : self.end + 60], maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Rule:
    """A form of date: its pattern and how it is read.

    Attributes
    ----------
    name : str
        What the documentation calls it.
    pattern : Pattern
        The group "at", if there is one, is the mention; else the whole match.
    read : callable
        From a match and its place to a reading; None if it is no date after all.
    role : {"", "date", "pointer"}
        A pointer (a weekday, "the next trading day") beside a date is read with it as one mention.
    """

    name: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], Place], Reading | None]
    role: Literal["", "date", "pointer"] = ""


_SENTENCE = re.compile(r"[。!?;]|[.!?][\"')\]]*\s+(?=[A-Z\"'(])")


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the first and the last character (not included) of the sentence that holds a place of a text."""
    reach = 500  # a longer sentence is none
    low = max(start - reach, 0)
    for match in _SENTENCE.finditer(text, low, start):
        low = match.end()
    found = _SENTENCE.search(text, end, min(end + reach, len(text)))
    return low, found.end() if found else min(end + reach, len(text))
