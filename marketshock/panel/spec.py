"""The options of a study, validated when made."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from .._typing import CALENDARS, DUPLICATES, ON_CLOSED, CalendarName, Duplicates, OnClosed
from ..errors import InputError, check_choice
from ..models.base import ReturnModel
from ..windows import Window, check_disjoint


@dataclass(frozen=True, slots=True)
class StudySpec:
    """Everything that was chosen in a study; the same spec on the same data gives the same numbers.

    Attributes
    ----------
    model : ReturnModel
        Model of the normal return.
    window, estimation : Window
        Trading days relative to day 0, both ends included.
    min_obs, min_event_obs : int
        Returns an event needs in the estimation and in the event window.
    on_closed : {"raise", "next", "previous", "drop"}
        What to do with a date on which the market was closed.
    duplicates : {"exclude", "keep"}
        What to do with a second event of the same security and session.
    calendar : {"auto", "NYSE", "index"}
        On which sessions days are counted.
    log : bool
        Log instead of simple returns.
    factor_vintage : str
        Vintage of the factors read, as their frame says in ``attrs["vintage"]``; "" if it does not, or without factors.
    """

    model: ReturnModel
    window: Window
    estimation: Window
    min_obs: int
    min_event_obs: int
    on_closed: OnClosed
    duplicates: Duplicates
    calendar: CalendarName
    log: bool
    factor_vintage: str = ""

    def __post_init__(self) -> None:
        check_disjoint(self.estimation, self.window)
        check_choice("on_closed", self.on_closed, ON_CLOSED)
        check_choice("duplicates", self.duplicates, DUPLICATES)
        check_choice("calendar", self.calendar, CALENDARS)
        bounds = (
            ("min_obs", self.min_obs, self.estimation),
            ("min_event_obs", self.min_event_obs, self.window),
        )
        for name, value, window in bounds:
            if not isinstance(value, int) or not 1 <= value <= len(window):
                raise InputError(
                    name, f"got {value!r}, the window {window} has {len(window)} days", "give 1 to that number"
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain values, ready for JSON."""
        return {
            "model": _plain(self.model),
            "window": [self.window.first, self.window.last],
            "estimation": [self.estimation.first, self.estimation.last],
            "min_obs": self.min_obs,
            "min_event_obs": self.min_event_obs,
            "on_closed": self.on_closed,
            "duplicates": self.duplicates,
            "calendar": self.calendar,
            "log": self.log,
            "factor_vintage": self.factor_vintage or None,
        }


def _plain(value: Any) -> Any:
    """Return a model, or a part of one, as plain values; each with the name of its class."""
    if is_dataclass(value):
        return {"class": type(value).__name__, **{f.name: _plain(getattr(value, f.name)) for f in fields(value)}}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
