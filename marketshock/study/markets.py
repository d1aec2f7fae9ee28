"""The markets of a study: which events lie on which clock, and the returns of each market on its own sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .._typing import IntArray
from ..catalog.table import UNSET, EventTable
from ..errors import InputError, UnknownNameError, WindowError
from ..markets import Market, is_calendar, meant_calendar, same_calendar
from ..models.base import clock_of, columns_read, held_against
from ..panel.build import PanelBuild, Requirements, build_panel
from ..panel.clock import Traded, sessions_for
from ..panel.returns import Returns, Sheet, factor_columns
from ..panel.spans import bridged
from ..panel.spec import StudySpec
from ..providers.frames import session_dates
from ..sessions import NEW_YORK, Sessions, index_sessions
from ..windows import Window
from .timestamps import check_zones


@dataclass(frozen=True, slots=True, eq=False)
class MarketPart:
    """Events of one market with the same windows.

    Attributes
    ----------
    events : ndarray of shape (n,), int
        Positions in the event table, increasing.
    spec : StudySpec
        The study's, with the model held against the benchmark of this market, and the windows of these events.
    returns : Returns
        On the sessions of the market.
    market : Market or None
        The market, None where nothing is stated.
    """

    events: IntArray
    spec: StudySpec
    returns: Returns
    market: Market | None = None

    def build(self, table: EventTable, need: Requirements) -> PanelBuild:
        """Align the events with the returns; positions in the build are those among the events of the part."""
        whole = len(self.events) == len(table)
        own = table if whole else table.slim(self.events)
        spec = self.spec
        need = replace(need, min_event_obs=min(need.min_event_obs, len(spec.window)), n_given=len(table))
        return build_panel(own, self.returns, spec.model, spec.estimation, spec.window, need)


def market_parts(
    spec: StudySpec,
    table: EventTable,
    sheet: Sheet,
    factors: pd.DataFrame | None = None,
    markets: Mapping[str, Market] | None = None,
) -> list[MarketPart]:
    """Return the events by market and windows, each with its returns; a single part where all are alike.

    Raises
    ------
    UnknownNameError
        If an event names a market, or a benchmark, that is not there.
    InputError, WindowError
        If a model cannot be held against a benchmark, or windows are none.
    """
    known = dict(markets or {})
    _refuse_unnamed(table, known)
    asked = _asked(spec, table, known, sheet, factors)
    found: list[tuple[_Asked, IntArray, Sessions]] = []
    for one in asked:
        for events, sessions in one.clocks(sheet, table, factors):
            if not one.stated:
                check_zones(table, events, sessions)
            found.append((one, events, sessions))
    parts = []
    for one, events, sessions in _merged(found):
        names = [*columns_read(one.spec.model), *_tickers(table, events)]
        returns = sheet.on(sessions, names, len(events) < len(table), one.deciding(sheet, names))
        returns = bridged(returns, spec.gaps, spec.on_halt == "reopen", names)
        if factors is not None:
            returns = factor_columns(returns, factors)
        parts.append(MarketPart(events, one.spec, returns, one.market))
    return parts


def _refuse_unnamed(table: EventTable, markets: Mapping[str, Market]) -> None:
    """Refuse several markets that no event names."""
    columns = (table.market, table.benchmark, table.calendar)
    if len(markets) > 1 and not any((column != "").any() for column in columns):
        listed = ", ".join(map(repr, sorted(markets)))
        what = f"{len(markets)} are given, and no event says which is its own"
        raise InputError("markets", what, f"add a column 'market' to the events: {listed}")


def _merged(
    found: Sequence[tuple[_Asked, IntArray, Sessions]],
) -> Iterator[tuple[_Asked, IntArray, Sessions]]:
    """Join events that were asked for in different words and have the same sessions, model and windows."""
    left = list(found)
    while left:
        one, events, sessions = left.pop(0)
        same = [k for k, (other, _, days) in enumerate(left) if one.spec == other.spec and _equal(sessions, days)]
        events = np.sort(np.concatenate([events, *(left[k][1] for k in same)])) if same else events
        left = [entry for k, entry in enumerate(left) if k not in same]
        yield one, events, sessions


def _equal(one: Sessions, other: Sessions) -> bool:
    """Return whether two calendars are one, with the same closing times."""
    if one is other:
        return True
    same = one.zone == other.zone and np.array_equal(one.days, other.days)
    if one.closes is None or other.closes is None:
        return same and one.closes is other.closes
    return same and np.array_equal(one.closes, other.closes)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Events that ask for the same market and windows."""

    events: IntArray
    spec: StudySpec
    market: Market | None  # None if nothing is stated
    series: tuple[str, ...]  # whose days are the sessions; () for each security's own

    def clocks(
        self, sheet: Sheet, table: EventTable, factors: pd.DataFrame | None
    ) -> Iterator[tuple[IntArray, Sessions]]:
        """Yield the events with the sessions of their market."""
        known = self.market.table(sheet.days[0], sheet.days[-1]) if self.market else None
        if known is not None:
            yield self.events, known
        elif self.series:
            yield self.events, self._timed(self._of_series(sheet, factors, _tickers(table, self.events)))
        else:
            for events, sessions in _own_clocks(sheet, table, self.events, self.calendar):
                yield events, self._timed(sessions)

    def deciding(self, sheet: Sheet, names: Sequence[str]) -> Sequence[str]:
        """Return the series from whose first price to whose last the returns reach: () for all rows given.

        A benchmark, so that no security is estimated otherwise for those beside it; without one the securities.
        """
        inside = [name for name in self.series if name in sheet.names]
        if inside:
            return inside
        return () if self.calendar == "index" and not self.series else names

    @property
    def stated(self) -> bool:
        """Whether somebody said whose closing times count: by a calendar, sessions, or a zone."""
        if self.calendar != "auto":
            return True
        return self.market is not None and (self.market.sessions is not None or self.market.zone is not None)

    @property
    def calendar(self) -> str:
        """The calendar asked for; another zone than New York's excludes its table."""
        if self.market is None:
            return self.spec.calendar
        stated = self.market.calendar_name
        elsewhere = stated == "auto" and self.market.zone not in (None, NEW_YORK)
        return "index" if elsewhere else self.spec.calendar if stated == "auto" else stated

    def _of_series(self, sheet: Sheet, factors: pd.DataFrame | None, among: Sequence[str]) -> Sessions:
        """Return the sessions by the days of the benchmark, which may be a factor, among the securities studied."""
        warn = self.market is None
        if factors is not None and self.series[0] in map(str, factors.columns):
            days = session_dates("factors", factors.index, factors)[factors.notna().any(axis=1).to_numpy()]
            return sessions_for("factors", Traded(self.series[:1], days, np.ones(len(days), bool)), self.calendar, warn)
        if self.calendar == "index" and len(self.series) > 1:  # a mean of securities, of which some may be missing
            return index_sessions(sheet.any_of(self.series, "the benchmark").days)
        return sheet.sessions(self.series, self.calendar, warn, among)

    def _timed(self, sessions: Sessions) -> Sessions:
        return self.market.timed(sessions) if self.market else sessions


