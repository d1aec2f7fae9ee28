"""Plots of backtests: the account, the average trade, single trades, and random dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ..backtests.placebo import PlaceboTrades
from ..backtests.result import Backtest
from ..errors import InputError, check_choice
from ._style import COLOURS, MARKERS, NEUTRAL, canvas, date_axis, folded, ink, listed, new_figure, p_said, style, veil
from .robustness import histogram_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEADROOM = 1.25
_FEW = 12  # trades that are labeled


def equity(result: Backtest, *, figure: Figure | None = None) -> list[Axes]:
    """Draw equity, the benchmark if there is one, and the drawdown below.

    Parameters
    ----------
    result : Backtest
        With at least one trade.
    figure : Figure, optional
        An empty figure to draw in.

    Returns
    -------
    list of Axes
        Gain since the initial capital (percent) and drawdown (percent). ``axes[0].figure`` is the figure.

    Raises
    ------
    InputError
        If nothing was traded.
    """
    daily = _daily(result)
    figure = new_figure(figure, (7.5, 4.6))
    dates = _with_start(result, daily)
    gained = 100 * np.concatenate([[0.0], daily["equity"].to_numpy() / result.spec.capital - 1])
    with style():
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        upper.plot(dates, gained, color=COLOURS[0], linewidth=1.5, label="rule, after costs")
        if result.spec.benchmark is not None:
            market = result.information.market
            column = market.returns.values[result._span, market.names.index(result.spec.benchmark)]
            held = 100 * (np.cumprod(1 + np.nan_to_num(column)) - 1)
            label = listed(f"{result.spec.benchmark}, held throughout")
            upper.plot(dates, np.concatenate([[0.0], held]), color=NEUTRAL, linewidth=1.0, linestyle="--", label=label)
        upper.axhline(0, color=ink(), linewidth=0.6)
        upper.set_ylabel("gain, %")
        upper.set_title(_title(result, f"{_trades(len(result.trades))}, {result.spec.costs}"))
        _room_above(upper)
        upper.legend(fontsize=8, ncols=2, loc="upper left")
        fallen = 100 * np.concatenate([[0.0], daily["drawdown"].to_numpy()])
        lower.fill_between(dates, fallen, 0, color=COLOURS[1], alpha=veil(0.35), linewidth=0)
        lower.plot(dates, fallen, color=COLOURS[1], linewidth=0.8)
        lower.set_ylabel("drawdown, %")
        lower.set_ylim(min(float(fallen.min()) * 1.15, -0.1), 0)
        date_axis(lower)
    return [upper, lower]


def trade_path(
    result: Backtest, placebo: PlaceboTrades | None = None, *, confidence: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the average trade in event time with its interval, and the band of random dates.

    Parameters
    ----------
    result : Backtest
        With at least one trade.
    placebo : PlaceboTrades, optional
        Placebo trades of the same backtest, drawn as the band that contains the share `confidence` of the draws.
    confidence : float, optional
        Level of both bands.
    ax : Axes, optional
        Axes to draw in.

    Returns
    -------
    Axes
        Cumulative return over the stake after costs, percent, by closes after the fill. The interval is that of the
        mean, clustered by date. With one date there is no interval, and the single trades are drawn.

    Raises
    ------
    InputError
        If nothing was traded.
    """
    _daily(result)
    path = result.path(confidence)
    at = path.index.to_numpy()
    level = f"{100 * confidence:.0f} %"
    with canvas(ax, (6.8, 3.9)) as ax:
        if placebo is not None:
            band = placebo.band(confidence)
            ax.fill_between(
                at, 100 * band["placebo_low"], 100 * band["placebo_high"], color=NEUTRAL, alpha=veil(0.25), linewidth=0,
                label=f"{level} of random dates",
            )  # fmt: skip
            ax.plot(at, 100 * band["placebo_mean"], color=NEUTRAL, linewidth=1, linestyle="--", label="their mean")
        if path["se"].notna().any():
            ax.fill_between(
                at, 100 * path["ci_low"], 100 * path["ci_high"], color=COLOURS[0], alpha=veil(0.25), linewidth=0,
                label=f"{level} interval of the mean",
            )  # fmt: skip
        else:
            lines = 100 * result.paths.to_numpy()[:50]
            for k, line in enumerate(lines):
                label = "single trades" if k == 0 else None
                ax.plot(at, line, color=COLOURS[5], linewidth=0.7, alpha=0.6, label=label)
        ax.plot(at, 100 * path["mean"], color=COLOURS[0], linewidth=1.8, marker="o", markersize=3.5, label="mean trade")
        ax.axhline(0, color=ink(), linewidth=0.6)
        ax.set_xlabel("closes after the fill")
        ax.set_ylabel("cumulative return, %")
        _whole_ticks(ax, int(at[-1]))
        stats = result.per_trade
        dates = f"{stats.n_dates} date{'s' if stats.n_dates != 1 else ''}"
        ax.set_title(_title(result, f"{_trades(stats.n_trades)} on {dates}, {result.spec.costs}"))
        _room_above(ax, 0.28)
        ax.legend(fontsize=8, ncols=2, loc="upper left")
    return ax


