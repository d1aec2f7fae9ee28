"""Mean correlation of events in several markets: which returns were earned at the same time, by the clock of UTC."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import sparse

from .._typing import BoolArray, DateArray, FloatArray, IntArray
from .evidence import Evidence

_FEWEST = 30  # pairs of returns below which a correlation is taken to be zero
_BLOCK = 512  # events whose pairs with all others are in memory together


class Intervals(NamedTuple):
    """When the returns of E events were earned, (E, n) each: after `start`, up to and including `end`."""

    start: DateArray  # datetime64[s], UTC
    end: DateArray  # datetime64[s], UTC
    label: IntArray  # session, as days since 1970


def overlap_correlation(evidence: Evidence, first: int, stop: int, kind: Literal["date", "label"]) -> float:
    """Return the mean correlation that inflates the variance of a mean of window statistics.

    Parameters
    ----------
    evidence : Evidence
        Of N events whose windows know when their returns were earned; 0 for a single one.
    first, stop : int
        The days under test among the event days, and the one after them.
    kind : {"date", "label"}
        Whether returns belong together that overlap in time, or only those of sessions with the same date.

    Notes
    -----
    ``r_ij = (L_i L_j)^-1/2`` times the sum over pairs of days under test that overlap of ``rho_c``, the correlation of
    the estimation residuals over all overlapping pairs of class c: the same date, a later or an earlier one. With one
    market only the first class is there. A class of fewer than 30 pairs counts as zero.

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23(11); the weight for partly overlapping windows is that of
    Kolari, Pape and Pynnonen (2018).
    """
    n = len(evidence)
    if n < 2:
        return 0.0
    estimation, event = _intervals(evidence)
    days = slice(first, stop)
    tested = evidence.event_mask[:, days]
    event = Intervals(event.start[:, days], event.end[:, days], event.label[:, days])
    axis, places = _axis(estimation, event, evidence.mask, tested)
    residuals = _rows(
        places[: int(evidence.mask.sum())], evidence.mask, evidence.residuals[evidence.mask], len(axis[0])
    )
    window = _rows(places[int(evidence.mask.sum()) :], tested, np.ones(int(tested.sum())), len(axis[0]))
    length = np.sqrt(tested.sum(axis=1))
    total = 0.0
    for pairs, weight in _classes(axis, kind):
        total += weight * sum(_block(residuals, window, pairs, length, lo) for lo in range(0, n, _BLOCK))
    return 2 * total / (n * (n - 1))


def _intervals(evidence: Evidence) -> tuple[Intervals, Intervals]:
    windows: Any = evidence.windows
    return Intervals(*windows.intervals("estimation")), Intervals(*windows.intervals("window"))


def _axis(
    estimation: Intervals, event: Intervals, mask: BoolArray, tested: BoolArray
) -> tuple[tuple[IntArray, IntArray, IntArray], IntArray]:
    """Return every distinct interval, sorted by its start, and the place of each return among them."""
    start, end, label = (
        np.concatenate([np.asarray(a)[mask].astype(np.int64), np.asarray(b)[tested].astype(np.int64)])
        for a, b in zip(estimation, event, strict=True)
    )
    distinct, places = np.unique(np.column_stack([start, end, label]), axis=0, return_inverse=True)
    return (distinct[:, 0], distinct[:, 1], distinct[:, 2]), places.ravel()


def _rows(places: IntArray, mask: BoolArray, values: FloatArray, width: int) -> Any:
    """Return the values of each event by interval, a sparse (N, D)."""
    ends = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    return sparse.csr_array((values, places, ends), shape=(len(mask), width))


def _classes(axis: tuple[IntArray, IntArray, IntArray], kind: str) -> list[tuple[Any, float]]:
    """Return which intervals belong together, sparse (D, D), by class; each unordered pair of events counts once.

    An interval that overlaps an earlier date of the other event is the mirror of one that overlaps a later date: over
    ordered pairs of events the class "later" counts both. "The same date" is symmetric and counts half.
    """
    start, end, label = axis
    at = np.arange(len(start))
    longest = int((end - start).max())
    lo, hi = np.searchsorted(start, start - longest), np.searchsorted(start, end)
    one = np.repeat(at, hi - lo)
    other = np.arange(len(one)) - np.repeat(np.cumsum(hi - lo) - (hi - lo), hi - lo) + np.repeat(lo, hi - lo)
    overlap = (start[one] < end[other]) & (start[other] < end[one])
    if kind == "label":
        order = np.argsort(label, kind="stable")
        edges = np.searchsorted(label[order], label), np.searchsorted(label[order], label, side="right")
        size = edges[1] - edges[0]
        one = np.repeat(at, size)
        other = order[np.arange(len(one)) - np.repeat(np.cumsum(size) - size, size) + np.repeat(edges[0], size)]
        return [(_matrix(one, other, len(at)), 0.5)]
    one, other = one[overlap], other[overlap]
    same, later = label[one] == label[other], label[one] < label[other]
    return [
        (_matrix(one[same], other[same], len(at)), 0.5),
        (_matrix(one[later], other[later], len(at)), 1.0),
    ]


def _matrix(one: IntArray, other: IntArray, size: int) -> Any:
    return sparse.csr_array((np.ones(len(one)), (one, other)), shape=(size, size))


def _block(residuals: Any, window: Any, pairs: Any, length: FloatArray, lo: int) -> float:
    """Return the sum over some events i and all others j of the correlation times the share of overlapping days."""
    e, w = residuals[lo : lo + _BLOCK], window[lo : lo + _BLOCK]
    n = _sums(_ones(e), pairs, _ones(residuals))
    x, y = _sums(e, pairs, _ones(residuals)), _sums(_ones(e), pairs, residuals)
    xx, yy = _sums(e**2, pairs, _ones(residuals)), _sums(_ones(e), pairs, residuals**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = (_sums(e, pairs, residuals) - x * y / n) / np.sqrt((xx - x**2 / n) * (yy - y**2 / n))
        share = _sums(w, pairs, window) / (length[lo : lo + _BLOCK, None] * length)
    rho = np.where((n >= _FEWEST) & np.isfinite(rho) & np.isfinite(share), rho, 0.0)
    rho[np.arange(len(rho)), lo + np.arange(len(rho))] = 0.0
    return float((rho * np.nan_to_num(share)).sum())


def _sums(one: Any, pairs: Any, other: Any) -> FloatArray:
    return np.asarray(((one @ pairs) @ other.T).todense())


def _ones(values: Any) -> Any:
    out = values.copy()
    out.data = np.ones_like(out.data)
    return out
