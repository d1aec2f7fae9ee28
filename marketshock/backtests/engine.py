"""The account: orders are sized, limited and booked session by session.

The order within a session: dividends, borrow fees and interest on the positions held overnight; then at the open,
intraday and at the close first the exits, then the entries; then the valuation at the close. Stakes and limits use the
account at the previous close.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray, StrArray
from .costs import Costs, Sizing
from .exits import STILL_OPEN
from .fills import Fills
from .market import Market
from .trading import PerShare


@dataclass(frozen=True, eq=False)
class Account:
    """The account from the first session to the last."""

    shares: FloatArray  # (n,): quoted shares of each leg, not negative; 0 where it was not traded
    stake: FloatArray  # (E,): money put on each event, after limits; 0 where it was not traded
    scale: FloatArray  # (E,): share of the desired stake that the limits left; NaN where no order was placed
    refused: StrArray  # (E,) of text: why an event with an order was not traded, "" otherwise
    # cash, long, short: (T,), at each close: cash, the value of the long positions, and the value of the short
    # positions (negative)
    cash: FloatArray
    long: FloatArray
    short: FloatArray
    # traded, commission, dividend, borrow, interest: (T,), flows of each session: value filled, commissions paid,
    # dividends received less paid, borrow fees paid, interest earned less paid
    traded: FloatArray
    commission: FloatArray
    dividend: FloatArray
    borrow: FloatArray
    interest: FloatArray

    @property
    def equity(self) -> FloatArray:
        """Cash and positions at each close, (T,)."""
        return np.asarray(self.cash + self.long + self.short)

    @property
    def traded_legs(self) -> BoolArray:
        """Whether each leg was traded, (n,)."""
        return self.shares > 0


def run_account(
    fills: Fills, each: PerShare, market: Market, n_events: int, costs: Costs, sizing: Sizing, capital: float
) -> Account:
    """Book all legs.

    Parameters
    ----------
    fills : Fills
        Entries and exits; the legs of an event are adjacent.
    each : PerShare
        Profit and costs of one share of each leg.
    market : Market
        Prices.
    n_events : int
        Events in the information set.
    costs, sizing
        As given to `backtest`.
    capital : float
        Cash before the first session.
    """
    booking = _Booking(fills, each, market, n_events, costs, sizing, capital)
    for row in range(booking.first, len(market.days)):
        booking.session(row)
    return Account(booking.shares, booking.stake, booking.scale, booking.refused, *booking.daily)


class _Booking:
    """The account while it is booked."""

    def __init__(
        self, fills: Fills, each: PerShare, market: Market, n_events: int, costs: Costs, sizing: Sizing, capital: float
    ) -> None:
        self.fills, self.each, self.market, self.costs, self.sizing = fills, each, market, costs, sizing
        n_days = len(market.close)
        self.used = np.unique(fills.column)  # sums over these alone: other securities must not change their rounding
        self.column = np.searchsorted(self.used, fills.column)
        self.cash, self.equity = float(capital), float(capital)
        self.held = np.zeros((2, len(self.used)))  # quoted shares long and short, both not negative
        self.is_short = (each.side < 0).astype(np.int64)  # row of a leg in `held`
        self.shares, self.stake = np.zeros(len(fills)), np.zeros(n_events)
        self.scale, self.refused = np.full(n_events, np.nan), np.full(n_events, "", dtype=object)
        self.fee = costs.borrow_by(market.names)[self.used]
        self.unit = _stake_per_unit(fills, market, n_events, sizing)
        self.daily = np.zeros((8, n_days))  # the last eight fields of `Account`
        self.daily[0] = capital
        self.first = int(fills.entry.row.min()) if len(fills) else n_days
        self.mark = np.nan_to_num(market.mark[:, self.used])
        self.pays = np.zeros(n_days, dtype=bool)
        self.dividend = None if market.dividend is None else market.dividend[:, self.used]
        if self.dividend is not None:
            self.pays[:] = self.dividend.any(axis=1)
        self.has_fee, self.has_rates = bool((self.fee > 0).any()), bool(costs.financing or costs.cash)
        self.entries = _Timeline(fills.entry.row, fills.entry.phase, n_days)
        self.exits = _Timeline(fills.exit.row, fills.exit.phase, n_days)

    def session(self, row: int) -> None:
        """Book one session."""
        flows = np.zeros(5)  # the last five fields of `Account`
        if row > self.first:
            flows[2:] = dividend, borrow, interest = self._overnight(row)
            self.cash += dividend - borrow + interest
        for phase in range(3):
            if (legs := self.exits.at(row, phase)) is not None:
                flows[:2] += self._exit(legs)
            if (legs := self.entries.at(row, phase)) is not None:
                flows[:2] += self._enter(legs, row)
        long, short = self.held @ self.mark[row]
        self.equity = self.cash + long - short
        self.daily[:, row] = (self.cash, long, 0.0 - short, *flows)

    def _overnight(self, row: int) -> tuple[float, float, float]:
        """Return dividends, borrow fees and interest on what was held since the previous close."""
        dividend = borrow = interest = 0.0
        years = self.market.elapsed[row] / self.costs.days_in_year
        if self.dividend is not None and self.pays[row]:
            long, short = self.held @ self.dividend[row]
            dividend = float(long - short)
        if self.has_fee:
            borrow = float((self.held[1] * self.mark[row - 1]) @ self.fee * years)
        if self.has_rates:
            interest = self.cash * (self.costs.cash if self.cash > 0 else self.costs.financing) * years
        return dividend, borrow, interest

    def _exit(self, legs: IntArray) -> tuple[float, float]:
        """Book exits; return the value filled and the commission."""
        shares = self.shares[legs]
        if not shares.any():
            return 0.0, 0.0
        each = self.each
        orders = (shares > 0) & (each.orders[legs] > 1)
        paid = float(shares @ each.exit_commission[legs] + self.costs.per_order * orders.sum())
        still_open = self.fills.exit.reason[legs] == STILL_OPEN  # valued at the last close, not sold
        sold = np.where(still_open, 0.0, shares)
        value = np.where(still_open, 0.0, shares * each.exit_fill[legs])
        self.cash += float(each.side[legs] @ value) - paid
        self._hold(legs, -sold)
        return float(value.sum()), paid

    def _enter(self, legs: IntArray, row: int) -> tuple[float, float]:
        """Book entries; return the value filled and the commission."""
        shares = self._sized(legs, row)
        if not shares.any():
            return 0.0, 0.0
        self.shares[legs] = shares
        value = shares * self.each.fill[legs]
        paid = float(shares @ self.each.commission[legs] + self.costs.per_order * (shares > 0).sum())
        self.cash -= float(self.each.side[legs] @ value) + paid
        self._hold(legs, shares)
        return float(value.sum()), paid

    def _hold(self, legs: IntArray, shares: FloatArray) -> None:
        np.add.at(self.held, (self.is_short[legs], self.column[legs]), shares)
        if (shares < 0).any():
            np.maximum(self.held, 0.0, out=self.held)  # rounding of a closed position

    def _sized(self, legs: IntArray, row: int) -> FloatArray:
        """Return the quoted shares of legs that enter together; record stake and scale of their events."""
        event, weight, column = self.fills.event[legs], self.fills.weight[legs], self.column[legs]
        if self.equity <= 0:
            self._refuse(event, "the account has no equity left")
            return np.zeros(len(legs))
        wanted = self.unit[event] * (1.0 if self.sizing.by == "fixed" else self.equity)
        scale = self._room(event, wanted * weight, column, row)
        stake = wanted * scale
        self.scale[event], self.stake[event] = scale, stake
        if not stake.all():
            self._refuse(event[stake == 0], "the limits leave no room")
            reason = f"no volatility: too few returns in the {self.sizing.window} sessions before, or all of them 0"
            self._refuse(event[wanted == 0], reason)
        shares = stake * np.abs(weight) / self.fills.entry.price[legs]
        return self._whole(legs, event, shares) if self.sizing.whole_shares else np.asarray(shares)

    def _whole(self, legs: IntArray, event: IntArray, shares: FloatArray) -> FloatArray:
        """Round down to whole shares as traded; the stake becomes the money invested per unit of weight."""
        quoted = self.market.quoted_per_share(self.fills.entry.row[legs], self.fills.column[legs])
        whole = np.floor(shares / quoted * (1 + 1e-12)) * quoted
        lacking = (whole == 0) & (shares > 0) & self.fills.needed[legs]
        self._refuse(event[lacking], "the stake buys no whole share of every leg")
        whole[self.refused[event] != ""] = 0.0
        n, weight = len(self.stake), np.abs(self.fills.weight[legs])
        invested, units = np.bincount(event, whole * self.fills.entry.price[legs], n), np.bincount(event, weight, n)
        self.stake[event] = (invested / np.where(units > 0, units, 1.0))[event]
        self._refuse(event[(self.stake[event] == 0) & (self.refused[event] == "")], "the stake buys no whole share")
        return np.asarray(whole)

    def _refuse(self, event: IntArray, reason: str) -> None:
        self.refused[event], self.stake[event] = reason, 0.0

    def _room(self, event: IntArray, value: FloatArray, column: IntArray, row: int) -> float | FloatArray:
        """Return the share of the desired value that the limits leave: one number, or one per leg (equal per event)."""
        sizing, equity = self.sizing, self.equity
        mark = self.mark[row - 1] if row else self.mark[row]
        long, short = self.held @ mark
        each = self._position_room(event, value, column, mark) if sizing.max_position is not None else 1.0
        value = value * each
        wanted = float(np.abs(value).sum())
        if wanted == 0:
            return each
        scale: float = min(1.0, max(0.0, (sizing.max_gross * equity - long - short) / wanted))
        if sizing.max_net is not None:
            scale = min(scale, _within(long - short, float(value.sum()), sizing.max_net * equity))
        return each * scale

    def _position_room(self, event: IntArray, value: FloatArray, column: IntArray, mark: FloatArray) -> FloatArray:
        """Return the share of each leg, equal per event, that keeps every security inside `max_position`.

        Purchases and sales are limited separately, because which of them another limit scales is not known yet.
        """
        limit = (self.sizing.max_position or np.inf) * self.equity
        now = (self.held[0] - self.held[1]) * mark
        share = np.ones(len(value))
        for sign in (1.0, -1.0):
            own = np.flatnonzero(value * sign > 0)
            added = np.bincount(column[own], value[own], len(mark))
            for k in np.unique(column[own]):
                share[own[column[own] == k]] = _within(now[k], added[k], limit)
        each = np.ones(len(self.unit))
        np.minimum.at(each, event, share)
        return np.asarray(each[event])


class _Timeline:
    """The legs that are filled at each phase of each session, in their order."""

    def __init__(self, row: IntArray, phase: IntArray, n_days: int) -> None:
        key = row * 3 + phase
        self._order = np.argsort(key, kind="stable")
        self._bounds = np.searchsorted(key[self._order], np.arange(3 * n_days + 1)).tolist()

    def at(self, row: int, phase: int) -> IntArray | None:
        """Return the legs of one phase, None if there are none."""
        lo, hi = self._bounds[3 * row + phase], self._bounds[3 * row + phase + 1]
        return self._order[lo:hi] if hi > lo else None


def _within(now: float, added: float, limit: float) -> float:
    """Return the share of an addition that keeps a sum between -limit and limit, or moves it closer to 0."""
    after = now + added
    if added == 0 or abs(after) <= limit or (after * now >= 0 and abs(after) <= abs(now)):
        return 1.0
    room = limit - now if added > 0 else limit + now
    return float(np.clip(room / abs(added), 0.0, 1.0))


def _stake_per_unit(fills: Fills, market: Market, n_events: int, sizing: Sizing) -> FloatArray:
    """Return each event's stake in money ("fixed") or as a share of equity, (E,); 0 where it cannot be computed."""
    if sizing.by != "inverse_volatility":
        return np.full(n_events, sizing.money)
    volatility = trade_volatility(fills, market, n_events, sizing.window)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = sizing.money / volatility
    return np.where(np.isfinite(unit), unit, 0.0)


def trade_volatility(fills: Fills, market: Market, n_events: int, window: int) -> FloatArray:
    """Return the daily volatility (about zero) of each event's weighted return before its fill, (E,).

    The window is the `window` sessions before the entry; sessions on which a leg has no return are left out. NaN where
    fewer than half of them remain.
    """
    squares, n = np.zeros(n_events), np.zeros(n_events)
    if not len(fills):
        return np.full(n_events, np.nan)
    starts = np.flatnonzero(np.diff(fills.event, prepend=-1))
    for back in range(1, window + 1):
        at = fills.entry.row - back
        value = np.where(at >= 0, market.returns.values[np.maximum(at, 0), fills.column], np.nan)
        total = np.add.reduceat(fills.weight * value, starts)
        there = np.isfinite(total)
        event = fills.event[starts[there]]
        squares[event] += total[there] ** 2
        n[event] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n >= window / 2, np.sqrt(squares / n), np.nan)
