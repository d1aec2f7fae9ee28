"""Abnormal returns and their cumulations, from arrays alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..models.base import ModelFit


@dataclass(frozen=True, eq=False)
class Abnormal:
    """Daily abnormal returns of E events over L days.

    Attributes
    ----------
    ar : ndarray of shape (E, L)
        Abnormal return (decimal), NaN where the return is missing.
    predicted : ndarray of shape (E, L), or callable
        `variance`, or how it is computed for some events by their positions: most tests ask for none.
    events : ndarray of shape (E,), int, or None
        The positions that a callable is asked for; None for all.
    """

    ar: FloatArray
    predicted: FloatArray | Callable[[IntArray | None], FloatArray]
    events: IntArray | None = None

    def __post_init__(self) -> None:
        self.ar.flags.writeable = False  # handed to users and tests: nobody changes a study's numbers

    @cached_property
    def variance(self) -> FloatArray:
        """Prediction variance of each abnormal return, ``sigma2 C``, (E, L).

        Finite also on a day without a return, as long as the regressors are there.
        """
        variance = self.predicted(self.events) if callable(self.predicted) else self.predicted
        variance.flags.writeable = False
        return variance

    @cached_property
    def sar(self) -> FloatArray:
        """Standardised: ``AR / sqrt(variance)``, (E, L), t-distributed with the fit's dof under normality."""
        sar = np.sqrt(self.variance)
        np.divide(self.ar, sar, out=sar)
        sar.flags.writeable = False
        return sar

    def take(self, events: IntArray | BoolArray | slice) -> Abnormal:
        """Return those of some of the events."""
        if "variance" in self.__dict__ or not callable(self.predicted):
            return Abnormal(self.ar[events], self.variance[events])
        whole = np.arange(len(self.ar)) if self.events is None else self.events
        return Abnormal(self.ar[events], self.predicted, whole[events])


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
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def take(self, events: IntArray) -> Cumulative:
        """Return those of some of the events."""
        return Cumulative(self.car[events], self.variance[events], self.n_days[events])

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


def cumulate(ar: FloatArray, total_x: FloatArray, mask: BoolArray, fit: ModelFit, days: slice) -> Cumulative:
    """Sum abnormal returns over the days given, with the variance of the sum.

    Parameters
    ----------
    ar : ndarray of shape (E, n)
        Abnormal returns of the window's days.
    total_x : ndarray of shape (E, P)
        Sums of the regressors over those of these days that have a return.
    mask : ndarray of shape (E, n)
        Days with a return. Missing days are left out of the sum and of its variance.
    fit : ModelFit
        Of the same events.
    days : slice
        The place of those days in the event window.
    """
    variance = fit.cumulative_variance(total_x, mask, days)
    if mask.all():
        return Cumulative(ar.sum(axis=1), variance, np.full(len(ar), ar.shape[1]))
    n_days = mask.sum(axis=1)
    some = n_days > 0
    car = np.where(some, np.where(mask, ar, 0.0).sum(axis=1), np.nan)
    return Cumulative(car, np.where(some, variance, np.nan), n_days)


def buy_and_hold(realised: FloatArray, ar: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the buy-and-hold abnormal return ``prod(1 + R) - prod(1 + R - AR)`` of simple returns, (E,).

    NaN where a day is missing: nobody holds a stock with a day left out.

    References
    ----------
    Barber and Lyon (1997); Lyon, Barber and Tsai (1999).
    """
    if not mask.all():
        whole = mask.all(axis=1)
        out = np.full(len(ar), np.nan)
        if whole.any():
            out[whole] = buy_and_hold(realised[whole], ar[whole], mask[whole])
        return out
    gross = realised + 1.0
    held = np.prod(gross, axis=1)
    gross -= ar
    return np.asarray(held - np.prod(gross, axis=1))
