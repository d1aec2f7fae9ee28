"""Diagnostics of residuals against statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.stats.stattools import durbin_watson, jarque_bera
from statsmodels.tsa.stattools import acf

from marketshock.inference.diagnostics import normal_quantiles, residual_checks

RTOL = 1e-10


@pytest.fixture(scope="module")
def residuals() -> np.ndarray:
    """Fat tails and some memory."""
    noise = np.random.default_rng(0).standard_t(5, 250)
    return noise[1:] + 0.3 * noise[:-1]


def test_against_statsmodels(residuals):
    found = residual_checks(residuals, np.ones(len(residuals), dtype=bool))
    np.testing.assert_allclose(found.autocorrelation, acf(residuals, nlags=20)[1:], rtol=RTOL)
    assert found.durbin_watson == pytest.approx(durbin_watson(residuals), rel=RTOL)
    box = acorr_ljungbox(residuals, lags=[10]).iloc[0]
    assert (found.n, found.lags) == (249, 10)
    np.testing.assert_allclose([found.ljung_box, found.ljung_box_pvalue], box, rtol=RTOL)
    bera, pvalue, skewness, kurtosis = jarque_bera(residuals)
    ours = [found.jarque_bera, found.jarque_bera_pvalue, found.skewness, found.kurtosis]
    np.testing.assert_allclose(ours, [bera, pvalue, skewness, kurtosis], rtol=RTOL)
    assert found.band == pytest.approx(stats.norm.ppf(0.975) / np.sqrt(249), rel=1e-6)


def test_neighbours_of_a_missing_day_are_not_compared(residuals):
    """The day after a gap is no neighbour of the day before it: unlike in a series with the gap cut out."""
    mask = np.ones(len(residuals), dtype=bool)
    mask[[40, 41, 120]] = False
    values = np.where(mask, residuals, np.nan)
    found = residual_checks(values, mask)
    known = values[mask]
    steps = np.diff(values)
    assert found.durbin_watson == pytest.approx(np.nansum(steps**2) / (known**2).sum(), rel=RTOL)
    d = values - known.mean()
    expected = [np.nansum(d[h:] * d[:-h]) / (d[mask] ** 2).sum() for h in range(1, 21)]
    np.testing.assert_allclose(found.autocorrelation, expected, rtol=RTOL)
    assert found.n == 246
    assert found.skewness == pytest.approx(stats.skew(known), rel=RTOL)


def test_few_days():
    found = residual_checks(np.array([0.1, -0.1, 0.2, -0.3, 0.1]), np.ones(5, dtype=bool))
    assert (found.lags, len(found.autocorrelation)) == (1, 1)


def test_quantiles_are_bloms():
    expected = stats.norm.ppf((np.arange(1, 31) - 0.375) / 30.25)
    np.testing.assert_allclose(normal_quantiles(30), expected, rtol=RTOL)
