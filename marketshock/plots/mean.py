"""The mean of events: its path through the window, and each event beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import _format
from .._typing import FloatArray, IntArray
from ..catalog.table import members
from ..errors import InputError, check_share
from ..inference.mean import HOW, How, MeanCar, mean_car, mean_cars
from ..study.frames import labels_of
from ..study.results import StudyResult
from ..windows import days_of
from ._style import COLOURS, NEUTRAL, WIDE, canvas, folded, ink, listed, look, veil

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_SPACE = "\u2007"  # as wide as a digit
_ROWS = 60  # of a forest; more cannot be read on one page


@dataclass(frozen=True, slots=True)
class MeanPath:
    """The mean CAR of some events from the first day of the window to each of its L days.

    Attributes
    ----------
    label : str
        Which events.
    n : int
        How many.
    mean, low, high : ndarray of shape (L,)
        Decimal. The bounds are NaN where there is no standard error.
    how : tuple of {"prediction", "portfolio", "portfolios", "cross-sectional"}
        Origins of the standard errors, each once.
    notes : tuple of str
        What to mind of them, and why some are missing, each once.
    """

    label: str
    n: int
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    how: tuple[How, ...]
    notes: tuple[str, ...]


def caar(
    study: StudyResult,
    *,
    by: str | None = None,
    confidence: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean CAR of the events, cumulated from the first day of the window, with its band.

    Parameters
    ----------
    study : StudyResult
        The events.
    by : str, optional
        Column of ``study.events``: "group", "event", "ticker", "date" or another, such as a trait. Draw a line for each
        of its values, up to seven.
    confidence : float, optional
        Coverage of the band at each day (not of the whole path).
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Percent by day. On one common date the band is that of the equal-weighted portfolio, on dates of their own it is
        cross-sectional; the title says which. There is no band where neither holds, and the title says why.

    Raises
    ------
    InputError
        If there are more than seven lines to draw, or the events have no groups.

    Notes
    -----
    The line is the running sum of ``study.aar()["aar"]`` unless returns are missing: it is the mean of the CARs that
    the tests judge, in which a missing day counts nothing.
    """
    check_share("confidence", confidence, 0.95)
    lines = [mean_path(study, label, events, confidence) for label, events in _parts(study, by).items()]
    days = study.spec.window.offsets()
    whose = _events(len(study)) + ("" if by is None else f" by {by}")
    with canvas(ax, (7, 4)) as ax:
        for k, line in enumerate(lines):
            colour = COLOURS[k]
            name = f"{line.label} ({_events(line.n)})"
            if len(days) > 1:
                ax.fill_between(days, 100 * line.low, 100 * line.high, color=colour, alpha=veil(0.18), linewidth=0)
            else:  # a band without a width is not seen
                ax.vlines(days, 100 * line.low, 100 * line.high, color=colour, linewidth=1.2)
            ax.plot(days, 100 * line.mean, linewidth=1.6, label=listed(name), **look(k))
        ax.axhline(0, color=ink(), linewidth=0.6)
        if study.spec.window.first <= 0 <= study.spec.window.last:
            ax.axvline(0, color=NEUTRAL, linewidth=0.8, linestyle=":")
        day_ticks(ax, days)
        ax.set_xlabel("trading day relative to the event")
        ax.set_ylabel(f"mean CAR from day {study.spec.window.first}, %")
        ax.set_title(f"{folded(f'Mean CAR of {whose}, {study.model_name}')}\n{_bands(lines, confidence)}")
        if by is not None:
            _legend_above(ax, len(lines))
    return ax


