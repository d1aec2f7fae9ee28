"""Placebo trades: the same rule on random dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from .._typing import ALTERNATIVES, Alternative, FloatArray, IntArray, StrArray
from ..engines.progress import Progress, watched
from ..errors import InputError, check_choice, check_share
from ..inference.outcome import tails
from .draws import MATCHES, Drawn, Group, Match, check_draws, drawn_dates, drawn_pairs, generator, shifted_dates
from .exits import STILL_OPEN
from .information import InformationSet, bare_table
from .result import Backtest
from .timing import unconditional
from .trading import MARKET, Traded, event_paths, event_returns, information_of, trade

How: TypeAlias = Literal["dates", "shift"]
HOWS: tuple[How, ...] = get_args(How)

_AT_ONCE = 200_000  # placebo trades


@dataclass(frozen=True, eq=False, repr=False)
class PlaceboTrades(Printable):
    """The mean return of a trade compared with that of the same rule on random dates.

    Made by `placebo_trades`.

    Attributes
    ----------
    observed : float
        Mean return of the trades that ended inside the prices (decimal). `Costs.per_order` is divided by the stake at
        the initial capital.
    distribution : ndarray of shape (draws,)
        Mean return of a trade in each draw.
    pvalue : float
        Against `alternative`: (1 + number of draws as extreme) / (draws + 1).
    alternative : {"greater", "less", "two-sided"}
        "greater": the rule earned more than on random dates.
    n_trades, n_dates : int
        Number of these trades and of their dates.
    n_traded : ndarray of shape (draws,), int
        Placebo events traded in each draw.
    how : {"dates", "shift"}
        How dates were drawn.
    match : tuple of str
        Properties that a random date shares with that of the event.
    rule : str
        The rule in words.
    """

    observed: float
    distribution: FloatArray
    pvalue: float
    alternative: Alternative
    n_trades: int
    n_dates: int
    n_traded: IntArray
    how: How
    match: tuple[Match, ...]
    rule: str
    _result: Backtest
    _kinds: _Kinds
    _drawn: Drawn

    @property
    def mean(self) -> float:
        """Mean of the draws (decimal)."""
        return float(np.nanmean(self.distribution))

    def band(self, coverage: float = 0.95) -> pd.DataFrame:
        """Return the average trade on random dates in event time.

        Parameters
        ----------
        coverage : float, optional
            Share of the draws inside the band, at each close separately.

        Returns
        -------
        DataFrame
            Indexed by closes after the fill, as ``Backtest.path()``: placebo_mean, placebo_low, placebo_high (decimal).
        """
        check_share("coverage", coverage, 0.95)
        draw, row, kind = self._drawn
        width, n = len(self._kinds.column), len(self.distribution)
        unique, place = np.unique(row * width + kind, return_inverse=True)
        steps = self._result.paths.shape[1] - 1
        blocks = [unique[lo : lo + _AT_ONCE] for lo in range(0, len(unique), _AT_ONCE)]
        paths = np.concatenate([_paths(self._result, self._kinds, b // width, b % width, steps) for b in blocks])
        means = np.column_stack([_means(draw, values[place], n)[0] for values in paths.T])
        low, high = np.nanquantile(means, [(1 - coverage) / 2, (1 + coverage) / 2], axis=0)
        columns = {"placebo_mean": np.nanmean(means, axis=0), "placebo_low": low, "placebo_high": high}
        return pd.DataFrame(columns, index=pd.RangeIndex(steps + 1, name="close"))

    def to_frame(self) -> pd.DataFrame:
        """Return the figures as one row."""
        return pd.DataFrame([self._figures])

    @cached_property
    def _figures(self) -> dict[str, float | int | str]:
        there = self.distribution[np.isfinite(self.distribution)]
        return {
            "observed": self.observed,
            "placebo_mean": self.mean,
            "placebo_sd": float(there.std(ddof=1)),
            "placebo_low": float(np.quantile(there, 0.025)),
            "placebo_high": float(np.quantile(there, 0.975)),
            "pvalue": self.pvalue,
            "alternative": self.alternative,
            "n_draws": len(there),
            "n_trades": self.n_trades,
            "n_dates": self.n_dates,
        }

    def printout(self) -> Printout:
        """Return the printed form: the mean return of a trade, and where it lies among the draws."""
        method = "dates drawn without replacement"
        if self.how == "shift":
            method = f"all dates shifted together, {len(self.distribution)} shifts"
        same = f", matched by {' and '.join(self.match)}" if self.match else ""
        title = [f"Placebo trades: {self.rule}; {method}{same}"]
        if self.n_traded.min(initial=self.n_trades) < self.n_trades:
            title.append(f"on average {self.n_traded.mean():.1f} of {self.n_trades} placebo events were traded")
        if self.n_dates == 1:
            title.append("one event date: p is only its rank among other dates")
        return Printout(title, (PrintedTable(*self._cells()),), folded=True)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        f, percent = self._figures, _format.percent
        low, high = (percent(float(f[name])) for name in ("placebo_low", "placebo_high"))
        dates = f"{self.n_dates} date{'s' if self.n_dates != 1 else ''}"
        rows = [
            [f"mean return of a trade, {self.n_trades} on {dates}", percent(self.observed)],
            [f"mean of {f['n_draws']} draws", percent(self.mean)],
            ["central 95 % of the draws", f"{low} to {high}"],
            [f"p ({self.alternative})", _format.pvalue(self.pvalue)],
        ]
        return ["", "value"], rows


def placebo_trades(
    result: Backtest,
    draws: int = 999,
    *,
    match: Sequence[Match] | Match = ("ticker",),
    how: How = "dates",
    alternative: Alternative = "greater",
    seed: int | np.random.Generator = 0,
    progress: Progress = None,
) -> PlaceboTrades:
    """Trade the same rule on random dates, and compare the mean return of a trade.

    Parameters
    ----------
    result : Backtest
        Its events, rule, prices and costs are used.
    draws : int, optional
        Random sets of dates.
    match : sequence of {"ticker", "weekday", "volatility"}, optional
        Properties that a random date shares with that of the event: the securities traded; the day of the week; the
        quintile of the trailing volatility (63 sessions, mean rank of its securities). Without "ticker" the securities
        are drawn at random too, except indices (names with ^).
    how : {"dates", "shift"}, optional
        "dates" draws dates without replacement; events of one date stay together. "shift" moves all dates by one random
        number of sessions, circularly, which keeps the spacing of the events and so their overlap.
    alternative : {"greater", "less", "two-sided"}, optional
        Alternative to "the rule earns the same on the events as on random dates".
    seed : int or Generator, optional
        The same seed gives the same bytes.
    progress : bool or callable, optional
        True shows a bar; ``progress(parts, n)`` wraps the work in your own.

    Returns
    -------
    PlaceboTrades
        A random date is one on which the rule would trade and whose trade ends inside the prices; the dates of the
        events are among them. A rule with a condition on day 0 and an `unconditional` form (`AfterDrop`) is compared
        with that form.

    Raises
    ------
    InputError
        If nothing was traded, an option is unknown, or too few dates match.

    Notes
    -----
    The p-value is exact if, without an effect, the event dates are exchangeable with the matched dates
    (``how="dates"``), or their calendar with any shift of it (``"shift"``). The statistic is the mean return of a trade
    over its stake, after costs. Sizes do not enter, but which events were traded may depend on the limits. Trades cut
    off by the end of the prices are excluded on both sides.

    References
    ----------
    Brown and Warner (1980), Journal of Financial Economics 8, for random event dates; Phipson and Smyth (2010), for the
    1 in both counts.
    """
    chosen = _check_match(match, how)
    check_choice("alternative", alternative, ALTERNATIVES)
    check_draws(draws)
    if not isinstance(result, Backtest):
        raise InputError("result", f"got {type(result).__name__}", "give what marketshock.backtest returned")
    own, market, rng = result.spec.rule.own_tickers, result.information.market, generator(seed)
    ended = _ended(result)
    kinds, groups = _kinds(result, ended, "ticker" in chosen or not own)
    table = _table(result, kinds, progress)
    if how == "shift":
        drawn = shifted_dates(groups, table, draws, rng)
    elif own and "ticker" not in chosen:
        drawn = drawn_pairs(market, groups, table, draws, chosen, rng)
    else:
        drawn = drawn_dates(market, groups, kinds.column, table, draws, chosen, rng)
    draw, row, kind = drawn
    distribution, n_traded = _means(draw, table[row, kind], int(draw.max()) + 1)
    observed = float(_returns(result, result.traded, len(result.information))[ended].mean())
    return PlaceboTrades(
        observed,
        distribution,
        _pvalue(observed, distribution, alternative),
        alternative,
        len(ended),
        len(groups),
        n_traded,
        how,
        chosen if own else tuple(name for name in chosen if name != "ticker"),
        result.name,
        result,
        kinds,
        drawn,
    )


def _check_match(match: object, how: object) -> tuple[Match, ...]:
    """Return the properties to match, or raise `InputError`."""
    if not isinstance(match, (str, Sequence)):
        raise InputError("match", f"got {match!r}", f"give some of {', '.join(MATCHES)}")
    chosen = (match,) if isinstance(match, str) else tuple(match)
    for name in chosen:
        check_choice("match", name, MATCHES)
    check_choice("how", how, HOWS)
    if how == "shift" and set(chosen) != {"ticker"}:
        raise InputError("match", f"got {chosen} with how='shift'", "give ('ticker',): a shift keeps the tickers")
    if "volatility" in chosen and "ticker" not in chosen:
        raise InputError("match", f"got {chosen}", "add 'ticker': volatility is matched for the same tickers")
    return chosen


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Trades that can be made on a date: security (one past the last stands for none) and group, (K,) each."""

    column: IntArray
    group: StrArray


