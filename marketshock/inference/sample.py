"""Sample: the evidence and the days under test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..panel.abnormal import Cumulative, buy_and_hold, cumulate
from ..windows import BLOCK
from .correlation import mean_correlation
from .evidence import Computed, Evidence
from .moments import Moments
from .options import Conventions, Resampling
from .overlap import overlap_correlation

_FEW = 2 * BLOCK  # events whose correlation is a matter of milliseconds


@dataclass(frozen=True, eq=False, repr=False)
class Sample(Computed):
    """The evidence and the days under test.

    Attributes
    ----------
    evidence : Evidence
        Of all events.
    days : slice
        The days under test among the L event days.
    conventions : Conventions
        Where papers differ.
    resampling : Resampling
        How bootstraps draw.
    """

    evidence: Evidence
    days: slice
    conventions: Conventions = field(default_factory=Conventions)
    resampling: Resampling = field(default_factory=Resampling)
    _computed: dict[Any, Any] = field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.evidence)

    def take(self, events: IntArray | BoolArray) -> Sample:
        """Return the sample of some of the events."""
        return replace(self, evidence=self.evidence.take(events))

    def blocks(self, events: BoolArray | None = None) -> Iterator[tuple[IntArray, Sample]]:
        """Cut the events, or some of them, into parts of bounded size; yield positions and sample of each."""
        for part, evidence in self.evidence.blocks(events):
            yield part, self if evidence is self.evidence else replace(self, evidence=evidence)

    @property
    def n_days(self) -> int:
        """Days under test."""
        return int(self.days.stop - self.days.start)

    @property
    def common_date(self) -> bool:
        """Whether all events share one session."""
        return self.evidence.common_date

    @property
    def mask(self) -> BoolArray:
        """Days under test that have a return, (E, n)."""
        return self.evidence.event_mask[:, self.days]

    @property
    def asked(self) -> BoolArray:
        """Days under test that lie in each event's own window, (E, n)."""
        return self.evidence.windows.asked[:, self.days]

    @property
    def ar(self) -> FloatArray:
        """Abnormal returns of the days under test, (E, n), NaN where missing."""
        return self.evidence.abnormal.ar[:, self.days]

    @cached_property
    def sum(self) -> Cumulative:
        """Their sums with variance, (E,)."""
        e = self.evidence
        total_x = e.windows.total_x(self.days, self.mask, e.fit.params.shape[1])
        return cumulate(self.ar, total_x, self.mask, e.fit, self.days)

    @cached_property
    def bhar(self) -> FloatArray:
        """Buy-and-hold abnormal returns of simple returns, (E,), NaN where a day is missing."""
        realised, ar, mask = self.evidence.windows.realised(self.days), self.ar, self.mask
        if self.evidence.own_windows:  # nothing is earned outside of an event's own window
            outside = ~self.asked
            realised, ar, mask = np.where(outside, 0.0, realised), np.where(outside, 0.0, ar), mask | outside
            mask &= self.there[:, None]
        return buy_and_hold(realised, ar, mask)

    @cached_property
    def there(self) -> BoolArray:
        """Events with at least one return among the days under test, (E,)."""
        return np.asarray(self.sum.n_days > 0)

    @cached_property
    def held(self) -> Sample:
        """The sample without the events that have no return in the window: every mean leaves them out."""
        there = self.there
        return self if there.all() or not there.any() else self.take(there)

    @property
    def log(self) -> bool:
        """Whether returns are logarithmic."""
        return self.evidence.log

    @cached_property
    def dates(self) -> IntArray:
        """Session ordinals of the event days, each once, sorted."""
        return np.unique(self.evidence.row)

    @property
    def known_correlation(self) -> float | None:
        """Mean correlation by date, where it is not much work: beside a test that needs no residuals it would be most
        of the work.
        """
        return self.correlation_by_date if len(self) <= _FEW else None

    @cached_property
    def car_moments(self) -> Moments:
        """Of the CARs."""
        return Moments.of(self.sum.car)

    @cached_property
    def z_moments(self) -> Moments:
        """Of the standardized window statistics by the conventions."""
        return Moments.of(self.standardized)

    @cached_property
    def bhar_moments(self) -> Moments:
        """Of the buy-and-hold abnormal returns of the events with all days."""
        return Moments.of(self.bhar, cubes=True)

    @cached_property
    def variance(self) -> FloatArray:
        """Variance of each CAR by the conventions, (E,)."""
        if self.conventions.forecast_error:
            return self.sum.variance
        return np.asarray(np.where(self.mask, self.evidence.fit.sigma2_days[:, self.days], 0.0).sum(axis=1))

    @property
    def car_variance(self) -> float:
        """Sum of the variances of the CARs by the conventions."""
        return float(self.variance[self.there].sum())

    @property
    def event_sar(self) -> FloatArray:
        """Standardized abnormal returns of all event days by the conventions, (E, L)."""
        e = self.evidence
        return e.abnormal.sar if self.conventions.forecast_error else e.sar_without_forecast_error

    @property
    def variance_of_t(self) -> float:
        """Sum of ``dof / (dof - 2)`` over the events with a return; of events with fewer than three, nothing."""
        dof = self.evidence.fit.dof[self.there]
        dof = dof[dof > 2]
        return float((dof / (dof - 2)).sum())

    @property
    def least_dof(self) -> float:
        """Fewest degrees of freedom of an event with a return."""
        return float(self.evidence.fit.dof[self.there].min(initial=np.iinfo(np.int64).max))

    @property
    def n_positive(self) -> int:
        """CARs above zero."""
        return int((self.sum.car > 0).sum())

    @property
    def n_negative(self) -> int:
        """CARs below zero."""
        return int((self.sum.car < 0).sum())

    @property
    def n_lacking(self) -> int:
        """Events without a return on some day under test."""
        if self.evidence.own_windows:
            return int((self.asked & ~self.mask).any(axis=1).sum())
        return int((~self.mask.all(axis=1)).sum())

    @cached_property
    def correlation_by_date(self) -> float:
        """Mean correlation of the residuals, aligned by calendar date and weighted by the overlap of the windows."""
        return self._correlation("date")

    @property
    def correlation(self) -> float:
        """Mean correlation of the residuals by the conventions."""
        kind = self.conventions.correlation
        return self.correlation_by_date if kind == "date" else self._correlation(kind)

    def _correlation(self, kind: Literal["date", "label", "pairwise"]) -> float:
        e = self.evidence
        if kind != "pairwise" and e.split:
            return e.once(overlap_correlation, self.days.start, self.days.stop, kind)
        return e.once(mean_correlation, self.n_days, "date" if kind == "label" else kind)

    @property
    def reach(self) -> int:
        """Days under test in the unit in which days 0 are numbered."""
        return self.evidence.windows.reach(self.days) if self.evidence.split else self.n_days

    @property
    def estimation_sar(self) -> FloatArray:
        """Standardized residuals of the estimation days by the conventions, (E, M)."""
        own = self.conventions.estimation_variance == "residual"
        return self.evidence.own_sar if own else self.evidence.forecast_sar

    @cached_property
    def csar(self) -> FloatArray:
        """Sum of the daily SARs over the root of their number, (E,), NaN without a return."""
        daily = self.event_sar[:, self.days]
        total = daily.sum(axis=1) if self.evidence.complete else np.nansum(daily, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.there, total / np.sqrt(self.sum.n_days), np.nan)

    @cached_property
    def standardized(self) -> FloatArray:
        """Standardized window statistic of each event by the conventions, (E,), NaN without a return."""
        if self.conventions.window == "csar":
            return self.csar
        if self.conventions.forecast_error:
            return self.sum.scar
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.sum.car / np.sqrt(self.variance))
