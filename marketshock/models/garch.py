"""A mean with GARCH(1,1) errors. The package arch does the fitting and is imported here only, inside functions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray, StrArray
from ..errors import InputError, check_choice
from ._ols import ols
from ._terms import FactorTerms, factor_tuple
from .base import ModelFit, problems, squares
from .benchmark import Benchmark

_TOLERANCE = 1e-10  # of the likelihood; the default of 1e-6 leaves the fifth digit of the coefficients to chance
_DECIMALS = 10  # of a standardised return
_EXTRA = {"normal": 3, "t": 4}  # omega, alpha, beta, and nu


@dataclass(frozen=True, slots=True)
class GarchFit:
    """One event's fit, in decimal returns."""

    params: FloatArray  # (P,): coefficients of the mean
    cov_params: FloatArray  # (P, P): their covariance
    average: float  # mean of the conditional variances over the estimation days
    # first, persistence, omega: conditional variance of the day after the last one used; alpha + beta; omega
    first: float
    persistence: float
    omega: float
    problem: str = ""  # why the fit cannot be used, "" if it can

    def forecast(self, ahead: IntArray) -> FloatArray:
        """Return the variance of the days 1, 2, ... after the last one used."""
        out = np.empty(int(ahead.max()))
        out[0] = self.first
        for day in range(1, len(out)):
            out[day] = self.omega + self.persistence * out[day - 1]
        return out[ahead - 1]


