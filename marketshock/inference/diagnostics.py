"""Diagnostics of the residuals of one estimation: autocorrelation and normality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .._typing import BoolArray, FloatArray

_MOST_LAGS = 20


@dataclass(frozen=True, slots=True)
class ResidualChecks:
    """Diagnostics of n residuals.

    Attributes
    ----------
    n : int
        Days with a residual.
    autocorrelation : ndarray of shape (H,)
        At lags 1 to H.
    band : float
        Half of the 95 % band of an autocorrelation of white noise, ``1.96 / sqrt(n)``.
    durbin_watson : float
        From 0 to 4; 2 without autocorrelation at lag 1. NaN without two days in a row.
    ljung_box, ljung_box_pvalue : float
        Q over the lags 1 to `lags`, chi2(lags): no autocorrelation.
    lags : int
        Of Ljung and Box: 10, or a fifth of the days.
    jarque_bera, jarque_bera_pvalue : float
        chi2(2): skewness and kurtosis of a normal.
    skewness, kurtosis : float
        Of the residuals; 0 and 3 for a normal.
    """

    n: int
    autocorrelation: FloatArray
    band: float
    durbin_watson: float
    ljung_box: float
    ljung_box_pvalue: float
    lags: int
    jarque_bera: float
    jarque_bera_pvalue: float
    skewness: float
    kurtosis: float


def residual_checks(residuals: FloatArray, mask: BoolArray) -> ResidualChecks:
    """Check the residuals of one estimation.

    Parameters
    ----------
    residuals : ndarray of shape (M,)
        By session (decimal).
    mask : ndarray of shape (M,)
        Days with a residual. Pairs of days of which one is missing are left out of what compares neighbours.

    References
    ----------
    Durbin and Watson (1950), Biometrika 37; Ljung and Box (1978), Biometrika 65; Jarque and Bera (1980), Economics
    Letters 6. p-values are those of large samples.
    """
    n = int(mask.sum())
    e = np.where(mask, residuals, 0.0)
    centered = np.where(mask, e - e.sum() / n, 0.0)
    square = float((centered**2).sum())
    horizon = max(1, min(_MOST_LAGS, n // 4))
    rho = np.array([(centered[h:] * centered[:-h]).sum() / square for h in range(1, horizon + 1)])
    pairs = mask[1:] & mask[:-1]
    watson = float((np.diff(e)[pairs] ** 2).sum() / (e**2).sum()) if pairs.any() else np.nan
    lags = max(1, min(10, n // 5, horizon))
    box = float(n * (n + 2) * (rho[:lags] ** 2 / (n - np.arange(1, lags + 1))).sum())
    skewness = float((centered**3).sum() / n / (square / n) ** 1.5)
    kurtosis = float((centered**4).sum() / n / (square / n) ** 2)
    bera = n / 6 * (skewness**2 + (kurtosis - 3) ** 2 / 4)
    return ResidualChecks(
        n=n,
        autocorrelation=rho,
        band=1.959964 / np.sqrt(n),
        durbin_watson=watson,
        ljung_box=box,
        ljung_box_pvalue=float(special.chdtrc(lags, box)),
        lags=lags,
        jarque_bera=bera,
        jarque_bera_pvalue=float(special.chdtrc(2, bera)),
        skewness=skewness,
        kurtosis=kurtosis,
    )


def normal_quantiles(n: int) -> FloatArray:
    """Return where n ordered draws of a standard normal are expected, by Blom's (1958) approximation, (n,)."""
    return np.asarray(special.ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25)))
