"""Evidence of a study as arrays: both windows of all events with their fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..models.base import ModelFit
from ..panel.abnormal import Abnormal
from ..windows import BLOCK, WindowData

T = TypeVar("T")


class Computed:
    """Results derived from one object, each computed the first time only."""

    _computed: dict[Any, Any]

    def once(self, compute: Callable[..., T], *options: Any) -> T:
        """Return ``compute(self, *options)``, computed the first time only: windows and tests share it."""
        key = (compute, *options)
        if key not in self._computed:
            self._computed[key] = compute(self, *options)
        value: T = self._computed[key]
        return value


class DaySums:
    """Sums over events by day, added one block at a time."""

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

    @property
    def event_data(self) -> WindowData:
        """Of (E, L)."""

    @property
    def event_span(self) -> IntArray | None:
        """Sessions that the return of each event day covers, (E, L); None where each covers one."""

    @property
    def shift(self) -> IntArray | None:
        """Sessions by which a halt moved day 0 away from its estimation window, (E,); None for none."""

    def total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
        """Sum the first P regressors over some event days, those of the mask (E, n): (E, P)."""

    def realised(self, days: slice) -> FloatArray:
        """Return the returns of some event days, (E, n), NaN where missing."""

    def take(self, events: slice | IntArray | BoolArray) -> Windows:
        """Return the windows of some of the events."""

    @property
    def split(self) -> str:
        """Why the events share no days, "" if they may: markets with other sessions, or windows of their own."""

    @property
    def asked(self) -> BoolArray:
        """Days that lie in each event's own window, (E, L)."""

    @property
    def shared_days(self) -> slice:
        """Days that all estimation windows share, as places in the estimation window."""

    @property
    def day_zero(self) -> int:
        """Place of day 0 among the event days; outside of them if it is none."""

    def reach(self, days: slice) -> int:
        """Return the length of some event days in the unit in which days 0 are numbered."""


@dataclass(frozen=True, eq=False, repr=False)
class Evidence(Computed):
    """Both windows of E events, with their fit: all that tests read of a study.

    A test reads estimation windows by `blocks`: a million windows are never in memory together.

    Attributes
    ----------
    windows : Windows
        Where the windows are gathered from.
    fit : ModelFit
        Of these events.
    abnormal : Abnormal
        Of these events.
    row, column : ndarray of shape (E,), int
        Number of day 0 (session ordinal; days since 1970 of events in several markets), and security.
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
    _computed: dict[Any, Any] = field(default_factory=dict, init=False)

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

    @cached_property
    def day_zero(self) -> int:
        """Place of day 0 among the event days; outside of 0 to L - 1 if it is none of them."""
        if self.split:
            return self.windows.day_zero
        one = self.windows.take(slice(0, 1))
        return int(self.row[0] - one.event_data.rows[0, 0])

    @cached_property
    def starts_before(self) -> BoolArray | None:
        """Event days whose return began before the first of them, (E, L); None where no return is over a gap."""
        span = self.windows.event_span
        if span is None:
            return None
        place = np.cumsum(self.windows.asked, axis=1) if self.own_windows else np.arange(1, span.shape[1] + 1)
        return np.asarray(self.event_mask & (span > place))

    @property
    def split(self) -> str:
        """Why the events share no days, for tests that need common ones; "" if they may."""
        return self.windows.split

    @cached_property
    def own_windows(self) -> bool:
        """Whether some event days lie outside of an event's own window."""
        return bool(self.split) and not bool(self.windows.asked.all())

    @property
    def common_date(self) -> bool:
        """Whether all events share one session."""
        return bool((self.row == self.row[0]).all())

    def from_day_zero(self, values: FloatArray) -> FloatArray:
        """Return values of estimation days, (E, M), in places counted from day 0; zero where a halt moved it away."""
        shift = self.windows.shift
        if shift is None:
            return values
        out = np.zeros_like(values)
        for k in np.unique(shift):
            out[shift == k, : max(0, values.shape[1] - k)] = values[shift == k, k:]
        return out

    @cached_property
    def residuals(self) -> FloatArray:
        """Abnormal returns of the estimation days, (E, M), NaN where missing.

        Where their variance grows with the sessions n they cover, divided by ``sqrt n``.
        """
        return self.y - self.fit.predict(self.x)

    @property
    def estimation_ar(self) -> FloatArray:
        """Abnormal returns of the estimation days as they are, (E, M), NaN where missing."""
        root = self.windows.estimation_data.root
        return self.residuals if root is None else self.residuals * root

    @cached_property
    def own_sar(self) -> FloatArray:
        """Residuals over their own standard error, ``s sqrt(1 - h)``, (E, M), NaN where missing."""
        return self._standardized(-1.0)

    @cached_property
    def forecast_sar(self) -> FloatArray:
        """Residuals over the standard error they would have if predicted, ``s sqrt(1 + h)``, (E, M)."""
        return self._standardized(1.0)

    def _standardized(self, sign: float) -> FloatArray:
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
