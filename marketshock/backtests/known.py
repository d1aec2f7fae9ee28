"""What is known when orders are placed: everything up to the last close before the fill, and nothing after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._typing import BoolArray, FloatArray, IntArray
from ..catalog.table import EventTable
from ..errors import InputError
from ..volatility._trailing import About
from .market import Market


@dataclass(frozen=True, eq=False)
class KnownEvent:
    """One event, and the prices up to the last close before its order is filled: what a rule of your own reads.

    Attributes
    ----------
    event_id, ticker, group : str
        The event.
    date : Timestamp
        Its session, day 0.
    returns : DataFrame
        Decimal total returns, sessions by tickers, up to the last close known; NaN where missing.
    """

    event_id: str
    ticker: str
    group: str
    date: pd.Timestamp
    returns: pd.DataFrame

    @property
    def closes(self) -> pd.DataFrame:
        """What one unit of money has become, over the returns there are; NaN on days without one."""
        return (1 + self.returns.fillna(0.0)).cumprod().where(self.returns.notna())

    @property
    def move(self) -> float:
        """Return of the event's ticker on day 0 (decimal), NaN where it is missing.

        Raises
        ------
        InputError
            If day 0's close is not known when the order is placed, or the event has no ticker of the prices.
        """
        if self.date not in self.returns.index:
            what = f"the rule reads the move of {self.event_id}, and day 0's close is not known at that fill"
            raise InputError("entry", what, "give 'next_open' or 'next_close'")
        if self.ticker not in self.returns.columns:
            raise InputError("function", f"{self.event_id} has no ticker of the prices", "read event.returns")
        return float(self.returns[self.ticker].to_numpy()[self.returns.index.get_loc(self.date)])


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of E events when their orders are placed.

    Every array that a method returns is made of closes up to `last`, the session before the fill. A rule that reads
    nothing else cannot look ahead.

    Attributes
    ----------
    table : EventTable
        The events, in the order of the arrays.
    row, column : ndarray of shape (E,), int
        Session (day 0) and security of each; column is -1 where a rule trades other securities.
    last : ndarray of shape (E,), int
        The last session whose close is known.
    market : Market
        All prices, for the engine and for rules of this library. A rule reads rows up to `last`.
    """

    table: EventTable
    row: IntArray
    column: IntArray
    last: IntArray
    market: Market

    def __len__(self) -> int:
        return len(self.row)

    def move(self) -> FloatArray:
        """Return of the event's security on day 0 (decimal), (E,); NaN where it is missing or not known yet."""
        out = np.full(len(self), np.nan)
        seen = (self.row <= self.last) & (self.column >= 0)
        out[seen] = self.market.returns.values[self.row[seen], self.column[seen]]
        return out

    def score(self, window: int) -> FloatArray:
        """Return day 0's move in units of the volatility of the `window` sessions before it, (E,)."""
        out, move = np.full(len(self), np.nan), self.move()
        there = np.isfinite(move)
        sd = self.market.volatility(window, window)[self.row[there], self.column[there]]
        out[there] = np.divide(move[there], sd, out=np.full(len(sd), np.nan), where=sd > 0)
        return out

    def volatility(self, window: int, min_obs: int, about: About = "zero") -> FloatArray:
        """Return every security's volatility over the `window` sessions that end with the last one known, (E, S)."""
        return self.market.volatility(window, min_obs, about)[np.minimum(self.last + 1, len(self.market.days) - 1)]

    def events(self) -> Iterator[KnownEvent]:
        """Yield the events one by one, each with the returns known (read-only)."""
        market = self.market
        index = pd.DatetimeIndex(market.days.astype("datetime64[ns]"), name="date")
        values = market.returns.values.copy()
        values.flags.writeable = False
        whole = pd.DataFrame(values, index=index, columns=list(market.names), copy=False)
        ids, tickers, groups = self.table.event_id, self.table.ticker, self.table.group
        for i in range(len(self)):
            known = whole.iloc[: self.last[i] + 1]
            yield KnownEvent(str(ids[i]), str(tickers[i]), str(groups[i]), index[self.row[i]], known)


@dataclass(frozen=True, eq=False)
class Legs:
    """What a rule wants: for each leg its event, security and weight.

    Attributes
    ----------
    event : ndarray of shape (n,), int
        Place among the events known; not decreasing.
    column : ndarray of shape (n,), int
        Security.
    weight : ndarray of shape (n,)
        Signed, in units of the event's stake: 1.0 is long the stake, -0.8 short four fifths of it.
    needed : ndarray of shape (n,), bool, or None
        Whether the event is traded only if this leg can be filled; None for all.
    left : tuple of (int, str, str)
        Events that are not traded: place, code, reason. Events that are nowhere are said to take no position.
    """

    event: IntArray
    column: IntArray
    weight: FloatArray
    needed: BoolArray | None = None
    left: tuple[tuple[int, str, str], ...] = ()

    @property
    def must(self) -> BoolArray:
        """`needed` as an array, (n,)."""
        return np.ones(len(self.event), dtype=bool) if self.needed is None else self.needed


def single(known: Known, weight: FloatArray, why_not: str, unknown: str = "") -> Legs:
    """Return one leg an event in its own security; none where the weight is 0 (`why_not`) or NaN (`unknown`)."""
    traded = np.isfinite(weight) & (weight != 0)
    at = np.flatnonzero(traded)
    why = {int(i): unknown if np.isnan(weight[i]) else why_not for i in np.flatnonzero(~traded)}
    left = tuple((i, "no_signal", said) for i, said in why.items())
    return Legs(at, known.column[at], weight[at], left=left)
