"""Returns over gaps: how many sessions a return covers, and benchmarks compounded over the same sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .._typing import BoolArray, FloatArray, Gaps, IntArray
from ..errors import Argument, InputError, Words
from ..models.base import ReturnModel
from ..providers.frames import refuse_absurd
from .returns import Returns

LONGEST = 10
"""Sessions back to the last price at most, for a return over a gap to be one like any other (code -66 of CRSP)."""

_STEP = 64  # securities at a time


@dataclass(frozen=True, eq=False)
class OverGaps:
    """Regressors and offset over several sessions, for each pair of a last session and a number of sessions in use.

    Attributes
    ----------
    keys : ndarray of shape (G,), int
        The pairs, sorted; see `key`.
    design : ndarray of shape (G, K)
        Regressors, compounded over the sessions; the constant is 1, or the number of sessions if `by_time`.
    offset : ndarray of shape (G,)
        Decimal return subtracted, compounded.
    by_time : bool
        Whether mean and variance of a return grow with its sessions (Maynes and Rumsey 1993).
    reopened_only : bool
        Whether such a return counts only on a day 0 that was moved to it.
    """

    keys: IntArray
    design: FloatArray
    offset: FloatArray
    by_time: bool
    reopened_only: bool

    @staticmethod
    def key(row: IntArray, n: IntArray) -> IntArray:
        """Return one number for a last session and a number of sessions."""
        return np.asarray((row.astype(np.int64) << 20) + n)

    @staticmethod
    def pairs(keys: IntArray) -> tuple[IntArray, IntArray]:
        """Return the last sessions and the numbers of sessions of some keys."""
        return keys >> 20, keys & ((1 << 20) - 1)

    def at(self, row: IntArray, n: IntArray) -> IntArray:
        """Return the places of the pairs, of which all are in use."""
        return np.searchsorted(self.keys, self.key(row, n))

    def known(self, row: IntArray, n: IntArray, n_regressors: int) -> BoolArray:
        """Return whether the first regressors and the offset are known over the sessions of each pair."""
        at = self.at(row, n)
        return np.asarray(np.isfinite(self.design[at, :n_regressors]).all(axis=1) & np.isfinite(self.offset[at]))


def bridged(returns: Returns, gaps: Gaps, reopen: bool, read: Sequence[str]) -> Returns:
    """Return the returns with those over gaps, on the day of the first price after each.

    Parameters
    ----------
    returns : Returns
        Of prices: `levels` are read.
    gaps : {"missing", "span", "trade_to_trade"}
        With "trade_to_trade" gaps may be of any length, otherwise the last price is at most `LONGEST` sessions back.
    reopen : bool
        Whether returns over gaps are needed with "missing" too, for the first day after a halt.
    read : sequence of str
        The columns that are read, and may not be absurd.

    Raises
    ------
    InputError
        If the returns were given, not computed: nobody knows what a return after a missing day covers.
    """
    if gaps == "missing" and not reopen:
        return returns
    if returns.levels is None:
        refuse_over_gaps(gaps, reopen)
    values, spans = _over(returns, None if gaps == "trade_to_trade" else LONGEST)
    if spans is not None:
        own = [k for k, name in enumerate(returns.names) if name in read]
        refuse_absurd("prices", [returns.names[k] for k in own], returns.days, values[:, own])
    return replace(returns, values=values, spans=spans, gaps=gaps)


def refuse_over_gaps(gaps: Gaps, reopen: bool) -> None:
    """Raise `InputError` if returns over gaps are asked for, of returns that were given and not computed."""
    if gaps == "missing" and not reopen:
        return
    name, value = ("on_halt", "reopen") if gaps == "missing" else ("gaps", gaps)
    what = f"{value!r} needs prices: a table of returns does not say what the return after a missing day covers"
    raise InputError(name, what, Words("give ", Argument("prices"), ", or leave it out"))


def _over(returns: Returns, longest: int | None) -> tuple[FloatArray, IntArray | None]:
    """Return the returns (T, S) with those over gaps, and the sessions each covers; None if each covers one."""
    levels, values = returns.levels, returns.values
    spans: IntArray | None = None
    assert levels is not None
    row = np.arange(len(levels), dtype=np.int32)[:, None]
    for lo in range(0, levels.shape[1], _STEP):
        part = slice(lo, lo + _STEP)
        there = np.isfinite(levels[:, part])
        before = np.maximum.accumulate(np.where(there, row, -1), axis=0)[:-1]
        n = row[1:] - before
        over = there[1:] & (before >= 0) & (n > 1)
        if longest is not None:
            over &= n <= longest
        day, column = np.nonzero(over)
        if not len(day):
            continue
        if spans is None:
            values, spans = values.copy(), np.ones(levels.shape, dtype=np.int64)
        covered, at = n[day, column], column + lo
        ratio = levels[day + 1, at] / levels[before[day, column], at]
        values[day + 1, at] = np.log(ratio) if returns.log else ratio - 1
        spans[day + 1, at] = covered
    return values, spans


def over_gaps(returns: Returns, model: ReturnModel) -> OverGaps | None:
    """Compound a model's regressors and offset over the sessions of every return that covers more than one."""
    if returns.spans is None:
        return None
    day, column = np.nonzero(returns.spans > 1)
    keys = np.unique(OverGaps.key(day, returns.spans[day, column]))
    row, n = OverGaps.pairs(keys)
    by_time = returns.gaps != "span"
    constant = (n if by_time else np.ones_like(n)).astype(float)[:, None]
    terms = [term.over(returns, row, n) for term in model.terms]
    design = np.column_stack([constant[:, : int(model.intercept)], *terms])
    offset = model.offset.over(returns, row, n) if model.offset else np.zeros(len(row))
    return OverGaps(keys, design, offset, by_time, returns.gaps == "missing")
