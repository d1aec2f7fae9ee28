"""Mean correlation of the events' residuals, in time proportional to the number of events."""

from __future__ import annotations

import numpy as np

from .._typing import FloatArray, IntArray
from ..panel.runs import starts_of
from .evidence import Evidence


def mean_correlation(evidence: Evidence, n_days: int, kind: str) -> float:
    """Return the mean correlation that inflates the variance of a mean of window statistics.

    Parameters
    ----------
    evidence : Evidence
        Of N events; 0 for a single one.
    n_days : int
        Length of the window under test: two events whose windows share s of these days count s / n_days.
    kind : {"date", "pairwise"}
        See `Conventions.correlation`.

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23(11), eq. 8 ff.; the weight for partly overlapping windows
    is that of Kolari, Pape and Pynnonen (2018).
    """
    if len(evidence) < 2:
        return 0.0
    return _pairwise(evidence) if kind == "pairwise" else _by_date(evidence, n_days)


def _by_date(evidence: Evidence, n_days: int) -> float:
    """Sum standardized residuals by calendar date within each event date; never an N x N matrix.

    With e standardized to unit mean square, ``sum_{i != j} sum_t e_it e_jt = sum_t [(sum_i e_it)^2 - sum_i e_it^2]``:
    divided by the number of shared days it is the sum of the pairs' correlations, each weighted by its days.
    """
    dates, group = np.unique(evidence.row, return_inverse=True)
    n_groups = len(dates)
    n_est = next(evidence.blocks())[1].y.shape[1]
    sums, squares, counts = np.zeros((3, n_groups, n_est))
    for events, part in evidence.blocks():
        e = part.from_day_zero(_standardized(part))
        add_by_group(sums, group[events], e)
        add_by_group(squares, group[events], e**2)
        add_by_group(counts, group[events], part.from_day_zero(part.mask.astype(float)))
    size = np.bincount(group, minlength=n_groups).astype(float)
    total = 0.0
    within = (counts**2 - counts).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.where(within > 0, (sums**2 - squares).sum(axis=1) / within, 0.0)
    total += float((size * (size - 1) * rho).sum())
    for apart in range(1, min(n_days, n_est)):
        first = np.flatnonzero(np.isin(dates + apart, dates))
        second = np.searchsorted(dates, dates[first] + apart)
        a, b = slice(apart, None), slice(None, n_est - apart)  # the same calendar dates
        shared = (counts[first, a] * counts[second, b]).sum(axis=1)
        pair = (sums[first, a] * sums[second, b]).sum(axis=1)
        some = shared > 0
        weight = 2 * size[first] * size[second] * (n_days - apart) / n_days
        total += float((weight[some] * pair[some] / shared[some]).sum())
    return total / (len(evidence) * (len(evidence) - 1))


def add_by_group(out: FloatArray, group: IntArray, values: FloatArray) -> None:
    """Add the rows of `values`, (E, n), to the rows of `out`, (G, n), that their groups name."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = starts_of(ordered)
    out[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)


def _standardized(evidence: Evidence) -> FloatArray:
    """Residuals less their mean over their root mean square, (E, M), zero where missing."""
    e, mask = evidence.residuals, evidence.mask
    n = mask.sum(axis=1, keepdims=True)
    centered = np.where(mask, e - np.where(mask, e, 0.0).sum(axis=1, keepdims=True) / n, 0.0)
    return np.asarray(centered / np.sqrt((centered**2).sum(axis=1, keepdims=True) / n))


def _pairwise(evidence: Evidence) -> float:
    """Mean of the pairwise correlations over jointly observed places in the estimation window (N x N)."""
    mask = evidence.mask.astype(float)
    e = np.where(evidence.mask, evidence.residuals, 0.0)
    n = mask @ mask.T
    sums, squares = e @ mask.T, (e * e) @ mask.T
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = e @ e.T - sums * sums.T / n
        variance = squares - sums**2 / n
        r = covariance / np.sqrt(variance * variance.T)
    return float(r[np.triu_indices(len(r), 1)].mean())
