"""Warnings and notes of a backtest: dangers that the data reveal, and limitations of the figures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._typing import BoolArray, IntArray
from ..errors import LookAheadWarning, MarketShockWarning, OverlapWarning, SurvivorshipWarning
from ..panel.runs import starts_of
from ..sessions import YEAR
from .costs import Costs
from .engine import Account
from .exits import DELISTED, LATE, STILL_OPEN
from .fills import Fills
from .information import InformationSet
from .result import BacktestSpec
from .timing import Timed
from .trading import Traded

_SPAN = 365  # days above which survivorship matters
_LARGE = 0.4  # return of one session (decimal) that may be a price error
_CHECKED = 200  # such returns that are checked, the largest first


def warnings_of(
    timing: Timed, info: InformationSet, fills: Fills, own: BoolArray
) -> Iterator[tuple[type[MarketShockWarning], str]]:
    """Yield class and text of a warning for each danger; `own` marks the traded legs."""
    if timing.entry == "close":
        untimed = (info.table.timing == "") & np.isnat(info.table.utc)
        if untimed.any():
            yield (
                LookAheadWarning,
                f"{int(untimed.sum())} of {len(untimed)} events have no time of day but are traded at the close of "
                "day 0: give timing='before_open' or 'during', timestamps, or entry='next_open'",
            )
    twice = overlapping(fills, own)
    if twice:
        yield (
            OverlapWarning,
            f"{twice} of {int(own.sum())} positions are taken while an earlier one is held in the same security: they "
            "add up, and their returns are not independent; placebo_trades(how='shift') keeps such spacing",
        )
    columns = np.flatnonzero(np.bincount(fills.column[own]))
    rows = info.row[fills.event[own]]
    alive = info.market.last[columns] == len(info.market.days) - 1
    days = info.market.days[rows].astype(np.int64)
    if len(columns) > 1 and alive.all() and days.max() - days.min() > _SPAN:
        yield (
            SurvivorshipWarning,
            f"the events span more than a year, and each of the {len(columns)} securities traded has a price on the "
            f"last session ({info.market.days[-1]}): firms that failed, and their losses, are missing from the prices",
        )


def notes_of(spec: BacktestSpec, info: InformationSet, traded: Traded, account: Account) -> Iterator[str]:
    """Yield the limitations of the figures, one sentence each."""
    fills, own = traded.fills, account.traded_legs
    dates = int(np.count_nonzero(np.bincount(info.row[fills.event[own]])))
    if dates == 1:
        yield "All trades are of one date: one draw. Nothing can be inferred about the rule."
    elif 1 < dates < 30:
        yield f"The trades are of {dates} dates, too few for a reliable t statistic."
    lost = np.flatnonzero(account.equity <= 0)
    if len(lost):
        yield f"The account was lost on {info.market.days[lost[0]]}: ratios are not defined."
    year = info.market.returns.session_year
    if year.known and year.n != YEAR:
        yield f"Annual figures are of {year}."
    if not year.known:
        yield f"The sessions of a year are {year}: annual figures and ratios are not defined."
    if spec.costs == Costs():
        yield "No costs are deducted."
    yield from info.market.notes
    yield from _apart(info, fills, own)
    yield from _leg_notes(info, fills, own, bool(spec.delisting.any()) and spec.benchmark is None)
    scaled = int((account.scale[account.stake > 0] < 1 - 1e-12).sum())
    if scaled:
        yield f"{_many(scaled, 'trade')} scaled down by the limits (column scale)."
    held = _held_together(info, fills, own)
    if held:
        yield f"{held} of {_many(int(own.sum()), 'leg')} held together with a leg of another event date."
    yield "Look-ahead in the choice of the events and of the rule cannot be detected."


def _apart(info: InformationSet, fills: Fills, own: BoolArray) -> Iterator[str]:
    """Yield the securities traded whose own sessions are not those of the account."""
    market = info.market
    names = [market.names[k] for k in np.unique(fills.column[own]) if market.names[k] in market.apart]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        sessions = market.returns.sessions
        of = "New York's sessions" if sessions.name == "NYSE" else f"{len(market.days)} days"
        yield (
            f"The prices of {names[0]}{more} have other days than the account, which counts {of}: trade each market by "
            "itself, or state the calendar."
        )


def _leg_notes(info: InformationSet, fills: Fills, own: BoolArray, untold: bool) -> Iterator[str]:
    market, reason = info.market, fills.exit.reason[own]
    if fills.n_dropped:
        yield (
            f"{_many(fills.n_dropped, 'portfolio leg')} left out for lack of a price at the entry; the weights of the "
            "other legs are unchanged."
        )
    late = int((reason == LATE).sum())
    if late:
        yield f"{_many(late, 'leg')} held longer than planned for lack of a price at the exit."
    n_out, n_open = int((reason == DELISTED).sum()), int((reason == STILL_OPEN).sum())
    if n_out:
        yield f"{_many(n_out, 'leg')} of securities that stopped trading: exit at the last close and delisting_return."
    if n_open:
        more = "; no delisting_return: a benchmark tells a security that stopped trading" if untold else ""
        yield f"{_many(n_open, 'leg')} still open when the prices end, valued at the last close{more}."
    move, where = _largest_move(info, fills, own)
    if move:
        name, day = market.names[where[1]], market.days[where[0]]
        yield f"{name} moved {100 * move:+.1f} % on {day} while held: an unadjusted split, or a wrong price?"


def _largest_move(info: InformationSet, fills: Fills, own: BoolArray) -> tuple[float, tuple[int, int]]:
    """Return the largest return beyond `_LARGE` of a security while it was held, 0 for none."""
    values = info.market.returns.values
    with np.errstate(invalid="ignore"):
        row, column = np.nonzero((values > _LARGE) | (values < -_LARGE))
    for k in np.argsort(-np.abs(values[row, column]), kind="stable")[:_CHECKED]:
        held = own & (fills.column == column[k]) & (fills.entry.row < row[k]) & (row[k] <= fills.exit.row)
        if held.any():
            return float(values[row[k], column[k]]), (int(row[k]), int(column[k]))
    return 0.0, (0, 0)


def _held_together(info: InformationSet, fills: Fills, own: BoolArray) -> int:
    """Return how many legs are held together with a leg of another event date."""
    start, end = _moments(fills, own)
    alive = np.searchsorted(np.sort(start), end, side="left") - np.searchsorted(np.sort(end), start, side="right")
    dates = info.row[fills.event[own]]
    same = np.bincount(dates, minlength=1)[dates] if len(dates) else dates
    return int((alive > same).sum())


def overlapping(fills: Fills, own: BoolArray) -> int:
    """Return how many legs enter while a leg that entered earlier is held in the same security."""
    start, end = _moments(fills, own)
    column = fills.column[own]
    order = np.lexsort((start, column))
    start, end, column = start[order], end[order], column[order]
    if not len(order):
        return 0
    base = column * (int(end.max()) + 1)  # one time axis on which the securities do not overlap
    first = starts_of(column, start)  # of the legs that enter together
    latest = np.maximum.accumulate(np.maximum.reduceat(base + end, first))
    sizes = np.diff(np.append(first, len(order)))
    return int(sizes[1:][(base + start)[first[1:]] < latest[:-1]].sum())


def _moments(fills: Fills, own: BoolArray) -> tuple[IntArray, IntArray]:
    """Return entry and exit of each leg on one time scale with three points per session."""
    return fills.entry.row[own] * 3 + fills.entry.phase[own], fills.exit.row[own] * 3 + fills.exit.phase[own]


def _many(n: int, what: str) -> str:
    return f"1 {what} was" if n == 1 else f"{n} {what}s were"
