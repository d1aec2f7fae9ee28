"""Abnormal returns and their cumulations, from arrays alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._typing import BoolArray, FloatArray, IntArray
from .models.base import ModelFit


@dataclass(frozen=True, slots=True)
class Abnormal:
    """Daily abnormal returns of E events over L days.

    Attributes
    ----------
    ar : ndarray of shape (E, L)
        Abnormal return (decimal), NaN where the return is missing.
    expected : ndarray of shape (E, L)
        Normal return: ``R - AR``.
    variance : ndarray of shape (E, L)
        Prediction variance of each abnormal return, ``sigma2 C``; finite also on a day without a return, as long as the
        regressors are there.
    sar : ndarray of shape (E, L)
        Standardised: ``AR / sqrt(variance)``, t-distributed with the fit's dof under normality.
    """

    ar: FloatArray
    expected: FloatArray
    variance: FloatArray
    sar: FloatArray

    def take(self, events: IntArray | BoolArray) -> Abnormal:
        """Return those of some of the events."""
        return Abnormal(self.ar[events], self.expected[events], self.variance[events], self.sar[events])


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Sums of abnormal returns over a window.

    Attributes
    ----------
    car : ndarray of shape (E,)
        Sum over the days with a return; NaN where there is none.
    variance : ndarray of shape (E,)
        Of that sum, estimation error included; NaN where no day is summed.
    n_days : ndarray of shape (E,), int
        Days summed.
    """

    car: FloatArray
    variance: FloatArray
    n_days: IntArray

    @property
    def scar(self) -> FloatArray:
        """``CAR / sqrt(variance)``, (E,)."""
        return np.asarray(self.car / np.sqrt(self.variance))


def abnormal_returns(y: FloatArray, x: FloatArray, offset: FloatArray, fit: ModelFit) -> Abnormal:
    """Compute AR, normal return and SAR of the event days.

    Parameters
    ----------
    y : ndarray of shape (E, L)
        Return less offset, NaN where missing.
    x : ndarray of shape (E, L, K)
        Regressors.
    offset : ndarray of shape (E, L)
        What was subtracted from the return.
    fit : ModelFit
        Of the same events.

    References
    ----------
    Patell (1976): the forecast-error factor C in the variance of SAR.
    """
    predicted = fit.predict(x)
    ar = y - predicted
    variance = fit.prediction_variance(x)
    expected = np.where(np.isnan(y), np.nan, predicted + offset)
    sar = ar / np.sqrt(variance)
    for array in (ar, expected, variance, sar):
        array.flags.writeable = False  # handed to users and tests: nobody changes a study's numbers
    return Abnormal(ar, expected, variance, sar)


def cumulate(ar: FloatArray, x: FloatArray, mask: BoolArray, fit: ModelFit, days: slice) -> Cumulative:
    """Sum abnormal returns over the days given, with the variance of the sum.

    Parameters
    ----------
    ar : ndarray of shape (E, n)
        Abnormal returns of the window's days.
    x : ndarray of shape (E, n, K)
        Regressors of those days.
    mask : ndarray of shape (E, n)
        Days with a return. Missing days are left out of the sum and of its variance.
    fit : ModelFit
        Of the same events.
    days : slice
        The place of those days in the event window.
    """
    n_days = mask.sum(axis=1)
    some = n_days > 0
    car = np.where(some, np.where(mask, ar, 0.0).sum(axis=1), np.nan)
    variance = np.where(some, fit.cumulative_variance(np.where(mask[:, :, None], x, 0.0), mask, days), np.nan)
    return Cumulative(car, variance, n_days)


def buy_and_hold(ar: FloatArray, expected: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the buy-and-hold abnormal return ``prod(1 + R) - prod(1 + E[R])`` of simple returns, (E,).

    NaN where a day is missing: nobody holds a stock with a day left out.

    References
    ----------
    Barber and Lyon (1997); Lyon, Barber and Tsai (1999).
    """
    held = np.prod(1 + np.where(mask, ar + expected, 0.0), axis=1)
    normal = np.prod(1 + np.where(mask, expected, 0.0), axis=1)
    return np.where(mask.all(axis=1), held - normal, np.nan)
