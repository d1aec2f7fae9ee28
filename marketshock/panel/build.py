"""Construction of the event panel, with exclusions and their reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._typing import BoolArray, Duplicates, FloatArray, IntArray, OnClosed, OnHalt, StrArray
from ..catalog.table import EventTable
from ..models.base import ReturnModel
from ..models.benchmark import BenchmarkColumn
from ..windows import Window
from .alignment import Alignment, Exclusions, align, exclude_duplicates, locate
from .event_panel import DesignSums, EventPanel
from .halts import reopened
from .returns import Returns
from .runs import starts_of
from .spans import over_gaps

_STEP = 64  # securities looked at together


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
    on_halt: OnHalt = "keep"  # treatment of an event on whose session the security has no price


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
    shift = reopened(returns, row, column, left, need.on_halt)
    row = row + shift
    if shift.any():
        alignment = alignment.reopened(returns.days[row], shift > 0)
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
        over_gaps(returns, model),
        shift[keep] if shift.any() else None,
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
    """Days of both windows with a return and all regressors, and days with a return but no benchmark, (E,) each."""

    n_obs: IntArray
    n_event: IntArray
    lost_obs: IntArray
    lost_event: IntArray


def _check_windows(panel: EventPanel, model: ReturnModel, need: Requirements, left: Exclusions) -> BoolArray:
    seen = _seen(panel)
    few, none = seen.n_obs < need.min_obs, seen.n_event < need.min_event_obs
    few_lost = few & (seen.n_obs + seen.lost_obs >= need.min_obs)
    none_lost = none & (seen.n_event + seen.lost_event >= need.min_event_obs)
    for i in np.flatnonzero(few_lost | (none_lost & ~few)):
        name, window = ("min_obs", panel.estimation) if few_lost[i] else ("min_event_obs", panel.window)
        left.add(panel.position[i], "benchmark_missing", _unexplained(panel.take(slice(i, i + 1)), model, window, name))
    for i in np.flatnonzero(few):
        left.add(
            panel.position[i],
            "too_few_obs",
            f"{int(seen.n_obs[i])} returns in the estimation window {panel.estimation}, min_obs is {need.min_obs}: "
            "give a longer history, or lower min_obs",
        )
    for i in np.flatnonzero(none):
        left.add(
            panel.position[i],
            "no_event_returns",
            f"{int(seen.n_event[i])} returns in the event window {panel.window}, min_event_obs is "
            f"{need.min_event_obs}: give the missing prices",
        )
    return ~few & ~none


def _seen(panel: EventPanel) -> _Seen:
    """Count the usable days of each event, some securities at a time."""
    n_days = len(panel.returns.days)
    (est, evt), row = (panel.estimation, panel.window), panel.row
    est_row = row if panel.shift is None else row - panel.shift
    bounds = _bounds(est, est_row, n_days), _bounds(evt, row, n_days)
    n_obs, n_event = (after - first for first, after in bounds)
    seen = _Seen(n_obs, n_event, np.zeros(len(panel), dtype=np.int64), np.zeros(len(panel), dtype=np.int64))
    order = np.argsort(panel.column, kind="stable")
    starts = starts_of(panel.column[order])
    used, edges = panel.column[order[starts]], np.append(starts, len(order))
    for lo in range(0, len(used), _STEP):
        columns = used[lo : lo + _STEP]
        events = order[edges[lo] : edges[lo + len(columns)]]
        place = np.searchsorted(columns, panel.column[events])
        has, fit, day = _usable(panel, columns)
        windows = [(place, first[events], after[events]) for first, after in bounds]
        unusable = ~(has & fit)
        seen.n_obs[events] -= _count(unusable, *windows[0])
        seen.n_event[events] -= _count(unusable if day is fit else ~(has & day), *windows[1])
        if not day.all():
            seen.lost_obs[events] = _count(has & ~day, *windows[0])
            seen.lost_event[events] = _count(has & ~day, *windows[1])
    if panel.shift is not None and panel.over_gaps is not None and panel.over_gaps.reopened_only:
        moved = np.flatnonzero(panel.shift > 0)
        at_zero = panel.take(moved).event_data.mask[:, -panel.window.first] if 0 in _days(evt) else np.zeros(0, bool)
        seen.n_event[moved[at_zero]] += 1
    return seen


def _usable(panel: EventPanel, columns: IntArray) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return where securities have a return, (T, n), and where their normal return is known: (T, 1) or (T, n) each.

    Known in the estimation window, with leads and lags, and on event days; the same array where both are alike.
    """
    has = np.isfinite(panel.returns.values[:, columns])
    offset, n_all = np.isfinite(panel.offset), panel.design.shape[1]
    fit, day = ((offset & panel.by_date.there(n))[:, None] for n in (n_all, panel.n_params))
    spans, over = panel.returns.spans, panel.over_gaps
    if spans is not None and over is not None:
        ends, at = np.nonzero(spans[:, columns] > 1)
        if over.reopened_only:
            has[ends, at] = False
        if len(ends):
            n = spans[ends, columns[at]]
            fit, day = (
                _with_gaps(has.shape, known, ends, at, over.known(ends, n, n_regressors))
                for known, n_regressors in ((fit, over.design.shape[1]), (day, panel.n_params))
            )
    return has, fit, fit if (fit == day).all() else day


def _with_gaps(shape: tuple[int, ...], known: BoolArray, row: IntArray, at: IntArray, ends: BoolArray) -> BoolArray:
    """Return where normal returns are known, (T, n): by session, but as it is over the gaps that end in some cells."""
    out = np.broadcast_to(known, shape).copy()
    out[row, at] = ends
    return out


def _days(window: Window) -> range:
    return range(window.first, window.last + 1)


def _count(cells: BoolArray, place: IntArray, first: IntArray, after: IntArray) -> IntArray:
    """Count the marked cells, (T, n), of a column from one row up to another, (E,) each.

    Few cells are marked as a rule: their positions, sorted, take less work than running sums of all.
    """
    marked = np.flatnonzero(cells.T)
    if not len(marked):
        return np.zeros(len(place), dtype=np.int64)
    start = place * len(cells)
    return np.asarray(np.searchsorted(marked, start + after) - np.searchsorted(marked, start + first))


def _bounds(window: Window, row: IntArray, n_days: int) -> tuple[IntArray, IntArray]:
    """Return the first session of each window and the session after its last, clipped to the data."""
    return np.clip(row + window.first, 0, n_days), np.clip(row + window.last + 1, 0, n_days)


def _unexplained(panel: EventPanel, model: ReturnModel, window: Window, need: str) -> str:
    """Return the message on the days without a benchmark, for a panel of one event."""
    missing = panel.unexplained(window)[0]
    days = panel.returns.days[panel.window_rows(window)[0][missing]]
    return (
        f"{panel.ticker[0]} has a return on {len(days)} day(s) of {window} on which the benchmark "
        f"({benchmark_named(model)}) has none, the first {days[0]}, and without them fewer than {need} are left: "
        "complete it, or shorten the window"
    )


def benchmark_named(model: ReturnModel) -> str:
    """Return what a model holds a return against, in words."""
    return ", ".join(map(str, [*model.terms, *([model.offset] if model.offset else [])]))


def exclude_unestimable(build: PanelBuild, problem: StrArray) -> PanelBuild:
    """Move events with an estimation problem from the panel to the exclusions; `problem` is "" for all others, (E,)."""
    bad = problem != ""
    if not bad.any():
        return build
    for position, why in zip(build.panel.position[bad], problem[bad], strict=True):
        build.exclusions.add(position, "not_estimable", str(why))
    return replace(build, panel=build.panel.take(~bad))
