"""Events of any origin as one table of arrays: the form in which they reach the panel."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .._native import as_pandas
from .._typing import ON_CLOSED, TIMINGS, BoolArray, DateArray, Frame, IntArray, StrArray
from ..errors import InputError, UnknownNameError, check_choice
from .model import Catalog, Event

Events: TypeAlias = Event | Sequence[Event] | Catalog | Frame

_COLUMNS = ("ticker", "date", "event_id", "group", "timing", "on_closed")
_JOINED = "; "  # between the groups of an event that has several
_MANY = 100_000  # events from which on it matters how many bytes a number takes
_YEARS = (1800, 2200)  # what a timestamp may be; beyond, nanoseconds wrap around
_ISO = r"\d{4}-\d{2}-\d{2}"


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

    def __reduce__(self) -> tuple[Any, ...]:
        """Columns of one value travel as one value."""
        columns = [getattr(self, f.name) for f in fields(self)]
        return _unpacked, tuple(
            (c[:1].copy(), len(c)) if c is not None and c.size and c.strides[0] == 0 else c for c in columns
        )

    def take(self, events: IntArray | BoolArray) -> EventTable:
        """Return the table of some of the events, under the names they have in this one.

        A second event of a security and day bears a number, which only the whole table knows: names that are made of
        ticker and date are kept as they are here.
        """
        n = int(np.count_nonzero(events)) if events.dtype == bool else len(events)
        part: dict[str, Any] = {}
        for name in (f.name for f in fields(self) if f.name != "names"):
            column = getattr(self, name)
            single = column is not None and column.size and column.strides[0] == 0
            part[name] = repeated(column[0], n) if single else None if column is None else column[events]
        return replace(self, **part)


def event_table(events: Events, tickers: Sequence[str] | None) -> EventTable:
    """Bring an event, a list of events, or a frame into one table.

    Parameters
    ----------
    events : Event, sequence of Event, Catalog, or DataFrame
        A frame has columns ticker and date, and optionally event_id, group, timing and on_closed (upper or lower case);
        other columns are left alone. Rows that differ only in group are one event of several groups.
    tickers : sequence of str, optional
        Securities on which market-wide events are studied. An event that names its own keeps them.

    Raises
    ------
    InputError
        If there is no event, a date is no date (or a number, or a naive time of day), an id occurs twice, or a
        market-wide event comes without `tickers`.
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
                [_utc(s) if t else np.datetime64("NaT") for s, t in zip(stamps, timed, strict=True)],
                "datetime64[us]",
            ),
            _objects([e.timing for *_, e in rows]),
            _objects([e.on_closed or "" for *_, e in rows]),
            repeated("", len(rows)),
            _objects([r[2] for r in rows]),
            _objects([r[0] for r in rows]),
        )
    )


def _from_frame(frame: pd.DataFrame, tickers: Sequence[str] | None) -> EventTable:
    frame = _named(frame)
    if "date" not in frame.columns:
        raise UnknownNameError("events", ["date"], [str(c) for c in frame.columns], "events need a column 'date'")
    if frame.empty:
        raise InputError("events", "the frame has no rows", "give at least one event")
    if "ticker" not in frame.columns:
        if not tickers:
            raise InputError("events", "has no column 'ticker'", "add one, or pass tickers=")
        frame = _crossed(frame, tickers)
    n = len(frame)
    security, names = _securities(frame["ticker"])
    given, utc = _dates(frame["date"])
    event: StrArray | None = _column(frame, "event_id", n)
    event_id = _column(frame, "_row_id", n) if "_row_id" in frame.columns else None
    if event is not None and event.any():
        _refuse_blank("event_id", event)
    else:
        event = None
    timing = _column(frame, "timing", n, TIMINGS)
    on_closed = _column(frame, "on_closed", n, ("", *ON_CLOSED))
    timed = ~np.isnat(utc) if utc.strides[0] else np.zeros(n, dtype=bool)
    for name, values in (("timing", timing), ("on_closed", on_closed)):
        both = timed & (values != "") if timed.any() else timed
        if both.any():
            raise InputError("events", f"row {int(np.argmax(both))} has a timestamp and {name}", "give one of the two")
    group = _column(frame, "group", n)
    return _checked(_merged(EventTable(names, security, given, utc, timing, on_closed, group, event, event_id)))


