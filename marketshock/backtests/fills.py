"""Legs become orders: when each goes in and out, and at which price. No order is filled without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError, UnknownNameError
from .known import Known, Legs
from .market import Market
from .timing import Timed

OPEN, WITHIN, CLOSE = 0, 1, 2
PHASES = ("open", "within the day", "close")
HELD, STOP, TARGET, LATE, DELISTED, STILL_OPEN = range(6)
WHY = ("days held", "stop", "target", "days held, no price before", "delisted", "still open")


@dataclass(frozen=True, eq=False)
class Fills:
    """The way in and out of n legs, grouped by event.

    Attributes
    ----------
    event, column : ndarray of shape (n,), int
        Place among the events known; security.
    weight : ndarray of shape (n,)
        Signed, in units of the event's stake.
    row, phase, price : ndarray of shape (n,)
        Session, moment (0 the open, 1 within the day, 2 the close) and quoted price of the way in.
    out_row, out_phase, out_price : ndarray of shape (n,)
        The same of the way out. A leg still open at the end of the prices is valued at its last close there.
    why : ndarray of shape (n,), int
        Place in `WHY`.
    left : tuple of (int, str, str)
        Events not traded: place, code, reason.
    """

    event: IntArray
    column: IntArray
    weight: FloatArray
    row: IntArray
    phase: IntArray
    price: FloatArray
    out_row: IntArray
    out_phase: IntArray
    out_price: FloatArray
    why: IntArray
    left: tuple[tuple[int, str, str], ...]

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True, slots=True)
class _At:
    """Session, moment and price of n fills; NaN is none."""

    row: IntArray
    phase: IntArray
    price: FloatArray


def entry_rows(timing: Timed, row: IntArray) -> IntArray:
    """Return the session in which each event's order can be filled at the earliest, (E,)."""
    return row + int(timing.after_day_zero)


def fill_legs(known: Known, legs: Legs, timing: Timed, delisting: FloatArray) -> Fills:
    """Find the way in and out of each leg.

    Parameters
    ----------
    known : Known
        The events.
    legs : Legs
        What the rule wants.
    timing : Timed
        When.
    delisting : ndarray of shape (S,)
        Return (decimal) from the last close of a security that stops trading before the prices end.

    Notes
    -----
    A way in without a price that session is none, and the event is not traded (of a portfolio: that leg). A way out
    without a price waits for the next one; if there is none any more, the security is delisted: the holding is worth
    its last close times one plus `delisting` at the session after it.
    """
    market = known.market
    entry = _entries(known, legs, timing)
    keep, left = _priced(known, legs, entry)
    legs = Legs(legs.event[keep], legs.column[keep], legs.weight[keep], (), legs.together)
    entry = _At(entry.row[keep], entry.phase[keep], entry.price[keep])
    planned = _planned(timing, entry)
    out, why = _scheduled(market, legs.column, planned, delisting)
    if timing.stop is not None or timing.target is not None:
        out, why = _watched(market, legs, timing, entry, out, why, delisting)
    return Fills(
        legs.event,
        legs.column,
        legs.weight,
        entry.row,
        entry.phase,
        entry.price,
        out.row,
        out.phase,
        out.price,
        why,
        left,
    )


def _entries(known: Known, legs: Legs, timing: Timed) -> _At:
    market, row = known.market, known.row[legs.event]
    if timing.entry == "intraday":
        return _within(known, legs, timing)
    row = row + int(timing.after_day_zero)
    if timing.entry == "next_open":
        if market.open is None:
            raise InputError("entry", "got 'next_open', and the prices have no opens", "give 'next_close', or opens")
        return _At(row, np.full(len(row), OPEN), _price(market.open, row, legs.column))
    return _At(row, np.full(len(row), CLOSE), _price(market.close, row, legs.column))


def _within(known: Known, legs: Legs, timing: Timed) -> _At:
    """Fill at the open of the first bar that begins after the timestamp and the delay."""
    bars = known.market.bars
    if bars is None:
        raise InputError("intraday", "is missing for entry='intraday'", "give bars, as yahoo_intraday returns them")
    utc = known.table.utc[legs.event]
    if np.isnat(utc).any():
        untimed = int(legs.event[np.argmax(np.isnat(utc))])
        what = f"{known.table.id_of(untimed)} has no time of day, and entry='intraday' needs one"
        raise InputError("events", what, "give a timestamp with its zone")
    wait = np.timedelta64(round(timing.delay * 60e6), "us")
    first = np.searchsorted(bars.time, utc.astype("datetime64[us]") + wait, side="right")
    row: IntArray = np.full(len(utc), len(known.market.days), np.int64)
    price = np.full(len(utc), np.nan)
    for column in np.unique(legs.column):
        there = np.flatnonzero(np.isfinite(bars.open[:, column]) & (bars.row >= 0))
        of = np.flatnonzero(legs.column == column)
        at = np.searchsorted(there, first[of])
        found = at < len(there)
        bar = there[at[found]]
        row[of[found]], price[of[found]] = bars.row[bar], bars.open[bar, column]
    late = row > known.row[legs.event] + 1  # the news is not traded days later because bars are missing
    apart = np.zeros(len(known), dtype=np.int64)
    np.maximum.at(apart, legs.event, row)
    price[late | (row < apart[legs.event])] = np.nan  # the legs of an event are filled in one session
    return _At(row, np.full(len(row), WITHIN), price)


