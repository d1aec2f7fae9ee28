"""Catalog entries: events, sources, claims."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .._names import refuse_unseen
from .._typing import ON_CLOSED, TIMINGS, OnClosed, Timing
from ..errors import InputError, UnknownNameError, check_choice
from .claim import Claim

KINDS = ("release", "ranking", "selloff", "policy", "central_bank", "earnings", "macro", "announcement")


@dataclass(frozen=True, slots=True)
class Source:
    """Source of an event: file name and paragraph of a document, with an optional note.

    Paragraphs are counted from 1, including the title. Paragraph 0 is a source without paragraphs, such as the calendar
    of an agency.
    """

    document: str
    paragraph: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One dated event of one or more securities, or of the whole market.

    Attributes
    ----------
    id : str
        Unique id.
    title : str
        Short description of the event.
    when : date or datetime
        Date, or timestamp with a time zone. A timestamp maps to the first session that closes after it.
    kind : str
        One of `KINDS`.
    tickers : tuple of str
        Securities of the event; empty for a market-wide event.
    timing : {"", "before_open", "during", "after_close"}
        Time of day, for a date without a time. "after_close" maps to the next session.
    on_closed : {"raise", "next", "previous", "drop"} or None
        Treatment of a date on which the market was closed; None uses the setting of the study.
    sources : tuple of Source
        Sources of the date.
    note : str
        Remark on the date.

    Raises
    ------
    ChoiceError
        If `kind`, `timing` or `on_closed` is not one of the allowed values.
    InputError
        If `when` is not a date, or is a timestamp that has no time zone or is given with `timing` or `on_closed`; if
        the id or a ticker has a character that is not seen.
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
        refuse_unseen("id", [self.id])
        refuse_unseen("tickers", self.tickers)
        check_choice("kind", self.kind, KINDS)
        check_choice("timing", self.timing, TIMINGS)
        if self.on_closed is not None:
            check_choice("on_closed", self.on_closed, ON_CLOSED)
        if not isinstance(self.when, dt.date) or self.when != self.when:
            raise InputError("when", f"got {self.when!r}", "give a date, or a datetime with a time zone")
        if isinstance(self.when, dt.datetime):
            if self.when.tzinfo is None:
                raise InputError("when", f"timestamp {self.when} has no time zone", "write e.g. 14:00:00-05:00")
            for name, value in (("timing", self.timing), ("on_closed", self.on_closed)):
                if value:
                    raise InputError(name, f"given with the timestamp {self.when}", "leave it out")

    @property
    def market_wide(self) -> bool:
        """Whether the event has no securities of its own."""
        return not self.tickers

    def __repr__(self) -> str:
        securities = "market-wide" if self.market_wide else ", ".join(self.tickers)
        return f"Event {self.id!r}: {self.when} ({securities}) {self.title}"


@dataclass(frozen=True)
class Catalog(Mapping[str, Event]):
    """Events by id, in order of date, and the claims of documents.

    Attributes
    ----------
    events : mapping of str to Event
        Events by id; the catalog itself is this mapping.
    origin : str
        Source of the catalog, e.g. "bundled" or a path.
    claims : mapping of str to Claim
        Claims by id, in the order of the files.
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
