"""The account as frames: trades, orders, positions, days, events.

Positions are computed from the legs, not from the account's running sums: the two can be held against each other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .._typing import FloatArray, IntArray
from .costs import Costs
from .engine import Book, PerShare
from .exits import CLOSE, DELISTED, PHASES, STILL_OPEN, WHY
from .fills import Fills
from .known import Known
from .trading import leg_pnl


def legs_frame(known: Known, fills: Fills, each: PerShare, book: Book, costs: Costs) -> pd.DataFrame:
    """Return one row a leg that was traded; see `Backtest.legs`."""
    at = np.flatnonzero(book.shares > 0)
    market, shares = known.market, book.shares[at]
    event, column, row, out = fills.event[at], fills.column[at], fills.row[at], fills.out_row[at]
    split, out_split = market.quoted_per_share(row, column), market.quoted_per_share(out, column)
    days, side = market.days, each.side[at]
    pnl = leg_pnl(each, book.shares, costs)[at]
    entered = shares * fills.price[at]
    return pd.DataFrame(
        {
            "event_id": known.table.event_id[event],
            "ticker": np.array(market.names, dtype=object)[column],
            "side": np.where(side > 0, "long", "short").astype(object),
            "weight": fills.weight[at],
            "entry_date": _dates(days, row),
            "entry": np.array(PHASES, dtype=object)[fills.phase[at]],
            "entry_price": fills.price[at] * split,
            "entry_fill": each.fill[at] * split,
            "shares": shares / split,
            "exit_date": _dates(days, out),
            "exit": np.array(PHASES, dtype=object)[fills.out_phase[at]],
            "exit_price": fills.out_price[at] * out_split,
            "exit_fill": each.out_fill[at] * out_split,
            "exit_shares": shares / out_split,
            "why": np.array(WHY, dtype=object)[fills.why[at]],
            "sessions": out - row + (fills.phase[at] != CLOSE),
            "scale": book.scale[event],
            "gross": side * shares * (fills.out_price[at] - fills.price[at]),
            "dividends": shares * each.dividend[at] + 0.0,
            "slippage": shares * each.slippage[at],
            "commission": shares * (each.commission + each.out_commission)[at] + costs.per_order * each.orders[at],
            "borrow": shares * each.borrow[at],
            "pnl": pnl,
            "return": pnl / entered,
        }
    )


def orders_frame(known: Known, fills: Fills, each: PerShare, book: Book, costs: Costs) -> pd.DataFrame:
    """Return one row a fill, in the order in which they were booked; see `Backtest.orders`."""
    market = known.market
    into = np.flatnonzero(book.shares > 0)
    out = into[fills.why[into] != STILL_OPEN]
    leg = np.concatenate([into, out])
    way_out = np.repeat([False, True], [len(into), len(out)])
    row, phase = (
        np.where(way_out, fills.out_row[leg], fills.row[leg]),
        np.where(way_out, fills.out_phase[leg], fills.phase[leg]),
    )
    order = np.lexsort((leg, ~way_out, phase, row))
    leg, way_out, row, phase = leg[order], way_out[order], row[order], phase[order]
    split = market.quoted_per_share(row, fills.column[leg])
    buys = (each.side[leg] > 0) != way_out
    price = np.where(way_out, fills.out_price[leg], fills.price[leg])
    fill = np.where(way_out, each.out_fill[leg], each.fill[leg])
    shares = np.where(buys, 1.0, -1.0) * book.shares[leg]
    commission = np.where(way_out, each.out_commission[leg], each.commission[leg]) * book.shares[leg]
    paid = ~(way_out & (fills.why[leg] == DELISTED))
    return pd.DataFrame(
        {
            "date": _dates(market.days, row),
            "moment": np.array(PHASES, dtype=object)[phase],
            "event_id": known.table.event_id[fills.event[leg]],
            "ticker": np.array(market.names, dtype=object)[fills.column[leg]],
            "shares": shares / split,
            "price": price * split,
            "fill": fill * split,
            "value": shares * fill,
            "commission": commission + costs.per_order * paid,
            "cash": -shares * fill - commission - costs.per_order * paid,
        }
    )


def shares_held(known: Known, fills: Fills, book: Book) -> tuple[IntArray, FloatArray]:
    """Return the columns ever held and the net quoted shares of each at each close, (T, n_columns)."""
    columns, place = np.unique(fills.column[book.shares > 0], return_inverse=True)
    change = np.zeros((len(known.market.days), len(columns)))
    at = np.flatnonzero(book.shares > 0)
    signed = np.sign(fills.weight[at]) * book.shares[at]
    np.add.at(change, (fills.row[at], place), signed)
    out = fills.why[at] != STILL_OPEN
    np.add.at(change, (fills.out_row[at[out]], place[out]), -signed[out])
    held = np.cumsum(change, axis=0)
    largest = np.abs(held).max(axis=0, initial=0.0)
    return columns, np.where(np.abs(held) <= 1e-12 * largest, 0.0, held)


def positions_frame(known: Known, fills: Fills, book: Book) -> pd.DataFrame:
    """Return the value of each security held at each close; see `Backtest.positions`."""
    market = known.market
    columns, held = shares_held(known, fills, book)
    values = held * np.nan_to_num(market.mark[:, columns])
    names = [market.names[k] for k in columns]
    index = pd.DatetimeIndex(market.days.astype("datetime64[ns]"), name="date")
    return pd.DataFrame(values, index=index, columns=names)


def daily_frame(known: Known, book: Book, capital: float, span: slice) -> pd.DataFrame:
    """Return the account at each close of a span; see `Backtest.daily`."""
    days = known.market.days
    equity = book.equity
    before = np.concatenate([[capital], equity[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        columns: Mapping[str, FloatArray] = {
            "equity": equity,
            "return": np.where(before > 0, equity / before - 1, np.nan),
            "cash": book.cash,
            "long": book.long,
            "short": book.short,
            "gross": (book.long - book.short) / equity,
            "net": (book.long + book.short) / equity,
            "traded": book.traded,
            "turnover": book.traded / before,
            "commission": book.commission,
            "dividends": book.dividend,
            "borrow": book.borrow,
            "interest": book.interest,
        }
    frame = pd.DataFrame(columns, index=pd.DatetimeIndex(days.astype("datetime64[ns]"), name="date"))
    frame["drawdown"] = equity / np.maximum.accumulate(np.maximum(equity, capital)) - 1
    return frame.iloc[span]


def trades_frame(known: Known, fills: Fills, each: PerShare, book: Book, costs: Costs, capital: float) -> pd.DataFrame:
    """Return one row an event that was traded; see `Backtest.trades`."""
    n = len(known)
    pnl = np.bincount(fills.event, leg_pnl(each, book.shares, costs), n)
    parts = {
        "gross": each.side * (fills.out_price - fills.price),
        "dividends": each.dividend,
        "slippage": each.slippage,
        "commission": each.commission + each.out_commission,
        "borrow": each.borrow,
    }
    summed = {name: np.bincount(fills.event, book.shares * one, n) for name, one in parts.items()}
    summed["commission"] += np.bincount(fills.event, costs.per_order * each.orders * (book.shares > 0), n)
    at = np.flatnonzero((book.stake > 0) & (np.bincount(fills.event, book.shares, n) > 0))
    entered, left = np.full(n, len(known.market.days)), np.zeros(n, np.int64)
    np.minimum.at(entered, fills.event, fills.row)
    np.maximum.at(left, fills.event, fills.out_row)
    total = pnl[at].sum()
    return pd.DataFrame(
        {
            "ticker": known.table.ticker[at],
            "group": known.table.group[at],
            "date": _dates(known.market.days, known.row[at]),
            "entry_date": _dates(known.market.days, entered[at]),
            "exit_date": _dates(known.market.days, left[at]),
            "legs": np.bincount(fills.event, book.shares > 0, n)[at].astype(np.int64),
            "stake": book.stake[at],
            "scale": book.scale[at],
            **{name: values[at] for name, values in summed.items()},
            "pnl": pnl[at],
            "return": pnl[at] / book.stake[at],
            "share": pnl[at] / total if total else np.full(len(at), np.nan),
            "without": (total - pnl[at]) / capital,
        },
        index=pd.Index(known.table.event_id[at], name="event_id", dtype=object),
    )


def _dates(days: np.ndarray, row: IntArray) -> np.ndarray:
    return days[row].astype("datetime64[ns]")
