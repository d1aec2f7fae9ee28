"""Whether events of different stocks fall on the same days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import _format
from .._typing import BoolArray, FloatArray, IntArray
from ..engines.progress import Progress, watched
from ..errors import InputError

_BLOCK = 32  # permutations that share one random stream: the result depends on nothing but the seed


@dataclass(frozen=True, slots=True)
class Clustering:
    """Pairs of events on one day, against independent stocks.

    Made by `Fragility.clustering`.

    Attributes
    ----------
    observed : int
        Pairs of events of different stocks on one day: the sum over days of n (n - 1) / 2.
    expected : float
        Its mean under the null.
    ratio : float
        observed / expected; NaN where nothing is expected.
    pvalue : float
        (1 + #{permuted >= observed}) / (n_permutations + 1), one-sided; NaN where fewer than two stocks have an event.
    n_events, n_securities, n_days : int
        Events, stocks with an event, sessions with a z of any stock.
    n_permutations, seed : int
        Of the test.

    Notes
    -----
    Null: the stocks' events are independent of each other. Each stock's series of events is turned around the circle of
    its own days with a z by an amount of its own, uniform and independent of the others': its number of events and
    their spacing, its bunching in turbulent weeks with it, stay as they are. Alternative: common days. A common shock
    and a common turbulent season both count as such.

    References
    ----------
    Lotwick and Silverman (1982), Journal of the Royal Statistical Society B 44, 406-413, for testing the independence
    of point processes by shifts on a torus; Phipson and Smyth (2010) for the 1 in both counts.
    """

    observed: int
    expected: float
    ratio: float
    pvalue: float
    n_events: int
    n_securities: int
    n_days: int
    n_permutations: int
    seed: int

    def __str__(self) -> str:
        head = f"{self.n_events:,} events of {self.n_securities:,} stocks on {self.n_days:,} days"
        if np.isnan(self.pvalue):
            return f"Clustering: {head}; two stocks with events are needed to compare"
        text = (
            f"Clustering: {head}: {self.observed:,} pairs of events fall on one day, {self.expected:,.1f} if "
            f"the stocks were independent (x {self.ratio:.2f}, {_format.p_equals(self.pvalue)}, "
            f"{self.n_permutations:,} circular shifts)"
        )
        return _format.wrapped(text, "  ")


def clustering(
    hits: BoolArray,
    counted: BoolArray,
    n_permutations: int = 999,
    seed: int = 0,
    progress: Progress = None,
) -> Clustering:
    """Compare the pairs of events on one day with those of independently shifted stocks.

    Parameters
    ----------
    hits : ndarray of shape (n_days, n_stocks), bool
        Events.
    counted : ndarray of shape (n_days, n_stocks), bool
        Days on which each stock could have one; every event is on such a day.
    n_permutations, seed, progress
        As in `Fragility.clustering`.

    Returns
    -------
    Clustering

    Raises
    ------
    InputError
        If `n_permutations` or `seed` is no positive whole number.
    """
    for name, value, least in (("n_permutations", n_permutations, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(name, f"got {value!r}", f"give a whole number from {least} on")
    n_days = int(counted.any(axis=1).sum())
    active = hits.any(axis=0)
    observed = _pairs(hits.sum(axis=1))
    about = (int(hits.sum()), int(active.sum()), n_days, int(n_permutations), int(seed))
    if active.sum() < 2:
        return Clustering(observed, np.nan, np.nan, np.nan, *about)
    sizes = [min(_BLOCK, n_permutations - start) for start in range(0, n_permutations, _BLOCK)]
    blocks = _permuted(hits[:, active], counted[:, active], sizes, seed)
    drawn = np.concatenate(list(watched(blocks, len(sizes), progress)))
    expected = float(drawn.mean())
    pvalue = float((1 + (drawn >= observed).sum()) / (n_permutations + 1))
    return Clustering(observed, expected, observed / expected if expected else np.nan, pvalue, *about)


def _permuted(hits: BoolArray, counted: BoolArray, sizes: list[int], seed: int) -> Iterator[FloatArray]:
    """Yield the statistic of shifted events, a block at a time, each (size,)."""
    n_days, n_stocks = hits.shape
    length = counted.sum(axis=0)
    days = np.nonzero(counted.T)[1]  # each stock's own days, one stock after the other
    begin = np.concatenate([[0], np.cumsum(length)[:-1]])
    place = np.flatnonzero(hits.T[counted.T])
    stock = np.searchsorted(begin, place, side="right") - 1
    place = place - begin[stock]
    for size, stream in zip(sizes, np.random.SeedSequence(seed).spawn(len(sizes)), strict=True):
        shift = np.random.default_rng(stream).integers(0, length, (size, n_stocks))
        out = np.empty(size)
        for b in range(size):
            at = (place + shift[b, stock]) % length[stock]
            out[b] = _pairs(np.bincount(days[begin[stock] + at], minlength=n_days))
        yield out


def _pairs(n: IntArray) -> int:
    return int((n * (n - 1) // 2).sum())
