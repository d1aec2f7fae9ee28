"""Tests that read a distribution from theory.

Notation of docs/methods.md: z_i is the standardized window statistic (SCAR by default), V_i the variance of a CAR, r
the mean correlation of the residuals.
"""

from __future__ import annotations

import numpy as np

from .._typing import Alternative
from .moments import Moments, Summary
from .outcome import ADDS_TO_ZERO, MEAN_ZERO, Inapplicable, Outcome, flat, normal_result, t_result
from .sample import Sample


def t_firm(sample: Sample, alternative: Alternative) -> Outcome:
    """Test one event: CAR over its prediction standard error, t(M - k).

    References
    ----------
    Campbell, Lo and MacKinlay (1997), ch. 4; the forecast-error factor is Patell's (1976).
    """
    null = "the event's abnormal return is zero"
    if not sample.there[0]:
        return Inapplicable("t_firm", "no return in the window", 1, null)
    statistic = float(sample.sum.car[0] / np.sqrt(sample.variance[0]))
    return t_result("t_firm", statistic, float(sample.evidence.fit.dof[0]), alternative, 1, null=null)


def t_cross_sectional(sample: Summary, alternative: Alternative) -> Outcome:
    """Test the mean CAR by its dispersion over events: ``sqrt(N) mean / sd``, t(N - 1).

    References
    ----------
    Boehmer, Musumeci and Poulsen (1991), section 2; Campbell, Lo and MacKinlay (1997), section 4.5.
    """
    return _dispersion("t_cross_sectional", sample.car_moments, alternative)


def patell(sample: Summary, alternative: Alternative) -> Outcome:
    """Sum the standardized CARs: ``sum z_i / sqrt(sum (M_i - k)/(M_i - k - 2))``, N(0, 1).

    References
    ----------
    Patell (1976), Journal of Accounting Research 14.
    """
    statistic, n = _patell(sample), sample.z_moments.n
    if isinstance(statistic, str):
        return Inapplicable("patell", statistic, n, MEAN_ZERO)
    return normal_result("patell", statistic, alternative, n)


def patell_adjusted(sample: Sample, alternative: Alternative) -> Outcome:
    """Patell's statistic over ``sqrt(1 + (N - 1) r)``, N(0, 1).

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23(11), 3996-4025.
    """
    statistic, n = _patell(sample), int(sample.there.sum())
    if isinstance(statistic, str):
        return Inapplicable("patell_adjusted", statistic, n, MEAN_ZERO)
    r = _correlation(sample)
    if not 1 + (n - 1) * r > 0:
        return Inapplicable("patell_adjusted", _impossible(r, n), n, MEAN_ZERO)
    return normal_result("patell_adjusted", statistic / np.sqrt(1 + (n - 1) * r), alternative, n, f"r = {r:.3f}")


def bmp(sample: Summary, alternative: Alternative) -> Outcome:
    """Test the mean standardized CAR by its dispersion: ``sqrt(N) mean(z) / sd(z)``, t(N - 1).

    References
    ----------
    Boehmer, Musumeci and Poulsen (1991), Journal of Financial Economics 30, 253-272 (N(0, 1) in the paper).
    """
    return _dispersion("bmp", sample.z_moments, alternative)


def kolari_pynnonen(sample: Sample, alternative: Alternative) -> Outcome:
    """Scale the BMP statistic by ``sqrt((1 - r) / (1 + (N - 1) r))``, t(N - 1).

    References
    ----------
    Kolari and Pynnonen (2010), Review of Financial Studies 23(11), 3996-4025.
    """
    plain = bmp(sample, alternative)
    if isinstance(plain, Inapplicable):
        return Inapplicable("kolari_pynnonen", plain.reason, plain.n_events, MEAN_ZERO)
    n, r = plain.n_events, _correlation(sample)
    if not (1 + (n - 1) * r > 0 and r < 1):
        return Inapplicable("kolari_pynnonen", _impossible(r, n), n, MEAN_ZERO)
    statistic = plain.statistic * np.sqrt((1 - r) / (1 + (n - 1) * r))
    return t_result("kolari_pynnonen", float(statistic), n - 1, alternative, n, f"r = {r:.3f}")


