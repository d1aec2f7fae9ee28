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
from .moments import UNREACTED, Moments
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
    of_many : bool or None
        Whether these are some of many events, of which means are made; None where the number of events tells.
    """

    evidence: Evidence
    days: slice
    conventions: Conventions = field(default_factory=Conventions)
    resampling: Resampling = field(default_factory=Resampling)
    of_many: bool | None = None
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
        """Days under test that have a return, (E, n); none of events that are left out."""
        mask, out = self.evidence.event_mask[:, self.days], self.left_out
        return mask if out is None else mask & ~out[:, None]

    @property
    def asked(self) -> BoolArray:
        """Days under test that lie in each event's own window, (E, n)."""
        return self.evidence.windows.asked[:, self.days]

    @property
    def ar(self) -> FloatArray:
        """Abnormal returns of the days under test, (E, n), NaN where missing."""
        ar, out = self.evidence.abnormal.ar[:, self.days], self.left_out
        return ar if out is None else np.where(out[:, None], np.nan, ar)

    @cached_property
    def left_out(self) -> BoolArray | None:
        """Events with a return that no mean may hold, (E,); None without any, and for an event by itself.

        On a single day, those whose return began before the event window. In a window that holds day 0, by the
        conventions, those of which no return in the window covers day 0: what is summed is not the reaction.
        """
        out = self._begun | self._unreacted if self._several else np.zeros(0, dtype=bool)
        return out if out.any() else None

    @property
    def _several(self) -> bool:
        return len(self) > 1 if self.of_many is None else self.of_many

    @cached_property
    def _begun(self) -> BoolArray:
        """Events whose return of the one day under test began before the event window, (E,)."""
        begins = self.evidence.starts_before
        if begins is None or self.n_days > 1:
            return np.zeros(len(self), dtype=bool)
        return np.asarray(begins[:, self.days].any(axis=1))

    @cached_property
    def _unreacted(self) -> BoolArray:
        """Events of which the window has a return but none that covers day 0, (E,)."""
        e, days = self.evidence, self.days
        inside = e.complete or days.start <= e.day_zero < days.stop
        if e.complete or not inside or self.conventions.halted == "keep":
            return np.zeros(len(self), dtype=bool)
        out = ~self._covers(e.day_zero) & e.event_mask[:, days].any(axis=1)
        return np.asarray(out & e.windows.asked[:, e.day_zero])

    @property
    def unreacted(self) -> IntArray:
        """Whether each event is left out because no return covers day 0, (E,), 0 or 1."""
        return np.asarray(self._unreacted if self._several else np.zeros(len(self)), dtype=np.int64)

    @cached_property
    def pooled(self) -> Sample:
        """The sample without the events left out; the sample itself if these are all."""
        out = self.left_out
        return self if out is None or out.all() else self.take(~out)

    @property
    def left_note(self) -> str:
        """What was left out and why, "" if nothing."""
        if not self._several:
            return "no return covers day 0: the sum is not the reaction" if self._unreacted[0] else ""
        if self.left_out is None:
            return ""
        why = (
            (self._unreacted, UNREACTED),
            (self._begun & ~self._unreacted, "the return began before the event window"),
        )
        return "; ".join(f"{int(who.sum())} event(s) left out: {text}" for who, text in why if who.any())

    def _covers(self, day: int) -> BoolArray:
        """Return whether some return of the window covers an event day, (E,)."""
        e, span = self.evidence, self.evidence.windows.event_span
        if span is None:
            return e.event_mask[:, day]
        later = slice(day, self.days.stop)
        reach = span[:, later] > np.arange(self.days.stop - day)
        return np.asarray((e.event_mask[:, later] & reach).any(axis=1))

    @cached_property
    def whole(self) -> Cumulative:
        """Sums of the abnormal returns under test with variance, (E,), also of the events left out of means."""
        e, days = self.evidence, self.days
        mask, span = e.event_mask[:, days], e.windows.event_span
        total_x = e.windows.total_x(days, mask, e.fit.params.shape[1])
        return cumulate(e.abnormal.ar[:, days], total_x, mask, e.fit, days, None if span is None else span[:, days])

    @cached_property
    def sum(self) -> Cumulative:
        """Sums of the abnormal returns under test with variance, (E,); nothing of the events left out of means."""
        return self.whole if self.left_out is None else self.whole.without(self.left_out)

    @cached_property
    def whole_bhar(self) -> FloatArray:
        """Buy-and-hold abnormal returns of simple returns, (E,), NaN where a day is missing and no return covers it."""
        e, days = self.evidence, self.days
        span, realised = e.windows.event_span, e.windows.realised(days)
        ar, mask = e.abnormal.ar[:, days], e.event_mask[:, days]
        if e.own_windows:  # nothing is earned outside of an event's own window
            outside = ~self.asked
            realised, ar = np.where(outside, 0.0, realised), np.where(outside, 0.0, ar)
            mask = (mask | outside) & mask.any(axis=1, keepdims=True)
        return buy_and_hold(realised, ar, mask, None if span is None else span[:, days])

    @property
    def bhar(self) -> FloatArray:
        """Buy-and-hold abnormal returns, (E,), NaN also of the events left out of means."""
        out = self.left_out
        return self.whole_bhar if out is None else np.where(out, np.nan, self.whole_bhar)

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
