"""Abnormal returns of some events taken out of all, by array and by callable, and sums with missing days by hand."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from marketshock.models.factor import fit_linear
from marketshock.panel.abnormal import Abnormal, abnormal_returns, buy_and_hold

AR = np.array([[0.01, 0.02], [0.03, -0.04], [0.05, 0.06], [-0.07, 0.08]])
VARIANCE = np.array([[1e-4, 4e-4], [9e-4, 16e-4], [25e-4, 36e-4], [49e-4, 64e-4]])


class Asked:
    """A function that predicts variances and keeps what it was asked for."""

    def __init__(self):
        self.calls = []

    def __call__(self, events):
        self.calls.append(events)
        return VARIANCE.copy() if events is None else VARIANCE[events]


def test_events_taken_from_arrays_have_their_own_variances():
    some = Abnormal(AR.copy(), VARIANCE.copy()).take(np.array([3, 1]))
    np.testing.assert_array_equal(some.ar, AR[[3, 1]])
    np.testing.assert_array_equal(some.variance, VARIANCE[[3, 1]])
    np.testing.assert_allclose(some.sar, [[-1, 1], [1, -1]])


def test_events_taken_before_any_variance_was_read_ask_for_theirs_only():
    asked = Asked()
    some = Abnormal(AR.copy(), asked).take(np.array([False, True, True, True]))
    one = some.take(slice(1, 2))
    assert not asked.calls
    np.testing.assert_array_equal(one.variance, VARIANCE[2:3])
    assert [call.tolist() for call in asked.calls] == [[2]]


def test_a_variance_that_was_read_is_not_asked_for_again():
    asked = Asked()
    whole = Abnormal(AR.copy(), asked)
    assert whole.variance.shape == AR.shape
    np.testing.assert_array_equal(whole.take(np.array([0, 3])).variance, VARIANCE[[0, 3]])
    assert asked.calls == [None]


def test_what_a_study_holds_cannot_be_written_to():
    held = Abnormal(AR.copy(), VARIANCE.copy())
    for array in (held.ar, held.variance, held.sar):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1.0


def test_abnormal_returns_and_their_variances_equal_statsmodels():
    """The standard error of a new observation, forecast error included, is that of statsmodels' predictions."""
    rng = np.random.default_rng(0)
    x = np.concatenate([np.ones((1, 40, 1)), rng.normal(0, 0.01, (1, 40, 1))], axis=2)
    y = 0.001 + 1.3 * x[:, :, 1] + rng.normal(0, 0.02, (1, 40))
    fit = fit_linear(y[:, :35], x[:, :35], np.ones((1, 35), dtype=bool), np.arange(1, 6))
    found = abnormal_returns(y[:, 35:], x[:, 35:], fit)
    other = sm.OLS(y[0, :35], x[0, :35]).fit().get_prediction(x[0, 35:])
    np.testing.assert_allclose(found.ar[0], y[0, 35:] - other.predicted_mean, rtol=1e-10)
    np.testing.assert_allclose(found.variance[0], other.se_obs**2, rtol=1e-10)


def test_buy_and_hold_by_hand():
    """+10 % and then -5 %, of which +2 % and -1 % are abnormal; the other event lacks a day."""
    realised = np.array([[0.10, -0.05], [0.10, np.nan]])
    ar = np.array([[0.02, -0.01], [0.02, np.nan]])
    expected = 1.10 * 0.95 - 1.08 * 0.96
    out = buy_and_hold(realised, ar, np.isfinite(realised))
    assert out[0] == pytest.approx(expected, abs=1e-15)
    assert np.isnan(out[1])
    assert buy_and_hold(realised[:1], ar[:1], np.ones((1, 2), bool))[0] == pytest.approx(expected, abs=1e-15)
