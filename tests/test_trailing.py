"""The trailing volatility: equal to a slow plain twin, deaf to the future, and without memory of bad ticks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketshock.volatility._trailing import ABOUT, trailing_volatility

RTOL = 1e-13  # both sum a window in full; only the order differs


def plain(values, window, about, min_obs):
    """One window at a time, as the definition is written."""
    out = np.full(values.shape, np.nan)
    for t, j in np.ndindex(values.shape):
        seen = values[max(0, t - window) : t, j]
        seen = seen[np.isfinite(seen)]
        if len(seen) >= max(min_obs, 1 + (about == "mean")):
            out[t, j] = np.sqrt(np.mean(seen**2)) if about == "zero" else seen.std(ddof=1)
    return out


def noise(n_days, seed=0, missing=0.2):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.02, (n_days, 4))
    values[rng.random(values.shape) < missing] = np.nan
    return values


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("window", [1, 2, 3, 21, 60, 200])
@pytest.mark.parametrize("n_days", [1, 2, 5, 50, 97])
def test_equals_the_plain_twin(n_days, window, about):
    values = noise(n_days)
    if n_days > 20:
        values[7, 0] = 1e6
        values[10:, 3] = 0.0
    for min_obs in {1, 2, window}:
        fast, _ = trailing_volatility(values, window, about, min_obs)
        np.testing.assert_allclose(fast, plain(values, window, about, min_obs), rtol=RTOL, atol=0)


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 80), st.sampled_from(ABOUT), st.floats(0, 0.9))
def test_equals_the_plain_twin_for_any_window(seed, window, n_days, about, missing):
    values = noise(n_days, seed, missing)
    fast, n_obs = trailing_volatility(values, window, about, 1)
    np.testing.assert_allclose(fast, plain(values, window, about, 1), rtol=RTOL, atol=0)
    seen = [np.isfinite(values[max(0, t - window) : t]).sum(axis=0) for t in range(n_days)]
    np.testing.assert_array_equal(n_obs, seen)


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("bad", [1e4, 1e6, 1e12])
def test_a_bad_tick_leaves_no_trace(about, bad):
    values = noise(200, missing=0)
    clean, _ = trailing_volatility(values, 21, about, 21)
    values[60] = bad
    struck, _ = trailing_volatility(values, 21, about, 21)
    same = np.r_[0:61, 82:200]
    np.testing.assert_array_equal(struck[same], clean[same])


@pytest.mark.parametrize("about", ABOUT)
def test_a_stale_series_has_exactly_no_volatility(about):
    values = noise(120, missing=0)
    values[5, 0] = 1e6
    values[40:, 0] = 0.0
    volatility, _ = trailing_volatility(values, 21, about, 21)
    assert (volatility[61:, 0] == 0).all()
    values[:, 1] = 0.01  # a constant return: no volatility about the mean
    volatility, _ = trailing_volatility(values, 21, about, 21)
    expected = {"zero": 0.01, "mean": 0.0}[about]
    np.testing.assert_allclose(volatility[21:, 1], expected, rtol=1e-15)


def test_a_constant_growth_of_prices_is_no_volatility():
    """Its returns differ by the rounding of prices alone."""
    prices = 37.3 * 1.01 ** np.arange(100)
    returns = (prices[1:] / prices[:-1] - 1)[:, None]
    assert 0 < returns.std() < 1e-15
    assert (trailing_volatility(returns, 21, "mean", 21)[0][21:] == 0).all()


@pytest.mark.parametrize("about", ABOUT)
def test_neither_the_day_nor_the_future_is_read(about):
    values = noise(90, missing=0)
    before, _ = trailing_volatility(values, 21, about, 21)
    for t in (22, 42, 43, 63, 89):
        changed = values.copy()
        changed[t:] = np.random.default_rng(1).normal(0, 5, changed[t:].shape)
        np.testing.assert_array_equal(trailing_volatility(changed, 21, about, 21)[0][: t + 1], before[: t + 1])


def test_values_are_left_alone_and_chunks_do_not_matter(monkeypatch):
    values = noise(100)
    held = values.copy()
    whole, _ = trailing_volatility(values, 21, "mean", 5)
    monkeypatch.setattr("marketshock.volatility._trailing._CHUNK", 100)
    np.testing.assert_array_equal(trailing_volatility(values, 21, "mean", 5)[0], whole)
    np.testing.assert_array_equal(values, held)
