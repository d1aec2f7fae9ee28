"""Result of `fragility`: z by day and ticker, and the tables derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from .._frame import Printable, PrintedTable, Printout, ReadableFrame
from .._typing import FloatArray
from ..engines.progress import Progress
from ..errors import InputError
from ..panel.returns import Returns
from . import _tables
from ._select import By, Direction, Selection, selection, session_row
from ._trailing import About
from .clustering import Clustering, clustering
from .membership import Membership

_CROWDED = 5  # sessions shown


@dataclass(frozen=True, slots=True)
class FragilitySpec:
    """Definition of z."""

    window: int  # sessions in the volatility window, which ends the day before the move
    threshold: float  # smallest ``|z|`` of an event
    log: bool  # whether returns are log returns; simple if False
    about: About  # {"zero", "mean"}: realized volatility about zero, or standard deviation about the mean
    min_obs: int  # minimum number of returns in the window

    def __str__(self) -> str:
        kind = "log" if self.log else "simple"
        what = "realized volatility about zero" if self.about == "zero" else "standard deviation about the mean"
        least = "" if self.min_obs == self.window else f" (at least {self.min_obs} returns)"
        return (
            f"z = {kind} return / {what} of the {self.window} sessions that end the day before{least}; "
            f"an event is |z| >= {self.threshold:g}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Fragility(Printable):
    """Daily returns in units of trailing volatility, with tables of large moves.

    Made by `fragility`. The tables take a period (`start`, `end`: dates, both included), the members to count
    (`members`, as of each day; by default those given to `fragility`) and the unit of counting (`by`):

    - ``by="firm"``, the default: share classes of one firm count once, by its main ticker (GOOGL for Alphabet);
    - ``by="listing"``: every ticker counts.

    Attributes
    ----------
    spec : FragilitySpec
        Definition of z and of an event.
    market : Returns
        Decimal returns by session and ticker.
    trailing : ndarray of shape (n_sessions, n_tickers)
        Trailing volatility, decimal per day; 0 if the stock did not move, NaN with fewer than ``spec.min_obs`` returns
        in the window.
    members : Membership or None
        Members counted by default; None for all tickers.
    n_short : int
        Returns without a z because the window contains fewer than ``spec.min_obs`` returns.
    """

    spec: FragilitySpec
    market: Returns
    trailing: FloatArray
    members: Membership | None
    n_short: int

    @cached_property
    def scores(self) -> FloatArray:
        """Scores z, an array of shape (n_sessions, n_tickers); NaN without a return or a positive volatility."""
        out = np.full(self.trailing.shape, np.nan)
        with np.errstate(invalid="ignore"):
            np.divide(self.market.values, self.trailing, out=out, where=self.trailing > 0)
        return out

    @property
    def z(self) -> pd.DataFrame:
        """z, dates by tickers; NaN without a return or a positive volatility."""
        return self._frame(self.scores)

    @property
    def returns(self) -> pd.DataFrame:
        """Decimal returns, dates by tickers; log returns if ``spec.log``, else simple."""
        return self._frame(self.market.values)

    @property
    def volatility(self) -> pd.DataFrame:
        """Trailing volatility, decimal per day, dates by tickers."""
        return self._frame(self.trailing)

    @property
    def tickers(self) -> list[str]:
        """Tickers, in the order of the columns."""
        return list(self.market.names)

    @cached_property
    def without_z(self) -> pd.Series[int]:
        """Number of ticker-days without a z, by reason."""
        missing = np.isnan(self.market.values)
        return pd.Series(
            {
                "no return": int(missing.sum()),
                f"fewer than {self.spec.min_obs} returns before": self.n_short,
                "volatility zero before": int((~missing & (self.trailing == 0)).sum()),
            },
            name="ticker_days",
        ).rename_axis("reason")

    def count(self, date: object, *, members: Membership | None = None, by: By = "firm") -> int:
        """Return the number of events on a session.

        Raises
        ------
        NotSessionError
            If `date` is not a session.
        InputError
            If `date` is outside the data, the membership is unknown on it, or no counted stock has a z (the count would
            not be 0 but undefined).
        """
        at = self.market.days[session_row(self.market.days, date)]
        row = self.counts(at, at, members=members, by=by).iloc[0]
        if not row["n_securities"]:
            raise InputError("date", f"no counted stock has a z on {at}", "see .without_z for the reasons")
        return int(row["n_events"])

    def counts(
        self, start: object = None, end: object = None, *, members: Membership | None = None, by: By = "firm"
    ) -> pd.DataFrame:
        """Count the events of each session.

        Returns
        -------
        DataFrame
            Indexed by session: n_events, n_up, n_down, n_securities (with a z), share (n_events / n_securities,
            decimal, NaN if n_securities is 0). Sessions with an unknown membership are excluded, with a
            `MembershipWarning`.

        Raises
        ------
        InputError
            If the period contains no session, or the membership is unknown on all of them.
        """
        return _tables.counts(self.market.days, self.scores, self.spec.threshold, self.part(start, end, members, by))

    def events(
        self, start: object = None, end: object = None, *, members: Membership | None = None, by: By = "firm"
    ) -> pd.DataFrame:
        """List the events.

        Returns
        -------
        DataFrame
            One row per event, sorted by date and ticker: date, ticker, return (decimal, log if ``spec.log``),
            volatility (decimal per day), z, direction ("up" or "down").
        """
        return _tables.events(
            self.market, self.trailing, self.scores, self.spec.threshold, self.part(start, end, members, by)
        )

    def by_year(
        self, start: object = None, end: object = None, *, members: Membership | None = None, by: By = "firm"
    ) -> pd.DataFrame:
        """Compute frequency and size of events by calendar year.

        Returns
        -------
        DataFrame
            Indexed by year: n_events, n_securities (with a z in the year), n_stock_days, per_stock_year (n_events /
            n_stock_days x the sessions of a year, 252 on the NYSE), mean_size (mean ``|z|`` of the events), fragility
            (per_stock_year x mean_size), expected_per_stock_year (events per stock-year under independent normal
            returns of constant variance: Student's t), partial (True if the sessions with a z begin after 10 January or
            end before 20 December). mean_size and fragility are NaN in a year without events, and all figures of a
            stock-year where the dates do not tell the sessions of a year (see `sessions.session_year`).
        """
        spec, part = self.spec, self.part(start, end, members, by)
        frame = _tables.by_year(self.market, self.scores, spec.window, spec.about, spec.threshold, part)
        return ReadableFrame.of(frame, partial(_tables.year_table, year=self.market.session_year))

    def ranking(
        self,
        start: object = None,
        end: object = None,
        *,
        direction: Direction = "absolute",
        n: int | None = 10,
        members: Membership | None = None,
        by: By = "firm",
    ) -> pd.DataFrame:
        """Rank moves by z; a firm with two large moves appears twice.

        Parameters
        ----------
        start, end, members, by : optional
            Period, members and unit of counting.
        direction : {"absolute", "up", "down"}, optional
            Rank by ``|z|``, or rank only upward or only downward moves.
        n : int, optional
            Number of rows; None for all.

        Returns
        -------
        DataFrame
            Indexed by rank from 1: date, ticker, return (decimal), volatility (decimal per day), z, is_event (whether
            ``|z|`` reaches the threshold). Ties keep the order of date and column.

        Raises
        ------
        InputError
            If `n` is not a positive whole number, or the period contains no session with a known membership.
        ChoiceError
            If `direction` or `by` is not one of the allowed values.
        """
        part = self.part(start, end, members, by)
        frame = _tables.ranking(self.market, self.trailing, self.scores, self.spec.threshold, part, direction, n)
        return ReadableFrame.of(frame, _tables.rank_table)

    def clustering(
        self,
        start: object = None,
        end: object = None,
        *,
        direction: Direction = "absolute",
        members: Membership | None = None,
        by: By = "firm",
        n_permutations: int = 999,
        seed: int = 0,
        progress: Progress = None,
    ) -> Clustering:
        """Test whether events of different stocks share days more often than independent stocks would.

        Parameters
        ----------
        start, end, members, by : optional
            Period, members and unit of counting.
        direction : {"absolute", "up", "down"}, optional
            Direction of the events counted.
        n_permutations : int, optional
            Number of random shifts of all stocks.
        seed : int, optional
            Seed of the random shifts; results are reproducible.
        progress : bool or callable, optional
            True shows a progress bar; ``progress(items, n)`` wraps the iteration in a custom one.

        Returns
        -------
        Clustering
            Statistic, null and p-value.

        Raises
        ------
        InputError
            If `n_permutations` or `seed` is out of range, or the period contains no session with a known membership.
        ChoiceError
            If `direction` or `by` is not one of the allowed values.
        """
        part = self.part(start, end, members, by)
        hits = _tables.hits(self.scores[part.rows], self.spec.threshold, direction) & part.counted
        return clustering(hits, part.counted, n_permutations, seed, progress)

    def part(self, start: object, end: object, members: Membership | None, by: By) -> Selection:
        """Return the sessions and columns of a table; tables and plots share this selection."""
        chosen = self.members if members is None else members
        return selection(self.market.days, self.market.names, self.scores, start, end, chosen, by)

    def _frame(self, values: FloatArray) -> pd.DataFrame:
        index = pd.DatetimeIndex(self.market.days.astype("datetime64[ns]"), name="date")
        return pd.DataFrame(values.copy(), index=index, columns=list(self.market.names))

    def printout(self) -> Printout:
        """Return the printed form: the most crowded days."""
        days, frame = self.market.days, self.counts()
        n, events = int(frame["n_securities"].sum()), int(frame["n_events"].sum())
        who = "all listings" if self.members is None else self.members.name
        lost = ", ".join(f"{count:,} {reason}" for reason, count in self.without_z.items() if count)
        title = [
            f"Fragility: {self.spec}",
            f"{len(self.market.names)} tickers, {len(days)} sessions, {days[0]} to {days[-1]}; "
            f"counted: {who}, one per firm",
            f"{events:,} events among {n:,} stock-days with a z; the most crowded days:",
        ]
        title += [f"(ticker-days without a z: {lost})"] if lost else []
        head, rows, _ = _tables.count_table(frame.sort_values("n_events", ascending=False, kind="stable")[:_CROWDED])
        return Printout(title, (PrintedTable(head, rows),), folded=True)
