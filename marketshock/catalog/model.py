"""What a catalog holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .._typing import ON_CLOSED, TIMINGS, OnClosed, Timing
from ..errors import InputError, UnknownNameError, check_choice
from .claim import Claim

KINDS = ("release", "ranking", "selloff", "policy", "central_bank", "earnings", "macro", "announcement")


@dataclass(frozen=True, slots=True)
class Source:
    """Where an event is read: a document's file name and paragraph (counted from 1, the title included).

    Paragraph 0 is a source that is no text of paragraphs, such as an agency's calendar.
    """

    document: str
    paragraph: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One dated event.

    Attributes
    ----------
    id : str
        Unique name.
    title : str
        What happened, in our own words.
    when : date or datetime
        A date, or a timestamp with a time zone, which maps to the first session whose close is after it.
    kind : str
        One of `KINDS`.
    tickers : tuple of str
        Securities concerned; empty for a market-wide event.
    timing : {"", "before_open", "during", "after_close"}
        For a date without a time: when on that day. "after_close" maps to the next session.
    on_closed : {"raise", "next", "previous", "drop"} or None
        What is meant if the market was closed that day; None leaves it to the study.
    sources : tuple of Source
        Where it is read.
    note : str
        What a reader should know about the date.
    """

    id: str
    title: str
    when: dt.date | dt.datetime
    kind: str = "announcement"
    tickers: tuple[str, ...] = ()
    timing: Timing = ""
    on_closed: OnClosed | None = None
    sources: tuple[Source, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        named: object = self.tickers
        if isinstance(named, str):  # one ticker given as text
            object.__setattr__(self, "tickers", (named,))
        check_choice("kind", self.kind, KINDS)
        check_choice("timing", self.timing, TIMINGS)
        if self.on_closed is not None:
            check_choice("on_closed", self.on_closed, ON_CLOSED)
        if not isinstance(self.when, dt.date) or self.when != self.when:
            raise InputError("when", f"got {self.when!r}", "give a date, or a datetime with its zone")
        if isinstance(self.when, dt.datetime):
            if self.when.tzinfo is None:
                raise InputError("when", f"timestamp {self.when} has no time zone", "write e.g. 14:00:00-05:00")
            for name, value in (("timing", self.timing), ("on_closed", self.on_closed)):
                if value:
                    raise InputError(name, f"given beside the timestamp {self.when}", "leave it out")

    @property
    def market_wide(self) -> bool:
        """Whether the event names no securities of its own."""
        return not self.tickers

    def __repr__(self) -> str:
        whom = "market-wide" if self.market_wide else ", ".join(self.tickers)
        return f"Event {self.id!r}: {self.when} ({whom}) {self.title}"


@dataclass(frozen=True)
class Catalog(Mapping[str, Event]):
    """Events by id, in order of date, and the claims that documents make.

    Attributes
    ----------
    events : mapping of str to Event
        By id; the catalog itself is this mapping.
    origin : str
        Where it was read.
    claims : mapping of str to Claim
        By id, in the order of the file.
    """

    events: Mapping[str, Event]
    origin: str = field(default="")
    claims: Mapping[str, Claim] = field(default_factory=dict)

    def __getitem__(self, event_id: str) -> Event:
        try:
            return self.events[event_id]
        except KeyError:
            raise UnknownNameError("event", [event_id], list(self.events)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        claims = f" and {len(self.claims)} claims" if self.claims else ""
        lines = [f"Catalog of {len(self)} events{claims} ({self.origin})"]
        width = max((len(i) for i in self), default=0)
        lines += [f"  {e.id:<{width}}  {e.when!s:<25}  {e.title}" for e in self.values()]
        return "\n".join(lines)
