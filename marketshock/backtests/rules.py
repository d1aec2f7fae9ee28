"""Rules: positions after an event, computed from the information before the fill.

A rule has a timing (`days`, `entry`, `exit`, `stop`, `target`) and computes weights from an information set. An order
filled in a session is decided on closes up to the session before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..errors import InputError, check_choice, check_count
from .baskets import LowVolatility, Pair
from .hedged import Hedged
from .information import EventInformation, InformationSet, Legs, single
from .market import Market
from .timing import SIDES, Rule, Side, Timed, is_number

__all__ = [
    "AfterDrop",
    "EventInformation",
    "Fade",
    "Follow",
    "Hedged",
    "HoldAfter",
    "InformationSet",
    "Legs",
    "LowVolatility",
    "Own",
    "Pair",
    "Rule",
]


@dataclass(frozen=True, kw_only=True)
class HoldAfter(Timed):
    """Hold each event's security, long or short, for some sessions.

    Attributes
    ----------
    side : {"long", "short"}
        Direction of the position.
    days, entry, exit, stop, target, delay
        As `Timed`.
    """

    side: Side = "long"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("side", self.side, SIDES)

    def legs(self, info: InformationSet) -> Legs:
        """Return one leg per event."""
        return single(info, np.full(len(info), 1.0 if self.side == "long" else -1.0), "")

    def __str__(self) -> str:
        return f"{self.side}, {self.when()}"


@dataclass(frozen=True, kw_only=True)
class _OnMove(Timed):
    """A rule that trades on the sign of day 0's return."""

    threshold: float = 0.0
    _sign: ClassVar[float]
    _verb: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        _needs_day_zero(self)
        if not is_number(self.threshold) or not 0 <= self.threshold < np.inf:
            raise InputError("threshold", f"got {self.threshold!r}", "give a decimal return, such as 0.02")

    def legs(self, info: InformationSet) -> Legs:
        """Return one leg per event that moved."""
        move = info.move()
        weight = self._sign * np.where(np.abs(move) >= self.threshold, np.sign(move), 0.0)
        weight[np.isnan(move)] = np.nan
        return single(info, weight, f"day 0 has no move{self._at_least}", "day 0 has no return")

    @property
    def _at_least(self) -> str:
        return f" of {100 * self.threshold:g} % or more" if self.threshold else ""

    def __str__(self) -> str:
        return f"{self._verb} day 0's move{self._at_least}, {self.when()}"


@dataclass(frozen=True, kw_only=True)
class Fade(_OnMove):
    """Trade against day 0's move: long after a fall, short after a rise.

    Attributes
    ----------
    threshold : float
        Smallest absolute return of day 0 (decimal) that is traded.
    days, entry, exit, stop, target, delay
        As `Timed`; `entry` must come after day 0.
    """

    _sign: ClassVar[float] = -1.0
    _verb: ClassVar[str] = "fade"


@dataclass(frozen=True, kw_only=True)
class Follow(_OnMove):
    """Trade with day 0's move: long after a rise, short after a fall.

    Attributes
    ----------
    threshold, days, entry, exit, stop, target, delay
        As `Fade`.
    """

    _sign: ClassVar[float] = 1.0
    _verb: ClassVar[str] = "follow"


