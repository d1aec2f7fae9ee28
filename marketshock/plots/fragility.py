"""Pictures of moves in units of their own volatility: how many, whose, and which were largest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import _format
from .._typing import FloatArray
from ..errors import InputError, UnknownNameError
from ..volatility._select import By, Direction
from ..volatility.fragility import Fragility
from ..volatility.membership import Membership
from ._style import COLOURS, NEUTRAL, canvas, date_axis, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UP, _DOWN = COLOURS[0], COLOURS[1]
_TICKERS, _SESSIONS = 100, 130  # more cannot be read on one page
_ROWS, _LATEST = 40, 60  # of a heat map, where nothing is said
_BARS = 40
_NAMED = 3  # days named in the picture of counts
_SATURATED = 2.0  # colours are full at this many thresholds
_STEPS = np.array([1, 2, 3, 5, 10, 15, 21])  # sessions between two dates of an axis


def fragility_counts(
    measured: Fragility,
    start: object = None,
    end: object = None,
    *,
    share: bool = False,
    members: Membership | None = None,
    by: By = "firm",
    ax: Axes | None = None,
) -> Axes:
    """Draw the events of each session: upward moves above the line, downward moves below it.

    Parameters
    ----------
    measured : Fragility
        Of `marketshock.fragility`.
    start, end, members, by : optional
        As in `Fragility.counts`.
    share : bool, optional
        In percent of the stocks with a z instead of their number: where that changes, numbers mislead.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        The three most crowded sessions are named.
    """
    frame = measured.counts(start, end, members=members, by=by)
    unit = 100 / frame["n_securities"].clip(lower=1) if share else pd.Series(1.0, index=frame.index)
    up, down = (frame["n_up"] * unit).to_numpy(), -(frame["n_down"] * unit).to_numpy()
    with canvas(ax, (8, 3.8)) as ax:
        wide = min(9.0, max(0.9, 380 / max(len(frame), 1)))  # points: a bar thinner than a pixel is not drawn
        for values, colour, name in ((up, _UP, "up"), (down, _DOWN, "down")):
            there = values != 0
            ax.vlines(frame.index[there], 0, values[there], color=colour, linewidth=wide, label=name)
        ax.axhline(0, color=ink(), linewidth=0.6)
        _name_days(ax, frame.index, up, down)
        what = "% of the stocks" if share else "stocks"
        ax.set_ylabel(f"events a session, {what}")
        ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        date_axis(ax)
        n = frame.loc[frame["n_securities"] > 0, "n_securities"]
        of = f"{n.min()} to {n.max()}" if len(n) and n.min() < n.max() else f"{n.max() if len(n) else 0}"
        ax.set_title(f"{frame['n_events'].sum():,} events among {of} stocks\n{_convention(measured)}", fontsize=9)
        low, high = min(down.min(initial=0), -1e-9), max(up.max(initial=0), 1e-9)
        room = 0.16 * (high - low)
        ax.set_ylim(low - room, high + room)
        ax.legend(ncols=2, fontsize=8, loc="upper left")
    return ax


def fragility_heatmap(
    measured: Fragility,
    tickers: Sequence[str] | None = None,
    start: object = None,
    end: object = None,
    *,
    members: Membership | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw z by ticker and session as colours; events are marked.

    Parameters
    ----------
    measured : Fragility
        Of `marketshock.fragility`.
    tickers : sequence of str, optional
        Up to 100, from top to bottom; by default the 40 with the largest ``|z|`` of the period, the largest first.
    start, end : date or str, optional
        Up to 130 sessions; by default the last 60.
    members : Membership, optional
        From whom the tickers are taken, where none are named, and whose days are shown.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Grey where there is no z. Colours are full at twice the threshold.

    Raises
    ------
    InputError
        If there are more tickers or sessions than can be read, or no z at all.
    UnknownNameError
        If a ticker has no returns.
    """
    if start is None and end is None:
        days = measured.market.days
        start = days[max(0, len(days) - _LATEST)]
    part = measured.part(start, end, members, "listing")
    z = np.where(part.counted, measured.scores[part.rows], np.nan)
    names = _largest(measured, z) if tickers is None else list(tickers)
    unknown = [t for t in names if t not in measured.market.names]
    if unknown:
        raise UnknownNameError("tickers", unknown, measured.market.names)
    if not names or len(names) > _TICKERS or len(z) > _SESSIONS:
        what = f"{len(names)} tickers and {len(z)} sessions" if names else "there is no z in the period"
        raise InputError("tickers", what, f"draw up to {_TICKERS} tickers and {_SESSIONS} sessions that have one")
    values = z[:, [measured.market.names.index(t) for t in names]].T
    size = (min(14.0, 2.6 + 0.11 * max(len(z), 40)), 1.6 + 0.155 * max(len(names), 6))
    with canvas(ax, size) as ax:
        _draw_cells(ax, values, measured.spec.threshold)
        ax.set_yticks(range(len(names)), names, fontsize=8 if len(names) <= 40 else 7)
        _session_ticks(ax, measured.market.days[part.rows])
        ax.tick_params(length=0)
        ax.set_title(f"dots: events\n{_convention(measured)}", fontsize=9)
    return ax


