"""What else happened in the windows of a study: releases, and other events of the same firm."""

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
from ..catalog.load import release_calendar
from ..catalog.model import Catalog, Event
from ..catalog.table import Events, EventTable, event_table
from ..errors import InputError
from ..panel.alignment import align
from ..panel.event_panel import EventPanel
from ..sessions import Sessions, map_timestamps, nyse

_EVERY_FIRM = "*"  # no ticker: the whole market's
_COLUMNS = ("event_id", "ticker", "date", "confounder", "title", "kind", "session", "day", "in_window")


@dataclass(frozen=True, slots=True)
class _Entries:
    """A calendar on a study's sessions, (C,) each: `place` is a session ordinal, `firm` may be `_EVERY_FIRM`."""

    name: StrArray
    title: StrArray
    kind: StrArray
    firm: StrArray
    place: IntArray


def confounders(panel: EventPanel, calendar: Events | None, estimation_days: int | None) -> pd.DataFrame:
    """Return what else happened in the windows of a panel's events; see `StudyResult.confounders`."""
    if estimation_days is not None and estimation_days < 0:
        raise InputError("estimation_days", f"got {estimation_days}", "give 0 or more, or None for the whole window")
    sessions = panel.returns.sessions
    entries = _entries(calendar, sessions)
    firm = firms(panel.ticker)
    at = np.searchsorted(sessions.days, panel.session)
    rows: list[dict[str, Any]] = []
    for i in range(len(panel)):
        found = [
            *_releases(i, panel, entries, firm, at, estimation_days),
            *_others(i, panel, firm, at, estimation_days),
        ]
        known = {"event_id": panel.event_id[i], "ticker": panel.ticker[i], "date": panel.session[i]}
        rows += [{**known, **row} for row in sorted(found, key=lambda row: row["day"])]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).set_index("event_id")
    stamps = {name: pd.to_datetime(frame[name]).astype("datetime64[ns]") for name in ("date", "session")}
    return ReadableFrame.of(frame.assign(**stamps, day=frame["day"].astype(np.int64)), _printed)


def firms(tickers: StrArray) -> StrArray:
    """Return the ticker that stands for each ticker's firm."""
    out = np.empty(len(tickers), dtype=object)
    out[:] = [SHARE_CLASSES.get(str(ticker), str(ticker)) for ticker in tickers]
    return out


def _releases(
    i: int, panel: EventPanel, entries: _Entries, firm: StrArray, at: IntArray, last_days: int | None
) -> list[dict[str, Any]]:
    """Return the calendar's entries in the windows of event i, those left out that the study holds as its events."""
    day = entries.place - at[i]
    concerned = (entries.firm == _EVERY_FIRM) | (entries.firm == firm[i])
    studied = np.isin(entries.name.astype(str), panel.event[firm == firm[i]].astype(str))
    where = _where(day, panel, last_days)
    return [
        {
            "confounder": entries.name[c],
            "title": entries.title[c],
            "kind": entries.kind[c],
            "session": panel.returns.sessions.days[entries.place[c]],
            "day": int(day[c]),
            "in_window": where[c],
        }
        for c in np.flatnonzero(concerned & ~studied & (where != ""))
    ]


def _others(i: int, panel: EventPanel, firm: StrArray, at: IntArray, last_days: int | None) -> list[dict[str, Any]]:
    """Return the study's other events of the firm of event i whose windows overlap, or that fall into its windows."""
    same = np.flatnonzero((firm == firm[i]) & (np.arange(len(panel)) != i))
    day = at[same] - at[i]
    where = _where(day, panel, last_days)
    where[np.abs(day) < len(panel.window)] = "event"
    return [
        {
            "confounder": panel.event_id[j],
            "title": "another event of this study",
            "kind": "study",
            "session": panel.session[j],
            "day": int(d),
            "in_window": w,
        }
        for j, d, w in zip(same, day, where, strict=True)
        if w
    ]


def _where(day: IntArray, panel: EventPanel, last_days: int | None) -> StrArray:
    """Return in which window each day lies: "event", "gap", "estimation", or "" for none."""
    estimation, window = panel.estimation, panel.window
    first = estimation.first if last_days is None else max(estimation.first, estimation.last + 1 - last_days)
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
        frame = calendar.reset_index(drop=True)
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
