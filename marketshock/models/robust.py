"""Regression that large residuals pull less: Huber's M-estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError, check_choice
from ._ols import OlsFit, ols
from ._terms import FactorTerms, factor_tuple
from .base import ModelFit, constant_over_days, problems, squares
from .benchmark import Benchmark

_TOLERANCE = 1e-12  # of a step in any fitted value, in units of the scale
_MAX_STEPS = 1000
_NORMAL_QUARTILE = 0.6744897501960817  # of the standard normal at 3/4: makes the MAD estimate its standard deviation


@dataclass(frozen=True, slots=True)
class HuberFit:
    """Huber's M-estimates of E regressions."""

    params: FloatArray  # (E, K): coefficients
    scale: FloatArray  # (E,): median of the absolute residuals over 0.6745 (decimal return)
    converged: BoolArray  # (E,), bool: False where the steps did not end, or more than half of the residuals are zero


@dataclass(frozen=True, slots=True, init=False)
class HuberModel(FactorTerms):
    """R = alpha + b' F + e by Huber's M-estimator: days with large residuals count less in the estimation.

    Earnings days and old shocks inside the estimation window move the coefficients less than under least squares.

    Parameters
    ----------
    factors : str, LeaveOneOut, EqualWeighted, or a sequence of them
        The benchmark, or the factors.
    c : float, optional
        Residuals beyond c scales lose weight as c scale / abs(e). 1.345 keeps 95 % of the efficiency of least squares
        under normality.
    risk_free : str, optional
        Column of the risk-free return, subtracted from the security's return.
    variance : {"residual", "mad"}, optional
        What ``sigma2`` is.

    Raises
    ------
    InputError
        If no factor is named, or one twice; if `c` is not positive or `variance` not known.

    Notes
    -----
    Iteratively reweighted least squares from the least-squares estimate; the scale, median(abs e) / 0.6745 about zero,
    is renewed at each step, until no fitted value moves by more than 1e-12 scales.

    - ``sigma2``: by default RSS / (M - k) of the robust fit, all residuals with full weight, because an abnormal return
      is as volatile as the days are, also the large ones. "mad" takes the squared scale instead: outliers then do not
      widen the intervals, which are too narrow if such days recur.
    - ``dof = M - k``; SAR is t(M - k) in approximation only.
    - ``cov_params``: Huber's (1981, section 7.6) ``K^2 [sum psi^2 s^2 / (M - k)] / mean(psi')^2 (X'X)^-1`` with
      K = 1 + k/M var(psi') / mean(psi')^2.

    Days without the return are left out.

    References
    ----------
    Huber (1964), Annals of Mathematical Statistics 35; Huber (1981), Robust Statistics, ch. 7; Holland and Welsch
    (1977), the iteration.
    """

    factors: tuple[Benchmark, ...]
    c: float
    risk_free: str | None
    variance: Literal["residual", "mad"]

    def __init__(
        self,
        factors: Benchmark | Sequence[Benchmark],
        c: float = 1.345,
        risk_free: str | None = None,
        variance: Literal["residual", "mad"] = "residual",
    ) -> None:
        if isinstance(c, (bool, str)) or not 0 < c < np.inf:
            raise InputError("c", f"got {c!r}", "give a positive number; 1.345 is usual")
        check_choice("variance", variance, ("residual", "mad"))
        object.__setattr__(self, "factors", factor_tuple(factors))
        object.__setattr__(self, "c", float(c))
        object.__setattr__(self, "risk_free", risk_free)
        object.__setattr__(self, "variance", variance)

    @property
    def name(self) -> str:
        """For tables."""
        return f"Huber regression ({self.listed})"

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate by iteratively reweighted least squares; see `ModelFit`."""
        least = ols(y, x, mask)
        dof = least.n_obs - x.shape[2]
        problem = problems(least.full_rank, least.rss, squares(y, mask), dof)
        robust = huber(y, x, mask, least, self.c, problem == "")
        residual = np.where(mask, y - np.einsum("emk,ek->em", x, robust.params), 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma2 = np.einsum("em,em->e", residual, residual) / dof
            cov_params = _huber_covariance(residual, mask, robust.scale, least, self.c)
        if self.variance == "mad":
            sigma2 = robust.scale**2
        problem[~robust.converged & (problem == "")] = (
            f"the robust regression did not settle in {_MAX_STEPS} steps (or half of its residuals are zero): use "
            "least squares"
        )
        days = constant_over_days(sigma2, ahead)
        return ModelFit(robust.params, cov_params, sigma2, days, dof, least.n_obs, np.zeros(len(y)), problem)


def huber(y: FloatArray, x: FloatArray, mask: BoolArray, start: OlsFit, c: float, usable: BoolArray) -> HuberFit:
    """Iterate from the least-squares fit; events leave the batch as they settle.

    Parameters
    ----------
    y, x, mask : ndarray of shape (E, M), (E, M, K), (E, M)
        As in `ols`.
    start : OlsFit
        The first step.
    c : float
        Bound in scales beyond which a residual loses weight.
    usable : ndarray of shape (E,), bool
        Events to estimate; the others keep the first step.
    """
    params = start.params.copy()
    scale = _mad(_residuals(y, x, mask, params), mask)
    converged = np.zeros(len(y), dtype=bool)
    active = np.flatnonzero(usable & (scale > 0))
    for _ in range(_MAX_STEPS):
        if not len(active):
            break
        ya, xa, ma, old = y[active], x[active], mask[active], params[active]
        size = np.abs(_residuals(ya, xa, ma, old))
        bound = c * scale[active, None]
        root = np.sqrt(bound / np.maximum(size, bound))
        new = ols(ya * root, xa * root[:, :, None], ma).params
        step = np.abs(np.where(ma, np.einsum("emk,ek->em", xa, new - old), 0.0)).max(axis=1)
        params[active] = new
        scale[active] = _mad(_residuals(ya, xa, ma, new), ma)
        settled = step <= _TOLERANCE * scale[active]
        converged[active[settled]] = scale[active[settled]] > 0
        active = active[~settled & (scale[active] > 0)]
    return HuberFit(params, scale, converged)


def _residuals(y: FloatArray, x: FloatArray, mask: BoolArray, params: FloatArray) -> FloatArray:
    return np.where(mask, y - np.einsum("emk,ek->em", x, params), 0.0)


def _mad(residual: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the median absolute residual over the mask, (E,), scaled to a standard deviation; 0 without a day."""
    if not residual.shape[1]:
        return np.zeros(len(residual))
    ordered = np.sort(np.where(mask, np.abs(residual), np.inf), axis=1)  # masked days go last
    n = np.maximum(mask.sum(axis=1), 1)
    pair = np.take_along_axis(ordered, np.column_stack([(n - 1) // 2, n // 2]), axis=1)
    middle = pair.sum(axis=1) / 2
    return np.asarray(np.where(np.isfinite(middle), middle, 0.0) / _NORMAL_QUARTILE)


def _huber_covariance(residual: FloatArray, mask: BoolArray, scale: FloatArray, least: OlsFit, c: float) -> FloatArray:
    n, k = least.n_obs, least.params.shape[1]
    standard = residual / scale[:, None]
    psi = np.where(mask, np.clip(standard, -c, c), 0.0)
    inner = np.where(mask, np.abs(standard) <= c, False).sum(axis=1) / n  # the mean of psi', which is 0 or 1
    correction = 1 + k / n * inner * (1 - inner) / inner**2
    spread = np.einsum("em,em->e", psi, psi) * scale**2 / (n - k)
    return np.asarray((correction**2 * spread / inner**2)[:, None, None] * least.xtx_inv)