def _kinds(result: Backtest, ended: IntArray, same: bool) -> tuple[_Kinds, list[Group]]:
    """Return the kinds of trades, and the traded events of each date as positions among them."""
    info = result.information
    columns = np.where(info.column[ended] < 0, len(info.market.names), info.column[ended])
    reads = bool(getattr(result.spec.rule, "reads_groups", True))
    labels = info.table.group[ended] if reads else np.full(len(ended), "", dtype=object)
    if same:
        pairs = sorted(set(zip(columns.tolist(), labels.tolist(), strict=True)))
    else:
        if len(set(labels.tolist())) > 1:
            what = "has no 'ticker', and the rule may read the groups of the events"
            raise InputError("match", what, "keep 'ticker', or give events of one group")
        pairs = [(k, str(labels[0])) for k, name in enumerate(info.market.names) if "^" not in name]
    place = {pair: k for k, pair in enumerate(pairs)}
    rows = info.row[ended]
    groups = []
    for row in np.unique(rows):
        own = np.flatnonzero(rows == row)
        kinds = tuple(place.get((int(columns[i]), str(labels[i])), 0) for i in own)
        groups.append(Group(int(row), tuple(sorted(kinds)), tuple(int(c) for c in columns[own])))
    column, group = zip(*pairs, strict=True)
    return _Kinds(np.array(column, dtype=np.int64), np.array(group, dtype=object)), groups


