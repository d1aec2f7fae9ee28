"""Members of a group on each day, as known before that day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, Frame
from ..errors import InputError, PriceError, check_count
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
    """Members of a group on each day.

    Made by `of`, `from_frame`, `intervals` or `top`; ``&`` intersects two memberships.

    Attributes
    ----------
    name : str
        Description for headings.

    Notes
    -----
    A membership is evaluated as of the day of the move. A list of today's members has survivorship bias, and so have
    counts over it. A day outside the data of a membership is unknown, not empty (`known`): `on` raises on such days,
    and `fragility` excludes them with a `MembershipWarning`.

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
        """Make a membership of the same tickers on every day.

        A ticker without returns raises an error where the membership is used; it is not skipped.

        Raises
        ------
        InputError
            If `tickers` is empty or text.
        """
        if isinstance(tickers, str) or not len(tickers):
            raise InputError("tickers", f"got {tickers!r}", 'give a list, such as ["NVDA", "AAPL"]')
        names = tuple(dict.fromkeys(str(t) for t in tickers))
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return cls(name or shown, (Names(names),))

    @classmethod
    def from_frame(cls, members: Frame, *, max_age: int = 0, name: str = "") -> Membership:
        """Make a membership from a Boolean frame, dates by tickers.

        Parameters
        ----------
        members : DataFrame
            True for a member on that date. A ticker without a column is not a member.
        max_age : int, optional
            Calendar days for which a row stays valid after its date: 0 for one row per session, 31 for one per month.
        name : str, optional
            Description for headings.

        Raises
        ------
        InputError
            If the frame contains other values than True and False, or `max_age` is negative.
        PriceError
            If dates are duplicate or unsorted.
        """
        frame = dated("members", members)
        check_columns("members", frame)
        days = session_dates("members", frame.index)
        if not all(pd.api.types.is_bool_dtype(dtype) for dtype in frame.dtypes) or frame.isna().to_numpy().any():
            raise InputError("members", "has other values than True and False", "fill the gaps, and give true or false")
        names = tuple(str(c) for c in frame.columns)
        grid = Grid(days, names, frame.to_numpy(dtype=bool), np.ones(len(days), dtype=bool), max_age, False, False)
        return cls(name or "members of a frame", (_checked_age(grid),))

    @classmethod
    def intervals(cls, table: Frame, name: str = "") -> Membership:
        """Make a membership from intervals: columns ticker, first and last, both days included.

        Parameters
        ----------
        table : DataFrame
            One row per interval. A missing `last` means still a member, a missing `first` means a member from the
            start. Days before the first and after the last date of the table are unknown.
        name : str, optional
            Description for headings.

        Raises
        ------
        InputError
            If the table is empty, a column is missing, a value is not a date, or an interval ends before it begins.
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
        """Make a membership of the `n` largest firms, ranked on the session before each day.

        Parameters
        ----------
        n : int
            Number of firms. All firms that tie for the last rank are members.
        caps : DataFrame
            Market caps in USD, dates by tickers, one column per firm (the sum of its share classes). NaN is not ranked;
            a day with fewer than `n` caps is unknown. All listings of a member firm are members.
        max_age : int, optional
            Calendar days for which a ranking stays valid: 7 for daily caps, 35 for monthly ones.
        name : str, optional
            Description for headings.

        Raises
        ------
        InputError
            If there are fewer than `n` columns or two columns of one firm, or `max_age` is less than 1.
        PriceError
            If a cap is infinite, not positive, or dates are duplicate or unsorted.

        Notes
        -----
        There is no look-ahead in the ranking: members on a day are ranked by caps of an earlier day, so the move of the
        day does not affect the selection. Caps computed from a later share count have look-ahead; see
        `IndexMembers.market_caps`.
        """
        days, names, values = caps_values(caps)
        check_count("n", n, 1, len(names), "the columns of caps")
        ranked = np.where(np.isnan(values), -np.inf, values)
        last = np.partition(ranked, len(names) - n, axis=1)[:, len(names) - n]
        settled = np.isfinite(last)
        grid = Grid(days, tuple(map(firm_of, names)), ranked >= last[:, None], settled, max_age, True, True)
        return cls(name or f"{n} largest by market cap the session before", (_checked_age(grid),))

    def known(self, dates: Iterable[object]) -> BoolArray:
        """Return for each date whether the membership is known, (n_dates,)."""
        days = _days_index("dates", dates)
        return np.asarray(np.all([rule.known(days) for rule in self._rules], axis=0))

    def on(self, dates: Iterable[object], tickers: Sequence[str]) -> BoolArray:
        """Return the members on each date.

        Returns
        -------
        ndarray of shape (n_dates, n_tickers), bool
            True for a member.

        Raises
        ------
        InputError
            If the membership is unknown on a date.
        """
        days = _days_index("dates", dates)
        known = self.known(days)
        if not known.all():
            what = f"{self.name}: not known on {days[~known][0]}"
            raise InputError("dates", what, "select dates with .known(dates) first")
        return self.rows(days, [str(t) for t in tickers])

    def rows(self, days: DateArray, tickers: Sequence[str]) -> BoolArray:
        """Return the members, (n_days, n_tickers); False on unknown days."""
        out = self._rules[0].on(days, tickers)
        for rule in self._rules[1:]:
            out = out & rule.on(days, tickers)
        return out

    def check(self, tickers: Sequence[str]) -> None:
        """Raise `UnknownNameError` if a fixed ticker is not in `tickers`, or no member is."""
        for rule in self._rules:
            rule.check(tickers)

    def __and__(self, other: Membership) -> Membership:
        """Return the intersection of two memberships."""
        if not isinstance(other, Membership):
            return NotImplemented
        return Membership(f"{self.name}, {other.name}", (*self._rules, *other._rules))


def caps_values(caps: Frame) -> tuple[DateArray, list[str], FloatArray]:
    """Return days (D,), tickers (N,) and market caps in USD (D, N) of a frame with one column per firm.

    Raises `InputError` if two columns belong to one firm, or the frame is empty; `PriceError` if a cap is infinite, not
    positive or text, or dates are duplicate or unsorted.
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
            raise InputError("caps", what, "give one column per firm: the sum of its share classes")
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
