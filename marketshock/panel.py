"""Where events and prices meet, once. Above this floor there are only arrays of shape (event, day)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ._typing import BoolArray, DateArray, Duplicates, FloatArray, IntArray, OnClosed, StrArray
from .catalog.table import EventTable
from .errors import NotSessionError, did_you_mean
from .models.base import ReturnModel
from .models.benchmark import BenchmarkColumn
from .returns import Returns
from .sessions import DROPPED, OUTSIDE, Sessions, map_dates, map_timestamps
from .windows import Window


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An event that is not studied, and why.

    Attributes
    ----------
    event_id, ticker : str
        Which.
    date : datetime64[D]
        The date given.
    code : str
        One word for machines: unknown_ticker, closed, outside_prices, duplicate, benchmark_missing, too_few_obs,
        no_event_returns or not_estimable.
    reason : str
        A sentence that says what to do.
    """

    event_id: str
    ticker: str
    date: np.datetime64
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """What was done with each event's date.

    Attributes
    ----------
    event_id, ticker : ndarray of shape (E,), object
        Which.
    given : ndarray of shape (E,), datetime64[D]
        The date given.
    utc : ndarray of shape (E,), datetime64[ns]
        The time given, in UTC; NaT for a date without one.
    session : ndarray of shape (E,), datetime64[D]
        The session that is day 0; NaT if there is none.
    moved : ndarray of shape (E,), int
        Calendar days from one to the other; 0 where there is no session.
    rule : ndarray of shape (E,), object
        Why, in words.
    """

    event_id: StrArray
    ticker: StrArray
    given: DateArray
    utc: DateArray
    session: DateArray
    moved: IntArray
    rule: StrArray


@dataclass(frozen=True, slots=True)
class WindowData:
    """One window of every event.

    Attributes
    ----------
    y : ndarray of shape (E, n)
        Return less the model's offset; NaN where the mask is False.
    x : ndarray of shape (E, n, K)
        The model's regressors, the constant first.
    offset : ndarray of shape (E, n)
        What was subtracted from the return (0 without an offset).
    mask : ndarray of shape (E, n)
        Days with a return and with all regressors.
    rows : ndarray of shape (E, n), int
        Session ordinals: equal ordinals are the same date.
    """

    y: FloatArray
    x: FloatArray
    offset: FloatArray
    mask: BoolArray
    rows: IntArray


