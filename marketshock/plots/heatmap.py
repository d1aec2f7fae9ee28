"""Abnormal returns of all events and days at one look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._typing import FloatArray
from ..errors import InputError
from ..study.results import StudyResult
from ._style import NEUTRAL, canvas, folded, paper
from .mean import row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROWS, _DAYS = 80, 130  # more cannot be read on one page
_WRITTEN = 21  # days whose numbers fit
_WRITTEN_ROWS = 30
_FULL = 98  # percentile of |AR| at which the colours are full, where no numbers are written


def ar_heatmap(study: StudyResult, *, ax: Axes | None = None) -> Axes:
    """Draw the abnormal returns of each event and day as colours around zero.

    Parameters
    ----------
    study : StudyResult
        With up to eighty events and 130 days.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Percent, events in the study's order. Days without a return are hatched. Where there are few, the numbers are
        written; else a short line marks losses beyond half the full colour, which grey print would not tell from gains.

    Raises
    ------
    InputError
        If there are more events or days than can be read, or no return at all.
    """
    ar = 100 * np.asarray(study.abnormal.ar)
    if ar.shape[0] > _ROWS or ar.shape[1] > _DAYS:
        problem = f"{ar.shape[0]} events by {ar.shape[1]} days are too many for one picture"
        raise InputError("study", problem, f"study up to {_ROWS} events and {_DAYS} days")
    if np.isnan(ar).all():
        raise InputError("study", "no event has a return in the window", "choose another window")
    written = ar.shape[0] <= _WRITTEN_ROWS and ar.shape[1] <= _WRITTEN
    size = np.abs(ar[np.isfinite(ar)])
    limit = float(size.max() if written else np.percentile(size, _FULL)) or 1.0
    wide = 2.6 + max(4.4, (0.52 if written else 0.1) * ar.shape[1])
    with canvas(ax, (min(wide, 13.0), 1.5 + max(1.4, 0.24 * ar.shape[0] if written else 0.17 * ar.shape[0]))) as ax:
        _draw_cells(ax, ar, limit, bool(size.max() > limit))
        if written:
            _write_cells(ax, ar, limit)
        else:
            row, column = np.nonzero(ar < -limit / 2)
            ax.plot(column, row, "_", color="white", markersize=4, markeredgewidth=1.2)
        labels = row_labels(study, [str(i) for i in study.panel.event_id])
        ax.set_yticks(range(len(labels)), labels, fontsize=8 if len(labels) <= 40 else 7)
        _day_axis(ax, study)
        missing = int(np.isnan(ar).sum())
        gone = f"; hatched: no return ({missing})" if missing else ""
        below = "" if written else "; -: losses beyond half the full colour"
        ax.set_title(f"{folded(f'Abnormal returns, {study.model_name}')}\ncolours centred at zero{gone}{below}")
    return ax


def _draw_cells(ax: Axes, ar: FloatArray, limit: float, beyond: bool) -> None:
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    clear: Any = mpl.colormaps["RdBu"].with_extremes(bad=(0, 0, 0, 0))
    image = ax.imshow(ar, aspect="auto", cmap=clear, vmin=-limit, vmax=limit, interpolation="nearest")
    for row, column in np.argwhere(np.isnan(ar)):
        cell = Rectangle(
            (column - 0.5, row - 0.5), 1, 1, facecolor=paper(), edgecolor=NEUTRAL, hatch="///", linewidth=0
        )
        ax.add_patch(cell)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.015, fraction=0.04, extend="both" if beyond else "neither")
    bar.set_label("abnormal return, %")
    bar.outline.set_color(NEUTRAL)


def _write_cells(ax: Axes, ar: FloatArray, limit: float) -> None:
    """Write the numbers, black on light cells and white on dark ones: the map's colours, not the page's."""
    for row, column in np.argwhere(np.isfinite(ar)):
        value = float(ar[row, column])
        colour = "white" if abs(value) > 0.62 * limit else "black"
        ax.text(column, row, f"{round(value, 1) + 0.0:+.1f}", ha="center", va="center", fontsize=7.5, color=colour)


def _day_axis(ax: Axes, study: StudyResult) -> None:
    days = study.spec.window.offsets()
    step = max(1, -(-len(days) // 16))
    at = [k for k, day in enumerate(days) if day % step == 0]
    ax.set_xticks(at, [str(days[k]) for k in at], fontsize=8)
    ax.set_xlabel("trading day relative to the event")
    ax.tick_params(length=0)
    if 0 in days:
        zero = int(np.flatnonzero(days == 0)[0])
        for side in (zero - 0.5, zero + 0.5):
            ax.axvline(side, color="black", linewidth=0.8)  # on the map's cells, not on the page
