"""Returns of portfolios sorted by trailing volatility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from .._typing import BoolArray, CalendarName, DateArray, FloatArray, Frame, IntArray
from ..errors import InputError, check_choice, check_count
from ..panel.returns import returns_of_prices
from ..providers.base import Prices
from ._rules import one_a_firm
from ._select import period
from ._trailing import trailing_volatility
from .membership import Membership

Rebalance: TypeAlias = Literal["month", "quarter", "year", "never"]
REBALANCE: tuple[Rebalance, ...] = ("month", "quarter", "year", "never")

SURVIVORS = (
    "The stocks were selected before the sort. If they are today's members of an index, firms that failed or left are "
    "missing and firms that joined after rising are included. Both raise returns, and not equally in all groups."
)
_MIN_SHARE = 0.9  # default min_obs as a share of the lookback


@dataclass(frozen=True, eq=False, repr=False)
class VolatilityPortfolios(Printable):
    """Returns of portfolios sorted by trailing volatility.

    Made by `volatility_portfolios`.

    Attributes
    ----------
    table : DataFrame
        Indexed by lookback (sessions) and portfolio (1 has the lowest volatility): total_return (decimal, from the
        first formation to the last close), n_firms (mean over formations), volatility (sorting variable, mean over
        formations and firms, decimal per day), turnover (one-way share of the portfolio traded, mean over rebalancings,
        decimal; NaN without a rebalancing).
    paths : DataFrame
        Value of one dollar, dates by (lookback, portfolio); the first row is the close of the first formation.
    groups : DataFrame
        Group of each ticker: indexed by lookback and formation date, tickers as columns; 0 if not sorted.
    rebalance : {"month", "quarter", "year", "never"}
        Interval between sorts.
    universe : str
        Description of the stocks sorted.
    notes : tuple of str
        Limitations of the figures.
    """

    table: pd.DataFrame
    paths: pd.DataFrame
    groups: pd.DataFrame
    rebalance: Rebalance
    universe: str
    notes: tuple[str, ...]

    @property
    def spread(self) -> pd.Series[float]:
        """Total return of the low-volatility group minus that of the high-volatility group (decimal), by lookback."""
        total = self.table["total_return"].unstack("portfolio")
        return pd.Series(total.iloc[:, 0] - total.iloc[:, -1], name="low_minus_high")

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def printout(self) -> Printout:
        """Return the printed form: total return, size and turnover by lookback and group."""
        days = self.paths.index
        when = {"never": "sorted once"}.get(self.rebalance, f"sorted at the end of each {self.rebalance}")
        title = (
            f"Equal-weighted portfolios by trailing volatility, {days[0].date()} to {days[-1].date()}, {when}; "
            f"{self.universe}"
        )
        return Printout((title,), (PrintedTable(*self._cells(), left=2),), self.notes, folded=True)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        last = int(self.table.index.get_level_values("portfolio").max())
        rows = []
        for r in _format.rows(self.table):
            name = {1: "1 (low)", last: f"{last} (high)"}.get(r["portfolio"], str(r["portfolio"]))
            daily = _format.percent(r["volatility"]).removeprefix("+")
            turnover = "-" if np.isnan(r["turnover"]) else f"{100 * r['turnover']:.0f} %"
            total = _format.percent(r["total_return"], 1)
            rows.append([str(r["lookback"]), name, total, _format.number(r["n_firms"], 1), daily, turnover])
            if r["portfolio"] == last:
                rows.append(
                    [str(r["lookback"]), "low - high", _format.percent(self.spread[r["lookback"]], 1), "", "", ""]
                )
        return ["lookback", "group", "total return", "firms", "volatility", "turnover"], rows


def volatility_portfolios(
    prices: Prices | Frame,
    *,
    lookback: int | Sequence[int] = (126, 252),
    groups: int = 3,
    rebalance: Rebalance = "month",
    start: object = None,
    end: object = None,
    min_obs: int | None = None,
    members: Membership | None = None,
    universe: str = "",
    calendar: CalendarName = "auto",
) -> VolatilityPortfolios:
    """Sort stocks by trailing volatility and hold them, equal-weighted, until the next sort.

    Parameters
    ----------
    prices : Prices or DataFrame
        Prices. Returns are total returns, from adjusted closes. Share classes of one firm count once.
    lookback : int or sequence of int, optional
        Sessions in the volatility window; by default half a year and a year.
    groups : int, optional
        Number of groups: 3 for terciles, 5 for quintiles. A remainder goes to the groups of lowest volatility.
    rebalance : {"month", "quarter", "year", "never"}, optional
        Stocks are sorted at the last close of each interval.
    start, end : date or str, optional
        First and last session held. The first sort is at the close before `start`; by default `start` is the
        earliest session for which the longest lookback has `min_obs` returns.
    min_obs : int, optional
        Minimum number of returns in the lookback; by default 90 % of it.
    members : Membership, optional
        Stocks eligible for sorting, as of the day of each sort; by default all.
    universe : str, optional
        Description of the stocks, for the heading.
    calendar : {"auto", "NYSE", "index"}, optional
        Calendar on which sessions are counted, as in `event_study`.

    Returns
    -------
    VolatilityPortfolios

    Raises
    ------
    InputError
        If an option is out of range, the period is too short, or a sort has fewer firms than groups.
    ChoiceError
        If `rebalance` or `calendar` is not one of the allowed values.
    PriceError
        If the prices are invalid: infinite, not positive, text, or with duplicate or unsorted dates.

    Notes
    -----
    At the close of day d stocks are sorted by the standard deviation (about the mean, divisor n - 1) of daily simple
    returns over the `lookback` sessions that end the day *before* d. Stocks with a close on d and enough returns are
    bought at that close with equal weights and held. The value of a group is the mean of price / price at d. A stock
    without a close on a day is valued at its last close, and sold at that close at the next sort if no later close
    exists. Ties keep the order of the columns. There are no trading costs.

    Turnover is half the sum of absolute differences between the new weights and the drifted weights of the old
    portfolio.

    References
    ----------
    Blitz and van Vliet (2007), Journal of Portfolio Management 34, for sorts on trailing volatility.
    """
    held = prices if isinstance(prices, Prices) else Prices.from_frame(prices)
    looks = _looks(lookback, min_obs)
    check_choice("rebalance", rebalance, REBALANCE)
    check_count("groups", groups, 2)
    market = returns_of_prices(held, calendar, False)
    keep = sorted(set(one_a_firm(market.names)))
    names = [market.names[k] for k in keep]
    levels = _on_sessions(held, market.days)[:, keep]
    volatility = {
        look: trailing_volatility(market.values[:, keep], look, "mean", least)[0] for look, least in looks.items()
    }
    sorts, last = _sorts(market.days, volatility[max(looks)], rebalance, start, end, groups)
    inside = _inside(members, market.days[sorts], names)
    made = {look: _held(levels, found, sorts, last, groups, inside, look) for look, found in volatility.items()}
    return _result(made, volatility, market.days, names, sorts, last, rebalance, universe, looks)


@dataclass(frozen=True, slots=True)
class _Path:
    """Portfolios of one lookback.

    Shapes: `value` (n_days, G), `group` (n_sorts, N) with 0 for not sorted, `turnover` (n_sorts, G), NaN at the first
    sort. `n_without` counts holdings without a close at the end of a holding period.
    """

    value: FloatArray
    group: IntArray
    turnover: FloatArray
    n_without: int


def assign(volatility: FloatArray, eligible: BoolArray, groups: int) -> IntArray:
    """Return the group of each stock, (n,): 1 has the lowest volatility, 0 is not eligible."""
    out = np.zeros(len(volatility), dtype=np.int64)
    at = np.flatnonzero(eligible)
    order = at[np.argsort(volatility[at], kind="stable")]
    for g, part in enumerate(np.array_split(order, groups), start=1):
        out[part] = g
    return out


def _held(
    levels: FloatArray,
    volatility: FloatArray,
    sorts: IntArray,
    last: int,
    groups: int,
    inside: BoolArray,
    lookback: int,
) -> _Path:
    """Sort at each row in `sorts` and hold until the next sort, or until row `last`."""
    value = np.ones((last - sorts[0] + 1, groups))
    group = np.zeros((len(sorts), levels.shape[1]), dtype=np.int64)
    turnover = np.full((len(sorts), groups), np.nan)
    drifted = np.zeros((groups, levels.shape[1]))
    without = 0
    for k, row in enumerate(sorts):
        eligible = inside[k] & np.isfinite(volatility[row]) & np.isfinite(levels[row])
        if eligible.sum() < groups:
            what = f"{int(eligible.sum())} firms can be sorted by {lookback} sessions for {groups} groups"
            raise InputError("prices", what, "give more stocks, a longer history, or a smaller min_obs")
        group[k] = assign(volatility[row], eligible, groups)
        until = sorts[k + 1] if k + 1 < len(sorts) else last
        stretch = levels[row : until + 1]
        without += int(np.isnan(stretch[-1, eligible]).sum())
        relative = _filled(stretch) / stretch[0]
        for g in range(groups):
            own = group[k] == g + 1
            weight = own / own.sum()
            if k:
                turnover[k, g] = np.abs(weight - drifted[g]).sum() / 2
            path = relative[:, own].mean(axis=1)
            value[row - sorts[0] : until - sorts[0] + 1, g] = value[row - sorts[0], g] * path
            drifted[g] = 0.0
            drifted[g, own] = relative[-1, own] / relative[-1, own].sum()
    return _Path(value, group, turnover, without)


def _filled(levels: FloatArray) -> FloatArray:
    """Carry the last price forward over days without one."""
    at = np.where(np.isfinite(levels), np.arange(len(levels))[:, None], 0)
    return np.take_along_axis(levels, np.maximum.accumulate(at, axis=0), axis=0)


def _sorts(
    days: DateArray, volatility: FloatArray, rebalance: Rebalance, start: object, end: object, groups: int
) -> tuple[IntArray, int]:
    """Return the rows of the sorts (at the close) and the last row held."""
    n = np.isfinite(volatility).sum(axis=1)
    ready = np.flatnonzero(n >= groups)
    if not len(ready):
        what = f"at most {n.max()} firms have enough returns in the lookback, for {groups} groups"
        raise InputError("prices", what, "give more stocks, a longer history, or a smaller min_obs")
    held = period(days, start, end)
    first = held.start - 1 if start is not None else max(int(ready[0]), held.start)
    last = held.stop - 1
    if first < ready[0]:
        remedy = (
            f"start on {days[ready[0] + 1]} or later, or give a smaller min_obs" if ready[0] + 1 < len(days) else ""
        )
        raise InputError("start", f"the lookback has too few returns before {days[held.start]}", remedy)
    if first >= last:
        raise InputError("end", f"nothing is held from {days[first]} to {days[last]}", "give a longer period")
    unit = {"month": "datetime64[M]", "year": "datetime64[Y]"}.get(rebalance, "datetime64[M]")
    step = 3 if rebalance == "quarter" else 1
    label = days[first : last + 1].astype(unit).astype(np.int64) // step
    closing = np.flatnonzero(label[1:] != label[:-1]) if rebalance != "never" else np.empty(0, np.int64)
    rows = np.unique(np.concatenate([[first], first + closing]))
    return rows[rows < last].astype(np.int64), last


def _inside(members: Membership | None, days: DateArray, names: list[str]) -> BoolArray:
    if members is None:
        return np.ones((len(days), len(names)), dtype=bool)
    members.check(names)
    return members.on(days, names)


def _on_sessions(held: Prices, days: DateArray) -> FloatArray:
    """Return closes with dividends reinvested on the sessions of the calendar, NaN on sessions without a row."""
    out = np.full((len(days), len(held.tickers)), np.nan)
    out[np.searchsorted(days, held.dates.to_numpy().astype("datetime64[D]"))] = held.reinvested.to_numpy()
    return out


def _result(
    made: dict[int, _Path],
    volatility: dict[int, FloatArray],
    days: DateArray,
    names: list[str],
    sorts: IntArray,
    last: int,
    rebalance: Rebalance,
    universe: str,
    looks: dict[int, int],
) -> VolatilityPortfolios:
    rows, paths, assigned = [], {}, []
    dates = pd.DatetimeIndex(days[sorts].astype("datetime64[ns]"), name="date")
    for look, path in made.items():
        for g in range(1, path.value.shape[1] + 1):
            own = path.group == g
            traded = path.turnover[1:, g - 1]
            rows.append(
                {
                    "lookback": look,
                    "portfolio": g,
                    "total_return": path.value[-1, g - 1] - 1,
                    "n_firms": own.sum(axis=1).mean(),
                    "volatility": volatility[look][sorts][own].mean(),
                    "turnover": traded.mean() if len(traded) else np.nan,
                }
            )
            paths[(look, g)] = path.value[:, g - 1]
        assigned.append(pd.DataFrame(path.group, index=dates, columns=names))
    index = pd.DatetimeIndex(days[sorts[0] : last + 1].astype("datetime64[ns]"), name="date")
    frame = pd.DataFrame(paths, index=index)
    frame.columns = frame.columns.set_names(["lookback", "portfolio"])
    table = pd.DataFrame(rows).set_index(["lookback", "portfolio"])
    groups = pd.concat(assigned, keys=list(made), names=["lookback", "date"])
    least = ", ".join(f"{least} of {look}" for look, least in looks.items())
    n_without = max(path.n_without for path in made.values())
    notes = [f"Sorted on returns up to the day before each formation (at least {least} returns). {SURVIVORS}"]
    if n_without:
        notes.append(
            f"{n_without} holdings had no close at the end of their holding period and were sold at their last close."
        )
    text = f"{len(names)} firms" + (f": {universe}" if universe else " as given")
    return VolatilityPortfolios(table, frame, groups, rebalance, text, tuple(notes))


def _looks(lookback: int | Sequence[int], min_obs: int | None) -> dict[int, int]:
    """Return the minimum number of returns by lookback."""
    given = list(lookback) if isinstance(lookback, Sequence) else [lookback]
    for look in given or [0]:
        if isinstance(look, bool) or not isinstance(look, (int, np.integer)) or look < 2:
            raise InputError("lookback", f"got {lookback!r}", "give sessions, such as (126, 252)")
    if min_obs is not None:
        check_count("min_obs", min_obs, 2, min(given))
    return {int(look): int(min_obs or max(2, np.ceil(_MIN_SHARE * look))) for look in given}
