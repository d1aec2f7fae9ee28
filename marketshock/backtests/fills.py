"""Legs become orders: when each goes in and out, and at which price. No order is filled without one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError
from .exits import CLOSE, OPEN, PHASES, WITHIN, In, ways_out
from .known import Known, Legs
from .timing import Timed


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
    needed : ndarray of shape (n,), bool
        Whether the event is traded only with this leg.
    left : tuple of (int, str, str)
        Events not traded: place, code, reason.
    n_dropped : int
        Legs of portfolios that had no price at the way in, and were left out of theirs.
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
    needed: BoolArray
    left: tuple[tuple[int, str, str], ...]
    n_dropped: int

    def __len__(self) -> int:
        return len(self.event)


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
    n_dropped = int((~keep & ~np.isin(legs.event, [event for event, *_ in left])).sum()) if left else int((~keep).sum())
    legs = Legs(legs.event[keep], legs.column[keep], legs.weight[keep], legs.must[keep])
    entry = In(entry.row[keep], entry.phase[keep], entry.price[keep])
    out = ways_out(market, legs, timing, entry, delisting)
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
        out.why,
        legs.must,
        left,
        n_dropped,
    )


def _entries(known: Known, legs: Legs, timing: Timed) -> In:
    market, row = known.market, known.row[legs.event]
    if timing.entry == "intraday":
        return _within(known, legs, timing)
    row = row + int(timing.after_day_zero)
    if timing.entry == "next_open":
        if market.open is None:
            what = "the prices have no opens, which entry='next_open', the default, needs"
            raise InputError("entry", what, "give entry='next_close', or opens")
        return In(row, np.full(len(row), OPEN), _price(market.open, row, legs.column))
    return In(row, np.full(len(row), CLOSE), _price(market.close, row, legs.column))


def _within(known: Known, legs: Legs, timing: Timed) -> In:
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
    return In(row, np.full(len(row), WITHIN), price)


def _price(field: FloatArray, row: IntArray, column: IntArray) -> FloatArray:
    inside = row < len(field)
    return np.where(inside, field[np.minimum(row, len(field) - 1), column], np.nan)


def _priced(known: Known, legs: Legs, entry: In) -> tuple[BoolArray, tuple[tuple[int, str, str], ...]]:
    """Return which legs can be filled, and the events that cannot."""
    market, keep = known.market, np.isfinite(entry.price)
    lost: dict[int, tuple[str, str]] = {}
    for k in np.flatnonzero(~keep)[np.argsort(~legs.must[~keep], kind="stable")]:
        event, row = int(legs.event[k]), int(entry.row[k])
        if event in lost:
            continue
        name, phase = market.names[legs.column[k]], PHASES[entry.phase[k]]
        if row >= len(market.days):
            what = f"the prices end on {market.days[-1]}, before the way in"
            lost[event] = ("outside_prices", what if phase != PHASES[WITHIN] else f"{name} has no bar after the news")
        else:
            lost[event] = ("no_price", f"{name} has no price at the {phase} of {market.days[row]}")
    if not lost:
        return keep, ()
    broken = np.zeros(len(known), dtype=bool)
    broken[legs.event[~keep & legs.must]] = True
    keep = keep & ~broken[legs.event]
    filled = set(legs.event[keep].tolist())
    return keep, tuple((event, *why) for event, why in lost.items() if event not in filled)
