"""Construction of the event panel, with exclusions and their reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._groups import starts_of
from .._typing import BoolArray, Duplicates, FloatArray, IntArray, OnClosed, StrArray
from ..catalog.table import EventTable
from ..models.base import ReturnModel
from ..models.benchmark import BenchmarkColumn
from ..windows import Window, WindowData
from .alignment import Alignment, Exclusions, align, exclude_duplicates, locate
from .event_panel import DesignSums, EventPanel
from .returns import Returns


@dataclass(frozen=True, slots=True)
class PanelBuild:
    """A panel with the alignment of its dates and its exclusions."""

    panel: EventPanel
    alignment: Alignment
    exclusions: Exclusions


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirements for an event to be included."""

    min_obs: int  # minimum number of returns in the estimation window
    min_event_obs: int  # minimum number of returns in the event window
    # {"raise", "next", "previous", "drop"}: treatment of a date on which the market was closed, for events without
    # their own setting
    on_closed: OnClosed
    # {"exclude", "keep"}: treatment of a second event of the same security and session, which would count one return
    # twice
    duplicates: Duplicates
    # Number of events in the whole study if the table is a part of it; 0 for the length of the table
    n_given: int = 0


def build_panel(
    table: EventTable, returns: Returns, model: ReturnModel, estimation: Window, window: Window, need: Requirements
) -> PanelBuild:
    """Align events with returns and exclude events that cannot be studied.

    Raises `UnknownNameError` if a benchmark or factor of the model is not a column; `NotSessionError` if a date is not
    a session and `on_closed` is "raise"; `InputError` if an event has a timestamp and the calendar has no closing
    times.
    """
    design, offset, own_weights = _design(returns, model)
    alignment = align(table, returns.sessions, need.on_closed)
    left = Exclusions(table)
    row, column = locate(table, returns, alignment, left)
    if need.duplicates == "exclude":
        exclude_duplicates(table, row, column, left)
    keep = left.kept()
    panel = EventPanel(
        table,
        np.flatnonzero(keep),
        row[keep],
        column[keep],
        returns,
        design,
        offset,
        own_weights,
        len(model.param_names),
        estimation,
        window,
        DesignSums(design),
        need.n_given or len(table),
    )
    usable = _check_windows(panel, model, need, left)
    return PanelBuild(panel if usable.all() else panel.take(usable), alignment, left)


def _design(returns: Returns, model: ReturnModel) -> tuple[FloatArray, FloatArray, tuple[FloatArray | None, ...]]:
    """Return the regressors (T, K), the offset (T,), and the weights of securities to remove from each of them."""
    columns = [term.resolve(returns) for term in model.terms]
    n_days = len(returns.days)
    design = np.column_stack([np.ones((n_days, int(model.intercept))), *(c.values for c in columns)])
    none = BenchmarkColumn(np.zeros(n_days))
    offset = model.offset.resolve(returns) if model.offset else none
    constant = [None] * int(model.intercept)
    return design, offset.values, (offset.own_weight, *constant, *(c.own_weight for c in columns))


@dataclass(frozen=True, slots=True)
class _Seen:
    """Counts of days with a return and all regressors, (E,), and whether a return lacks a regressor, (E,)."""

    n_obs: IntArray
    n_event: IntArray
    unexplained: BoolArray


def _check_windows(panel: EventPanel, model: ReturnModel, need: Requirements, left: Exclusions) -> BoolArray:
    seen = _seen(panel)
    usable = ~seen.unexplained & (seen.n_obs >= need.min_obs) & (seen.n_event >= need.min_event_obs)
    for i in np.flatnonzero(seen.unexplained):
        left.add(panel.position[i], "benchmark_missing", _unexplained(panel.take(slice(i, i + 1)), model))
    for i in np.flatnonzero(seen.n_obs < need.min_obs):
        left.add(
            panel.position[i],
            "too_few_obs",
            f"{int(seen.n_obs[i])} returns in the estimation window {panel.estimation}, min_obs is {need.min_obs}: "
            "give a longer history, or lower min_obs",
        )
    for i in np.flatnonzero(seen.n_event < need.min_event_obs):
        left.add(
            panel.position[i],
            "no_event_returns",
            f"{int(seen.n_event[i])} returns in the event window {panel.window}, min_event_obs is "
            f"{need.min_event_obs}: give the missing prices",
        )
    return usable


