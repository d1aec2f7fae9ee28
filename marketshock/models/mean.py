"""Models without a regression: constant mean, and market-adjusted returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray, StrArray
from ..errors import check_choice
from ._ols import OlsFit, ols
from .base import ModelFit, constant_over_days, no_problems, problems, squares
from .benchmark import Benchmark, Term
from .factor import fit_linear, of_ols


@dataclass(frozen=True, slots=True)
class ConstantMean:
    """The normal return is the mean of the estimation window.

    References
    ----------
    Brown and Warner (1980, 1985), mean-adjusted returns; MacKinlay (1997), section 5.A.
    """

    terms: ClassVar[tuple[Term, ...]] = ()
    intercept: ClassVar[bool] = True
    offset: ClassVar[Term | None] = None
    param_names: ClassVar[tuple[str, ...]] = ("alpha",)
    name: ClassVar[str] = "constant mean"
    closed_form: ClassVar[bool] = True

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate the mean; see `ModelFit`. C = 1 + 1/M."""
        return fit_linear(y, x, mask, ahead)

    def of_moments(self, fit: OlsFit, ahead: IntArray) -> ModelFit:
        """Make the `ModelFit` of a mean without a problem."""
        return of_ols(fit, no_problems(len(fit.n_obs)), ahead)

    def fit_scaled(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray, root: FloatArray) -> ModelFit:  # noqa: ARG002
        """Estimate from y and x divided by `root`: the constant is in x."""
        return self.fit(y, x, mask, ahead)


@dataclass(frozen=True, slots=True)
class MarketAdjusted:
    """The normal return is the benchmark's: AR = R - Rm, nothing is estimated, C = 1.

    Parameters
    ----------
    benchmark : str, LeaveOneOut or EqualWeighted
        Name of the benchmark's column, or a benchmark made without the security studied.
    variance : {"about_mean", "about_zero"}
        Whether ``sigma2`` is the sample variance of R - Rm over the estimation days (divisor M - 1, the common
        convention) or its mean square (divisor M).

    Notes
    -----
    The t of an abnormal return is exact only where R - Rm has mean zero whatever the market does (alpha 0, beta 1): a
    drift or a beta away from one stays in the AR and is not in its standard error. Over long windows, or on a day of
    a large market move, the market model is the safer benchmark.

    References
    ----------
    Brown and Warner (1985), market-adjusted returns.
    """

    benchmark: Benchmark
    variance: Literal["about_mean", "about_zero"] = "about_mean"

    terms: ClassVar[tuple[Term, ...]] = ()
    intercept: ClassVar[bool] = False
    param_names: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_choice("variance", self.variance, ("about_mean", "about_zero"))

    @property
    def offset(self) -> Term:
        """The benchmark, subtracted from the return."""
        return Term(self.benchmark)

    @property
    def name(self) -> str:
        """For tables."""
        return f"market-adjusted ({self.benchmark})"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:  # noqa: ARG002
        """Take the variance of R - Rm over the estimation days; see `ModelFit`."""
        return self._about(np.ones((1, y.shape[1], 1)), y, mask, ahead)

    def fit_scaled(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray, root: FloatArray) -> ModelFit:  # noqa: ARG002
        """Take the variance from y divided by `root`, the square root of the sessions of each return."""
        return self._about(root[:, :, None], y, mask, ahead)

    def _about(self, centre: FloatArray, y: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        about_mean = self.variance == "about_mean"
        spread = ols(y, centre if about_mean else centre[:, :, :0], mask)
        dof = spread.n_obs - int(about_mean)
        return self._of_spread(spread, problems(spread.n_obs > 0, spread.rss, squares(y, mask), dof), ahead)

    @property
    def closed_form(self) -> bool:
        """Whether the moments of a window are all it needs: its variance about the mean."""
        return self.variance == "about_mean"

    def of_moments(self, fit: OlsFit, ahead: IntArray) -> ModelFit:
        """Make the `ModelFit` of a mean of R - Rm without a problem."""
        return self._of_spread(fit, no_problems(len(fit.n_obs)), ahead)

    def _of_spread(self, spread: OlsFit, problem: StrArray, ahead: IntArray) -> ModelFit:
        """Nothing is estimated that the abnormal return depends on: no parameters, C = 1."""
        about_mean, n_events = self.variance == "about_mean", len(spread.n_obs)
        dof = spread.n_obs - int(about_mean)
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma2 = spread.rss / dof
        mean = spread.params[:, 0] if about_mean else np.zeros(n_events)
        none, no_cov, days = np.empty((n_events, 0)), np.empty((n_events, 0, 0)), constant_over_days(sigma2, ahead)
        return ModelFit(none, no_cov, sigma2, days, dof, spread.n_obs, mean, problem)
