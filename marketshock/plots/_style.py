"""One quiet style: readable in print, on dark backgrounds and for the colour-blind."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from .. import _format

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe and Ito (2008): distinguishable with every common colour blindness, and in grey by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
NEUTRAL = "#7F7F7F"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDE = 84  # characters of a title line of 7 inches


def ink() -> str:
    """Return the colour of lines and marks that must stand out from the page: that of the user's text."""
    import matplotlib as mpl

    return str(mpl.rcParams["text.color"])


def paper() -> str:
    """Return the colour of the page, for the inside of hollow marks and the rims of full ones."""
    import matplotlib as mpl

    return str(mpl.rcParams["axes.facecolor"])


def veil(alpha: float) -> float:
    """Return the opacity on the user's page: what is faint on white would vanish on black."""
    from matplotlib.colors import rgb_to_hsv, to_rgb

    dark = rgb_to_hsv(to_rgb(ink()))[2] > 0.5
    return 1 - (1 - alpha) ** 2 if dark else alpha


def look(k: int) -> dict[str, Any]:
    """Return how the k-th of up to seven lines is drawn: its colour, and marks of another shape, each second hollow."""
    colour = COLOURS[k]
    return {"color": colour, "marker": MARKERS[k], "markersize": 5, "markerfacecolor": paper() if k % 2 else colour}


@contextmanager
def canvas(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """Draw in the house's style on `ax`, or on the Axes of a new figure of that size in inches.

    The figure is made before the style is on: the first one chooses the backend, and what that sets is the user's.
    """
    if ax is None:
        figure = new_figure(None, size)
        with style():
            yield figure.add_subplot()
        return
    before = {text: text.get_text() for text in _texts(ax)}
    with style():
        yield ax
    for text in _texts(ax):
        if text.get_text() != before.get(text, ""):  # ours; what the user wrote keeps its mathematics
            text.set_parse_math(False)


def _texts(ax: Axes) -> list[Any]:
    from matplotlib.text import Text

    return ax.findobj(Text)


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


def alone(draw: Callable[..., object], size: tuple[float, float]) -> Figure:
    """Return a bare figure of a size in inches with what ``draw(ax=...)`` draws."""
    figure = bare_figure()
    figure.set_size_inches(size)
    with style():
        ax = figure.add_subplot()
    draw(ax=ax)
    return figure


def style() -> AbstractContextManager[None]:
    """Return the context in which all plots are drawn."""
    import matplotlib as mpl

    return mpl.rc_context(
        {
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.labelsize": 9,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "grid.color": "#7F7F7F",
            "grid.alpha": 0.2,
            "legend.frameon": False,
            "text.parse_math": False,  # a name with two dollar signs is a name
            "figure.dpi": 100,
            "savefig.dpi": 150,
            "svg.hashsalt": "marketshock",
        }
    )


def listed(name: str) -> str:
    """Return a name of the user's as the label of a line: matplotlib lists none that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def folded(text: str, wide: int = WIDE) -> str:
    """Return a line of a title in two lines at most."""
    return textwrap.fill(text, wide, max_lines=2, placeholder=" ...", break_on_hyphens=False)


def p_said(pvalue: float) -> str:
    """Return "p = 0.0123", or "p < 0.0001"."""
    shown = _format.pvalue(pvalue)
    return f"p < {shown[1:]}" if shown.startswith("<") else f"p = {shown}"


def date_axis(ax: Axes) -> None:
    """Write dates below as few as tell them apart."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.margins(x=0.04)
