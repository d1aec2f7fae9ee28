"""Windows in trading days relative to the event day, both ends included."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ._typing import BoolArray, FloatArray, IntArray
from .errors import WindowError

BLOCK = 2048  # events per block of gathered windows: a few megabytes per array
_FURTHEST = 20_000  # trading days, about eighty years


@dataclass(frozen=True, slots=True)
class Window:
    """Trading days `first` to `last` relative to day 0, both included."""

    first: int
    last: int

    @classmethod
    def of(cls, parameter: str, value: object) -> Window:
        """Make a window from a pair of whole numbers.

        Raises
        ------
        WindowError
            If `value` is not a pair of integers in order, or reaches too far from day 0.
        """
        try:
            first, last = (operator.index(day) for day in value)  # type: ignore[attr-defined]
        except (TypeError, ValueError) as error:
            remedy = "give two whole numbers of trading days such as (-1, 5)"
            raise WindowError(parameter, f"got {value!r}", remedy) from error
        if first > last:
            raise WindowError(parameter, f"starts on day {first}, after its end on day {last}", "give (first, last)")
        if max(-first, last) > _FURTHEST:
            raise WindowError(
                parameter, f"({first}, {last}) reaches beyond {_FURTHEST} trading days", "give a window closer to day 0"
            )
        return cls(first, last)

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"({self.first}, {self.last})"

    def offsets(self) -> IntArray:
        """Return the days of the window relative to day 0, (n,)."""
        return np.arange(self.first, self.last + 1)


class Intervals(NamedTuple):
    """When returns were earned, (D,) int each: after `start`, up to and including `end`."""

    start: IntArray  # seconds since 1970, UTC
    end: IntArray  # seconds since 1970, UTC
    label: IntArray  # session, as days since 1970


@dataclass(frozen=True, slots=True)
class WindowData:
    """Arrays of one window for all events."""

    y: FloatArray  # (E, n): return minus offset (decimal); NaN where the mask is False
    x: FloatArray  # (E, n, K): regressors of the model, the constant first
    offset: FloatArray  # (E, n): decimal return subtracted from the return (0 without an offset)
    mask: BoolArray  # (E, n), bool: True on days with a return and all regressors
    rows: IntArray  # (E, n), int: session ordinals; equal ordinals are the same date
    span: IntArray | None = None  # (E, n), int: sessions that each return covers; None where each covers one
    root: FloatArray | None = None  # (E, n): what y and x are divided by to have one variance; None for nothing

    def total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
        """Sum the first P regressors over the days in the mask, (E, n) -> (E, P)."""
        return np.asarray(np.where(mask[:, :, None], self.x[:, days, :n_params], 0.0).sum(axis=1))

    def take(self, events: IntArray | BoolArray | slice) -> WindowData:
        """Return the window of a subset of the events."""
        parts = (self.y, self.x, self.offset, self.mask, self.rows, self.span, self.root)
        return WindowData(*(None if part is None else part[events] for part in parts))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ArrayWindows:
    """Both windows of E events, given as arrays. An `EventPanel` gathers them from its returns instead."""

    estimation_data: WindowData
    event_data: WindowData

    @property
    def split(self) -> str:
        """Why the events share no days: never."""
        return ""

    @property
    def asked(self) -> BoolArray:
        """Days that lie in each event's own window, (E, L): all of them."""
        return np.broadcast_to(np.True_, self.event_data.y.shape)

    @property
    def shared_days(self) -> slice:
        """Days that all estimation windows share, as places in the estimation window."""
        return slice(0, self.estimation_data.y.shape[1])

    @property
    def day_zero(self) -> int:
        """Place of day 0 among the event days, unknown here."""
        raise NotImplementedError

    def reach(self, days: slice) -> int:
        """Return the number of some event days."""
        return len(range(*days.indices(self.event_data.y.shape[1])))

    def total_x(self, days: slice, mask: BoolArray, n_params: int) -> FloatArray:
        """Sum the first P regressors over the event days in the mask, (E, n) -> (E, P)."""
        return self.event_data.total_x(days, mask, n_params)

    def realised(self, days: slice) -> FloatArray:
        """Return the decimal returns on some event days, (E, n), NaN where missing."""
        return self.event_data.y[:, days] + self.event_data.offset[:, days]

    def take(self, events: IntArray | BoolArray | slice) -> ArrayWindows:
        """Return the windows of a subset of the events."""
        return ArrayWindows(self.estimation_data.take(events), self.event_data.take(events))

    @property
    def shift(self) -> IntArray | None:
        """Sessions by which a halt moved day 0 away from its estimation window, (E,): never."""
        return None

    @property
    def event_span(self) -> IntArray | None:
        """Sessions that the return of each event day covers, (E, L); None where each covers one."""
        return self.event_data.span


def check_disjoint(estimation: Window, event: Window) -> None:
    """Check that the estimation window ends before the event window starts.

    A model fitted to event days would absorb part of the abnormal return. Raises `WindowError` if the windows overlap,
    or the estimation window comes after the event window.
    """
    if estimation.last >= event.first:
        raise WindowError(
            "estimation",
            f"{estimation} reaches into the event window {event}",
            f"end it on day {event.first - 1} or before",
        )


def days_of(whole: Window, first: int | None, last: int | None, parameter: str = "window") -> Window:
    """Return the days `first` to `last` of an event window, or the whole window if both are None.

    Raises `WindowError` if only one is given, they are not whole numbers in order, or they are not inside the event
    window.
    """
    if first is None and last is None:
        return whole
    if first is None or last is None:
        given = first if last is None else last
        pair = given if isinstance(given, tuple) else (given, given)
        remedy = f"give the first and the last day as two arguments: {', '.join(map(str, pair))}"
        raise WindowError(parameter, f"got {given!r} alone", remedy)
    window = Window.of(parameter, (first, last))
    check_inside(parameter, window, whole)
    return window


def check_inside(parameter: str, part: Window, whole: Window) -> None:
    """Raise `WindowError` unless `part` lies inside the event window of the study."""
    if part.first < whole.first or part.last > whole.last:
        raise WindowError(
            parameter, f"{part} is not inside the event window of the study, {whole}", "widen window= in event_study"
        )