def mackinlay(sample: Summary, alternative: Alternative) -> Outcome:
    """Test the mean CAR by the mean of the variances: ``mean(CAR) / sqrt(sum V_i / N^2)``, N(0, 1).

    References
    ----------
    MacKinlay (1997), Journal of Economic Literature 35, eq. 20; V_i includes the estimation error.
    """
    n = sample.car_moments.n
    if n == 0:
        return Inapplicable("mackinlay", "no return in the window", 0, MEAN_ZERO)
    return normal_result("mackinlay", sample.car_moments.mean / np.sqrt(sample.car_variance / n**2), alternative, n)


def brown_warner(sample: Sample, alternative: Alternative) -> Outcome:
    """Test CAAR by the standard deviation of the AAR over the estimation window: ``CAAR / (S sqrt(n))``, t(M - 1).

    The crude dependence adjustment: cross-correlation is in S. Events are matched by their place in the window. A
    day's mean is over the events with a return that day. Of events with windows of their own CAAR is the sum of
    ``(N_t / N) AAR_t``, S is over the days that all estimation windows share, and n becomes the sum of ``(N_t / N)^2``.

    References
    ----------
    Brown and Warner (1980), appendix; (1985), eq. 4-6.
    """
    e, n = sample.evidence, int(sample.there.sum())
    own = e.own_windows
    shared = e.windows.shared_days if e.split else slice(None)
    aar = e.mean_residual[shared]
    aar = aar[np.isfinite(aar)]
    count = sample.mask.sum(axis=0)
    weight = count / n if own else np.ones(sample.n_days)
    count = np.where(weight > 0, count, 1)
    if len(aar) < 3 or (count == 0).any() or not n:
        reason = "no return on a day of the window" if len(aar) >= 3 else "fewer than three estimation days"
        return Inapplicable("brown_warner", reason, n, MEAN_ZERO)
    caar = float((weight * np.where(sample.mask, sample.ar, 0.0).sum(axis=0) / count).sum())
    sd, sigma = float(aar.std(ddof=1)), float(np.sqrt(sample.evidence.fit.sigma2.mean()))
    if flat(sd, sigma):
        return Inapplicable("brown_warner", ADDS_TO_ZERO, n, MEAN_ZERO)
    statistic = caar / (sd * np.sqrt((weight**2).sum()))
    return t_result("brown_warner", float(statistic), len(aar) - 1, alternative, n)


def skewness_adjusted(sample: Summary, alternative: Alternative) -> Outcome:
    """Test the mean BHAR with a correction for skewness: ``sqrt(N) (S + g S^2/3 + g/(6N))``, N(0, 1).

    S is mean over standard deviation, g the skewness of the BHARs.

    References
    ----------
    Lyon, Barber and Tsai (1999), Journal of Finance 54, eq. 5, after Johnson (1978).
    """
    null = "the mean buy-and-hold abnormal return is zero"
    if sample.log:
        return Inapplicable("skewness_adjusted", "returns are logarithmic", len(sample), null)
    bhar = sample.bhar_moments
    n = bhar.n
    if n < 3 or flat(bhar.sd, bhar.size):
        return Inapplicable("skewness_adjusted", f"needs three different BHARs or more, has {n}", n, null)
    s = bhar.mean / bhar.sd
    g = bhar.cubes / (n * bhar.sd**3)
    return normal_result("skewness_adjusted", np.sqrt(n) * (s + g * s**2 / 3 + g / (6 * n)), alternative, n, null=null)


def _dispersion(name: str, values: Moments, alternative: Alternative) -> Outcome:
    n = values.n
    if n < 2:
        return Inapplicable(name, f"needs two events or more, has {n}", n, MEAN_ZERO)
    if flat(values.sd, values.size):
        return Inapplicable(name, "the abnormal returns do not differ between events", n, MEAN_ZERO)
    return t_result(name, float(np.sqrt(n) * values.mean / values.sd), n - 1, alternative, n)


def _patell(sample: Summary) -> float | str:
    """Return Patell's Z, or why there is none."""
    if not sample.z_moments.n:
        return "no return in the window"
    if sample.least_dof < 3:
        return "an event has fewer than three degrees of freedom: the variance of its t is infinite"
    return float(sample.z_moments.n * sample.z_moments.mean / np.sqrt(sample.variance_of_t))


def _correlation(sample: Sample) -> float:
    return sample.correlation if sample.there.all() else sample.take(sample.there).correlation


def _impossible(r: float, n: int) -> str:
    return f"the mean correlation r = {r:.3f} of {n} events leaves no positive variance"