def _asked(
    spec: StudySpec,
    table: EventTable,
    markets: Mapping[str, Market],
    sheet: Sheet,
    factors: pd.DataFrame | None,
) -> Iterator[_Asked]:
    known = {*sheet.names, *(map(str, factors.columns) if factors is not None else ())}
    for events in _alike(table):
        first = int(events[0])
        market, benchmark = _market(
            str(table.market[first]), str(table.benchmark[first]), str(table.calendar[first]), markets
        )
        if benchmark and benchmark not in known:
            raise UnknownNameError("benchmark", [benchmark], sorted(known))
        own = spec
        if benchmark:
            own = replace(own, model=held_against(own.model, benchmark))
        if table.own_windows is not None:
            own = _with_windows(own, table, first)
        yield _Asked(events, own, market, (benchmark,) if benchmark else clock_of(own.model))


def _market(name: str, benchmark: str, calendar: str, markets: Mapping[str, Market]) -> tuple[Market | None, str]:
    """Return the market of an event, None where nothing is stated, and its benchmark, "" for the model's."""
    if name and name not in markets and not is_calendar(name):
        near = meant_calendar(name)
        known = f"known are {', '.join(map(repr, sorted(markets)))}; or " if markets else ""
        remedy = f"{f'did you mean {near!r}? ' if near else ''}{known}use an exchange's code such as XETR, or 24/7"
        remedy += "" if markets else ", or describe it: markets=[ms.Market(...)]"
        raise UnknownNameError("events, column 'market'", [name], sorted(markets), remedy)
    market = markets.get(name) or (Market(name) if name else None)
    stated = market.calendar_name if market is not None else ""
    if is_calendar(stated) and is_calendar(calendar) and not same_calendar(stated, calendar):
        what = f"an event names the market {name!r}, whose calendar is {stated!r}, and the calendar {calendar!r}"
        raise InputError("events, column 'calendar'", what, "leave one of the two empty")
    if market is None and len(markets) == 1:
        market = next(iter(markets.values()))  # the only market of the study is the market of all its events
    elif market is None and (benchmark or calendar):
        by_benchmark = [m for m in markets.values() if benchmark and m.benchmark == benchmark]
        market = by_benchmark[0] if len(by_benchmark) == 1 else Market(benchmark or calendar)
        if not by_benchmark and not calendar:
            market = replace(market, calendar="auto")
    bare = market is not None and market.zone and market.sessions is None and market.calendar_name == "auto"
    if bare and market is not None and not (benchmark or market.benchmark or calendar):
        what = f"{market.name!r} has neither a benchmark nor a calendar"
        raise InputError("markets", what, "give it one of the two, or its sessions")
    if market is not None and calendar:
        market = replace(market, calendar=calendar, sessions=None)
    return market, benchmark or (market.benchmark or "" if market else "")


