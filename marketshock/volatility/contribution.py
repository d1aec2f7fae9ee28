"""How much of an index's move a group of its members accounts for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from .._typing import DateArray, FloatArray, Frame
from ..errors import InputError, UnknownNameError
from ..providers.frames import check_columns, check_positive, numeric_values, session_dates
from ..providers.members import sp500
from ..providers.snapshot import snapshot
from ._rules import firm_of
from ._select import session_row
from .membership import Membership, caps_values

BENCHMARK = "^GSPC"
_HARDLY = 0.001  # an index move below says little as a divisor


@dataclass(frozen=True, eq=False, repr=False)
class IndexContribution(Printable):
    """The move of an index by member.

    Made by `index_contribution`.

    Attributes
    ----------
    table : DataFrame
        Indexed by ticker, one a firm, the largest first: cap_before_usd, weight, return (decimal, simple, over the
        whole period), contribution (weight x return), in_group.
    group : tuple of str
        The firms of the group.
    before, end : datetime64[D]
        Closes between which the move is taken.
    index_return : float
        Of the index as quoted (decimal, simple); NaN where none is given.
    n_firms : int or None
        Firms of the index, where that is known.
    missing_usd : float
        Largest cap that a firm without one can have had; NaN where no bound is known.
    notes : tuple of str
        What limits the figures.

    Notes
    -----
    A weight is cap / sum of the known caps. Firms whose cap is not known make that sum too small, and every weight and
    contribution too large by the same factor: at most 1 / `coverage_low`, if each of them was worth `missing_usd`. The
    figures with "_low" are those of that case; the truth lies between.
    """

    table: pd.DataFrame
    group: tuple[str, ...]
    before: np.datetime64
    end: np.datetime64
    index_return: float
    n_firms: int | None
    missing_usd: float
    notes: tuple[str, ...]

    @property
    def coverage_low(self) -> float:
        """The least share of the index's market cap that is known, NaN where no bound is known."""
        if self.n_firms is None:
            return float("nan")
        known = float(self.table["cap_before_usd"].sum())
        lacking = self.n_firms - len(self.table)
        return known / (known + lacking * self.missing_usd) if lacking else 1.0

    @property
    def summary(self) -> pd.Series[float]:
        """The group against the whole.

        Returns
        -------
        Series
            group_weight, group_return, group_contribution, rest_contribution, weighted_return (of all known firms),
            index_return, share (group_contribution / index_return), share_of_known (over weighted_return), and
            group_weight_low, group_contribution_low, share_low: with the missing firms at their largest. Decimals. A
            share above 1 says that the rest moved the other way; one below 0 that the group did.
        """
        own = self.table[self.table["in_group"]]
        weight, contribution = float(own["weight"].sum()), float(own["contribution"].sum())
        whole, low = float(self.table["contribution"].sum()), self.coverage_low
        share = contribution / self.index_return if self.index_return else np.nan
        return pd.Series(
            {
                "group_weight": weight,
                "group_return": contribution / weight,
                "group_contribution": contribution,
                "rest_contribution": whole - contribution,
                "weighted_return": whole,
                "index_return": self.index_return,
                "share": share,
                "share_of_known": contribution / whole if whole else np.nan,
                "group_weight_low": weight * low,
                "group_contribution_low": contribution * low,
                "share_low": share * low,
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def printout(self) -> Printout:
        """Return the printed form: weight, return and contribution of the group, its members and the others."""
        title = f"What {', '.join(self.group)} did to the index, {self.before} to {self.end}"
        return Printout((title,), (PrintedTable(*self._cells()),), [*self._share(), *self.notes], folded=True)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        s = self.summary
        rows = [
            _line(str(r["ticker"]), r["weight"], r["return"], r["contribution"])
            for r in _format.rows(self.table[self.table["in_group"]])
        ]
        rest = 1 - s["group_weight"]
        other = s["rest_contribution"] / rest if rest > 0 else np.nan
        rows.append(_line("the group", s["group_weight"], s["group_return"], s["group_contribution"]))
        rows.append(_line("the other firms", rest, other, s["rest_contribution"]))
        rows.append(_line("all known, by cap", 1.0, s["weighted_return"], s["weighted_return"]))
        if not np.isnan(self.index_return):
            rows.append(["index as quoted", "", _format.percent(self.index_return), ""])
        return ["", "weight", "return", "contribution"], rows

    def _share(self) -> list[str]:
        s, low = self.summary, self.coverage_low
        if np.isnan(s["share"]):
            return []
        share = f"{100 * s['share']:.0f} %"
        if np.isnan(low):
            share = f"at most {share}"
        elif low < 1:
            share = f"{share}, or {100 * s['share_low']:.0f} % with every missing firm at its most"
        return [f"The group's contribution over the index's move: {share}."]


def index_contribution(
    group: Sequence[str],
    date: object,
    end: object = None,
    *,
    caps: Frame | None = None,
    index: pd.Series[float] | None = None,
    members: Membership | None = None,
    n_firms: int | None = None,
    missing_usd: float | None = None,
) -> IndexContribution:
    """Say how much of an index's move a group of members accounts for.

    Parameters
    ----------
    group : sequence of str
        Tickers; classes of one firm count once.
    date : date or str
        The session of the move, or the first one of a period.
    end : date or str, optional
        The last session of the period, included.
    caps : DataFrame, optional
        Market caps in USD, dates by tickers, one column a firm. By default those of the bundled S&P 500, with its
        quoted index, its members as of `date`, its number of firms and the bound on the missing ones.
    index : Series, optional
        Closes of the index as quoted, by date.
    members : Membership, optional
        Who belonged to the index, taken on `date`.
    n_firms : int, optional
        Firms of the index.
    missing_usd : float, optional
        Largest cap that a firm without one can have, in USD: gives the lower bounds.

    Returns
    -------
    IndexContribution

    Raises
    ------
    NotSessionError
        If there are no caps on `date` or `end`.
    UnknownNameError
        If a firm of the group has no caps.
    InputError
        If there is no session before `date`, or a firm of the group has no cap on one of the two closes.

    Notes
    -----
    Over one session: w_i = cap_i / sum of caps at the close before, contribution_i = w_i r_i. Over a period the same
    with the close before it and the return of all of it, so that a contribution is the change of the firm's cap over
    the sum of caps at the start: bought and held, members of the first session, nothing rebalanced. Returns are simple
    and those of the caps: what a firm issued counts as return. The bundled caps run along adjusted closes, so that
    dividends do too.

    Weights are by full market cap; an index that weighs by free float gives less to closely held firms. A firm that
    joined within the period contributes nothing to it.

    Examples
    --------
    >>> import marketshock as ms
    >>> told = ms.index_contribution(ms.MAGNIFICENT_SEVEN, "2025-01-27")
    >>> round(float(told.summary["index_return"]), 4)
    -0.0146
    """
    bundled = caps is None
    if caps is None:
        listed = sp500()
        caps = listed.market_caps()
        members = Membership.from_frame(listed.joined()) if members is None else members
        index = snapshot().close[BENCHMARK] if index is None else index
        n_firms = len(set(map(firm_of, listed.table.index))) if n_firms is None else n_firms
    days, names, values = caps_values(caps)
    first = session_row(days, date)
    last = first if end is None else session_row(days, end)
    _check_period(days, first, last)
    inside = np.ones(len(names), dtype=bool) if members is None else members.on(days[[first]], names)[0]
    start, close = values[first - 1], values[last]
    known = inside & np.isfinite(start) & np.isfinite(close)
    firms = _group(group, names, known, days[first - 1], days[last])
    _check_bound(n_firms, missing_usd, int(known.sum()))
    if missing_usd is None:
        unbounded = bool((inside & ~known).any())  # larger than the smallest of the list, and not known
        missing_usd = listed.smallest_usd if bundled and not unbounded else np.nan
    moved = _index_return(index, days[first - 1], days[last])
    table = _table(names, known, start, close, firms)
    told = IndexContribution(table, firms, days[first - 1], days[last], moved, n_firms, float(missing_usd), ())
    return _with_notes(told)


def _with_notes(told: IndexContribution) -> IndexContribution:
    notes = ["Weights: full market caps at the close before, not free float."]
    if told.n_firms is not None and len(told.table) < told.n_firms:
        lacking, low = told.n_firms - len(told.table), told.coverage_low
        text = f"Caps of {len(told.table)} of {told.n_firms} firms are known"
        if np.isnan(low):
            text += f"; nothing bounds the {lacking} others, so that the weights are too large by an unknown factor."
        else:
            text += (
                f"; the {lacking} others were worth at most {told.missing_usd / 1e9:.1f} bn USD each, so that at least "
                f"{100 * low:.1f} % of the index is known and the weights are too large by at most "
                f"{100 * (1 / low - 1):.1f} %."
            )
        notes.append(text)
    elif told.n_firms is None:
        notes.append("How many firms the index has is not said: weights are among the firms given.")
    if abs(told.index_return) < _HARDLY:
        notes.append(f"The index moved by {_format.percent(told.index_return)}: a share of that says little.")
    return replace(told, notes=tuple(notes))


def _table(
    names: list[str],
    known: np.ndarray[Any, np.dtype[np.bool_]],
    start: FloatArray,
    close: FloatArray,
    firms: tuple[str, ...],
) -> pd.DataFrame:
    at = np.flatnonzero(known)
    at = at[np.argsort(-start[at], kind="stable")]
    weight, moved = start[at] / start[at].sum(), close[at] / start[at] - 1
    tickers = [names[k] for k in at]
    columns = {
        "cap_before_usd": start[at],
        "weight": weight,
        "return": moved,
        "contribution": weight * moved,
        "in_group": [t in firms for t in tickers],
    }
    return pd.DataFrame(columns, index=pd.Index(tickers, name="ticker"))


def _group(
    group: Sequence[str],
    names: list[str],
    known: np.ndarray[Any, np.dtype[np.bool_]],
    before: np.datetime64,
    end: np.datetime64,
) -> tuple[str, ...]:
    """Return the columns of the group's firms."""
    if isinstance(group, str) or not len(group):
        raise InputError("group", f"got {group!r}", 'give a list, such as ["NVDA", "AAPL"]')
    column = {firm_of(name): name for name in names}
    unknown = [t for t in group if firm_of(t) not in column]
    if unknown:
        raise UnknownNameError("group", unknown, names)
    firms = tuple(dict.fromkeys(column[firm_of(t)] for t in group))
    lost = [f for f in firms if not known[names.index(f)]]
    if lost:
        remedy = "leave it out, or choose another period"
        raise InputError("group", f"{lost[0]} is no member with a cap on {before} and on {end}", remedy)
    return firms


def _index_return(index: pd.Series[float] | None, before: np.datetime64, end: np.datetime64) -> float:
    if index is None:
        return float("nan")
    if not isinstance(index, pd.Series):
        raise InputError("index", f"got a {type(index).__name__}", 'give a Series: prices.close["^GSPC"]')
    frame = index.to_frame()
    check_columns("index", frame)
    days, closes = session_dates("index", frame.index), numeric_values("index", frame)
    check_positive("index", frame, closes)
    at = [int(np.searchsorted(days, day)) for day in (before, end)]
    for k, day in zip(at, (before, end), strict=True):
        if k == len(days) or days[k] != day or np.isnan(closes[k, 0]):
            raise InputError("index", f"has no close on {day}", "give closes of the whole period")
    return float(closes[at[1], 0] / closes[at[0], 0] - 1)


def _check_period(days: DateArray, first: int, last: int) -> None:
    if first == 0:
        remedy = f"begin on {days[1]} or later" if len(days) > 1 else "give more caps"
        raise InputError("date", f"there are no caps before {days[0]}", remedy)
    if last < first:
        raise InputError("end", f"{days[last]} is before {days[first]}", "swap them")


def _check_bound(n_firms: int | None, missing_usd: float | None, known: int) -> None:
    if n_firms is not None and (isinstance(n_firms, bool) or not isinstance(n_firms, int) or n_firms < known):
        raise InputError("n_firms", f"got {n_firms!r}", f"give a whole number from {known}, the firms with a cap, on")
    if missing_usd is not None and not 0 < missing_usd < np.inf:
        raise InputError("missing_usd", f"got {missing_usd!r}", "give dollars, such as 23e9")


def _line(name: str, weight: float, moved: float, contribution: float) -> list[str]:
    return [name, f"{100 * weight:.2f} %", _format.percent(moved), _format.percent(contribution, 3)]
