"""Many rules at once: which is more than the best of so many tries, and what choosing among them would have brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from .. import _format
from .._typing import Alternative
from ..errors import InputError, check_choice
from ..inference.adjust import adjust_pvalues
from ..sessions import day_named
from .draws import Match
from .placebo import How, PlaceboTrades, placebo_trades
from .result import Backtest
from .stats import SESSIONS, TradeStats, deflated_sharpe, trade_stats

Every: TypeAlias = Literal["month", "quarter", "year"]
EVERY: tuple[Every, ...] = get_args(Every)
Chosen: TypeAlias = Literal["mean", "t"]
CHOSEN: tuple[Chosen, ...] = get_args(Chosen)


@dataclass(frozen=True, eq=False, repr=False)
class RuleComparison:
    """Rules side by side, corrected for how many were tried.

    Made by `compare_rules`.

    Attributes
    ----------
    table : DataFrame
        Indexed by rule: n_trades, n_dates, mean (return of a trade, decimal), se (clustered by date), hit_rate,
        total_return, sharpe (annual), deflated (probability that the true Sharpe ratio exceeds what the best of so many
        worthless rules would show), placebo_mean, pvalue (placebo), p_holm, p_bh.
    backtests : mapping of str to Backtest
    placebos : mapping of str to PlaceboTrades
        Of the rules that traded.
    tried : int
        Rules tried, for the deflated ratio.
    notes : tuple of str
        What limits the figures.
    """

    table: pd.DataFrame
    backtests: Mapping[str, Backtest]
    placebos: Mapping[str, PlaceboTrades]
    tried: int
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def __repr__(self) -> str:
        notes = "\n".join(_format.wrapped(f"- {note}", "  ") for note in self.notes)
        return f"{self._caption()}\n\n{_format.text_table(*self._summary())}\n\n{notes}"

    def _repr_html_(self) -> str:
        return _format.html_table("\n".join([self._caption(), *self.notes]), *self._summary())

    def _caption(self) -> str:
        n = len(self.table)
        more = f" ({self.tried} tried)" if self.tried != n else ""
        return f"{n} rule{'s' if n != 1 else ''}{more}, by mean return of a trade after costs"

    def _summary(self) -> tuple[list[str], list[list[str]]]:
        head = ["rule", "trades", "dates", "mean", "s.e.", "hit", "total", "Sharpe", "deflated", "placebo"]
        head += ["p", "p Holm", "p BH"]
        rows = []
        for r in _format.rows(self.table):
            hit = _format.percent(r["hit_rate"], 0).removeprefix("+")
            rows.append(
                [
                    str(r["rule"]),
                    str(r["n_trades"]),
                    str(r["n_dates"]),
                    _format.percent(r["mean"]),
                    _format.percent(r["se"]).removeprefix("+"),
                    hit,
                    _format.percent(r["total_return"]),
                    _format.number(r["sharpe"]),
                    _format.number(r["deflated"]),
                    _format.percent(r["placebo_mean"]),
                    *(_format.pvalue(r[name]) for name in ("pvalue", "p_holm", "p_bh")),
                ]
            )
        return head, rows


def compare_rules(
    backtests: Mapping[str, Backtest] | Sequence[Backtest],
    *,
    tried: int | None = None,
    draws: int = 999,
    match: Sequence[Match] | Match = ("ticker",),
    how: How = "dates",
    alternative: Alternative = "greater",
    seed: int = 0,
) -> RuleComparison:
    """Set rules side by side, with placebo p-values corrected for how many there are.

    Parameters
    ----------
    backtests : mapping of str to Backtest, or sequence of Backtest
        By name; of a sequence the rules' own words are the names.
    tried : int, optional
        How many rules were tried, where more were than are shown: no correction knows of those left out.
    draws, match, how, alternative
        As in `placebo_trades`.
    seed : int, optional
        Of the placebo draws, the same for every rule.

    Returns
    -------
    RuleComparison

    Raises
    ------
    InputError
        If there is no backtest, two have one name, or `tried` is fewer than there are.

    Notes
    -----
    Holm's correction holds however the rules depend on each other; Benjamini and Hochberg's where they are positively
    dependent, as variants of one rule are. Rules of `tried` that are not shown, and those that did not trade, are
    counted with a p of 1. The deflated ratio takes the spread of worthless rules from the ratios shown, and where they
    do not differ from what a ratio without an edge varies by, 1/sqrt(sessions).
    """
    named = _named(backtests)
    n = len(named)
    tried = n if tried is None else tried
    if isinstance(tried, bool) or not isinstance(tried, int) or tried < n:
        raise InputError("tried", f"got {tried!r} for {n} rules", f"give a whole number from {n}")
    placebos = {
        name: placebo_trades(b, draws, match=match, how=how, alternative=alternative, seed=seed)
        for name, b in named.items()
        if len(b.trades)
    }
    p = np.array([placebos[name].pvalue if name in placebos else np.nan for name in named])
    padded = np.concatenate([np.where(np.isnan(p), 1.0, p), np.ones(tried - n)])  # what did not trade was tried too
    holm, bh = (np.where(np.isnan(p), np.nan, adjust_pvalues(padded, how_)[:n]) for how_ in ("holm", "bh"))
    deflated = _deflated(named, tried)
    table = pd.DataFrame(
        {
            "n_trades": [b.per_trade.n_trades for b in named.values()],
            "n_dates": [b.per_trade.n_dates for b in named.values()],
            "mean": [b.per_trade.mean for b in named.values()],
            "se": [b.per_trade.se for b in named.values()],
            "hit_rate": [b.per_trade.hit_rate for b in named.values()],
            "total_return": [b.curve.total_return for b in named.values()],
            "sharpe": [b.curve.sharpe for b in named.values()],
            "deflated": deflated,
            "placebo_mean": [_mean(placebos.get(name)) for name in named],
            "pvalue": p,
            "p_holm": holm,
            "p_bh": bh,
        },
        index=pd.Index(list(named), name="rule", dtype=object),
    )
    return RuleComparison(table, named, placebos, tried, tuple(_notes(named, tried)))


def _named(backtests: Mapping[str, Backtest] | Sequence[Backtest]) -> dict[str, Backtest]:
    remedy = "give a list of what marketshock.backtest returned, or a mapping of name to it"
    if not isinstance(backtests, (Mapping, Sequence)):
        raise InputError("backtests", f"got {type(backtests).__name__}", remedy)
    given = backtests.values() if isinstance(backtests, Mapping) else backtests
    if not given or not all(isinstance(b, Backtest) for b in given):
        raise InputError("backtests", f"got {type(backtests).__name__}", remedy)
    listed = list(backtests.items()) if isinstance(backtests, Mapping) else [(b.name, b) for b in backtests]
    named = {str(name): b for name, b in listed}
    if len(named) < len(listed):
        raise InputError("backtests", "two of them have one name", "give a mapping of name to backtest")
    return named


def _deflated(named: Mapping[str, Backtest], tried: int) -> list[float]:
    """Return the deflated Sharpe ratio of each rule, NaN where there is no ratio."""
    year = np.sqrt(SESSIONS)
    ratios = np.array([b.curve.sharpe / year for b in named.values()])
    known = ratios[np.isfinite(ratios)]
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    distinct = spread > 1e-12
    out = []
    for b, ratio in zip(named.values(), ratios, strict=True):
        c = b.curve
        some = np.isfinite(ratio)
        sd = spread if distinct else 1 / np.sqrt(max(c.n_sessions, 1))
        found = deflated_sharpe(ratio, c.n_sessions, c.skewness, c.kurtosis, tried, sd) if some else (np.nan, 0.0)
        out.append(found[0])
    return out


def _mean(placebo: PlaceboTrades | None) -> float:
    return float("nan") if placebo is None else float(np.nanmean(placebo.distribution))


def _notes(named: Mapping[str, Backtest], tried: int) -> list[str]:
    notes = [
        "placebo, p: mean and p of the same rule on random dates; p Holm, p BH: corrected for "
        f"{tried} rule{'s' if tried != 1 else ''}. deflated: probability that the Sharpe ratio exceeds what the best "
        "of so many worthless rules would show."
    ]
    short = {name: n for name, b in named.items() if (n := int((b.skipped["code"] == "no_room").sum()))}
    if short:
        told = ", ".join(f"{name} {n}" for name, n in short.items())
        notes.append(
            f"Trades left out for want of room ({told}): the rules are not compared on the same events; Sizing with a "
            "larger max_gross, or a smaller amount, takes them all."
        )
    cut = {name: b.n_open for name, b in named.items() if b.n_open}
    if cut:
        told = ", ".join(f"{name} {n}" for name, n in cut.items())
        notes.append(f"Still open when the prices end ({told}): in the means, and not in p.")
    dates = max(b.per_trade.n_dates for b in named.values())
    if dates == 1:
        notes.append("All trades are of one date: variants of one draw. No correction makes it more.")
    notes.append("Rules that were tried and are not shown are in no correction, unless `tried` counts them.")
    return notes


@dataclass(frozen=True, eq=False, repr=False)
class WalkForward:
    """What choosing the best rule of the past, again and again, would have brought.

    Made by `walk_forward`.

    Attributes
    ----------
    table : DataFrame
        Indexed by the first day of each period: rule (the one chosen, "" for none), train_n, train_mean (trades before,
        decimal), n, mean (trades of the period).
    trades : DataFrame
        Of the rules chosen, in their periods: event_id, rule, date, return.
    outside : TradeStats
        Of these trades: out of sample.
    inside : TradeStats
        Of the rule that is best in hindsight over the periods in which one was chosen.
    best : str
        That rule.
    by : {"mean", "t"}
        What the choice went by.
    """

    table: pd.DataFrame
    trades: pd.DataFrame
    outside: TradeStats
    inside: TradeStats
    best: str
    by: Chosen

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def __repr__(self) -> str:
        return f"{self._caption()}\n\n{_format.text_table(*self._summary(), left=2)}"

    def _repr_html_(self) -> str:
        return _format.html_table(self._caption(), *self._summary(), left=2)

    def _caption(self) -> str:
        def said(s: TradeStats) -> str:
            return f"{_format.percent(s.mean)} +-{_format.percent(s.se).removeprefix('+')} a trade, {s.n_trades} trades"

        lines = (
            f"Walk-forward: each period the rule with the best {self.by} of the trades that ended before it",
            f"out of sample: {said(self.outside)}",
            f"best in hindsight: {said(self.inside)} ({self.best})",
        )
        return "\n".join(_format.wrapped(line, "  ") for line in lines)

    def _summary(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [
                str(r["period"].date()),
                r["rule"] or "(none)",
                str(r["train_n"]),
                _format.percent(r["train_mean"]),
                str(r["n"]),
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
    by: Chosen = "t",
    min_trades: int = 10,
) -> WalkForward:
    """Choose the best rule on the trades that ended before each period, and trade it in the period.

    Parameters
    ----------
    backtests : mapping of str to Backtest, or sequence of Backtest
        The rules to choose from, on the same events and prices.
    start : date or str
        The first period begins on this day; what ended before is the first training sample.
    every : {"month", "quarter", "year"}, optional
        Length of a period. The training sample grows from period to period.
    by : {"mean", "t"}, optional
        What the choice goes by: the mean return of a trade, or its t clustered by date.
    min_trades : int, optional
        A rule with fewer trades in the training sample is not chosen; where none has them, nothing is traded.

    Returns
    -------
    WalkForward

    Raises
    ------
    InputError
        If an option is out of range, or no trade falls after `start`.

    Notes
    -----
    A trade belongs to the period of its event's day 0. A trade that is still held when the period begins is in no
    training sample (purged). Returns are over stakes, so that sizes and limits do not matter.
    """
    named = _named(backtests)
    check_choice("every", every, EVERY)
    check_choice("by", by, CHOSEN)
    if isinstance(min_trades, bool) or not isinstance(min_trades, int) or min_trades < 2:
        raise InputError("min_trades", f"got {min_trades!r}", "give a whole number from 2")
    first = pd.Timestamp(day_named("start", start).astype("datetime64[ns]"))
    frames = {name: b.trades[["date", "exit_date", "return"]] for name, b in named.items()}
    last = max((frame["date"].max() for frame in frames.values() if len(frame)), default=first)
    if last < first or not any(len(frame) for frame in frames.values()):
        raise InputError("start", f"no trade falls on or after {first.date()}", "begin earlier")
    starts = _periods(first, last, every)
    rows, parts = [], []
    for begin, end in pairwise(starts):
        trained = {name: _stats(frame[frame["exit_date"] < begin]) for name, frame in frames.items()}
        score = {
            name: getattr(s, by)
            for name, s in trained.items()
            if s.n_trades >= min_trades and np.isfinite(getattr(s, by))
        }
        rule = max(score, key=lambda name: score[name]) if score else ""
        took = _within(frames[rule], begin, end).assign(rule=rule) if rule else frames[next(iter(frames))].iloc[:0]
        parts.append(took)
        s = _stats(took)
        before = trained[rule] if rule else None
        rows.append(
            (begin, rule, before.n_trades if before else 0, before.mean if before else np.nan, s.n_trades, s.mean)
        )
    table = pd.DataFrame(rows, columns=["period", "rule", "train_n", "train_mean", "n", "mean"]).set_index("period")
    traded = pd.concat(parts).rename_axis("event_id").reset_index()
    traded = traded.reindex(columns=["event_id", "rule", "date", "return"])
    chosen = table.index[table["rule"] != ""]
    spans = [(begin, end) for begin, end in pairwise(starts) if begin in chosen]
    hindsight = {
        name: _stats(pd.concat([_within(frame, begin, end) for begin, end in spans] or [frame.iloc[:0]]))
        for name, frame in frames.items()
    }
    best = max(hindsight, key=lambda name: np.nan_to_num(getattr(hindsight[name], by), nan=-np.inf))
    return WalkForward(table, traded, _stats(traded), hindsight[best], best, by)


def _periods(first: pd.Timestamp, last: pd.Timestamp, every: Every) -> list[pd.Timestamp]:
    months = {"month": 1, "quarter": 3, "year": 12}[every]
    starts = [first]
    while starts[-1] <= last:
        starts.append(first + pd.DateOffset(months=months * len(starts)))
    return starts


def _within(frame: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    return frame[(frame["date"] >= begin) & (frame["date"] < end)]


def _stats(frame: pd.DataFrame) -> TradeStats:
    return trade_stats(frame["return"].to_numpy(dtype=float), frame["date"].to_numpy().astype("int64"))


def as_record(result: Backtest) -> dict[str, object]:
    """Return the statistics of a backtest as plain values."""
    line = result.market
    return {
        "account": asdict(result.curve),
        "per_trade": asdict(result.per_trade),
        "market": None if line is None else asdict(line),
    }
