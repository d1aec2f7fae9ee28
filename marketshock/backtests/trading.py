"""Events brought to the market and traded by a rule, one by one, apart from any account."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._typing import Duplicates, FloatArray, IntArray, OnClosed
from ..catalog.table import EventTable, repeated
from ..errors import InputError
from ..panel.alignment import Alignment, Exclusions, align, exclude_duplicates, locate
from .costs import Costs
from .engine import PerShare, per_share, running_fees
from .exits import CLOSE
from .fills import Fills, entry_rows, fill_legs
from .known import Known, Legs
from .market import Market
from .timing import Rule

MARKET = "(market)"


@dataclass(frozen=True, eq=False)
class Located:
    """Events with their sessions: what is known of those that can be traded, and why the others cannot."""

    known: Known
    alignment: Alignment
    exclusions: Exclusions


@dataclass(frozen=True, eq=False)
class Traded:
    """The legs of a rule with their ways in and out, what a share of each brings, and which events have none."""

    fills: Fills
    each: PerShare
    left: tuple[tuple[int, str, str], ...]


def located(table: EventTable, market: Market, rule: Rule, on_closed: OnClosed, duplicates: Duplicates) -> Located:
    """Bring events and prices together.

    Raises
    ------
    NotSessionError
        If a date is no session and nothing says what to do with it.
    """
    alignment = align(table, market.returns.sessions, on_closed)
    left = Exclusions(table)
    if rule.own_tickers:
        row, column = locate(table, market.returns, alignment, left)
    else:
        nameless = replace(table, names=repeated(market.names[0], len(table.names)))
        row, _ = locate(nameless, market.returns, alignment, left)
        column = np.full(len(table), -1)
    if duplicates == "exclude":
        exclude_duplicates(table, row, column, left) if rule.own_tickers else _one_a_session(table, row, left)
    keep = left.kept()
    kept = table.take(keep)
    if not rule.own_tickers:
        events = kept.event
        unique = len(set(events.tolist())) == len(events)
        names = np.array([MARKET], dtype=object)
        kept = replace(
            kept, names=names, security=np.zeros(len(kept), np.int64), own_id=events if unique else kept.event_id
        )
    return Located(known_of(kept, row[keep], column[keep], market, rule), alignment, left)


def known_of(table: EventTable, row: IntArray, column: IntArray, market: Market, rule: Rule) -> Known:
    """Return what is known of events when the orders of a rule are placed."""
    return Known(table, row, column, entry_rows(rule.timing, row) - 1, market)


def _one_a_session(table: EventTable, row: IntArray, left: Exclusions) -> None:
    first: dict[int, str] = {}
    for place in np.flatnonzero(left.kept()):
        at, name = int(row[place]), str(table.event[place])
        if at in first:
            why = f"the rule takes one position a session, and that of {first[at]!r} is it"
            left.add(place, "same_session", why)
        else:
            first[at] = name


def trade(rule: Rule, known: Known, costs: Costs, delisting: FloatArray) -> Traded:
    """Ask the rule for its legs and fill them.

    Raises
    ------
    InputError
        If the rule returns legs that cannot be: weights that are no numbers, securities or events that are not there.
    """
    legs = _checked(rule.legs(known), known)
    fills = fill_legs(known, legs, rule.timing, delisting)
    return Traded(fills, per_share(fills, known.market, costs), (*legs.left, *fills.left))


def _checked(legs: Legs, known: Known) -> Legs:
    """Return legs that can be, with a reason for every event that has none."""
    n, remedy = len(legs.event), "see marketshock.backtests.known.Legs"
    if not (len(legs.column) == len(legs.weight) == n):
        raise InputError("rule", f"returned {n} events, {len(legs.column)} columns, {len(legs.weight)} weights", remedy)
    if n:
        _check_values(legs, known, remedy)
    silent = np.ones(len(known), dtype=bool)
    silent[legs.event] = False
    silent[[i for i, *_ in legs.left]] = False
    left = (*legs.left, *((int(i), "no_signal", "the rule takes no position") for i in np.flatnonzero(silent)))
    return Legs(legs.event, legs.column, legs.weight, legs.needed, left)


def _check_values(legs: Legs, known: Known, remedy: str) -> None:
    if not np.isfinite(legs.weight).all() or not legs.weight.all():
        raise InputError("rule", "returned a weight of zero or one that is no number", "leave such legs out")
    if (np.diff(legs.event) < 0).any() or legs.event[0] < 0 or legs.event[-1] >= len(known):
        raise InputError("rule", "returned events that are not in order or not there", remedy)
    if legs.column.min() < 0 or legs.column.max() >= len(known.market.names):
        raise InputError("rule", "returned a column that is not there", remedy)


def leg_pnl(each: PerShare, shares: FloatArray, costs: Costs) -> FloatArray:
    """Return the profit after costs of each leg in money, (n,); interest on the account is no leg's."""
    return np.asarray(shares * each.pnl - costs.per_order * each.orders * (shares > 0))


def event_returns(traded: Traded, n_events: int, costs: Costs, stake: float) -> FloatArray:
    """Return each event's profit after costs over its stake (decimal), (E,); NaN where it was not traded.

    `stake` is the money that commissions an order are spread over; nothing else depends on it.
    """
    fills = traded.fills
    shares = stake * np.abs(fills.weight) / fills.price
    pnl = leg_pnl(traded.each, shares, costs)
    out = np.bincount(fills.event, pnl, n_events) / stake
    out[np.bincount(fills.event, minlength=n_events) == 0] = np.nan
    return np.asarray(out)


def event_paths(traded: Traded, known: Known, costs: Costs, stake: float | FloatArray, steps: int) -> FloatArray:
    """Return each event's cumulative return over its stake at the fill and the closes after it, (E, steps + 1).

    `stake` is the money of each event, (E,), or of all: commissions an order are spread over it. Column k is at the
    k-th close after the fill; column 0 at the fill, with the cost of the way in. From the way out
    on it stays what it was; NaN where the event was not traded.
    """
    market, fills, each = known.market, traded.fills, traded.each
    shares = np.abs(fills.weight) / fills.price
    money = np.broadcast_to(np.asarray(stake, dtype=float), (len(known),))[fills.event]
    per_order = np.divide(costs.per_order, money, out=np.zeros(len(money)), where=money > 0)
    final = shares * each.pnl - per_order * each.orders
    paid = each.commission * shares + per_order
    n_days, n_events = len(market.days), len(known)
    fees = running_fees(market, costs) if (each.side < 0).any() else None
    out = np.full((n_events, steps + 1), np.nan)
    traded_at = np.bincount(fills.event, minlength=n_events) > 0
    first = fills.row - (fills.phase != CLOSE)
    for k in range(steps + 1):
        row = np.minimum(first + k, n_days - 1)
        over = (first + k >= fills.out_row) & (k > 0)
        at = np.maximum(row, fills.row)
        held = np.zeros(len(fills))
        if market.paid is not None:
            held += each.side * (market.paid[at, fills.column] - market.paid[fills.row, fills.column])
        if fees is not None:
            held -= (each.side < 0) * (fees[at, fills.column] - fees[fills.row, fills.column])
        price = market.mark[at, fills.column] if k else fills.price
        value = shares * (each.side * (price - each.fill) + held) - paid
        out[:, k] = np.bincount(fills.event, np.where(over, final, value), n_events)
    out[~traded_at] = np.nan
    return out
