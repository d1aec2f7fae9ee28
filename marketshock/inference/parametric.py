"""Tests that read a distribution from theory: one event's t, and the mean over events."""

from __future__ import annotations

import numpy as np

from .._typing import Alternative
from .base import Inapplicable, Outcome, Sample, TestResult, t_pvalue


def t_firm(sample: Sample, alternative: Alternative) -> Outcome:
    """Test one event: CAR over its prediction standard error, t(M - k).

    References
    ----------
    Campbell, Lo and MacKinlay (1997), ch. 4; the forecast-error factor is Patell's (1976).
    """
    null = "the event's abnormal return is zero"
    if sample.sum.n_days[0] == 0:
        return Inapplicable("t_firm", "no return in the window", 1, null)
    statistic = float(sample.sum.scar[0])
    df = float(sample.fit.dof[0])
    pvalue = float(t_pvalue(np.array(statistic), df, alternative))
    return TestResult("t_firm", statistic, pvalue, "t", (df,), null, alternative, 1)


def t_cross_sectional(sample: Sample, alternative: Alternative) -> Outcome:
    """Test the mean CAR by its dispersion over events: ``sqrt(N) mean / sd``, t(N - 1).

    References
    ----------
    Brown and Warner (1980), appendix; Campbell, Lo and MacKinlay (1997), eq. 4.4.22 with the sample dispersion.
    """
    null = "the mean abnormal return is zero"
    car = sample.sum.car[sample.sum.n_days > 0]
    n = len(car)
    if n < 2:
        return Inapplicable("t_cross_sectional", f"needs two events or more, has {n}", n, null)
    spread = float(car.std(ddof=1))
    if spread == 0:
        return Inapplicable("t_cross_sectional", "the abnormal returns do not differ between events", n, null)
    statistic = float(np.sqrt(n) * car.mean() / spread)
    df = float(n - 1)
    pvalue = float(t_pvalue(np.array(statistic), df, alternative))
    return TestResult("t_cross_sectional", statistic, pvalue, "t", (df,), null, alternative, n)
