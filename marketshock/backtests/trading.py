"""Trades: legs of a rule with fills, profit per share and return per event, without an account."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._typing import Duplicates, FloatArray, IntArray, OnClosed
from ..catalog.table import EventTable, repeated
from ..errors import InputError
from ..panel.alignment import Alignment, Exclusions, align, exclude_duplicates, locate
from .costs import Costs
from .exits import CLOSE, DELISTED, STILL_OPEN
from .fills import Fills, entry_rows, fill_legs
from .information import Excluded, InformationSet, Legs
from .market import Market
from .timing import Rule

MARKET = "(market)"


@dataclass(frozen=True, eq=False)
class Located:
    """Events with their sessions: the information set of those that can be traded, and the excluded events."""

    information: InformationSet
    alignment: Alignment
    exclusions: Exclusions


@dataclass(frozen=True, eq=False)
class PerShare:
    """Profit and costs of one quoted share of each leg, (n,)."""

    side: FloatArray  # (n,): 1.0 for long, -1.0 for short
    # fill, exit_fill: (n,): fill prices after spread and slippage
    fill: FloatArray
    exit_fill: FloatArray
    slippage: FloatArray  # (n,): spread and slippage of both fills against the quoted prices; not negative
    # commission, exit_commission: (n,): commission of each fill without `Costs.per_order`
    commission: FloatArray
    exit_commission: FloatArray
    # (n,): dividends received (long) or paid (short, negative) on ex-days after the entry and up to the exit
    dividend: FloatArray
    borrow: FloatArray  # (n,): borrow fees of a short position; not negative
    orders: IntArray  # (n,): fills that pay `Costs.per_order`: two, or one where nothing was traded at the end

    @property
    def pnl(self) -> FloatArray:
        """Profit of one share before `Costs.per_order`, (n,)."""
        costs = self.commission + self.exit_commission + self.borrow
        return np.asarray(self.side * (self.exit_fill - self.fill) + self.dividend - costs)


@dataclass(frozen=True, eq=False)
class Traded:
    """The legs of a rule with their fills, the profit per share of each, and the events that are not traded."""

    fills: Fills
    each: PerShare
    excluded: Excluded


def located(table: EventTable, market: Market, rule: Rule, on_closed: OnClosed, duplicates: Duplicates) -> Located:
    """Align events with the sessions and securities of the prices.

    Raises `NotSessionError` if a date is not a session and `on_closed` is "raise".
    """
    alignment = align(table, market.returns.sessions, on_closed)
    exclusions = Exclusions(table)
    if rule.own_tickers:
        row, column = locate(table, market.returns, alignment, exclusions)
    else:
        nameless = replace(table, names=repeated(market.names[0], len(table.names)))
        row, _ = locate(nameless, market.returns, alignment, exclusions)
        column = np.full(len(table), -1)
    if duplicates == "exclude":
        if rule.own_tickers:
            exclude_duplicates(table, row, column, exclusions)
        else:
            _exclude_same_session(table, row, exclusions)
    keep = exclusions.kept()
    kept = table.take(keep)
    if not rule.own_tickers:
        events = kept.event
        unique = len(set(events.tolist())) == len(events)
        names = np.array([MARKET], dtype=object)
        kept = replace(
            kept, names=names, security=np.zeros(len(kept), np.int64), own_id=events if unique else kept.event_id
        )
    return Located(information_of(kept, row[keep], column[keep], market, rule), alignment, exclusions)


def information_of(table: EventTable, row: IntArray, column: IntArray, market: Market, rule: Rule) -> InformationSet:
    """Return the information set of events at the close before the first fill of a rule."""
    return InformationSet(table, row, column, entry_rows(rule.timing, row) - 1, market)


def _exclude_same_session(table: EventTable, row: IntArray, exclusions: Exclusions) -> None:
    first: dict[int, str] = {}
    for position in np.flatnonzero(exclusions.kept()):
        session, name = int(row[position]), str(table.event[position])
        if session in first:
            reason = f"the rule takes one position per session, and {first[session]!r} already has it"
            exclusions.add(position, "same_session", reason)
        else:
            first[session] = name


def trade(rule: Rule, info: InformationSet, costs: Costs, delisting: FloatArray) -> Traded:
    """Fill the legs of a rule.

    Raises `InputError` if the rule returns invalid legs: weights that are not finite or 0, unknown securities or
    events.
    """
    legs = _checked(rule.legs(info), info)
    fills = fill_legs(info, legs, rule.timing, delisting)
    return Traded(fills, per_share(fills, info.market, costs), (*legs.excluded, *fills.excluded))


def _checked(legs: Legs, info: InformationSet) -> Legs:
    """Return valid legs, with a reason for every event that has none."""
    n, remedy = len(legs.event), "see marketshock.rules.Legs"
    if not (len(legs.column) == len(legs.weight) == n):
        raise InputError("rule", f"returned {n} events, {len(legs.column)} columns, {len(legs.weight)} weights", remedy)
    if n:
        _check_values(legs, info, remedy)
    missing = np.ones(len(info), dtype=bool)
    missing[legs.event] = False
    missing[[i for i, *_ in legs.excluded]] = False
    added = ((int(i), "no_signal", "the rule takes no position") for i in np.flatnonzero(missing))
    return replace(legs, excluded=(*legs.excluded, *added))


def _check_values(legs: Legs, info: InformationSet, remedy: str) -> None:
    if not np.isfinite(legs.weight).all() or not legs.weight.all():
        raise InputError("rule", "returned a weight that is 0 or not finite", "leave such legs out")
    if (np.diff(legs.event) < 0).any() or legs.event[0] < 0 or legs.event[-1] >= len(info):
        raise InputError("rule", "returned events that are unsorted or out of range", remedy)
    if legs.column.min() < 0 or legs.column.max() >= len(info.market.names):
        raise InputError("rule", "returned a column that is out of range", remedy)


def per_share(fills: Fills, market: Market, costs: Costs) -> PerShare:
    """Return profit and costs of one quoted share of each leg."""
    side, column = np.sign(fills.weight), fills.column
    split = market.quoted_per_share(fills.entry.row, column)
    exit_split = market.quoted_per_share(fills.exit.row, column)
    sold = ~np.isin(fills.exit.reason, (DELISTED, STILL_OPEN))
    fill = costs.fill(fills.entry.price, side, split)
    exit_fill = np.where(sold, costs.fill(fills.exit.price, -side, exit_split), fills.exit.price)
    fees = running_fees(market, costs) if (side < 0).any() else None
    return PerShare(
        side,
        fill,
        exit_fill,
        side * (fill - fills.entry.price) - side * (exit_fill - fills.exit.price),
        costs.commission(fill, split),
        np.where(sold, costs.commission(exit_fill, exit_split), 0.0),
        side * _growth(market.paid, fills, fills.exit.row),
        (side < 0) * _growth(fees, fills, fills.exit.row),
        1 + sold.astype(np.int64),
    )


def _growth(running: FloatArray | None, fills: Fills, row: IntArray) -> FloatArray:
    """Return the increase of a running sum from the session of the entry to another session, (n,)."""
    if running is None:
        return np.zeros(len(fills))
    return np.asarray(running[row, fills.column] - running[fills.entry.row, fills.column])


def running_fees(market: Market, costs: Costs) -> FloatArray | None:
    """Return the borrow fees of one quoted share since the first session, (T, S); None if there are none."""
    fee = costs.borrow_by(market.names)
    if not (fee > 0).any():
        return None
    years = market.elapsed / costs.days_in_year
    accrued = np.zeros(market.close.shape)
    accrued[1:] = np.nan_to_num(market.mark[:-1]) * years[1:, None] * fee
    return np.asarray(np.cumsum(accrued, axis=0))


def leg_pnl(each: PerShare, shares: FloatArray, costs: Costs) -> FloatArray:
    """Return the profit after costs of each leg in money, (n,); interest on cash belongs to no leg."""
    return np.asarray(shares * each.pnl - costs.per_order * each.orders * (shares > 0))


def event_returns(traded: Traded, n_events: int, costs: Costs, stake: float) -> FloatArray:
    """Return each event's profit after costs over its stake (decimal), (E,); NaN where it was not traded.

    `stake` (money) matters only for `Costs.per_order`.
    """
    fills = traded.fills
    shares = stake * np.abs(fills.weight) / fills.entry.price
    out = np.bincount(fills.event, leg_pnl(traded.each, shares, costs), n_events) / stake
    out[np.bincount(fills.event, minlength=n_events) == 0] = np.nan
    return np.asarray(out)


def event_paths(
    traded: Traded, info: InformationSet, costs: Costs, stake: float | FloatArray, steps: int
) -> FloatArray:
    """Return each event's cumulative return over its stake at the fill and the closes after it, (E, steps + 1).

    Column 0 is at the fill and contains the cost of the entry; column k is at the k-th close after the fill. After the
    exit the value is constant. NaN where the event was not traded. `stake` is the money of each event, (E,), or of all;
    it matters only for `Costs.per_order`.
    """
    market, fills, each = info.market, traded.fills, traded.each
    shares = np.abs(fills.weight) / fills.entry.price
    money = np.broadcast_to(np.asarray(stake, dtype=float), (len(info),))[fills.event]
    per_order = np.divide(costs.per_order, money, out=np.zeros(len(money)), where=money > 0)
    final = shares * each.pnl - per_order * each.orders
    entry_cost = each.commission * shares + per_order
    fees = running_fees(market, costs) if (each.side < 0).any() else None
    out = np.full((len(info), steps + 1), np.nan)
    first = fills.entry.row - (fills.entry.phase != CLOSE)
    for k in range(steps + 1):
        closed = (first + k >= fills.exit.row) & (k > 0)
        row = np.maximum(np.minimum(first + k, len(market.days) - 1), fills.entry.row)
        income = each.side * _growth(market.paid, fills, row) - (each.side < 0) * _growth(fees, fills, row)
        price = market.mark[row, fills.column] if k else fills.entry.price
        value = shares * (each.side * (price - each.fill) + income) - entry_cost
        out[:, k] = np.bincount(fills.event, np.where(closed, final, value), len(info))
    out[np.bincount(fills.event, minlength=len(info)) == 0] = np.nan
    return out
