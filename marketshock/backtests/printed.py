"""The printed form of a backtest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _format

if TYPE_CHECKING:
    from .result import Backtest


def backtest_text(result: Backtest) -> str:
    """Return caption, measures, trades by event where they are few, and notes."""
    head, rows = _measures(result)
    parts = [_caption(result), _format.text_table(head, rows, left=1)]
    if 0 < len(result.events) <= 20:
        parts.append(repr(result.events))
    parts.append("\n".join(_format.wrapped(f"- {note}", "  ") for note in result.notes))
    return "\n\n".join(part for part in parts if part)


def backtest_html(result: Backtest) -> str:
    """Return the same as HTML."""
    return _format.html_table("\n".join([_caption(result), *result.notes]), *_measures(result))


def _caption(result: Backtest) -> str:
    spec, n = result.spec, len(result.dates.table)
    traded = len(result.events)
    daily = result.daily
    span = f"{daily.index[0].date()} to {daily.index[-1].date()}" if len(daily) else "no session"
    days = result.per_trade.n_dates
    first = f"Backtest: {result.name}"
    second = f"{traded} of {n} event{'s' if n != 1 else ''} traded, on {days} date{'s' if days != 1 else ''}; {span}"
    third = f"{spec.sizing}; {spec.costs}; capital {spec.capital:,.0f}"
    return "\n".join(_format.wrapped(line, "  ") for line in (first, second, third))


def _measures(result: Backtest) -> tuple[list[str], list[list[str]]]:
    curve, trades, line = result.curve, result.per_trade, result.market
    pct = _format.percent
    rows = [
        ["total return", pct(curve.total_return), ""],
        ["annual return", pct(curve.annual_return), ""],
        ["volatility, annual", _share(curve.volatility), ""],
        ["Sharpe ratio, annual", _format.number(curve.sharpe), _se(curve.sharpe_se, 1.0, "")],
        ["Sortino ratio, annual", _format.number(curve.sortino), ""],
        ["largest drawdown", pct(curve.max_drawdown), ""],
        ["mean exposure", _share(float(result.daily["gross"].mean())) if len(result.daily) else "-", ""],
        ["mean return of a trade", pct(trades.mean), _se(trades.se, 100.0, " %")],
        ["  t by date, p", _format.number(trades.t), _format.pvalue(trades.pvalue)],
        ["trades with a profit", _share(trades.hit_rate), f"of {trades.n_trades}"],
        ["profit factor", "inf" if trades.profit_factor == np.inf else _format.number(trades.profit_factor), ""],
    ]
    if line is not None:
        rows += [
            [f"alpha on {result.spec.benchmark}, annual", pct(line.alpha), _se(line.alpha_se, 100.0, " %")],
            ["  t (HAC), p", _format.number(line.alpha_t), _format.pvalue(line.alpha_pvalue)],
            ["beta", _format.number(line.beta), _se(line.beta_se, 1.0, "")],
        ]
    return ["measure", "value", "s.e., p, n"], rows


def _share(value: float) -> str:
    return _format.percent(value, 1).removeprefix("+")


def _se(value: float, factor: float, unit: str) -> str:
    return "" if np.isnan(value) else f"+-{factor * value:.2f}{unit}"
