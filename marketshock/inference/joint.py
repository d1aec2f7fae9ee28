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
from functools import cached_property

import numpy as np

from .._typing import Alternative, FloatArray
from ..models.base import ModelFit
from .evidence import Evidence
from .outcome import ADDS_TO_ZERO, MEAN_ZERO, Inapplicable, Outcome, TestResult, f_pvalue, flat, t_result
from .sample import Sample

_SAME = 1e-8  # relative: variances that should be equal and differ by more than rounding are not
_NO_SYSTEM = "the model's variances are not those of one system of least-squares regressions with equal regressors"


@dataclass(frozen=True, eq=False)
class CommonFit:
    """The firms' regressions on the estimation days they share, whatever the window under test.

    Attributes
    ----------
    evidence : Evidence
        Of the N firms, on one date.
    fit : ModelFit
        Estimated on the common days.
    residuals : ndarray of shape (N, M)
        Of the common estimation days.
    x : ndarray of shape (M, K)
        Their regressors, the same for all firms.
    n_lost : int
        Estimation days of some firm that are not common.
    """

    evidence: Evidence
    fit: ModelFit
    residuals: FloatArray
    x: FloatArray
    n_lost: int

    @property
    def dof(self) -> int:
        """Degrees of freedom of the covariance: M - k."""
        return int(self.fit.dof[0])

    @cached_property
    def covariance(self) -> FloatArray:
        """Covariance of the firms' residuals, divisor M - k, (N, N)."""
        return np.asarray(self.residuals @ self.residuals.T / self.dof)

    @cached_property
    def variance(self) -> FloatArray:
        """Diagonal of the covariance, (N,)."""
        return np.asarray((self.residuals**2).sum(axis=1) / self.dof)

    @cached_property
    def kurtosis(self) -> float:
        """Largest excess kurtosis of a firm's residuals."""
        centered = self.residuals - self.residuals.mean(axis=1, keepdims=True)
        return float(((centered**4).mean(axis=1) / (centered**2).mean(axis=1) ** 2 - 3).max())

    @cached_property
    def ar(self) -> FloatArray:
        """Abnormal returns of the event days by this fit, (N, L), NaN where missing."""
        return np.asarray(self.evidence.event_y - self.fit.predict(self.evidence.event_x))

    def factor(self, days: slice, forecast_error: bool) -> float:
        """Return the variance of a CAR over some event days in units of the daily variance, the same for all firms."""
        alone = float(self.fit.sigma2_days[0, days].sum())
        s = self.evidence.event_x[0, days, : self.fit.params.shape[1]].sum(axis=0)
        shared = float(s @ self.fit.cov_params[0] @ s) if forecast_error else 0.0
        return (alone + shared) / float(self.fit.sigma2[0])

    @property
    def note(self) -> str:
        """Days left out to make the estimation days common, "" if none."""
        shared = f"estimated on the {self.residuals.shape[1]} days all firms share"
        return f"{shared} ({self.n_lost} left out)" if self.n_lost else ""

    def leverage(self) -> FloatArray:
        """Return the share of the estimation error in the variance of each residual, h of shape (M,)."""
        x = self.x[:, : self.fit.params.shape[1]]
        return np.asarray(np.einsum("mk,kl,ml->m", x, self.fit.cov_params[0], x) / self.fit.sigma2[0])


@dataclass(frozen=True, eq=False)
class System:
    """The regressions of N firms on one date, for the days under test (among the L event days), none without a return.

    `factor` is the variance of a CAR in units of its daily variance (C summed over the window).
    """

    common: CommonFit
    days: slice
    factor: float

    @cached_property
    def car(self) -> FloatArray:
        """Cumulative abnormal returns by the common fit, (N,)."""
        return np.asarray(self.common.ar[:, self.days].sum(axis=1))

    def variance_of(self, weights: FloatArray) -> float:
        """Return the variance ``w'S w C`` of a sum of the CARs with weights (N,); NaN if it is zero by construction."""
        variance = float(((weights @ self.common.residuals) ** 2).sum()) / self.common.dof
        alone = float((weights**2 * self.common.variance).sum())
        return np.nan if flat(variance, 0.01 * alone) else variance * self.factor


def joint_f(sample: Sample, alternative: Alternative) -> Outcome:
    """Test that every firm's CAR is zero: Hotelling's T2 as F(N, M - k - N + 1)."""
    null = "every firm's abnormal return is zero"
    sample = sample.held
    system = sample.once(common_system)
    if isinstance(system, str):
        return Inapplicable("joint_f", system, len(sample), null)
    return _f_test("joint_f", system, np.eye(len(sample)), null, alternative)


