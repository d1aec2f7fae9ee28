"""Types shared by the date rules: reading, mention, position and rule."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["absolute", "partial", "relative", "context", "byline"]
Confidence: TypeAlias = Literal["high", "medium", "low", "none"]
_NEARBY = 20  # earlier mentions searched
CONFIDENCES: tuple[Confidence, ...] = ("none", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Reading:
    """Interpretation of a date in a text.

    Attributes
    ----------
    first, last : date or None
        The interval, both ends included; None if unknown.
    precision : str
        "day", or the kind of interval: weekend, week, month, quarter, half, season, year, decade, span, vague.
    kind : {"absolute", "partial", "relative", "context", "byline"}
        Year written; year (or month) omitted; counted from publication; counted from an earlier day of the text; the
        date of publication itself.
    confidence : {"high", "medium", "low", "none"}
        "none" for an unresolved date.
    reason : str
        The way the date was read, or the reason that it is unresolved.
    """

    first: dt.date | None
    last: dt.date | None
    precision: str
    kind: Kind
    confidence: Confidence
    reason: str

    @property
    def is_day(self) -> bool:
        """Whether the reading is one known day."""
        return self.precision == "day" and self.first is not None

    def but(self, confidence: Confidence, reason: str) -> Reading:
        """Return the reading with another confidence and an addition to its reason."""
        return replace(self, confidence=confidence, reason=f"{self.reason}; {reason}" if self.reason else reason)


def day(when: dt.date, kind: Kind, confidence: Confidence, reason: str) -> Reading:
    """Return the reading of one day."""
    return Reading(when, when, "day", kind, confidence, reason)


def unresolved(precision: str, kind: Kind, reason: str) -> Reading:
    """Return an unresolved reading with its reason."""
    return Reading(None, None, precision, kind, "none", reason)


def lower(first: Confidence, second: Confidence) -> Confidence:
    """Return the lower of two confidences."""
    return min(first, second, key=CONFIDENCES.index)


@dataclass(frozen=True, slots=True)
class Mention:
    """A date in a text: its position and its reading.

    Attributes
    ----------
    paragraph : int
        Paragraph number, from 1.
    start, end : int
        Character span within the paragraph, `end` excluded.
    text : str
        The date as written.
    reading : Reading
        Its interpretation.
    timing : {"", "before_open", "during", "after_close"}
        Time of day according to the surrounding words; "" if they give none.
    anchor : bool
        Whether "that day" may refer to it. False for a day used as a comparison ("the lowest since June 5").
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
    """Position of a match and the context that a rule may use."""

    published: dt.date | None  # date of publication
    text: str  # the paragraph after `half_width`, with names of instruments blanked out
    # start, end: character span of the match, `end` excluded
    start: int
    end: int
    paragraph: int  # paragraph number, from 1
    earlier: Sequence[Mention]  # mentions already read, in the order of the text
    weekday: int | None = None  # weekday written beside the date (Monday is 0), None if there is none

    def nearby(self) -> Iterator[Mention]:
        """Yield the earlier mentions of the same paragraph, nearest first, at most `_NEARBY`."""
        for mention in islice(reversed(self.earlier), _NEARBY):
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
    """One date form: its pattern and its reader.

    Attributes
    ----------
    name : str
        Example of the form, as used in the documentation.
    pattern : Pattern
        The mention is the group "at" if the pattern has one, else the whole match.
    read : callable
        Function of a match and its place that returns a reading, or None if the match is not a date.
    role : {"", "date", "pointer"}
        A pointer (a weekday, "the next trading day") beside a date forms one mention with it.
    """

    name: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], Place], Reading | None]
    role: Literal["", "date", "pointer"] = ""


_SENTENCE = re.compile(r"[。!?;]|[.!?][\"')\]]*\s+(?=[A-Z\"'(])")


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the character span (end excluded) of the sentence around ``text[start:end]``."""
    reach = 500  # characters searched on either side
    low = max(start - reach, 0)
    for match in _SENTENCE.finditer(text, low, start):
        low = match.end()
    found = _SENTENCE.search(text, end, min(end + reach, len(text)))
    return low, found.end() if found else min(end + reach, len(text))
