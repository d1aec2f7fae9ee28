"""Options of a study, validated on creation."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from .._typing import DUPLICATES, GAPS, ON_CLOSED, ON_HALT, CalendarName, Duplicates, Gaps, OnClosed, OnHalt
from ..errors import Argument, InputError, Words, check_choice, check_count, check_flag
from ..markets import check_calendar
from ..models.base import ReturnModel, can_scale, gaps_refused
from ..windows import Window, check_disjoint


@dataclass(frozen=True, slots=True)
class StudySpec:
    """All options of a study; the same spec on the same data gives the same numbers.

    Attributes
    ----------
    model : ReturnModel
        Model of the normal return.
    window, estimation : Window
        Trading days relative to day 0, both ends included.
    min_obs, min_event_obs : int
        Minimum number of returns in the estimation and in the event window.
    on_closed : {"raise", "next", "previous", "drop"}
        Treatment of a date on which the market was closed.
    duplicates : {"exclude", "keep"}
        Treatment of a second event of the same security and session.
    calendar : str
        Calendar on which days are counted: "auto", "NYSE", "index", "24/7" or an exchange's code.
    log : bool
        True for log returns, False for simple returns.
    gaps : {"missing", "span", "trade_to_trade"}
        What becomes of the return over sessions without a price.
    on_halt : {"keep", "reopen", "exclude"}
        Treatment of an event on whose day the security has no price.
    factor_vintage : str
        Vintage of the factors, from ``attrs["vintage"]`` of their frame; "" if missing or without factors.

    Raises
    ------
    WindowError
        If the estimation window overlaps the event window.
    ChoiceError
        If `on_closed`, `duplicates`, `calendar`, `log`, `gaps` or `on_halt` is not one of the allowed values.
    InputError
        If the model cannot be estimated from returns over several sessions, and `gaps` or `on_halt` asks for them.
        If `min_obs` or `min_event_obs` is not a whole number from 1 to the length of its window.
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
    gaps: Gaps = "missing"
    on_halt: OnHalt = "keep"

    def __post_init__(self) -> None:
        check_disjoint(self.estimation, self.window)
        check_choice("on_closed", self.on_closed, ON_CLOSED)
        check_choice("duplicates", self.duplicates, DUPLICATES)
        check_calendar("calendar", self.calendar)
        check_choice("gaps", self.gaps, GAPS)
        check_choice("on_halt", self.on_halt, ON_HALT)
        self._check_model()
        set_ = object.__setattr__  # the dataclass is frozen; NumPy's booleans and integers become Python's
        set_(self, "log", check_flag("log", self.log))
        bounds = (("min_obs", self.estimation), ("min_event_obs", self.window))
        for name, window in bounds:
            count = check_count(name, getattr(self, name), 1, len(window), f"the days of the window {window}")
            set_(self, name, count)

    def _check_model(self) -> None:
        """Refuse a model for which a return over several sessions has no clear meaning."""
        if self.gaps == "missing" and self.on_halt != "reopen":
            return
        name, value = ("on_halt", self.on_halt) if self.gaps == "missing" else ("gaps", self.gaps)
        why = gaps_refused(self.model)
        if why:
            remedy = Words("leave it out, or use MarketModel or FactorModel")
            raise InputError(name, f"{value!r} is not defined for {self.model.name}, which {why}", remedy)
        if self.gaps == "trade_to_trade" and not can_scale(self.model):
            remedy = Words("use ", Argument("gaps", "span"), ", or MarketModel, FactorModel or MarketAdjusted")
            raise InputError(name, f"{self.model.name} cannot be estimated from returns of unequal variance", remedy)

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
            "gaps": self.gaps,
            "on_halt": self.on_halt,
            "factor_vintage": self.factor_vintage or None,
        }


def _plain(value: Any) -> Any:
    """Return a model, or a part of one, as plain values with class names."""
    if is_dataclass(value):
        return {"class": type(value).__name__, **{f.name: _plain(getattr(value, f.name)) for f in fields(value)}}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