def joint_equal(sample: Sample, alternative: Alternative) -> Outcome:
    """Test that all firms have the same CAR: F(N - 1, M - k - N + 2)."""
    null = "all firms have the same abnormal return"
    sample = sample.held
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
    sample = sample.held
    name, null, n = "joint_rank", "the event day is like the estimation days", len(sample)
    system = sample.once(common_system)
    if isinstance(system, str):
        return Inapplicable(name, system, n, null)
    common = system.common
    if sample.n_days > 1 or alternative != "two-sided":
        reason = "a joint test has no direction" if sample.n_days == 1 else "for a window of one day only"
        return Inapplicable(name, f"{reason}: ask for 'two-sided' and one day", n, null)
    m = common.residuals.shape[1]
    if common.dof <= n + 1 or m < 39 or np.linalg.matrix_rank(common.covariance, hermitian=True) < n:
        return Inapplicable(name, f"{m} common days do not carry the covariance of {n} firms", n, null)
    inverse = np.linalg.inv(common.covariance * common.dof)
    d = np.einsum("im,ij,jm->m", common.residuals, inverse, common.residuals, optimize=True)
    leverage = common.leverage() if sample.conventions.forecast_error else 0.0
    past = d / (1 - leverage - d) * (common.dof - n) / n
    today = float(system.car @ inverse @ system.car) / system.factor * (common.dof - n + 1) / n
    pvalue = (1 + int((past >= today).sum())) / (m + 1)
    return TestResult(name, today, pvalue, "rank", float(m), null, "two-sided", n, common.note)


def portfolio(sample: Sample, alternative: Alternative) -> Outcome:
    """Test the equal-weighted mean CAR with the firms' covariance: ``w'CAR / sqrt(w'S w C)``, t(M - k).

    Identical to the one-firm t of the equal-weighted portfolio.
    """
    null = MEAN_ZERO
    sample = sample.held
    system = sample.once(common_system)
    if isinstance(system, str):
        return Inapplicable("portfolio", system, len(sample), null)
    n = len(system.car)
    variance = system.variance_of(np.full(n, 1 / n))
    if not variance > 0:
        return Inapplicable("portfolio", ADDS_TO_ZERO, n, null)
    return t_result(
        "portfolio", float(system.car.mean() / np.sqrt(variance)), system.common.dof, alternative, n, system.common.note
    )


def _f_test(name: str, system: System, contrasts: FloatArray, null: str, alternative: Alternative) -> Outcome:
    n, q = len(system.car), len(contrasts)
    if alternative != "two-sided":
        return Inapplicable(name, "a joint test has no direction: ask for 'two-sided'", n, null)
    df2 = system.common.dof - q + 1
    if df2 < 1:
        return Inapplicable(name, f"{q} restrictions need more than {system.common.dof} degrees of freedom", n, null)
    moved = contrasts @ system.car
    covariance = contrasts @ system.common.covariance @ contrasts.T
    if np.linalg.matrix_rank(covariance, hermitian=True) < q:
        return Inapplicable(name, "the firms' residuals are linearly dependent (one firm twice?)", n, null)
    t2 = float(moved @ np.linalg.solve(covariance, moved)) / system.factor
    statistic = t2 * df2 / (system.common.dof * q)
    pvalue, kurtosis = f_pvalue(statistic, q, df2), system.common.kurtosis
    fat = f"fat tails (excess kurtosis up to {kurtosis:.0f}): rejects too often" if kurtosis > 1 else ""
    note = "; ".join(part for part in (fat, system.common.note) if part)
    return TestResult(name, statistic, pvalue, "F", float(q), null, "two-sided", n, note, float(df2))


def common_system(sample: Sample) -> System | str:
    """Return all firms' regressions on their common days with the CARs of the window, or why there is no system."""
    e = sample.evidence
    if e.split:
        return e.split
    if not sample.common_date:
        return f"the events fall on {len(np.unique(e.row))} dates: test each date by itself (by='date')"
    if not sample.mask.all():
        return "returns are missing in the window"
    common = e.once(common_fit)
    if isinstance(common, str):
        return common
    return System(common, sample.days, common.factor(sample.days, sample.conventions.forecast_error))


def common_fit(evidence: Evidence) -> CommonFit | str:
    """Estimate firms of one date on the days they share, or return why that is not possible."""
    e, shift = evidence, evidence.windows.shift
    if e.split:
        return e.split
    if shift is not None and len(np.unique(shift)) > 1:
        return "a halt moved day 0 of some events, so that the places of their estimation days are not the same dates"
    together = e.mask.all(axis=0)
    span = e.windows.estimation_data.span
    if span is not None:
        together &= (span == 1).all(axis=0)
    y, x = e.y[:, together], e.x[:, together]
    if not (x == x[:1]).all():
        return "the firms do not share their regressors, so that their regressions are no one system"
    fit = e.refit(y, x, np.ones(y.shape, dtype=bool))
    if (fit.problem != "").any():
        return f"on the days all firms share, {fit.problem[fit.problem != ''][0]}"
    residuals = y - fit.predict(x) - fit.residual_mean[:, None]
    common = CommonFit(e, fit, residuals, x[0], int(e.mask.any(axis=0).sum() - together.sum()))
    return common if _one_system(common) else _NO_SYSTEM


def _one_system(common: CommonFit) -> bool:
    """Return whether the variances are those of least-squares regressions with equal regressors on the same days."""
    fit, n_params = common.fit, common.fit.params.shape[1]
    x = common.evidence.event_x[:, :, :n_params]
    unit = fit.cov_params / fit.sigma2[:, None, None]
    near = _SAME * float(np.abs(unit[0]).max(initial=0.0))
    return (
        bool(((x == x[:1]) | np.isnan(x)).all())
        and np.allclose(common.variance, fit.sigma2, rtol=_SAME, atol=0.0)
        and np.allclose(unit, unit[0], rtol=_SAME, atol=near)
        and np.allclose(fit.sigma2_days / fit.sigma2[:, None], fit.sigma2_days[0] / fit.sigma2[0], rtol=_SAME, atol=0.0)
    )
