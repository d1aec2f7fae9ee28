"""Cumulative abnormal returns through the event window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._typing import FloatArray
from ..errors import UnknownNameError
from ..results import StudyResult
from ._style import COLOURS, MARKERS, NEUTRAL, new_axes, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def car(
    study: StudyResult,
    event_id: str | list[str] | None = None,
    *,
    confidence: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the CAR path of events with their confidence bands, cumulated from the first day of the window.

    Parameters
    ----------
    study : StudyResult
        With up to seven events, or chosen by `event_id`.
    event_id : str or list of str, optional
        Which events; by default all, at most seven.
    confidence : float, optional
        Coverage of the band at each day (not of the whole path).
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    UnknownNameError
        If an event id is not in the study.
    """
    ids = (
        list(study.panel.event_id) if event_id is None else [event_id] if isinstance(event_id, str) else list(event_id)
    )
    unknown = [i for i in ids if i not in set(study.panel.event_id)]
    if unknown:
        raise UnknownNameError("event_id", unknown, list(study.panel.event_id))
    ids = ids[: len(COLOURS)]
    several = len(set(study.panel.event)) > 1
    days, centre, low, high = paths(study, confidence)
    position = {name: i for i, name in enumerate(study.panel.event_id)}
    with style():
        ax = new_axes(ax, (7, 4))
        for colour, marker, name in zip(COLOURS, MARKERS, ids, strict=False):
            i = position[name]
            label = name if several else str(study.panel.ticker[i])
            ax.plot(days, 100 * centre[i], color=colour, marker=marker, markersize=3.5, linewidth=1.4, label=label)
            ax.fill_between(days, 100 * low[i], 100 * high[i], color=colour, alpha=0.12, linewidth=0)
        _mark_axes(ax)
        ax.set_xlabel("trading day relative to the event")
        ax.set_ylabel(f"CAR from day {study.spec.window.first}, %")
        ax.set_title(f"{study.spec.model.name}; bands: {100 * confidence:.0f} % at each day", color=NEUTRAL)
        ax.legend(ncols=2 if len(ids) > 4 else 1, fontsize=8)
    return ax


def car_by_firm(study: StudyResult, *, confidence: float = 0.95, figure: Figure | None = None) -> Figure:
    """Draw one small panel a ticker, each event's CAR path in its own colour with its band.

    Parameters
    ----------
    study : StudyResult
        With up to seven events a ticker.
    confidence : float, optional
        Coverage of the band at each day.
    figure : Figure, optional
        An empty figure to draw in.

    Returns
    -------
    Figure
        Its ``axes`` are the panels, one a ticker; all share their scales.
    """
    tickers = list(dict.fromkeys(study.panel.ticker))
    events = list(dict.fromkeys(study.panel.event))[: len(COLOURS)]
    columns = min(4, len(tickers))
    lines = -(-len(tickers) // columns)
    days, centre, low, high = paths(study, confidence)
    with style():
        figure = new_figure(figure, (2.6 * columns, 2.3 * lines + 0.7))
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for ax, ticker in zip(grid.flat, tickers, strict=False):
            for i in np.flatnonzero(np.isin(study.panel.event, events) & (study.panel.ticker == ticker)):
                at = events.index(study.panel.event[i])
                look = {"color": COLOURS[at], "linewidth": 1.4, "marker": MARKERS[at], "markersize": 3}
                label = f"{study.panel.event[i]} ({study.panel.session[i]})"
                ax.plot(days, 100 * centre[i], label=label, **look)
                ax.fill_between(days, 100 * low[i], 100 * high[i], color=COLOURS[at], alpha=0.15, linewidth=0)
            _mark_axes(ax)
            ax.set_title(ticker, fontweight="bold")
        spare = list(grid.flat)[len(tickers) :]
        for ax in spare:
            ax.set_axis_off()
        handles, labels = grid.flat[0].get_legend_handles_labels()
        if spare:
            spare[0].legend(handles, labels, loc="center", fontsize=8)
        else:
            figure.legend(handles, labels, loc="outside lower center", fontsize=8)
        figure.supxlabel("trading day relative to the event", fontsize=9)
        figure.supylabel(f"CAR from day {study.spec.window.first}, %", fontsize=9)
        bands = f"bands: {100 * confidence:.0f} % at each day"
        figure.suptitle(
            f"Cumulative abnormal returns, {study.spec.model.name}; {bands}", fontsize=10, x=0.01, ha="left"
        )
    return figure


def paths(study: StudyResult, confidence: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the days (L,) and each event's CAR path with its lower and upper bound, (E, L)."""
    window = study.spec.window
    frames = [study.car(window.first, last, confidence=confidence) for last in window.offsets()]
    stacked = [np.column_stack([f[name].to_numpy() for f in frames]) for name in ("car", "ci_low", "ci_high")]
    return window.offsets().astype(float), stacked[0], stacked[1], stacked[2]


def _mark_axes(ax: Axes) -> None:
    ax.axhline(0, color=NEUTRAL, linewidth=0.8)
    ax.axvline(0, color=NEUTRAL, linewidth=0.8, linestyle=":")
