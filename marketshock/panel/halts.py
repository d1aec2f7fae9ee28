"""Sessions without a price: the days of a gap, the move over it, and events that fall into one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._format import percent
from .._typing import BoolArray, IntArray, OnHalt
from .alignment import Exclusions
from .returns import Returns


@dataclass(frozen=True, slots=True)
class Gap:
    """Sessions without a price of one security, as session ordinals."""

    before: int  # last session with a price; -1 if there is none
    after: int  # first session with a price again; T if there is none
    move: float  # decimal return from the one price to the other, NaN without both

    @property
    def closed(self) -> bool:
        """Whether there is a price on both sides."""
        return bool(np.isfinite(self.move))


def gaps_between(returns: Returns, column: int, first: int, last: int) -> list[Gap]:
    """Return the gaps of a security, of which a session or the session after lies from `first` to `last`."""
    if returns.levels is None:
        return []
    levels = returns.levels[:, column]
    priced = np.flatnonzero(np.isfinite(levels))
    lo, hi = np.searchsorted(priced, [first, last + 1])
    edges = np.concatenate([[-1], priced, [len(levels)]])[lo : hi + 2]  # the last price before, and the first after
    found = []
    for before, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if after - before > 1:
            inside = before >= 0 and after < len(levels)
            found.append(Gap(before, after, float(levels[after] / levels[before] - 1) if inside else np.nan))
    return found


def reopened(returns: Returns, row: IntArray, column: IntArray, left: Exclusions, on_halt: OnHalt) -> IntArray:
    """Return how many sessions day 0 of each event moves, (E,); exclude events by `on_halt`.

    Parameters
    ----------
    returns : Returns
        Prices are read; of returns without prices a missing return stands for a missing price.
    row, column : ndarray of shape (E,), int
        Session of the event, and its security.
    left : Exclusions
        Events excluded already; others are added.
    on_halt : {"keep", "reopen", "exclude"}
        Treatment of an event without a price on its session.
    """
    shift = np.zeros(len(row), dtype=np.int64)
    if on_halt == "keep":
        return shift
    source = returns.values if returns.levels is None else returns.levels
    keep = left.kept()
    events = np.flatnonzero(keep)
    halted = events[np.isnan(source[row[events], column[events]])]
    for i in halted:
        first = int(row[i])
        told = _told(returns, int(column[i]), first)
        later = np.flatnonzero(np.isfinite(source[first:, column[i]]))
        if on_halt == "exclude":
            left.add(i, "halted", f"{told}: left out, as on_halt is 'exclude'")
        elif not len(later):
            left.add(i, "halted", f"{told}: there is no session to move day 0 to")
        else:
            shift[i] = later[0]
    return shift


def _told(returns: Returns, column: int, row: int) -> str:
    """Return where an event's missing price lies, in words."""
    name, days = returns.names[column], returns.days
    what = "return" if returns.levels is None else "price"
    said = f"no {what} of {name} on {days[row]}"
    gap = next(iter(gaps_between(returns, column, row, row)), None)
    if gap is None:
        return said
    if gap.after == len(days):
        return f"{said} or later"
    moved = f", {percent(gap.move)} from the last one" if gap.closed else ""
    return f"{said}; the next is of {days[gap.after]}{moved}"


def halted(returns: Returns, row: IntArray, column: IntArray) -> BoolArray:
    """Return which securities have no price on a session, (E,); False where prices are not known."""
    if returns.levels is None:
        return np.zeros(len(row), dtype=bool)
    return np.asarray(np.isnan(returns.levels[row, column]))
