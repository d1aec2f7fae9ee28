"""What a test sees: both windows of the events as arrays, and the days under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..abnormal import Abnormal, Cumulative, buy_and_hold, cumulate
from ..models.base import ModelFit
from .correlation import mean_correlation
from .options import Conventions, Resampling

T = TypeVar("T")


@dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """Both windows of E events as arrays, with their fit: all that tests may know of a study.

    Attributes
    ----------
    y, x, mask, rows : ndarray of shape (E, M), (E, M, K), (E, M), (E, M)
        The estimation window: regressand, regressors, days with data, session ordinals.
    event_y, event_x, event_mask, event_rows : ndarray of shape (E, L), (E, L, K), (E, L), (E, L)
        The same of the event window.
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

    y: FloatArray
    x: FloatArray
    mask: BoolArray
    rows: IntArray
    event_y: FloatArray
    event_x: FloatArray
    event_mask: BoolArray
    event_rows: IntArray
    fit: ModelFit
    abnormal: Abnormal
    row: IntArray
    column: IntArray
    refit: Callable[[FloatArray, FloatArray, BoolArray], ModelFit]
    log: bool = False

    def __len__(self) -> int:
        return len(self.y)

    def take(self, events: IntArray | BoolArray) -> Evidence:
        """Return the evidence of some of the events."""
        names = ("y", "x", "mask", "rows", "event_y", "event_x", "event_mask", "event_rows", "row", "column")
        part = {name: getattr(self, name)[events] for name in names}
        return replace(self, fit=self.fit.take(events), abnormal=self.abnormal.take(events), **part)

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
        x = self.x[:, :, : self.fit.params.shape[1]]
        error = np.einsum("emk,ekl,eml->em", x, self.fit.cov_params, x, optimize=True)
        sigma2 = self.fit.sigma2[:, None]
        return np.asarray(self.residuals / np.sqrt(np.maximum(sigma2 + sign * error, 1e-12 * sigma2)))

    @cached_property
    def sar_without_forecast_error(self) -> FloatArray:
        """Abnormal returns of the event days over sigma, (E, L)."""
        return np.asarray(self.abnormal.ar / np.sqrt(self.fit.sigma2_days))

    @cached_property
    def mean_residual(self) -> FloatArray:
        """Mean over events of the residuals with the same place in the estimation window, (M,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(self.mask, self.residuals, 0.0).sum(axis=0) / self.mask.sum(axis=0))


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
        return cumulate(self.ar, e.event_x[:, self.days], self.mask, e.fit, self.days)

    @cached_property
    def bhar(self) -> FloatArray:
        """Buy-and-hold abnormal returns of simple returns, (E,), NaN where a day is missing."""
        e = self.evidence
        return buy_and_hold(self.ar, e.abnormal.expected[:, self.days], self.mask)

    @cached_property
    def there(self) -> BoolArray:
        """Events with at least one return among the days under test, (E,)."""
        return np.asarray(self.sum.n_days > 0)

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
    def standardised(self) -> FloatArray:
        """Standardised window statistic of each event by the conventions, (E,), NaN without a return."""
        e, choice = self.evidence, self.conventions
        with np.errstate(invalid="ignore", divide="ignore"):
            root = np.sqrt(self.sum.n_days)
            if choice.window == "csar":
                daily = e.abnormal.sar if choice.forecast_error else e.sar_without_forecast_error
                total = np.where(self.mask, daily[:, self.days], 0.0).sum(axis=1)
                return np.where(self.there, total / root, np.nan)
            if choice.forecast_error:
                return self.sum.scar
            variance = np.where(self.mask, e.fit.sigma2_days[:, self.days], 0.0).sum(axis=1)
            return np.asarray(self.sum.car / np.sqrt(variance))
