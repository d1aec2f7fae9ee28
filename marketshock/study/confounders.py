"""Confounding events in the windows of a study: releases, and other events of the same firm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._frame import ReadableFrame, Table
from .._native import as_pandas
from .._typing import BoolArray, DateArray, IntArray, StrArray
from ..catalog.classes import SHARE_CLASSES
from ..catalog.columns import with_index
from ..catalog.load import release_calendar
from ..catalog.model import Catalog, Event
from ..catalog.table import Events, EventTable, event_table
from ..errors import InputError
from ..panel.alignment import align
from ..panel.event_panel import EventPanel
from ..panel.joined import AnyPanel
from ..sessions import Sessions, map_timestamps, nyse

_EVERY_FIRM = "*"  # no ticker: the whole market's
_COLUMNS = ("confounder", "title", "kind", "session", "day", "in_window")


@dataclass(frozen=True, slots=True)
class _Entries:
    """A calendar on a study's sessions, (C,) each: `place` is a session ordinal, `firm` may be `_EVERY_FIRM`."""

    name: StrArray
    title: StrArray
    kind: StrArray
    firm: StrArray
    place: IntArray


def confounders(panel: AnyPanel, calendar: Events | None, estimation_days: int | None) -> pd.DataFrame:
    """Return what else happened in the windows of a panel's events; see `StudyResult.confounders`."""
    if estimation_days is not None and estimation_days < 0:
        raise InputError("estimation_days", f"got {estimation_days}", "give 0 or more, or None for the whole window")
    parts = [_of_market(part, panel, calendar, estimation_days) for part in panel.parts]
    found = pd.concat(parts).sort_values(["event", "day"], kind="stable")  # releases first in a day, in their order
    event = found.pop("event").to_numpy()
    known = {"ticker": panel.ticker[event], "date": panel.session[event].astype("datetime64[ns]")}
    index = pd.Index(panel.event_id[event], name="event_id")
    frame = pd.DataFrame({**known, **{name: found[name].to_numpy() for name in _COLUMNS}}, index=index)
    return ReadableFrame.of(frame, _printed)


def _of_market(part: EventPanel, panel: AnyPanel, calendar: Events | None, last_days: int | None) -> pd.DataFrame:
    """Return the confounders of the events of one market, counted on its sessions; "event" is a place in the study."""
    sessions, firm = part.returns.sessions, firms(panel.ticker)
    mine = np.searchsorted(panel.position, part.position)
    at = np.searchsorted(sessions.days, panel.session)
    entries = _entries(calendar, sessions)
    releases = _releases(part, entries, firm[mine], at[mine], last_days)
    releases["event"] = mine[releases["event"].to_numpy(dtype=np.int64)]
    return pd.concat([releases, _others(part, panel, mine, firm, at, last_days)])


def firms(tickers: StrArray) -> StrArray:
    """Return the ticker that stands for each ticker's firm."""
    out = np.empty(len(tickers), dtype=object)
    out[:] = [SHARE_CLASSES.get(str(ticker), str(ticker)) for ticker in tickers]
    return out


def _releases(
    panel: EventPanel, entries: _Entries, firm: StrArray, at: IntArray, last_days: int | None
) -> pd.DataFrame:
    """Return the calendar's entries in the windows of each event, without those that the study holds as its events."""
    reach = (_earliest(panel, last_days), panel.window.last)
    everybody = np.full(len(firm), _EVERY_FIRM, dtype=object)
    pairs = [_within(owner, at, entries.firm, entries.place, reach) for owner in (firm, everybody)]
    event, entry = np.concatenate(pairs, axis=1)
    studied = pd.MultiIndex.from_arrays([firm, panel.event.astype(str)])
    kept = ~pd.MultiIndex.from_arrays([firm[event], entries.name[entry].astype(str)]).isin(studied)
    order = np.lexsort((entry[kept], event[kept]))
    event, entry = event[kept][order], entry[kept][order]
    day = entries.place[entry] - at[event]
    return pd.DataFrame(
        {
            "event": event,
            "confounder": entries.name[entry],
            "title": entries.title[entry],
            "kind": entries.kind[entry],
            "session": panel.returns.sessions.days[entries.place[entry]].astype("datetime64[ns]"),
            "day": day,
            "in_window": _where(day, panel, last_days),
        }
    )


def _others(
    part: EventPanel, panel: AnyPanel, mine: IntArray, firm: StrArray, at: IntArray, last_days: int | None
) -> pd.DataFrame:
    """Return the study's other events of each event's firm whose windows overlap, or that fall into its windows."""
    apart = len(part.window) - 1
    reach = (min(_earliest(part, last_days), -apart), max(part.window.last, apart))
    event, other = _within(firm[mine], at[mine], firm, at, reach)
    event = mine[event]
    day = at[other] - at[event]
    where = _where(day, part, last_days)
    where[np.abs(day) <= apart] = "event"
    kept = (event != other) & (where != "")
    event, other = event[kept], other[kept]
    return pd.DataFrame(
        {
            "event": event,
            "confounder": panel.event_id[other],
            "title": "another event of this study",
            "kind": "study",
            "session": panel.session[other].astype("datetime64[ns]"),
            "day": day[kept],
            "in_window": where[kept],
        }
    )