@dataclass(frozen=True, slots=True, init=False)
class GarchModel(FactorTerms):
    """R = alpha + b' F + e with GARCH(1,1) errors: the variance of the event days is forecast from the last ones.

    Needs the package arch: ``pip install 'marketshock[garch]'``.

    Parameters
    ----------
    factors : str, LeaveOneOut, EqualWeighted, or a sequence of them
        The benchmark, or the factors.
    dist : {"normal", "t"}, optional
        Distribution of the standardised errors.
    risk_free : str, optional
        Column of the risk-free return, subtracted from the security's return.
    cov : {"robust", "classic"}, optional
        arch's covariance of the coefficients: the sandwich of Bollerslev and Wooldridge (1992), or the inverse Hessian.

    Raises
    ------
    InputError
        If no factor is named, or one twice, or an option is not known; when fitting, if arch is not installed.

    Notes
    -----
    h_t = omega + a e_(t-1)^2 + b h_(t-1). Mean and variance are estimated together by maximum likelihood (arch:
    ``mean="LS"``), starting at least squares. arch is given the least-squares residuals and the factors in units of the
    residuals' standard deviation, which is the same likelihood, and the result is brought back to decimals: so neither
    the unit of the returns nor the size of the betas moves the optimiser. Where the likelihood is flat (in nu when the
    errors are nearly normal, in b when a is near zero) the estimate is that of the optimiser.

    - ``sigma2``: the average of h_t over the estimation days. The unconditional variance omega / (1 - a - b) does not
      exist where a + b reaches one, which is common in a year of daily returns.
    - ``sigma2_days``: the forecast of h for each event day from the end of the estimation window, which continues
      the h_t of the likelihood; it tends to the unconditional variance as the day is further off.
    - ``cov_params``: the block of the mean in arch's covariance of all parameters, as `cov` says.
    - ``dof = M - P``, P coefficients of the mean. t(M - P) is a convention here: the theory is of large samples, and
      with ``dist="t"`` the SAR has heavier tails than it.

    Days without the return are left out and the next one follows the last; a gap at the end of the window lengthens the
    horizon of the forecast. An event whose fit does not converge is excluded. Tests that estimate one system of
    constant variance (`joint_f`, `joint_equal`, `joint_rank`, `portfolio`) do not apply.

    References
    ----------
    Bollerslev (1986), Journal of Econometrics 31; Bollerslev and Wooldridge (1992), Econometric Reviews 11; Savickas
    (2003), Journal of Financial Research 26, for event studies.
    """

    by_session: ClassVar[bool] = True

    factors: tuple[Benchmark, ...]
    dist: Literal["normal", "t"]
    risk_free: str | None
    cov: Literal["robust", "classic"]

    def __init__(
        self,
        factors: Benchmark | Sequence[Benchmark],
        dist: Literal["normal", "t"] = "normal",
        risk_free: str | None = None,
        cov: Literal["robust", "classic"] = "robust",
    ) -> None:
        check_choice("dist", dist, tuple(_EXTRA))
        check_choice("cov", cov, ("robust", "classic"))
        object.__setattr__(self, "factors", factor_tuple(factors))
        object.__setattr__(self, "dist", dist)
        object.__setattr__(self, "risk_free", risk_free)
        object.__setattr__(self, "cov", cov)

    @property
    def name(self) -> str:
        """For tables."""
        return f"GARCH(1,1) ({self.listed}{'; t errors' if self.dist == 't' else ''})"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate each event with arch; see `ModelFit`."""
        require_arch()
        least = ols(y, x, mask)
        dof = least.n_obs - x.shape[2]
        problem = problems(least.full_rank, least.rss, squares(y, mask), dof)
        problem[(problem == "") & (dof <= _EXTRA[self.dist])] = (
            "fewer estimation days than parameters: widen the estimation window"
        )
        out = _blank(least.n_obs, dof, x.shape[2], len(ahead), problem)
        for i in np.flatnonzero(problem == ""):
            used = mask[i]
            one = fit_garch(y[i, used], x[i, used], least.params[i], self.dist, self.cov)
            gap = int(np.argmax(used[::-1]))  # sessions from the last day used to the end of the window
            out.params[i], out.cov_params[i], out.sigma2[i] = one.params, one.cov_params, one.average
            out.problem[i] = one.problem
            if not one.problem:
                out.sigma2_days[i] = one.forecast(ahead + gap)
        return out


def require_arch() -> None:
    """Raise an `InputError` that says what to install where the package arch is missing."""
    try:
        import arch  # noqa: F401
    except ImportError as error:
        remedy = "pip install 'marketshock[garch]'"
        raise InputError("model", "GarchModel needs the package arch, which is not installed", remedy) from error


def fit_garch(
    y: FloatArray, x: FloatArray, start: FloatArray, dist: Literal["normal", "t"], cov: Literal["robust", "classic"]
) -> GarchFit:
    """Fit one event with arch.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Returns (decimal), no NaN.
    x : ndarray of shape (n, P)
        Regressors (decimal), the constant first.
    start : ndarray of shape (P,)
        Least-squares coefficients.
    dist, cov : str
        As in `GarchModel`.
    """
    residuals = y - x @ start
    sd = float(np.sqrt(np.mean(residuals**2)))
    k = x.shape[1]
    found, all_cov = _run_arch(residuals / sd, x[:, 1:] / sd, dist, cov)
    unit = np.ones(k)
    unit[0] = sd  # of the constant; slopes have no unit
    theta = np.asarray(found.params, dtype=float)
    cov_params = all_cov[:k, :k] * np.outer(unit, unit)
    omega, shock, memory = theta[k], theta[k + 1], theta[k + 2]
    h = np.asarray(found.conditional_volatility, dtype=float) ** 2
    first = omega + shock * float(found.resid[-1]) ** 2 + memory * h[-1]
    return GarchFit(
        start + theta[:k] * unit,
        cov_params,
        float(h.mean()) * sd**2,
        float(first) * sd**2,
        float(shock + memory),
        float(omega) * sd**2,
        _problem(int(found.convergence_flag), h, cov_params),
    )


def _run_arch(
    y: FloatArray, x: FloatArray, dist: Literal["normal", "t"], cov: Literal["robust", "classic"]
) -> tuple[Any, FloatArray]:
    """Return arch's result for standardised returns and factors, and the covariance of all its parameters."""
    from arch import arch_model

    # Rounded, so that the last bit of a division cannot send the optimiser to another maximum of a flat likelihood.
    y, x = np.round(y, _DECIMALS), np.round(x, _DECIMALS)
    model = arch_model(y, x, mean="LS", vol="GARCH", p=1, q=1, dist=dist, rescale=False)
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # an optimiser may try variances that overflow
        warnings.simplefilter("ignore")
        found = model.fit(disp="off", show_warning=False, cov_type=cov, tol=_TOLERANCE)
        try:
            return found, np.asarray(found.param_cov, dtype=float)
        except np.linalg.LinAlgError:
            return found, np.full((len(found.params), len(found.params)), np.nan)


def _problem(flag: int, h: FloatArray, cov_params: FloatArray) -> str:
    if flag != 0 or not np.isfinite(h).all():
        return f"the GARCH fit did not converge (optimiser code {flag}): use MarketModel or RecentVolatility"
    if not np.isfinite(cov_params).all() or (np.diag(cov_params) <= 0).any():
        return "the GARCH fit has no covariance of its coefficients (a flat likelihood): use MarketModel"
    return ""


def _blank(n_obs: IntArray, dof: IntArray, k: int, n_ahead: int, problem: StrArray) -> ModelFit:
    n = len(n_obs)
    return ModelFit(
        np.full((n, k), np.nan),
        np.full((n, k, k), np.nan),
        np.full(n, np.nan),
        np.full((n, n_ahead), np.nan),
        dof,
        n_obs,
        np.zeros(n),
        problem,
    )