def forest(
    study: StudyResult,
    first: int | None = None,
    last: int | None = None,
    *,
    confidence: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the CAR of each event with its interval, the largest on top, and their mean below.

    Parameters
    ----------
    study : StudyResult
        With up to sixty events.
    first, last : int, optional
        Trading days relative to day 0, both included; by default the whole event window.
    confidence : float, optional
        Coverage of the intervals.
    ax : Axes, optional
        Where to draw. The numbers stand to the right of it: its figure needs room or a layout.

    Returns
    -------
    Axes
        Percent. Events without a return are left out and counted in the title; the mean is there where it has a
        standard error (see `caar`).

    Raises
    ------
    InputError
        If there are more events than can be read, or no CAR at all.
    WindowError
        If the days are not inside the study's window.
    """
    window = days_of(study.spec.window, first, last)
    label = f"CAR{window}".replace(" ", "")
    table = study.car(window.first, window.last, confidence=confidence)
    lost = int(table["car"].isna().sum())
    table = table[table["car"].notna()].sort_values("car", ascending=False, kind="stable")
    if table.empty or len(table) > _ROWS:
        problem = f"{len(table)} events cannot be drawn" if len(table) else "no event has a return in the window"
        raise InputError("study", problem, f"study up to {_ROWS} events with returns")
    mean = mean_car(study.sample(window.first, window.last))
    mean_there = len(table) > 1 and mean.se >= 0
    labels = row_labels(study, [str(i) for i in table.index])
    values = 100 * table[["car", "ci_low", "ci_high"]].to_numpy()
    at = np.arange(len(table), dtype=float)
    if mean_there:
        values = np.vstack([values, 100 * np.array([mean.mean, *mean.interval(confidence)])])
        at, labels = np.append(at, len(table) + 0.3), [*labels, "mean"]
    with canvas(ax, (7, 0.26 * len(at) + 1.6)) as ax:
        _draw_rows(ax, at, values, len(table))
        ax.set_yticks(at, labels, fontsize=8)
        _write_numbers(ax, at, values, confidence)
        ax.set_ylim(at[-1] + 0.6, -1.4)
        ax.set_xlabel(f"{label}, %")
        missing = f" ({lost} without a return left out)" if lost else ""
        head = folded(f"{label} of {_events(len(table))}{missing}, {study.model_name}", WIDE)
        ax.set_title(f"{head}\n{folded(_mean_said(mean, len(table), confidence), WIDE)}")
    return ax


def mean_path(study: StudyResult, label: str, events: IntArray, confidence: float) -> MeanPath:
    """Return the mean CAR of some events by position, cumulated to each day of the window."""
    window = study.spec.window
    samples = [study.sample(window.first, int(last)) for last in window.offsets()]
    found = mean_cars(samples if len(events) == len(study) else [sample.take(events) for sample in samples])
    bounds = np.array([one.interval(confidence) for one in found])
    how = tuple(dict.fromkeys(one.how for one in found if one.how != "none"))
    lacking = [one.note for one in found if one.how == "none"]
    notes = [one.note for one in found if one.note and one.how != "none"]
    notes += [f"no band on {lacking.count(why)} of {len(found)} days: {why}" for why in dict.fromkeys(lacking)]
    mean = np.array([one.mean for one in found])
    return MeanPath(label, len(events), mean, bounds[:, 0], bounds[:, 1], how, tuple(dict.fromkeys(notes)))


def day_ticks(ax: Axes, days: IntArray) -> None:
    """Write whole days below, day 0 among them, as few as do not run into each other."""
    step = max(1, -(-len(days) // 16))
    ax.set_xticks([int(day) for day in days if day % step == 0])


def _parts(study: StudyResult, by: str | None) -> dict[str, IntArray]:
    """Return the positions of the events of each line."""
    if by is None:
        return {"all": np.arange(len(study))}
    labels = pd.Series(labels_of(study.events, by)).astype(str).to_numpy(dtype=object)
    parts = members(labels, by)
    if list(parts) == [""]:
        raise InputError("by", f"the events have no {by}", "give the events a column of that name, or leave by= out")
    if len(parts) > len(COLOURS):
        raise InputError("by", f"{len(parts)} lines are too many for one picture", f"draw up to {len(COLOURS)}")
    return {name or f"(no {by})": at for name, at in parts.items()}


def _events(n: int) -> str:
    return f"{n} event{'s' if n != 1 else ''}"


def _bands(lines: list[MeanPath], confidence: float) -> str:
    """Say where the bands come from; if not all from the same, by line."""
    level = f"bands: {100 * confidence:.0f} % at each day"
    said: dict[str, list[str]] = {}
    for line in lines:
        parts = "; ".join([*(HOW[how] for how in line.how), *line.notes])
        said.setdefault(parts, []).append(line.label)
    if len(said) == 1:
        only = next(iter(said))
        return folded(only if not lines[0].how else f"{level}, {only}")
    return folded("; ".join([level, *(f"{', '.join(labels)}: {parts}" for parts, labels in said.items())]))


def _legend_above(ax: Axes, n: int) -> None:
    """Make room above the lines and put the legend there."""
    columns = min(n, 3)
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.085 * -(-n // columns) * (top - bottom))
    ax.legend(ncols=columns, fontsize=8, loc="upper left")


def row_labels(study: StudyResult, ids: list[str]) -> list[str]:
    """Return the ticker where it tells the rows apart, else with its date, else the id of the event."""
    events = study.events.loc[ids]
    tickers = [str(t) for t in events["ticker"]]
    if len(set(tickers)) == len(tickers):
        return tickers
    dated = [f"{ticker}  {date.date()}" for ticker, date in zip(tickers, events["date"], strict=True)]
    return dated if len(set(dated)) == len(dated) else ids


def _draw_rows(ax: Axes, at: FloatArray, values: FloatArray, n: int) -> None:
    for rows, colour, marker, size in ((slice(0, n), COLOURS[0], "s", 4.0), (slice(n, None), ink(), "D", 5.5)):
        centre, low, high = values[rows].T
        if len(centre):
            ax.hlines(at[rows], low, high, color=colour, linewidth=1.4)
            ax.plot(centre, at[rows], marker, color=colour, markersize=size, linestyle="none")
    if len(at) > n:
        ax.axhline(n - 0.35, color=NEUTRAL, linewidth=0.6)
    ax.axvline(0, color=ink(), linewidth=0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)


def _write_numbers(ax: Axes, at: FloatArray, values: FloatArray, confidence: float) -> None:
    place = ax.get_yaxis_transform()
    centres = [_format.percent(v / 100).removesuffix(" %") for v in values[:, 0]]
    wide = max(map(len, centres))
    ax.text(1.02, -1.0, f"%, {100 * confidence:.0f} % interval", transform=place, va="center", fontsize=8)
    for y, centre, (low, high) in zip(at, centres, values[:, 1:], strict=True):
        interval = _format.interval(low / 100, high / 100, "percent")
        text = f"{centre.rjust(wide, FIGURE_SPACE)}  {interval}"
        ax.text(1.02, float(y), text, transform=place, va="center", fontsize=8)


def _mean_said(mean: MeanCar, n: int, confidence: float) -> str:
    level = f"{100 * confidence:.0f} % intervals"
    if n == 1:
        return level
    if not mean.se >= 0:
        return f"{level}; no interval of the mean: {mean.note}"
    note = f" ({mean.note})" if mean.note else ""
    return f"{level}; mean: {HOW[mean.how].removeprefix('of the ').removeprefix('of ')}{note}"
