"""Betas of shares that trade less often than the market: Scholes-Williams and Dimson."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import check_count
from ._ols import ols
from ._terms import check_column
from .base import ModelFit, constant_over_days, problems, squares
from .benchmark import Term

_NO_SLOPE = 1e-10  # a correlation of market and instrument below this carries no information, as in `_ols`
_COLUMN = "name a column: leads and lags are taken of columns only"


@dataclass(frozen=True, slots=True)
class ScholesWilliams:
    """R = alpha + beta Rm + e with the beta of Scholes and Williams, by instrumental variables.

    The instrument is ``z_t = Rm_(t-1) + Rm_t + Rm_(t+1)``: beta = cov(R, z) / cov(Rm, z) and
    alpha = mean(R) - beta mean(Rm), moments over the estimation days with data.

    Parameters
    ----------
    benchmark : str
        Column of the benchmark's return.

    Raises
    ------
    InputError
        If the benchmark is not the name of a column.

    Notes
    -----
    Scholes and Williams give ``beta = (b_-1 + b_0 + b_+1) / (1 + 2 rho)``, with ``b_k`` the slopes of three simple
    regressions of R_t on Rm_(t+k) and rho the market's first autocorrelation. Where the three regressors have one
    variance, as they have in the population, numerator and denominator times that variance are cov(R, z) and
    cov(Rm, z): the two forms are one (Fowler and Rorke 1983), and in a sample they differ by the days at its ends.

    With Z = (1, z) and X = (1, Rm), all in decimal returns:

    - ``sigma2 = RSS / (M - 2)``, RSS of the residuals R - alpha - beta Rm; ``dof = M - 2``;
    - ``cov_params = sigma2 (Z'X)^-1 Z'Z (X'Z)^-1``, that of two-stage least squares.

    SAR is t(M - 2) in large samples only. A day counts if the security has a return and the benchmark has one on that
    day and on both neighbours. The lead reaches one session past the estimation window: end it two sessions before the
    event window.

    References
    ----------
    Scholes and Williams (1977), Journal of Financial Economics 5; Fowler and Rorke (1983), Journal of Financial
    Economics 12.
    """

    benchmark: str

    intercept: ClassVar[bool] = True
    offset: ClassVar[Term | None] = None

    def __post_init__(self) -> None:
        check_column("benchmark", self.benchmark, _COLUMN)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The benchmark; for the estimation also its lag and its lead."""
        return (Term(self.benchmark), Term(self.benchmark, shift=-1), Term(self.benchmark, shift=1))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Alpha and the benchmark."""
        return ("alpha", self.benchmark)

    @property
    def name(self) -> str:
        """For tables."""
        return f"Scholes-Williams ({self.benchmark})"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate by instrumental variables; see `ModelFit`."""
        return fit_instrument(y, x[:, :, 1], x[:, :, 1:].sum(axis=2), mask, ahead)


def fit_instrument(y: FloatArray, x: FloatArray, z: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
    """Fit ``y = alpha + beta x + e`` with the instrument z for each event.

    Parameters
    ----------
    y, x, z : ndarray of shape (E, M)
        Decimal returns; anything, also NaN, where the mask is False.
    mask : ndarray of shape (E, M)
        Days to use.
    ahead : ndarray of shape (L,), int
        Sessions from the last estimation day to each event day.
    """
    n_obs = mask.sum(axis=1)
    dof = n_obs - 2
    (dy, mean_y), (dx, mean_x), (dz, _) = (_centred(v, mask) for v in (y, x, z))
    szx, szz, sxx, szy = (np.einsum("em,em->e", a, b) for a, b in ((dz, dx), (dz, dz), (dx, dx), (dz, dy)))
    moves = sxx > _NO_SLOPE**2 * (sxx + n_obs * mean_x**2)
    good = moves & (np.abs(szx) > _NO_SLOPE * np.sqrt(szz * sxx))
    with np.errstate(invalid="ignore", divide="ignore"):
        beta = np.where(good, szy / np.where(good, szx, 1.0), np.nan)
        residual = dy - beta[:, None] * dx
        rss = np.where(good, np.einsum("em,em->e", residual, residual), np.inf)
        sigma2 = rss / dof
        # About the means alpha and beta separate: var(mean) = s2/M, var(beta) = s2 szz/szx^2, and no covariance.
        of_beta = sigma2 * szz / np.where(good, szx, 1.0) ** 2
        of_alpha = sigma2 / n_obs + mean_x**2 * of_beta
        cross = -mean_x * of_beta
    cov_params = np.stack([np.stack([of_alpha, cross], axis=1), np.stack([cross, of_beta], axis=1)], axis=2)
    params = np.column_stack([mean_y - beta * mean_x, beta])
    problem = problems(moves, rss, squares(y, mask), dof)
    problem[moves & ~good & (problem == "")] = (
        "the market is uncorrelated with its sum over three days: no Scholes-Williams beta; use MarketModel"
    )
    days = constant_over_days(sigma2, ahead)
    return ModelFit(params, cov_params, sigma2, days, dof, n_obs, np.zeros(len(y)), problem)


def _centred(values: FloatArray, mask: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return deviations from the mean over the mask, zero elsewhere, and the mean (0 without a day)."""
    mean = np.where(mask, values, 0.0).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
    return np.where(mask, values - mean[:, None], 0.0), mean


@dataclass(frozen=True, slots=True)
class Dimson:
    """R = alpha + beta Rm + u with Dimson's beta: the sum of the slopes on leads, the day and lags of the market.

    The regression ``R_t = a + sum over k = -lags..leads of b_k Rm_(t+k) + e_t`` is fitted by least squares; then
    beta = sum of the b_k and alpha = mean(R) - beta mean(Rm) over the estimation days with data, so that their abnormal
    returns have mean zero. AR = R - alpha - beta Rm.

    Parameters
    ----------
    benchmark : str
        Column of the benchmark's return.
    leads, lags : int, optional
        How many of each, 0 or more.

    Raises
    ------
    InputError
        If the benchmark is not the name of a column, or a number is not 0 or more.

    Notes
    -----
    With k = 2 + leads + lags coefficients, all in decimal returns:

    - ``sigma2 = sum u_t^2 / (M - k)`` with u_t = R_t - alpha - beta Rm_t, the variance of what the study calls the
      abnormal return, never less than that of e_t;
    - ``dof = M - k``;
    - ``cov_params = A V A'`` with V = sum e_t^2 / (M - k) (X'X)^-1, the covariance of the multiple regression, and A
      the matrix that makes (alpha, beta) of its coefficients.

    SAR is t(M - k) approximately. With leads and lags of 0 all of this is the market model. A day counts if the
    security has a return and the benchmark has one on that day and on all its leads and lags. The leads reach past the
    estimation window: end it more than `leads` sessions before the event window.

    References
    ----------
    Dimson (1979), Journal of Financial Economics 7. Fowler and Rorke (1983), Journal of Financial Economics 12, show
    that the sum is not consistent where the market is autocorrelated, and that Scholes-Williams is.
    """

    benchmark: str
    leads: int = 1
    lags: int = 1

    intercept: ClassVar[bool] = True
    offset: ClassVar[Term | None] = None

    def __post_init__(self) -> None:
        check_column("benchmark", self.benchmark, _COLUMN)
        check_count("leads", self.leads, 0)
        check_count("lags", self.lags, 0)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The benchmark; for the estimation also its lags and its leads."""
        shifts = (*range(-1, -self.lags - 1, -1), *range(1, self.leads + 1))
        return (Term(self.benchmark), *(Term(self.benchmark, shift=s) for s in shifts))

    @property
    def param_names(self) -> tuple[str, ...]:
        """Alpha and the benchmark."""
        return ("alpha", self.benchmark)

    @property
    def name(self) -> str:
        """For tables."""
        return f"Dimson ({self.benchmark}, {self.lags} lags, {self.leads} leads)"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate by least squares and add the slopes; see `ModelFit`."""
        fit = ols(y, x, mask)
        dof = fit.n_obs - x.shape[2]
        n_days = np.maximum(fit.n_obs, 1)[:, None]
        mean = np.where(mask[:, :, None], x, 0.0).sum(axis=1) / n_days
        # (alpha, beta) = A b: alpha takes up the difference of each shifted market's mean from the market's own.
        a = np.zeros((len(y), 2, x.shape[2]))
        a[:, 0, 0] = 1.0
        a[:, 0, 1:] = mean[:, 1:] - mean[:, 1:2]
        a[:, 1, 1:] = 1.0
        params = np.einsum("epk,ek->ep", a, fit.params)
        u = np.where(mask, y - np.einsum("emp,ep->em", x[:, :, :2], params), 0.0)
        rss = np.einsum("em,em->e", u, u)
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma2, s2 = rss / dof, fit.rss / dof
            cov_params = s2[:, None, None] * (a @ fit.xtx_inv @ a.transpose(0, 2, 1))
        days = constant_over_days(sigma2, ahead)
        problem = problems(fit.full_rank, fit.rss, squares(y, mask), dof)
        return ModelFit(params, cov_params, sigma2, days, dof, fit.n_obs, np.zeros(len(y)), problem)
