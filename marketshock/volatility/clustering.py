"""Test of whether events of different stocks fall on the same days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import _format
from .._typing import BoolArray, FloatArray, IntArray
from ..engines.progress import Progress, watched
from ..errors import check_count

_BLOCK = 32  # permutations per random stream, so that the result depends only on the seed


@dataclass(frozen=True, slots=True)
class Clustering:
    """Permutation test of same-day pairs of events against independent stocks.

    Made by `Fragility.clustering`.

    Attributes
    ----------
    observed : int
        Pairs of events of different stocks on the same day: the sum over days of n (n - 1) / 2.
    expected : float
        Mean of the same count over the permutations.
    ratio : float
        observed / expected; NaN if `expected` is zero or NaN.
    pvalue : float
        (1 + #{permuted >= observed}) / (n_permutations + 1), one-sided; NaN if fewer than two stocks have an event.
    n_events, n_securities, n_days : int
        Events, stocks with an event, sessions with a z of any stock.
    n_permutations, seed : int
        Number of permutations and seed of the random numbers.

    Notes
    -----
    Null: events of different stocks are independent. The event series of each stock is shifted circularly over the days
    on which the stock has a z, by a uniform random amount independent of the other stocks. The shift keeps the number
    of events of each stock and their spacing, including clusters in turbulent weeks. Alternative: events fall on common
    days. Common shocks and common turbulent periods both lead to rejection.

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
            return f"Clustering: {head}; two stocks with events are needed"
        text = (
            f"Clustering: {head}: {self.observed:,} pairs of events fall on the same day, {self.expected:,.1f} "
            f"expected for independent stocks (x {self.ratio:.2f}, {_format.p_equals(self.pvalue)}, "
            f"{self.n_permutations:,} circular shifts)"
        )
        return _format.wrapped(text, "  ")


def clustering(
    hits: BoolArray, counted: BoolArray, n_permutations: int = 999, seed: int = 0, progress: Progress = None
) -> Clustering:
    """Compare the same-day pairs of events with those of independently shifted stocks.

    Parameters
    ----------
    hits : ndarray of shape (n_days, n_stocks), bool
        Events.
    counted : ndarray of shape (n_days, n_stocks), bool
        Days on which each stock has a z; every event is on such a day.
    n_permutations, seed, progress : optional
        As in `Fragility.clustering`.

    Returns
    -------
    Clustering

    Raises
    ------
    InputError
        If `n_permutations` is not a whole number of at least 1, or `seed` of at least 0.
    """
    for name, value, least in (("n_permutations", n_permutations, 1), ("seed", seed, 0)):
        check_count(name, value, least)
    n_days = int(counted.any(axis=1).sum())
    active = hits.any(axis=0)
    observed = _pairs(hits.sum(axis=1))
    sizes_and_seed = (int(hits.sum()), int(active.sum()), n_days, int(n_permutations), int(seed))
    if active.sum() < 2:
        return Clustering(observed, np.nan, np.nan, np.nan, *sizes_and_seed)
    sizes = [min(_BLOCK, n_permutations - start) for start in range(0, n_permutations, _BLOCK)]
    blocks = _permuted(hits[:, active], counted[:, active], sizes, seed)
    drawn = np.concatenate(list(watched(blocks, len(sizes), progress)))
    expected = float(drawn.mean())
    pvalue = float((1 + (drawn >= observed).sum()) / (n_permutations + 1))
    return Clustering(observed, expected, observed / expected if expected else np.nan, pvalue, *sizes_and_seed)


def _permuted(hits: BoolArray, counted: BoolArray, sizes: list[int], seed: int) -> Iterator[FloatArray]:
    """Yield the statistic of shifted events, one block of shape (size,) at a time."""
    n_days, n_stocks = hits.shape
    length = counted.sum(axis=0)
    days = np.nonzero(counted.T)[1]  # days with a z, stock after stock
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
