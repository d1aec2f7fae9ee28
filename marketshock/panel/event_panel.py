"""Events as positions in a matrix of returns. All later steps work on arrays of shape (event, day)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._typing import BoolArray, DateArray, FloatArray, IntArray, StrArray
from ..catalog.table import EventTable
from ..windows import BLOCK, Intervals, Window, WindowData
from .returns import Returns
from .spans import OverGaps

_DAY = np.timedelta64(86_400, "s")


class DesignSums:
    """Sums of the regressors over the days of a window, for every possible row of day 0.

    Attributes
    ----------
    finite : ndarray of shape (T, K)
        Regressors, with 0 for missing values.
    """

    def __init__(self, design: FloatArray) -> None:
        self.finite = np.where(np.isfinite(design), design, 0.0)
        none = np.ones((len(design), 1), dtype=bool)
        self._there: BoolArray = np.logical_and.accumulate(np.hstack([none, np.isfinite(design)]), axis=1)
        self._known: dict[tuple[int, int], FloatArray] = {}

    def there(self, n_regressors: int) -> BoolArray:
        """Return the sessions on which the first `n_regressors` regressors are all finite, (T,)."""
        return self._there[:, n_regressors]

    def total(self, offsets: IntArray) -> FloatArray:
        """Return the sums over consecutive days relative to day 0, (T, K); days beyond the data repeat its ends."""
        key = int(offsets[0]), int(offsets[-1])
        if key not in self._known:
            out, row = np.zeros(self.finite.shape), np.arange(len(self.finite))
            for offset in offsets:
                out += self.finite[np.clip(row + offset, 0, len(row) - 1)]
            self._known[key] = out
        return self._known[key]


class NamedEvents:
    """The names of a panel's events: what is read of the table at their positions."""

    table: EventTable
    position: IntArray

    @cached_property
    def event_id(self) -> StrArray:
        """Event id, the key of an event, (E,), object."""
        return self.table.event_id[self.position]

    @cached_property
    def ticker(self) -> StrArray:
        """Security, (E,), object."""
        return self.table.names[self.table.security[self.position]]

    @cached_property
    def event(self) -> StrArray:
        """Catalog or user event to which each row belongs, (E,), object."""
        return self.table.event[self.position]

    @property
    def group(self) -> StrArray:
        """User-defined group, "" if none, (E,), object."""
        return self.table.group[self.position]


