"""The calendar-time portfolio: events of many dates as one portfolio through time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import Alternative, FloatArray
from .correlation import add_by_group
from .outcome import MEAN_ZERO, Inapplicable, Outcome, normal_result
from .sample import Sample


def calendar_time(sample: Sample, alternative: Alternative) -> Outcome:
    """Standardize each calendar day's mean abnormal return by that portfolio's own past, and sum: N(0, 1).

    On a calendar day the portfolio holds the events whose window under test covers it. Its standard deviation is that
    of the mean of the same events' estimation residuals, aligned by calendar date, on the days that at least half of
    them have. The statistic is the sum of the days' standardized returns over the root of their number.

    References
    ----------
    Jaffe (1974), Journal of Business 47; Mandelker (1974), Journal of Financial Economics 1; Fama (1998).
    """
    n = int(sample.there.sum())
    if not sample.mask.any():
        return Inapplicable("calendar_time", "no return in the window", 0, MEAN_ZERO)
    if sample.evidence.split:
        return Inapplicable("calendar_time", sample.evidence.split, n, MEAN_ZERO)
    held = _held(sample)
    mean, sigma = held.ar / held.n, np.sqrt(held.sigma2 / held.n)
    sd = held.sd()
    usable = sd > 1e-10 * sigma
    if not usable.any():
        return Inapplicable("calendar_time", "no day's portfolio has a past of its own that varies", n, MEAN_ZERO)
    z = mean[usable] / sd[usable]
    lost = int((~usable).sum())
    note = f"{len(z)} calendar days" + (f", {lost} without a common past left out" if lost else "")
    return normal_result("calendar_time", float(np.sum(z) / np.sqrt(len(z))), alternative, n, note)


@dataclass(frozen=True, slots=True)
class _Held:
    """What the portfolio holds on each of D calendar days.

    Attributes
    ----------
    n, ar, sigma2 : ndarray of shape (D,)
        Number of events held, and the sums of their abnormal returns of the day and of their variances.
    past, count : ndarray of shape (D, P)
        Sum of the same events' estimation residuals by calendar date, and how many of them have one: P dates, counted
        from the calendar day.
    """

    n: FloatArray
    ar: FloatArray
    sigma2: FloatArray
    past: FloatArray
    count: FloatArray

    def sd(self) -> FloatArray:
        """Standard deviation of the mean residual by calendar date, (D,); 0 where fewer than 20 dates are shared."""
        shared = self.count >= np.maximum(1.0, self.n / 2)[:, None]
        m = shared.sum(axis=1)
        enough = m >= 20
        m = np.maximum(m, 2)
        mean = np.where(shared, self.past / np.maximum(self.count, 1.0), 0.0)
        centered = np.where(shared, mean - (mean.sum(axis=1) / m)[:, None], 0.0)
        return np.where(enough, np.sqrt((centered**2).sum(axis=1) / (m - 1)), 0.0)


def _held(sample: Sample) -> _Held:
    """Sum over the events held on each calendar day.

    Events of one date with all days of the window are held together from the first day to the last: they are summed
    once, and shifted. The others are added day by day.
    """
    e, mask = sample.evidence, sample.mask
    first = next(e.blocks())[1]
    n_est = first.y.shape[1]
    offsets = (first.event_rows[0] - first.row[0])[sample.days]
    calendar = np.unique(np.unique(e.row)[:, None] + offsets)
    dates, group = np.unique(e.row, return_inverse=True)
    n, ar, sigma2 = np.zeros((3, len(calendar)))
    past, count = np.zeros((2, len(calendar), n_est + int(offsets[-1] - offsets[0])))
    together, together_count = np.zeros((2, len(dates), n_est))
    place = [
        (np.searchsorted(calendar, dates + off), slice(offsets[-1] - off, offsets[-1] - off + n_est)) for off in offsets
    ]
    whole = np.asarray(mask.all(axis=1))
    for events, part in e.blocks():
        residuals = part.from_day_zero(np.where(part.mask, part.residuals, 0.0))
        there = part.from_day_zero(part.mask.astype(float))
        full = np.flatnonzero(whole[events])
        if len(full):
            add_by_group(together, group[events[full]], residuals[full])
            add_by_group(together_count, group[events[full]], there[full])
        for d, (day, dates_of) in enumerate(place):
            at = np.flatnonzero(mask[events, d] & ~whole[events])
            if len(at):
                add_by_group(past[:, dates_of], day[group[events[at]]], residuals[at])
                add_by_group(count[:, dates_of], day[group[events[at]]], there[at])
    for d, (day, dates_of) in enumerate(place):
        past[day, dates_of] += together
        count[day, dates_of] += together_count
        held = mask[:, d]
        on = day[group[held]]
        n += np.bincount(on, minlength=len(calendar))
        ar += np.bincount(on, weights=sample.ar[held, d], minlength=len(calendar))
        sigma2 += np.bincount(on, weights=e.fit.sigma2[held], minlength=len(calendar))
    some = n > 0
    return _Held(n[some], ar[some], sigma2[some], past[some], count[some])
