"""Walk-forward choice among rules: in each period the best rule of the past is traded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from ..errors import InputError, check_choice, check_count
from ..sessions import day_named
from .compare import backtests_by_name
from .result import Backtest
from .stats import TradeStats, trade_stats

Every: TypeAlias = Literal["month", "quarter", "year"]
EVERY: tuple[Every, ...] = get_args(Every)
Criterion: TypeAlias = Literal["mean", "t"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)


@dataclass(frozen=True, eq=False, repr=False)
class WalkForward(Printable):
    """The trades of a walk-forward choice: in each period the best rule of the past is traded.

    Made by `walk_forward`.

    Attributes
    ----------
    table : DataFrame
        Indexed by period_start, the first day of each period: rule (the chosen one, "" for none), train_n_trades,
        train_mean (trades before the period, decimal), n_trades, mean (trades of the period).
    trades : DataFrame
        Trades of the chosen rules in their periods: event_id, rule, date, return.
    out_of_sample : TradeStats
        Of these trades.
    in_sample : TradeStats
        Of the rule that is best in hindsight, over the periods in which a rule was chosen.
    best : str
        That rule.
    by : {"mean", "t"}
        Criterion of the choice.
    """

    table: pd.DataFrame
    trades: pd.DataFrame
    out_of_sample: TradeStats
    in_sample: TradeStats
    best: str
    by: Criterion

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def printout(self) -> Printout:
        """Return the printed form: the rule chosen in each period and its trades."""

        def text(s: TradeStats) -> str:
            return f"mean {_format.percent(s.mean)} +-{_format.percent(s.se).removeprefix('+')}, {s.n_trades} trades"

        title = (
            f"Walk-forward: in each period the rule with the best {self.by} of the trades that ended before it",
            f"out of sample: {text(self.out_of_sample)}",
            f"best in hindsight: {text(self.in_sample)} ({self.best})",
        )
        return Printout(title, (PrintedTable(*self._cells(), left=2),), folded=True)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [
                str(r["period_start"].date()),
                r["rule"] or "(none)",
                str(r["train_n_trades"]),
                _format.percent(r["train_mean"]),
                str(r["n_trades"]),
                _format.percent(r["mean"]),
            ]
            for r in _format.rows(self.table)
        ]
        return ["from", "rule", "trades before", "their mean", "trades", "mean"], rows


def walk_forward(
    backtests: Mapping[str, Backtest] | Sequence[Backtest],
    start: object,
    *,
    every: Every = "quarter",
    by: Criterion = "t",
    min_trades: int = 10,
) -> WalkForward:
    """Choose the best rule on the trades that ended before each period, and trade it in the period.

    Parameters
    ----------
    backtests : mapping of str to Backtest, or sequence of Backtest
        The rules to choose from, on the same events and prices.
    start : date or str
        First day of the first period; the trades that ended before it are the first training sample.
    every : {"month", "quarter", "year"}, optional
        Length of a period. The training sample grows from period to period.
    by : {"mean", "t"}, optional
        Criterion of the choice: the mean return of a trade, or its t clustered by date.
    min_trades : int, optional
        A rule with fewer trades in the training sample is not chosen; if no rule has as many, nothing is traded.

    Returns
    -------
    WalkForward

    Raises
    ------
    InputError
        If an option is out of range, or no trade falls on or after `start`.

    Notes
    -----
    A trade belongs to the period of its event's day 0. A trade that is still held when the period begins is in no
    training sample (purged). Returns are over stakes, so sizes and limits have no effect on the choice.
    """
    named = backtests_by_name(backtests)
    check_choice("every", every, EVERY)
    check_choice("by", by, CRITERIA)
    check_count("min_trades", min_trades, 2)
    first = pd.Timestamp(day_named("start", start).astype("datetime64[ns]"))
    frames = {name: b.trades[["date", "exit_session", "return"]] for name, b in named.items()}
    last = max((frame["date"].max() for frame in frames.values() if len(frame)), default=pd.Timestamp.min)
    if last < first:
        raise InputError("start", f"no trade falls on or after {first.date()}", "begin earlier")
    nothing = next(iter(frames.values())).iloc[:0]
    rows, parts = [], []
    for begin, end in pairwise(_periods(first, last, every)):
        trained = {name: _stats(frame[frame["exit_session"] < begin]) for name, frame in frames.items()}
        rule = _best({name: s for name, s in trained.items() if s.n_trades >= min_trades}, by)
        inside = {name: _inside(frame, begin, end) for name, frame in frames.items()} if rule else {}
        parts.append(inside)
        s, before = _stats(inside.get(rule, nothing)), trained.get(rule, _stats(nothing))
        rows.append((begin, rule, before.n_trades, before.mean, s.n_trades, s.mean))
    names = ["period_start", "rule", "train_n_trades", "train_mean", "n_trades", "mean"]
    table = pd.DataFrame(rows, columns=names).set_index("period_start")
    chosen = [(rule, inside) for rule, inside in zip(table["rule"], parts, strict=True) if rule]
    traded = pd.concat([inside[rule].assign(rule=rule) for rule, inside in chosen] or [nothing])
    traded = traded.rename_axis("event_id").reset_index().reindex(columns=["event_id", "rule", "date", "return"])
    hindsight = {name: _stats(pd.concat([inside[name] for _, inside in chosen] or [nothing])) for name in frames}
    best = max(hindsight, key=lambda name: np.nan_to_num(getattr(hindsight[name], by), nan=-np.inf))
    return WalkForward(table, traded, _stats(traded), hindsight[best], best, by)


def _best(stats: Mapping[str, TradeStats], by: Criterion) -> str:
    """Return the rule with the highest criterion, "" if none has one."""
    scores = {name: value for name, s in stats.items() if np.isfinite(value := getattr(s, by))}
    return max(scores, key=lambda name: scores[name]) if scores else ""


def _periods(first: pd.Timestamp, last: pd.Timestamp, every: Every) -> list[pd.Timestamp]:
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    starts = [first]
    while starts[-1] <= last:
        starts.append(first + pd.DateOffset(months=months * len(starts)))
    return starts


def _inside(frame: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    return frame[(frame["date"] >= begin) & (frame["date"] < end)]


def _stats(frame: pd.DataFrame) -> TradeStats:
    return trade_stats(frame["return"].to_numpy(dtype=float), frame["date"].to_numpy().astype("int64"))
