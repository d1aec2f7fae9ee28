"""Orders and fills: when each leg enters and exits, and at which price. No order is filled without a price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError
from .exits import CLOSE, INTRADAY, OPEN, PHASES, Entries, Exits, find_exits, taken
from .information import Excluded, InformationSet, Legs
from .market import Market
from .timing import Timed


@dataclass(frozen=True, eq=False)
class Fills:
    """Entries and exits of n legs, grouped by event."""

    # event, column: (n,), int: position of the event in the information set; security
    event: IntArray
    column: IntArray
    weight: FloatArray  # (n,): signed, in units of the event's stake
    needed: BoolArray  # (n,), bool: whether the event is traded only with this leg
    entry: Entries  # session, phase and quoted price of the entry
    # The same of the exit, and its reason. A leg still open at the end of the prices is valued at its last close.
    exit: Exits
    excluded: Excluded  # events that cannot be filled: position, code, reason
    n_dropped: int  # legs of portfolios that had no price at the entry and were left out

    def __len__(self) -> int:
        return len(self.event)


def entry_rows(timing: Timed, row: IntArray) -> IntArray:
    """Return the earliest session of each event's fill, (E,)."""
    return row + int(timing.after_day_zero)


def fill_legs(info: InformationSet, legs: Legs, timing: Timed, delisting: FloatArray) -> Fills:
    """Fill the entry and the exit of each leg.

    Parameters
    ----------
    info : InformationSet
        The events.
    legs : Legs
        The positions that the rule takes.
    timing : Timed
        When the rule enters and exits.
    delisting : ndarray of shape (S,)
        Return (decimal) from the last close of a security that stops trading before the prices end.

    Notes
    -----
    Without a price in the session of the entry the event is not traded (in a portfolio: that leg). An exit without a
    price is filled at the next price. If there is no later price, the security is delisted: the position is worth its
    last close times one plus `delisting` at the next session.
    """
    entry = _find_entries(info, legs, timing)
    keep, excluded = _priced(info, legs, entry)
    n_dropped = int((~keep & ~np.isin(legs.event, [event for event, *_ in excluded])).sum())
    legs, entry = legs.take(keep), taken(entry, keep)
    out = find_exits(info.market, legs, timing, entry, delisting)
    return Fills(legs.event, legs.column, legs.weight, legs.required, entry, out, excluded, n_dropped)


def _find_entries(info: InformationSet, legs: Legs, timing: Timed) -> Entries:
    market = info.market
    if timing.entry == "intraday":
        return _intraday_entries(info, legs, timing)
    row = entry_rows(timing, info.row[legs.event])
    phase, field = (OPEN, market.open) if timing.entry == "next_open" else (CLOSE, market.close)
    if field is None:
        what = "the prices have no opens, which entry='next_open', the default, needs"
        raise InputError("entry", what, "give entry='next_close', or opens")
    inside = row < len(field)
    price = np.where(inside, field[np.minimum(row, len(field) - 1), legs.column], np.nan)
    return Entries(row, np.full(len(row), phase), price)


def _intraday_entries(info: InformationSet, legs: Legs, timing: Timed) -> Entries:
    """Fill at the open of the first bar that begins after the timestamp and the delay."""
    bars = info.market.bars
    if bars is None:
        raise InputError("intraday", "is missing for entry='intraday'", "give bars, as yahoo_intraday returns them")
    utc = info.table.utc[legs.event]
    if np.isnat(utc).any():
        untimed = int(legs.event[np.argmax(np.isnat(utc))])
        what = f"{info.table.id_of(untimed)} has no time of day, and entry='intraday' needs one"
        raise InputError("events", what, "give a timestamp with its zone")
    wait = np.timedelta64(round(timing.delay * 60e6), "us")
    first = np.searchsorted(bars.time, utc.astype("datetime64[us]") + wait, side="right")
    row: IntArray = np.full(len(utc), len(info.market.days), np.int64)
    price = np.full(len(utc), np.nan)
    for column in np.unique(legs.column):
        usable = np.flatnonzero(np.isfinite(bars.open[:, column]) & (bars.row >= 0))
        own = np.flatnonzero(legs.column == column)
        at = np.searchsorted(usable, first[own])
        found = at < len(usable)
        bar = usable[at[found]]
        row[own[found]], price[own[found]] = bars.row[bar], bars.open[bar, column]
    late = row > info.row[legs.event] + 1  # missing bars do not delay an entry by days
    latest = np.zeros(len(info), dtype=np.int64)
    np.maximum.at(latest, legs.event, row)
    price[late | (row < latest[legs.event])] = np.nan  # the legs of an event are filled in one session
    return Entries(row, np.full(len(row), INTRADAY), price)


def _priced(info: InformationSet, legs: Legs, entry: Entries) -> tuple[BoolArray, Excluded]:
    """Return which legs can be filled, (n,), and the events that cannot."""
    keep, required = np.isfinite(entry.price), legs.required
    broken = np.zeros(len(info), dtype=bool)
    broken[legs.event[~keep & required]] = True
    filled = keep & ~broken[legs.event]
    excluded: dict[int, tuple[str, str]] = {}
    for k in np.flatnonzero(~keep)[np.argsort(~required[~keep], kind="stable")]:  # required legs first
        excluded.setdefault(int(legs.event[k]), _no_fill(info.market, legs.column[k], entry.row[k], entry.phase[k]))
    traded = set(legs.event[filled].tolist())
    return filled, tuple((event, *why) for event, why in excluded.items() if event not in traded)


def _no_fill(market: Market, column: int, row: int, phase: int) -> tuple[str, str]:
    """Return code and reason of an entry without a price."""
    name, days = market.names[column], market.days
    if row < len(days):
        return "no_price", f"{name} has no price at the {PHASES[phase]} of {days[row]}"
    if phase == INTRADAY:
        return "outside_prices", f"{name} has no bar after the news"
    return "outside_prices", f"the prices end on {days[-1]}, before the entry"
