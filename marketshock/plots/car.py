"""Cumulative abnormal returns through the event window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._typing import FloatArray
from ..errors import InputError
from ..study.inputs import positions_of
from ..study.results import StudyResult
from ._style import COLOURS, NEUTRAL, canvas, listed, look, new_figure, style, veil

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PANELS = 24  # more cannot be read on one page


def car(
    study: StudyResult, event_id: str | Sequence[str] | None = None, *, confidence: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the CAR path of events with their confidence bands, cumulated from the first day of the window.

    Parameters
    ----------
    study : StudyResult
        With up to seven events, or chosen by `event_id`.
    event_id : str or sequence of str, optional
        Which events; all by default.
    confidence : float, optional
        Coverage of the band at each day (not of the whole path).
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        A day without a return leaves a gap in the line.

    Raises
    ------
    InputError
        If there are more than seven events to draw, or an event id is not in the study.
    """
    chosen = positions_of(study.panel, event_id)
    if len(chosen) > len(COLOURS):
        remedy = "name up to seven, or draw plots.caar or plots.forest"
        raise InputError("event_id", f"{len(chosen)} events are too many for one picture", remedy)
    several = len(set(study.panel.event)) > 1
    drawn = paths(study, confidence)
    with canvas(ax, (7, 4)) as ax:
        for k, i in enumerate(chosen):
            _draw(ax, drawn, int(i), k, str((study.panel.event_id if several else study.panel.ticker)[i]))
        _mark_axes(ax)
        ax.set_xlabel("trading day relative to the event")
        ax.set_ylabel(f"CAR from day {study.spec.window.first}, %")
        bands = f"bands: {100 * confidence:.0f} % at each day, of each event's own prediction"
        ax.set_title(f"Cumulative abnormal returns, {study.model_name}\n{bands}", fontsize=9, loc="left")
        ax.legend(ncols=2 if len(chosen) > 4 else 1, fontsize=8)
    return ax


def car_by_firm(study: StudyResult, *, confidence: float = 0.95, figure: Figure | None = None) -> list[Axes]:
    """Draw one small panel a ticker with the CAR path and band of each of its events.

    Parameters
    ----------
    study : StudyResult
        With up to 24 tickers and seven events a ticker.
    confidence : float, optional
        Coverage of the band at each day.
    figure : Figure, optional
        An empty figure to draw in.

    Returns
    -------
    list of Axes
        The panels, one a ticker, on common scales. ``axes[0].figure`` is the figure.

    Raises
    ------
    InputError
        If there are more tickers or events a ticker than can be read.
    """
    tickers = list(dict.fromkeys(study.panel.ticker))
    events = list(dict.fromkeys(study.panel.event))
    most = max(int((study.panel.ticker == t).sum()) for t in tickers)
    if len(tickers) > PANELS or most > len(COLOURS):
        problem = f"{len(tickers)} tickers with up to {most} events each are too many for one picture"
        raise InputError("study", problem, f"study up to {PANELS} tickers with {len(COLOURS)} events")
    shared = len(events) <= len(COLOURS)
    columns = min(4, len(tickers))
    lines = -(-len(tickers) // columns)
    drawn = paths(study, confidence)
    figure = new_figure(figure, (max(5.5, 2.6 * columns), 2.3 * lines + 0.9))
    with style():
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        panels = list(grid.flat)[: len(tickers)]
        for at, (ax, ticker) in enumerate(zip(panels, tickers, strict=True)):
            for order, i in enumerate(np.flatnonzero(study.panel.ticker == ticker)):
                event = str(study.panel.event[i])
                _draw(
                    ax, drawn, int(i), events.index(event) if shared else order, f"{event} ({study.panel.session[i]})"
                )
            _mark_axes(ax)
            ax.set_title(ticker, fontweight="bold")
            ax.tick_params(labelbottom=at + columns >= len(tickers))
            if not shared:
                own = np.flatnonzero(study.panel.ticker == ticker)
                drawn_lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
                sessions = [str(study.panel.session[i]) for i in own]
                ax.legend(drawn_lines, sessions, fontsize=7)  # the bands are no entries of their own
        for ax in list(grid.flat)[len(tickers) :]:
            ax.set_axis_off()
        _label_figure(figure, panels, study, confidence, shared)
    return panels


def paths(study: StudyResult, confidence: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the days (L,) and each event's CAR path with its bounds, (E, L), NaN on days without a return."""
    window = study.spec.window
    frames = [study.car(window.first, last, confidence=confidence) for last in window.offsets()]
    stacked = [np.column_stack([f[name].to_numpy() for f in frames]) for name in ("car", "ci_low", "ci_high")]
    for values in stacked:
        values[~study.evidence.event_mask] = np.nan
    return window.offsets().astype(float), stacked[0], stacked[1], stacked[2]


def _draw(ax: Axes, drawn: tuple[FloatArray, ...], event: int, k: int, label: str) -> None:
    days, centre, low, high = drawn
    shape = {**look(k), "markersize": 3.6}
    ax.plot(days, 100 * centre[event], linewidth=1.4, label=listed(label), **shape)
    ax.fill_between(days, 100 * low[event], 100 * high[event], color=COLOURS[k], alpha=veil(0.14), linewidth=0)


def _label_figure(figure: Figure, panels: list[Axes], study: StudyResult, confidence: float, shared: bool) -> None:
    handles: dict[str, Any] = {}
    for ax in panels:
        handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    if shared:
        figure.legend(handles.values(), handles, loc="outside upper right", fontsize=8)
    figure.supxlabel("trading day relative to the event", fontsize=9)
    figure.supylabel(f"CAR from day {study.spec.window.first}, %", fontsize=9)
    title = f"Cumulative abnormal returns, {study.model_name}\nbands: {100 * confidence:.0f} % at each day"
    figure.suptitle(title, fontsize=9, x=0.01, ha="left")


def _mark_axes(ax: Axes) -> None:
    ax.axhline(0, color=NEUTRAL, linewidth=0.8)
    ax.axvline(0, color=NEUTRAL, linewidth=0.8, linestyle=":")
