"""Who belonged to a group on each day, as it was known before that day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, Frame
from ..errors import InputError, PriceError
from ..providers.frames import (
    check_columns,
    check_positive,
    dated,
    numeric_values,
    pandas_frame,
    parsed_index,
    session_dates,
)
from ._rules import Grid, Names, Rule, Spans, firm_of


@dataclass(frozen=True, eq=False)
class Membership:
    """Who belonged to a group on each day.

    Made by `of`, `from_frame`, `intervals` or `top`; two are joined by ``&``.

    Attributes
    ----------
    name : str
        What it is, for headings.

    Notes
    -----
    A membership is taken as of the day of the move: a list of today's members knows who survived and grew, and counts
    over it are counts over survivors. On a day of which a membership says nothing it is not empty but unknown
    (`known`): `on` refuses such days, and `fragility` leaves them out with a `MembershipWarning`.

    Examples
    --------
    >>> import marketshock as ms
    >>> members = ms.datasets.sp500()
    >>> largest = ms.Membership.top(2, members.market_caps())
    >>> largest.on(["2025-01-24", "2025-01-28"], ["NVDA", "AAPL", "MSFT"])
    array([[ True,  True, False],
           [False,  True,  True]])
    """

    name: str
    _rules: tuple[Rule, ...] = field(repr=False)

    @classmethod
    def of(cls, tickers: Sequence[str], name: str = "") -> Membership:
        """Return the same tickers on every day; one without returns is refused, not skipped.

        Raises
        ------
        InputError
            If it names no ticker.
        """
        if isinstance(tickers, str) or not len(tickers):
            raise InputError("tickers", f"got {tickers!r}", 'give a list, such as ["NVDA", "AAPL"]')
        names = tuple(dict.fromkeys(str(t) for t in tickers))
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return cls(name or shown, (Names(names),))

    @classmethod
    def from_frame(cls, members: Frame, *, max_age: int = 0, name: str = "") -> Membership:
        """Read a frame of true and false (dates by tickers): who is a member on each day.

        Parameters
        ----------
        members : DataFrame
            Boolean. A ticker that is no column is no member.
        max_age : int, optional
            Calendar days that a row stays good for after its date: 0 for a row a session, 31 for a row a month.
        name : str, optional
            For headings.

        Raises
        ------
        InputError, PriceError
            If it is not made of true and false, or dates are duplicate or unsorted.
        """
        frame = dated("members", members)
        check_columns("members", frame)
        days = session_dates("members", frame.index)
        if not all(pd.api.types.is_bool_dtype(dtype) for dtype in frame.dtypes) or frame.isna().to_numpy().any():
            raise InputError("members", "holds other things than true and false", "fill gaps, then call .astype(bool)")
        names = tuple(str(c) for c in frame.columns)
        grid = Grid(days, names, frame.to_numpy(dtype=bool), np.ones(len(days), dtype=bool), max_age, False, False)
        return cls(name or "members of a frame", (_checked_age(grid),))

    @classmethod
    def intervals(cls, table: Frame, name: str = "") -> Membership:
        """Read a row for each time a ticker belonged: columns ticker, first, last, both days included.

        Parameters
        ----------
        table : DataFrame
            A `last` that is missing has not come yet, a `first` that is missing was before all that is known. Days
            before the first and after the last date of the table are unknown.
        name : str, optional
            For headings.

        Raises
        ------
        InputError
            If a column is missing, a date is none, or a row ends before it begins.
        """
        frame = pandas_frame("table", table)
        lacking = [c for c in ("ticker", "first", "last") if c not in frame.columns]
        if lacking or frame.empty:
            what = f"has no column {lacking[0]!r}" if lacking else "is empty"
            raise InputError("table", what, "give the columns ticker, first, last")
        first, last = (_days_of(frame[c], fill) for c, fill in (("first", "1800-01-01"), ("last", "2200-12-31")))
        if (last < first).any():
            at = int(np.argmax(last < first))
            raise InputError("table", f"{frame['ticker'].iloc[at]} ends on {last[at]}, before {first[at]}", "swap them")
        return cls(name or "members by interval", (Spans(tuple(frame["ticker"].astype(str)), first, last),))

    @classmethod
    def top(cls, n: int, caps: Frame, *, max_age: int = 7, name: str = "") -> Membership:
        """Return the `n` largest firms, ranked on the session before each day.

        Parameters
        ----------
        n : int
            Firms. Where several tie for the last place all of them are members.
        caps : DataFrame
            Market caps in USD, dates by tickers, one column a firm (the sum of its classes). NaN is not ranked; a day
            with fewer than `n` caps is unknown. All listings of a firm are members when it is.
        max_age : int, optional
            Calendar days that a ranking stays good for: 7 for daily caps, 35 for monthly ones.
        name : str, optional
            For headings.

        Raises
        ------
        InputError
            If there are fewer than `n` columns, or two of one firm.
        PriceError
            If a cap is infinite, not positive, or dates are duplicate or unsorted.

        Notes
        -----
        No look-ahead: members on a day are ranked by caps of an earlier one, so that the move of the day does not
        decide who is counted on it. Caps that hold a later share count bring one back in; see
        `IndexMembers.market_caps`.
        """
        days, names, values = caps_values(caps)
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 1 <= n <= len(names):
            raise InputError("n", f"got {n!r}", f"give a whole number from 1 to {len(names)}, the columns of caps")
        ranked = np.where(np.isnan(values), -np.inf, values)
        last = np.partition(ranked, len(names) - n, axis=1)[:, len(names) - n]
        settled = np.isfinite(last)
        grid = Grid(days, tuple(map(firm_of, names)), ranked >= last[:, None], settled, max_age, True, True)
        return cls(name or f"{n} largest by market cap the session before", (_checked_age(grid),))

    def known(self, dates: Iterable[object]) -> BoolArray:
        """Return for each date whether the membership says anything of it."""
        days = _days_index("dates", dates)
        return np.asarray(np.all([rule.known(days) for rule in self._rules], axis=0))

    def on(self, dates: Iterable[object], tickers: Sequence[str]) -> BoolArray:
        """Return who belonged on each date.

        Returns
        -------
        ndarray of shape (n_dates, n_tickers), bool

        Raises
        ------
        InputError
            If nothing is known of a date.
        """
        days = _days_index("dates", dates)
        known = self.known(days)
        if not known.all():
            raise InputError(
                "dates", f"nothing is known of {self.name} on {days[~known][0]}", "ask .known(dates) first"
            )
        return self.rows(days, [str(t) for t in tickers])

    def rows(self, days: DateArray, tickers: Sequence[str]) -> BoolArray:
        """Return who belonged, (n_days, n_tickers); False on days of which nothing is known."""
        out = self._rules[0].on(days, tickers)
        for rule in self._rules[1:]:
            out = out & rule.on(days, tickers)
        return out

    def check(self, tickers: Sequence[str]) -> None:
        """Raise `UnknownNameError` if a named ticker, or every member, is none of `tickers`."""
        for rule in self._rules:
            rule.check(tickers)

    def __and__(self, other: Membership) -> Membership:
        """Return those who belong to both."""
        if not isinstance(other, Membership):
            return NotImplemented
        return Membership(f"{self.name}, {other.name}", (*self._rules, *other._rules))


def caps_values(caps: Frame) -> tuple[DateArray, list[str], FloatArray]:
    """Return days (D,), tickers (N,) and market caps in USD (D, N) of a frame with one column a firm.

    Raises
    ------
    InputError
        If two columns are of one firm, or the frame is empty.
    PriceError
        If a cap is infinite, not positive or text, or dates are duplicate or unsorted.
    """
    frame = dated("caps", caps)
    check_columns("caps", frame)
    days, values = session_dates("caps", frame.index), numeric_values("caps", frame)
    check_positive("caps", frame, values)
    names = [str(c) for c in frame.columns]
    seen: dict[str, str] = {}
    for name in names:
        if seen.setdefault(firm_of(name), name) != name:
            what = f"{seen[firm_of(name)]} and {name} are classes of one firm"
            raise InputError("caps", what, "give one column a firm: the sum of its classes")
    return days, names, values


def _checked_age(grid: Grid) -> Grid:
    if isinstance(grid.max_age, bool) or not isinstance(grid.max_age, int) or grid.max_age < int(grid.before):
        raise InputError("max_age", f"got {grid.max_age!r}", f"give calendar days, {int(grid.before)} or more")
    return grid


def _days_index(parameter: str, dates: Iterable[object]) -> DateArray:
    if isinstance(dates, np.ndarray) and dates.dtype == "datetime64[D]":
        return dates
    index = dates if isinstance(dates, pd.DatetimeIndex) else parsed_index(parameter, pd.Index(list(dates)))
    return index.tz_localize(None).to_numpy().astype("datetime64[D]")


def _days_of(column: pd.Series[str], fill: str) -> DateArray:
    missing = column.isna().to_numpy()
    out = np.full(len(column), np.datetime64(fill), dtype="datetime64[D]")
    if not missing.all():
        try:
            out[~missing] = _days_index("table", pd.Index(column[~missing]))
        except PriceError as error:
            raise InputError("table", error.problem, "write dates as YYYY-MM-DD") from error
    return out
