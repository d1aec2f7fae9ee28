"""Pictures of how much a finding owes to the choices, and to the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._typing import FloatArray
from ..errors import InputError, UnknownNameError
from ..robustness.curve import SpecificationCurve
from ..robustness.placebo import Placebo
from ._style import COLOURS, NEUTRAL, canvas, ink, new_figure, p_said, paper, style, veil

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 400  # specifications; more cannot be told apart on one page
_HEADROOM = 1.2
_SIGNIFICANT, _NOT = COLOURS[0], NEUTRAL


def specification_curve(curve: SpecificationCurve, *, level: float = 0.05, figure: Figure | None = None) -> list[Axes]:
    """Draw the estimates of all specifications in ascending order with their intervals, and their choices below.

    Parameters
    ----------
    curve : SpecificationCurve
        With up to 400 specifications estimated.
    level : float, optional
        p-value below which an estimate is drawn filled.
    figure : Figure, optional
        An empty figure to draw in.

    Returns
    -------
    list of Axes
        The estimates and the choices, on one scale of specifications. ``axes[0].figure`` is the figure. What could not
        be estimated is left out and counted in the title; an estimate without a standard error has no interval.

    Raises
    ------
    InputError
        If there are more specifications than can be told apart.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), Nature Human Behaviour 4, figure 2.
    """
    table = curve.estimated.sort_values("car", kind="stable")
    if len(table) > _MOST:
        raise InputError("curve", f"{len(table)} specifications are too many for one picture", f"draw up to {_MOST}")
    rows = _choice_rows(curve)
    height = 2.6 + 0.2 * len(rows)
    figure = new_figure(figure, (max(6.5, min(14.0, 3.5 + 0.09 * len(table))), height + 0.9))
    with style():
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 0.2 * len(rows)])
        _draw_estimates(upper, curve, level)
        at = np.arange(len(table))
        size = float(np.clip(150 / max(len(table), 1), 2.0, 5.0))
        for y, (dimension, choice) in enumerate(rows):
            if choice:
                there = (table[dimension] == choice).to_numpy()
                lower.axhline(y, color=NEUTRAL, alpha=veil(0.2), linewidth=0.8, zorder=0)
                lower.plot(at[there], np.full(there.sum(), y), "s", color=ink(), markersize=size)
        lower.set_yticks(range(len(rows)), [choice or dimension for dimension, choice in rows], fontsize=8)
        for label, (_, choice) in zip(lower.get_yticklabels(), rows, strict=True):
            label.set_fontweight("normal" if choice else "bold")
        lower.grid(visible=False)
        lower.set_ylim(len(rows) - 0.4, -0.6)
        lower.tick_params(axis="both", length=0, labelbottom=False)
        lower.set_xlabel("specification, by size of the estimate")
    return [upper, lower]


def placebo(result: Placebo, event_id: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the placebo days of one event as a histogram, and where the event lies.

    Parameters
    ----------
    result : Placebo
        Of `marketshock.placebo`.
    event_id : str, optional
        Which row of ``result.table``; it may be left out where there is only one.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        In percent, or in standard errors where ``result.by`` is "t".

    Raises
    ------
    UnknownNameError
        If the event is not in the result.
    InputError
        If there are several events and none is named, or nothing to draw.
    """
    known = [str(name) for name in result.table.index]
    if event_id is None and len(known) > 1:
        raise InputError("event_id", f"there are {len(known)} events", f"name one of {', '.join(known)}")
    name = known[0] if event_id is None else event_id
    if name not in known:
        raise UnknownNameError("event_id", [name], known)
    row = dict(result.table.loc[name])
    unit = 100.0 if result.by == "car" else 1.0
    own = result.distribution.index.get_level_values("event_id") == name
    days = result.distribution.loc[own, result.by].dropna().to_numpy() * unit
    value = float(row[result.by]) * unit
    if not len(days) or np.isnan(value):
        raise InputError("event_id", f"{name}: {row['note']}", "choose another event")
    with canvas(ax, (7, 3.8)) as ax:
        ax.hist(
            days, bins=histogram_bins(days, value), color=NEUTRAL, alpha=veil(0.55), label=f"{len(days)} placebo days"
        )
        shown = f"{value:+.2f} %" if result.by == "car" else f"{value:.2f}"
        most = 1 / _HEADROOM  # the lines end below the legend
        ax.axvline(value, ymax=most, color=COLOURS[1], linewidth=1.8, label=f"{row['date'].date()}: {shown}")
        ax.axvline(0, ymax=most, color=ink(), linewidth=0.6, linestyle=":")
        ax.set_xlabel("CAR, %" if result.by == "car" else "CAR over its standard error")
        ax.set_ylabel("days")
        rank = f"rank {row['rank']:.0f} of {row['n_placebo'] + 1} from below"
        ax.set_title(f"{name}, days {result.window}: {rank}, {p_said(row['pvalue'])}\n{result.model}")
        ax.set_ylim(0, _HEADROOM * ax.get_ylim()[1])  # room for the legend above the bars
        ax.legend(fontsize=8, ncols=2, loc="upper center")
    return ax


