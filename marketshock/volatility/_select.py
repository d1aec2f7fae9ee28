"""Selection of the sessions and listings of a table."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from .._typing import BoolArray, DateArray, FloatArray
from ..errors import InputError, MembershipWarning, NotSessionError, check_choice
from ..sessions import day_named
from ._rules import one_a_firm
from .membership import Membership

By: TypeAlias = Literal["firm", "listing"]
BY: tuple[By, ...] = ("firm", "listing")
Direction: TypeAlias = Literal["absolute", "up", "down"]
DIRECTIONS: tuple[Direction, ...] = ("absolute", "up", "down")


@dataclass(frozen=True, slots=True)
class Selection:
    """Part of a z matrix from which a table is made."""

    rows: slice  # the sessions
    # (n_rows, n_tickers), bool: True where a member has a z; one column per firm unless listings are counted
    counted: BoolArray
    known: BoolArray  # (n_rows,), bool: True on sessions with a known membership


def selection(
    days: DateArray,
    tickers: Sequence[str],
    z: FloatArray,
    start: object,
    end: object,
    members: Membership | None,
    by: By,
) -> Selection:
    """Select from a z matrix, (n_days, n_tickers), by period, membership and firm.

    Raises `InputError` if the period contains no session, or the membership is unknown on all of them; `ChoiceError` if
    `by` is not one of `BY`; `UnknownNameError` if the membership does not fit the tickers.

    Warns
    -----
    MembershipWarning
        If the membership is unknown on sessions that have a z.
    """
    check_choice("by", by, BY)
    rows = period(days, start, end)
    there = np.isfinite(z[rows])
    known = np.ones(len(there), dtype=bool)
    inside: BoolArray = np.ones_like(there)
    if members is not None:
        members.check(tickers)
        known = members.known(days[rows])
        inside = members.rows(days[rows], tickers)
        _check_known(members, days[rows], known, np.asarray(there.any(axis=1)))
    if by == "firm":
        inside = _folded(inside, tickers)
    return Selection(rows, there & inside, known)


def period(days: DateArray, start: object, end: object) -> slice:
    """Return the rows from `start` to `end`, both included; None means the first or the last session.

    Raises `InputError` if a bound is not a date, the end is before the start, or there is no session between them.
    """
    first = days[0] if start is None else day_named("start", start)
    last = days[-1] if end is None else day_named("end", end)
    if last < first:
        raise InputError("end", f"{last} is before the start, {first}", "swap them")
    low, high = np.searchsorted(days, first), np.searchsorted(days, last, side="right")
    if low == high:
        raise InputError("start", f"no session from {first} to {last}", f"the data cover {days[0]} to {days[-1]}")
    return slice(int(low), int(high))


def session_row(days: DateArray, value: object) -> int:
    """Return the row of a session.

    Raises `InputError` if it is not a date, or outside the data; `NotSessionError` if there is no session on that day.
    """
    day = day_named("date", value)
    at = int(np.searchsorted(days, day))
    if not days[0] <= day <= days[-1]:
        raise InputError("date", f"{day} is outside the data", f"they cover {days[0]} to {days[-1]}")
    if days[at] != day:
        raise NotSessionError("date", f"no session on {day}", f"give {days[at - 1]} or {days[at]}")
    return at


def _folded(inside: BoolArray, tickers: Sequence[str]) -> BoolArray:
    """Move the membership of each listing to the column that represents its firm."""
    out = np.array(inside)
    for column, main in enumerate(one_a_firm(tickers)):
        if column != main:
            out[:, main] |= out[:, column]
            out[:, column] = False
    return out


def _check_known(members: Membership, days: DateArray, known: BoolArray, used: BoolArray) -> None:
    """Raise or warn if the membership is unknown on sessions that have a z."""
    lost = used & ~known
    if not (used & known).any() and lost.any():
        what = f"{members.name}: known on none of the {int(lost.sum())} sessions"
        raise InputError("members", what, "give a membership that covers the period")
    if lost.any():
        warnings.warn(
            f"members: {members.name}: not known on {int(lost.sum())} of {int(used.sum())} sessions, the first on "
            f"{days[lost][0]}; these sessions are excluded",
            MembershipWarning,
            stacklevel=5,
        )