def _merged(table: EventTable) -> EventTable:
    """Merge rows that differ only in group into one event, at the place of the first, with the groups in their order.

    A row that repeats another with its group stays an event of its own.
    """
    if not table.group.strides[0]:
        return table
    pair = pd.Series((table.security.astype(np.int64) << 32) + table.given.astype(np.int64))
    if not pair.duplicated().any():
        return table
    at = np.flatnonzero(pair.duplicated(keep=False))
    same = ("security", "given", "utc", "timing", "on_closed", "own_event")
    rows = pd.DataFrame({f: getattr(table, f)[at] for f in same if getattr(table, f) is not None})
    again = rows.assign(group=table.group[at]).groupby([*rows, "group"], dropna=False).cumcount()
    event = rows.assign(again=again).groupby([*rows, "again"], sort=False, dropna=False).ngroup().to_numpy()
    first = at[np.unique(event, return_index=True)[1]]
    joined = pd.Series(table.group[at] + _JOINED, dtype=object).groupby(event).sum()
    plain = {text: _JOINED.join(dict.fromkeys(filter(None, text.split(_JOINED)))) for text in joined.unique()}
    group, kept = table.group.copy(), np.ones(len(table), dtype=bool)
    kept[at], kept[first] = False, True
    group[first] = joined.map(plain).to_numpy(dtype=object)
    return replace(table, group=group).take(kept)