@dataclass(frozen=True, kw_only=True)
class AfterDrop(Timed):
    """Buy after a fall of several times the stock's own trailing volatility.

    Without events the rule finds every such fall in the prices (`find`). Of given events it trades those with such a
    fall on day 0.

    Attributes
    ----------
    sigma : float
        Size of the fall, in units of the volatility (about zero) of the simple returns of the `window` sessions before.
    window : int
        Sessions of the volatility; each must have a return.
    side : {"long", "short"}
        "long" buys after the fall.
    days, entry, exit, stop, target, delay
        As `Timed`; `entry` must come after day 0.
    """

    sigma: float = 3.0
    window: int = 21
    side: Side = "long"

    def __post_init__(self) -> None:
        super().__post_init__()
        _needs_day_zero(self)
        check_choice("side", self.side, SIDES)
        if not is_number(self.sigma) or not 0 < self.sigma < np.inf:
            raise InputError("sigma", f"got {self.sigma!r}", "give a positive number, such as 3.0")
        check_count("window", self.window, 2)

    def find(self, market: Market) -> pd.DataFrame:
        """Return every such fall, with columns ticker and date."""
        sd = market.volatility(self.window, self.window)
        with np.errstate(invalid="ignore"):
            fell = (market.returns.values <= -self.sigma * sd) & (sd > 0)
        row, column = np.nonzero(fell)
        names = np.array(market.names, dtype=object)
        return pd.DataFrame({"ticker": names[column], "date": market.days[row].astype("datetime64[ns]")})

    def legs(self, info: InformationSet) -> Legs:
        """Return one leg per event with such a fall."""
        score = info.score(self.window)
        with np.errstate(invalid="ignore"):
            weight = np.where(score <= -self.sigma, 1.0 if self.side == "long" else -1.0, 0.0)
        weight[np.isnan(score)] = np.nan
        missing = f"day 0 has no return, or one of the {self.window} sessions before has none"
        return single(info, weight, f"day 0 has no fall of {self.sigma:g} times the volatility", missing)

    def unconditional(self) -> HoldAfter:
        """Return the same position without the condition, for random dates."""
        return HoldAfter(
            days=self.days, entry=self.entry, exit=self.exit, stop=self.stop, target=self.target, side=self.side
        )

    def __str__(self) -> str:
        return f"{self.side} after a fall of {self.sigma:g} sigma ({self.window} days), {self.when()}"


@dataclass(frozen=True, kw_only=True)
class Own(Timed):
    """A rule of your own: a function from the information set of an event to weights.

    Attributes
    ----------
    function : callable
        ``function(event)`` with an `EventInformation` returns the weight of the event's ticker (a number; True is 1),
        or a mapping or Series of ticker to weight; 0, False, None or an empty mapping for no trade. It is called once
        per event, with the returns up to the last close before the fill. Look-ahead in a function that reads prices
        from elsewhere cannot be detected.
    name : str
        Name for tables; by default that of the function.
    days, entry, exit, stop, target, delay
        As `Timed`.
    """

    function: Callable[[EventInformation], float | Mapping[str, float] | None]
    name: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function):
            raise InputError("function", f"got {self.function!r}", "give a function of one event")

    @property
    def reads_groups(self) -> bool:
        """True: the function may read the group of an event."""
        return True

    def legs(self, info: InformationSet) -> Legs:
        """Call the function with each event."""
        legs: list[tuple[int, int, float]] = []
        excluded: list[tuple[int, str, str]] = []
        for i, event in enumerate(info.events()):
            try:
                given = self.function(event)
            except Exception as error:
                error.add_note(f"in the function of rules.Own, at event {event.event_id}")
                raise
            weights = _weights(given, event)
            columns = info.market.columns("function", list(weights))
            taken = [(i, k, weight) for k, weight in zip(columns, weights.values(), strict=True) if weight]
            legs += taken
            if not taken:
                excluded.append((i, "no_signal", "the rule takes no position"))
        places, column = (np.array([leg[k] for leg in legs], dtype=np.int64) for k in (0, 1))
        return Legs(places, column, np.array([leg[2] for leg in legs]), excluded=tuple(excluded))

    def __str__(self) -> str:
        return f"{self.name or getattr(self.function, '__name__', 'own rule')}, {self.when()}"


def _weights(given: Any, event: EventInformation) -> dict[str, float]:
    if isinstance(given, (bool, np.bool_)):
        given = float(given)
    given = given.to_dict() if isinstance(given, pd.Series) else given
    weights = {event.ticker: given} if is_number(given) else {} if given is None else given
    if not isinstance(weights, Mapping) or not all(is_number(w) and np.isfinite(w) for w in weights.values()):
        raise InputError("function", f"returned {given!r} for {event.event_id}", "return a number, or ticker -> number")
    return {str(name): float(weight) for name, weight in weights.items()}


def _needs_day_zero(rule: Timed) -> None:
    if not rule.after_day_zero:
        what = f"got {rule.entry!r}, but the rule uses day 0's close, which is not known at that fill"
        raise InputError("entry", what, "give 'next_open' or 'next_close'")
