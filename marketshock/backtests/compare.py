"""Comparison of several rules, with placebo p-values adjusted for the number of rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from .._typing import Alternative, FloatArray
from ..errors import InputError, check_choice
from ..inference.adjust import adjust_pvalues
from .draws import Match
from .placebo import How, PlaceboTrades, placebo_trades
from .result import Backtest
from .stats import deflated_sharpe

Adjust: TypeAlias = Literal["holm", "bh"]
ADJUST: Mapping[Adjust, str] = {"holm": "Holm", "bh": "Benjamini and Hochberg"}


@dataclass(frozen=True, eq=False, repr=False)
class RuleComparison(Printable):
    """Rules side by side, with p-values adjusted for the number of rules tried.

    Made by `compare_rules`.

    Attributes
    ----------
    table : DataFrame
        Indexed by rule: n_trades, n_dates, mean (return of a trade, decimal), se (clustered by date), hit_rate,
        total_return, sharpe (annual), deflated_sharpe (probability that the true Sharpe ratio exceeds the best of as
        many rules without an edge), placebo_mean, pvalue (placebo), pvalue_adjusted.
    backtests : mapping of str to Backtest
    placebos : mapping of str to PlaceboTrades
        Of the rules that traded.
    tried : int
        Number of rules tried.
    adjust : {"holm", "bh"}
        Method of `pvalue_adjusted`.
    notes : tuple of str
        Limitations of the figures.
    """

    table: pd.DataFrame
    backtests: Mapping[str, Backtest]
    placebos: Mapping[str, PlaceboTrades]
    tried: int
    adjust: Adjust
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def printout(self) -> Printout:
        """Return the printed form: one row per rule."""
        n = len(self.table)
        more = f" ({self.tried} tried)" if self.tried != n else ""
        title = f"{n} rule{'s' if n != 1 else ''}{more}, by mean return of a trade after costs"
        return Printout((title,), (PrintedTable(*self._cells()),), self.notes, bullet="- ")

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        head = ["rule", "trades", "dates", "mean", "s.e.", "hit", "total", "Sharpe", "deflated", "placebo", "p"]
        percent, number, pvalue = _format.percent, _format.number, _format.pvalue
        rows = [
            [
                str(r["rule"]),
                str(r["n_trades"]),
                str(r["n_dates"]),
                percent(r["mean"]),
                percent(r["se"]).removeprefix("+"),
                percent(r["hit_rate"], 0).removeprefix("+"),
                percent(r["total_return"]),
                number(r["sharpe"]),
                number(r["deflated_sharpe"]),
                percent(r["placebo_mean"]),
                pvalue(r["pvalue"]),
                pvalue(r["pvalue_adjusted"]),
            ]
            for r in _format.rows(self.table)
        ]
        return [*head, "p adjusted"], rows


def compare_rules(
    backtests: Mapping[str, Backtest] | Sequence[Backtest],
    *,
    tried: int | None = None,
    adjust: Adjust = "holm",
    draws: int = 999,
    match: Sequence[Match] | Match = ("ticker",),
    how: How = "dates",
    alternative: Alternative = "greater",
    seed: int = 0,
) -> RuleComparison:
    """Compare rules, with placebo p-values adjusted for the number of rules.

    Parameters
    ----------
    backtests : mapping of str to Backtest, or sequence of Backtest
        The mapping's keys are the names; in a sequence each rule's own text is its name.
    tried : int, optional
        Number of rules tried, if some are not in `backtests`: no adjustment can count rules that were left out.
    adjust : {"holm", "bh"}, optional
        Method of `adjust_pvalues`.
    draws, match, how, alternative
        As in `placebo_trades`.
    seed : int, optional
        Seed of the placebo draws, the same for every rule.

    Returns
    -------
    RuleComparison

    Raises
    ------
    InputError
        If there is no backtest, two have the same name, an option is unknown, or `tried` is too small.

    Notes
    -----
    Holm's method is valid for any dependence between the rules; that of Benjamini and Hochberg for positive dependence,
    as between variants of one rule. Rules that made no trade, and rules of `tried` that are not in `backtests`, count
    with a p-value of 1. The deflated Sharpe ratio takes the standard deviation of the ratios in the table, or
    1/sqrt(sessions) where they do not differ.
    """
    named = backtests_by_name(backtests)
    check_choice("adjust", adjust, ADJUST)
    n = len(named)
    tried = n if tried is None else tried
    if isinstance(tried, bool) or not isinstance(tried, int) or tried < n:
        raise InputError("tried", f"got {tried!r} for {n} rules", f"give a whole number from {n}")
    placebos = {
        name: placebo_trades(b, draws, match=match, how=how, alternative=alternative, seed=seed)
        for name, b in named.items()
        if len(b.trades)
    }
    deflated = _deflated(named, tried)
    rows = [_row(b, placebos.get(name), deflated[k]) for k, (name, b) in enumerate(named.items())]
    table = pd.DataFrame(rows, index=pd.Index(list(named), name="rule", dtype=object))
    p = table["pvalue"].to_numpy()
    padded = np.concatenate([np.nan_to_num(p, nan=1.0), np.ones(tried - n)])  # rules without a trade count as trials
    table["pvalue_adjusted"] = np.where(np.isnan(p), np.nan, adjust_pvalues(padded, adjust)[:n])
    return RuleComparison(table, named, placebos, tried, adjust, tuple(_notes(named, tried, adjust)))


def _row(result: Backtest, placebo: PlaceboTrades | None, deflated: float) -> dict[str, float | int]:
    s = result.per_trade
    return {
        "n_trades": s.n_trades,
        "n_dates": s.n_dates,
        "mean": s.mean,
        "se": s.se,
        "hit_rate": s.hit_rate,
        "total_return": result.curve.total_return,
        "sharpe": result.curve.sharpe,
        "deflated_sharpe": deflated,
        "placebo_mean": np.nan if placebo is None else placebo.mean,
        "pvalue": np.nan if placebo is None else placebo.pvalue,
    }


def backtests_by_name(backtests: Mapping[str, Backtest] | Sequence[Backtest]) -> dict[str, Backtest]:
    """Return backtests by name; in a sequence each rule's own text is its name.

    Raises `InputError` if there is no backtest, or two have the same name.
    """
    remedy = "give a list of what marketshock.backtest returned, or a mapping of names to it"
    given = backtests.values() if isinstance(backtests, Mapping) else backtests
    if not isinstance(backtests, (Mapping, Sequence)) or not given or not all(isinstance(b, Backtest) for b in given):
        raise InputError("backtests", f"got {type(backtests).__name__}", remedy)
    listed = list(backtests.items()) if isinstance(backtests, Mapping) else [(b.name, b) for b in backtests]
    named = {str(name): b for name, b in listed}
    if len(named) < len(listed):
        raise InputError("backtests", "two of them have the same name", "give a mapping of names to backtests")
    return named


def _deflated(named: Mapping[str, Backtest], tried: int) -> FloatArray:
    """Return the deflated Sharpe ratio of each rule, NaN where there is no Sharpe ratio."""
    ratios = np.array([b.curve.sharpe / np.sqrt(b.curve.sessions_per_year) for b in named.values()])
    finite = ratios[np.isfinite(ratios)]
    sd = float(finite.std(ddof=1)) if len(finite) > 1 else 0.0
    out = np.full(len(named), np.nan)
    for k, b in enumerate(named.values()):
        if np.isfinite(ratios[k]):
            c = b.curve
            spread = sd if sd > 1e-12 else 1 / np.sqrt(c.n_sessions)
            out[k], _ = deflated_sharpe(ratios[k], c.n_sessions, c.skewness, c.kurtosis, tried, spread)
    return out


def _notes(named: Mapping[str, Backtest], tried: int, adjust: Adjust) -> Iterator[str]:
    yield (
        f"placebo, p: mean and p-value of the same rule on random dates; p adjusted: for {tried} "
        f"rule{'s' if tried != 1 else ''}, method of {ADJUST[adjust]}. deflated: probability that the Sharpe ratio "
        "exceeds the best of as many rules without an edge."
    )
    left_out = {name: int((b.exclusions["code"] == "no_room").sum()) for name, b in named.items()}
    if any(left_out.values()):
        yield (
            f"Trades left out for lack of room ({_counts(left_out)}), so the rules are compared on different events: "
            "Sizing with a larger max_gross or a smaller amount includes them."
        )
    still_open = {name: b.n_open for name, b in named.items()}
    if any(still_open.values()):
        yield f"Positions still open when the prices end ({_counts(still_open)}) are in the means but not in p."
    if max(b.per_trade.n_dates for b in named.values()) == 1:
        yield "All trades are of one date, so all rules share one draw; no adjustment can correct for that."
    yield "Rules that were tried but are not listed are adjusted for only if `tried` counts them."


def _counts(by_rule: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in by_rule.items() if n)
