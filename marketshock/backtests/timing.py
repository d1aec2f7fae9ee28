"""Timing of rules, and the protocol of a rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import pandas as pd

from ..errors import InputError, check_choice, check_count
from .information import InformationSet, Legs
from .market import Market

Entry: TypeAlias = Literal["next_open", "next_close", "close", "intraday"]
ENTRIES: tuple[Entry, ...] = get_args(Entry)
Exit: TypeAlias = Literal["close", "open"]
EXITS: tuple[Exit, ...] = get_args(Exit)
Side: TypeAlias = Literal["long", "short"]
SIDES: tuple[Side, ...] = get_args(Side)


@runtime_checkable
class Rule(Protocol):
    """The protocol of a rule; a rule of your own is any object with these members, or a function in `Own`."""

    @property
    def timing(self) -> Timed:
        """When the rule enters and exits."""

    @property
    def own_tickers(self) -> bool:
        """Whether the rule trades the security of each event; otherwise the events of one session are one event."""

    def legs(self, info: InformationSet, /) -> Legs:
        """Return the positions of the rule, computed from the information set."""


@dataclass(frozen=True)
class Timed:
    """A rule that enters and exits at fixed times, or at a stop or target.

    Attributes
    ----------
    days : int
        Closes from the fill to the exit: with ``entry="next_open"`` and 1, the exit is at the close of the same day.
    entry : {"next_open", "next_close", "close", "intraday"}
        "next_open" and "next_close": the open or close of the session after day 0; day 0's close is known. "close": the
        close of day 0 itself; only the event and the close before it are known, so the news must precede that close.
        "intraday": the open of the first bar that begins `delay` minutes after the event's timestamp.
    exit : {"close", "open"}
        At that close, or at the next session's open.
    stop, target : float or None
        Exit when the position has lost, or gained, this share of its entry price. For an event with one leg and prices
        with highs and lows, the order rests in the market (after a fill at the close or intraday from the next session
        on). It is filled at the open of a session that opens beyond its level, otherwise at the level; if both levels
        are touched after the open, the stop is assumed to come first. For several legs, or prices without highs and
        lows, the weighted return is compared with the levels at each close, and the exit is at the next close.
    delay : float
        Minutes between the timestamp and the first bar that may be used, for "intraday".

    Raises
    ------
    InputError
        If a number is out of range or a choice is unknown.
    """

    days: int
    _: KW_ONLY
    entry: Entry = "next_open"
    exit: Exit = "close"
    stop: float | None = None
    target: float | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        check_count("days", self.days, 1, 2520)
        check_choice("entry", self.entry, ENTRIES)
        check_choice("exit", self.exit, EXITS)
        for name in ("stop", "target"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and 0 < value < (1 if name == "stop" else np.inf)):
                raise InputError(name, f"got {value!r}", "give a share of the entry price, such as 0.05")
        if not is_number(self.delay) or not 0 <= self.delay < 24 * 60:
            raise InputError("delay", f"got {self.delay!r}", "give minutes")
        if self.delay and self.entry != "intraday":
            raise InputError("delay", f"is given with entry={self.entry!r}", "it belongs to entry='intraday'")

    @property
    def timing(self) -> Timed:
        """The rule itself: the rules of this library contain their timing."""
        return self

    @property
    def own_tickers(self) -> bool:
        """Whether the rule trades each event's own security."""
        return True

    @property
    def reads_groups(self) -> bool:
        """Whether the rule reads the group of an event; random dates then get the groups of the events."""
        return False

    @property
    def after_day_zero(self) -> bool:
        """Whether day 0's close is known when the order is placed."""
        return self.entry in ("next_open", "next_close")

    def when(self) -> str:
        """Return the timing in words."""
        out = f"exit {self.days} close{'s' if self.days > 1 else ''} later"
        delay = f"{self.delay:g} minutes " if self.delay else ""
        at = {
            "next_open": "entry at the next open",
            "next_close": "entry at the next close",
            "close": "entry at the close of day 0",
            "intraday": f"entry at the first bar {delay}after the news",
        }[self.entry]
        levels = [f"{name} {100 * value:g} %" for name in ("stop", "target") if (value := getattr(self, name))]
        return ", ".join([at, out + (", at the open after" if self.exit == "open" else ""), *levels])


def check_rule(rule: object) -> None:
    """Raise `InputError` unless an object is a rule with a timing."""
    if isinstance(rule, type) or not isinstance(rule, Rule) or not isinstance(rule.timing, Timed):
        raise InputError("rule", f"got {rule!r}", "give one of marketshock.rules, such as rules.HoldAfter(days=5)")


def securities_of(rule: object) -> list[str]:
    """Return the securities that a rule itself names: the sides of a pair, what is sorted, what hedges a rule."""
    found: list[str] = []
    for name in ("long", "short", "among", "by"):
        value = getattr(rule, name, ())
        given = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
        found += [one for one in given if isinstance(one, str)]
    inner = getattr(rule, "rule", None)
    return found + (securities_of(inner) if inner is not None else [])


def sorts_all(rule: object) -> bool:
    """Return whether a rule, or the one that it hedges, chooses among all securities of the prices."""
    if getattr(rule, "among", ()) is None:
        return True
    inner = getattr(rule, "rule", None)
    return inner is not None and sorts_all(inner)


def is_number(value: object) -> bool:
    """Return whether a value is a number; booleans are not."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def tickers_named(parameter: str, given: object) -> tuple[str, ...]:
    """Return tickers given as one string or a sequence of strings.

    Raises `InputError` if there is none, one is repeated, or one is not a string.
    """
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else ()
    if not names or not all(isinstance(n, str) and n for n in names) or len(set(names)) < len(names):
        raise InputError(parameter, f"got {given!r}", "give one ticker or more, each once")
    return names


def found_events(rule: Rule, market: Market) -> pd.DataFrame:
    """Return the events that a rule finds in the prices, with columns ticker and date.

    Raises `InputError` if the rule has no `find`.
    """
    find = getattr(rule, "find", None)
    if find is None:
        raise InputError("events", f"got None, but {type(rule).__name__} does not find its own events", "give events")
    found: pd.DataFrame = find(market)
    return found


def unconditional(rule: Rule) -> Rule:
    """Return the same rule without its condition, where it has one."""
    make = getattr(rule, "unconditional", None)
    return rule if make is None else make()
