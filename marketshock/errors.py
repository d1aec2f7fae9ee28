"""Errors and warnings: one tree of errors, named warnings. Both keep their subject as attributes."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument named in a message, alone or with a value: ``on_closed='next'``."""

    name: str
    value: object = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value!r}"


class Words(str):
    """Text of a message that keeps the arguments it names, so that the command line can name its options instead.

    Parameters
    ----------
    *parts : str or Argument
        Joined without a separator; `Words` among them keep their own arguments.
    """

    __slots__ = ("parts",)
    parts: tuple[str | Argument, ...]

    def __new__(cls, *parts: str | Argument) -> Words:
        flat = [piece for part in parts for piece in (part.parts if isinstance(part, Words) else (part,))]
        made = super().__new__(cls, "".join(map(str, flat)))
        made.parts = tuple(flat)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Words, self.parts

    def spelled(self, spell: Callable[[Argument], str]) -> str:
        """Return the text with each argument written by `spell`."""
        return "".join(spell(part) if isinstance(part, Argument) else part for part in self.parts)


class MarketShockError(Exception):
    """Base of every error this library raises on purpose."""

    @property
    def words(self) -> Words:
        """The message with the arguments it names."""
        return Words(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes with their attributes."""
        return _restored, (type(self), str(self), self.__dict__)


class InputError(MarketShockError, ValueError):
    """An argument or a file is not what it must be.

    Parameters
    ----------
    parameter : str
        Name of the argument, option or file at fault.
    problem : str
        What came and which bound it broke; `Words` if it names other arguments.
    remedy : str, optional
        What would work; `Words` if it names arguments.
    """

    def __init__(self, parameter: str, problem: str, remedy: str = "") -> None:
        self.parameter, self.problem, self.remedy = parameter, problem, remedy
        super().__init__(str(self.words))

    @property
    def words(self) -> Words:
        """The message with the arguments it names."""
        rest = Words("; ", self.remedy) if self.remedy else ""
        return Words(Argument(self.parameter), ": ", self.problem, rest)


class ChoiceError(InputError):
    """A value is not one of those allowed; the message lists them."""

    def __init__(self, parameter: str, value: object, allowed: Iterable[object]) -> None:
        self.value, self.allowed = value, tuple(allowed)
        super().__init__(parameter, f"got {value!r}", "allowed are " + ", ".join(map(repr, self.allowed)))


class UnknownNameError(InputError, KeyError):
    """A ticker, event id, test or column that is not there; the message says what is near it."""

    def __init__(self, parameter: str, names: Sequence[str], known: Iterable[str], remedy: str = "") -> None:
        self.names, self.known = tuple(names), tuple(known)
        near = {name: did_you_mean(name, self.known) for name in self.names}
        hints = [f"{name!r}" + (f" (did you mean {near[name]!r}?)" if near[name] else "") for name in self.names]
        listed = ", ".join(map(repr, self.known[:12])) + (", ..." if len(self.known) > 12 else "")
        super().__init__(parameter, f"unknown: {', '.join(hints)}", remedy or f"known are {listed or 'none'}")

    __str__ = Exception.__str__  # KeyError would print the repr


class PriceError(InputError):
    """Prices or returns that cannot be right: infinite, not positive, duplicate or unsorted dates."""


class WindowError(InputError):
    """A window that is not (first, last) in trading days, or two windows that overlap."""


class NotSessionError(InputError):
    """A date without a trading session, where the caller did not say what to do with it.

    Attributes
    ----------
    day : numpy.datetime64 or None
        The date.
    """

    def __init__(self, parameter: str, problem: str, remedy: str = "", day: Any = None) -> None:
        self.day = day
        super().__init__(parameter, problem, remedy)


class CatalogError(InputError):
    """A catalog entry that cannot be read; the message names file, entry and field."""


class SharesError(InputError):
    """No usable share count."""


class LookAheadError(SharesError):
    """A share count that was filed on or after the event, where the caller did not ask for one."""


class VintageError(InputError):
    """Factors of different vintages, which must not be mixed."""


class ProviderError(MarketShockError):
    """A provider did not give what was asked.

    Parameters
    ----------
    symbol : str
        Ticker, dataset or address concerned.
    asked : str
        What was asked of whom.
    came : str
        What came instead.
    remedy : str
        What to do; `Words` if it names arguments.
    """

    def __init__(self, symbol: str, asked: str, came: str, remedy: str) -> None:
        self.symbol, self.asked, self.came, self.remedy = symbol, asked, came, remedy
        super().__init__(str(self.words))

    @property
    def words(self) -> Words:
        """The message with the arguments it names."""
        return Words(f"{self.symbol}: asked for {self.asked}; ", self.came, "; ", self.remedy)


class RateLimited(ProviderError):  # noqa: N818 - a state of the provider, named as the field names it
    """The provider refused for having been asked too often."""


class Unavailable(ProviderError):  # noqa: N818
    """No usable answer: a timeout, a reset, a server error, a truncated body, the total time bound."""


class Refused(Unavailable):
    """The provider refuses (HTTP 401 or 403, a certificate that does not verify): asking again does not help."""


class NoData(ProviderError):  # noqa: N818
    """The provider answered that it has nothing: an unknown symbol, or an empty range.

    Attributes
    ----------
    believed : bool
        Whether the cache may remember it; not of an empty answer that may be a bad day of the provider.
    """

    believed = True


class BadData(ProviderError):  # noqa: N818
    """The provider answered with figures that cannot be right."""


class OfflineMiss(ProviderError):  # noqa: N818
    """Offline, and the cache does not hold what was asked."""


class EngineError(MarketShockError):
    """Work was lost with the workers that did it.

    Parameters
    ----------
    parameter : str
        Name of the argument that says where the work is done.
    problem : str
        What was lost.
    remedy : str
        What would help.
    lost : sequence of int
        Places of the partitions lost, counted from 0.
    """

    def __init__(self, parameter: str, problem: str, remedy: str, lost: Sequence[int] = ()) -> None:
        self.parameter, self.problem, self.remedy, self.lost = parameter, problem, remedy, tuple(lost)
        super().__init__(f"{parameter}: {problem}; {remedy}")


class NoUsableEventsError(MarketShockError):
    """Every event was left out. ``exclusions`` holds each with its reason, or of many events one for each reason."""

    def __init__(self, exclusions: Sequence[Any], n_events: int | None = None) -> None:
        self.exclusions = tuple(exclusions)
        n_events = len(self.exclusions) if n_events is None else n_events
        first = self.exclusions[:3]
        shown = "; ".join(f"{e.event_id}: {e.reason}" for e in first)
        more = f"; and {n_events - len(first)} more" if n_events > len(first) else ""
        super().__init__(f"no usable event among {n_events}: {shown}{more}")


class MarketShockWarning(UserWarning):
    """Base of every warning of this library; silence one by its class.

    Parameters
    ----------
    text : str
        The message; `Words` if it names arguments.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.words = Words(text)


class CalendarWarning(MarketShockWarning):
    """The dates of the prices do not fit the NYSE calendar."""


class ExclusionWarning(MarketShockWarning):
    """Some events were left out of a study; ``study.exclusions`` says which and why."""


class MembershipWarning(MarketShockWarning):
    """A membership says nothing of some sessions; they were left out."""


class PriceWarning(MarketShockWarning):
    """Prices that may be right but look odd; ``Prices.provenance`` lists what was found."""


class LookAheadWarning(MarketShockWarning):
    """A fill that presumes something known which the events do not say: that the news came before that close."""


class SurvivorshipWarning(MarketShockWarning):
    """The securities traded all exist to the end of the prices: those that failed before are not among them."""


class OverlapWarning(MarketShockWarning):
    """Positions of several events in one security are held at the same time: their returns are not independent."""


class PartialDataWarning(MarketShockWarning):
    """Some symbols could not be fetched; the others were."""


class CacheWarning(MarketShockWarning):
    """The cache could not keep or read something (no result depends on that), or its old copy serves for a new one."""


class VintageWarning(MarketShockWarning):
    """Factors of another vintage than the bundled or the cached ones."""


class ShareCountWarning(MarketShockWarning):
    """A share count that may be wrong for its day or its closes.

    Its filing date is not known, it is dated across a split or a spin-off, it is old, or it is of a foreign firm's
    shares where prices may be of receipts.
    """


def _restored(kind: type[MarketShockError], message: str, attributes: dict[str, Any]) -> MarketShockError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(attributes)
    return error


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to `name` (case ignored), or None if none is near."""
    by_folded = {k.casefold(): k for k in known}
    match = difflib.get_close_matches(str(name).casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[match[0]] if match else None


def check_choice(parameter: str, value: object, allowed: Iterable[object]) -> None:
    """Raise `ChoiceError` unless `value` is one of `allowed`."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ChoiceError(parameter, value, allowed)


def check_flag(parameter: str, value: object) -> bool:
    """Return a flag as a bool; raise `ChoiceError` unless it is True or False (of Python or NumPy).

    Text is refused: ``log="no"`` would otherwise be true.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ChoiceError(parameter, value, (True, False))
    return bool(value)


def check_count(parameter: str, value: object, least: int = 1, most: int | None = None, of: str = "") -> int:
    """Return a whole number as an int; raise `InputError` unless it is one (of Python or NumPy) within the bounds.

    Parameters
    ----------
    parameter : str
        Name of the parameter, for the message.
    value : object
        The value given. A bool is no count.
    least, most : int, optional
        Bounds, both included; without `most` there is no upper one.
    of : str, optional
        Where `most` comes from, for the message.
    """
    bounds = f"from {least} to {most}{f' ({of})' if of else ''}" if most is not None else f"of at least {least}"
    try:
        count = operator.index(value) if not isinstance(value, (bool, np.bool_)) else None  # type: ignore[arg-type]
    except TypeError:
        count = None
    if count is None or count < least or (most is not None and count > most):
        raise InputError(parameter, f"got {value!r}", f"give a whole number {bounds}")
    return count


def check_share(parameter: str, value: object, example: float) -> None:
    """Raise `InputError` unless `value` is a number strictly between 0 and 1."""
    if not isinstance(value, (float, np.floating)) or not 0 < value < 1:
        raise InputError(parameter, f"got {value!r}", f"give a share between 0 and 1, such as {example}")
