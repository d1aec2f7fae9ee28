"""Tests for events on one common date: the multivariate regression model.

With one date the abnormal returns of the firms are correlated, and their mean may be zero although each firm moved.
These tests use the whole covariance matrix of the residuals. Estimated on the days all firms share, they are exact in
finite samples under normality.

References
----------
Schipper and Thompson (1983), Journal of Accounting Research 21; Schipper and Thompson (1985), Journal of Accounting
Research 23, for the finite-sample distributions; Binder (1985), Journal of Accounting Research 23.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import Alternative, FloatArray
from .outcome import ADDS_TO_ZERO, MEAN_ZERO, Inapplicable, Outcome, TestResult, f_pvalue, flat, t_result
from .sample import Sample

_SAME = 1e-8  # relative: variances that should be equal and differ by more than rounding are not


@dataclass(frozen=True, slots=True)
class System:
    """The firms' regressions on the days they share.

    Attributes
    ----------
    car : ndarray of shape (N,)
        Cumulative abnormal returns.
    covariance : ndarray of shape (N, N)
        Of the residuals, divisor M - k.
    factor : float
        Variance of a CAR in units of its daily variance (C summed over the window).
    dof : int
        Of the covariance: M - k.
    kurtosis : float
        Largest excess kurtosis of a firm's residuals.
    note : str
        What was left out to make the days common.
    residuals : ndarray of shape (N, M)
        Of the estimation days.
    shrunk : ndarray of shape (M,)
        Their variance in units of the daily variance, 1 - h.
    """

    car: FloatArray
    covariance: FloatArray
    factor: float
    dof: int
    kurtosis: float
    note: str
    residuals: FloatArray
    shrunk: FloatArray


def joint_f(sample: Sample, alternative: Alternative) -> Outcome:
    """Test that every firm's CAR is zero: Hotelling's T2 as F(N, M - k - N + 1)."""
    null = "every firm's abnormal return is zero"
    system = sample.once(common_system)
    if isinstance(system, str):
        return Inapplicable("joint_f", system, len(sample), null)
    return _f_test("joint_f", system, np.eye(len(sample)), null, alternative)


def joint_equal(sample: Sample, alternative: Alternative) -> Outcome:
    """Test that all firms have the same CAR: F(N - 1, M - k - N + 2)."""
    null = "all firms have the same abnormal return"
    n = len(sample)
    if n < 2:
        return Inapplicable("joint_equal", "needs two firms or more, has 1", n, null)
    system = sample.once(common_system)
    if isinstance(system, str):
        return Inapplicable("joint_equal", system, n, null)
    contrasts = np.eye(n)[:-1] - np.eye(n)[1:]
    return _f_test("joint_equal", system, contrasts, null, alternative)


def joint_rank(sample: Sample, alternative: Alternative) -> Outcome:
    """Rank the event day's F among those of the estimation days: the joint test without normality, for one day.

    ``p = (1 + #{F_s >= F_0}) / (M + 1)``. Each estimation day is judged as the event day is, by a covariance of which
    it is no part: with d = e'(E'E)^-1 e its deleted T2 is ``(dof - 1) d / (1 - h - d)``.

    References
    ----------
    The sample-quantile idea of Gelbach, Helland and Klick (2013) applied to the statistic of Binder (1985).
    """
    name, null, n = "joint_rank", "the event day is like the estimation days", len(sample)
    system = sample.once(common_system)
    if isinstance(system, str):
        return Inapplicable(name, system, n, null)
    if sample.n_days > 1 or alternative != "two-sided":
        reason = "a joint test has no direction" if sample.n_days == 1 else "for a window of one day only"
        return Inapplicable(name, f"{reason}: ask for 'two-sided' and one day", n, null)
    m = system.residuals.shape[1]
    if system.dof <= n + 1 or m < 39 or np.linalg.matrix_rank(system.covariance, hermitian=True) < n:
        return Inapplicable(name, f"{m} common days do not carry the covariance of {n} firms", n, null)
    inverse = np.linalg.inv(system.covariance * system.dof)
    d = np.einsum("im,ij,jm->m", system.residuals, inverse, system.residuals, optimize=True)
    past = d / (system.shrunk - d) * (system.dof - n) / n
    today = float(system.car @ inverse @ system.car) / system.factor * (system.dof - n + 1) / n
    pvalue = (1 + int((past >= today).sum())) / (m + 1)
    return TestResult(name, today, pvalue, "rank", (float(m),), null, "two-sided", n, system.note)


def portfolio(sample: Sample, alternative: Alternative) -> Outcome:
    """Test the equal-weighted mean CAR with the firms' covariance: ``w'CAR / sqrt(w'S w C)``, t(M - k).

    Identical to the one-firm t of the equal-weighted portfolio.
    """
    null = MEAN_ZERO
    system = sample.once(common_system)
    if isinstance(system, str):
        return Inapplicable("portfolio", system, len(sample), null)
    n = len(system.car)
    variance = float(system.covariance.sum()) / n**2 * system.factor
    if flat(variance, 0.01 * float(system.covariance.trace()) / n * system.factor):
        return Inapplicable("portfolio", ADDS_TO_ZERO, n, null)
    return t_result("portfolio", float(system.car.mean() / np.sqrt(variance)), system.dof, alternative, n, system.note)


def _f_test(name: str, system: System, contrasts: FloatArray, null: str, alternative: Alternative) -> Outcome:
    n, q = len(system.car), len(contrasts)
    if alternative != "two-sided":
        return Inapplicable(name, "a joint test has no direction: ask for 'two-sided'", n, null)
    df2 = system.dof - q + 1
    if df2 < 1:
        return Inapplicable(name, f"{q} restrictions need more than {system.dof} degrees of freedom", n, null)
    moved = contrasts @ system.car
    covariance = contrasts @ system.covariance @ contrasts.T
    if np.linalg.matrix_rank(covariance, hermitian=True) < q:
        return Inapplicable(name, "the firms' residuals are linearly dependent (one firm twice?)", n, null)
    t2 = float(moved @ np.linalg.solve(covariance, moved)) / system.factor
    statistic = t2 * df2 / (system.dof * q)
    pvalue = f_pvalue(statistic, q, df2)
    fat = f"fat tails (excess kurtosis up to {system.kurtosis:.0f}): rejects too often" if system.kurtosis > 1 else ""
    note = "; ".join(part for part in (fat, system.note) if part)
    return TestResult(name, statistic, pvalue, "F", (float(q), float(df2)), null, "two-sided", n, note)


def common_system(sample: Sample) -> System | str:
    """Estimate all firms on their common days, or say why that is not possible."""
    e = sample.evidence
    if not sample.common_date:
        return f"the events fall on {len(np.unique(e.row))} dates: test each date by itself (by='date')"
    if not sample.mask.all():
        return "returns are missing in the window"
    together = e.mask.all(axis=0)
    y, x = e.y[:, together], e.x[:, together]
    if not (x == x[:1]).all():
        return "the firms do not share their regressors, so that their regressions are no one system"
    fit = e.refit(y, x, np.ones(y.shape, dtype=bool))
    if (fit.problem != "").any():
        return f"on the days all firms share, {fit.problem[fit.problem != ''][0]}"
    residuals = y - fit.predict(x) - fit.residual_mean[:, None]
    dof = int(fit.dof[0])
    covariance = residuals @ residuals.T / dof
    days = sample.days
    car = (e.event_y[:, days] - fit.predict(e.event_x[:, days])).sum(axis=1)
    variance = fit.cumulative_variance(e.event_x[:, days, : fit.params.shape[1]].sum(axis=1), sample.mask, days)
    factor = variance / fit.sigma2
    if not (
        np.allclose(np.diag(covariance), fit.sigma2, rtol=_SAME, atol=0.0)
        and np.allclose(factor, factor[0], rtol=_SAME, atol=0.0)
    ):
        return "the model's variances are not those of one system of least-squares regressions with equal regressors"
    lost = int(e.mask.any(axis=0).sum() - together.sum())
    note = f"estimated on the {int(together.sum())} days all firms share ({lost} left out)" if lost else ""
    centred = residuals - residuals.mean(axis=1, keepdims=True)
    tails = (centred**4).mean(axis=1) / (centred**2).mean(axis=1) ** 2 - 3
    first = x[0][:, : fit.params.shape[1]]
    shrunk = 1 - np.einsum("mk,kl,ml->m", first, fit.cov_params[0], first) / fit.sigma2[0]
    return System(car, covariance, float(factor[0]), dof, float(tails.max()), note, residuals, shrunk)
