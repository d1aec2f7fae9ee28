"""The way out of each leg: when it was planned, at the next price after it, or at a stop or target before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .._typing import FloatArray, IntArray
from ..errors import InputError, UnknownNameError
from .known import Legs
from .market import Market
from .timing import Timed, is_number

OPEN, WITHIN, CLOSE = 0, 1, 2
PHASES = ("open", "within the day", "close")
HELD, STOP, TARGET, LATE, DELISTED, STILL_OPEN = range(6)
WHY = ("days held", "stop", "target", "days held, no price before", "delisted", "still open")

_SILENT = 5  # sessions without a price at the end of which a security is only late


@dataclass(frozen=True, slots=True)
class In:
    """Session, moment and price of n ways in; NaN is none."""

    row: IntArray
    phase: IntArray
    price: FloatArray


@dataclass(frozen=True, slots=True)
class Out:
    """Session, moment, price and reason of n ways out."""

    row: IntArray
    phase: IntArray
    price: FloatArray
    why: IntArray

    def copy(self) -> Out:
        return Out(self.row.copy(), self.phase.copy(), self.price.copy(), self.why.copy())


def ways_out(market: Market, legs: Legs, timing: Timed, entry: In, delisting: FloatArray) -> Out:
    """Return the way out of each leg.

    Without a price at the planned time it is the next price, open or close. Where there is none any more, and the last
    one is more than five sessions before the end of the prices, the security is delisted: out at the session after its
    last close, at that close times one plus `delisting` (decimal, (S,)). Else the leg is still open, at the last close.
    """
    row = entry.row + timing.days - (entry.phase != CLOSE)
    moment, row = (OPEN, row + 1) if timing.exit == "open" else (CLOSE, row)
    out = _scheduled(market, legs.column, row, moment, delisting)
    if (timing.stop is None and timing.target is None) or not len(row):
        return out
    sizes = np.bincount(legs.event)[legs.event]
    resting = (sizes == 1) & (market.high is not None and market.low is not None)
    for some, way in ((resting, _resting), (~resting, _looked_at)):
        at = np.flatnonzero(some)
        if len(at):
            part = Legs(legs.event[at], legs.column[at], legs.weight[at], legs.must[at])
            before = Out(out.row[at], out.phase[at], out.price[at], out.why[at])
            found = way(market, part, timing, In(entry.row[at], entry.phase[at], entry.price[at]), before, delisting)
            out.row[at], out.phase[at], out.price[at], out.why[at] = found.row, found.phase, found.price, found.why
    return out


def _scheduled(market: Market, column: IntArray, row: IntArray, moment: int, delisting: FloatArray) -> Out:
    """Return the way out at a moment of some sessions, or at the next price after it."""
    n_days = len(market.days)
    row, phase, field = row.copy(), np.full(len(row), moment), _field(market, moment)
    price = np.full(len(row), np.nan)
    inside = row < n_days
    price[inside] = field[row[inside], column[inside]]
    why = np.full(len(row), HELD)
    for k in np.flatnonzero(np.isnan(price) & inside):
        found = _next_price(market, int(column[k]), int(row[k]), moment)
        if found is not None:
            row[k], phase[k], price[k], why[k] = *found, LATE
    gone = np.isnan(price)
    if gone.any():
        last = market.last[column]
        delisted = gone & (last < n_days - 1 - _SILENT)
        row[delisted], phase[delisted], why[delisted] = last[delisted] + 1, OPEN, DELISTED
        price[delisted] = market.close[last[delisted], column[delisted]] * (1 + delisting[column[delisted]])
        ending = gone & ~delisted
        row[ending], phase[ending], why[ending] = n_days - 1, CLOSE, STILL_OPEN
        price[ending] = market.mark[n_days - 1, column[ending]]
    return Out(row, phase, price, why)


def _next_price(market: Market, column: int, row: int, moment: int) -> tuple[int, int, float] | None:
    """Return session, moment and price of the first open or close from a moment on; None for none."""
    found = []
    for phase, field, since in ((OPEN, market.open, row + (moment == CLOSE)), (CLOSE, market.close, row)):
        if field is not None:
            later = np.flatnonzero(np.isfinite(field[since:, column]))
            if len(later):
                at = since + int(later[0])
                found.append((at, phase, float(field[at, column])))
    return min(found, default=None)


def _field(market: Market, moment: int) -> FloatArray:
    if moment == CLOSE:
        return market.close
    if market.open is None:
        raise InputError("exit", "got 'open', and the prices have no opens", "give 'close', or opens")
    return market.open


def _resting(market: Market, legs: Legs, timing: Timed, entry: In, out: Out, _: FloatArray) -> Out:
    """Fill stops and targets that rest in the market, of legs alone."""
    side, column = np.sign(legs.weight), legs.column
    none = np.full(len(side), np.nan)
    stop = entry.price * (1 - side * timing.stop) if timing.stop is not None else none
    target = entry.price * (1 + side * timing.target) if timing.target is not None else none
    first = entry.row + (entry.phase != OPEN)  # of the day of a fill at the close or within the day nothing is left
    waiting = np.arange(len(side))
    out = out.copy()
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
            cases = (  # in the order in which they come
                (opened <= lower, opened, OPEN, STOP),
                (opened >= upper, opened, OPEN, TARGET),
                (worst <= lower, lower, WITHIN, STOP),
                (best >= upper, upper, WITHIN, TARGET),
            )
        left = np.ones(len(waiting), dtype=bool)
        for hit, price, phase, why in cases:
            now = hit & left
            k = waiting[now]
            out.row[k], out.phase[k], out.price[k], out.why[k] = day[now], phase, (up * price)[now], why
            left &= ~hit
        waiting = waiting[left]
    return out


def _looked_at(market: Market, legs: Legs, timing: Timed, entry: In, out: Out, delisting: FloatArray) -> Out:
    """Look at each event's weighted return at the closes; it goes out at the close after one beyond a level."""
    _, start = np.unique(legs.event, return_index=True)
    place = np.repeat(np.arange(len(start)), np.diff(np.append(start, len(legs.event))))
    seen: IntArray = np.full(len(start), -1)
    reason = np.full(len(start), HELD)
    first, last = np.maximum.reduceat(entry.row, start), np.maximum.reduceat(out.row, start)
    stop, target = timing.stop or np.inf, timing.target or np.inf
    for step in range(int((last - first).max(initial=-1)) + 1):
        row = first + step
        looking = (seen < 0) & (row < last)
        if not looking.any():
            continue
        at = np.minimum(row, len(market.days) - 1)[place]
        price = np.where(at >= out.row, out.price, market.mark[at, legs.column])
        total = np.add.reduceat(legs.weight * (price / entry.price - 1), start)
        for hit, code in ((total <= -stop, STOP), (total >= target, TARGET)):
            now = looking & hit & (seen < 0)
            seen[now], reason[now] = row[now], code
    early = np.flatnonzero((seen >= 0)[place])
    found = _scheduled(market, legs.column[early], seen[place][early] + 1, CLOSE, delisting)
    sooner = found.row * 3 + found.phase < out.row[early] * 3 + out.phase[early]
    k, new = early[sooner], out.copy()
    new.row[k], new.phase[k], new.price[k] = found.row[sooner], found.phase[sooner], found.price[sooner]
    why = found.why[sooner]
    new.why[k] = np.where((why == HELD) | (why == LATE), reason[place][k], why)
    return new


def delisting_returns(value: float | Mapping[str, float], names: tuple[str, ...]) -> FloatArray:
    """Return the delisting return of each security, (S,).

    Raises
    ------
    InputError
        If one is below -1, not finite, or of a security that is not there.
    """
    given = dict(value) if isinstance(value, Mapping) else {}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise UnknownNameError("delisting_return", unknown, names)
    numbers = list(given.values()) if isinstance(value, Mapping) else [value]
    if not all(is_number(one) for one in numbers):
        raise InputError("delisting_return", f"got {value!r}", "give a decimal return, or ticker -> return")
    out = np.full(len(names), 0.0 if isinstance(value, Mapping) else value, dtype=float)
    for name, one in given.items():
        out[names.index(name)] = one
    if not (np.isfinite(out).all() and (out >= -1).all()):
        raise InputError("delisting_return", f"got {value!r}", "give a decimal return of -1 or more")
    return out
