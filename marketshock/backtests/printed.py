"""The measures of a backtest as rows of a table."""

from __future__ import annotations

import numpy as np

from .. import _format
from .stats import CurveStats, MarketLine, TradeStats

HEAD = ["measure", "value", "s.e., p, n"]


def measure_rows(
    curve: CurveStats, trades: TradeStats, line: MarketLine | None, benchmark: str | None, exposure: float
) -> list[list[str]]:
    """Return measure, value, and what says how sure it is."""
    pct = _format.percent
    rows = [
        ["total return", pct(curve.total_return), ""],
        ["annual return", pct(curve.annual_return), ""],
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


def _share(value: float) -> str:
    return _format.percent(value, 1).removeprefix("+")


def _se(value: float, factor: float, unit: str) -> str:
    return "" if np.isnan(value) else f"+-{factor * value:.2f}{unit}"
