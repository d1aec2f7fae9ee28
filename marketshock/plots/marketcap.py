"""Market-cap changes by firm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _format
from ..marketcap import MarketCapChange
from ._style import COLOURS, NEUTRAL, canvas, ink, new_figure, paper, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def market_cap(change: MarketCapChange, *, ax: Axes | None = None) -> Axes:
    """Draw the change of each firm as a bar, ranked, and its abnormal part as a dot with its interval.

    Parameters
    ----------
    change : MarketCapChange
        Of `market_cap_change`; without a study only the bars are drawn.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    table = change.table.sort_values("change_usd", ascending=False)
    at = np.arange(len(table))
    raw = table["change_usd"].to_numpy() / 1e9
    abnormal, low, high = (table[c].to_numpy() / 1e9 for c in ("abnormal_usd", "ci_low_usd", "ci_high_usd"))
    from matplotlib.patches import Patch

    with canvas(ax, (7, 0.5 * len(table) + 1.6)) as ax:
        colours = [COLOURS[1] if value < 0 else COLOURS[0] for value in raw]
        ax.barh(at, raw, height=0.55, color=colours, alpha=0.75)
        known = ~np.isnan(abnormal)
        if known.any():
            reach = np.vstack([abnormal - low, high - abnormal])[:, known]
            ax.errorbar(
                abnormal[known],
                at[known],
                xerr=reach,
                fmt="o",
                markersize=4,
                color=ink(),
                markeredgecolor=paper(),
                ecolor=NEUTRAL,
                capsize=2,
                linewidth=1.2,
                label=f"abnormal part, {100 * change.confidence:.0f} % interval",
            )
        ax.set_yticks(at, [f"{firm}  {_format.usd_bn(v * 1e9, 0)}" for firm, v in zip(table.index, raw, strict=True)])
        ax.axvline(0, color=NEUTRAL, linewidth=0.8)
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("market-cap change, USD bn")
        total = _format.usd_bn(change.total["change_usd"], 0)
        ax.set_title(f"{change.previous} to {change.session}: {total} bn in all")
        ax.set_ylim(-0.6 - 0.25 * len(table) ** 0.5, len(table) - 0.4)  # room for the legend below the bars
        handles, _ = ax.get_legend_handles_labels()
        bar = Patch(color=NEUTRAL, alpha=0.75, label="change (close x shares)")
        ax.legend(handles=[bar, *handles], fontsize=8, loc="lower left")
    return ax


def market_caps(changes: Sequence[MarketCapChange], *, figure: Figure | None = None) -> list[Axes]:
    """Draw several sessions side by side, each with its own scale.

    Parameters
    ----------
    changes : sequence of MarketCapChange
        One a session.
    figure : Figure, optional
        An empty figure to draw in.

    Returns
    -------
    list of Axes
        One a session. ``axes[0].figure`` is the figure.
    """
    changes = [changes] if isinstance(changes, MarketCapChange) else list(changes)
    figure = new_figure(figure, (5.5 * len(changes), 4.6))
    with style():
        return [
            market_cap(change, ax=figure.add_subplot(1, len(changes), at)) for at, change in enumerate(changes, start=1)
        ]
