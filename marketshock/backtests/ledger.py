"""The frames of a backtest: legs, orders, positions, days, trades.

Positions are computed from the legs, not from the sums of the account, so that the two can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray, IntArray
from .costs import Costs
from .engine import Account
from .exits import CLOSE, DELISTED, EXIT_REASONS, PHASES, STILL_OPEN
from .fills import Fills
from .information import InformationSet
from .market import Market
from .trading import Traded, leg_pnl


def legs_frame(info: InformationSet, traded: Traded, account: Account, costs: Costs) -> pd.DataFrame:
    """Return one row per leg that was traded; see `Backtest.legs`."""
    fills, each, at = traded.fills, traded.each, np.flatnonzero(account.shares > 0)
    market, shares = info.market, account.shares[at]
    event, column, row, exit_row = fills.event[at], fills.column[at], fills.entry.row[at], fills.exit.row[at]
    split, exit_split = market.quoted_per_share(row, column), market.quoted_per_share(exit_row, column)
    side, pnl = each.side[at], leg_pnl(each, account.shares, costs)[at]
    return pd.DataFrame(
        {
            "event_id": info.table.event_id[event],
            "ticker": _names(market, column),
            "side": np.where(side > 0, "long", "short").astype(object),
            "weight": fills.weight[at],
            "entry_session": _stamps(market.days[row]),
            "entry_at": np.array(PHASES, dtype=object)[fills.entry.phase[at]],
            "entry_price": fills.entry.price[at] * split,
            "entry_fill": each.fill[at] * split,
            "shares": shares / split,
            "exit_session": _stamps(market.days[exit_row]),
            "exit_at": np.array(PHASES, dtype=object)[fills.exit.phase[at]],
            "exit_price": fills.exit.price[at] * exit_split,
            "exit_fill": each.exit_fill[at] * exit_split,
            "exit_shares": shares / exit_split,
            "exit_reason": np.array(EXIT_REASONS, dtype=object)[fills.exit.reason[at]],
            "n_sessions": exit_row - row + (fills.entry.phase[at] != CLOSE),
            "scale": account.scale[event],
            "gross": side * shares * (fills.exit.price[at] - fills.entry.price[at]),
            "dividends": shares * each.dividend[at] + 0.0,
            "slippage": shares * each.slippage[at],
            "commission": shares * (each.commission + each.exit_commission)[at] + costs.per_order * each.orders[at],
            "borrow": shares * each.borrow[at],
            "pnl": pnl,
            "return": pnl / (shares * fills.entry.price[at]),
        }
    )


def orders_frame(info: InformationSet, traded: Traded, account: Account, costs: Costs) -> pd.DataFrame:
    """Return one row per fill, in the order of booking; see `Backtest.orders`."""
    market, fills, each = info.market, traded.fills, traded.each
    entered = np.flatnonzero(account.shares > 0)
    exited = entered[fills.exit.reason[entered] != STILL_OPEN]
    leg = np.concatenate([entered, exited])
    closes = np.repeat([False, True], [len(entered), len(exited)])
    row = np.where(closes, fills.exit.row[leg], fills.entry.row[leg])
    phase = np.where(closes, fills.exit.phase[leg], fills.entry.phase[leg])
    order = np.lexsort((leg, ~closes, phase, row))
    leg, closes, row, phase = leg[order], closes[order], row[order], phase[order]
    split = market.quoted_per_share(row, fills.column[leg])
    buys = (each.side[leg] > 0) != closes
    price = np.where(closes, fills.exit.price[leg], fills.entry.price[leg])
    fill = np.where(closes, each.exit_fill[leg], each.fill[leg])
    shares = np.where(buys, 1.0, -1.0) * account.shares[leg]
    per_share = np.where(closes, each.exit_commission[leg], each.commission[leg])
    commission = per_share * account.shares[leg] + costs.per_order * ~(closes & (fills.exit.reason[leg] == DELISTED))
    return pd.DataFrame(
        {
            "session": _stamps(market.days[row]),
            "at": np.array(PHASES, dtype=object)[phase],
            "event_id": info.table.event_id[fills.event[leg]],
            "ticker": _names(market, fills.column[leg]),
            "shares": shares / split,
            "price": price * split,
            "fill": fill * split,
            "amount": shares * fill,
            "commission": commission,
            "cash_change": -shares * fill - commission,
        }
    )


def shares_held(info: InformationSet, fills: Fills, account: Account) -> tuple[IntArray, FloatArray]:
    """Return the columns ever held and the net quoted shares of each at each close, (T, n_columns)."""
    at = np.flatnonzero(account.shares > 0)
    columns, place = np.unique(fills.column[at], return_inverse=True)
    change = np.zeros((len(info.market.days), len(columns)))
    signed = np.sign(fills.weight[at]) * account.shares[at]
    np.add.at(change, (fills.entry.row[at], place), signed)
    exited = fills.exit.reason[at] != STILL_OPEN
    np.add.at(change, (fills.exit.row[at[exited]], place[exited]), -signed[exited])
    held = np.cumsum(change, axis=0)
    largest = np.abs(held).max(axis=0, initial=0.0)
    return columns, np.where(np.abs(held) <= 1e-12 * largest, 0.0, held)


def positions_frame(info: InformationSet, fills: Fills, account: Account) -> pd.DataFrame:
    """Return the value of each security held at each close; see `Backtest.positions`."""
    columns, held = shares_held(info, fills, account)
    values = held * np.nan_to_num(info.market.mark[:, columns])
    return pd.DataFrame(values, index=_sessions(info.market), columns=_names(info.market, columns))


def daily_frame(info: InformationSet, account: Account, capital: float) -> pd.DataFrame:
    """Return the account at each close of the prices; see `Backtest.daily`."""
    equity = account.equity
    before = np.concatenate([[capital], equity[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        columns: Mapping[str, FloatArray] = {
            "equity": equity,
            "return": np.where(before > 0, equity / before - 1, np.nan),
            "cash": account.cash,
            "long": account.long,
            "short": account.short,
            "gross_exposure": (account.long - account.short) / equity,
            "net_exposure": (account.long + account.short) / equity,
            "traded": account.traded,
            "turnover": account.traded / before,
            "commission": account.commission,
            "dividends": account.dividend,
            "borrow": account.borrow,
            "interest": account.interest,
            "drawdown": equity / np.maximum.accumulate(np.maximum(equity, capital)) - 1,
        }
    return pd.DataFrame(columns, index=_sessions(info.market))


def trades_frame(
    info: InformationSet, traded: Traded, account: Account, costs: Costs, capital: float, at: IntArray
) -> pd.DataFrame:
    """Return one row per event that was traded, those at the positions `at`; see `Backtest.trades`."""
    fills, each, shares, n = traded.fills, traded.each, account.shares, len(info)
    parts = {
        "gross": shares * each.side * (fills.exit.price - fills.entry.price),
        "dividends": shares * each.dividend,
        "slippage": shares * each.slippage,
        "commission": shares * (each.commission + each.exit_commission) + costs.per_order * each.orders * (shares > 0),
        "borrow": shares * each.borrow,
        "pnl": leg_pnl(each, shares, costs),
    }
    sums = {name: np.bincount(fills.event, values, n)[at] for name, values in parts.items()}
    entry, out = np.full(n, len(info.market.days)), np.zeros(n, np.int64)
    np.minimum.at(entry, fills.event, fills.entry.row)
    np.maximum.at(out, fills.event, fills.exit.row)
    pnl, total = sums["pnl"], sums["pnl"].sum()
    return pd.DataFrame(
        {
            "ticker": info.table.ticker[at],
            "group": info.table.group[at],
            "date": _stamps(info.market.days[info.row[at]]),
            "entry_session": _stamps(info.market.days[entry[at]]),
            "exit_session": _stamps(info.market.days[out[at]]),
            "n_legs": np.bincount(fills.event, shares > 0, n)[at].astype(np.int64),
            "stake": account.stake[at],
            "scale": account.scale[at],
            **sums,
            "return": pnl / account.stake[at],
            "pnl_share": pnl / total if total else np.full(len(at), np.nan),
            "return_without": (total - pnl) / capital,
        },
        index=pd.Index(info.table.event_id[at], name="event_id", dtype=object),
    )


def _names(market: Market, column: IntArray) -> np.ndarray:
    return np.array(market.names, dtype=object)[column]


def _sessions(market: Market) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(_stamps(market.days), name="session")


def _stamps(days: DateArray) -> DateArray:
    return days.astype("datetime64[ns]")
