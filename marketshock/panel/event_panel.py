"""Events as positions in a matrix of returns. Above this floor there are only arrays of shape (event, day)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._typing import BoolArray, DateArray, FloatArray, IntArray, StrArray
from ..catalog.table import EventTable
from ..windows import BLOCK, Window, WindowData
from .returns import Returns


class DesignSums:
    """Sums of the regressors over the days of a window, for every row that day 0 may be.

    Attributes
    ----------
    finite : ndarray of shape (T, K)
        The regressors, zero where missing.
    """

    def __init__(self, design: FloatArray) -> None:
        self.finite = np.where(np.isfinite(design), design, 0.0)
        none = np.ones((len(design), 1), dtype=bool)
        self._there: BoolArray = np.logical_and.accumulate(np.hstack([none, np.isfinite(design)]), axis=1)
        self._known: dict[tuple[int, int], FloatArray] = {}

    def there(self, n_regressors: int) -> BoolArray:
        """Return on which sessions the first of the regressors, so many, are there, (T,)."""
        return self._there[:, n_regressors]

    def total(self, offsets: IntArray) -> FloatArray:
        """Return the sums over consecutive days relative to day 0, (T, K); beyond the ends, of the ends."""
        key = int(offsets[0]), int(offsets[-1])
        if key not in self._known:
            out, row = np.zeros(self.finite.shape), np.arange(len(self.finite))
            for offset in offsets:
                out += self.finite[np.clip(row + offset, 0, len(row) - 1)]
            self._known[key] = out
        return self._known[key]


@dataclass(frozen=True, eq=False, repr=False)
class EventPanel:
    """E studied events as positions in a matrix of returns.

    The windows are gathered from the matrix when they are read, so that a block of events can be taken, worked on and
    forgotten.

    Attributes
    ----------
    table : EventTable
        Of all events given.
    position : ndarray of shape (E,), int
        Which of them are studied, in their order.
    row : ndarray of shape (E,), int
        Session ordinal of day 0.
    column : ndarray of shape (E,), int
        Security, as a column of `returns`.
    returns : Returns
        Of all securities and factors.
    design : ndarray of shape (T, K)
        The model's regressors on every session, the constant first.
    offset : ndarray of shape (T,)
        Subtracted from every return (0 without an offset).
    own_weights : tuple of (ndarray or None)
        For the offset and each column of `design`: the securities' weights in it, (S,) or (T, S), where the security is
        to be taken out of its own benchmark.
    n_params : int
        How many of the regressors the event days need.
    estimation, window : Window
        Trading days relative to day 0.
    by_date : DesignSums
        Sums of `design` over windows, shared by the panels taken from this one.
    n_given : int
        Events given to the whole study, of which this panel may be a part.
    """

    table: EventTable
    position: IntArray
    row: IntArray
    column: IntArray
    returns: Returns
    design: FloatArray
    offset: FloatArray
    own_weights: tuple[FloatArray | None, ...]
    n_params: int
    estimation: Window
    window: Window
    by_date: DesignSums
    n_given: int

    def __len__(self) -> int:
        return len(self.position)

    def __repr__(self) -> str:
        return f"EventPanel: {len(self)} events, estimation {self.estimation}, window {self.window}"

    @cached_property
    def event_id(self) -> StrArray:
        """The only key, (E,), object."""
        return self.table.event_id[self.position]

    @cached_property
    def ticker(self) -> StrArray:
        """Security, (E,), object."""
        return self.table.names[self.table.security[self.position]]

    @cached_property
    def event(self) -> StrArray:
        """The catalog's event, or the user's, (E,), object."""
        return self.table.event[self.position]

    @property
    def group(self) -> StrArray:
        """Group named by the user, "" if none, (E,), object."""
        return self.table.group[self.position]

    @property
    def session(self) -> DateArray:
        """Day 0 of each event, (E,), datetime64[D]."""
        return self.returns.days[self.row]

    @property
    def ahead(self) -> IntArray:
        """Sessions from the last estimation day to each event day, (L,)."""
        return self.window.offsets() - self.estimation.last

    @cached_property
    def estimation_data(self) -> WindowData:
        """The estimation window, (E, M)."""
        return self._gather(self.estimation, self.design.shape[1])

    @cached_property
    def event_data(self) -> WindowData:
        """The event window, (E, L)."""
        return self._gather(self.window, self.n_params)

    def total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
        """Sum the first P regressors over some event days, those of the mask (E, n): (E, P).

        Where no event has a regressor of its own the sum over all days is a matter of the date.
        """
        if any(weights is not None for weights in self.own_weights[1:]):
            return self.event_data.total_x(days, mask, n_params)
        offsets = self.window.offsets()[days]
        out = self.by_date.total(offsets)[self.row, :n_params]
        if mask.all():
            return out
        event, day = np.nonzero(~mask)
        at = np.clip(self.row[event] + offsets[day], 0, len(self.returns.days) - 1)
        for k in range(n_params):
            out[:, k] -= np.bincount(event, weights=self.by_date.finite[at, k], minlength=len(self))
        return out

    def realised(self, days: slice) -> FloatArray:
        """Return the returns of some event days, (E, n), NaN where missing."""
        rows = self.row[:, None] + self.window.offsets()[days]
        last = len(self.returns.days) - 1
        if (rows[:, 0] >= 0).all() and (rows[:, -1] <= last).all():
            return np.asarray(self.returns.values[rows, self.column[:, None]])
        raw = self.returns.values[np.clip(rows, 0, last), self.column[:, None]]
        return np.where((rows >= 0) & (rows <= last), raw, np.nan)

    def take(self, events: IntArray | BoolArray | slice) -> EventPanel:
        """Return the panel of some of the events."""
        names = ("position", "row", "column")
        return replace(self, **{name: getattr(self, name)[events] for name in names})

    def restricted(self, columns: IntArray) -> EventPanel:
        """Return the panel with the returns of some securities only, sorted columns that hold all its events.

        It knows no names of events: what is sent to another process is small.
        """
        returns = self.returns
        values = np.asfortranarray(returns.values[:, columns])
        names = tuple(returns.names[c] for c in columns)
        own = tuple(w if w is None else np.asarray(w[..., columns]) for w in self.own_weights)
        return replace(
            self,
            table=self.table.take(np.empty(0, dtype=np.int64)),
            position=np.arange(len(self)),
            column=np.searchsorted(columns, self.column),
            returns=replace(returns, names=names, values=values, factor_names=(), factors=None),
            own_weights=own,
        )

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[slice, EventPanel]]:
        """Cut the panel into parts of at most `size` events; a panel that is no larger is its only part."""
        if len(self) <= size:
            yield slice(0, len(self)), self
            return
        for lo in range(0, len(self), size):
            part = slice(lo, min(lo + size, len(self)))
            yield part, self.take(part)

    def _gather(self, window: Window, n_regressors: int) -> WindowData:
        rows = self.row[:, None] + window.offsets()
        inside = (rows >= 0) & (rows < len(self.returns.days))
        at = np.clip(rows, 0, len(self.returns.days) - 1)
        raw = self.returns.values[at, self.column[:, None]]
        offset = self._without_own(self.offset[at], raw, at, 0)
        x = self.design[at][:, :, :n_regressors]
        for k in range(n_regressors):
            x[:, :, k] = self._without_own(x[:, :, k], raw, at, k + 1)
        y = raw - offset
        # Of its own benchmark a security lacks what it lacks itself, and what the benchmark lacks.
        mask = inside & np.isfinite(y) & self.by_date.there(n_regressors)[at]
        return WindowData(np.where(mask, y, np.nan), x, offset, mask, rows)

    def _without_own(self, benchmark: FloatArray, raw: FloatArray, at: IntArray, which: int) -> FloatArray:
        """Take each event's own security out of a benchmark of which it is a part."""
        weights = self.own_weights[which]
        if weights is None:
            return benchmark
        w = weights[self.column][:, None] if weights.ndim == 1 else weights[at, self.column[:, None]]
        return without_own(benchmark, w, raw)


def without_own(benchmark: FloatArray, weight: FloatArray, raw: FloatArray) -> FloatArray:
    """Return ``(R_b - w R_i) / (1 - w)``: the benchmark without the security, where it is a part of it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, (benchmark - weight * raw) / (1 - weight), benchmark)