def _price(field: FloatArray, row: IntArray, column: IntArray) -> FloatArray:
    inside = row < len(field)
    return np.where(inside, field[np.minimum(row, len(field) - 1), column], np.nan)


def _priced(known: Known, legs: Legs, entry: _At) -> tuple[BoolArray, tuple[tuple[int, str, str], ...]]:
    """Return which legs can be filled, and the events that cannot."""
    market, keep = known.market, np.isfinite(entry.price)
    lost: dict[int, tuple[str, str]] = {}
    for k in np.flatnonzero(~keep):
        event, row = int(legs.event[k]), int(entry.row[k])
        if event in lost:
            continue
        name, phase = market.names[legs.column[k]], PHASES[entry.phase[k]]
        if row >= len(market.days):
            what = f"the prices end on {market.days[-1]}, before the way in"
            lost[event] = ("outside_prices", what if phase != PHASES[WITHIN] else f"{name} has no bar after the news")
        else:
            lost[event] = ("no_price", f"{name} has no price at the {phase} of {market.days[row]}")
    if legs.together:
        keep = keep & ~np.isin(legs.event, list(lost))
    elif lost:
        filled = set(legs.event[keep].tolist())
        lost = {event: why for event, why in lost.items() if event not in filled}
    return keep, tuple((event, *why) for event, why in lost.items())


def _planned(timing: Timed, entry: _At) -> _At:
    """Return when each leg is to go out: session and moment."""
    row = entry.row + timing.days - (entry.phase != CLOSE)
    if timing.exit == "open":
        return _At(row + 1, np.full(len(row), OPEN), np.empty(0))
    return _At(row, np.full(len(row), CLOSE), np.empty(0))


def _scheduled(market: Market, column: IntArray, planned: _At, delisting: FloatArray) -> tuple[_At, IntArray]:
    """Return the way out at the planned time or the next price after it."""
    n_days = len(market.days)
    row, phase = planned.row.copy(), planned.phase.copy()
    field = _field(market, phase)
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
    return _At(row, phase, price), why


def _field(market: Market, phase: IntArray) -> FloatArray:
    """Return the prices of one moment: all legs of a rule go out at the same."""
    if len(phase) and phase[0] == OPEN:
        if market.open is None:
            raise InputError("exit", "got 'open', and the prices have no opens", "give 'close', or opens")
        return market.open
    return market.close


def _watched(
    market: Market,
    legs: Legs,
    timing: Timed,
    entry: _At,
    out: _At,
    why: IntArray,
    delisting: FloatArray,
) -> tuple[_At, IntArray]:
    """Return the way out where a stop or a target comes before the planned one."""
    alone = len(np.unique(legs.event)) == len(legs.event)
    if alone and market.high is not None and market.low is not None:
        return _resting(market, legs, timing, entry, out, why)
    return _looked_at(market, legs, timing, entry, out, why, delisting)


def _resting(market: Market, legs: Legs, timing: Timed, entry: _At, out: _At, why: IntArray) -> tuple[_At, IntArray]:
    """Fill stops and targets that rest in the market, of legs alone."""
    side, column = np.sign(legs.weight), legs.column
    stop = entry.price * (1 - side * timing.stop) if timing.stop is not None else np.full(len(side), np.nan)
    target = entry.price * (1 + side * timing.target) if timing.target is not None else np.full(len(side), np.nan)
    row, phase, price, why = out.row.copy(), out.phase.copy(), out.price.copy(), why.copy()
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
            price[k], row[k], phase[k], why[k] = beyond, day[hit], WITHIN, reason
        waiting = waiting[~(stopped | won)]
    return _At(row, phase, price), why


def _looked_at(
    market: Market,
    legs: Legs,
    timing: Timed,
    entry: _At,
    out: _At,
    why: IntArray,
    delisting: FloatArray,
) -> tuple[_At, IntArray]:
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
            new = looking & hit & (seen < 0) if level is not None else np.zeros(len(start), dtype=bool)
            seen[new], reason[new] = row[new], code
    early = (seen >= 0)[place]
    if not early.any():
        return out, why
    moved = _At(seen[place][early] + 1, np.full(int(early.sum()), CLOSE), np.empty(0))
    found, found_why = _scheduled(market, legs.column[early], moved, delisting)
    row, phase, price, why = out.row.copy(), out.phase.copy(), out.price.copy(), why.copy()
    sooner = found.row * 3 + found.phase < row[early] * 3 + phase[early]
    k = np.flatnonzero(early)[sooner]
    row[k], phase[k], price[k] = found.row[sooner], found.phase[sooner], found.price[sooner]
    why[k] = np.where(found_why[sooner] == HELD, reason[place][k], found_why[sooner])
    return _At(row, phase, price), why


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
