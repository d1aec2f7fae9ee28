"""What a test sees: both windows of the events as arrays, and the days under test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..abnormal import Abnormal, Cumulative, buy_and_hold, cumulate
from ..models.base import ModelFit
from ..windows import BLOCK, WindowData
from .correlation import mean_correlation
from .options import Conventions, Resampling
from .spread import Spread

T = TypeVar("T")


_FEW = 2 * BLOCK  # events whose correlation is a matter of milliseconds


class DaySums:
    """Sums over events of what is known by day, added a block at a time."""

    def __init__(self) -> None:
        self.sums: FloatArray = np.zeros(0)

    def add(self, values: FloatArray | BoolArray) -> None:
        """Add the columns' sums of an array (E, n)."""
        part = values.sum(axis=0, dtype=np.float64)
        self.sums = self.sums + part if len(self.sums) else part


class Windows(Protocol):
    """Both windows of some events, gathered when they are read."""

    @property
    def estimation_data(self) -> WindowData:
        """Of (E, M)."""
        ...

    @property
    def event_data(self) -> WindowData:
        """Of (E, L)."""
        ...

    def total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
        """Sum the first P regressors over some event days, those of the mask (E, n): (E, P)."""
        ...

    def realised(self, days: slice) -> FloatArray:
        """Return the returns of some event days, (E, n), NaN where missing."""
        ...

    def take(self, events: slice | IntArray | BoolArray) -> Windows:
        """Return the windows of some of the events."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """Both windows of E events, with their fit: all that tests may know of a study.

    A test that reads estimation windows does so by `blocks`: a million windows are never there together.

    Attributes
    ----------
    windows : Windows
        Where the windows are gathered from.
    fit : ModelFit
        Of these events.
    abnormal : Abnormal
        Of these events.
    row, column : ndarray of shape (E,), int
        Session ordinal of day 0, and security.
    refit : callable
        The model's ``fit(y, x, mask)`` for this event window, for tests that need all firms on the same days.
    log : bool
        Whether returns are logarithmic.
    """

    windows: Windows
    fit: ModelFit
    abnormal: Abnormal
    row: IntArray
    column: IntArray
    refit: Callable[[FloatArray, FloatArray, BoolArray], ModelFit]
    log: bool = False

    def __len__(self) -> int:
        return len(self.row)

    def take(self, events: IntArray | BoolArray | slice) -> Evidence:
        """Return the evidence of some of the events."""
        return replace(
            self,
            windows=self.windows.take(events),
            fit=self.fit.take(events),
            abnormal=self.abnormal.take(events),
            row=self.row[events],
            column=self.column[events],
        )

    def blocks(self, events: BoolArray | None = None) -> Iterator[tuple[IntArray, Evidence]]:
        """Cut the events, or some of them, into parts of bounded size; yield positions and evidence of each."""
        chosen = np.arange(len(self)) if events is None else np.flatnonzero(events)
        if len(chosen) == len(self) <= BLOCK:
            yield chosen, self  # keeps what is gathered for the next test
            return
        for lo in range(0, len(chosen), BLOCK):
            part = chosen[lo : lo + BLOCK]
            yield part, self.take(part)

    @property
    def y(self) -> FloatArray:
        """Regressand of the estimation days, (E, M), NaN where missing."""
        return self.windows.estimation_data.y

    @property
    def x(self) -> FloatArray:
        """Regressors of the estimation days, (E, M, K)."""
        return self.windows.estimation_data.x

    @property
    def mask(self) -> BoolArray:
        """Estimation days with data, (E, M)."""
        return self.windows.estimation_data.mask

    @property
    def rows(self) -> IntArray:
        """Session ordinals of the estimation days, (E, M)."""
        return self.windows.estimation_data.rows

    @property
    def event_y(self) -> FloatArray:
        """Regressand of the event days, (E, L), NaN where missing."""
        return self.windows.event_data.y

    @property
    def event_x(self) -> FloatArray:
        """Regressors of the event days, (E, L, K)."""
        return self.windows.event_data.x

    @property
    def event_rows(self) -> IntArray:
        """Session ordinals of the event days, (E, L)."""
        return self.windows.event_data.rows

    @cached_property
    def event_mask(self) -> BoolArray:
        """Event days with data, (E, L)."""
        return ~np.isnan(self.abnormal.ar)

    @cached_property
    def complete(self) -> bool:
        """Whether every event has a return on every event day."""
        return bool(self.event_mask.all())

    @property
    def common_date(self) -> bool:
        """Whether all events share one session."""
        return bool((self.row == self.row[0]).all())

    @cached_property
    def residuals(self) -> FloatArray:
        """Abnormal returns of the estimation days, (E, M), NaN where missing."""
        return self.y - self.fit.predict(self.x)

    @cached_property
    def own_sar(self) -> FloatArray:
        """Residuals over their own standard error, ``s sqrt(1 - h)``, (E, M), NaN where missing."""
        return self._standardised(-1.0)

    @cached_property
    def forecast_sar(self) -> FloatArray:
        """Residuals over the standard error they would have if predicted, ``s sqrt(1 + h)``, (E, M)."""
        return self._standardised(1.0)

    def _standardised(self, sign: float) -> FloatArray:
        error = self.fit.estimation_error(self.x)
        sigma2 = self.fit.sigma2[:, None]
        return np.asarray(self.residuals / np.sqrt(np.maximum(sigma2 + sign * error, 1e-12 * sigma2)))

    @cached_property
    def sar_without_forecast_error(self) -> FloatArray:
        """Abnormal returns of the event days over sigma, (E, L)."""
        return np.asarray(self.abnormal.ar / np.sqrt(self.fit.sigma2_days))

    @cached_property
    def mean_residual(self) -> FloatArray:
        """Mean over events of the residuals with the same place in the estimation window, (M,)."""
        total, count = DaySums(), DaySums()
        for _, part in self.blocks():
            total.add(np.where(part.mask, part.residuals, 0.0))
            count.add(part.mask)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(total.sums / count.sums)


@dataclass(frozen=True, eq=False, repr=False)
class Sample:
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
    _known: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False)

    def once(self, compute: Callable[[Sample], T]) -> T:
        """Return ``compute(sample)``, computed the first time only: tests share ranks and systems of equations."""
        if compute not in self._known:
            self._known[compute] = compute(self)
        value: T = self._known[compute]
        return value

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
        return buy_and_hold(self.evidence.windows.realised(self.days), self.ar, self.mask)

    @cached_property
    def there(self) -> BoolArray:
        """Events with at least one return among the days under test, (E,)."""
        return np.asarray(self.sum.n_days > 0)

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
    def car_spread(self) -> Spread:
        """Of the CARs."""
        return Spread.of(self.sum.car)

    @cached_property
    def z_spread(self) -> Spread:
        """Of the standardised window statistics by the conventions."""
        return Spread.of(self.standardised)

    @cached_property
    def bhar_spread(self) -> Spread:
        """Of the buy-and-hold abnormal returns of the events with all days."""
        return Spread.of(self.bhar, cubes=True)

    @property
    def car_variance(self) -> float:
        """Sum of the variances of the CARs."""
        return float(self.sum.variance[self.there].sum())

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
        return int((~self.mask.all(axis=1)).sum())

    @cached_property
    def correlation_by_date(self) -> float:
        """Mean correlation of the residuals, aligned by calendar date and weighted by the overlap of the windows."""
        return mean_correlation(self.evidence, self.n_days, "date")

    @property
    def correlation(self) -> float:
        """Mean correlation of the residuals by the conventions."""
        if self.conventions.correlation == "date":
            return self.correlation_by_date
        return mean_correlation(self.evidence, self.n_days, self.conventions.correlation)

    @property
    def estimation_sar(self) -> FloatArray:
        """Standardised residuals of the estimation days by the conventions, (E, M)."""
        own = self.conventions.estimation_variance == "residual"
        return self.evidence.own_sar if own else self.evidence.forecast_sar

    @cached_property
    def csar(self) -> FloatArray:
        """Sum of the daily SARs over the root of their number, (E,), NaN without a return."""
        e = self.evidence
        daily = e.abnormal.sar if self.conventions.forecast_error else e.sar_without_forecast_error
        total = daily[:, self.days].sum(axis=1) if e.complete else np.nansum(daily[:, self.days], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.there, total / np.sqrt(self.sum.n_days), np.nan)

    @cached_property
    def standardised(self) -> FloatArray:
        """Standardised window statistic of each event by the conventions, (E,), NaN without a return."""
        e, choice = self.evidence, self.conventions
        with np.errstate(invalid="ignore", divide="ignore"):
            if choice.window == "csar":
                return self.csar
            if choice.forecast_error:
                return self.sum.scar
            variance = np.where(self.mask, e.fit.sigma2_days[:, self.days], 0.0).sum(axis=1)
            return np.asarray(self.sum.car / np.sqrt(variance))
