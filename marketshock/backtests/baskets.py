"""Rules that trade other securities than the event's own: pairs and sorted portfolios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from ..errors import InputError, check_count
from ..volatility._rules import one_a_firm
from ..volatility.membership import Membership
from ..volatility.portfolios import assign
from .information import InformationSet, Legs
from .timing import Timed, tickers_named

_MIN_SHARE = 0.9  # share of the lookback that needs a return


@dataclass(frozen=True, kw_only=True)
class _Market(Timed):
    @property
    def own_tickers(self) -> bool:
        """False: the events of one session are one event."""
        return False


@dataclass(frozen=True, kw_only=True)
class Pair(_Market):
    """Long some securities and short others, equally weighted, with the full stake on each side.

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

    def legs(self, info: InformationSet) -> Legs:
        """Return the same legs for every event."""
        column = info.market.columns("rule", (*self.long, *self.short))
        sides = ((self.long, 1.0), (self.short, -1.0))
        weight = np.concatenate([np.full(len(names), sign / len(names)) for names, sign in sides])
        n = len(info)
        return Legs(np.repeat(np.arange(n), len(column)), np.tile(column, n), np.tile(weight, n))

    def __str__(self) -> str:
        return f"long {_listed(self.long)}, short {_listed(self.short)}, {self.when()}"


@dataclass(frozen=True, kw_only=True)
class LowVolatility(_Market):
    """Long the least volatile group of stocks, short the most volatile one, sorted at the last close before the fill.

    Attributes
    ----------
    groups : int
        3 for terciles. If the number of firms is not divisible, the less volatile groups get one more.
    lookback : int
        Sessions of the volatility (about the mean); nine tenths of them need a return.
    short_high : bool
        Whether the most volatile group is sold short.
    among : sequence of str, or None
        Securities that are sorted; by default every security of the prices except indices (a name with ^). A firm with
        several share classes counts once.
    members : Membership or None
        Securities that may be sorted on a day. Without it the sort has survivorship bias: the securities of the prices
        were chosen beforehand.
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
        for name in ("groups", "lookback"):
            check_count(name, getattr(self, name), 2)
        if self.among is not None:
            object.__setattr__(self, "among", tickers_named("among", self.among))
        if self.members is not None and not isinstance(self.members, Membership):
            raise InputError("members", f"got {self.members!r}", "give a marketshock.Membership")

    def legs(self, info: InformationSet) -> Legs:
        """Return a leg for each stock of the lowest and the highest group at each event."""
        column = self._columns(info)
        least = max(2, int(np.ceil(_MIN_SHARE * self.lookback)))
        volatility = info.volatility(self.lookback, least, "mean")[:, column]
        inside = self._inside(info, column)
        legs: list[tuple[IntArray, IntArray, FloatArray]] = []
        excluded: list[tuple[int, str, str]] = []
        for i in range(len(info)):
            eligible = np.isfinite(volatility[i]) & inside[i]
            if eligible.sum() < self.groups:
                count = f"only {int(eligible.sum())} stocks have a volatility of {self.lookback} sessions"
                excluded.append((i, "no_signal", f"{count}, too few for {self.groups} groups"))
                continue
            group = assign(volatility[i], eligible, self.groups)
            low, high = np.flatnonzero(group == 1), np.flatnonzero(group == self.groups)
            high = high if self.short_high else high[:0]
            weight = np.concatenate([np.full(len(low), 1 / len(low)), np.full(len(high), -1 / max(len(high), 1))])
            chosen = np.concatenate([low, high])
            legs.append((np.full(len(chosen), i), column[chosen], weight))
        if not legs:
            return Legs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), excluded=tuple(excluded))
        event, columns, weights = (np.concatenate(part) for part in zip(*legs, strict=True))
        return Legs(event, columns, weights, np.zeros(len(event), dtype=bool), tuple(excluded))

    def _columns(self, info: InformationSet) -> IntArray:
        names = info.market.names
        among = self.among or [name for name in names if "^" not in name]
        wanted = np.sort(info.market.columns("among", among)).tolist()
        firms = one_a_firm([names[k] for k in wanted])
        return np.array([wanted[k] for k in sorted(set(firms))], dtype=np.int64)

    def _inside(self, info: InformationSet, column: IntArray) -> BoolArray:
        if self.members is None:
            return np.ones((len(info), len(column)), dtype=bool)
        names = [info.market.names[k] for k in column]
        self.members.check(names)
        return self.members.on(info.market.days[info.last], names)

    def __str__(self) -> str:
        short = f", short the most volatile of {self.groups}" if self.short_high else f" of {self.groups}"
        return f"long the least volatile group{short} ({self.lookback} sessions), {self.when()}"


def _listed(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else "+".join(names)
