"""Figures that claims are checked against: prices, share counts, members of an index, recorded facts, releases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray
from ..catalog.model import Catalog
from ..errors import MarketShockError
from ..panel.returns import sessions_of_prices
from ..providers.base import Prices
from ..providers.members import IndexMembers
from ..providers.shares import SharesTable
from ..sessions import Sessions, map_dates, previous_session
from ..valuation import Valuation
from ..volatility.fragility import Fragility
from ..volatility.measure import fragility


class MissingEvidenceError(MarketShockError):
    """The evidence does not contain what a check needs; the claim becomes "not_checkable"."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The figures that checks read. All of it is data; nothing is fetched.

    Attributes
    ----------
    prices, shares : Prices, SharesTable
        Daily bars, closes not adjusted for dividends; share counts with their filing dates.
    index : IndexMembers or None
        Members of the index whose moves are counted.
    facts, releases : DataFrame, Catalog
        Recorded facts by id, see `recorded_facts`; scheduled releases: dates of firms' results.
    made : dict
        Results that several checks read, computed once.
    names : tuple of str
        Securities whose days are the sessions; all rows of the prices without any.
    """

    prices: Prices
    shares: SharesTable
    index: IndexMembers | None
    facts: pd.DataFrame
    releases: Catalog
    made: dict[Any, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def about(self, parameters: Mapping[str, Any]) -> Evidence:
        """Return this evidence on the sessions of the securities that a claim names.

        Those of a benchmark come first. Prices of other securities in the same frame change no number.
        """
        found: list[str] = []
        for name in ("benchmark", "ticker", "tickers", "group", "firm"):
            given = parameters.get(name, ())
            listed = [given] if isinstance(given, str) else given if isinstance(given, (list, tuple)) else []
            found += [ticker for ticker in listed if isinstance(ticker, str)]
            if found and name == "benchmark":
                break
        known = tuple(ticker for ticker in found if ticker in self.prices.close.columns)
        if known == self.names:
            return self
        kept: Evidence = self.made.setdefault(("about", known), replace(self, names=known))
        kept.__dict__.setdefault("valuation", self.valuation)
        return kept

    @cached_property
    def valuation(self) -> Valuation:
        """The prices and share counts as values of firms."""
        return Valuation(self.prices, self.shares)

    @cached_property
    def sessions(self) -> Sessions:
        """The calendar of the securities named: the one that a study of them and `market_cap_change` take."""
        return sessions_of_prices(self.prices, self.names)[0]

    @cached_property
    def days(self) -> DateArray:
        """The sessions from the first to the last row of the prices, (T,), datetime64[D]."""
        rows = self.prices.dates.to_numpy().astype("datetime64[D]")
        return self.sessions.between(rows[0], rows[-1])

    def members(self) -> IndexMembers:
        """Return the members of the index; raise `MissingEvidenceError` if none were given."""
        if self.index is None:
            raise MissingEvidenceError("no members of an index were given")
        return self.index

    @property
    def shocks(self) -> dict[str, Fragility]:
        """The members' moves in units of their volatility, by convention; the first is the library's own."""
        if "shocks" not in self.made:
            self.made["shocks"] = self._shocks()
        found: dict[str, Fragility] = self.made["shocks"]
        return found

    def _shocks(self) -> dict[str, Fragility]:
        prices = self.members().prices
        log, zero, mean = "log returns", "about zero", "about the mean"
        return {
            f"{log}, {zero}": fragility(prices),
            f"{log}, {mean}": fragility(prices, about="mean"),
            f"simple returns, {zero}": fragility(prices, log=False),
            f"simple returns, {mean}": fragility(prices, log=False, about="mean"),
        }

    def session(self, date: dt.date, *, after_close: bool = False) -> np.datetime64:
        """Return the session of a date: the date itself, or the next session if closed or after the close."""
        return _mapped(self.sessions, date, after_close)

    def index_session(self, date: dt.date, *, after_close: bool = False) -> np.datetime64:
        """Return the session of a date on the calendar of the members of the index."""
        return _mapped(sessions_of_prices(self.members().prices)[0], date, after_close)

    def at(self, session: np.datetime64) -> int:
        """Return the position of a session in `days`."""
        place = int(np.searchsorted(self.days, session))
        if place >= len(self.days) or self.days[place] != session:
            raise MissingEvidenceError(f"the prices, {self.days[0]} to {self.days[-1]}, have no {session}")
        return place

    def series(self, ticker: str, field: str = "close") -> FloatArray:
        """Return one field of a ticker on `days`, (T,): close, reinvested, open, high or low; NaN if missing."""
        frames = {"close": self.prices.close, "reinvested": self.prices.reinvested, **self.prices.extra}
        if field not in frames or ticker not in frames[field].columns:
            raise MissingEvidenceError(f"there is no {field} of {ticker}")
        return np.asarray(frames[field][ticker].reindex(pd.DatetimeIndex(self.days)), dtype=float)

    def price(self, ticker: str, session: np.datetime64, field: str = "close") -> float:
        """Return one price.

        Raises
        ------
        MissingEvidenceError
            If there is none.
        """
        value = float(self.series(ticker, field)[self.at(session)])
        if np.isnan(value):
            raise MissingEvidenceError(f"there is no {field} of {ticker} on {session}")
        return value

    def before(self, session: np.datetime64) -> np.datetime64:
        """Return the session before a session of the prices."""
        if self.at(session) == 0:
            raise MissingEvidenceError(f"the prices begin on {session}: there is no close before")
        return previous_session(self.sessions, session)

    def span(self, ticker: str, start: dt.date, end: dt.date, field: str = "close") -> FloatArray:
        """Return a ticker's prices from the session of `start` to that of `end`, both included."""
        first, last = self.at(self.session(start)), self.at(self.session(end))
        values = self.series(ticker, field)[first : last + 1]
        if last <= first or np.isnan(values).any():
            raise MissingEvidenceError(f"there is no complete {field} of {ticker} from {start} to {end}")
        return values

    def results_of(self, ticker: str) -> list[np.datetime64]:
        """Return the sessions that a firm's own results met."""
        mine = [e for e in self.releases.values() if e.kind == "earnings" and ticker in e.tickers]
        dates = [(e.when.date() if isinstance(e.when, dt.datetime) else e.when, e.timing) for e in mine]
        return [self.session(day, after_close=timing == "after_close") for day, timing in dates]

    def fact(self, name: str) -> pd.Series[Any]:
        """Return a recorded fact."""
        if name not in self.facts.index:
            raise MissingEvidenceError(f"no fact {name!r} is recorded")
        return pd.Series(self.facts.loc[name])


def _mapped(sessions: Sessions, date: dt.date, after_close: bool) -> np.datetime64:
    day = np.array([date], dtype="datetime64[D]")
    mapped = map_dates(sessions, day, np.array([after_close]), np.array(["next"], dtype=object)).day[0]
    if np.isnat(mapped):
        table = "the NYSE table" if sessions.name == "NYSE" else "the prices"
        raise MissingEvidenceError(f"{date} lies beyond {table}")
    return np.datetime64(mapped, "D")
