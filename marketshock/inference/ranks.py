"""Tests that read the distribution from the estimation window itself."""

from __future__ import annotations

import numpy as np

from .._typing import Alternative, BoolArray, FloatArray
from .base import Inapplicable, Outcome, Sample, TestResult


def sq(sample: Sample, alternative: Alternative) -> Outcome:
    """Rank one event's CAR among the sums of the estimation residuals: the sample-quantile test.

    ``p = (1 + #{sum e <= CAR}) / (S + 1)`` one-sided, and twice the smaller tail (at most 1) two-sided, where S is the
    number of runs of consecutive estimation days as long as the window. No normality is assumed. The p-value cannot
    fall below 1/(S + 1) one-sided and 2/(S + 1) two-sided.
    The statistic is the share of residual sums at or below the CAR.

    References
    ----------
    Gelbach, Helland and Klick (2013), American Law and Economics Review 15(2), 495-541.
    """
    null = "the event day is drawn from the distribution of the estimation days"
    if sample.sum.n_days[0] < sample.ar.shape[1]:
        return Inapplicable("sq", "returns are missing in the window", 1, null)
    length = sample.ar.shape[1]
    sums = run_sums(sample.residuals[0], sample.mask[0], length)
    if len(sums) < 19:
        return Inapplicable("sq", f"{len(sums)} runs of {length} estimation day(s) cannot reach p = 0.05", 1, null)
    car = sample.sum.car[0]
    lower = (1 + int((sums <= car).sum())) / (len(sums) + 1)
    upper = (1 + int((sums >= car).sum())) / (len(sums) + 1)
    tails = {"less": lower, "greater": upper, "two-sided": min(1.0, 2 * min(lower, upper))}
    overlap = f"overlapping runs: about {len(sums) // length} are independent" if length > 1 else ""
    share = float((sums <= car).mean())
    return TestResult("sq", share, tails[alternative], "rank", (float(len(sums)),), null, alternative, 1, overlap)


def run_sums(values: FloatArray, mask: BoolArray, length: int) -> FloatArray:
    """Return the sums over all runs of `length` consecutive days without a missing one."""
    windows = np.lib.stride_tricks.sliding_window_view
    if len(values) < length:
        return np.empty(0)
    complete = windows(mask, length).all(axis=1)
    return np.asarray(windows(np.where(mask, values, 0.0), length).sum(axis=1)[complete])