@dataclass(frozen=True, eq=False, repr=False)
class EventPanel(NamedEvents):
    """E studied events as positions in a matrix of returns.

    Windows are gathered from the matrix on access, so that events can be processed in blocks of limited memory.

    Attributes
    ----------
    table : EventTable
        All events given.
    position : ndarray of shape (E,), int
        Positions of the studied events in the table, increasing.
    row : ndarray of shape (E,), int
        Session ordinal of day 0.
    column : ndarray of shape (E,), int
        Security, as a column of `returns`.
    returns : Returns
        Decimal returns of all securities and factors.
    design : ndarray of shape (T, K)
        Regressors of the model on every session, the constant first; NaN where missing.
    offset : ndarray of shape (T,)
        Decimal return subtracted from every return (0 without an offset).
    own_weights : tuple of (ndarray or None)
        For the offset and each column of `design`: weights of the securities in it, (S,) or (T, S), if each security is
        to be removed from its own benchmark; else None.
    n_params : int
        Number of regressors needed on event days.
    estimation, window : Window
        Trading days relative to day 0.
    by_date : DesignSums
        Sums of `design` over windows, shared by all panels derived from this one.
    n_given : int
        Number of events in the whole study, of which this panel may be a part.
    over_gaps : OverGaps or None
        Regressors of the returns that cover several sessions; None where none does.
    shift : ndarray of shape (E,), int, or None
        Sessions from the event to day 0, which a halt may move; the estimation window stays with the event. None where
        no day 0 was moved.
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
    over_gaps: OverGaps | None = None
    shift: IntArray | None = None

    def __len__(self) -> int:
        return len(self.position)

    def __repr__(self) -> str:
        return f"EventPanel: {len(self)} events, estimation {self.estimation}, window {self.window}"

    @property
    def session(self) -> DateArray:
        """Day 0 of each event, (E,), datetime64[D]."""
        return self.returns.days[self.row]

    @property
    def parts(self) -> tuple[EventPanel, ...]:
        """The panel itself: its events are of one market and have the same windows."""
        return (self,)

    @property
    def calendars(self) -> tuple[str, ...]:
        """Name of the calendar."""
        return (self.returns.sessions.name,)

    @property
    def asked(self) -> BoolArray:
        """Days that lie in each event's own window, (E, L): all of them."""
        return np.broadcast_to(np.True_, (len(self), len(self.window)))

    def dates(self, window: Window) -> DateArray:
        """Return the sessions of the days of a window, (E, n), NaT beyond the data."""
        rows = self.window_rows(window)
        inside = (rows >= 0) & (rows < len(self.returns.days))
        days = self.returns.days[np.clip(rows, 0, len(self.returns.days) - 1)]
        return np.where(inside, days, np.datetime64("NaT"))

    @property
    def split(self) -> str:
        """Why the events share no days, for tests that need common ones: "" here."""
        return ""

    @property
    def shared_days(self) -> slice:
        """Days that all estimation windows share, as places in the estimation window."""
        return slice(0, len(self.estimation))

    @property
    def day_zero(self) -> int:
        """Place of day 0 among the event days; outside of them if it is none."""
        return -self.window.first

    def reach(self, days: slice) -> int:
        """Return the number of some event days."""
        return len(range(*days.indices(len(self.window))))

    def intervals(self) -> tuple[Intervals, IntArray, IntArray]:
        """Return when returns were earned, and which interval each day of both windows is, (E, M) and (E, L).

        An interval for each session, then one for each return over a gap. A calendar without closing times closes at
        the end of the day; of days beyond the data the interval means nothing.
        """
        sessions, days = self.returns.sessions, self.returns.days
        closes = sessions.closes if sessions.closes is not None else sessions.days.astype("datetime64[s]") + _DAY
        row, n = np.arange(len(days)), np.ones(len(days), dtype=np.int64)
        if self.over_gaps is not None:
            ends, spans = OverGaps.pairs(self.over_gaps.keys)
            row, n = np.concatenate([row, ends]), np.concatenate([n, spans])
        at = row + int(np.searchsorted(sessions.days, days[0]))
        before = np.where(at >= n, closes[np.maximum(at - n, 0)], closes[at] - n * _DAY)
        start, end = (a.astype("datetime64[s]").astype(np.int64) for a in (before, closes[at]))
        of = Intervals(start, end, days[row].astype(np.int64))
        return of, self._interval(self.estimation), self._interval(self.window)

    def _interval(self, window: Window) -> IntArray:
        rows, last = self.window_rows(window), len(self.returns.days) - 1
        out = np.clip(rows, 0, last)
        if self.over_gaps is not None:
            span = self._spans(rows)
            over = span > 1
            out[over] = last + 1 + self.over_gaps.at(rows[over], span[over])
        return out

    @property
    def ahead(self) -> IntArray:
        """Sessions from the last estimation day to each event day, (L,)."""
        return self.window.offsets() - self.estimation.last

    @cached_property
    def estimation_data(self) -> WindowData:
        """The estimation window, (E, M).

        Where the variance of a return grows with its sessions n, y and x are divided by ``sqrt n``: their least squares
        are those with weights 1/n.
        """
        data = self._gather(self.estimation, self.design.shape[1])
        if data.span is None or self.over_gaps is None or not self.over_gaps.by_time or (data.span == 1).all():
            return data
        root = np.sqrt(data.span)
        return replace(data, y=data.y / root, x=data.x / root[:, :, None], root=root)

    @cached_property
    def event_data(self) -> WindowData:
        """The event window, (E, L)."""
        return self._gather(self.window, self.n_params)

    def total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
        """Sum the first P regressors over the event days in the mask, (E, n) -> (E, P).

        If no event has its own regressors, the sum over all days depends only on the date, unless a return covers more
        than its day.
        """
        out = self._total_x(days, mask, n_params)
        if self.event_span is not None:
            own = np.flatnonzero((mask & (self.event_span[:, days] > 1)).any(axis=1))
            if len(own):
                out[own] = self.take(own).event_data.total_x(days, mask[own], n_params)
        return out

    def _total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
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
        """Return the decimal returns on some event days, (E, n), NaN where missing."""
        rows = self.row[:, None] + self.window.offsets()[days]
        last = len(self.returns.days) - 1
        if self.over_gaps is not None and self.over_gaps.reopened_only:
            return np.where(np.isnan(self.event_data.y), np.nan, self.event_data.y + self.event_data.offset)[:, days]
        if (rows[:, 0] >= 0).all() and (rows[:, -1] <= last).all():
            return np.asarray(self.returns.values[rows, self.column[:, None]])
        raw = self.returns.values[np.clip(rows, 0, last), self.column[:, None]]
        return np.where((rows >= 0) & (rows <= last), raw, np.nan)

    def take(self, events: IntArray | BoolArray | slice) -> EventPanel:
        """Return the panel of a subset of the events."""
        names = ("position", "row", "column", *(("shift",) if self.shift is not None else ()))
        return replace(self, **{name: getattr(self, name)[events] for name in names})

    def restricted(self, columns: IntArray) -> EventPanel:
        """Return the panel with the returns of some securities only; `columns` is sorted and covers all its events.

        The event table is dropped, so that little data is sent to another process.
        """
        returns = self.returns
        values = np.asfortranarray(returns.values[:, columns])
        names = tuple(returns.names[c] for c in columns)
        own = tuple(w if w is None else np.asarray(w[..., columns]) for w in self.own_weights)
        spans = None if returns.spans is None else returns.spans[:, columns]
        kept = replace(returns, names=names, values=values, factor_names=(), factors=None, levels=None, spans=spans)
        return replace(
            self,
            table=self.table.take(np.empty(0, dtype=np.int64)),
            position=np.arange(len(self)),
            column=np.searchsorted(columns, self.column),
            returns=kept,
            own_weights=own,
        )

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[slice, EventPanel]]:
        """Yield parts of at most `size` events; a panel that is not larger is returned whole."""
        if len(self) <= size:
            yield slice(0, len(self)), self
            return
        for lo in range(0, len(self), size):
            part = slice(lo, min(lo + size, len(self)))
            yield part, self.take(part)

    @cached_property
    def event_span(self) -> IntArray | None:
        """Sessions that the return of each event day covers, (E, L); None where each covers one."""
        return None if self.over_gaps is None else self._spans(self.window_rows(self.window))

    @property
    def _explained(self) -> BoolArray:
        """Sessions on which the benchmark has a return, (T,)."""
        return np.isfinite(self.offset) & self.by_date.there(self.n_params)

    def n_unexplained(self) -> IntArray:
        """Return the days of both windows with a return of the security but without one of the benchmark, (E,)."""
        if self._explained.all():
            return np.zeros(len(self), dtype=np.int64)
        windows = (self.estimation, self.window)
        return np.concatenate([sum(b.unexplained(w).sum(axis=1) for w in windows) for _, b in self.blocks()])

    def unexplained(self, window: Window) -> BoolArray:
        """Return the days with a return of the security but without one of the benchmark, (E, n).

        Leads and lags are not required: a day next to a gap or at an end of the data only drops out of the estimation.
        """
        rows, known = self.window_rows(window), self._explained
        if known.all():
            return np.zeros(rows.shape, dtype=bool)
        at = np.clip(rows, 0, len(known) - 1)
        explained = known[at]
        has_return = np.isfinite(self.returns.values[at, self.column[:, None]]) & (at == rows)
        if self.over_gaps is not None:
            span = self._spans(rows)
            i, t = np.nonzero(span > 1)
            explained[i, t] = self.over_gaps.known(at[i, t], span[i, t], self.n_params)
            has_return &= ~self._dropped(rows)
        return np.asarray(has_return & ~explained)

    def window_rows(self, window: Window) -> IntArray:
        """Return the session ordinals of a window, (E, n)."""
        day_zero = self.row - self.shift if self.shift is not None and window == self.estimation else self.row
        return np.asarray(day_zero[:, None] + window.offsets())

    def _spans(self, rows: IntArray) -> IntArray:
        """Return how many sessions the returns on some sessions cover, (E, n); 1 where they are dropped."""
        span = self._all_spans(rows)
        reopened_only = self.over_gaps is not None and self.over_gaps.reopened_only
        return np.where(self._dropped(rows), 1, span) if reopened_only else span

    def _all_spans(self, rows: IntArray) -> IntArray:
        assert self.returns.spans is not None
        inside = (rows >= 0) & (rows < len(self.returns.days))
        at = np.clip(rows, 0, len(self.returns.days) - 1)
        return np.where(inside, self.returns.spans[at, self.column[:, None]], 1)

    def _dropped(self, rows: IntArray) -> BoolArray:
        """Return which returns over gaps do not count: all but that of a moved day 0, where gaps are missing days."""
        if self.over_gaps is None or not self.over_gaps.reopened_only:
            return np.zeros(rows.shape, dtype=bool)
        over = self._all_spans(rows) > 1
        if self.shift is None:
            return np.asarray(over)
        return np.asarray(over & ~((rows == self.row[:, None]) & (self.shift > 0)[:, None]))

    def _gather(self, window: Window, n_regressors: int) -> WindowData:
        rows = self.window_rows(window)
        inside = (rows >= 0) & (rows < len(self.returns.days))
        at = np.clip(rows, 0, len(self.returns.days) - 1)
        raw = self.returns.values[at, self.column[:, None]]
        offset, x = self.offset[at], self.design[at][:, :, :n_regressors]
        # A benchmark without the security is missing wherever the security or the benchmark is missing.
        known, span = self.by_date.there(n_regressors)[at], None
        if self.over_gaps is not None:
            span, raw = self._spans(rows), np.where(self._dropped(rows), np.nan, raw)
            i, t = np.nonzero(span > 1)
            pair = self.over_gaps.at(at[i, t], span[i, t])
            offset[i, t], x[i, t] = self.over_gaps.offset[pair], self.over_gaps.design[pair, :n_regressors]
            known[i, t] = np.isfinite(x[i, t]).all(axis=1)
        offset = self._without_own(offset, raw, at, 0)
        for k in range(n_regressors):
            x[:, :, k] = self._without_own(x[:, :, k], raw, at, k + 1)
        y = raw - offset
        mask = inside & np.isfinite(y) & known
        return WindowData(np.where(mask, y, np.nan), x, offset, mask, rows, span)

    def _without_own(self, benchmark: FloatArray, raw: FloatArray, at: IntArray, which: int) -> FloatArray:
        """Remove the security of each event from a benchmark that contains it."""
        weights = self.own_weights[which]
        if weights is None:
            return benchmark
        w = weights[self.column][:, None] if weights.ndim == 1 else weights[at, self.column[:, None]]
        return without_own(benchmark, w, raw)


def without_own(benchmark: FloatArray, weight: FloatArray, raw: FloatArray) -> FloatArray:
    """Return the benchmark without the security, ``(R_b - w R_i) / (1 - w)``; unchanged where ``w`` is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, (benchmark - weight * raw) / (1 - weight), benchmark)
