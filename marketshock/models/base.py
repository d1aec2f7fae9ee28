"""The contract between a model and everything above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray, StrArray

_NO_VARIANCE = 1e-24  # RSS against the sum of squared returns: below it the fit is perfect up to rounding


@dataclass(frozen=True, slots=True)
class ModelFit:
    """A model of the normal return, estimated for E events.

    The abnormal return of event day t is ``y_t - x_t' params``; its prediction variance is
    ``sigma2 + x_t' cov_params x_t``. Patell, BMP, the variance of the CAR and the dollar interval all read this one
    covariance; nobody recomputes it.

    Attributes
    ----------
    params : ndarray of shape (E, K)
        Coefficients in the order of the model's ``param_names``.
    cov_params : ndarray of shape (E, K, K)
        Covariance of the coefficients; zero where nothing is estimated.
    sigma2 : ndarray of shape (E,)
        Variance of a daily abnormal return apart from estimation error (squared decimal return).
    dof : ndarray of shape (E,), int
        Degrees of freedom of `sigma2`.
    n_obs : ndarray of shape (E,), int
        Estimation days used.
    residual_mean : ndarray of shape (E,)
        Mean that `sigma2` leaves out of the estimation residuals: zero after a regression, the mean of R - Rm for
        market-adjusted returns whose variance is taken about the mean.
    problem : ndarray of shape (E,), object
        Why an event could not be estimated, in words; "" where it could.
    """

    params: FloatArray
    cov_params: FloatArray
    sigma2: FloatArray
    dof: IntArray
    n_obs: IntArray
    residual_mean: FloatArray
    problem: StrArray

    def take(self, events: IntArray | BoolArray) -> ModelFit:
        """Return the fit of some of the events."""
        return ModelFit(
            self.params[events],
            self.cov_params[events],
            self.sigma2[events],
            self.dof[events],
            self.n_obs[events],
            self.residual_mean[events],
            self.problem[events],
        )

    def predict(self, x: FloatArray) -> FloatArray:
        """Return ``x' params`` of shape (E, n) for regressors of shape (E or 1, n, K)."""
        return np.asarray(np.einsum("enk,ek->en", np.broadcast_to(x, (len(self.params), *x.shape[1:])), self.params))

    def prediction_variance(self, x: FloatArray) -> FloatArray:
        """Return the variance of each day's abnormal return, (E, n), for regressors (E or 1, n, K).

        Notes
        -----
        ``sigma2 C_it`` with the forecast-error factor C of Patell (1976).
        """
        x = np.broadcast_to(x, (len(self.params), *x.shape[1:]))
        return np.asarray(self.sigma2[:, None] + np.einsum("enk,ekl,enl->en", x, self.cov_params, x, optimize=True))

    def cumulative_variance(self, x: FloatArray, mask: BoolArray) -> FloatArray:
        """Return the variance of the sum of abnormal returns over the days where `mask` is True, (E,).

        Notes
        -----
        ``s^2 [L + 1'X*(X'X)^-1 X*'1]`` (Mikkelson and Partch 1988; Campbell, Lo and MacKinlay 1997, ch. 4): the days
        share the estimation error, so the regressors are summed before the quadratic form is taken.
        """
        total = np.einsum("enk,en->ek", np.broadcast_to(x, (*mask.shape, x.shape[2])), mask.astype(float))
        shared = np.einsum("ek,ekl,el->e", total, self.cov_params, total)
        return np.asarray(mask.sum(axis=1) * self.sigma2 + shared)


class ReturnModel(Protocol):
    """What `event_study` needs of a model.

    Attributes
    ----------
    name : str
        For tables.
    regressors : tuple of str
        Names of the benchmark or factor columns of the regression.
    intercept : bool
        Whether a constant is estimated.
    offset : str or None
        Column subtracted from the return before the fit (a benchmark, or a risk-free rate), or None.
    """

    @property
    def name(self) -> str: ...
    @property
    def regressors(self) -> tuple[str, ...]: ...
    @property
    def intercept(self) -> bool: ...
    @property
    def offset(self) -> str | None: ...

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray) -> ModelFit:
        """Estimate on y (E, M), x (E or 1, M, K) over the days where mask (E, M) is True."""
        ...


def param_names(model: ReturnModel) -> tuple[str, ...]:
    """Return the names of the columns of ``ModelFit.params``."""
    return (("alpha",) if model.intercept else ()) + model.regressors


def problems(full_rank: BoolArray, rss: FloatArray, scale: FloatArray, dof: IntArray) -> StrArray:
    """Return why each event cannot be estimated, "" where it can.

    Parameters
    ----------
    full_rank, rss, dof : ndarray of shape (E,)
        Of the fit.
    scale : ndarray of shape (E,)
        Sum of squared returns over the same days, against which `rss` is judged.
    """
    out = np.full(len(rss), "", dtype=object)
    out[rss <= _NO_VARIANCE * scale] = (
        "the abnormal return has no variance over the estimation days (a constant series, or one equal to its "
        "benchmark): check the prices, or use another model"
    )
    out[~full_rank] = (
        "the regressors are collinear over the estimation days (a constant benchmark, or equal factors): leave one out"
    )
    out[dof < 1] = "fewer estimation days than parameters: widen the estimation window"
    return out
