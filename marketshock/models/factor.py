"""Linear factor models by least squares: the market model, the CAPM, Fama-French, and any number of factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray, StrArray
from ..errors import InputError, check_choice
from ._covariance import Covariance, add_leverage_problem, check_covariance, sandwich
from ._ols import OlsFit, ols
from ._terms import FactorTerms, check_column, factor_tuple
from .base import ModelFit, constant_over_days, no_problems, problems, squares
from .benchmark import Benchmark, Term


def fit_linear(
    y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray, cov: Covariance = "classic", lags: int | None = None
) -> ModelFit:
    """Fit ``y = x' theta + e`` by least squares for each event and fill the contract.

    ``sigma2 = RSS / (M - k)`` with k the number of columns of x; ``cov_params = sigma2 (X'X)^-1``, or the robust
    covariance `cov` names (`models/_covariance.py`), which changes nothing else.
    """
    fit = ols(y, x, mask)
    made = of_ols(fit, problems(fit.full_rank, fit.rss, squares(y, mask), fit.n_obs - x.shape[2]), ahead)
    if cov == "classic":
        return made
    if cov == "HC3":
        add_leverage_problem(made.problem, x, mask, fit)
    residuals = y - np.einsum("emk,ek->em", x, fit.params)
    return replace(made, cov_params=sandwich(x, residuals, mask, fit, cov, lags))


def of_ols(fit: OlsFit, problem: StrArray, ahead: IntArray) -> ModelFit:
    """Fill the contract from a least-squares fit, with the classic covariance."""
    dof = fit.n_obs - fit.params.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma2 = fit.rss / dof
        classic = sigma2[:, None, None] * fit.xtx_inv
    days = constant_over_days(sigma2, ahead)
    return ModelFit(fit.params, classic, sigma2, days, dof, fit.n_obs, np.zeros(len(dof)), problem)


class LinearFit:
    """The fit of a model that is least squares on a constant and factors, with the fields `cov` and `lags`."""

    __slots__ = ()

    cov: Covariance
    lags: int | None

    @property
    def closed_form(self) -> bool:
        """Whether the moments of a window are all it needs: robust covariances need the residuals."""
        return self.cov == "classic"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate by least squares; see `ModelFit`."""
        return fit_linear(y, x, mask, ahead, self.cov, self.lags)

    def of_moments(self, fit: OlsFit, ahead: IntArray) -> ModelFit:
        """Make the `ModelFit` of a least-squares fit without a problem."""
        return of_ols(fit, no_problems(len(fit.n_obs)), ahead)

    def fit_scaled(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray, root: FloatArray) -> ModelFit:  # noqa: ARG002
        """Estimate from y and x divided by `root`, which for least squares are data like any other."""
        return self.fit(y, x, mask, ahead)


def _suffix(cov: Covariance, lags: int | None) -> str:
    """What the name of a model says about its covariance; nothing about the classic one."""
    return "" if cov == "classic" else f"; {cov} covariance" + ("" if lags is None else f", {lags} lags")


@dataclass(frozen=True, slots=True, init=False)
class FactorModel(FactorTerms, LinearFit):
    """R = alpha + b' F + e for any list of factors, by ordinary least squares.

    Parameters
    ----------
    factors : str, LeaveOneOut, EqualWeighted, or a sequence of them
        Names of the factors' columns: of ``factors=`` in `event_study`, or tickers among the prices.
    risk_free : str, optional
        Column of the risk-free return; it is subtracted from the security's return (not from the factors, which are
        excess returns already).
    cov : {"classic", "HC0", "HC1", "HC3", "HAC"}, optional
        Covariance of the coefficients. It changes ``cov_params``, hence the share of estimation error in the variance
        of an abnormal return, and nothing else: with 250 days that share is about one percent.
    lags : int, optional
        Lags of the Bartlett weights of "HAC", over consecutive days with data; by default ``floor(4 (M/100)^(2/9))``
        with M the event's estimation days.

    Raises
    ------
    InputError
        If no factor is named, or one twice; if `cov` is not known, or `lags` does not fit it.

    References
    ----------
    White (1980); MacKinnon and White (1985); Newey and West (1987, 1994), for `cov`.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.FactorModel(["Mkt-RF", "SMB", "HML"], risk_free="RF").factors
    ('Mkt-RF', 'SMB', 'HML')
    """

    factors: tuple[Benchmark, ...]
    risk_free: str | None
    cov: Covariance
    lags: int | None

    def __init__(
        self,
        factors: Benchmark | Sequence[Benchmark],
        risk_free: str | None = None,
        cov: Covariance = "classic",
        lags: int | None = None,
    ) -> None:
        check_covariance(cov, lags)
        object.__setattr__(self, "factors", factor_tuple(factors))
        object.__setattr__(self, "risk_free", risk_free)
        object.__setattr__(self, "cov", cov)
        object.__setattr__(self, "lags", lags)

    @property
    def name(self) -> str:
        """For tables."""
        return f"factor model ({self.listed}{_suffix(self.cov, self.lags)})"


_FRENCH: dict[tuple[int, bool], tuple[str, tuple[str, ...]]] = {
    (3, False): ("Fama-French three factors", ("Mkt-RF", "SMB", "HML")),
    (3, True): ("Carhart four factors", ("Mkt-RF", "SMB", "HML", "MOM")),
    (5, False): ("Fama-French five factors", ("Mkt-RF", "SMB5", "HML", "RMW", "CMA")),
    (5, True): ("Fama-French five factors and momentum", ("Mkt-RF", "SMB5", "HML", "RMW", "CMA", "MOM")),
}


@dataclass(frozen=True, slots=True, init=False)
class FamaFrench(FactorModel):
    """The factors of Fama and French: R - RF = alpha + b' F + e, by ordinary least squares.

    Without ``factors=`` in `event_study` the bundled daily factors are read, and the spec of the study records their
    vintage. Factors given (as by `french_factors`) must have the columns named here, as decimals.

    Parameters
    ----------
    n_factors : {3, 5}
        Mkt-RF, SMB, HML; or Mkt-RF, SMB5, HML, RMW, CMA. SMB5 is the size factor of the five-factor sorts.
    momentum : bool, optional
        Add MOM. With three factors this is the model of Carhart.
    cov, lags : optional
        Covariance of the coefficients, as in `FactorModel`.

    Raises
    ------
    InputError
        If an option is not one of those allowed.

    References
    ----------
    Fama and French (1993), Journal of Financial Economics 33; Carhart (1997), Journal of Finance 52; Fama and French
    (2015), Journal of Financial Economics 116.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.FamaFrench(3, momentum=True).param_names
    ('alpha', 'Mkt-RF', 'SMB', 'HML', 'MOM')
    """

    factor_data: ClassVar[str] = "french"

    def __init__(
        self, n_factors: Literal[3, 5] = 3, momentum: bool = False, cov: Covariance = "classic", lags: int | None = None
    ) -> None:
        check_choice("n_factors", n_factors, (3, 5))
        check_choice("momentum", momentum, (False, True))
        FactorModel.__init__(self, _FRENCH[n_factors, momentum][1], "RF", cov, lags)

    @property
    def name(self) -> str:
        """For tables."""
        known = {columns: name for name, columns in _FRENCH.values()}
        return known[tuple(map(str, self.factors))] + _suffix(self.cov, self.lags)


@dataclass(frozen=True, slots=True)
class CAPM(LinearFit):
    """R - rf = alpha + beta (Rb - rf) + e, by ordinary least squares: the market model in excess returns.

    Parameters
    ----------
    benchmark : str
        Column of the benchmark's return. "Mkt-RF" is in excess of the risk-free return already and is taken as it is;
        from any other the risk-free return is subtracted.
    risk_free : str
        Column of the risk-free return (decimal, daily).
    cov, lags : optional
        Covariance of the coefficients, as in `FactorModel`.

    Raises
    ------
    InputError
        If the benchmark is not the name of a column, or an option is not one of those allowed.

    Notes
    -----
    Alpha is estimated, not set to zero: the abnormal return is measured against the security's own mean.

    References
    ----------
    Sharpe (1964), Journal of Finance 19; Lintner (1965); Jensen (1968), the regression in excess returns.
    """

    benchmark: str
    risk_free: str
    cov: Covariance = "classic"
    lags: int | None = None

    intercept: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_column("benchmark", self.benchmark, "name a column: an excess return is made of columns")
        check_column("risk_free", self.risk_free, "name the column of the risk-free return")
        if self.benchmark == self.risk_free:
            raise InputError("risk_free", f"{self.risk_free!r} is also the benchmark", "name two columns")
        check_covariance(self.cov, self.lags)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The benchmark's excess return."""
        return (Term(self.benchmark, less=None if self.benchmark == "Mkt-RF" else self.risk_free),)

    @property
    def offset(self) -> Term:
        """The risk-free return, subtracted from the security's."""
        return Term(self.risk_free)

    @property
    def param_names(self) -> tuple[str, ...]:
        """Alpha and the benchmark's excess return."""
        return ("alpha", str(self.terms[0]))

    @property
    def name(self) -> str:
        """For tables."""
        return f"CAPM ({self.benchmark}, excess of {self.risk_free}{_suffix(self.cov, self.lags)})"


@dataclass(frozen=True, slots=True)
class MarketModel(LinearFit):
    """R = alpha + beta Rm + e, by ordinary least squares: the factor model with one factor.

    Parameters
    ----------
    benchmark : str, LeaveOneOut or EqualWeighted
        Name of the benchmark's column, e.g. "^GSPC", or a benchmark made without the security studied.
    cov, lags : optional
        Covariance of the coefficients, as in `FactorModel`.

    Raises
    ------
    InputError
        If `cov` is not known, or `lags` does not fit it.

    References
    ----------
    Fama, Fisher, Jensen and Roll (1969); MacKinlay (1997), section 5.B.
    """

    benchmark: Benchmark
    cov: Covariance = "classic"
    lags: int | None = None

    intercept: ClassVar[bool] = True
    offset: ClassVar[Term | None] = None

    def __post_init__(self) -> None:
        check_covariance(self.cov, self.lags)

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
        return f"market model ({self.benchmark}{_suffix(self.cov, self.lags)})"