def _within(
    firm: StrArray, at: IntArray, other_firm: StrArray, other_at: IntArray, reach: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Return all pairs of one firm whose sessions lie at most so far apart: places among (E,) and among (C,)."""
    code, _ = pd.factorize(np.concatenate([firm, other_firm]))
    far = int(max(at.max(initial=0), other_at.max(initial=0)) + max(map(abs, reach)) + 1)
    ours, theirs = code[: len(firm)] * 3 * far + at + far, code[len(firm) :] * 3 * far + other_at + far
    order = np.argsort(theirs, kind="stable")
    first = np.searchsorted(theirs[order], ours + reach[0], side="left")
    count = np.searchsorted(theirs[order], ours + reach[1], side="right") - first
    event = np.repeat(np.arange(len(firm)), count)
    place = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return event, order[place]


def _earliest(panel: EventPanel, last_days: int | None) -> int:
    """Return the first day of the estimation window to look through."""
    estimation = panel.estimation
    return estimation.first if last_days is None else max(estimation.first, estimation.last + 1 - last_days)


def _where(day: IntArray, panel: EventPanel, last_days: int | None) -> StrArray:
    """Return in which window each day lies: "event", "gap", "estimation", or "" for none."""
    estimation, window = panel.estimation, panel.window
    first = _earliest(panel, last_days)
    out = np.full(len(day), "", dtype=object)
    out[(day >= first) & (day <= estimation.last)] = "estimation"
    out[(day > estimation.last) & (day < window.first)] = "gap"
    out[(day >= window.first) & (day <= window.last)] = "event"
    return out


def _entries(calendar: Events | None, sessions: Sessions) -> _Entries:
    try:
        table, title, kind = _read(release_calendar() if calendar is None else calendar)
    except InputError as error:
        raise InputError("calendar", error.problem, error.remedy) from error
    session = _sessions_of(table, sessions)
    known = ~np.isnat(session)  # a date outside the trading calendar lies in nobody's window
    at = np.searchsorted(sessions.days, session[known])
    return _Entries(table.event[known], title[known], kind[known], firms(table.ticker[known]), at)


def _read(calendar: Any) -> tuple[EventTable, StrArray, StrArray]:
    """Return a calendar as a table of events, `_EVERY_FIRM` for the whole market, with titles and kinds."""
    calendar = as_pandas("calendar", calendar)
    if isinstance(calendar, pd.DataFrame):
        frame = with_index(calendar).reset_index(drop=True)
        frame = frame.loc[:, [str(c).strip().casefold() != "group" for c in frame.columns]]  # each row is an entry
        named = {str(c).strip().casefold(): c for c in frame.columns}
        if "ticker" in named:
            ticker = frame[named["ticker"]]
            blank = ticker.isna() | (ticker.astype(str).str.strip() == "")
            frame = frame.assign(**{str(named["ticker"]): ticker.astype(object).where(~blank, _EVERY_FIRM)})
        table = event_table(frame, (_EVERY_FIRM,))
        return table, _texts(frame, named.get("title")), _texts(frame, named.get("kind"))
    if isinstance(calendar, Catalog):
        calendar = list(calendar.values())
    if isinstance(calendar, (list, tuple)):
        calendar = _once(calendar)
    table = event_table(calendar, (_EVERY_FIRM,))
    by_id = {event.id: event for event in ([calendar] if isinstance(calendar, Event) else calendar)}
    texts = pd.DataFrame([(by_id[name].title, by_id[name].kind) for name in table.event], columns=["title", "kind"])
    return table, _texts(texts, "title"), _texts(texts, "kind")


def _once(events: Sequence[Event]) -> list[Event]:
    """Return the events of a list without those that two joined calendars share."""
    kept: dict[str, Event] = {}
    for event in events:
        first = kept.setdefault(getattr(event, "id", ""), event)
        if first is not event and getattr(first, "when", None) != getattr(event, "when", None):
            raise InputError("calendar", f"id {event.id!r} stands for {first.when} and {event.when}", "rename one")
    return list(kept.values())


def _texts(frame: pd.DataFrame, column: Any) -> StrArray:
    out = np.full(len(frame), "", dtype=object)
    if column is not None:
        out[:] = frame[column].astype(object).where(frame[column].notna(), "").astype(str)
    return out


def _sessions_of(table: EventTable, sessions: Sessions) -> DateArray:
    """Map a calendar to sessions; what falls on a closed day reaches the market on the next, unless it says otherwise.

    Where the sessions are the dates of the prices there are no closing times: a timestamp then takes the NYSE's, and
    the first date on or after that session.
    """
    timed: BoolArray = ~np.isnat(table.utc)
    if sessions.closes is None and timed.any():
        given, on_closed, utc = table.given.copy(), table.on_closed.copy(), table.utc.copy()
        given[timed] = map_timestamps(nyse(), utc[timed]).day
        on_closed[timed], utc[timed] = "next", np.datetime64("NaT")
        table = replace(table, given=given, on_closed=on_closed, utc=utc)
    return align(table, sessions, "next").session


def _printed(frame: pd.DataFrame) -> Table:
    head = ["event", "day 0", "confounder", "kind", "session", "day", "window"]
    rows = [
        [
            r["event_id"],
            str(r["date"].date()),
            r["confounder"],
            r["kind"],
            str(r["session"].date()),
            f"{r['day']:+d}",
            r["in_window"],
        ]
        for r in _format.rows(frame)
    ]
    return head, rows, []
