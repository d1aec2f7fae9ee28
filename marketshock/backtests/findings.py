"""The checks of prices, on the securities and sessions that a backtest trades."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..providers.base import Prices
from ..providers.found import NOTE, REFUSE, WARN, Handling, PriceFinding
from ..providers.price_findings import extreme_findings, price_findings
from .exits import OPEN
from .result import Backtest

_SPLITS = ("split_2to7", "split_1.5")


def checked_backtest(result: Backtest, held: Prices, handling: Handling) -> tuple[PriceFinding, ...]:
    """Check the prices of the legs, from day 0 of their event to their exit, and of the benchmark meanwhile.

    Raises and warns as `Handling.settle`.
    """
    fills, info = result.traded.fills, result.information
    own = result.account.traded_legs
    if not own.any():
        return ()
    days, names = info.market.days, info.market.names
    column, first, last = fills.column[own], info.row[fills.event[own]], fills.exit.row[own]
    if result.spec.benchmark is not None:
        column = np.append(column, names.index(result.spec.benchmark))
        first, last = np.append(first, first.min()), np.append(last, last.max())
    tickers = [names[k] for k in np.unique(column)]
    found: list[PriceFinding] = []
    for field in ("close", "adj_close"):
        found += price_findings(held, tickers, days[first.min()], held.days[-1], field)
    found += extreme_findings(held, tickers, days[first.min()], held.days[-1], _filled_at(result))
    kept, place = [], {name: at for at, name in enumerate(names)}
    for finding in found:
        legs = column == place[finding.ticker]
        start, end = finding.reach
        touched = legs & (days[first] <= end) & (days[last] >= start)
        if finding.rule == "stale_end_10":
            kept.append(replace(finding, severity=REFUSE if touched.any() else WARN))
        elif touched.any():
            guess = finding.rule in _SPLITS and finding.severity != REFUSE and not finding.supported
            on_day_0 = guess and (days[first[touched]] == finding.day).all()
            cause = f"x{finding.size:.4g} on day 0: the event, or a split not applied"
            kept.append(replace(finding, severity=NOTE, cause=cause) if on_day_0 else finding)
    return handling.settle(kept, "result.findings")


def _filled_at(result: Backtest) -> list[str]:
    """Return the fields beside closes at which orders are filled."""
    fills, timing = result.traded.fills, result.spec.rule.timing
    rests = timing.stop is not None or timing.target is not None
    opens = rests or (fills.entry.phase == OPEN).any() or (fills.exit.phase == OPEN).any()
    return [*(["open"] if opens else []), *(["high", "low"] if rests else [])]