def trades(result: Backtest, *, x: Literal["date", "move"] = "date", ax: Axes | None = None) -> Axes:
    """Draw the return of each trade against its date, or against the return of day 0.

    Parameters
    ----------
    result : Backtest
        With at least one trade.
    x : {"date", "move"}, optional
        Day 0, or its return (for rules that trade each event's own security).
    ax : Axes, optional
        Axes to draw in.

    Returns
    -------
    Axes
        Returns over stakes after costs, percent. Up to twelve trades are labeled.

    Raises
    ------
    InputError
        If nothing was traded, or ``x="move"`` and the rule does not trade the events' own securities.
    """
    check_choice("x", x, ("date", "move"))
    _daily(result)
    events, info, at = result.trades, result.information, result.traded_events
    if x == "move" and (info.column[at] < 0).any():
        raise InputError("x", "got 'move', but the rule does not trade the event's own security", "give 'date'")
    place = (
        events["date"].to_numpy() if x == "date" else 100 * info.market.returns.values[info.row[at], info.column[at]]
    )
    gained = 100 * events["return"].to_numpy()
    with canvas(ax, (7.0, 4.0)) as ax:
        for won, colour, marker, text in (
            (gained > 0, COLOURS[0], MARKERS[0], "profit"),
            (gained <= 0, COLOURS[1], MARKERS[1], "loss"),
        ):
            if won.any():
                label = f"{text}: {won.sum()}"
                look: dict[str, Any] = {"color": colour, "alpha": veil(0.8), "markersize": 5, "linewidth": 0}
                ax.plot(place[won], gained[won], marker, label=label, **look)
        mean = 100 * result.per_trade.mean
        ax.axhline(0, color=ink(), linewidth=0.6)
        ax.axhline(mean, color=NEUTRAL, linewidth=1, linestyle="--", label=f"mean {mean:+.2f} %")
        ax.set_xlabel("day 0" if x == "date" else "return of day 0, %")
        ax.set_ylabel("return of the trade, %")
        ax.set_title(_title(result, f"{_trades(len(events))}, {result.spec.costs}"))
        if x == "date":
            _date_limits(ax, events["date"])
        _room_above(ax, 0.2)
        if len(events) <= _FEW:
            _name(ax, place, gained, events["ticker"].tolist())
        ax.legend(fontsize=8, ncols=3, loc="upper left")
    return ax


def placebo_trades(placebo: PlaceboTrades, *, ax: Axes | None = None) -> Axes:
    """Draw the mean returns of the draws as a histogram, and the mean return of the events.

    Parameters
    ----------
    placebo : PlaceboTrades
        Returned by `marketshock.placebo_trades`.
    ax : Axes, optional
        Axes to draw in.

    Returns
    -------
    Axes
        Mean returns in percent.
    """
    drawn = 100 * placebo.distribution[np.isfinite(placebo.distribution)]
    value = 100 * placebo.observed
    with canvas(ax, (7.0, 3.8)) as ax:
        ax.hist(drawn, bins=histogram_bins(drawn, value), color=NEUTRAL, alpha=veil(0.55), label=f"{len(drawn)} draws")
        ax.axvline(value, ymax=1 / _HEADROOM, color=COLOURS[1], linewidth=1.8, label=f"the events: {value:+.2f} %")
        ax.axvline(0, ymax=1 / _HEADROOM, color=ink(), linewidth=0.6, linestyle=":")
        ax.set_xlabel("mean return of a trade, %")
        ax.set_ylabel("draws")
        what = "shifted calendars" if placebo.how == "shift" else f"random dates, same {' and '.join(placebo.match)}"
        below = f"{what if placebo.match else 'random dates and securities'}: {p_said(placebo.pvalue)}"
        ax.set_title(f"{folded(placebo.rule)}\n{below} ({placebo.alternative})")
        ax.set_ylim(0, _HEADROOM * ax.get_ylim()[1])
        ax.legend(fontsize=8, ncols=2, loc="upper center")
    return ax


def _daily(result: Backtest) -> pd.DataFrame:
    if result.daily.empty:
        raise InputError("result", "nothing was traded", "see result.exclusions")
    return result.daily


def _with_start(result: Backtest, daily: pd.DataFrame) -> pd.DatetimeIndex:
    """Return the sessions and the one before the first fill, on which the account has its initial capital."""
    days, first = result.information.market.days, result._span.start
    before = days[first - 1] if first else days[first] - np.timedelta64(1, "D")
    return pd.DatetimeIndex(np.concatenate([[before.astype("datetime64[ns]")], daily.index.to_numpy()]))


def _title(result: Backtest, below: str) -> str:
    return f"{folded(result.name)}\n{folded(below)}"


def _trades(n: int) -> str:
    return f"{n} trade{'s' if n != 1 else ''}"


def _room_above(ax: Axes, share: float = 0.16) -> None:
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + share * (top - bottom))


def _whole_ticks(ax: Axes, last: int) -> None:
    step = max(1, -(-last // 12))
    ax.set_xticks(range(0, last + 1, step))


def _date_limits(ax: Axes, dates: pd.Series[pd.Timestamp]) -> None:
    """Set the limits with some days on both sides."""
    first, last = dates.min(), dates.max()
    wide = max((last - first) * 0.05, pd.Timedelta(days=5))
    ax.set_xlim(first - wide, last + wide)  # type: ignore[arg-type]
    date_axis(ax)


def _name(ax: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    """Label the points; a label that would overlap another is moved up."""
    low, high = ax.get_ylim()
    left, right = ax.get_xlim()
    ax.set_xlim(left, right + 0.08 * (right - left))
    across = np.array([float(v) for v in ax.convert_xunits(x)])  # type: ignore[no-untyped-call]
    least, near = 0.05 * (high - low), 0.15 * (right - left)
    order = np.argsort(y, kind="stable")
    put = np.array(y, dtype=float)
    for i, k in enumerate(order):
        for j in order[:i]:
            if abs(across[k] - across[j]) < near and put[k] < put[j] + least:
                put[k] = put[j] + least
    for k in order:
        ax.annotate(names[k], (x[k], put[k]), xytext=(7, 0), textcoords="offset points", fontsize=7.5, va="center")
