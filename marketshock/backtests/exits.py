"""The way out of each leg: when it was planned, at the next price after it, or at a stop or target before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .._typing import FloatArray, IntArray
from ..errors import InputError, UnknownNameError
from .known import Legs
from .market import Market
from .timing import Timed

OPEN, WITHIN, CLOSE = 0, 1, 2
PHASES = ("open", "within the day", "close")
HELD, STOP, TARGET, LATE, DELISTED, STILL_OPEN = range(6)
WHY = ("days held", "stop", "target", "days held, no price before", "delisted", "still open")


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

    Without a price at the planned time it is the next price; without one ever again, the session after the last close,
    at that close times one plus `delisting` (decimal, (S,)); beyond the end of the prices, their last close.
    """
    row = entry.row + timing.days - (entry.phase != CLOSE)
    moment, row = (OPEN, row + 1) if timing.exit == "open" else (CLOSE, row)
    out = _scheduled(market, legs.column, row, moment, delisting)
    if timing.stop is None and timing.target is None:
        return out
    alone = len(np.unique(legs.event)) == len(legs.event)
    if alone and market.high is not None and market.low is not None:
        return _resting(market, legs, timing, entry, out)
    return _looked_at(market, legs, timing, entry, out, delisting)


def _scheduled(market: Market, column: IntArray, row: IntArray, moment: int, delisting: FloatArray) -> Out:
    """Return the way out at a moment of some sessions, or at the next price after it."""
    n_days = len(market.days)
    row, phase, field = row.copy(), np.full(len(row), moment), _field(market, moment)
    price = np.full(len(row), np.nan)
    inside = row < n_days
    price[inside] = field[row[inside], column[inside]]
    why = np.full(len(row), HELD)
    missing = np.isnan(price)
    if missing.any():
        for k in np.flatnonzero(missing & inside):
            later = np.flatnonzero(np.isfinite(field[row[k] :, column[k]]))
            if len(later):
                row[k] += later[0]
                price[k], why[k] = field[row[k], column[k]], LATE
        gone = np.isnan(price)
        last = market.last[column]
        delisted = gone & (last < n_days - 1) & (row > last)
        row[delisted], phase[delisted], why[delisted] = last[delisted] + 1, OPEN, DELISTED
        price[delisted] = market.close[last[delisted], column[delisted]] * (1 + delisting[column[delisted]])
        ending = gone & ~delisted
        row[ending], phase[ending], why[ending] = n_days - 1, CLOSE, STILL_OPEN
        price[ending] = market.mark[n_days - 1, column[ending]]
    return Out(row, phase, price, why)


def _field(market: Market, moment: int) -> FloatArray:
    if moment == CLOSE:
        return market.close
    if market.open is None:
        raise InputError("exit", "got 'open', and the prices have no opens", "give 'close', or opens")
    return market.open


def _resting(market: Market, legs: Legs, timing: Timed, entry: In, out: Out) -> Out:
    """Fill stops and targets that rest in the market, of legs alone."""
    side, column = np.sign(legs.weight), legs.column
    stop = entry.price * (1 - side * timing.stop) if timing.stop is not None else np.full(len(side), np.nan)
    target = entry.price * (1 + side * timing.target) if timing.target is not None else np.full(len(side), np.nan)
    new = out.copy()
    first = entry.row + (entry.phase != OPEN)  # of the day of a fill at the close or within the day nothing is left
    waiting = np.arange(len(side))
    for step in range(int((out.row - first).max(initial=-1)) + 1):
        at = first[waiting] + step
        open_still = (at < out.row[waiting]) | ((at == out.row[waiting]) & (out.phase[waiting] == CLOSE))
        waiting = waiting[open_still]
        if not len(waiting):
            break
        day, col, long = first[waiting] + step, column[waiting], side[waiting] > 0
        high, low = market.high[day, col], market.low[day, col]  # type: ignore[index]
        opened = market.open[day, col] if market.open is not None else np.full(len(waiting), np.nan)
        with np.errstate(invalid="ignore"):
            stopped = np.where(long, low <= stop[waiting], high >= stop[waiting])
            won = np.where(long, high >= target[waiting], low <= target[waiting]) & ~stopped
        for hit, level, reason, worse in ((stopped, stop, STOP, True), (won, target, TARGET, False)):
            k = waiting[hit]
            beyond = np.where((side[k] > 0) == worse, np.fmin(opened[hit], level[k]), np.fmax(opened[hit], level[k]))
            new.price[k], new.row[k], new.phase[k], new.why[k] = beyond, day[hit], WITHIN, reason
        waiting = waiting[~(stopped | won)]
    return new


def _looked_at(market: Market, legs: Legs, timing: Timed, entry: In, out: Out, delisting: FloatArray) -> Out:
    """Look at each event's weighted return at the closes; it goes out at the close after one beyond a level."""
    _, start = np.unique(legs.event, return_index=True)
    place = np.repeat(np.arange(len(start)), np.diff(np.append(start, len(legs.event))))
    seen: IntArray = np.full(len(start), -1)
    reason = np.full(len(start), HELD)
    first, last = np.maximum.reduceat(entry.row, start), np.maximum.reduceat(out.row, start)
    for step in range(int((last - first).max(initial=-1)) + 1):
        row = first + step
        looking = (seen < 0) & (row < last)
        if not looking.any():
            continue
        at = np.minimum(row, len(market.days) - 1)[place]
        value = legs.weight * (market.mark[at, legs.column] / entry.price - 1)
        total = np.add.reduceat(value, start)
        for level, hit, code in (
            (timing.stop, total <= -(timing.stop or 0.0), STOP),
            (timing.target, total >= (timing.target or 0.0), TARGET),
        ):
            now = looking & hit & (seen < 0) if level is not None else np.zeros(len(start), dtype=bool)
            seen[now], reason[now] = row[now], code
    early = np.flatnonzero((seen >= 0)[place])
    found = _scheduled(market, legs.column[early], seen[place][early] + 1, CLOSE, delisting)
    sooner = found.row * 3 + found.phase < out.row[early] * 3 + out.phase[early]
    k, new = early[sooner], out.copy()
    new.row[k], new.phase[k], new.price[k] = found.row[sooner], found.phase[sooner], found.price[sooner]
    new.why[k] = np.where(found.why[sooner] == HELD, reason[place][k], found.why[sooner])
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
    out = np.full(len(names), 0.0 if isinstance(value, Mapping) else value, dtype=float)
    for name, one in given.items():
        out[names.index(name)] = one
    if not (np.isfinite(out).all() and (out >= -1).all()):
        raise InputError("delisting_return", f"got {value!r}", "give a decimal return of -1 or more")
    return out