def _ended(result: Backtest) -> IntArray:
    """Return the traded events whose trades end inside the prices; only such trades are drawn and compared."""
    fills, traded = result.traded.fills, result.traded_events
    cut = np.unique(fills.event[(fills.exit.reason == STILL_OPEN) & result.account.traded_legs])
    ended = np.setdiff1d(traded, cut)
    if not len(ended):
        what = f"all trades of {len(traded)} events are still open" if len(traded) else "no event was traded"
        raise InputError("result", what, "see result.exclusions")
    return ended


def _trade(result: Backtest, kinds: _Kinds, row: IntArray, kind: IntArray) -> tuple[InformationSet, Traded]:
    """Trade the unconditional rule on pairs of session and kind."""
    market, rule, column = result.information.market, unconditional(result.spec.rule), kinds.column[kind]
    names = np.array([*market.names, MARKET], dtype=object)
    table = bare_table(names, column, market.days[row], kinds.group[kind])
    info = information_of(table, row, np.where(column == len(market.names), -1, column), market, rule)
    return info, trade(rule, info, result.spec.costs, result.spec.delisting)


def _returns(result: Backtest, traded: Traded, n_events: int) -> FloatArray:
    return event_returns(traded, n_events, result.spec.costs, result.spec.reference_stake)


def _table(result: Backtest, kinds: _Kinds, progress: Progress) -> FloatArray:
    """Return the return of a trade of each kind at each session, (T, K); NaN where it is not made or not ended."""
    if result.spec.rule.timing.entry == "intraday":
        raise InputError("rule", "has entry='intraday', and random dates have no time of day", "give another entry")
    n_days = len(result.information.market.days)
    out = np.full(n_days * len(kinds.column), np.nan)
    starts = range(0, len(out), _AT_ONCE)
    for lo in watched(starts, len(starts), progress):
        cell = np.arange(lo, min(lo + _AT_ONCE, len(out)))
        _, traded = _trade(result, kinds, cell % n_days, cell // n_days)
        out[cell] = _returns(result, traded, len(cell))
        out[cell[traded.fills.event[traded.fills.exit.reason == STILL_OPEN]]] = np.nan
    return out.reshape(len(kinds.column), n_days).T


def _paths(result: Backtest, kinds: _Kinds, row: IntArray, kind: IntArray, steps: int) -> FloatArray:
    info, traded = _trade(result, kinds, row, kind)
    return event_paths(traded, info, result.spec.costs, result.spec.reference_stake, steps)


def _means(draw: IntArray, values: FloatArray, n_draws: int) -> tuple[FloatArray, IntArray]:
    """Return the mean and the number of the values that are not missing in each draw, (n_draws,) each."""
    there = np.isfinite(values)
    counted = np.bincount(draw[there], minlength=n_draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.bincount(draw[there], values[there], n_draws) / counted, counted


def _pvalue(observed: float, distribution: FloatArray, alternative: Alternative) -> float:
    there = distribution[np.isfinite(distribution)]
    close = 1e-12 * (1 + abs(observed))  # rounding: the same trades summed in another order
    greater = (1 + int((there >= observed - close).sum())) / (len(there) + 1)
    less = (1 + int((there <= observed + close).sum())) / (len(there) + 1)
    return float(tails(less, greater, alternative))