def fragility_ranking(
    measured: Fragility,
    start: object = None,
    end: object = None,
    *,
    direction: Direction = "absolute",
    n: int = 15,
    members: Membership | None = None,
    by: By = "firm",
    ax: Axes | None = None,
) -> Axes:
    """Draw the largest moves as bars of z, the largest on top.

    Parameters
    ----------
    measured : Fragility
        Of `marketshock.fragility`.
    start, end, direction, n, members, by : optional
        As in `Fragility.ranking`; up to 40 bars.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Dotted lines are the threshold.

    Raises
    ------
    InputError
        If there are more bars than can be read, or no move to draw.
    """
    if n is None or n > _BARS:
        raise InputError("n", f"got {n}", f"draw up to {_BARS} moves")
    table = measured.ranking(start, end, direction=direction, n=n, members=members, by=by)
    if table.empty:
        raise InputError("start", "no move in the period", "choose another period")
    at, z = np.arange(len(table)), table["z"].to_numpy()
    with canvas(ax, (6.5, 0.24 * len(table) + 1.4)) as ax:
        ax.barh(at, z, height=0.65, color=[_UP if value > 0 else _DOWN for value in z])
        labels = [f"{r['ticker']}  {r['date'].date()}" for r in _format.rows(table)]
        ax.set_yticks(at, labels, fontsize=8)
        reach = 0.012 * (max(z.max(), 0) - min(z.min(), 0))
        for y, value in zip(at, z, strict=True):
            side = "left" if value > 0 else "right"
            ax.text(
                float(value + np.copysign(reach, value)), float(y), f"{value:+.1f}", va="center", ha=side, fontsize=8
            )
        for line in (-measured.spec.threshold, measured.spec.threshold):
            if min(z.min(), 0) < line < max(z.max(), 0):
                ax.axvline(line, color=ink(), linewidth=0.8, linestyle=":")
        ax.axvline(0, color=ink(), linewidth=0.6)
        low, high = min(z.min(), 0), max(z.max(), 0)
        room = 0.1 * (high - low)  # for the figures beside the bars
        ax.set_xlim(low - room * (low < 0), high + room * (high > 0))
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("z: return in volatilities of the days before")
        what = {"absolute": "moves", "up": "upward moves", "down": "downward moves"}[direction]
        ax.set_title(f"The {len(table)} largest {what}\n{_convention(measured)}", fontsize=9)
    return ax


def _convention(measured: Fragility) -> str:
    spec = measured.spec
    what = "realised volatility about zero" if spec.about == "zero" else "standard deviation"
    kind = "log" if spec.log else "simple"
    return f"z = {kind} return / {what}, {spec.window} sessions before; event: |z| >= {spec.threshold:g}"


def _name_days(ax: Axes, days: pd.Index, up: FloatArray, down: FloatArray) -> None:
    """Write the date beside the most crowded sessions, on the side where the bar is longer."""
    apart, size, above = len(days) / 8, up - down, up > -down
    named: list[int] = []
    for at in np.argsort(-size, kind="stable"):
        if len(named) == _NAMED or not size[at]:
            break
        if all(abs(at - other) >= apart or above[at] != above[other] for other in named):
            named.append(int(at))
    for at in named:
        ax.annotate(
            str(days[at].date()),
            (days[at], up[at] if above[at] else down[at]),
            xytext=(0, 3 if above[at] else -3),
            textcoords="offset points",
            ha="center",
            va="bottom" if above[at] else "top",
            fontsize=8,
        )


def _largest(measured: Fragility, z: FloatArray) -> list[str]:
    """Return the tickers with the largest |z| of the period."""
    most = np.where(np.isnan(z), -1.0, np.abs(z)).max(axis=0)
    order = np.argsort(-most, kind="stable")[:_ROWS]
    return [measured.market.names[k] for k in order if most[k] >= 0]


def _draw_cells(ax: Axes, values: FloatArray, threshold: float) -> None:
    import matplotlib as mpl

    colours: Any = mpl.colormaps["RdBu"].with_extremes(bad="#D9D9D9")
    limit = _SATURATED * threshold
    image = ax.imshow(values, aspect="auto", cmap=colours, vmin=-limit, vmax=limit, interpolation="nearest")
    with np.errstate(invalid="ignore"):
        row, column = np.nonzero(np.abs(values) >= threshold)
    # These colours are the map's: its cells are light on a dark page too.
    ax.plot(column, row, "o", color="black", markeredgecolor="white", markeredgewidth=0.5, markersize=3)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.015, fraction=0.04, extend="both")
    bar.set_label("z", rotation=0)
    bar.set_ticks([-limit, -threshold, 0, threshold, limit])
    bar.outline.set_color(NEUTRAL)


def _session_ticks(ax: Axes, days: Any) -> None:
    """Write a date under every so many sessions, so that they do not run into each other."""
    wide = ax.get_window_extent().width / ax.figure.dpi
    room = max(2, int(wide / 0.95))
    step = next((int(s) for s in _STEPS if len(days) / s <= room), -(-len(days) // room))
    at = np.arange(0, len(days), step)
    ax.set_xticks(at, [str(days[k]) for k in at], fontsize=8)
