"""When a rule goes in and out, and what the engine asks of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import pandas as pd

from ..errors import InputError, check_choice
from .known import Known, Legs
from .market import Market

Entry: TypeAlias = Literal["next_open", "next_close", "close", "intraday"]
ENTRIES: tuple[Entry, ...] = get_args(Entry)
Exit: TypeAlias = Literal["close", "open"]
EXITS: tuple[Exit, ...] = get_args(Exit)
Side: TypeAlias = Literal["long", "short"]
SIDES: tuple[Side, ...] = get_args(Side)


@runtime_checkable
class Rule(Protocol):
    """What the engine asks of a rule; a rule of your own is any object that has it, or a function in `Own`."""

    @property
    def timing(self) -> Timed:
        """When it goes in and out."""

    @property
    def own_tickers(self) -> bool:
        """Whether it trades the security of each event; otherwise events of one session are one event."""

    def legs(self, known: Known) -> Legs:
        """Return the positions wanted, from what is known."""


@dataclass(frozen=True)
class Timed:
    """When a rule goes in and out.

    Attributes
    ----------
    days : int
        It goes out at this many closes after the fill: with ``entry="next_open"`` and 1, at the close of the same day.
    entry : {"next_open", "next_close", "close", "intraday"}
        "next_open" and "next_close": of the session after day 0, knowing day 0's close. "close": the close of day 0
        itself, knowing only the close before it and that there was an event; the news must have come before that
        close. "intraday": the open of the first bar that begins after the event's timestamp, `delay` later.
    exit : {"close", "open"}
        Out at that close, or at the next session's open.
    stop, target : float or None
        Out when the position has lost, or won, this share of its entry price. A leg alone, with highs and lows: the
        order rests in the market (after a fill at the close or within the day from the next session on), is filled at
        the open of a session that begins beyond its level, else at the level; where both are touched after the open,
        the stop is taken to have been first. Several legs, or prices
        without highs and lows: the weighted return is looked at at each close, and the way out is the next close.
    delay : float
        Minutes between the timestamp and the first bar that may be used, of "intraday".

    Raises
    ------
    InputError
        If a number is out of range or a choice not known.
    """

    days: int
    _: KW_ONLY
    entry: Entry = "next_open"
    exit: Exit = "close"
    stop: float | None = None
    target: float | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        whole = isinstance(self.days, (int, np.integer)) and not isinstance(self.days, bool)
        if not whole or not 1 <= self.days <= 2520:
            raise InputError("days", f"got {self.days!r}", "give sessions from 1 to 2520")
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
        """Itself: a rule of this library is its own timing."""
        return self

    @property
    def own_tickers(self) -> bool:
        """Whether the rule trades each event's own security."""
        return True

    @property
    def reads_labels(self) -> bool:
        """Whether the rule reads what events are called; random dates then bear the groups of the events."""
        return False

    @property
    def after_day_zero(self) -> bool:
        """Whether day 0's close is known when the order is placed."""
        return self.entry in ("next_open", "next_close")

    def when(self) -> str:
        """Return the timing in words."""
        sessions = f"{self.days} close{'s' if self.days > 1 else ''} later"
        out = sessions + (", at the open after" if self.exit == "open" else "")
        at = {
            "next_open": "in at the next open",
            "next_close": "in at the next close",
            "close": "in at the close of day 0",
            "intraday": f"in at the first bar {f'{self.delay:g} minutes ' if self.delay else ''}after the news",
        }[self.entry]
        held = [f"{name} {100 * value:g} %" for name in ("stop", "target") if (value := getattr(self, name))]
        return ", ".join([at, f"out {out}", *held])


def is_number(value: object) -> bool:
    """Tell a number from text, truth values and the rest."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def tickers_named(parameter: str, given: object) -> tuple[str, ...]:
    """Return tickers given as one or as a sequence.

    Raises
    ------
    InputError
        If there is none, one stands there twice, or something is no text.
    """
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else ()
    if not names or not all(isinstance(n, str) and n for n in names) or len(set(names)) < len(names):
        raise InputError(parameter, f"got {given!r}", "name one ticker or more, each once")
    return names


def found_events(rule: Rule, market: Market) -> pd.DataFrame:
    """Return the events that a rule finds in the prices, with columns ticker and date.

    Raises
    ------
    InputError
        If it finds none of its own.
    """
    find = getattr(rule, "find", None)
    if find is None:
        raise InputError("events", f"got None, and {type(rule).__name__} does not find its own", "give events")
    found: pd.DataFrame = find(market)
    return found


def regardless(rule: Rule) -> Rule:
    """Return the position of a rule without its condition, where it has one."""
    make = getattr(rule, "regardless", None)
    return rule if make is None else make()
