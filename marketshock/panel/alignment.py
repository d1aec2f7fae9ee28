"""Alignment of events with prices: sessions, securities, duplicates and exclusions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, IntArray, OnClosed, StrArray
from ..catalog.table import EventTable, repeated
from ..errors import InputError, NotSessionError, did_you_mean
from ..sessions import DROPPED, Mapped, Sessions, map_dates, map_timestamps, places
from .returns import Returns


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An event excluded from the study, with the reason."""

    # event_id, ticker: id and security of the event
    event_id: str
    ticker: str
    date: np.datetime64  # datetime64[D], date as given
    # Code of the reason: unknown_ticker, closed, outside_prices, duplicate, halted, benchmark_missing,
    # too_few_obs, no_event_returns or not_estimable
    code: str
    reason: str  # reason in words, with a remedy


@dataclass(frozen=True, slots=True)
class Alignment:
    """Mapping of event dates to sessions."""

    table: EventTable  # events with the dates and times given
    session: DateArray  # (E,), datetime64[D]: session of day 0; NaT if there is none
    moved: IntArray  # (E,), int: calendar days from the date given to the session; 0 if there is no session
    rule: StrArray  # (E,) of text: rule of the mapping, in words

    def reopened(self, session: DateArray, halted: BoolArray) -> Alignment:
        """Return the mapping with day 0 of the halted events, (E,), on the session of the next price."""
        moved = np.where(halted, (session - self.table.given).astype(np.int64), self.moved)
        rule = self.rule.astype(object)
        rule[halted] = [f"{said}; no price: next session with one" for said in rule[halted]]
        return replace(self, session=np.where(halted, session, self.session), moved=moved, rule=rule)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per event, indexed by event_id: ticker, event, given, timestamp_utc, session, moved, rule."""
        return pd.DataFrame(
            {
                "ticker": self.table.ticker,
                "event": self.table.event,
                "given": self.table.given.astype("datetime64[s]"),
                "timestamp_utc": self.table.utc,
                "session": self.session.astype("datetime64[s]"),
                "moved": self.moved,
                "rule": self.rule,
            },
            index=pd.Index(self.table.event_id, name="event_id"),
        )


def joined_alignment(table: EventTable, parts: Sequence[tuple[IntArray, Alignment]]) -> Alignment:
    """Return the alignment of a table whose events, by position, were aligned in parts."""
    session = np.full(len(table), np.datetime64("NaT"), dtype="datetime64[D]")
    moved, rule = np.zeros(len(table), dtype=np.int64), np.full(len(table), "", dtype=object)
    for events, part in parts:
        session[events], moved[events], rule[events] = part.session, part.moved, part.rule
    return Alignment(table, session, moved, rule)


class Exclusions(Mapping[int, tuple[str, str]]):
    """Excluded events: position in the table -> (code, reason). Only the first reason of an event is kept."""

    def __init__(self, table: EventTable) -> None:
        self.table = table
        self._by_position: dict[int, tuple[str, str]] = {}

    def __getitem__(self, position: int) -> tuple[str, str]:
        return self._by_position[position]

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._by_position))

    def __len__(self) -> int:
        return len(self._by_position)

    def add(self, position: int | np.integer[Any], code: str, reason: str) -> None:
        """Exclude an event, unless it is already excluded."""
        self._by_position.setdefault(int(position), (code, reason))

    def kept(self) -> BoolArray:
        """Return a mask of the events that are not excluded, (E,)."""
        keep = np.ones(len(self.table), dtype=bool)
        keep[list(self._by_position)] = False
        return keep

    def named(self) -> tuple[Exclusion, ...]:
        """Return the exclusions with event ids and securities, in the order of the table."""
        t = self.table
        return tuple(Exclusion(str(t.event_id[i]), str(t.ticker[i]), t.given[i], *self[i]) for i in self)


def align(table: EventTable, sessions: Sessions, on_closed: OnClosed) -> Alignment:
    """Map each event to its session.

    Raises `NotSessionError` if a date is not a session and `on_closed` is "raise"; `InputError` if an event has a
    timestamp and the calendar has no closing times.

    Parameters
    ----------
    table : EventTable
        Events. Their own `on_closed` takes precedence over the argument.
    sessions : Sessions
        Trading calendar.
    on_closed : {"raise", "next", "previous", "drop"}
        Treatment of dates on which the market was closed.
    """
    timed = ~np.isnat(table.utc) if table.utc.strides[0] else np.zeros(0, dtype=bool)
    if not timed.any():
        mapped = _map_dates(table, sessions, on_closed)
        session, rule = mapped.day, mapped.rule
    else:
        session, rule = np.empty(len(table), dtype="datetime64[D]"), np.empty(len(table), dtype=object)
        try:
            mapped = map_timestamps(sessions, table.utc[timed])
        except InputError as error:
            at = int(np.flatnonzero(timed)[0])
            market = f" of market {table.market[at]!r}" if table.market[at] else ""
            raise InputError(f"date of event {table.event_id[at]!r}{market}", error.problem, error.remedy) from None
        session[timed], rule[timed] = mapped.day, mapped.rule
        if not timed.all():
            mapped = _map_dates(table.take(~timed), sessions, on_closed)
            session[~timed], rule[~timed] = mapped.day, mapped.rule
    nowhere = np.isnat(session)
    moved = (np.where(nowhere, table.given, session) if nowhere.any() else session) - table.given
    return Alignment(table, session, moved.astype(np.int64), rule)


def _map_dates(table: EventTable, sessions: Sessions, on_closed: OnClosed) -> Mapped:
    own, timing = table.on_closed, table.timing
    choice = np.where(own == "", on_closed, own) if own.strides[0] else repeated(own[0] or on_closed, len(own))
    late = timing == "after_close" if timing.strides[0] else repeated(np.bool_(timing[0] == "after_close"), len(own))
    try:
        return map_dates(sessions, table.given, late, choice)
    except NotSessionError as error:
        at = np.flatnonzero(table.given == error.day)[0]
        raise NotSessionError(f"event {table.event_id[at]!r}", error.problem, error.remedy, error.day) from None


def locate(table: EventTable, returns: Returns, alignment: Alignment, left: Exclusions) -> tuple[IntArray, IntArray]:
    """Return the row (session) and column (security) of each event in the returns, (E,); exclude events without one."""
    known = pd.Index(returns.names, dtype=object).get_indexer(pd.Index([str(n) for n in table.names], dtype=object))
    hints = {code: did_you_mean(str(table.names[code]), returns.names) for code in np.flatnonzero(known < 0)}
    column = known[table.security]
    for i in np.flatnonzero(column < 0) if hints else ():
        near = hints[table.security[i]]
        hint = f"did you mean {near!r}?" if near else "add it to the prices"
        left.add(i, "unknown_ticker", f"no prices of {table.names[table.security[i]]!r}: {hint}")
    first, last = returns.days[0], returns.days[-1]
    session = alignment.session
    nowhere = np.isnat(session)
    for i in np.flatnonzero(nowhere):
        if alignment.rule[i] == DROPPED:
            left.add(i, "closed", f"the market was closed on {table.given[i]} and on_closed is 'drop'")
    for i in np.flatnonzero(nowhere | (session < first) | (session > last)):
        if alignment.rule[i] != DROPPED:
            day = table.given[i] if nowhere[i] else session[i]
            left.add(i, "outside_prices", f"{day} lies outside the prices ({first} to {last}): give a longer history")
    return places(returns.days, np.where(nowhere, first, session) if nowhere.any() else session), column


def exclude_duplicates(table: EventTable, row: IntArray, column: IntArray, left: Exclusions) -> None:
    """Exclude every event after the first of the same security and session."""
    keep = left.kept()
    key = pd.Series(row[keep].astype(np.int64) * (int(column.max(initial=0)) + 2) + column[keep])
    again = np.flatnonzero(key.duplicated())
    if not len(again):
        return
    positions = np.flatnonzero(keep)
    code, distinct = pd.factorize(key)
    first = np.full(len(distinct), len(key))
    np.minimum.at(first, code, np.arange(len(key)))
    first_of = positions[first[code]]
    for at in again:
        left.add(
            positions[at],
            "duplicate",
            f"{table.names[table.security[positions[at]]]} on the same session is already event "
            f"{table.first_id(first_of[at])!r}: counted once, as duplicates is 'exclude'; 'keep' keeps both",
        )
