"""Rules: which positions to take after an event, from what was known before the fill.

A rule says when it trades (`days`, `entry`, `exit`, `stop`, `target`) and turns what is known into weights. Fills come
after what is known: an order filled in a session was decided on closes up to the session before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, UnknownNameError, check_choice
from .baskets import LowVolatility, Pair
from .hedged import Hedged
from .known import Known, KnownEvent, Legs, single
from .market import Market
from .timing import SIDES, Rule, Side, Timed, is_number

__all__ = ["AfterDrop", "Fade", "Follow", "Hedged", "HoldAfter", "KnownEvent", "LowVolatility", "Own", "Pair", "Rule"]


@dataclass(frozen=True, kw_only=True)
class HoldAfter(Timed):
    """Hold each event's security, long or short, for some sessions.

    Attributes
    ----------
    side : {"long", "short"}
        Which.
    days, entry, exit, stop, target, delay
        As `Timed`.
    """

    side: Side = "long"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("side", self.side, SIDES)

    def legs(self, known: Known) -> Legs:
        """Return one leg an event."""
        return single(known, np.full(len(known), 1.0 if self.side == "long" else -1.0), "")

    def __str__(self) -> str:
        return f"{self.side}, {self.when()}"


@dataclass(frozen=True, kw_only=True)
class _OnMove(Timed):
    """Trade on the sign of day 0's move.

    Attributes
    ----------
    threshold : float
        Smallest move (decimal, either way) that is traded.
    days, entry, exit, stop, target, delay
        As `Timed`; `entry` must come after day 0.
    """

    threshold: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _needs_day_zero(self)
        if not is_number(self.threshold) or not 0 <= self.threshold < np.inf:
            raise InputError("threshold", f"got {self.threshold!r}", "give a decimal move, such as 0.02")

    def _signed(self, known: Known, sign: float) -> Legs:
        move = known.move()
        weight = np.where(np.abs(move) >= self.threshold, sign * np.sign(move), np.where(np.isnan(move), np.nan, 0.0))
        at_least = f" of at least {100 * self.threshold:g} %" if self.threshold else ""
        return single(known, weight, f"day 0 has no move{at_least}", "day 0 has no return")

    def _text(self, what: str) -> str:
        at_least = f" of {100 * self.threshold:g} % or more" if self.threshold else ""
        return f"{what} day 0's move{at_least}, {self.when()}"


@dataclass(frozen=True, kw_only=True)
class Fade(_OnMove):
    """Go against day 0's move: long after a fall, short after a rise."""

    def legs(self, known: Known) -> Legs:
        """Return one leg an event that moved."""
        return self._signed(known, -1.0)

    def __str__(self) -> str:
        return self._text("fade")


@dataclass(frozen=True, kw_only=True)
class Follow(_OnMove):
    """Go with day 0's move: long after a rise, short after a fall."""

    def legs(self, known: Known) -> Legs:
        """Return one leg an event that moved."""
        return self._signed(known, 1.0)

    def __str__(self) -> str:
        return self._text("follow")


