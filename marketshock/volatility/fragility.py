"""What `fragility` returns: z by day and ticker, and the tables made of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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

_CROWDED = 5  # days shown


@dataclass(frozen=True, slots=True)
class FragilitySpec:
    """How z is measured.

    Attributes
    ----------
    window : int
        Sessions of the volatility, ending the day before.
    threshold : float
        ``|z|`` from which a move is an event.
    log : bool
        Log or simple returns.
    about : {"zero", "mean"}
        What the volatility is taken about.
    min_obs : int
        Returns needed in the window.
    """

    window: int
    threshold: float
    log: bool
    about: About
    min_obs: int

    def __str__(self) -> str:
        kind = "log" if self.log else "simple"
        what = "realised volatility about zero" if self.about == "zero" else "standard deviation about the mean"
        least = "" if self.min_obs == self.window else f" (at least {self.min_obs} returns)"
        return (
            f"z = {kind} return / {what} of the {self.window} sessions that end the day before{least}; "
            f"an event is |z| >= {self.threshold:g}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Fragility(Printable):
    """Each day's return in units of the volatility of the days before it, and what can be counted from that.

    Made by `fragility`. The tables take a period (`start`, `end`: dates, both included), whom to count (`members`, as
    of each day; by default those given to `fragility`) and how (`by`):

    - ``by="firm"``, the default: share classes of one firm count once, by its main ticker (GOOGL for Alphabet);
    - ``by="listing"``: every ticker counts.

    Attributes
    ----------
    spec : FragilitySpec
        The definition.
    market : Returns
        Returns by session and ticker, as an array.
    trailing : ndarray of shape (n_sessions, n_tickers)
        Volatility of the days before, decimal, a day; 0 where the stock stood still, NaN where too few returns are
        there.
    members : Membership or None
        Whom the tables count by default.
    n_short : int
        Returns without a z because the window before holds fewer than ``spec.min_obs``.
    """

    spec: FragilitySpec
    market: Returns
    trailing: FloatArray
    members: Membership | None
    n_short: int

    @cached_property
    def scores(self) -> FloatArray:
        """Scores z as an array of shape (n_sessions, n_tickers); NaN where there is none."""
        out = np.full(self.trailing.shape, np.nan)
        with np.errstate(invalid="ignore"):
            np.divide(self.market.values, self.trailing, out=out, where=self.trailing > 0)
        return out

    @property
    def z(self) -> pd.DataFrame:
        """z, dates by tickers; NaN where there is none."""
        return self._frame(self.scores)

    @property
    def returns(self) -> pd.DataFrame:
        """Decimal returns, dates by tickers: log if ``spec.log``."""
        return self._frame(self.market.values)

    @property
    def volatility(self) -> pd.DataFrame:
        """Volatility of the days before, decimal, a day, dates by tickers."""
        return self._frame(self.trailing)

    @property
    def tickers(self) -> list[str]:
        """Tickers, in the order of the columns."""
        return list(self.market.names)

    @cached_property
    def lost(self) -> pd.Series[int]:
        """How many days of a ticker have no z, by reason."""
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
        """Return how many events a session has.

        Raises
        ------
        NotSessionError
            If it is no session.
        InputError
            If it is outside the data, the membership is not known on it, or no stock has a z: that is not a count of 0.
        """
        at = self.market.days[session_row(self.market.days, date)]
        row = self.counts(at, at, members=members, by=by).iloc[0]
        if not row["n_securities"]:
            raise InputError("date", f"no stock that is counted has a z on {at}", "see .lost for the reasons")
        return int(row["events"])

    def counts(
        self, start: object = None, end: object = None, *, members: Membership | None = None, by: By = "firm"
    ) -> pd.DataFrame:
        """Count the events of each session.

        Returns
        -------
        DataFrame
            Indexed by date: events, up, down, n_securities (with a z), share (events / n_securities, NaN where there is
            none). Sessions on which the membership is not known are left out, with a `MembershipWarning`.
        """
        return _tables.counts(self.market.days, self.scores, self.spec.threshold, self.part(start, end, members, by))

    def events(
        self, start: object = None, end: object = None, *, members: Membership | None = None, by: By = "firm"
    ) -> pd.DataFrame:
        """List the events.

        Returns
        -------
        DataFrame
            A row an event, by date and then ticker: date, ticker, return (decimal, log if ``spec.log``), volatility, z,
            direction ("up" or "down").
        """
        return _tables.events(
            self.market, self.trailing, self.scores, self.spec.threshold, self.part(start, end, members, by)
        )

    def by_year(
        self, start: object = None, end: object = None, *, members: Membership | None = None, by: By = "firm"
    ) -> pd.DataFrame:
        """Say how often events come and how large they are, by calendar year.

        Returns
        -------
        DataFrame
            Indexed by year: events, n_securities (with a z in the year), stock_days, per_stock_year (events /
            stock_days x 252), mean_size (mean ``|z|`` of the events), fragility (per_stock_year x mean_size), expected
            (events a stock-year if returns were independent and normal with constant variance: Student's t), partial
            (the sessions with a z begin after 10 January or end before 20 December).
        """
        spec, part = self.spec, self.part(start, end, members, by)
        frame = _tables.by_year(self.market.days, self.scores, spec.window, spec.about, spec.threshold, part)
        return ReadableFrame.of(frame, _tables.year_table)

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
        """Rank moves by their z; a firm with two large moves is there twice.

        Parameters
        ----------
        start, end, members, by : optional
            What is ranked.
        direction : {"absolute", "up", "down"}, optional
            By ``|z|``, or the upward or downward moves alone.
        n : int, optional
            Rows; None for all.

        Returns
        -------
        DataFrame
            Indexed by rank from 1: date, ticker, return, volatility, z, event (whether ``|z|`` reaches the threshold).
            Ties are in the order of date and column.
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
        """Test whether events of different stocks fall on the same days more often than if each had its own time.

        Parameters
        ----------
        start, end, members, by : optional
            What is counted.
        direction : {"absolute", "up", "down"}, optional
            Which events.
        n_permutations : int, optional
            Random shifts of all stocks.
        seed : int, optional
            The same seed gives the same result.
        progress : bool or callable, optional
            True shows a bar; ``progress(items, n)`` wraps the work in one of your own.

        Returns
        -------
        Clustering
            See there for statistic and null.
        """
        part = self.part(start, end, members, by)
        hits = _tables.hits(self.scores[part.rows], self.spec.threshold, direction) & part.counted
        return clustering(hits, part.counted, n_permutations, seed, progress)

    def part(self, start: object, end: object, members: Membership | None, by: By) -> Selection:
        """Return the sessions and columns that a table counts: what the tables and pictures have in common."""
        chosen = self.members if members is None else members
        return selection(self.market.days, self.market.names, self.scores, start, end, chosen, by)

    def _frame(self, values: FloatArray) -> pd.DataFrame:
        index = pd.DatetimeIndex(self.market.days.astype("datetime64[ns]"), name="date")
        return pd.DataFrame(values.copy(), index=index, columns=list(self.market.names))

    def printout(self) -> Printout:
        """Return the printed form: the most crowded days."""
        days, frame = self.market.days, self.counts()
        n, events = int(frame["n_securities"].sum()), int(frame["events"].sum())
        who = "all listings" if self.members is None else self.members.name
        lost = ", ".join(f"{count:,} {reason}" for reason, count in self.lost.items() if count)
        title = [
            f"Fragility: {self.spec}",
            f"{len(self.market.names)} tickers, {len(days)} sessions, {days[0]} to {days[-1]}; "
            f"counted: {who}, one a firm",
            f"{events:,} events among {n:,} stock-days with a z; the most crowded days:",
        ]
        title += [f"(ticker-days without a z: {lost})"] if lost else []
        head, rows, _ = _tables.count_table(frame.sort_values("events", ascending=False, kind="stable")[:_CROWDED])
        return Printout(title, (PrintedTable(head, rows),), folded=True)
