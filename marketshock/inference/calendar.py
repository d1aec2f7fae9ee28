"""The calendar-time portfolio: events of many dates as one portfolio through time."""

from __future__ import annotations

import numpy as np

from .._typing import Alternative, FloatArray, IntArray
from .base import Sample
from .outcome import MEAN_ZERO, Inapplicable, Outcome, flat, normal_result


def calendar_time(sample: Sample, alternative: Alternative) -> Outcome:
    """Standardise each calendar day's mean abnormal return by that portfolio's own past, and sum: N(0, 1).

    On a calendar day the portfolio holds the events whose window under test covers it. Its standard deviation is that
    of the mean of the same events' estimation residuals, aligned by calendar date, on the days that at least half of
    them have. The statistic is the sum of the days' standardised returns over the root of their number.

    References
    ----------
    Jaffe (1974), Journal of Business 47; Mandelker (1974), Journal of Financial Economics 1; Fama (1998).
    """
    e, n = sample.evidence, int(sample.there.sum())
    rows, mask = e.event_rows[:, sample.days], sample.mask
    if not mask.any():
        return Inapplicable("calendar_time", "no return in the window", 0, MEAN_ZERO)
    event, day = np.nonzero(mask)
    order = np.argsort(rows[event, day], kind="stable")
    event, day = event[order], day[order]
    _, starts = np.unique(rows[event, day], return_index=True)
    residuals = np.where(e.mask, e.residuals, 0.0)
    z = []
    for lo, hi in zip(starts, [*starts[1:], len(event)], strict=True):
        held = event[lo:hi]
        spread = _portfolio_spread(residuals[held], e.mask[held].astype(float), e.rows[held])
        sigma = float(np.sqrt(e.fit.sigma2[held].mean()))
        if not flat(spread, sigma):
            z.append(float(sample.ar[held, day[lo:hi]].mean()) / spread)
    if not z:
        return Inapplicable("calendar_time", "no day's portfolio has a past of its own that varies", n, MEAN_ZERO)
    lost = len(starts) - len(z)
    note = f"{len(z)} calendar days" + (f", {lost} without a common past left out" if lost else "")
    return normal_result("calendar_time", float(np.sum(z) / np.sqrt(len(z))), alternative, n, note)


def _portfolio_spread(residuals: FloatArray, mask: FloatArray, rows: IntArray) -> float:
    """Return the standard deviation of the mean residual by calendar date; 0 where fewer than 20 days are shared."""
    at = (rows - rows.min()).ravel()
    total = np.bincount(at, weights=residuals.ravel())
    count = np.bincount(at, weights=mask.ravel())
    shared = count >= max(1.0, len(residuals) / 2)
    if shared.sum() < 20:
        return 0.0
    return float((total[shared] / count[shared]).std(ddof=1))
