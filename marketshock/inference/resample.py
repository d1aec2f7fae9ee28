"""Bootstraps: seeded, vectorized over draws, the same p-value for the same seed."""

from __future__ import annotations

import numpy as np

from .._typing import Alternative, FloatArray
from .outcome import MEAN_ZERO, Inapplicable, Outcome, TestResult, tails
from .sample import Sample

_BLOCK = 1000  # draws at a time: bounds the memory


def wild_bootstrap(sample: Sample, alternative: Alternative) -> Outcome:
    """Flip the signs of the standardized CARs of each event date together (Rademacher weights, the null imposed).

    The statistic is ``sum z / sqrt(sum_g (sum_{i in g} z_i)^2)`` with g the event dates; its p-value is the share of
    draws at least as extreme. With one date there is one sign to flip, and nothing can be learned.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90, for clusters; Wu (1986).
    """
    used = sample.there
    n = int(used.sum())
    dates, group = np.unique(sample.evidence.row[used], return_inverse=True)
    if len(dates) < 5:
        reason = f"{len(dates)} event date(s) allow {2 ** len(dates)} sign patterns: too few for p = 0.05 two-sided"
        return Inapplicable("wild_bootstrap", reason, n, MEAN_ZERO)
    sums = np.bincount(group, weights=sample.standardized[used])
    scale = float(np.sqrt((sums**2).sum()))
    if scale == 0:
        return Inapplicable("wild_bootstrap", "the standardized returns are zero", n, MEAN_ZERO)
    statistic = float(sums.sum()) / scale
    rng = np.random.default_rng(sample.resampling.seed)
    draws = [
        (2.0 * rng.integers(0, 2, (size, len(sums))) - 1) @ sums / scale for size in _sizes(sample.resampling.draws)
    ]
    note = f"seed {sample.resampling.seed}, {len(dates)} dates"
    return _bootstrap_result("wild_bootstrap", statistic, np.concatenate(draws), alternative, n, note)


def block_bootstrap(sample: Sample, alternative: Alternative) -> Outcome:
    """Draw windows of the estimation residuals in blocks, all events together, and rank CAAR among their CAARs.

    Stationary bootstrap: blocks of geometric length wrap around the estimation window, so that volatility clustering
    and cross-correlation are kept. The mean residual is set to zero first.

    References
    ----------
    Politis and Romano (1994), Journal of the American Statistical Association 89, 1303-1313.
    """
    n, length = int(sample.there.sum()), sample.n_days
    if sample.evidence.split:
        return Inapplicable("block_bootstrap", sample.evidence.split, n, MEAN_ZERO)
    count = sample.mask.sum(axis=0)
    aar = sample.evidence.mean_residual
    aar = aar[np.isfinite(aar)]
    if (count == 0).any() or len(aar) < 20:
        reason = "no return on a day of the window" if len(aar) >= 20 else "fewer than 20 estimation days"
        return Inapplicable("block_bootstrap", reason, n, MEAN_ZERO)
    statistic = float((np.where(sample.mask, sample.ar, 0.0).sum(axis=0) / count).sum())
    block = sample.resampling.block or max(length, round(len(aar) ** (1 / 3)))
    rng = np.random.default_rng(sample.resampling.seed)
    centered = aar - aar.mean()
    draws = [_stationary(centered, size, length, block, rng) for size in _sizes(sample.resampling.draws)]
    note = f"seed {sample.resampling.seed}, mean block {block} days"
    return _bootstrap_result("block_bootstrap", statistic, np.concatenate(draws), alternative, n, note)


def _stationary(series: FloatArray, draws: int, length: int, block: int, rng: np.random.Generator) -> FloatArray:
    """Return `draws` sums over `length` days of a stationary bootstrap of the series."""
    at = rng.integers(0, len(series), draws)
    total = series[at].copy()
    for _ in range(length - 1):
        fresh = rng.random(draws) < 1 / block
        at = np.where(fresh, rng.integers(0, len(series), draws), (at + 1) % len(series))
        total += series[at]
    return total


def _sizes(draws: int) -> list[int]:
    return [_BLOCK] * (draws // _BLOCK) + ([draws % _BLOCK] if draws % _BLOCK else [])


def _bootstrap_result(
    name: str, statistic: float, draws: FloatArray, alternative: Alternative, n: int, note: str
) -> TestResult:
    near = 1e-12 * (1 + abs(statistic))  # a draw equal to the data is as extreme, whatever the order of summation
    lower = (1 + int((draws <= statistic + near).sum())) / (len(draws) + 1)
    upper = (1 + int((draws >= statistic - near).sum())) / (len(draws) + 1)
    pvalue = tails(lower, upper, alternative)
    return TestResult(name, statistic, pvalue, "bootstrap", float(len(draws)), MEAN_ZERO, alternative, n, note)
