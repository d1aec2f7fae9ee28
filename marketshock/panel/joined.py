"""Events of several markets, or with windows of their own, joined from one panel per market and pair of windows.

Nothing is put on one axis: a part is exactly the panel of its market, and its numbers are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from .._typing import BoolArray, DateArray, FloatArray, IntArray
from ..catalog.table import EventTable
from ..models.base import ModelFit
from ..windows import BLOCK, Intervals, Window, WindowData
from .abnormal import Abnormal
from .event_panel import EventPanel, NamedEvents


@dataclass(frozen=True, eq=False, repr=False)
class JoinedPanel(NamedEvents):
    """E events as parts, each a panel on its own market's sessions, in the order of the table.

    Days of the event windows are counted from each event's own day 0; a day outside an event's own window is masked.

    Attributes
    ----------
    parts : tuple of EventPanel
        One per market and pair of windows; each has the whole table.
    part, place : ndarray of shape (E,), int
        Which part an event is in, and its place there.
    """

    parts: tuple[EventPanel, ...]
    part: IntArray
    place: IntArray

    @classmethod
    def of(cls, parts: Sequence[EventPanel]) -> JoinedPanel:
        """Join panels of one table in the order of their events."""
        position = np.concatenate([p.position for p in parts])
        part = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
        place = np.concatenate([np.arange(len(p)) for p in parts])
        order = np.argsort(position, kind="stable")
        return cls(tuple(parts), part[order], place[order])

    def __len__(self) -> int:
        return len(self.part)

    def __repr__(self) -> str:
        return f"JoinedPanel: {len(self)} events in {len(self.parts)} parts, window {self.window}"

    @property
    def table(self) -> EventTable:  # type: ignore[override]
        """All events given."""
        return self.parts[0].table

    @cached_property
    def window(self) -> Window:
        """From the first day of any event window to the last."""
        return Window(min(p.window.first for p in self.parts), max(p.window.last for p in self.parts))

    @cached_property
    def estimation(self) -> Window:
        """From the first day of any estimation window to the last."""
        return Window(min(p.estimation.first for p in self.parts), max(p.estimation.last for p in self.parts))

    @property
    def n_given(self) -> int:
        """Number of events in the whole study."""
        return self.parts[0].n_given

    @property
    def calendars(self) -> tuple[str, ...]:
        """Names of the calendars, each once."""
        return tuple(dict.fromkeys(name for p in self.parts for name in p.calendars))

    @property
    def own_weights(self) -> tuple[FloatArray | None, ...]:
        """Those of all parts."""
        return tuple(weight for p in self.parts for weight in p.own_weights)

    @cached_property
    def position(self) -> IntArray:  # type: ignore[override]
        """Positions of the studied events in the table, (E,), increasing."""
        return np.asarray(self.gathered([p.position for p in self.parts]))

    @cached_property
    def column(self) -> IntArray:
        """Number of the security, (E,): the same number is the same security in every part."""
        return np.asarray(self.table.security[self.position], dtype=np.int64)

    @cached_property
    def session(self) -> DateArray:
        """Day 0 of each event on its own market's calendar, (E,), datetime64[D]."""
        return np.asarray(self.gathered([p.session for p in self.parts]))

    @property
    def row(self) -> IntArray:
        """Day 0 as days since 1970, (E,): the same number is the same date in every part."""
        return self.session.astype(np.int64)

    @cached_property
    def split(self) -> str:
        """Why the events share no days, for tests that need common ones."""
        markets = {(p.returns.sessions.name, p.returns.sessions.days.tobytes()) for p in self.parts}
        if len(markets) > 1:
            return f"the events lie in {len(markets)} markets with different sessions"
        if len({(p.window, p.estimation) for p in self.parts}) > 1:
            return "the events have windows of their own"
        return f"the events are held against {len(self.parts)} benchmarks"

    @property
    def shared_days(self) -> slice:
        """Days that all estimation windows share, as places in the joined estimation window."""
        first = max(p.estimation.first for p in self.parts) - self.estimation.first
        return slice(first, max(first, min(p.estimation.last for p in self.parts) - self.estimation.first + 1))

    @property
    def day_zero(self) -> int:
        """Place of day 0 among the event days; outside of them if it is none."""
        return -self.window.first

    def reach(self, days: slice) -> int:
        """Return the most calendar days that some event days of one event take, in the unit of `row`."""
        dates = self.dates(self.window)[:, days]
        numbers = dates.astype(np.int64)
        inside = self.asked[:, days] & ~np.isnat(dates)
        last = np.where(inside, numbers, np.iinfo(np.int64).min).max(axis=1, initial=np.iinfo(np.int64).min)
        first = np.where(inside, numbers, np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max)
        some = inside.any(axis=1)
        return int((last[some] - first[some]).max(initial=0)) + 1

    def intervals(self) -> tuple[Intervals, IntArray, IntArray]:
        """Return when returns were earned, and which interval each day of both windows is, (E, M) and (E, L).

        Of days outside an event's own window, and beyond the data, the interval means nothing.
        """
        made = [p.intervals() for p in self.parts]
        of = Intervals(*(np.concatenate(arrays) for arrays in zip(*(m[0] for m in made), strict=True)))
        begin = np.cumsum([0, *(len(m[0].start) for m in made[:-1])])
        estimation, window = (
            self._spread([b + m[k] for b, m in zip(begin, made, strict=True)], whole, windows, 0)
            for k, whole, windows in (
                (1, self.estimation, [p.estimation for p in self.parts]),
                (2, self.window, [p.window for p in self.parts]),
            )
        )
        return of, estimation, window

    @property
    def ahead(self) -> IntArray:
        """Sessions from the last estimation day of the joined windows to each event day, (L,)."""
        return self.window.offsets() - self.estimation.last

    @cached_property
    def asked(self) -> BoolArray:
        """Days that lie in each event's own window, (E, L)."""
        return np.asarray(self.over_days([p.asked for p in self.parts], False))

    @cached_property
    def estimation_data(self) -> WindowData:
        """The estimation windows, (E, M): days outside an event's own window are masked."""
        windows = [p.estimation for p in self.parts]
        return self._data([p.estimation_data for p in self.parts], self.estimation, windows)

    @cached_property
    def event_data(self) -> WindowData:
        """The event windows, (E, L): days outside an event's own window are masked."""
        return self._data([p.event_data for p in self.parts], self.window, [p.window for p in self.parts])

    @cached_property
    def event_span(self) -> IntArray | None:
        """Sessions that the return of each event day covers, (E, L); None where each covers one."""
        return self._spans([p.event_span for p in self.parts], self.window, [p.window for p in self.parts])

    @cached_property
    def shift(self) -> IntArray | None:
        """Sessions from the event to day 0, which a halt may move, (E,); None where no day 0 was moved."""
        parts = [p.shift for p in self.parts]
        if all(part is None for part in parts):
            return None
        moved = [np.zeros(len(p), np.int64) if p.shift is None else p.shift for p in self.parts]
        return np.asarray(self.gathered(moved))

    def n_unexplained(self) -> IntArray:
        """Return the days of both windows with a return of the security but without one of the benchmark, (E,)."""
        return np.asarray(self.gathered([p.n_unexplained() for p in self.parts]))

    def dates(self, window: Window) -> DateArray:
        """Return the sessions of the days of a window, (E, n), NaT beyond the data."""
        return np.asarray(self.gathered([p.dates(window) for p in self.parts]))

    def total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
        """Sum the first P regressors over the event days in the mask, (E, n) -> (E, P)."""
        parts = []
        for k, p in enumerate(self.parts):
            inner, outer = self._shared(days, p.window)
            chosen = mask[self._where(k)][:, outer]
            empty = inner.stop <= inner.start
            parts.append(np.zeros((len(p), n_params)) if empty else p.total_x(inner, chosen, n_params))
        return np.asarray(self.gathered(parts))

    def realised(self, days: slice) -> FloatArray:
        """Return the decimal returns on some event days, (E, n), NaN where missing or outside of the own window."""
        out = np.full((len(self), days.stop - days.start if days.stop is not None else len(self.window)), np.nan)
        for k, p in enumerate(self.parts):
            inner, outer = self._shared(days, p.window)
            if inner.stop > inner.start:
                out[self._where(k), outer] = p.realised(inner)
        return out

    def take(self, events: IntArray | BoolArray | slice) -> JoinedPanel | EventPanel:
        """Return the panel of a subset of the events: a plain panel where they are all of one part."""
        part, place = self.part[events], self.place[events]
        used = np.unique(part)
        if len(used) == 1 and self.parts[used[0]].window == self.window:
            return self.parts[int(used[0])].take(place)
        parts = tuple(self.parts[k].take(place[part == k]) for k in used)
        renumbered = np.empty(len(part), dtype=np.int64)
        for k in used:
            renumbered[part == k] = np.arange(np.count_nonzero(part == k))
        panel: JoinedPanel = replace(self, parts=parts, part=np.searchsorted(used, part), place=renumbered)
        panel.__dict__["window"] = self.window  # days under test are counted from the first day of the whole study
        return panel

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[slice, JoinedPanel | EventPanel]]:
        """Yield parts of at most `size` events."""
        for lo in range(0, len(self), size):
            part = slice(lo, min(lo + size, len(self)))
            yield part, self if len(self) <= size else self.take(part)

    def gathered(self, parts: Sequence[Any]) -> Any:
        """Return arrays by part, (E_k, ...), as one array by event, (E, ...)."""
        out = np.empty((len(self), *parts[0].shape[1:]), dtype=np.result_type(*(p.dtype for p in parts)))
        for k, values in enumerate(parts):
            at = self.part == k
            out[at] = values[self.place[at]]
        return out

    def over_days(self, parts: Sequence[Any], fill: object) -> Any:
        """Return arrays by part and day of its event window, (E_k, L_k), as one over all days, (E, L)."""
        return self._spread(parts, self.window, [p.window for p in self.parts], fill)

    def _where(self, k: int) -> IntArray:
        """Return the places of the events of a part, in the order of the part."""
        at = np.flatnonzero(self.part == k)
        out = np.empty(len(at), dtype=np.int64)
        out[self.place[at]] = at
        return out

    def _shared(self, days: slice, window: Window) -> tuple[slice, slice]:
        """Return which days of a part's window, and which of the days asked for, are in both."""
        start, stop, _ = days.indices(len(self.window))
        shift = window.first - self.window.first
        lo, hi = max(start, shift), max(max(start, shift), min(stop, shift + len(window)))
        return slice(lo - shift, hi - shift), slice(lo - start, hi - start)

    def _spread(self, parts: Sequence[Any], whole: Window, windows: Sequence[Window], fill: object) -> Any:
        """Return arrays by part and day, (E_k, L_k, ...), as one over all days, (E, L, ...)."""
        shape = (len(self), len(whole), *parts[0].shape[2:])
        out = np.full(shape, fill, dtype=parts[0].dtype)
        for k, (values, window) in enumerate(zip(parts, windows, strict=True)):
            lo = window.first - whole.first
            out[self._where(k), lo : lo + len(window)] = values
        return out

    def _spans(self, spans: Sequence[IntArray | None], whole: Window, windows: Sequence[Window]) -> IntArray | None:
        """Return how many sessions returns cover over all days, 1 where nobody asks; None where each covers one."""
        if all(span is None for span in spans):
            return None
        shapes = [(len(p), len(w)) for p, w in zip(self.parts, windows, strict=True)]
        full = [np.ones(n, np.int64) if s is None else s for s, n in zip(spans, shapes, strict=True)]
        return np.asarray(self._spread(full, whole, windows, 1))

    def _data(self, data: Sequence[WindowData], whole: Window, windows: Sequence[Window]) -> WindowData:
        values = {
            name: self._spread([getattr(d, name) for d in data], whole, windows, fill)
            for name, fill in (("y", np.nan), ("x", np.nan), ("offset", np.nan), ("mask", False))
        }
        days = [p.dates(w).astype(np.int64) for p, w in zip(self.parts, windows, strict=True)]
        rows = self._spread(days, whole, windows, np.iinfo(np.int64).min)
        span, root = self._spans([d.span for d in data], whole, windows), None
        if any(d.root is not None for d in data):
            full = [np.ones(d.y.shape) if d.root is None else d.root for d in data]
            root = self._spread(full, whole, windows, 1.0)
        return WindowData(**values, rows=rows, span=span, root=root)


