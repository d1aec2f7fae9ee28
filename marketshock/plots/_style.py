"""One quiet style: readable in print, on dark backgrounds and for the colour-blind."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe and Ito (2008): distinguishable with every common colour blindness, and in grey by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
NEUTRAL = "#7F7F7F"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or the Axes of a new figure of that size in inches."""
    return ax if ax is not None else new_figure(None, size).add_subplot()


def new_figure(figure: Figure | None, size: tuple[float, float]) -> Figure:
    """Return `figure`, or a new one of that size in inches."""
    if figure is not None:
        figure.set_size_inches(size)
        return figure
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, layout="constrained")


def bare_figure() -> Figure:
    """Return an empty figure that no window system knows of: to draw in and save, from any thread or program."""
    from matplotlib.figure import Figure

    return Figure(layout="constrained")


def style() -> AbstractContextManager[None]:
    """Return the context in which all plots are drawn."""
    import matplotlib as mpl

    return mpl.rc_context(
        {
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "grid.color": "#7F7F7F",
            "grid.alpha": 0.2,
            "legend.frameon": False,
            "figure.dpi": 100,
            "savefig.dpi": 150,
            "svg.hashsalt": "marketshock",
        }
    )


def date_axis(ax: Axes) -> None:
    """Write dates below as few as tell them apart."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.margins(x=0.04)