def _draw_estimates(ax: Axes, curve: SpecificationCurve, level: float) -> None:
    table = curve.estimated.sort_values("car", kind="stable")
    at, car = np.arange(len(table)), 100 * table["car"].to_numpy()
    low, high = 100 * table["ci_low"].to_numpy(), 100 * table["ci_high"].to_numpy()
    size = float(np.clip(200 / max(len(table), 1), 2.0, 5.0))
    significant = (table["pvalue"] < level).to_numpy()
    ax.vlines(at, low, high, color=NEUTRAL, alpha=veil(0.5), linewidth=min(1.5, 0.4 * size))
    for which, colour, text in (
        (significant, _SIGNIFICANT, f"p < {level:g}"),
        (~significant, _NOT, f"p >= {level:g}, or none"),
    ):
        if which.any():
            face = colour if which is significant else paper()
            ax.plot(at[which], car[which], "o", color=colour, markerfacecolor=face, markersize=size, label=text)
    ax.axhline(0, color=ink(), linewidth=0.8)
    ax.axhline(100 * curve.median, color=COLOURS[1], linewidth=1, linestyle="--", label="median")
    ax.set_ylabel(f"CAR, %, with {100 * curve.confidence:.0f} % interval")
    lost = len(curve) - len(table)
    missing = f" ({lost} could not be estimated)" if lost else ""
    ax.set_title(f"{curve.what}: {len(table)} specification{'s' if len(table) != 1 else ''}{missing}")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.16 * (top - bottom))  # room for the legend above the intervals
    ax.legend(fontsize=8, ncols=3, loc="upper left")
    ax.tick_params(axis="x", length=0, labelbottom=False)


def _choice_rows(curve: SpecificationCurve) -> list[tuple[str, str]]:
    """Return (dimension, choice) down the lower panel, "" for a heading; what was not varied is left out."""
    varied = {name: choices for name, choices in curve.choices.items() if len(choices) > 1} or curve.choices
    return [(name, choice) for name, choices in varied.items() for choice in ("", *choices)]


def histogram_bins(days: FloatArray, value: float) -> list[float]:
    """Return the edges of the bars by Freedman and Diaconis, 12 to 80 of them over the days and the event."""
    low, high = min(days.min(), value), max(days.max(), value)
    if low == high:
        return [low - 0.5, low + 0.5]
    spread = np.subtract(*np.percentile(days, [75, 25]))
    width = 2 * spread / len(days) ** (1 / 3)
    count = int(np.clip(np.ceil((high - low) / width), 12, 80)) if width > 0 else 12
    return [float(edge) for edge in np.linspace(low, high, count + 1)]
