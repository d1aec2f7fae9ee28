"""Abnormal returns and their cumulations, from arrays alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._typing import BoolArray, FloatArray, IntArray
from .models.base import ModelFit


@dataclass(frozen=True, eq=False)
class Abnormal:
    """Daily abnormal returns of E events over L days.

    Attributes
    ----------
    ar : ndarray of shape (E, L)
        Abnormal return (decimal), NaN where the return is missing.
    variance : ndarray of shape (E, L)
        Prediction variance of each abnormal return, ``sigma2 C``; finite also on a day without a return, as long as the
        regressors are there.
    """

    ar: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        for array in (self.ar, self.variance):
            array.flags.writeable = False  # handed to users and tests: nobody changes a study's numbers

    @cached_property
    def sar(self) -> FloatArray:
        """Standardised: ``AR / sqrt(variance)``, (E, L), t-distributed with the fit's dof under normality."""
        sar = np.sqrt(self.variance)
        np.divide(self.ar, sar, out=sar)
        sar.flags.writeable = False
        return sar

    @classmethod
    def joined(cls, parts: Sequence[Abnormal]) -> Abnormal:
        """Return those of several groups of events, one after the other."""
        return cls(np.concatenate([part.ar for part in parts]), np.concatenate([part.variance for part in parts]))

    def take(self, events: IntArray | BoolArray | slice) -> Abnormal:
        """Return those of some of the events."""
        return Abnormal(self.ar[events], self.variance[events])


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

    @classmethod
    def joined(cls, parts: Sequence[Cumulative]) -> Cumulative:
        """Return the sums of several groups of events, one after the other."""
        if len(parts) == 1:
            return parts[0]
        names = ("car", "variance", "n_days")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def scar(self) -> FloatArray:
        """``CAR / sqrt(variance)``, (E,)."""
        return np.asarray(self.car / np.sqrt(self.variance))


def abnormal_returns(y: FloatArray, x: FloatArray, fit: ModelFit) -> Abnormal:
    """Compute the abnormal returns of the event days.

    Parameters
    ----------
    y : ndarray of shape (E, L)
        Return less offset, NaN where missing.
    x : ndarray of shape (E, L, K)
        Regressors.
    fit : ModelFit
        Of the same events.

    References
    ----------
    Patell (1976): the forecast-error factor C in the variance of an abnormal return.
    """
    return Abnormal(y - fit.predict(x), fit.prediction_variance(x))


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


def buy_and_hold(realised: FloatArray, ar: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the buy-and-hold abnormal return ``prod(1 + R) - prod(1 + R - AR)`` of simple returns, (E,).

    NaN where a day is missing: nobody holds a stock with a day left out.

    References
    ----------
    Barber and Lyon (1997); Lyon, Barber and Tsai (1999).
    """
    held = np.prod(1 + np.where(mask, realised, 0.0), axis=1)
    normal = np.prod(1 + np.where(mask, realised - ar, 0.0), axis=1)
    return np.where(mask.all(axis=1), held - normal, np.nan)