def joined_fit(panel: JoinedPanel, fits: Sequence[ModelFit]) -> ModelFit:
    """Return the fits of the parts in the order of the events, with the variance of every joined event day."""
    steady = all(f.sigma2_days.strides[1] == 0 for f in fits)
    names = ("params", "cov_params", "sigma2", "dof", "n_obs", "residual_mean", "problem")
    values = {name: panel.gathered([getattr(f, name) for f in fits]) for name in names}
    sigma2 = values["sigma2"]
    if steady:
        daily = np.broadcast_to(sigma2[:, None], (len(panel), len(panel.window)))
    else:
        daily = panel.over_days([np.asarray(f.sigma2_days) for f in fits], np.nan)
        daily = np.where(np.isnan(daily), sigma2[:, None], daily)
    return ModelFit(sigma2_days=daily, **values)


@dataclass(frozen=True, slots=True)
class _Variances:
    """Callable that gathers the variances of abnormal returns of all parts, (E, L)."""

    panel: JoinedPanel
    abnormal: tuple[Abnormal, ...]

    def __call__(self, events: IntArray | None) -> FloatArray:
        whole = self.panel.over_days([a.variance for a in self.abnormal], np.nan)
        return whole if events is None else np.asarray(whole[events])


def joined_abnormal(panel: JoinedPanel, abnormal: Sequence[Abnormal]) -> Abnormal:
    """Return the abnormal returns of the parts in the order of the events, NaN outside of an event's own window."""
    return Abnormal(panel.over_days([a.ar for a in abnormal], np.nan), _Variances(panel, tuple(abnormal)))


AnyPanel: TypeAlias = EventPanel | JoinedPanel
