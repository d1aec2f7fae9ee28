"""One event in time: the security's price, both windows, and what else happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray, IntArray
from ..study.confounders import confounders, firms
from ..study.inputs import positions_of
from ..study.results import StudyResult
from ..windows import Window
from ._style import COLOURS, NEUTRAL, canvas, date_axis, folded, ink, paper, veil

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AROUND = (5, 10)  # sessions shown before the estimation and after the event window


@dataclass(frozen=True, slots=True)
class _Path:
    """What is drawn of a security: n sessions, their ordinals and the price at their closes."""

    rows: IntArray
    days: DateArray
    level: FloatArray
    unit: str


def price_path(study: StudyResult, event_id: str, *, ax: Axes | None = None) -> Axes:
    """Draw the security of one event through its estimation and event windows.

    Parameters
    ----------
    study : StudyResult
        Of prices or of returns.
    event_id : str
        Which event.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Official closes in the quote currency, not adjusted for dividends; of a study on returns an index of its total
        returns, 100 on the session before the first one shown, which counts a missing return as nothing and has a gap
        there. Both windows are shaded; day 0 and the study's other events of the firm are marked on the line, the
        releases of ``study.confounders(estimation_days=None)`` below it.

    Raises
    ------
    UnknownNameError
        If the event is not in the study.
    """
    study = study.part_of(event_id)
    i, panel = int(positions_of(study.panel, str(event_id))[0]), study.single_panel
    path = _path(study, i)
    with canvas(ax, (8, 4.2)) as ax:
        ax.plot(path.days, path.level, color=COLOURS[0], linewidth=1.2)
        _shade(ax, path, panel.window_rows(panel.estimation)[i], "estimation", panel.estimation, 0.885)
        _shade(ax, path, int(panel.row[i]) + panel.window.offsets(), "event window", panel.window, 0.825)
        same = firms(panel.ticker) == firms(panel.ticker[i : i + 1])[0]
        others = np.setdiff1d(panel.row[same], panel.row[i])
        _mark(ax, path, panel.row[i : i + 1], f"day 0: {panel.session[i]}", "D", ink())
        _mark(ax, path, others, "the firm's other events", "s", paper())
        _mark_releases(ax, _releases(study, i, same))
        low, high = float(np.nanmin(path.level)), float(np.nanmax(path.level))
        span = (high - low) or 1.0
        ax.set_ylim(low - 0.16 * span, high + 0.42 * span)
        date_axis(ax)
        ax.set_ylabel(path.unit)
        ax.set_title(f"{folded(f'{panel.ticker[i]}: {event_id}')}\n{_convention(study)}")
        ax.legend(fontsize=8, ncols=3, loc="upper left", handletextpad=0.4)
    return ax


def _path(study: StudyResult, i: int) -> _Path:
    panel = study.single_panel
    last = len(panel.returns.days) - 1
    first = max(0, int(panel.row[i]) + panel.estimation.first - _AROUND[0])
    rows = np.arange(first, min(last, int(panel.row[i]) + panel.window.last + _AROUND[1]) + 1)
    days = panel.returns.days[rows]
    if study.prices is not None:
        ticker = str(panel.ticker[i])
        close = study.prices.close[ticker].reindex(pd.DatetimeIndex(days)).to_numpy(dtype=float)
        return _Path(rows, days, close, f"close, {study.currencies.get(ticker, 'quote currency')}")
    returns = panel.returns.values[rows, int(panel.column[i])]
    known = np.nan_to_num(returns)
    level = 100 * (np.exp(np.cumsum(known)) if study.spec.log else np.cumprod(1 + known))
    return _Path(rows, days, np.where(np.isnan(returns), np.nan, level), f"total return, {_before(panel, first)} = 100")


def _before(panel: Any, first: int) -> str:
    return str(panel.returns.days[first - 1]) if first else "start"


def _releases(study: StudyResult, i: int, same: Any) -> DateArray:
    """Return the sessions of the releases in the event's windows, each once."""
    frame = confounders(study.panel.take(np.flatnonzero(same)), None, None)
    own = frame[(frame.index == study.panel.event_id[i]) & (frame["kind"] != "study")]
    return np.unique(own["session"].to_numpy().astype("datetime64[D]"))


def _shade(ax: Axes, path: _Path, rows: IntArray, what: str, window: Window, height: float) -> None:
    """Shade a window and name it above: the two names never stand on one line."""
    inside = rows[(rows >= path.rows[0]) & (rows <= path.rows[-1])]
    if not len(inside):
        return
    ends = path.days[inside[[0, -1]] - path.rows[0]]
    event = what == "event window"
    colour, alpha = (COLOURS[1], veil(0.25)) if event else (NEUTRAL, veil(0.14))
    ax.axvspan(ends[0], ends[1], color=colour, alpha=alpha, linewidth=0)
    text = f"{what} ({window.first},{window.last})"
    place = (ends[1], height) if event else (ends[0] + (ends[1] - ends[0]) / 2, height)
    side = "right" if event else "center"
    ax.text(*place, text, transform=ax.get_xaxis_transform(), fontsize=8, ha=side, va="center")


def _mark(ax: Axes, path: _Path, rows: IntArray, label: str, marker: str, face: str) -> None:
    at = rows[(rows >= path.rows[0]) & (rows <= path.rows[-1])] - path.rows[0]
    if len(at):
        look: dict[str, Any] = {"color": ink(), "markerfacecolor": face, "markersize": 5.5, "zorder": 4}
        ax.plot(path.days[at], path.level[at], marker, label=label, **look)


def _mark_releases(ax: Axes, sessions: DateArray) -> None:
    if len(sessions):
        height, label = np.full(len(sessions), 0.045), f"releases: {len(sessions)} days"
        below = ax.get_xaxis_transform()
        ax.plot(sessions, height, "|", color=ink(), markersize=8, label=label, transform=below)


def _convention(study: StudyResult) -> str:
    closes = "closes as traded, adjusted for splits, not for dividends"
    kind = "log" if study.spec.log else "simple"
    return folded(closes if study.prices is not None else f"cumulated {kind} returns; missing ones count nothing")
