"""Moments of a window's statistics over events: count, mean and dispersion, all that a parametric test reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Moments:
    """Of the values of n events.

    Attributes
    ----------
    n : int
        Events with a value.
    mean : float
        NaN without any.
    squares, cubes : float
        Sums of the squared and of the cubed deviations from the mean; `cubes` is NaN where no test reads it.
    """

    n: int
    mean: float
    squares: float
    cubes: float = np.nan

    @classmethod
    def of(cls, values: FloatArray, cubes: bool = False) -> Moments:
        """Of an array, NaN left out."""
        missing = np.isnan(values)
        values = values[~missing] if missing.any() else values
        if not len(values):
            return cls(0, np.nan, np.nan)
        mean = values.mean()
        d = values - mean
        return cls(len(values), float(mean), float((d**2).sum()), float((d**3).sum()) if cubes else np.nan)

    @property
    def sd(self) -> float:
        """Standard deviation, divisor n - 1."""
        return float(np.sqrt(self.squares / (self.n - 1)))

    @property
    def size(self) -> float:
        """Root mean square: the scale beside which a dispersion is or is not rounding."""
        return float(np.sqrt(self.mean**2 + self.squares / self.n))


def windows_overlap(dates: IntArray, n_events: int, n_days: int) -> bool:
    """Return whether windows of `n_days` sessions overlap in calendar time: two events on one date, or on near dates.

    Parameters
    ----------
    dates : ndarray of shape (D,), int
        Session ordinals of the events, each once, sorted.
    n_events, n_days : int
        Number of events, and of days under test.
    """
    return len(dates) < n_events or bool((np.diff(dates) < n_days).any())


UNREACTED = "no return covers day 0"
"""Why a mean leaves an event out whose return on day 0 is missing."""


class Summary(Protocol):
    """Sums over E events and the days under test: all that a test without single returns reads of a sample."""

    def __len__(self) -> int:
        """Events."""

    @property
    def log(self) -> bool:
        """Whether returns are logarithmic."""

    @property
    def n_days(self) -> int:
        """Days under test."""

    @property
    def reach(self) -> int:
        """Days under test in the unit of `dates`."""

    @property
    def dates(self) -> IntArray:
        """Session ordinals of the event days, each once, sorted."""

    @property
    def known_correlation(self) -> float | None:
        """Mean correlation of the residuals, where it is known without much work."""

    @property
    def car_moments(self) -> Moments:
        """Of the CARs."""

    @property
    def z_moments(self) -> Moments:
        """Of the standardized window statistics by the conventions."""

    @property
    def bhar_moments(self) -> Moments:
        """Of the buy-and-hold abnormal returns of the events with all days."""

    @property
    def car_variance(self) -> float:
        """Sum of the variances of the CARs."""

    @property
    def variance_of_t(self) -> float:
        """Sum of ``dof / (dof - 2)``, the variances of the standardized statistics."""

    @property
    def least_dof(self) -> float:
        """Fewest degrees of freedom of an event."""

    @property
    def n_positive(self) -> int:
        """CARs above zero."""

    @property
    def n_negative(self) -> int:
        """CARs below zero."""

    @property
    def n_lacking(self) -> int:
        """Events without a return on some day under test."""


@dataclass(frozen=True, slots=True, eq=False)
class Streamed:
    """A `Summary` of events that were looked at once and not kept; attributes as there."""

    n_events: int
    log: bool
    n_days: int
    dates: IntArray
    car_moments: Moments
    z_moments: Moments
    bhar_moments: Moments
    car_variance: float
    variance_of_t: float
    least_dof: float
    n_positive: int
    n_negative: int
    n_lacking: int
    n_unreacted: int = 0
    known_correlation: float | None = None

    @property
    def left_note(self) -> str:
        """What was left out and why, "" if nothing."""
        return f"{self.n_unreacted} event(s) left out: {UNREACTED}" if self.n_unreacted else ""

    @property
    def reach(self) -> int:
        """Days under test in the unit of `dates`."""
        return self.n_days

    def __len__(self) -> int:
        return self.n_events
