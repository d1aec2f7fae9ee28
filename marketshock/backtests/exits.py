"""Exits: at the planned time, at the next price after it, or at a stop or target before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError, UnknownNameError
from .information import Legs
from .market import Market
from .timing import Timed, is_number

OPEN, INTRADAY, CLOSE = 0, 1, 2
PHASES = ("open", "intraday", "close")
HELD, STOP, TARGET, LATE, DELISTED, STILL_OPEN = range(6)
EXIT_REASONS = ("days held", "stop", "target", "days held, next price", "delisted", "still open")

_NOT_DELISTED = 5  # sessions at the end of the prices for which a security may lack prices without being delisted


@dataclass(frozen=True, slots=True)
class Entries:
    """Session, phase (0 the open, 1 intraday, 2 the close) and price of n entries; NaN where it is not filled."""

    row: IntArray
    phase: IntArray
    price: FloatArray


@dataclass(frozen=True, slots=True)
class Exits(Entries):
    """The same of n exits, and the reason (position in `EXIT_REASONS`)."""

    reason: IntArray

    def put(self, at: IntArray, other: Exits) -> None:
        """Overwrite the exits at some positions."""
        self.row[at], self.phase[at] = other.row, other.phase
        self.price[at], self.reason[at] = other.price, other.reason


_Arrays = TypeVar("_Arrays", Entries, Exits)


def taken(arrays: _Arrays, at: IntArray | BoolArray) -> _Arrays:
    """Return a copy of some entries or exits."""
    return replace(arrays, **{f.name: getattr(arrays, f.name)[at] for f in fields(arrays)})


def find_exits(market: Market, legs: Legs, timing: Timed, entry: Entries, delisting: FloatArray) -> Exits:
    """Return the exit of each leg.

    An exit without a price at the planned time is filled at the next price, open or close. If there is none, and the
    last price is more than five sessions before the end of the prices, the security is delisted: the exit is at the
    session after its last close, at that close times one plus `delisting` (decimal, (S,)). Otherwise the leg is still
    open, valued at the last close.
    """
    row = entry.row + timing.days - (entry.phase != CLOSE)
    phase, row = (OPEN, row + 1) if timing.exit == "open" else (CLOSE, row)
    out = _scheduled(market, legs.column, row, phase, delisting)
    if (timing.stop is None and timing.target is None) or not len(row):
        return out
    sizes = np.bincount(legs.event)[legs.event]
    resting = (sizes == 1) & (market.high is not None and market.low is not None)
    at = np.flatnonzero(resting)
    out.put(at, _resting_orders(market, legs.take(at), timing, taken(entry, at), taken(out, at)))
    at = np.flatnonzero(~resting)
    if len(at):
        out.put(at, _closing_levels(market, legs.take(at), timing, taken(entry, at), taken(out, at), delisting))
    return out


def _scheduled(market: Market, column: IntArray, row: IntArray, planned: int, delisting: FloatArray) -> Exits:
    """Return exits at a phase of some sessions, or at the next price after it."""
    n_days = len(market.days)
    row, phase, field = row.copy(), np.full(len(row), planned), _field(market, planned)
    price = np.full(len(row), np.nan)
    inside = row < n_days
    price[inside] = field[row[inside], column[inside]]
    reason = np.full(len(row), HELD)
    for k in np.flatnonzero(np.isnan(price) & inside):
        found = _next_price(market, int(column[k]), int(row[k]), planned)
        if found is not None:
            row[k], phase[k], price[k], reason[k] = *found, LATE
    gone = np.isnan(price)
    if gone.any():
        last = market.last[column]
        delisted = gone & (last < n_days - 1 - _NOT_DELISTED)
        row[delisted], phase[delisted], reason[delisted] = last[delisted] + 1, OPEN, DELISTED
        price[delisted] = market.close[last[delisted], column[delisted]] * (1 + delisting[column[delisted]])
        ending = gone & ~delisted
        row[ending], phase[ending], reason[ending] = n_days - 1, CLOSE, STILL_OPEN
        price[ending] = market.mark[n_days - 1, column[ending]]
    return Exits(row, phase, price, reason)


def _next_price(market: Market, column: int, row: int, planned: int) -> tuple[int, int, float] | None:
    """Return session, phase and price of the first open or close from a phase on, None if there is none."""
    found = []
    for phase, field, since in ((OPEN, market.open, row + (planned == CLOSE)), (CLOSE, market.close, row)):
        if field is not None:
            later = np.flatnonzero(np.isfinite(field[since:, column]))
            if len(later):
                at = since + int(later[0])
                found.append((at, phase, float(field[at, column])))
    return min(found, default=None)


def _field(market: Market, phase: int) -> FloatArray:
    if phase == CLOSE:
        return market.close
    if market.open is None:
        raise InputError("exit", "got 'open', and the prices have no opens", "give 'close', or opens")
    return market.open


def _resting_orders(market: Market, legs: Legs, timing: Timed, entry: Entries, out: Exits) -> Exits:
    """Fill stop and target orders of single legs that rest in the market."""
    side, column = np.sign(legs.weight), legs.column
    none = np.full(len(side), np.nan)
    stop = entry.price * (1 - side * timing.stop) if timing.stop is not None else none
    target = entry.price * (1 + side * timing.target) if timing.target is not None else none
    first = entry.row + (entry.phase != OPEN)  # after a fill intraday or at the close the rest of that day is unknown
    waiting = np.arange(len(side))
    for step in range(int((out.row - first).max(initial=-1)) + 1):
        at = first[waiting] + step
        waiting = waiting[(at < out.row[waiting]) | ((at == out.row[waiting]) & (out.phase[waiting] == CLOSE))]
        if not len(waiting):
            break
        day, col, up = first[waiting] + step, column[waiting], side[waiting]
        high, low = market.high[day, col], market.low[day, col]  # type: ignore[index]
        worst, best = np.where(up > 0, low, -high), np.where(up > 0, high, -low)
        opened = up * market.open[day, col] if market.open is not None else np.full(len(waiting), np.nan)
        lower, upper = up * stop[waiting], up * target[waiting]  # a short position is a long one in minus the price
        with np.errstate(invalid="ignore"):
            cases = (  # in the order in which they are filled
                (opened <= lower, opened, OPEN, STOP),
                (opened >= upper, opened, OPEN, TARGET),
                (worst <= lower, lower, INTRADAY, STOP),
                (best >= upper, upper, INTRADAY, TARGET),
            )
        unfilled = np.ones(len(waiting), dtype=bool)
        for hit, price, phase, reason in cases:
            now = hit & unfilled
            k = waiting[now]
            out.row[k], out.phase[k], out.price[k], out.reason[k] = day[now], phase, (up * price)[now], reason
            unfilled &= ~hit
        waiting = waiting[unfilled]
    return out


def _closing_levels(
    market: Market, legs: Legs, timing: Timed, entry: Entries, out: Exits, delisting: FloatArray
) -> Exits:
    """Compare each event's weighted return with stop and target at the closes; exit at the close after a hit."""
    _, start = np.unique(legs.event, return_index=True)
    place = np.repeat(np.arange(len(start)), np.diff(np.append(start, len(legs.event))))
    hit_row: IntArray = np.full(len(start), -1)
    reason = np.full(len(start), HELD)
    first, last = np.maximum.reduceat(entry.row, start), np.maximum.reduceat(out.row, start)
    stop, target = timing.stop or np.inf, timing.target or np.inf
    for step in range(int((last - first).max(initial=-1)) + 1):
        row = first + step
        waiting = (hit_row < 0) & (row < last)
        if not waiting.any():
            break
        at = np.minimum(row, len(market.days) - 1)[place]
        price = np.where(at >= out.row, out.price, market.mark[at, legs.column])
        total = np.add.reduceat(legs.weight * (price / entry.price - 1), start)
        for hit, code in ((total <= -stop, STOP), (total >= target, TARGET)):
            hit_row[waiting & hit], reason[waiting & hit] = row[waiting & hit], code
    early = np.flatnonzero((hit_row >= 0)[place])
    found = _scheduled(market, legs.column[early], hit_row[place][early] + 1, CLOSE, delisting)
    sooner = found.row * 3 + found.phase < out.row[early] * 3 + out.phase[early]
    k, new = early[sooner], taken(found, sooner)
    on_time = (new.reason == HELD) | (new.reason == LATE)
    new.reason[on_time] = reason[place][k][on_time]
    out.put(k, new)
    return out


def delisting_returns(value: float | Mapping[str, float], names: tuple[str, ...]) -> FloatArray:
    """Return the delisting return of each security (decimal), (S,).

    Raises `InputError` if one is below -1, not finite, or of an unknown security.
    """
    given = dict(value) if isinstance(value, Mapping) else {}
    place = {name: at for at, name in enumerate(names)}
    unknown = [name for name in given if name not in place]
    if unknown:
        raise UnknownNameError("delisting_return", unknown, names)
    numbers = list(given.values()) if isinstance(value, Mapping) else [value]
    if not all(is_number(one) for one in numbers):
        raise InputError("delisting_return", f"got {value!r}", "give a decimal return, or ticker -> return")
    out = np.full(len(names), 0.0 if isinstance(value, Mapping) else value, dtype=float)
    for name, one in given.items():
        out[place[name]] = one
    if not (np.isfinite(out).all() and (out >= -1).all()):
        raise InputError("delisting_return", f"got {value!r}", "give a decimal return of -1 or more")
    return out
