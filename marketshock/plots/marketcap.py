"""Market-cap changes by firm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _format
from .._typing import FloatArray
from ..dollars.change import MarketCapChange
from ..errors import InputError
from ._style import COLOURS, NEUTRAL, canvas, ink, new_figure, paper, style, veil

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MOST = 40  # firms; more cannot be read on one page


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
        ax.barh(at, raw, height=0.55, color=colours, alpha=veil(0.75))
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
        said = "closes x share counts" + ("; dots: abnormal return x cap before" if known.any() else "")
        ax.set_title(f"{change.previous} to {change.session}: {total} bn in all\n{said}")
        ax.set_ylim(-0.6 - 0.25 * len(table) ** 0.5, len(table) - 0.4)  # room for the legend below the bars
        handles, _ = ax.get_legend_handles_labels()
        bar = Patch(color=NEUTRAL, alpha=veil(0.75), label="change (close x shares)")
        ax.legend(handles=[bar, *handles], fontsize=8, loc="lower left")
    return ax


def waterfall(change: MarketCapChange, *, ax: Axes | None = None) -> Axes:
    """Draw the changes of the firms one after the other, from the largest loss to the largest gain, to their sum.

    Parameters
    ----------
    change : MarketCapChange
        Of `market_cap_change`, with up to forty firms.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        USD bn, from top to bottom. Losses are hatched; the last bar is the sum over the firms.

    Raises
    ------
    InputError
        If there are more firms than can be read.
    """
    table = change.table.sort_values("change_usd", kind="stable")
    if len(table) > _MOST:
        raise InputError("change", f"{len(table)} firms are too many for one picture", f"draw up to {_MOST}")
    moved = table["change_usd"].to_numpy() / 1e9
    ends = np.cumsum(moved)
    starts, total = ends - moved, float(change.total["change_usd"]) / 1e9
    at = np.arange(len(table) + 1)
    with canvas(ax, (7, 0.3 * len(at) + 1.5)) as ax:
        bars = ax.barh(at, [*moved, total], left=[*starts, 0.0], height=0.62, edgecolor=paper(), linewidth=0)
        for bar, value in zip(bars, [*moved, total], strict=True):
            bar.set_facecolor(COLOURS[1] if value < 0 else COLOURS[0])
            bar.set_hatch("////" if value < 0 else "")
        bars[-1].set(facecolor=NEUTRAL, hatch="")
        ax.vlines(ends, at[:-1] - 0.31, at[1:] + 0.31, color=ink(), linewidth=0.7)
        ax.axvline(0, color=ink(), linewidth=0.6)
        ax.set_yticks(at, [*map(str, table.index), "all firms"])
        ax.get_yticklabels()[-1].set_fontweight("bold")
        _write_changes(ax, np.append(starts, 0.0), np.append(ends, total))
        ax.set_ylim(len(table) + 0.6, -0.6)
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("market-cap change, cumulated over firms, USD bn")
        said = f"closes x share counts; losses hatched; from {change.previous} to {change.session}"
        firms = f"{len(table)} firm{'s' if len(table) != 1 else ''}"
        ax.set_title(f"Market-cap change of {firms}: {_format.usd_bn(1e9 * total, 0)} bn in all\n{said}")
    return ax


def _write_changes(ax: Axes, starts: FloatArray, ends: FloatArray) -> None:
    """Write each bar's change beyond its end, and make room for it."""
    low, high = min(starts.min(), ends.min(), 0.0), max(starts.max(), ends.max(), 0.0)
    span = (high - low) or 1.0
    for y, (start, end) in enumerate(zip(starts, ends, strict=True)):
        side = "right" if end < start else "left"
        beyond = end + np.copysign(0.012 * span, end - start)
        text = _format.usd_bn(1e9 * (end - start))
        ax.text(float(beyond), y, text, ha=side, va="center", fontsize=8)
    ax.set_xlim(low - 0.14 * span, high + 0.14 * span)


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
