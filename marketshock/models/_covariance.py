"""Covariances of least-squares coefficients under unequal or serially correlated errors, batched over events."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from .._typing import BoolArray, FloatArray, StrArray
from ..errors import InputError, check_choice, check_count
from ._ols import OlsFit

Covariance: TypeAlias = Literal["classic", "HC0", "HC1", "HC3", "HAC"]
COVARIANCES: tuple[Covariance, ...] = get_args(Covariance)

_FULL_LEVERAGE = 1 - 1e-10  # above it a day's residual is zero up to rounding, and HC3 divides zero by zero


def check_covariance(cov: str, lags: int | None) -> None:
    """Validate the options `cov` and `lags` of a model.

    Raises `InputError` if `cov` is not known, or `lags` is no whole number or given without "HAC".
    """
    check_choice("cov", cov, COVARIANCES)
    if lags is None:
        return
    if cov != "HAC":
        raise InputError("lags", f"got {lags!r} with cov={cov!r}", "leave lags out, or use cov='HAC'")
    check_count("lags", lags, 0)


def sandwich(
    x: FloatArray, residuals: FloatArray, mask: BoolArray, fit: OlsFit, kind: Covariance, lags: int | None
) -> FloatArray:
    """Return the robust covariance of the coefficients, (E, K, K); "classic" needs none of this.

    Parameters
    ----------
    x : ndarray of shape (E, M, K)
        Regressors; anything, also NaN, where the mask is False.
    residuals : ndarray of shape (E, M)
        ``y - x' theta`` in decimal returns; anything where the mask is False.
    mask : ndarray of shape (E, M)
        Days used.
    fit : OlsFit
        The least-squares fit of the same days.
    kind : {"HC0", "HC1", "HC3", "HAC"}
        Which.
    lags : int or None
        Of "HAC"; None takes ``floor(4 (M/100)^(2/9))`` with M the event's days.

    Notes
    -----
    ``(X'X)^-1 S (X'X)^-1``. HC0: S = sum e^2 x x'. HC1: the same times M/(M - k). HC3: e/(1 - h) in place of e, h the
    day's leverage. HAC: S = G_0 + sum over l = 1..lags of (1 - l/(lags + 1)) (G_l + G_l') with G_l the sum of
    e_t e_(t-l) x_t x_(t-l)'; t counts the days with data, so that a gap does not interrupt the sequence.

    References
    ----------
    White (1980); MacKinnon and White (1985), HC1 and HC3; Newey and West (1987), the Bartlett weights; Newey and
    West (1994), the default of `lags`.
    """
    dof = fit.n_obs - x.shape[2]
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(mask[:, :, None], x, 0.0)
        e = np.where(mask, residuals, 0.0)
        if kind == "HC3":
            e = e / (1 - leverage(x, mask, fit))
        scores = e[:, :, None] * x
        middle = np.einsum("emk,eml->ekl", scores, scores)
        if kind == "HC1":
            middle *= (fit.n_obs / dof)[:, None, None]
        if kind == "HAC":
            middle += _bartlett(scores, mask, lags)
        return np.asarray(fit.xtx_inv @ middle @ fit.xtx_inv)


def leverage(x: FloatArray, mask: BoolArray, fit: OlsFit) -> FloatArray:
    """Return ``h_t = x_t' (X'X)^-1 x_t``, (E, M), zero on the days not used."""
    x = np.where(mask[:, :, None], x, 0.0)
    return np.asarray(np.einsum("emk,ekl,eml->em", x, fit.xtx_inv, x, optimize=True))


def add_leverage_problem(problem: StrArray, x: FloatArray, mask: BoolArray, fit: OlsFit) -> None:
    """Name the events for which HC3 is not defined, in place: one day alone determines a coefficient."""
    alone = (leverage(x, mask, fit) > _FULL_LEVERAGE).any(axis=1) & (problem == "")
    problem[alone] = "one estimation day alone determines a coefficient, where HC3 is not defined: use cov='HC1'"


def _bartlett(scores: FloatArray, mask: BoolArray, lags: int | None) -> FloatArray:
    """Return the weighted autocovariances of the scores with their transposes, (E, K, K)."""
    order = np.argsort(~mask, axis=1, kind="stable")  # the days with data first, in their order; the others are zero
    packed = np.take_along_axis(scores, order[:, :, None], axis=1)
    n_obs = mask.sum(axis=1)
    reach = np.floor(4 * (n_obs / 100) ** (2 / 9)) if lags is None else np.full(len(n_obs), lags)
    out = np.zeros((len(scores), scores.shape[2], scores.shape[2]))
    for lag in range(1, min(int(reach.max(initial=0)), scores.shape[1] - 1) + 1):
        weight = np.maximum(1 - lag / (reach + 1.0), 0.0)
        at_lag = np.einsum("emk,eml->ekl", packed[:, lag:], packed[:, :-lag])
        out += weight[:, None, None] * (at_lag + at_lag.transpose(0, 2, 1))
    return out
