"""Returns as one matrix (sessions by names), the only form in which prices reach the panel."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from .._typing import BoolArray, CalendarName, DateArray, FloatArray, Frame, Gaps, IntArray
from ..errors import CalendarWarning
from ..models.benchmark import compounded
from ..providers.base import Prices
from ..providers.frames import check_columns, check_returns, numeric_values, refuse_absurd, session_dates
from ..providers.shapes import return_frame
from ..sessions import Sessions, SessionYear, index_sessions, nyse, session_year
from .clock import ANY, Traded, beside, holes, misfit, moved_on, sessions_for, shared_days, traded

_STEP = 256  # securities looked at together


@dataclass(frozen=True, slots=True)
class Returns:
    """Close-to-close returns on a trading calendar.

    Attributes
    ----------
    days : ndarray of shape (T,), datetime64[D]
        Every session of the calendar from the first to the last row given.
    names : tuple of str
        Securities, one a column of `values`.
    values : ndarray of shape (T, S)
        Decimal returns (simple, or log if `log`), NaN where missing. Never filled.
    sessions : Sessions
        The calendar.
    log : bool
        Whether the returns are logarithmic.
    factor_names : tuple of str
        Factors, one a column of `factors`.
    factors : ndarray of shape (T, F), or None
        Decimal returns on the same sessions, NaN where missing.
    elsewhere : tuple of str
        Securities of the study whose returns another partition holds.
    off_days : ndarray of shape (n,), datetime64[D]
        Rows given that are no session and hold a price: they are left out.
    off : ndarray of shape (n, S), bool
        Of which securities.
    off_moved : ndarray of shape (n, S), bool
        Where that price differs from the one before: trading, not a price carried on.
    levels : ndarray of shape (T, S), or None
        Adjusted closes the returns are of, NaN where missing; None where returns were given.
    spans : ndarray of shape (T, S), int, or None
        Sessions that each return covers, from the last price to this one; None where each covers one.
    gaps : {"missing", "span", "trade_to_trade"}
        What is done with returns over more than one session.
    """

    days: DateArray
    names: tuple[str, ...]
    values: FloatArray
    sessions: Sessions
    log: bool
    factor_names: tuple[str, ...] = ()
    factors: FloatArray | None = None
    elsewhere: tuple[str, ...] = ()
    off_days: DateArray = field(default_factory=lambda: np.empty(0, dtype="datetime64[D]"))
    off: BoolArray = field(default_factory=lambda: np.empty((0, 0), dtype=bool))
    off_moved: BoolArray = field(default_factory=lambda: np.empty((0, 0), dtype=bool))
    levels: FloatArray | None = None
    spans: IntArray | None = None
    gaps: Gaps = "missing"

    @property
    def all_names(self) -> tuple[str, ...]:
        """Securities and factors, also those whose returns are elsewhere."""
        return (*self.names, *self.factor_names, *self.elsewhere)

    @property
    def session_year(self) -> SessionYear:
        """Sessions of a year on the calendar."""
        return session_year(self.sessions)

    def column(self, name: str) -> FloatArray:
        """Return a factor or, where there is none of that name, a security, (T,): returns of one session."""
        if self.factors is not None and name in self.factor_names:
            return self.factors[:, self.factor_names.index(name)]
        at = self.names.index(name)
        values = self.values[:, at]
        return values if self.spans is None else np.where(self.spans[:, at] > 1, np.nan, values)

    def of_one_session(self) -> Returns:
        """Return the returns without those over gaps, and without the prices behind them."""
        values = self.values if self.spans is None else np.where(self.spans > 1, np.nan, self.values)
        return replace(self, values=values, spans=None, levels=None)

    def over(self, name: str, row: IntArray, n: IntArray) -> FloatArray:
        """Return a factor or security over the `n` sessions that end on `row`, (G,), NaN where missing.

        Of prices those at both ends suffice; returns are compounded, and all of them are needed.
        """
        if name in self.factor_names or self.levels is None:
            return compounded(self.column(name), row, n, self.log)
        levels = self.levels[:, self.names.index(name)]
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = levels[row] / levels[row - n]
            return np.asarray(np.log(ratio) if self.log else ratio - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Prices or returns as they were given: the rows of all markets together."""

    parameter: str  # "prices" or "returns"
    days: DateArray  # (T,), datetime64[D], increasing
    names: tuple[str, ...]
    values: FloatArray  # (T, S): closes with dividends reinvested, or decimal returns; NaN where missing
    are_returns: bool
    log: bool  # whether the returns made, or given, are logarithmic
    held: Prices | None = None  # the prices, to be checked in the columns that are read

    @classmethod
    def of_prices(cls, prices: Prices, log: bool) -> Sheet:
        """Read closes with dividends reinvested; `on` checks those that are read."""
        days = prices.dates.to_numpy().astype("datetime64[D]")
        return cls("prices", days, tuple(prices.tickers), prices.levels.to_numpy(), False, log, prices)

    @classmethod
    def of_frame(cls, frame: Frame, log: bool, copy: bool = True) -> Sheet:
        """Read a wide or long frame of decimal returns, checking dates and bounds.

        Raises `PriceError` if a return is infinite, or below -1 and not logarithmic: no price can fall by more than all
        of itself.

        Parameters
        ----------
        frame : DataFrame
            Wide (dates by tickers) or long.
        log : bool
            Whether the returns are logarithmic.
        copy : bool, optional
            Whether the values are the caller's own: a study that outlives the call must not change with the frame.
        """
        frame = return_frame("returns", frame)
        check_columns("returns", frame)
        days = session_dates("returns", frame.index, frame)
        values = numeric_values("returns", frame, copy)
        names = [str(c) for c in frame.columns]
        check_returns("returns", names, days, values, log)
        return cls("returns", days, tuple(names), values, True, log)

    def traded(self, names: Sequence[str]) -> Traded:
        """Return the days on which at least half of some series have a price; unknown names do not count."""
        columns = self._columns(names)
        return traded([self.names[c] for c in columns], self.days, self.values[:, columns], self.are_returns)

    def sessions(
        self, names: Sequence[str], calendar: CalendarName, warn: bool = True, among: Sequence[str] = ()
    ) -> Sessions:
        """Return the sessions of a market by the days of its benchmark (see `sessions_for`).

        Without a known name the rows are all of that market: those with a price or, where "index" says so, all. A day
        on which the benchmark repeats its price is none if no security of the market, as far as some are named, moved.
        """
        series = self.traded(names)
        others = self._columns([name for name in among if name not in names])
        series = beside(series, self.days, self.values[:, others], self.are_returns)
        if not series.names:
            if calendar == "index":
                return index_sessions(self.days)
            series = self.any_of(self.names, ANY)
        return sessions_for(self.parameter, series, calendar, warn)

    def any_of(self, names: Sequence[str], label: str, still: bool = False) -> Traded:
        """Return the days on which any of some securities has a price; a row counts as carried only if `still`."""
        values = self.values[:, self._columns(names)]
        there = np.asarray(np.isfinite(values).any(axis=1))
        moved = moved_on(np.flatnonzero(there), values, self.are_returns).any(axis=1) if still else there[there]
        return Traded((label,), self.days[there], np.asarray(moved))

    def shared(self, names: Sequence[str], calendar: CalendarName, warn: bool = True) -> Sessions:
        """Return the sessions that most of some securities share, where one calendar must do for all.

        With "auto" it is New York's table if the days on which more than half of them have a price are its sessions,
        of those whose prices have begun and not ended. Otherwise half of them decide. Without a known name all do.
        """
        columns = self._columns(names)
        columns = columns if len(columns) else np.arange(len(self.names))
        names = [self.names[c] for c in columns]
        if calendar == "index":
            return self.sessions((), calendar)
        if calendar not in ("auto", "NYSE"):
            return sessions_for(self.parameter, self.any_of(names, "the dates"), calendar, warn)
        more, half = shared_days(names, self.days, self.values[:, columns], self.are_returns)
        fits = len(more.days) > 0 and not misfit(more.days, more.moved)
        return sessions_for(self.parameter, more if fits else half, calendar, warn)

    def own_clocks(self, names: Sequence[str], warn: bool = True) -> list[tuple[tuple[str, ...], Sessions]]:
        """Return some securities by their sessions: New York's, or the days of their own prices.

        No security is looked at beside another, so that none changes the sessions of another. One without a price is
        put with the first.
        """
        if self.all_new_york(names):
            return [(tuple(names), nyse())]
        clocks: dict[bytes, tuple[list[str], Sessions]] = {}
        without = []
        for name in names:
            series = self.traded([name])
            if not len(series.days):
                without.append(name)
                continue
            fits = not misfit(series.days, series.moved)
            key = b"" if fits else series.days.tobytes()
            if key not in clocks:
                clocks[key] = [], nyse() if fits else sessions_for(self.parameter, series, "auto", warn)
            clocks[key][0].append(name)
        found = list(clocks.values()) or [([], self.sessions((), "auto", warn=False))]
        found[0][0].extend(without)
        return [(tuple(own), sessions) for own, sessions in found]

    def all_new_york(self, names: Sequence[str]) -> bool:
        """Return whether all rows are New York's sessions and each security's prices are daily."""
        table = nyse()
        if not table.contains(self.days).all():
            return False
        follows, columns = np.diff(np.searchsorted(table.days, self.days)) == 1, self._columns(names)
        for lo in range(0, len(columns), _STEP):
            there = np.isfinite(self.values[:, columns[lo : lo + _STEP]])
            steps = (there[1:] & there[:-1] & follows[:, None]).sum(axis=0)
            if (2 * steps < there.sum(axis=0) - 1).any():
                return False
        return True

    def on(
        self, sessions: Sessions, names: Sequence[str], only: bool = False, reach: Sequence[str] | None = None
    ) -> Returns:
        """Return close-to-close returns over consecutive sessions.

        A session without a row, or a missing price, leaves that session's and the next session's return missing: the
        return over the gap is not a daily one. Rows that are no session are left out, and noted in ``off``.

        Parameters
        ----------
        sessions : Sessions
            Of the market.
        names : sequence of str
            Securities and benchmark studied.
        only : bool, optional
            Whether the returns are of these names alone.
        reach : sequence of str, optional
            From whose first price to whose last the axis reaches: by default those of `names`; () for all rows.

        Raises
        ------
        PriceError
            If no return can be computed from the prices of `names` (`Prices.refuse_unusable`), or one is absurd.
        """
        columns = self._columns(names)
        if self.held is not None:
            self.held.refuse_unusable([self.names[c] for c in columns])
        kept = columns if only else np.arange(len(self.names))
        is_session = sessions.contains(self.days) if len(sessions.days) else np.zeros(len(self.days), dtype=bool)
        first, last = self._reach(is_session, names if reach is None else reach)
        rows = slice(first, last)
        values = self.values[rows][:, kept] if only else self.values[rows]
        days, inside = self.days[rows], is_session[rows]
        off_days, off = days[:0], np.empty((0, len(kept)), dtype=bool)
        moved = off
        if not inside.all():
            off = np.isfinite(values) & ~inside[:, None]
            stray = np.flatnonzero(off.any(axis=1))
            off_days, off, moved = days[stray], off[stray], moved_on(stray, values, self.are_returns)
            days, values = days[inside], values[inside]
        axis, values = _on_axis(sessions, days, values)
        names = tuple(self.names[c] for c in kept)
        read = np.arange(len(kept)) if only or len(columns) == len(kept) else columns
        made = self._returns(names, axis, values, sessions, read)
        levels = None if self.are_returns else values
        return Returns(
            axis, names, made, sessions, self.log, levels=levels, off_days=off_days, off=off, off_moved=moved
        )

    def _returns(
        self, names: tuple[str, ...], axis: DateArray, levels: FloatArray, sessions: Sessions, read: IntArray
    ) -> FloatArray:
        if self.are_returns:
            return levels
        values = np.full_like(levels, np.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            values[1:] = levels[1:] / levels[:-1]
        broken = np.flatnonzero(holes(axis)) if sessions.name == "index" else np.empty(0, dtype=np.int64)
        if len(broken):
            values[broken] = np.nan
            _warn_of_holes(axis, broken)
        own = values if len(read) == len(names) else values[:, read]
        refuse_absurd("prices", [names[k] for k in read], axis, own - 1)
        return np.log(values) if self.log else values - 1

    def _columns(self, names: Sequence[str]) -> IntArray:
        place = {name: at for at, name in enumerate(self.names)}
        return np.array(sorted({place[name] for name in names if name in place}), dtype=np.int64)

    def _reach(self, is_session: BoolArray, names: Sequence[str]) -> tuple[int, int]:
        """Return the first row that is a session with a price of one of the series, and the row after the last."""
        rows, columns = np.flatnonzero(is_session), self._columns(names)
        if len(rows) and not len(columns):
            return int(rows[0]), int(rows[-1]) + 1
        first = next((r for r in rows if np.isfinite(self.values[r, columns]).any()), None)
        if first is None:
            return 0, len(self.days)
        return int(first), 1 + int(next(r for r in rows[::-1] if np.isfinite(self.values[r, columns]).any()))


def returns_of_prices(prices: Prices, calendar: CalendarName, log: bool, names: Sequence[str] = ()) -> Returns:
    """Return total returns of prices on the sessions of one market; see `Sheet`.

    Parameters
    ----------
    prices : Prices
        `Prices.reinvested` is read.
    calendar : str
        See `sessions_for`.
    log : bool
        Log instead of simple returns.
    names : sequence of str, optional
        Whose days decide; by default all rows.
    """
    sheet = Sheet.of_prices(prices, log)
    return sheet.on(sheet.sessions(names, calendar), names or sheet.names)


def returns_of_frame(
    frame: Frame, calendar: CalendarName, log: bool, copy: bool = True, names: Sequence[str] = ()
) -> Returns:
    """Return a frame of returns on the sessions of one market: `Sheet.of_frame`, and `names` of `returns_of_prices`."""
    sheet = Sheet.of_frame(frame, log, copy)
    return sheet.on(sheet.sessions(names, calendar), names or sheet.names)


def factor_columns(returns: Returns, factors: pd.DataFrame, elsewhere: tuple[str, ...] = ()) -> Returns:
    """Add a frame of factors (decimal returns), aligned by date; a factor wins over a ticker of its name."""
    check_columns("factors", factors)
    days = session_dates("factors", factors.index, factors)
    values = numeric_values("factors", factors)
    names = [str(c) for c in factors.columns]
    refuse_absurd("factors", names, days, values)
    columns = np.full((len(returns.days), factors.shape[1]), np.nan)
    at = np.minimum(np.searchsorted(days, returns.days), len(days) - 1)
    found = days[at] == returns.days
    columns[found] = values[at[found]]
    return replace(returns, factor_names=tuple(names), factors=columns, elsewhere=elsewhere)


def sessions_of_prices(prices: Prices, names: Sequence[str] = ()) -> tuple[Sessions, str]:
    """Return the sessions of securities by their own prices, and a note where these are not New York's.

    Parameters
    ----------
    prices : Prices
        Closes are read.
    names : sequence of str, optional
        Whose days decide; by default all rows.
    """
    days = prices.dates.to_numpy().astype("datetime64[D]")
    sheet = Sheet("prices", days, tuple(prices.tickers), prices.close.to_numpy(), False, False)
    sessions = sheet.sessions(names, "auto", warn=False)
    if sessions.name == "NYSE":
        return sessions, ""
    problem = misfit(sessions.days, np.ones(len(sessions.days), dtype=bool))
    return sessions, f"sessions are the dates of the prices: {problem}"


def _warn_of_holes(axis: DateArray, after: IntArray) -> None:
    first = int(after[0])
    more = f" (and {len(after) - 1} more)" if len(after) > 1 else ""
    what = f"no row between {axis[first - 1]} and {axis[first]}{more}: the return over it is no session's"
    warnings.warn(CalendarWarning(f"prices: {what} and is left out"), stacklevel=6)


def _on_axis(sessions: Sessions, days: DateArray, values: FloatArray) -> tuple[DateArray, FloatArray]:
    if not len(days):
        return days, values
    axis = sessions.between(days[0], days[-1])
    if len(axis) == len(days):
        return axis, values
    spread = np.full((len(axis), values.shape[1]), np.nan)
    spread[np.searchsorted(axis, days)] = values
    return axis, spread
