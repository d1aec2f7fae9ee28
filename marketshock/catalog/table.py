"""Events of any origin as one table of arrays: the form in which they reach the panel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .._native import as_pandas
from .._typing import ON_CLOSED, TIMINGS, BoolArray, DateArray, Frame, IntArray, StrArray
from ..errors import Argument, InputError, UnknownNameError, Words
from . import columns
from .columns import ROW_ID, place
from .model import Catalog, Event
from .vocabulary import CLOCK, OWN_WINDOWS

Events: TypeAlias = Event | Sequence[Event] | Catalog | Frame

UNSET = int(np.iinfo(np.int64).min)
"""Day of an own window that nobody gave."""

_JOINED = "; "  # between the groups of an event that has several


@dataclass(frozen=True, eq=False)
class EventTable:
    """E (event, security) pairs; ``event_id`` is the key.

    A column that nobody gave is one value seen E times (a view), and names nobody gave are made when they are read: a
    million events are a million small numbers.

    Attributes
    ----------
    names : ndarray of shape (S,), object
        The securities, each once.
    security : ndarray of shape (E,), int
        Which of them.
    given : ndarray of shape (E,), datetime64[D]
        The date given; of a timestamp, its date in its own zone.
    utc : ndarray of shape (E,), datetime64[us]
        Timestamp in UTC, NaT for a date without a time.
    timing : ndarray of shape (E,), object
        "", "before_open", "during" or "after_close".
    on_closed : ndarray of shape (E,), object
        What the event itself says of a closed day, "" if nothing.
    group : ndarray of shape (E,), object
        Group named by the user, "" if none; several are joined by "; " (`members` reads them).
    own_event, own_id : ndarray of shape (E,), object, or None
        The names given; None where `event` and `event_id` are made of ticker and date.
    market, benchmark, calendar : ndarray of shape (E,), object
        What the event names as its market, its benchmark and its trading calendar, "" where it names none.
    own_windows : ndarray of shape (E, 4), int, or None
        First and last day of the event's own event window and of its own estimation window, in trading days relative to
        day 0, `UNSET` where it has none; None if no event has one.
    traits : dict of str to array of shape (E,)
        The user's other columns, as given and in their order.
    offset : ndarray of shape (E,), int
        Minutes by which the zone of a timestamp is ahead of UTC; 0 for a date without a time.
    """

    names: StrArray
    security: IntArray
    given: DateArray
    utc: DateArray
    timing: StrArray
    on_closed: StrArray
    group: StrArray
    own_event: StrArray | None = None
    own_id: StrArray | None = None
    market: StrArray = None  # type: ignore[assignment]  # "" for all
    benchmark: StrArray = None  # type: ignore[assignment]
    calendar: StrArray = None  # type: ignore[assignment]
    own_windows: IntArray | None = None
    traits: dict[str, Any] = field(default_factory=dict)
    offset: IntArray = None  # type: ignore[assignment]  # 0 for all

    def __post_init__(self) -> None:
        for name, usual in (*((name, "") for name in CLOCK), ("offset", 0)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, repeated(usual, len(self)))

    def __len__(self) -> int:
        return len(self.given)

    @cached_property
    def ticker(self) -> StrArray:
        """Security, (E,), object."""
        return self.names[self.security]

    @cached_property
    def event(self) -> StrArray:
        """The catalog's event, or the id of the user's row, (E,), object."""
        if self.own_event is not None:
            return self.own_event
        day, which = np.unique(self.given, return_inverse=True)
        ticker = pd.Series(self.names, dtype=object)[self.security].reset_index(drop=True)
        text = pd.Series(np.datetime_as_string(day).astype(object))[which].reset_index(drop=True)
        return (ticker + "@" + text).to_numpy(dtype=object)

    @cached_property
    def event_id(self) -> StrArray:
        """The key, (E,), object; unique."""
        if self.own_id is not None:
            return self.own_id
        return self.event if self.own_event is not None else _numbered(self.event)

    def first_id(self, position: int) -> str:
        """Return the id of an event that is the first of its security and day, without making those of all others."""
        own = self.own_id if self.own_id is not None else self.own_event
        if own is not None:
            return str(own[position])
        return f"{self.names[self.security[position]]}@{self.given[position]}"

    def id_of(self, position: int) -> str:
        """Return the id of one event, without making those of all others."""
        first = self.first_id(position)
        if self.own_event is not None:
            return first
        here = slice(0, position)
        alike = (self.security[here] == self.security[position]) & (self.given[here] == self.given[position])
        before = int(np.count_nonzero(alike))
        return f"{first}#{before + 1}" if before else first

    def slim(self, events: IntArray) -> EventTable:
        """Return the table of some of the events with the names of their securities alone: what is sent to a worker."""
        code, security = np.unique(self.security[events], return_inverse=True)
        part = self.take(events)
        return replace(part, names=self.names[code], security=security)

    def given_columns(self, position: IntArray) -> dict[str, Any]:
        """Return those of `market`, `benchmark` and `calendar` that some event names, for some events."""
        read = {name: getattr(self, name) for name in CLOCK}
        return {name: column[position] for name, column in read.items() if not _is_single(column) or column[0] != ""}

    def __reduce__(self) -> tuple[Any, ...]:
        """Columns of one value travel as one value."""
        columns = [getattr(self, f.name) for f in fields(self)]
        return _unpacked, tuple((c[:1].copy(), len(c)) if _is_single(c) else c for c in columns)

    def take(self, events: IntArray | BoolArray) -> EventTable:
        """Return the table of some of the events, under the names they have in this one.

        A second event of a security and day bears a number, which only the whole table knows: names that are made of
        ticker and date are kept as they are here.
        """
        n = int(np.count_nonzero(events)) if events.dtype == bool else len(events)
        part: dict[str, Any] = {"traits": {name: column[events] for name, column in self.traits.items()}}
        for name in (f.name for f in fields(self) if f.name not in ("names", "traits")):
            column = getattr(self, name)
            part[name] = repeated(column[0], n) if _is_single(column) else None if column is None else column[events]
        return replace(self, **part)


def event_table(events: Events, tickers: Sequence[str] | None) -> EventTable:
    """Bring an event, a list of events, or a frame into one table.

    Parameters
    ----------
    events : Event, sequence of Event, Catalog, or DataFrame
        A frame has columns (or levels of its index) ticker and date, and optionally event_id, group, timing, on_closed,
        market, benchmark, calendar, window_first, window_last, estimation_first and estimation_last (upper or lower
        case). Other columns are traits. Rows that differ only in group are one event of several groups.
    tickers : sequence of str, optional
        Securities on which market-wide events are studied. An event that names its own keeps them.

    Raises
    ------
    InputError
        If there is no event, a date is no date (or a number, or a naive time of day), an id occurs twice, or a
        market-wide event comes without `tickers`; if a column means one of these by another name.
    """
    if isinstance(tickers, str):
        tickers = (tickers,)
    events = as_pandas("events", events)
    if isinstance(events, pd.DataFrame):
        return _from_frame(events, tickers)
    if isinstance(events, Catalog):
        events = list(events.values())
    listed = [events] if isinstance(events, Event) else list(events) if isinstance(events, Sequence) else []
    if not listed or not all(isinstance(e, Event) for e in listed):
        raise InputError(
            "events", f"got {type(events).__name__}", "give an Event, a list of them, a Catalog, or a DataFrame"
        )
    return _from_events(listed, tickers)


def members(labels: np.ndarray[Any, Any], by: str = "group") -> dict[Any, IntArray]:
    """Return the positions of the events under each label of a column, in the order of first occurrence.

    Parameters
    ----------
    labels : ndarray of shape (E,)
        One per event.
    by : str, optional
        Name of the column. An event with several groups, joined by "; ", is in each of them.

    Returns
    -------
    dict of label to ndarray of shape (n,), int
        Positions, increasing.
    """
    code, names = pd.factorize(labels)
    positions = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code)))[:-1]
    out: dict[Any, list[IntArray]] = {}
    for label, at in zip(names, positions, strict=True):
        for name in label.split(_JOINED) if by == "group" else (label,):
            out.setdefault(name, []).append(at)
    return {name: np.sort(np.concatenate(parts)) for name, parts in out.items()}


def _from_events(events: list[Event], tickers: Sequence[str] | None) -> EventTable:
    rows: list[tuple[str, str, str, Event]] = []
    for event in events:
        on = event.tickers or tuple(tickers or ())
        if not on:
            raise InputError("tickers", f"event {event.id!r} is market-wide", "say on which tickers to study it")
        rows += [(f"{event.id}/{ticker}", ticker, event.id, event) for ticker in on]
    stamps = [pd.Timestamp(e.when) for *_, e in rows]
    timed = np.array([isinstance(e.when, dt.datetime) for *_, e in rows])
    security, names = pd.factorize(_objects([r[1] for r in rows]))
    return _checked(
        EventTable(
            names,
            security,
            np.array([np.datetime64(s.date()) for s in stamps], dtype="datetime64[D]"),
            np.array(
                [columns.utc_of(s) if t else np.datetime64("NaT") for s, t in zip(stamps, timed, strict=True)],
                "datetime64[us]",
            ),
            _objects([e.timing for *_, e in rows]),
            _objects([e.on_closed or "" for *_, e in rows]),
            repeated("", len(rows)),
            _objects([r[2] for r in rows]),
            _objects([r[0] for r in rows]),
            offset=np.array([columns.ahead_of(s) for s in stamps], dtype=np.int64),
        )
    )


def _from_frame(frame: pd.DataFrame, tickers: Sequence[str] | None) -> EventTable:
    frame = columns.named(frame, bool(tickers))
    if "date" not in frame.columns:
        raise UnknownNameError("events", ["date"], [str(c) for c in frame.columns], "events need a column 'date'")
    if frame.empty:
        raise InputError("events", "the frame has no rows", "give at least one event")
    if "ticker" not in frame.columns:
        if not tickers:
            raise InputError(
                "events", "has no column 'ticker'", Words("add one, or name them as ", Argument("tickers"))
            )
        frame = _crossed(frame, tickers)
    n = len(frame)
    security, names = columns.securities(frame["ticker"])
    given, utc, offset = columns.dates(frame["date"])
    event, event_id = columns.text(frame, "event_id"), columns.text(frame, ROW_ID)
    if event is not None and event.any():
        columns.refuse_blank(frame, "event_id", event)
    else:
        event = None
    group = columns.text(frame, "group")
    columns.refuse_hidden(frame, "event_id", event)
    columns.refuse_hidden(frame, "group", group)
    timing = columns.text(frame, "timing", TIMINGS)
    on_closed = columns.text(frame, "on_closed", ("", *ON_CLOSED))
    for name, values in (("timing", timing), ("on_closed", on_closed)):
        both = ~np.isnat(utc) & (values != "") if utc is not None and values is not None else np.zeros(n, dtype=bool)
        if both.any():
            where = place(frame.index, int(np.argmax(both)))
            raise InputError("events", f"{where} has a timestamp and {name}", "give one of the two")
    days = columns.own_windows(frame)
    clock: dict[str, Any] = {name: columns.names_of(frame, name) for name in CLOCK}
    whole: dict[str, Any] = {"timing": _or_repeated(timing, "", n), "on_closed": _or_repeated(on_closed, "", n)}
    table = EventTable(
        names,
        security,
        given,
        _or_repeated(utc, np.datetime64("NaT", "us"), n),
        **whole,
        group=_or_repeated(group, "", n),
        own_event=event,
        own_id=event_id,
        **clock,
        own_windows=None if days is None else np.where(np.isnan(days), UNSET, np.nan_to_num(days)).astype(np.int64),
        traits=columns.traits(frame),
        offset=_or_repeated(offset, 0, n),
    )
    return _checked(_merged(table))


def _or_repeated(column: Any, value: Any, n: int) -> np.ndarray[Any, Any]:
    return repeated(value, n) if column is None else column


def _merged(table: EventTable) -> EventTable:
    """Merge rows that differ only in group into one event, at the place of the first, with the groups in their order.

    A row that repeats another with its group stays an event of its own.
    """
    if _is_single(table.group):
        return table
    pair = pd.Series((table.security.astype(np.int64) << 32) + table.given.astype(np.int64))
    if not pair.duplicated().any():
        return table
    at = np.flatnonzero(pair.duplicated(keep=False))
    rows = _alike(table, at)
    again = rows.assign(group=table.group[at]).groupby([*rows, "group"], dropna=False).cumcount()
    event = rows.assign(again=again).groupby([*rows, "again"], sort=False, dropna=False).ngroup().to_numpy()
    first = at[np.unique(event, return_index=True)[1]]
    joined = pd.Series(table.group[at] + _JOINED, dtype=object).groupby(event).sum()
    plain = {text: _JOINED.join(dict.fromkeys(filter(None, text.split(_JOINED)))) for text in joined.unique()}
    group, kept = table.group.copy(), np.ones(len(table), dtype=bool)
    kept[at], kept[first] = False, True
    group[first] = joined.map(plain).to_numpy(dtype=object)
    return replace(table, group=group).take(kept)


def _alike(table: EventTable, at: IntArray) -> pd.DataFrame:
    """Return all that tells events apart but their group, as numbers: a column each, the rows of `at`."""
    same = ("security", "given", "utc", "timing", "on_closed", "own_event", *CLOCK)
    read: dict[str, Any] = {name: getattr(table, name) for name in same}
    if table.own_windows is not None:
        read |= dict(zip(OWN_WINDOWS, table.own_windows.T, strict=True))
    read |= {f"trait {name}": column for name, column in table.traits.items()}
    return pd.DataFrame({k: _codes(v[at]) for k, v in read.items() if v is not None and not _is_single(v)})


def _codes(values: Any) -> IntArray:
    """Return equal numbers for equal values, those that are missing among them."""
    try:
        return np.asarray(pd.factorize(values)[0])
    except TypeError:  # lists and the like
        return np.asarray(pd.factorize(np.array([repr(v) for v in values], dtype=object))[0])


def _crossed(frame: pd.DataFrame, tickers: Sequence[str]) -> pd.DataFrame:
    if "event_id" not in frame.columns:
        frame = frame.assign(event_id=frame["date"].astype(str))
    crossed = frame.iloc[np.repeat(np.arange(len(frame)), len(tickers))].copy()
    crossed["ticker"] = list(tickers) * len(frame)
    crossed[ROW_ID] = crossed["event_id"].astype(str) + "/" + crossed["ticker"]
    return crossed


def _numbered(ids: StrArray) -> StrArray:
    """Make repeated automatic ids unique by a number: the second is "NVDA@2025-01-27#2"."""
    count = pd.Series(ids).groupby(ids).cumcount().to_numpy()
    if not count.any():
        return ids
    return _objects([f"{i}#{c + 1}" if c else i for i, c in zip(ids, count, strict=True)])


def _checked(table: EventTable) -> EventTable:
    if table.own_event is None:
        return table  # ids that are made are made unique
    twice: BoolArray = pd.Index(table.event_id).duplicated()
    if twice.any():
        raise InputError(
            "events", f"id {table.event_id[twice][0]!r} occurs more than once", "give each event its own id"
        )
    return table


def _unpacked(*columns: Any) -> EventTable:
    whole: list[Any] = [repeated(c[0][0], c[1]) if isinstance(c, tuple) else c for c in columns]
    return EventTable(*whole)


def repeated(value: Any, n: int) -> np.ndarray[Any, Any]:
    """Return one value seen `n` times: a read-only view, whatever `n`."""
    one = np.asarray(value, dtype=object) if isinstance(value, str) else np.asarray(value)
    return np.broadcast_to(one, (n,))


def _objects(values: Sequence[str]) -> StrArray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _is_single(column: Any) -> bool:
    """Return whether a column is one value seen E times."""
    return isinstance(column, np.ndarray) and column.size > 0 and column.strides[0] == 0