@dataclass(frozen=True, eq=False, repr=False)
class EventPanel:
    """E studied events as positions in a matrix of returns.

    The windows are gathered from the matrix when they are read, so that a block of events can be taken, worked on and
    forgotten.

    Attributes
    ----------
    event_id, ticker, event, group : ndarray of shape (E,), object
        Names; ``event_id`` is the only key.
    row : ndarray of shape (E,), int
        Session ordinal of day 0.
    column : ndarray of shape (E,), int
        Security, as a column of `returns`.
    returns : Returns
        Of all securities and factors.
    design : ndarray of shape (T, K)
        The model's regressors on every session, the constant first.
    offset : ndarray of shape (T,)
        Subtracted from every return (0 without an offset).
    own_weights : tuple of (ndarray or None)
        For the offset and each column of `design`: the securities' weights in it, (S,) or (T, S), where the security is
        to be taken out of its own benchmark.
    n_params : int
        How many of the regressors the event days need.
    estimation, window : Window
        Trading days relative to day 0.
    """

    event_id: StrArray
    ticker: StrArray
    event: StrArray
    group: StrArray
    row: IntArray
    column: IntArray
    returns: Returns
    design: FloatArray
    offset: FloatArray
    own_weights: tuple[FloatArray | None, ...]
    n_params: int
    estimation: Window
    window: Window

    def __len__(self) -> int:
        return len(self.event_id)

    def __repr__(self) -> str:
        return f"EventPanel: {len(self)} events, estimation {self.estimation}, window {self.window}"

    @property
    def session(self) -> DateArray:
        """Day 0 of each event, (E,), datetime64[D]."""
        return self.returns.days[self.row]

    @cached_property
    def estimation_data(self) -> WindowData:
        """The estimation window, (E, M)."""
        return self._gather(self.estimation, self.design.shape[1])

    @cached_property
    def event_data(self) -> WindowData:
        """The event window, (E, L)."""
        return self._gather(self.window, self.n_params)

    @property
    def ahead(self) -> IntArray:
        """Sessions from the last estimation day to each event day, (L,)."""
        return self.window.offsets() - self.estimation.last

    def take(self, events: IntArray | BoolArray) -> EventPanel:
        """Return the panel of some of the events."""
        names = ("event_id", "ticker", "event", "group", "row", "column")
        return replace(self, **{name: getattr(self, name)[events] for name in names})

    def _gather(self, window: Window, n_regressors: int) -> WindowData:
        rows = self.row[:, None] + window.offsets()
        inside = (rows >= 0) & (rows < len(self.returns.days))
        at = np.clip(rows, 0, len(self.returns.days) - 1)
        raw = self.returns.values[at, self.column[:, None]]
        offset = self._without_own(self.offset[at], raw, at, 0)
        x = self.design[at][:, :, :n_regressors]
        for k in range(n_regressors):
            x[:, :, k] = self._without_own(x[:, :, k], raw, at, k + 1)
        y = raw - offset
        mask = inside & np.isfinite(y) & np.isfinite(x).all(axis=2)
        return WindowData(np.where(mask, y, np.nan), x, offset, mask, rows)

    def _without_own(self, benchmark: FloatArray, raw: FloatArray, at: IntArray, which: int) -> FloatArray:
        """Take each event's own security out of a benchmark of which it is a part."""
        weights = self.own_weights[which]
        if weights is None:
            return benchmark
        w = weights[self.column][:, None] if weights.ndim == 1 else weights[at, self.column[:, None]]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(w > 0, (benchmark - w * raw) / (1 - w), benchmark)