def _seen(panel: EventPanel) -> _Seen:
    """Count the usable days of each event by differences of running counts, one security at a time."""
    offset = np.isfinite(panel.offset)
    for_fit, for_day = (offset & panel.by_date.there(n) for n in (panel.design.shape[1], panel.n_params))
    n_days = len(panel.returns.days)
    (est, evt), row = (panel.estimation, panel.window), panel.row
    n_obs, n_event = (after - first for first, after in (_bounds(w, row, n_days) for w in (est, evt)))
    unexplained = np.zeros(len(panel), dtype=bool)
    explained = bool(for_fit.all())
    gaps = np.flatnonzero(_has_gaps(panel.returns.values)[panel.column]) if explained else np.arange(len(panel))
    order = gaps[np.argsort(panel.column[gaps], kind="stable")]
    for events in np.split(order, starts_of(panel.column[order])[1:]) if len(order) else ():
        has = np.isfinite(panel.returns.values[:, panel.column[events[0]]])
        n_obs[events] = _count(has & for_fit, est, row[events])
        n_event[events] = _count(has & for_day, evt, row[events])
        if not explained:
            lost = has & ~for_day
            unexplained[events] = (_count(lost, est, row[events]) > 0) | (_count(lost, evt, row[events]) > 0)
    return _Seen(n_obs, n_event, unexplained)


def _has_gaps(values: FloatArray) -> BoolArray:
    """Return whether each security has a missing return, (S,)."""
    step = 64  # securities at a time
    parts = [np.isnan(values[:, lo : lo + step]).any(axis=0) for lo in range(0, values.shape[1], step)]
    return np.concatenate([np.zeros(0, dtype=bool), *parts])


def _count(there: BoolArray, window: Window, row: IntArray) -> IntArray:
    """Count the usable days in the window of each event; days outside the data do not count."""
    running = np.concatenate([[0], np.cumsum(there)])
    first, after = _bounds(window, row, len(there))
    return np.asarray(running[after] - running[first])


def _bounds(window: Window, row: IntArray, n_days: int) -> tuple[IntArray, IntArray]:
    """Return the first session of each window and the session after its last, clipped to the data."""
    return np.clip(row + window.first, 0, n_days), np.clip(row + window.last + 1, 0, n_days)


def _unexplained(panel: EventPanel, model: ReturnModel) -> str:
    """Return the message on the days without a benchmark, for a panel of one event."""
    window, data = panel.estimation, panel.estimation_data
    missing = _benchmark_gaps(panel, data)[0]
    if not missing.any():
        window, data = panel.window, panel.event_data
        missing = _benchmark_gaps(panel, data)[0]
    names = ", ".join(map(str, [*model.terms, *([model.offset] if model.offset else [])]))
    return (
        f"{panel.ticker[0]} has a return on {int(missing.sum())} day(s) of {window} on which the benchmark ({names}) "
        f"has none, the first {panel.returns.days[data.rows[0][missing][0]]}: complete it, or shorten the window"
    )


def _benchmark_gaps(panel: EventPanel, data: WindowData) -> BoolArray:
    """Return the days with a return of the security but without a column that its normal return needs.

    Leads and lags are not required: a day next to a gap or at an end of the data only drops out of the estimation.
    """
    at = np.clip(data.rows, 0, len(panel.returns.days) - 1)
    has_return = np.isfinite(panel.returns.values[at, panel.column[:, None]]) & (at == data.rows)
    explained = np.isfinite(data.offset) & np.isfinite(data.x[:, :, : panel.n_params]).all(axis=2)
    return np.asarray(has_return & ~explained)


def exclude_unestimable(build: PanelBuild, problem: StrArray) -> PanelBuild:
    """Move events with an estimation problem from the panel to the exclusions; `problem` is "" for all others, (E,)."""
    bad = problem != ""
    if not bad.any():
        return build
    for position, why in zip(build.panel.position[bad], problem[bad], strict=True):
        build.exclusions.add(position, "not_estimable", str(why))
    return replace(build, panel=build.panel.take(~bad))
