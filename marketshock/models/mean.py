"""Models without a regression: constant mean, and market-adjusted returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import check_choice
from ._ols import ols
from .base import ModelFit, constant_over_days, problems
from .benchmark import Benchmark, Term
from .factor import fit_linear


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

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate the mean; see `ModelFit`. C = 1 + 1/M."""
        return fit_linear(y, x, mask, ahead)


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
        about_mean = self.variance == "about_mean"
        centre = np.ones((1, y.shape[1], 1)) if about_mean else np.ones((1, y.shape[1], 0))
        spread = ols(y, centre, mask)
        dof = spread.n_obs - int(about_mean)
        square = np.einsum("em,em->e", np.where(mask, y, 0.0), np.where(mask, y, 0.0))
        n_events = len(y)
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma2 = spread.rss / dof
        return ModelFit(
            np.empty((n_events, 0)),
            np.empty((n_events, 0, 0)),
            sigma2,
            constant_over_days(sigma2, ahead),
            dof,
            spread.n_obs,
            spread.params[:, 0] if about_mean else np.zeros(n_events),
            problems(spread.n_obs > 0, spread.rss, square, dof),
        )
