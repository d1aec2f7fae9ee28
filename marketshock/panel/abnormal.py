"""Abnormal returns, cumulative and buy-and-hold abnormal returns, from arrays only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..models.base import ModelFit


@dataclass(frozen=True, eq=False)
class Abnormal:
    """Daily abnormal returns of E events over L days."""

    ar: FloatArray  # (E, L): abnormal return (decimal), NaN where the return is missing
    # (E, L), or callable: `variance`, or a function that computes it from positions of events. Most tests do not need
    # it.
    predicted: FloatArray | Callable[[IntArray | None], FloatArray]
    events: IntArray | None = None  # (E,), int: positions passed to the function; None for all

    def __post_init__(self) -> None:
        self.ar.flags.writeable = False  # shared with users and tests, and so read-only

    @cached_property
    def variance(self) -> FloatArray:
        """Prediction variance of each abnormal return, ``sigma2 C``, (E, L).

        Finite also on a day without a return, if its regressors are known.
        """
        variance = self.predicted(self.events) if callable(self.predicted) else self.predicted
        variance.flags.writeable = False
        return variance

    @cached_property
    def sar(self) -> FloatArray:
        """Standardized ``AR / sqrt(variance)``, (E, L); t-distributed with the dof of the fit under normality."""
        sar = np.sqrt(self.variance)
        np.divide(self.ar, sar, out=sar)
        sar.flags.writeable = False
        return sar

    def take(self, events: IntArray | BoolArray | slice) -> Abnormal:
        """Return the values of a subset of the events."""
        if "variance" in self.__dict__ or not callable(self.predicted):
            return Abnormal(self.ar[events], self.variance[events])
        whole = np.arange(len(self.ar)) if self.events is None else self.events
        return Abnormal(self.ar[events], self.predicted, whole[events])


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Sums of abnormal returns over a window."""

    car: FloatArray  # (E,): sum over the days with a return (decimal); NaN without any
    variance: FloatArray  # (E,): variance of the sum, including estimation error; NaN without any day with a return
    n_days: IntArray  # (E,), int: number of returns summed, of which each ends on a day of its own
    n_sessions: IntArray  # (E,), int: number of sessions that these returns cover; more where one is over a gap

    @classmethod
    def joined(cls, parts: Sequence[Cumulative]) -> Cumulative:
        """Concatenate the sums of several groups of events."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def take(self, events: IntArray) -> Cumulative:
        """Return the values of a subset of the events."""
        return Cumulative(*(getattr(self, f.name)[events] for f in fields(self)))

    def without(self, events: BoolArray) -> Cumulative:
        """Return the sums with nothing in those of some events, (E,)."""
        car, variance = (np.where(events, np.nan, v) for v in (self.car, self.variance))
        return Cumulative(car, variance, *(np.where(events, 0, v) for v in (self.n_days, self.n_sessions)))

    @property
    def scar(self) -> FloatArray:
        """Standardized cumulative abnormal return ``CAR / sqrt(variance)``, (E,)."""
        return np.asarray(self.car / np.sqrt(self.variance))


def abnormal_returns(y: FloatArray, x: FloatArray, fit: ModelFit) -> Abnormal:
    """Compute the abnormal returns of the event days.

    Parameters
    ----------
    y : ndarray of shape (E, L)
        Return minus offset (decimal), NaN where missing.
    x : ndarray of shape (E, L, K)
        Regressors.
    fit : ModelFit
        Fit of the same events.

    References
    ----------
    Patell (1976): the forecast-error factor C in the variance of an abnormal return.
    """
    return Abnormal(y - fit.predict(x), fit.prediction_variance(x))


def cumulate(
    ar: FloatArray, total_x: FloatArray, mask: BoolArray, fit: ModelFit, days: slice, span: IntArray | None = None
) -> Cumulative:
    """Sum abnormal returns over some event days, with the variance of the sum.

    Parameters
    ----------
    ar : ndarray of shape (E, n)
        Abnormal returns on these days (decimal).
    total_x : ndarray of shape (E, P)
        Sums of the regressors over the days with a return.
    mask : ndarray of shape (E, n)
        Days with a return. Missing days are excluded from the sum and from its variance.
    fit : ModelFit
        Fit of the same events.
    days : slice
        Position of these days in the event window.
    span : ndarray of shape (E, n), int, optional
        Sessions that each return covers; None where each covers one.
    """
    variance = fit.cumulative_variance(total_x, mask, days)
    if mask.all() and span is None:
        whole = np.full(len(ar), ar.shape[1])
        return Cumulative(ar.sum(axis=1), variance, whole, whole)
    n_days = mask.sum(axis=1)
    n_sessions = n_days if span is None else np.where(mask, span, 0).sum(axis=1)
    some = n_days > 0
    car = np.where(some, np.where(mask, ar, 0.0).sum(axis=1), np.nan)
    return Cumulative(car, np.where(some, variance, np.nan), n_days, n_sessions)


def buy_and_hold(realised: FloatArray, ar: FloatArray, mask: BoolArray, span: IntArray | None = None) -> FloatArray:
    """Return the buy-and-hold abnormal return ``prod(1 + R) - prod(1 + R - AR)`` of simple returns, (E,).

    NaN if a day is missing, since a holding period cannot skip a day, and no return over a gap covers it. A return that
    began before the first day is left out: the holding period begins with the first price inside.

    References
    ----------
    Barber and Lyon (1997); Lyon, Barber and Tsai (1999).
    """
    if span is not None and (mask & (span > 1)).any():
        place = np.arange(1, mask.shape[1] + 1)
        covered = np.where(mask, np.minimum(span, place), 0).sum(axis=1) == mask.shape[1]
        held = mask & (span <= place)
        realised, ar = np.where(held, realised, 0.0), np.where(held, ar, 0.0)
        mask = np.broadcast_to(covered[:, None], mask.shape)
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