@dataclass(frozen=True, kw_only=True)
class AfterDrop(Timed):
    """Buy after a fall of so many times the stock's own volatility over the sessions before.

    Without events it finds every such fall in the prices (`find`); of events given it trades those that were one.

    Attributes
    ----------
    sigma : float
        The fall, in units of the volatility (about zero) of the `window` sessions before it; simple returns.
    window : int
        Sessions of the volatility; all of them need a return.
    side : {"long", "short"}
        "long" buys the dip.
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
        if isinstance(self.window, bool) or not isinstance(self.window, int) or self.window < 2:
            raise InputError("window", f"got {self.window!r}", "give sessions, such as 21")

    def find(self, market: Market) -> pd.DataFrame:
        """Return every fall of that size, with columns ticker and date; each is known at that day's close."""
        sd = market.volatility(self.window, self.window)
        with np.errstate(invalid="ignore"):
            fell = (market.returns.values <= -self.sigma * sd) & (sd > 0)
        row, column = np.nonzero(fell)
        names = np.array(market.names, dtype=object)
        return pd.DataFrame({"ticker": names[column], "date": market.days[row].astype("datetime64[ns]")})

    def legs(self, known: Known) -> Legs:
        """Return one leg an event that was such a fall."""
        score = known.score(self.window)
        with np.errstate(invalid="ignore"):
            weight = np.where(score <= -self.sigma, 1.0 if self.side == "long" else -1.0, 0.0)
        weight[np.isnan(score)] = np.nan
        unknown = f"day 0 has no return, or the {self.window} sessions before lack one"
        return single(known, weight, f"day 0 is no fall of {self.sigma:g} times its volatility", unknown)

    def regardless(self) -> HoldAfter:
        """Return the same position without the condition: what random dates are held with."""
        return HoldAfter(
            days=self.days, entry=self.entry, exit=self.exit, stop=self.stop, target=self.target, side=self.side
        )

    def __str__(self) -> str:
        return f"{self.side} after a fall of {self.sigma:g} sigma ({self.window} days), {self.when()}"


@dataclass(frozen=True, kw_only=True)
class Own(Timed):
    """A rule of your own: a function from what was known to target weights.

    Attributes
    ----------
    function : callable
        ``function(event)`` with a `KnownEvent` returns the weight of the event's ticker (a number; True is 1), or a
        mapping or Series of ticker to weight; 0, False, None or nothing in it for no trade. It is called once an event,
        with the prices up to the last close before the fill; a function that reads prices from elsewhere looks ahead,
        and nothing here can see that.
    name : str
        For tables; by default that of the function.
    days, entry, exit, stop, target, delay
        As `Timed`.
    """

    function: Callable[[KnownEvent], float | Mapping[str, float] | None]
    name: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function):
            raise InputError("function", f"got {self.function!r}", "give a function of one event")

    @property
    def reads_labels(self) -> bool:
        """True: the function may read the group of an event."""
        return True

    def legs(self, known: Known) -> Legs:
        """Call the function with each event."""
        place = {name: k for k, name in enumerate(known.market.names)}
        legs: list[tuple[int, int, float]] = []
        left: list[tuple[int, str, str]] = []
        for i, event in enumerate(known.events()):
            try:
                given = self.function(event)
            except Exception as error:
                error.add_note(f"in the function of rules.Own, at event {event.event_id}")
                raise
            weights = _weights(given, event)
            unknown = [name for name in weights if name not in place]
            if unknown:
                raise UnknownNameError("function", unknown, known.market.names)
            wanted = [(i, place[name], weight) for name, weight in weights.items() if weight]
            legs += wanted
            if not wanted:
                left.append((i, "no_signal", "the rule takes no position"))
        places, columns = (np.array([leg[k] for leg in legs], dtype=np.int64) for k in (0, 1))
        return Legs(places, columns, np.array([leg[2] for leg in legs]), left=tuple(left))

    def __str__(self) -> str:
        return f"{self.name or getattr(self.function, '__name__', 'own rule')}, {self.when()}"


def _weights(given: Any, event: KnownEvent) -> dict[str, float]:
    if isinstance(given, (bool, np.bool_)):
        given = float(given)
    given = given.to_dict() if isinstance(given, pd.Series) else given
    weights = {event.ticker: given} if is_number(given) else {} if given is None else given
    if not isinstance(weights, Mapping) or not all(is_number(w) and np.isfinite(w) for w in weights.values()):
        raise InputError("function", f"returned {given!r} for {event.event_id}", "return a number, or ticker -> number")
    return {str(name): float(weight) for name, weight in weights.items()}


def _needs_day_zero(rule: Timed) -> None:
    if not rule.after_day_zero:
        what = f"got {rule.entry!r}, and the rule reads day 0's close: it would be filled before what it knows"
        raise InputError("entry", what, "give 'next_open' or 'next_close'")
