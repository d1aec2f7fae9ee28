"""What a reader of a backtest should know beside its figures: the dangers that show in the data, and what was done."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._groups import starts_of
from .._typing import BoolArray, IntArray
from ..errors import LookAheadWarning, MarketShockWarning, OverlapWarning, SurvivorshipWarning
from .costs import Costs
from .engine import Book
from .exits import DELISTED, LATE, STILL_OPEN
from .fills import Fills
from .known import Known
from .result import BacktestSpec
from .timing import Timed
from .trading import Traded

_SPAN = 252  # sessions from which on it matters who survived them
_LARGE = 0.4  # a move in one session that asks for a look at the prices
_LOOKED_AT = 200  # such moves, the largest first


def dangers_of(
    timing: Timed, known: Known, fills: Fills, own: BoolArray
) -> Iterator[tuple[type[MarketShockWarning], str]]:
    """Yield the class and text of a warning for each danger that shows; `own` says which legs were traded."""
    if timing.entry == "close":
        silent = (known.table.timing == "") & np.isnat(known.table.utc)
        if silent.any():
            yield (
                LookAheadWarning,
                f"{int(silent.sum())} of {len(silent)} events do not say when in the day they were known, and trade at "
                "the close of day 0: give timing='before_open' or 'during', or timestamps, or entry='next_open'",
            )
    twice = overlapping(fills, own)
    if twice:
        yield (
            OverlapWarning,
            f"{twice} of {int(own.sum())} positions are taken while an earlier one is held in the same security: they "
            "add up, and their returns are not independent; random dates with how='shift' keep such spacing",
        )
    columns = np.flatnonzero(np.bincount(fills.column[own]))
    rows = known.row[fills.event[own]]
    alive = known.market.last[columns] == len(known.market.days) - 1
    if len(columns) > 1 and alive.all() and rows.max(initial=0) - rows.min(initial=2**31) > _SPAN:
        yield (
            SurvivorshipWarning,
            f"the events span more than a year, and each of the {len(columns)} securities traded has a price on the "
            f"last session ({known.market.days[-1]}): those that failed are not there, nor what they would have cost",
        )


def notes_of(spec: BacktestSpec, known: Known, traded: Traded, book: Book) -> Iterator[str]:
    """Yield what was done that a reader would not see in the figures."""
    fills, own = traded.fills, book.shares > 0
    dates = int(np.count_nonzero(np.bincount(known.row[fills.event[own]])))
    if dates == 1:
        yield "All trades are of one date: one draw. Nothing about the rule can be inferred from it."
    elif 1 < dates < 30:
        yield f"The trades are of {dates} dates; so few draws prove little, whatever their t."
    lost = np.flatnonzero(book.equity <= 0)
    if len(lost):
        yield f"The account was lost on {known.market.days[lost[0]]}: no ratio means anything after that."
    if spec.costs == Costs():
        yield "No costs are taken off."
    yield from known.market.notes
    yield from _of_legs(known, fills, own)
    scaled = int((book.scale[book.stake > 0] < 1 - 1e-12).sum())
    if scaled:
        yield f"{_many(scaled, 'trade')} scaled down by the limits (column scale)."
    held = _held_together(known, fills, own)
    if held:
        yield f"{held} of {_many(int(own.sum()), 'leg')} held while one of another date is: their returns share days."
    yield "The events and the rule were chosen by someone who had seen what came after; the engine cannot see that."


def _of_legs(known: Known, fills: Fills, own: BoolArray) -> Iterator[str]:
    market, why = known.market, fills.why[own]
    if fills.n_dropped:
        yield (
            f"{_many(fills.n_dropped, 'leg')} of portfolios without a price at the way in, and left out; the weights "
            "of the others are as they were."
        )
    late = int((why == LATE).sum())
    if late:
        yield f"{_many(late, 'leg')} held longer than planned, for want of a price at the way out."
    n_out, n_open = int((why == DELISTED).sum()), int((why == STILL_OPEN).sum())
    if n_out:
        yield f"{_many(n_out, 'leg')} of securities that stopped trading: out at the last close and delisting_return."
    if n_open:
        yield f"{_many(n_open, 'leg')} still open when the prices end, valued at the last close."
    move, where = _largest_move(known, fills, own)
    if move:
        name, day = market.names[where[1]], market.days[where[0]]
        yield f"{name} moved {100 * move:+.1f} % on {day} while held: an unadjusted split, or a wrong price?"


def _largest_move(known: Known, fills: Fills, own: BoolArray) -> tuple[float, tuple[int, int]]:
    """Return the largest move beyond `_LARGE` of a security on a session over which it was held, 0 for none."""
    values = known.market.returns.values
    with np.errstate(invalid="ignore"):
        row, column = np.nonzero((values > _LARGE) | (values < -_LARGE))
    for k in np.argsort(-np.abs(values[row, column]), kind="stable")[:_LOOKED_AT]:
        held = own & (fills.column == column[k]) & (fills.row < row[k]) & (row[k] <= fills.out_row)
        if held.any():
            return float(values[row[k], column[k]]), (int(row[k]), int(column[k]))
    return 0.0, (0, 0)


def _held_together(known: Known, fills: Fills, own: BoolArray) -> int:
    """Return how many legs are held at some moment together with a leg of another event date."""
    start, end = _moments(fills, own)
    alive = np.searchsorted(np.sort(start), end, side="left") - np.searchsorted(np.sort(end), start, side="right")
    dates = known.row[fills.event[own]]
    same = np.bincount(dates, minlength=1)[dates] if len(dates) else dates
    return int((alive > same).sum())


def overlapping(fills: Fills, own: BoolArray) -> int:
    """Return how many legs come in while a leg that came in earlier is held in the same security."""
    start, end = _moments(fills, own)
    column = fills.column[own]
    order = np.lexsort((start, column))
    start, end, column = start[order], end[order], column[order]
    if not len(order):
        return 0
    base = column * (int(end.max()) + 1)  # one axis on which the securities lie apart
    first = starts_of(column, start)  # of the legs that come in at one moment
    latest = np.maximum.accumulate(np.maximum.reduceat(base + end, first))
    sizes = np.diff(np.append(first, len(order)))
    return int(sizes[1:][(base + start)[first[1:]] < latest[:-1]].sum())


def _moments(fills: Fills, own: BoolArray) -> tuple[IntArray, IntArray]:
    """Return the way in and out of each leg on one scale of moments: three a session."""
    return fills.row[own] * 3 + fills.phase[own], fills.out_row[own] * 3 + fills.out_phase[own]


def _many(n: int, what: str) -> str:
    return f"1 {what} was" if n == 1 else f"{n} {what}s were"