def _alike(table: EventTable) -> list[IntArray]:
    """Return the positions of events that ask for the same market and windows, in the order of first occurrence."""
    columns = [getattr(table, name) for name in ("market", "benchmark", "calendar")]
    given = {str(k): c for k, c in enumerate(columns) if len(c) and c.strides[0]}
    if table.own_windows is not None:
        given |= {f"w{k}": table.own_windows[:, k] for k in range(4)}
    if not given:
        return [np.arange(len(table))]
    code = pd.DataFrame(given).groupby(list(given), sort=False).ngroup().to_numpy()
    order = np.argsort(code, kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(code[order])) + 1))


def _with_windows(spec: StudySpec, table: EventTable, first: int) -> StudySpec:
    """Return the spec with the windows of an event where it states them."""
    assert table.own_windows is not None
    own = table.own_windows[first]
    if (own == UNSET).all():
        return spec
    whole = (spec.window.first, spec.window.last, spec.estimation.first, spec.estimation.last)
    days = [int(mine) if mine != UNSET else usual for mine, usual in zip(own, whole, strict=True)]
    try:
        window = Window.of("window_first, window_last", tuple(days[:2]))
        estimation = Window.of("estimation_first, estimation_last", tuple(days[2:]))
        least = min(spec.min_obs, len(estimation)), min(spec.min_event_obs, len(window))
        return replace(spec, window=window, estimation=estimation, min_obs=least[0], min_event_obs=least[1])
    except WindowError as error:
        raise WindowError(f"event {table.id_of(first)!r}, {error.parameter}", error.problem, error.remedy) from None


def _own_clocks(sheet: Sheet, table: EventTable, events: IntArray, calendar: str) -> list[tuple[IntArray, Sessions]]:
    """Return the events by the sessions of their own securities: no benchmark says which days these are."""
    if calendar != "auto":
        return [(events, sheet.sessions((), calendar))]
    code, which = np.unique(table.security[events], return_inverse=True)
    place = {str(table.names[c]): at for at, c in enumerate(code)}
    clocks = sheet.own_clocks(list(place))
    if len(clocks) == 1:
        return [(events, clocks[0][1])]
    return [(events[np.isin(which, [place[name] for name in own])], sessions) for own, sessions in clocks]


def _tickers(table: EventTable, events: IntArray) -> list[str]:
    used = np.unique(table.security[events]) if len(events) < len(table) else np.arange(len(table.names))
    return [str(table.names[c]) for c in used]
