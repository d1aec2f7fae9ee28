"""The account: orders are sized, limited and booked session by session.

Within a session the order of things is: dividends, fees and interest on what was held overnight; then at the open,
within the day and at the close first the ways out, then the ways in; then everything is valued at the close. Sizes and
limits read the account as it stood at the close before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import FloatArray, IntArray, StrArray
from .costs import Costs, Sizing
from .exits import DELISTED, STILL_OPEN
from .fills import Fills
from .market import Market


@dataclass(frozen=True, eq=False)
class PerShare:
    """What one quoted share of each leg brings and costs, (n,); `side` is 1.0 for long and -1.0 for short.

    Attributes
    ----------
    side : ndarray of shape (n,)
    fill, out_fill : ndarray of shape (n,)
        Prices paid and received after spread and slippage.
    slippage : ndarray of shape (n,)
        What they cost against the quoted prices, both ways together; not negative.
    commission, out_commission : ndarray of shape (n,)
        At the way in and out, apart from what is paid an order.
    dividend : ndarray of shape (n,)
        Dividends received (long) or paid (short, negative) on ex-days after the way in and up to the way out.
    borrow : ndarray of shape (n,)
        Fees of a short position; not negative.
    orders : ndarray of shape (n,)
        Fills for which `Costs.per_order` is paid: two, or one where nothing was traded at the end.
    """

    side: FloatArray
    fill: FloatArray
    out_fill: FloatArray
    slippage: FloatArray
    commission: FloatArray
    out_commission: FloatArray
    dividend: FloatArray
    borrow: FloatArray
    orders: IntArray

    @property
    def pnl(self) -> FloatArray:
        """Profit of one share apart from what is paid an order, (n,)."""
        costs = self.commission + self.out_commission + self.borrow
        return np.asarray(self.side * (self.out_fill - self.fill) + self.dividend - costs)


def per_share(fills: Fills, market: Market, costs: Costs) -> PerShare:
    """Return what one quoted share of each leg brings and costs."""
    side, column = np.sign(fills.weight), fills.column
    split = market.quoted_per_share(fills.row, column)
    out_split = market.quoted_per_share(fills.out_row, column)
    traded = ~np.isin(fills.why, (DELISTED, STILL_OPEN))
    fill = costs.fill(fills.price, side, split)
    out_fill = np.where(traded, costs.fill(fills.out_price, -side, out_split), fills.out_price)
    slippage = side * (fill - fills.price) - side * (out_fill - fills.out_price)
    out_commission = np.where(traded, costs.commission(out_fill, out_split), 0.0)
    dividend = side * _between(market.paid, fills)
    return PerShare(
        side,
        fill,
        out_fill,
        slippage,
        costs.commission(fill, split),
        out_commission,
        dividend,
        _borrow(fills, market, costs, side),
        1 + traded.astype(np.int64),
    )


def _between(running: FloatArray | None, fills: Fills) -> FloatArray:
    """Return what a running sum grew by over the sessions after the way in, up to the way out, (n,)."""
    if running is None:
        return np.zeros(len(fills))
    return np.asarray(running[fills.out_row, fills.column] - running[fills.row, fills.column])


def _borrow(fills: Fills, market: Market, costs: Costs, side: FloatArray) -> FloatArray:
    if not (side < 0).any():
        return np.zeros(len(fills))
    return np.where(side < 0, _between(running_fees(market, costs), fills), 0.0)


def running_fees(market: Market, costs: Costs) -> FloatArray | None:
    """Return the borrow fees of one quoted share from the first session to each, (T, S); None where all are free."""
    fee = costs.borrow_by(market.names)
    if not (fee > 0).any():
        return None
    days = market.elapsed / costs.days_in_year
    accrued = np.zeros(market.close.shape)
    accrued[1:] = np.nan_to_num(market.mark[:-1]) * days[1:, None] * fee
    return np.asarray(np.cumsum(accrued, axis=0))


@dataclass(frozen=True, eq=False)
class Book:
    """The account from the first session to the last.

    Attributes
    ----------
    shares : ndarray of shape (n,)
        Quoted shares of each leg, not negative; 0 where it was not traded.
    stake : ndarray of shape (E,)
        Money put on each event, after limits; 0 where it was not traded.
    scale : ndarray of shape (E,)
        Share of the stake wanted that the limits left; NaN where no order came.
    refused : ndarray of shape (E,), object
        Why an event with an order was not traded, "" otherwise.
    cash, long, short : ndarray of shape (T,)
        At each close: cash, the value of what is held long, and of what is sold short (negative).
    traded, commission, dividend, borrow, interest : ndarray of shape (T,)
        Of each session: value filled, commissions paid, dividends received less paid, borrow fees paid, interest
        earned less paid.
    """

    shares: FloatArray
    stake: FloatArray
    scale: FloatArray
    refused: StrArray
    cash: FloatArray
    long: FloatArray
    short: FloatArray
    traded: FloatArray
    commission: FloatArray
    dividend: FloatArray
    borrow: FloatArray
    interest: FloatArray

    @property
    def equity(self) -> FloatArray:
        """Cash and positions at each close, (T,)."""
        return np.asarray(self.cash + self.long + self.short)


def run_account(
    fills: Fills, each: PerShare, market: Market, n_events: int, costs: Costs, sizing: Sizing, capital: float
) -> Book:
    """Book all legs.

    Parameters
    ----------
    fills : Fills
        Ways in and out; legs of an event side by side.
    each : PerShare
        What a share of each brings and costs.
    market : Market
        Prices.
    n_events : int
        Events known.
    costs, sizing
        As given.
    capital : float
        Cash before the first session.
    """
    account = _Account(fills, each, market, n_events, costs, sizing, capital)
    for row in range(account.first, len(market.days)):
        account.session(row)
    return account.book()


class _Account:
    """State of the account while it is booked."""

    def __init__(
        self, fills: Fills, each: PerShare, market: Market, n_events: int, costs: Costs, sizing: Sizing, capital: float
    ) -> None:
        self.fills, self.each, self.market, self.costs, self.sizing = fills, each, market, costs, sizing
        n_days, n_names = market.close.shape
        self.cash, self.equity = float(capital), float(capital)
        self.held = np.zeros((2, n_names))  # quoted shares long, and short (both not negative)
        self.shares, self.stake = np.zeros(len(fills)), np.zeros(n_events)
        self.scale, self.refused = np.full(n_events, np.nan), np.full(n_events, "", dtype=object)
        self.fee = costs.borrow_by(market.names)
        self.has_fee = bool((self.fee > 0).any())
        self.has_rates = bool(costs.financing or costs.cash)
        self.pays = market.dividend is not None and market.dividend.any(axis=1)
        self.unit = _stake_per_unit(fills, market, n_events, sizing)
        self.daily = np.zeros((8, n_days))
        self.daily[0] = capital
        self.first = int(fills.row.min()) if len(fills) else n_days
        self.mark = np.nan_to_num(market.mark)
        self.into, self.out = (
            _Timeline(fills.row, fills.phase, n_days),
            _Timeline(fills.out_row, fills.out_phase, n_days),
        )
        self.side, self.buys = each.side, (each.side > 0).astype(np.int64)
        self.quoted = market.quoted_per_share(fills.row, fills.column)

    def session(self, row: int) -> None:
        """Book one session."""
        cash_before = self.cash
        traded = commission = 0.0
        dividend = borrow = interest = 0.0
        if row > self.first:
            dividend, borrow, interest = self._overnight(row, cash_before)
            self.cash += dividend - borrow + interest
        for phase in range(3):
            out, into = self.out.at(row, phase), self.into.at(row, phase)
            if out is not None:
                value, paid = self._way_out(out)
                traded, commission = traded + value, commission + paid
            if into is not None:
                value, paid = self._way_in(into, row)
                traded, commission = traded + value, commission + paid
        long, short = self.held @ self.mark[row]
        self.equity = self.cash + long - short
        self.daily[:, row] = (self.cash, long, 0.0 - short, traded, commission, dividend, borrow, interest)

    def _overnight(self, row: int, cash: float) -> tuple[float, float, float]:
        """Return dividends, borrow fees and interest on what was held since the close before."""
        dividend = borrow = interest = 0.0
        year = self.market.elapsed[row] / self.costs.days_in_year
        if self.pays is not False and self.pays[row]:  # type: ignore[index]
            long, short = self.held @ self.market.dividend[row]  # type: ignore[index]
            dividend = float(long - short)
        if self.has_fee:
            borrow = float((self.held[1] * self.mark[row - 1]) @ self.fee * year)
        if self.has_rates:
            interest = cash * (self.costs.cash if cash > 0 else self.costs.financing) * year
        return dividend, borrow, interest

    def _way_out(self, legs: IntArray) -> tuple[float, float]:
        shares = self.shares[legs]
        if not shares.any():
            return 0.0, 0.0
        each, side = self.each, self.side[legs]
        value = shares * each.out_fill[legs]
        orders = (shares > 0) & (each.orders[legs] > 1)
        paid = float(shares @ each.out_commission[legs] + self.costs.per_order * orders.sum())
        still = self.fills.why[legs] == STILL_OPEN
        if still.any():  # valued at the last close, not sold
            value = np.where(still, 0.0, value)
            shares = np.where(still, 0.0, shares)
        self.cash += float(side @ value) - paid
        self._hold(legs, -shares)
        return float(value.sum()), paid

    def _way_in(self, legs: IntArray, row: int) -> tuple[float, float]:
        shares = self._sized(legs, row)
        if not shares.any():
            return 0.0, 0.0
        self.shares[legs] = shares
        value = shares * self.each.fill[legs]
        paid = float(shares @ self.each.commission[legs] + self.costs.per_order * (shares > 0).sum())
        self.cash -= float(self.side[legs] @ value) + paid
        self._hold(legs, shares)
        return float(value.sum()), paid

    def _hold(self, legs: IntArray, shares: FloatArray) -> None:
        np.add.at(self.held, (1 - self.buys[legs], self.fills.column[legs]), shares)
        if (shares < 0).any():
            np.maximum(self.held, 0.0, out=self.held)  # what rounding leaves of a position that is closed

    def _sized(self, legs: IntArray, row: int) -> FloatArray:
        """Return the quoted shares of the legs that come in at one moment, and note stake and scale of their events."""
        event, weight, column = self.fills.event[legs], self.fills.weight[legs], self.fills.column[legs]
        if self.equity <= 0:
            self._refuse(event, "the account has no equity left")
            return np.zeros(len(legs))
        wanted = self.unit[event] * (1.0 if self.sizing.by == "fixed" else self.equity)
        scale = self._room(event, wanted * weight, column, row)
        stake = wanted * scale
        self.scale[event], self.stake[event] = scale, stake
        if not stake.all():
            self._refuse(event[stake == 0], "the limits leave no room")
            why = f"the {self.sizing.window} sessions before have too few returns, or none that moved, to size it"
            self._refuse(event[wanted == 0], why)
        shares = stake * np.abs(weight) / self.fills.price[legs]
        return self._whole(legs, event, shares) if self.sizing.whole_shares else np.asarray(shares)

    def _whole(self, legs: IntArray, event: IntArray, shares: FloatArray) -> FloatArray:
        """Round down to whole shares as traded; the stake becomes what was put in."""
        quoted, weight = self.quoted[legs], np.abs(self.fills.weight[legs])
        whole = np.floor(shares / quoted * (1 + 1e-12)) * quoted
        lacking = (whole == 0) & (shares > 0) & self.fills.needed[legs]
        self._refuse(event[lacking], "the stake buys no whole share of every leg")
        whole[self.refused[event] != ""] = 0.0
        n = len(self.stake)
        put, units = np.bincount(event, whole * self.fills.price[legs], n), np.bincount(event, weight, n)
        self.stake[event] = (put / np.where(units > 0, units, 1.0))[event]
        self._refuse(event[(self.stake[event] == 0) & (self.refused[event] == "")], "the stake buys no whole share")
        return np.asarray(whole)

    def _refuse(self, event: IntArray, why: str) -> None:
        self.refused[event], self.stake[event] = why, 0.0

    def _room(self, event: IntArray, value: FloatArray, column: IntArray, row: int) -> float | FloatArray:
        """Return the share of what is wanted that the limits leave: one number, or one a leg, the same for an event."""
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
        """Return the share of each leg, the same for an event, that keeps every security inside `max_position`.

        Purchases and sales of one moment are judged apart: which of them are scaled elsewhere is not known yet.
        """
        limit = (self.sizing.max_position or np.inf) * self.equity
        now = (self.held[0] - self.held[1]) * mark
        share = np.ones(len(value))
        for way in (1.0, -1.0):
            own = np.flatnonzero(value * way > 0)
            added = np.bincount(column[own], value[own], len(mark))
            for k in np.unique(column[own]):
                share[own[column[own] == k]] = _within(now[k], added[k], limit)
        each = np.ones(len(self.unit))
        np.minimum.at(each, event, share)
        return np.asarray(each[event])

    def book(self) -> Book:
        """Return what was booked."""
        cash, long, short, traded, commission, dividend, borrow, interest = self.daily
        return Book(
            self.shares,
            self.stake,
            self.scale,
            self.refused,
            cash,
            long,
            short,
            traded,
            commission,
            dividend,
            borrow,
            interest,
        )


class _Timeline:
    """Which legs move at each moment, in their order."""

    def __init__(self, row: IntArray, phase: IntArray, n_days: int) -> None:
        key = row * 3 + phase
        self._order = np.argsort(key, kind="stable")
        self._bounds = np.searchsorted(key[self._order], np.arange(3 * n_days + 1)).tolist()

    def at(self, row: int, phase: int) -> IntArray | None:
        """Return the legs of one moment, None for none."""
        lo, hi = self._bounds[3 * row + phase], self._bounds[3 * row + phase + 1]
        return self._order[lo:hi] if hi > lo else None


def _within(now: float, added: float, limit: float) -> float:
    """Return the share of an addition that keeps a sum between -limit and limit, or brings it nearer to 0."""
    after = now + added
    if added == 0 or abs(after) <= limit or (after * now >= 0 and abs(after) <= abs(now)):
        return 1.0
    room = limit - now if added > 0 else limit + now
    return float(np.clip(room / abs(added), 0.0, 1.0))


def _stake_per_unit(fills: Fills, market: Market, n_events: int, sizing: Sizing) -> FloatArray:
    """Return each event's stake: money, or a share of equity, (E,)."""
    if sizing.by != "inverse_volatility":
        return np.full(n_events, sizing.money)
    volatility = trade_volatility(fills, market, n_events, sizing.window)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = sizing.money / volatility
    return np.where(np.isfinite(unit), unit, 0.0)


def trade_volatility(fills: Fills, market: Market, n_events: int, window: int) -> FloatArray:
    """Return the daily volatility (about zero) of each event's weighted return before its fill, (E,).

    Over the `window` sessions that end the session before the way in, those on which every leg has a return; NaN where
    fewer than half of them are there.
    """
    squares, n = np.zeros(n_events), np.zeros(n_events)
    starts = np.flatnonzero(np.diff(fills.event, prepend=-1)) if len(fills) else np.empty(0, np.int64)
    if not len(starts):
        return np.full(n_events, np.nan)
    for back in range(1, window + 1):
        at = fills.row - back
        value = np.where(at >= 0, market.returns.values[np.maximum(at, 0), fills.column], np.nan)
        total = np.add.reduceat(fills.weight * value, starts)
        there = np.isfinite(total)
        event = fills.event[starts[there]]
        squares[event] += total[there] ** 2
        n[event] += 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n >= window / 2, np.sqrt(squares / n), np.nan)