@dataclass(frozen=True, slots=True)
class PanelBuild:
    """A panel, what was done with the dates, and what was left out."""

    panel: EventPanel
    alignment: Alignment
    exclusions: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an event needs to be studied.

    Attributes
    ----------
    min_obs : int
        Returns in the estimation window.
    min_event_obs : int
        Returns in the event window.
    on_closed : {"raise", "next", "previous", "drop"}
        What to do with a date on which the market was closed, where the event itself does not say.
    duplicates : {"exclude", "keep"}
        Whether a second event of the same security and session is left out: it would count one return twice.
    """

    min_obs: int
    min_event_obs: int
    on_closed: OnClosed
    duplicates: Duplicates


def build_panel(
    table: EventTable,
    returns: Returns,
    model: ReturnModel,
    estimation: Window,
    window: Window,
    need: Requirements,
) -> PanelBuild:
    """Bring events and returns together.

    Raises
    ------
    UnknownNameError
        If a benchmark or factor of the model is no column.
    NotSessionError
        If a date is no session and nothing says what to do with it.
    """
    design, offset, own_weights = _design(returns, model)
    alignment = align(table, returns.sessions, need.on_closed)
    left = _Exclusions(table)
    row, column = _locate(table, returns, alignment, left)
    if need.duplicates == "exclude":
        _exclude_duplicates(table, row, column, left)
    keep = left.kept()
    panel = EventPanel(
        table.event_id[keep],
        table.ticker[keep],
        table.event[keep],
        table.group[keep],
        row[keep],
        column[keep],
        returns,
        design,
        offset,
        own_weights,
        len(model.param_names),
        estimation,
        window,
    )
    usable = _check_windows(panel, np.flatnonzero(keep), model, need, left)
    return PanelBuild(panel if usable.all() else panel.take(usable), alignment, left.in_order())


class _Exclusions:
    """Collects reasons by position in the table, the first reason of an event winning."""

    def __init__(self, table: EventTable) -> None:
        self.table = table
        self.by_position: dict[int, Exclusion] = {}

    def add(self, position: int | np.integer[Any], code: str, reason: str) -> None:
        t, i = self.table, int(position)
        new = Exclusion(str(t.event_id[i]), str(t.ticker[i]), t.given[i], code, reason)
        self.by_position.setdefault(i, new)

    def kept(self) -> BoolArray:
        keep = np.ones(len(self.table), dtype=bool)
        keep[list(self.by_position)] = False
        return keep

    def in_order(self) -> tuple[Exclusion, ...]:
        return tuple(self.by_position[i] for i in sorted(self.by_position))


def _design(returns: Returns, model: ReturnModel) -> tuple[FloatArray, FloatArray, tuple[FloatArray | None, ...]]:
    """Return the regressors (T, K), the offset (T,), and whose own securities are to be taken out of them."""
    columns = [term.resolve(returns.names, returns.values) for term in model.terms]
    n_days = len(returns.days)
    design = np.column_stack([np.ones((n_days, int(model.intercept))), *(c.values for c in columns)])
    none = BenchmarkColumn(np.zeros(n_days))
    offset = model.offset.resolve(returns.names, returns.values) if model.offset else none
    constant = [None] * int(model.intercept)
    return design, offset.values, (offset.own_weight, *constant, *(c.own_weight for c in columns))


def align(table: EventTable, sessions: Sessions, on_closed: OnClosed) -> Alignment:
    """Map each event to its session.

    Raises
    ------
    NotSessionError
        If a date is no session and neither the event nor `on_closed` says what to do with it.
    """
    session = np.empty(len(table), dtype="datetime64[D]")
    rule = np.empty(len(table), dtype=object)
    timed = ~np.isnat(table.utc)
    if timed.any():
        mapped = map_timestamps(sessions, table.utc[timed])
        session[timed], rule[timed] = mapped.day, mapped.rule
    if not timed.all():
        dated = ~timed
        choice = table.on_closed[dated].copy()
        choice[choice == ""] = on_closed
        try:
            mapped = map_dates(sessions, table.given[dated], table.timing[dated] == "after_close", choice)
        except NotSessionError as error:
            first = str(error.problem).split(",")[0]
            at = np.flatnonzero(dated & (table.given == np.datetime64(first)))[0]
            raise NotSessionError(f"event {table.event_id[at]!r}", error.problem, error.remedy) from None
        session[dated], rule[dated] = mapped.day, mapped.rule
    moved = np.where(np.isnat(session), table.given, session) - table.given
    return Alignment(table.event_id, table.ticker, table.given, table.utc, session, moved.astype(np.int64), rule)


def _locate(table: EventTable, returns: Returns, alignment: Alignment, left: _Exclusions) -> tuple[IntArray, IntArray]:
    column = pd.Index(returns.names).get_indexer(pd.Index(table.ticker.astype(str)))
    near: dict[str, str | None] = {}
    for i in np.flatnonzero(column < 0):
        name = str(table.ticker[i])
        if name not in near:
            near[name] = did_you_mean(name, returns.names)
        hint = f"did you mean {near[name]!r}?" if near[name] else "add it to the prices"
        left.add(i, "unknown_ticker", f"no prices of {table.ticker[i]!r}: {hint}")
    first, last = returns.days[0], returns.days[-1]
    session = alignment.session
    for i in np.flatnonzero(alignment.rule == DROPPED):
        left.add(i, "closed", f"the market was closed on {table.given[i]} and on_closed is 'drop'")
    outside = (alignment.rule == OUTSIDE) | (session < first) | (session > last)
    for i in np.flatnonzero(outside):
        day = table.given[i] if np.isnat(session[i]) else session[i]
        left.add(i, "outside_prices", f"{day} lies outside the prices ({first} to {last}): give a longer history")
    row = np.searchsorted(returns.days, np.where(np.isnat(session), first, session))
    return row, column


def _exclude_duplicates(table: EventTable, row: IntArray, column: IntArray, left: _Exclusions) -> None:
    keep = left.kept()
    key = pd.Series(row[keep].astype(np.int64) * (int(column.max()) + 2) + column[keep])
    positions = np.flatnonzero(keep)
    first_of = positions[key.groupby(key).transform(lambda g: g.index[0]).to_numpy()] if key.duplicated().any() else []
    for position, first in zip(positions if len(first_of) else [], first_of, strict=True):
        if position != first:
            left.add(
                position,
                "duplicate",
                f"{table.ticker[position]} on the same session is already event {table.event_id[first]!r}: counted "
                "once; pass duplicates='keep' to keep both",
            )


def _check_windows(
    panel: EventPanel, positions: IntArray, model: ReturnModel, need: Requirements, left: _Exclusions
) -> BoolArray:
    usable = np.ones(len(panel), dtype=bool)
    if not len(panel):
        return usable
    for window, data in ((panel.estimation, panel.estimation_data), (panel.window, panel.event_data)):
        unexplained = _benchmark_gaps(panel, data)
        for i in np.flatnonzero(unexplained.any(axis=1)):
            usable[i] = False
            day = panel.returns.days[data.rows[i][unexplained[i]][0]]
            names = ", ".join(map(str, [*model.terms, *([model.offset] if model.offset else [])]))
            left.add(
                positions[i],
                "benchmark_missing",
                f"{panel.ticker[i]} has a return on {int(unexplained[i].sum())} day(s) of {window} on which the "
                f"benchmark ({names}) has none, the first {day}: complete it, or shorten the window",
            )
    n_obs, n_event = panel.estimation_data.mask.sum(axis=1), panel.event_data.mask.sum(axis=1)
    for i in np.flatnonzero(n_obs < need.min_obs):
        usable[i] = False
        left.add(
            positions[i],
            "too_few_obs",
            f"{int(n_obs[i])} returns in the estimation window {panel.estimation}, min_obs is {need.min_obs}: give a "
            "longer history, or lower min_obs",
        )
    for i in np.flatnonzero(n_event < need.min_event_obs):
        usable[i] = False
        left.add(
            positions[i],
            "no_event_returns",
            f"{int(n_event[i])} returns in the event window {panel.window}, min_event_obs is {need.min_event_obs}: "
            "give the missing prices",
        )
    return usable


def _benchmark_gaps(panel: EventPanel, data: WindowData) -> BoolArray:
    """Days on which the security has a return and the columns that its normal return needs have not.

    Leads and lags are not asked for: beside a gap or at an end of the data that day merely drops out of the estimation.
    """
    at = np.clip(data.rows, 0, len(panel.returns.days) - 1)
    has_return = np.isfinite(panel.returns.values[at, panel.column[:, None]]) & (at == data.rows)
    explained = np.isfinite(data.offset) & np.isfinite(data.x[:, :, : panel.n_params]).all(axis=2)
    return np.asarray(has_return & ~explained)


def exclude_unestimable(build: PanelBuild, table_order: Sequence[str], problem: StrArray) -> PanelBuild:
    """Move the events whose model could not be estimated from the panel to the exclusions."""
    bad = problem != ""
    if not bad.any():
        return build
    panel = build.panel
    place = {event_id: i for i, event_id in enumerate(table_order)}
    given = build.alignment.given
    new = [
        Exclusion(str(id_), str(panel.ticker[i]), given[place[id_]], "not_estimable", str(problem[i]))
        for i, id_ in enumerate(panel.event_id)
        if bad[i]
    ]
    exclusions = sorted((*build.exclusions, *new), key=lambda e: place[e.event_id])
    return PanelBuild(panel.take(~bad), build.alignment, tuple(exclusions))
