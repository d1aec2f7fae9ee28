"""Printed tables of a backtest: measures and trades."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import _format
from ..sessions import SessionYear
from .stats import BenchmarkRegression, CurveStats, TradeStats

HEAD = ["measure", "value", "s.e., p, n"]


def measure_rows(
    curve: CurveStats,
    year: SessionYear,
    trades: TradeStats,
    line: BenchmarkRegression | None,
    benchmark: str | None,
    exposure: float,
) -> list[list[str]]:
    """Return rows of measure, value, and standard error, p-value or count."""
    pct = _format.percent
    rows = [
        ["total return", pct(curve.total_return), ""],
        ["annual return", pct(curve.annual_return), f"of {year.n:.4g} sessions" if year.known else ""],
        ["volatility, annual", _share(curve.volatility), ""],
        ["Sharpe ratio, annual", _format.number(curve.sharpe), _se(curve.sharpe_se, 1.0, "")],
        ["Sortino ratio, annual", _format.number(curve.sortino), ""],
        ["largest drawdown", pct(curve.max_drawdown), ""],
        ["mean exposure", _share(exposure), ""],
        ["mean return of a trade", pct(trades.mean), _se(trades.se, 100.0, " %")],
        ["  t by date, p", _format.number(trades.t), _format.pvalue(trades.pvalue)],
        ["trades with a profit", _share(trades.hit_rate), f"of {trades.n_trades}"],
        ["profit factor", "inf" if trades.profit_factor == np.inf else _format.number(trades.profit_factor), ""],
    ]
    if line is not None:
        rows += [
            [f"alpha on {benchmark}, annual", pct(line.alpha), _se(line.alpha_se, 100.0, " %")],
            ["  t (HAC), p", _format.number(line.alpha_t), _format.pvalue(line.alpha_pvalue)],
            ["beta", _format.number(line.beta), _se(line.beta_se, 1.0, "")],
        ]
    return rows


def printed_trades(frame: pd.DataFrame) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the printed form of `Backtest.trades`: head, rows in the order of entry, notes."""
    head = ["event", "day 0", "entry", "exit", "stake", "gross", "dividends", "costs", "pnl", "return"]
    rows = []
    for r in _format.rows(frame.sort_values("entry_session", kind="stable")):
        costs = r["slippage"] + r["commission"] + r["borrow"]
        money = (r["stake"], r["gross"], r["dividends"], costs, r["pnl"])
        dates = (r["date"], r["entry_session"], r["exit_session"])
        rows.append(
            [
                str(r["event_id"]),
                *(str(day.date()) for day in dates),
                *(_format.number(value + 0.0, 0) for value in money),
                _format.percent(r["return"]),
            ]
        )
    return head, rows, ["pnl = gross + dividends - costs, in the currency of the prices; return = pnl / stake"]


def _share(value: float) -> str:
    return _format.percent(value, 1).removeprefix("+")


def _se(value: float, factor: float, unit: str) -> str:
    return "" if np.isnan(value) else f"+-{factor * value:.2f}{unit}"
