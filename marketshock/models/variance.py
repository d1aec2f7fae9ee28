"""The variance of the days just before the event in place of that of the whole estimation window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray, StrArray
from ..errors import InputError, check_count
from .base import ModelFit, ReturnModel, factor_data
from .benchmark import Term

_NO_VARIANCE = 1e-20  # of the whole window's variance: below it the last days are constant up to rounding


@dataclass(frozen=True, slots=True)
class RecentVolatility:
    """Any model, with its coefficients from the whole estimation window and its variance from the last days of it.

    In a crisis the variance of a year understates that of the day, and in calm after a crisis it overstates it.

    Parameters
    ----------
    model : ReturnModel
        The model of the normal return.
    days : int, optional
        How many of the last estimation days with data give the variance; 2 or more.

    Raises
    ------
    InputError
        If `model` is no model or already a `RecentVolatility`, or `days` is not 2 or more.

    Notes
    -----
    With e_t the model's residuals (decimal returns) and T the last `days` days with data:

    - ``sigma2 = sum over T of e_t^2 / days``; nothing is estimated on these days alone, so the divisor is `days`;
    - ``dof = days``: t(days) for SAR and CAR in approximation, as the coefficients come from more days than these;
    - ``sigma2_days`` and ``cov_params`` are the model's times sigma2 over the model's sigma2: the forecast-error factor
      C = 1 + x' (X'X)^-1 x stays as it was.

    An event with fewer than `days` estimation days is excluded. Tests that estimate one system on all estimation days
    (`joint_f`, `joint_equal`, `joint_rank`, `portfolio`) do not apply.

    References
    ----------
    Baker (2016), Stanford Law Review 68; Fox, Fox and Gilson (2016), Columbia Law Review 116.
    """

    model: ReturnModel
    days: int = 21

    def __post_init__(self) -> None:
        if isinstance(self.model, RecentVolatility) or not hasattr(self.model, "fit"):
            raise InputError("model", f"got {self.model!r}", "give a model such as MarketModel('^GSPC')")
        check_count("days", self.days, 2)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Those of the model."""
        return self.model.terms

    @property
    def intercept(self) -> bool:
        """That of the model."""
        return self.model.intercept

    @property
    def offset(self) -> Term | None:
        """That of the model."""
        return self.model.offset

    @property
    def param_names(self) -> tuple[str, ...]:
        """Those of the model."""
        return self.model.param_names

    @property
    def factor_data(self) -> str:
        """Bundled factors the model reads, or ""."""
        return factor_data(self.model)

    @property
    def by_session(self) -> bool:
        """Whether the model forecasts the variance session by session."""
        return bool(getattr(self.model, "by_session", False))

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.model.name}, variance of the last {self.days} days"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Fit the model and replace its variance; see `ModelFit`."""
        whole = self.model.fit(y, x, mask, ahead)
        later = mask[:, ::-1].cumsum(axis=1)[:, ::-1]  # days with data from this one to the end, itself included
        recent = mask & (later <= self.days)
        residual = np.where(recent, y - whole.predict(x) - whole.residual_mean[:, None], 0.0)
        sigma2 = np.einsum("em,em->e", residual, residual) / self.days
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = sigma2 / whole.sigma2
            cov_params = whole.cov_params * ratio[:, None, None]
            sigma2_days = whole.sigma2_days * ratio[:, None]
        return ModelFit(
            whole.params,
            cov_params,
            sigma2,
            sigma2_days,
            np.full(len(y), self.days),
            whole.n_obs,
            whole.residual_mean,
            self._problems(whole, ratio),
        )

    def _problems(self, whole: ModelFit, ratio: FloatArray) -> StrArray:
        problem = whole.problem.copy()
        problem[(problem == "") & ~(ratio > _NO_VARIANCE)] = (
            f"the abnormal return has no variance over the last {self.days} estimation days: take more days"
        )
        for i in np.flatnonzero((whole.problem == "") & (whole.n_obs < self.days)):
            problem[i] = (
                f"{int(whole.n_obs[i])} estimation days with data, the variance needs {self.days}: take fewer days"
            )
        return problem
