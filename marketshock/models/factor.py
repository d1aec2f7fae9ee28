"""Linear factor models: the market model and any number of factors, one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError
from ._ols import ols
from .base import ModelFit, constant_over_days, problems
from .benchmark import Benchmark, Term


def fit_linear(y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
    """Fit ``y = x' theta + e`` by least squares for each event and fill the contract.

    ``sigma2 = RSS / (M - k)`` with k the number of columns of x; ``cov_params = sigma2 (X'X)^-1``.
    """
    fit = ols(y, x, mask)
    dof = fit.n_obs - x.shape[2]
    square = np.einsum("em,em->e", np.where(mask, y, 0.0), np.where(mask, y, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma2 = fit.rss / dof
    return ModelFit(
        fit.params,
        sigma2[:, None, None] * fit.xtx_inv,
        sigma2,
        constant_over_days(sigma2, ahead),
        dof,
        fit.n_obs,
        np.zeros(len(y)),
        problems(fit.full_rank, fit.rss, square, dof),
    )


@dataclass(frozen=True, slots=True, init=False)
class FactorModel:
    """R = alpha + b' F + e for any list of factors, by ordinary least squares.

    Parameters
    ----------
    factors : sequence of str
        Names of the factors' columns: of ``factors=`` in `event_study`, or tickers among the prices.
    risk_free : str, optional
        Column of the risk-free return; it is subtracted from the security's return (not from the factors, which are
        excess returns already).

    Raises
    ------
    InputError
        If no factor is named, or one twice.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.FactorModel(["Mkt-RF", "SMB", "HML"], risk_free="RF").factors
    ('Mkt-RF', 'SMB', 'HML')
    """

    factors: tuple[str, ...]
    risk_free: str | None

    intercept: ClassVar[bool] = True

    def __init__(self, factors: Sequence[str], risk_free: str | None = None) -> None:
        names = (factors,) if isinstance(factors, str) else tuple(factors or ())
        if not names or not all(isinstance(n, str) for n in names) or len(set(names)) < len(names):
            raise InputError("factors", f"got {names!r}", "name at least one factor, each once")
        object.__setattr__(self, "factors", names)
        object.__setattr__(self, "risk_free", risk_free)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The factors."""
        return tuple(Term(name) for name in self.factors)

    @property
    def param_names(self) -> tuple[str, ...]:
        """Alpha and the factors."""
        return ("alpha", *self.factors)

    @property
    def offset(self) -> Term | None:
        """The risk-free return, subtracted from the security's."""
        return Term(self.risk_free) if self.risk_free else None

    @property
    def name(self) -> str:
        """For tables."""
        excess = f", excess of {self.risk_free}" if self.risk_free else ""
        return f"factor model ({', '.join(self.factors)}{excess})"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate by least squares; see `ModelFit`."""
        return fit_linear(y, x, mask, ahead)


@dataclass(frozen=True, slots=True)
class MarketModel:
    """R = alpha + beta Rm + e, by ordinary least squares: the factor model with one factor.

    Parameters
    ----------
    benchmark : str, LeaveOneOut or EqualWeighted
        Name of the benchmark's column, e.g. "^GSPC", or a benchmark made without the security studied.

    References
    ----------
    Fama, Fisher, Jensen and Roll (1969); MacKinlay (1997), section 5.B.
    """

    benchmark: Benchmark

    intercept: ClassVar[bool] = True
    offset: ClassVar[Term | None] = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The benchmark."""
        return (Term(self.benchmark),)

    @property
    def param_names(self) -> tuple[str, ...]:
        """Alpha and the benchmark."""
        return ("alpha", str(self.benchmark))

    @property
    def name(self) -> str:
        """For tables."""
        return f"market model ({self.benchmark})"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate by least squares; see `ModelFit`."""
        return fit_linear(y, x, mask, ahead)
