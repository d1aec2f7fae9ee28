"""Windows in trading days relative to the event day, both ends included."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np

from ._typing import IntArray
from .errors import WindowError

_FURTHEST = 20_000  # trading days: eighty years


@dataclass(frozen=True, slots=True)
class Window:
    """Trading days `first` to `last` relative to day 0, both included."""

    first: int
    last: int

    @classmethod
    def of(cls, parameter: str, value: object) -> Window:
        """Read a window from a pair of whole numbers, checking order.

        Raises
        ------
        WindowError
            If `value` is no ordered pair of integers.
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
                parameter, f"({first}, {last}) reaches beyond {_FURTHEST} trading days", "give a nearer one"
            )
        return cls(first, last)

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"({self.first}, {self.last})"

    def offsets(self) -> IntArray:
        """Return the days of the window as an array."""
        return np.arange(self.first, self.last + 1)


def check_disjoint(estimation: Window, event: Window) -> None:
    """Raise unless the estimation window ends before the event window starts.

    A model fitted through the event absorbs part of it.
    """
    if estimation.last >= event.first:
        raise WindowError(
            "estimation",
            f"{estimation} reaches into the event window {event}",
            f"end it on day {event.first - 1} or before",
        )


def check_inside(parameter: str, part: Window, whole: Window) -> None:
    """Raise unless `part` lies inside the event window of the study."""
    if part.first < whole.first or part.last > whole.last:
        raise WindowError(
            parameter,
            f"{part} is not inside the study's event window {whole}",
            "widen window= in event_study",
        )
