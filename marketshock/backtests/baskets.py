"""Rules that trade other securities than the event's own: pairs, and portfolios sorted at the event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError, UnknownNameError
from ..volatility._rules import one_a_firm
from ..volatility.membership import Membership
from ..volatility.portfolios import assign
from .known import Known, Legs
from .timing import Timed, tickers_named

_MIN_SHARE = 0.9  # of the lookback


@dataclass(frozen=True, kw_only=True)
class _Market(Timed):
    @property
    def own_tickers(self) -> bool:
        """False: the events of one session are one event."""
        return False


@dataclass(frozen=True, kw_only=True)
class Pair(_Market):
    """Long some securities, short others, in equal parts: 1 of the stake on each side.

    Attributes
    ----------
    long, short : str or sequence of str
        Tickers of the prices.
    days, entry, exit, stop, target, delay
        As `Timed`.
    """

    long: str | Sequence[str]
    short: str | Sequence[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("long", "short"):
            given = getattr(self, name)
            object.__setattr__(self, name, tickers_named(name, given))
        both = set(self.long) & set(self.short)
        if both:
            raise InputError("short", f"{sorted(both)[0]} is in long too", "name it on one side")

    def legs(self, known: Known) -> Legs:
        """Return the same legs for every event."""
        place = {name: k for k, name in enumerate(known.market.names)}
        unknown = [name for name in (*self.long, *self.short) if name not in place]
        if unknown:
            raise UnknownNameError("rule", unknown, known.market.names)
        column = np.array([place[name] for name in (*self.long, *self.short)])
        sides = ((self.long, 1.0), (self.short, -1.0))
        weight = np.concatenate([np.full(len(names), sign / len(names)) for names, sign in sides])
        n = len(known)
        return Legs(np.repeat(np.arange(n), len(column)), np.tile(column, n), np.tile(weight, n))

    def __str__(self) -> str:
        return f"long {_listed(self.long)}, short {_listed(self.short)}, {self.when()}"


@dataclass(frozen=True, kw_only=True)
class LowVolatility(_Market):
    """Long the quietest group of stocks, short the most volatile one, sorted by what was known before the fill.

    Attributes
    ----------
    groups : int
        3 for terciles. Where the firms do not divide, the quieter groups get one more.
    lookback : int
        Sessions of the volatility (about the mean); nine tenths of them need a return.
    short_high : bool
        Whether the most volatile group is sold short against the quiet one.
    among : sequence of str, or None
        Who is sorted; by default every security of the prices but indices (a name with ^). Classes of a firm count
        once.
    members : Membership or None
        Who may be sorted as of the day. Without it, who is in the prices was chosen before the sort: survivors.
    days, entry, exit, stop, target, delay
        As `Timed`.
    """

    groups: int = 3
    lookback: int = 126
    short_high: bool = True
    among: Sequence[str] | None = None
    members: Membership | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("groups", 2), ("lookback", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(name, f"got {value!r}", f"give a whole number from {least}")
        if self.among is not None:
            object.__setattr__(self, "among", tickers_named("among", self.among))
        if self.members is not None and not isinstance(self.members, Membership):
            raise InputError("members", f"got {self.members!r}", "give a marketshock.Membership")

    def legs(self, known: Known) -> Legs:
        """Sort at each event and return a leg for each stock of the outer groups."""
        column = self._columns(known)
        least = max(2, int(np.ceil(_MIN_SHARE * self.lookback)))
        volatility = known.volatility(self.lookback, least, "mean")[:, column]
        inside = self._inside(known, column)
        legs: list[tuple[IntArray, IntArray, FloatArray]] = []
        left: list[tuple[int, str, str]] = []
        for i in range(len(known)):
            eligible = np.isfinite(volatility[i]) & inside[i]
            if eligible.sum() < self.groups:
                what = (
                    f"{int(eligible.sum())} stocks can be sorted by {self.lookback} sessions for {self.groups} groups"
                )
                left.append((i, "no_signal", what))
                continue
            group = assign(volatility[i], eligible, self.groups)
            low, high = np.flatnonzero(group == 1), np.flatnonzero(group == self.groups)
            high = high if self.short_high else high[:0]
            weight = np.concatenate([np.full(len(low), 1 / len(low)), np.full(len(high), -1 / max(len(high), 1))])
            chosen = np.concatenate([low, high])
            legs.append((np.full(len(chosen), i), column[chosen], weight))
        if not legs:
            return Legs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), left=tuple(left))
        event, columns, weights = (np.concatenate(part) for part in zip(*legs, strict=True))
        return Legs(event, columns, weights, np.zeros(len(event), dtype=bool), tuple(left))

    def _columns(self, known: Known) -> IntArray:
        names = known.market.names
        unknown = [name for name in self.among or () if name not in names]
        if unknown:
            raise UnknownNameError("among", unknown, names)
        wanted = [k for k, name in enumerate(names) if (name in self.among if self.among else "^" not in name)]
        firms = one_a_firm([names[k] for k in wanted])
        return np.array([wanted[k] for k in sorted(set(firms))], dtype=np.int64)

    def _inside(self, known: Known, column: IntArray) -> BoolArray:
        if self.members is None:
            return np.ones((len(known), len(column)), dtype=bool)
        names = [known.market.names[k] for k in column]
        self.members.check(names)
        return self.members.on(known.market.days[known.last], names)

    def __str__(self) -> str:
        against = f", short the most volatile of {self.groups}" if self.short_high else f" of {self.groups}"
        return f"long the quietest group{against} ({self.lookback} days), {self.when()}"


def _listed(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else "+".join(names)
