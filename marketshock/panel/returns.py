"""Returns as one matrix (sessions by names), the only form in which prices reach the panel."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .._typing import CalendarName, DateArray, FloatArray, Frame, Gaps, IntArray
from ..errors import Argument, CalendarWarning, PriceError, Words
from ..models.benchmark import compounded
from ..providers.base import Prices
from ..providers.frames import check_columns, check_returns, numeric_values, refuse_absurd, session_dates
from ..providers.shapes import return_frame
from ..providers.splits import refuse_unadjusted
from ..sessions import Sessions, index_sessions, nyse

_BREAK = 20  # calendar days without a row: longer than any holiday of a market
_MIN_COVERAGE = 0.9  # below this share of NYSE sessions the rows are no daily series of that market


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
    levels: FloatArray | None = None
    spans: IntArray | None = None
    gaps: Gaps = "missing"

    @property
    def all_names(self) -> tuple[str, ...]:
        """Securities and factors, also those whose returns are elsewhere."""
        return (*self.names, *self.factor_names, *self.elsewhere)

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


def returns_of_prices(prices: Prices, calendar: CalendarName, log: bool) -> Returns:
    """Compute total returns from adjusted closes on a calendar.

    A session without a row, or a missing price, leaves that session's and the next session's return missing: the return
    over the gap is not a daily one. Raises `PriceError` if closes are not adjusted for a split that is known.

    Parameters
    ----------
    prices : Prices
        Adjusted closes are read.
    calendar : {"auto", "NYSE", "index"}
        See `choose_sessions`.
    log : bool
        Log instead of simple returns.
    """
    days = prices.dates.to_numpy().astype("datetime64[D]")
    refuse_unadjusted("prices", prices.checked_splits, prices.close)
    sessions = choose_sessions("prices", days, calendar)
    axis, levels = _on_axis(sessions, days, prices.adj_close.to_numpy())
    values = np.full_like(levels, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        values[1:] = levels[1:] / levels[:-1]
    refuse_absurd("prices", prices.tickers, axis, values - 1)
    values = np.log(values) if log else values - 1
    broken = _breaks(axis)
    if len(broken):
        values[broken] = np.nan
        _warn_of_breaks(axis, broken)
    return Returns(axis, tuple(prices.tickers), values, sessions, log, levels=levels)


def _breaks(axis: DateArray) -> IntArray:
    """Return the sessions that follow a break of weeks in the dates: more than 20 days, and than ten usual steps."""
    step = np.diff(axis).astype(np.int64)
    usual = float(np.median(step)) if len(step) else 0.0
    return np.flatnonzero(step > max(_BREAK, 10 * usual)) + 1


def _warn_of_breaks(axis: DateArray, broken: IntArray) -> None:
    first = int(broken[0])
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    what = (
        f"no row between {axis[first - 1]} and {axis[first]}{more}: the return over it is no session's and is left out"
    )
    warnings.warn(CalendarWarning(f"prices: {what}"), stacklevel=4)


def returns_of_frame(frame: Frame, calendar: CalendarName, log: bool, copy: bool = True) -> Returns:
    """Read a wide or long frame of decimal returns, checking dates and bounds.

    Raises `PriceError` if a return is infinite, or below -1 and not logarithmic: no price can fall by more than all of
    itself.

    Parameters
    ----------
    frame : DataFrame
        Wide (dates by tickers) or long.
    calendar : {"auto", "NYSE", "index"}
        See `choose_sessions`.
    log : bool
        Whether the returns are logarithmic.
    copy : bool, optional
        Whether the values are the caller's own: a study that outlives the call must not change with the frame.
    """
    frame = return_frame("returns", frame)
    check_columns("returns", frame)
    days = session_dates("returns", frame.index)
    values = numeric_values("returns", frame, copy)
    names = [str(c) for c in frame.columns]
    check_returns("returns", names, days, values, log)
    sessions = choose_sessions("returns", days, calendar)
    axis, values = _on_axis(sessions, days, values)
    return Returns(axis, tuple(names), values, sessions, log)


def factor_columns(returns: Returns, factors: pd.DataFrame, elsewhere: tuple[str, ...] = ()) -> Returns:
    """Add a frame of factors (decimal returns), aligned by date; a factor wins over a ticker of its name."""
    check_columns("factors", factors)
    days = session_dates("factors", factors.index)
    values = numeric_values("factors", factors)
    names = [str(c) for c in factors.columns]
    refuse_absurd("factors", names, days, values)
    columns = np.full((len(returns.days), factors.shape[1]), np.nan)
    at = np.minimum(np.searchsorted(days, returns.days), len(days) - 1)
    found = days[at] == returns.days
    columns[found] = values[at[found]]
    return replace(returns, factor_names=tuple(names), factors=columns, elsewhere=elsewhere)


def choose_sessions(parameter: str, days: DateArray, calendar: CalendarName) -> Sessions:
    """Return the calendar on which days are counted.

    "NYSE" is the frozen table: a row that is no session is refused, a session without a row is a missing return.
    "index" takes the dates given as the sessions. "auto" takes the NYSE where the dates fit it, and otherwise the dates
    themselves, with a `CalendarWarning`.

    Raises
    ------
    PriceError
        With "NYSE", if a row is no session or the rows are too sparse to be daily.
    """
    if calendar == "index":
        return index_sessions(days)
    sessions, problem = fitting_sessions(days)
    if not problem:
        return sessions
    if calendar == "NYSE":
        remedy = Words("correct the dates, or pass ", Argument("calendar", "index"), " to take them as sessions")
        raise PriceError(parameter, problem, remedy)
    text = Words(
        f"{parameter}: {problem}; the dates given are taken as the trading sessions. Pass ",
        *(Argument("calendar", "index"), " to say so, or "),
        *(Argument("calendar", "NYSE"), " to refuse such dates."),
    )
    warnings.warn(CalendarWarning(text), stacklevel=4)
    return sessions


def fitting_sessions(days: DateArray) -> tuple[Sessions, str]:
    """Return the calendar that "auto" takes: the NYSE table where the dates fit it, otherwise the dates themselves.

    The second value is why the dates do not fit, "" if they do.
    """
    problem = _misfit(days)
    return (index_sessions(days), problem) if problem else (nyse(), "")


def sessions_of_prices(prices: Prices) -> tuple[Sessions, str]:
    """Return the calendar of prices without a study (see `fitting_sessions`), and a note where it is not the NYSE's."""
    sessions, problem = fitting_sessions(prices.dates.to_numpy().astype("datetime64[D]"))
    return sessions, f"sessions are the dates of the prices: {problem}" if problem else ""


def _misfit(days: DateArray) -> str:
    table = nyse()
    if days[0] < table.days[0] or days[-1] > table.days[-1]:
        return f"dates from {days[0]} to {days[-1]} reach beyond the NYSE table ({table.days[0]} to {table.days[-1]})"
    stray = days[~table.contains(days)]
    if len(stray):
        return f"{len(stray)} of {len(days)} dates are no NYSE session (the first is {stray[0]})"
    expected = len(table.between(days[0], days[-1]))
    if len(days) < _MIN_COVERAGE * expected:
        return f"{len(days)} rows for {expected} NYSE sessions are no daily series"
    return ""


def _on_axis(sessions: Sessions, days: DateArray, values: FloatArray) -> tuple[DateArray, FloatArray]:
    axis = sessions.between(days[0], days[-1])
    if len(axis) == len(days):
        return axis, values
    spread = np.full((len(axis), values.shape[1]), np.nan)
    spread[np.searchsorted(axis, days)] = values
    return axis, spread