def _securities(column: pd.Series[Any]) -> tuple[IntArray, StrArray]:
    """Return which security each row is of, and their names."""
    code, known = pd.factorize(column)
    names = _objects([str(name) for name in known])
    blank = np.flatnonzero(names == "")
    bad = (code < 0) | np.isin(code, blank) if len(blank) else code < 0
    if bad.any():
        raise InputError("events", f"row {int(np.argmax(bad))} has no ticker", "fill it or drop the row")
    return (code.astype(np.int32) if len(code) > _MANY else code), names


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Fold the column names this library reads to lower case, and refuse what is nearly one of them."""
    folded = {c: str(c).strip().casefold() for c in frame.columns}
    ours = [name for name in (str(c).strip().casefold() for c in frame.columns) if name in _COLUMNS]
    if len(set(ours)) < len(ours):
        twice = next(name for name in ours if ours.count(name) > 1)
        raise InputError("events", f"has the column {twice!r} twice", "keep one of them")
    known = {c: name for c, name in folded.items() if name in _COLUMNS}
    for column, name in folded.items():
        near = difflib.get_close_matches(name, [c for c in _COLUMNS if c not in known.values()], n=1, cutoff=0.75)
        near = ["ticker"] if name == "symbol" and "ticker" not in known.values() else near
        if column not in known and near:
            raise InputError(
                "events", f"column {column!r} is not read", f"name it {near[0]!r} if it is meant, or drop it"
            )
    return frame.rename(columns=known)


def _crossed(frame: pd.DataFrame, tickers: Sequence[str]) -> pd.DataFrame:
    frame = frame.reset_index(drop=True)
    if "event_id" not in frame.columns:
        frame = frame.assign(event_id=frame["date"].astype(str))
    crossed = frame.loc[frame.index.repeat(len(tickers))].reset_index(drop=True)
    crossed["ticker"] = list(tickers) * len(frame)
    crossed["_row_id"] = crossed["event_id"].astype(str) + "/" + crossed["ticker"]
    return crossed


def _column(frame: pd.DataFrame, name: str, n: int, allowed: tuple[str, ...] = ()) -> StrArray:
    if name not in frame.columns:
        return repeated("", n)
    values = frame[name].to_numpy(dtype=object, copy=True)
    if pd.api.types.infer_dtype(values, skipna=False) != "string":
        values = frame[name].astype(object).where(frame[name].notna(), "").astype(str).to_numpy(dtype=object)
    if allowed:
        for value in pd.unique(values):
            check_choice(f"events, column {name!r}", value, allowed)
    return values


def _dates(column: pd.Series) -> tuple[DateArray, DateArray]:
    """Return (date given, UTC timestamp or NaT) for a column of dates, timestamps or ISO text."""
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    no_time = repeated(np.datetime64("NaT", "us"), len(column))
    dated = pd.api.types.is_datetime64_any_dtype(column)
    blank = (column.isna() if dated else column.isna() | (column.astype(object) == "")).to_numpy()
    if blank.any():
        raise InputError("events", f"row {int(np.argmax(blank))} has no date", "fill it or drop the row")
    if pd.api.types.is_numeric_dtype(column):
        raise InputError(
            "events",
            f"dates are numbers (the first is {column.iloc[0]})",
            "write them as YYYY-MM-DD, or parse them first",
        )
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        return column.dt.tz_localize(None).to_numpy().astype("datetime64[D]"), utc
    if pd.api.types.is_datetime64_any_dtype(column):
        return _naive_days(column.to_numpy()), no_time
    text = column.astype(str)
    if text.str.fullmatch(_ISO).all():
        try:
            return text.to_numpy(dtype="U10").astype("datetime64[D]"), no_time
        except ValueError as error:
            raise InputError("events", f"a date that is none: {error}", "write YYYY-MM-DD") from error
    parsed = [_parsed(value) for value in column]
    no_time = no_time.copy()
    given = np.array([np.datetime64(p.date()) for p in parsed], dtype="datetime64[D]")
    for row, stamp in enumerate(parsed):
        if stamp.tzinfo is not None:
            no_time[row] = _utc(stamp)
        elif stamp != stamp.normalize():
            raise _naive_time(stamp)
    return given, no_time


def _parsed(value: Any) -> pd.Timestamp:
    try:
        if isinstance(value, str) and not re.fullmatch(_ISO + r"([T ].*)?", value.strip()):
            raise ValueError("no ISO date")
        stamp = pd.to_datetime(value, format="ISO8601") if isinstance(value, str) else pd.Timestamp(value)
        if pd.isna(stamp) or not _YEARS[0] <= stamp.year <= _YEARS[1]:
            raise ValueError("not a time")
        return stamp
    except (ValueError, TypeError) as error:
        raise InputError("events", f"{value!r} is no date", "write YYYY-MM-DD, or a timestamp with its zone") from error


def _refuse_blank(name: str, values: StrArray) -> None:
    if (values == "").any():
        raise InputError("events", f"row {int(np.argmax(values == ''))} has no {name}", "fill it or drop the row")


def _naive_days(values: DateArray) -> DateArray:
    days = values.astype("datetime64[D]")
    timed = values != days
    if timed.any():
        raise _naive_time(pd.Timestamp(values[timed][0]))
    return days


def _naive_time(stamp: pd.Timestamp) -> InputError:
    return InputError(
        "events",
        f"timestamp {stamp} has no time zone",
        "give the zone (2025-01-29T14:00:00-05:00), or the date alone with a column timing",
    )


def _utc(stamp: pd.Timestamp) -> np.datetime64:
    return stamp.tz_convert("UTC").tz_localize(None).as_unit("us").to_datetime64()


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
    return EventTable(*(repeated(c[0][0], c[1]) if isinstance(c, tuple) else c for c in columns))


def repeated(value: Any, n: int) -> np.ndarray[Any, Any]:
    """Return one value seen `n` times: a read-only view, whatever `n`."""
    one = np.asarray(value, dtype=object) if isinstance(value, str) else np.asarray(value)
    return np.broadcast_to(one, (n,))


def _objects(values: Sequence[str]) -> StrArray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
