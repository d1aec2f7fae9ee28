"""Dollars: market-cap changes from official closes and the share counts known at the time.

A firm is the sum of its share classes. An unlisted class is valued at a listed one's close (``priced_at``).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from .._typing import FloatArray, Frame
from ..derivation.marketcap import FirmChange, explain_change
from ..errors import InputError, PriceError, ShareCountWarning, UnknownNameError, check_share
from ..explained.explanation import Explanation
from ..inference.joint import common_system
from ..inference.outcome import t_quantile
from ..providers.base import ADJUSTED, PRESUMED, Prices
from ..providers.shares import SharesTable, share_counts
from ..providers.snapshot import snapshot
from ..sessions import nearest_sessions, nyse, resolve_session
from ..study.results import StudyResult
from ..valuation import class_values, doubts_of, raw_change, splits_note


@dataclass(frozen=True, eq=False, repr=False)
class MarketCapChange(Printable):
    """Market-cap changes of several firms on one session.

    Attributes
    ----------
    session, previous : datetime64[D]
        The event's session and the one before it.
    table : DataFrame
        See `to_frame`.
    total : Series
        Sums over the firms: cap_before_usd, change_usd, change_low_usd, change_high_usd, abnormal_usd and its interval
        ci_low_usd, ci_high_usd, which takes the firms' covariance into account.
    note : str
        What the interval of the total leaves out, or why there is none; and what is not known of splits.
    confidence : float
        Coverage of the intervals.
    source : str
        Of the closes and of the share counts.
    classes : mapping of str to DataFrame
        By firm, its share classes: the columns of `SharesTable.known_on`, split_factor, counted (shares times that
        factor), band (unit of that count, 0 where it is exact), close_before, close_after.
    """

    session: np.datetime64
    previous: np.datetime64
    table: pd.DataFrame
    total: pd.Series[Any]
    note: str
    confidence: float
    source: str
    classes: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    _abnormal: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def explain(self, firm: str) -> Explanation:
        """Write out how a firm's change comes from its share counts and closes, with its own numbers in every line.

        Parameters
        ----------
        firm : str
            A firm of the table, by any of its tickers.

        Returns
        -------
        Explanation
            The counts by class with their filing dates; closes before and after, values and the change; the band that
            the rounding of the counts leaves; with a study the abnormal part and its interval. The figures of each step
            are in ``step.values``, unrounded.

        Raises
        ------
        UnknownNameError
            If the firm is not in the table.
        """
        tickers = {t: name for name, rows in self.classes.items() for t in (*rows["priced_at"], name)}
        if firm not in tickers:
            raise UnknownNameError("firm", [str(firm)], list(tickers))
        name = tickers[firm]
        found, note = self._abnormal.get(name, {}), str(self.table.loc[name, "note"])
        return explain_change(
            FirmChange(name, self.previous, self.session, self.classes[name], found, self.confidence, note, self.source)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row a firm, indexed by firm (its main ticker).

        Columns: shares (number, all classes, in the shares the closes are quoted in), rounding (unit of the count,
        summed over classes), split_factor (what the count was multiplied by for splits after it; NaN if the classes
        differ), as_of, filed (NaT where not known), form, basis, lookahead, close_before, close_after (of the main
        ticker), cap_before_usd, change_usd, change_low_usd and change_high_usd (the band that the rounding of the count
        leaves), return (decimal), abnormal_return (decimal, of the main ticker), abnormal_usd (abnormal return times
        the cap before), ci_low_usd, ci_high_usd, note. Without a study the abnormal columns are NaN.
        """
        return self.table

    def printout(self) -> Printout:
        """Return the printed form: one row per firm and their total, in USD bn."""
        title = (
            f"Market-cap change {self.previous} to {self.session}, USD bn: closes x shares",
            f"{self.source}; band: what the rounding of the count leaves open",
            f"abnormal: abnormal return x cap before, with its {100 * self.confidence:.0f} % interval",
        )
        marks = [f"{r['firm']}: {r['note']}" for r in _format.rows(self.table) if r["note"]]
        marks += [self.note] if self.note else []
        ahead = "* count filed (or, where that is not known, dated) on or after the session: not known then"
        marks += [ahead] if self.table["lookahead"].any() else []
        return Printout(title, (PrintedTable(*self._cells(), marks=marks),))

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        head = ["firm", "shares bn", "filed", "close", "", "return", "change", "band", "abnormal", "interval"]
        rows = [
            [
                r["firm"] + ("*" if r["lookahead"] else ""),
                _format.number(r["shares"] / 1e9, 3),
                "not known" if pd.isna(r["filed"]) else str(r["filed"].date()),
                _format.number(r["close_before"]),
                _format.number(r["close_after"]),
                _format.percent(r["return"]),
                *_dollars(r),
            ]
            for r in _format.rows(self.table)
        ]
        return head, [*rows, ["total", "", "", "", "", "", *_dollars(dict(self.total))]]


def market_cap_change(
    date: object,
    prices: Prices | Frame | None = None,
    shares: SharesTable | Frame | None = None,
    *,
    study: StudyResult | None = None,
    tickers: Sequence[str] | None = None,
    allow_lookahead: bool = False,
    confidence: float = 0.95,
) -> MarketCapChange:
    """Compute what firms lost or gained in market value on one session.

    Parameters
    ----------
    date : date or str
        The session, e.g. "2025-01-27".
    prices : Prices or DataFrame, optional
        Closes that are not adjusted for dividends; by default the study's, without a study the bundled official ones.
    shares : SharesTable or DataFrame, optional
        Counts as they were filed; the bundled ones by default. Each is multiplied by the splits in ``prices.splits``
        that came after its date; where that is None (``note`` says so) they must be in the shares that the closes are
        quoted in. A ratio above 1 that is neither whole nor a fraction of numbers up to 20 is taken for a spin-off: it
        multiplies counts only if it came after the session, to undo the adjustment of the closes.
    study : StudyResult, optional
        Supplies the abnormal return of that session (day 0) and its uncertainty; with simple returns.
    tickers : sequence of str, optional
        Firms, named by any of their tickers. By default those of the study on that session, else all of `shares`.
    allow_lookahead : bool, optional
        Use a count filed on or after the session where none was filed before; it is marked.
    confidence : float, optional
        Coverage of the intervals.

    Returns
    -------
    MarketCapChange
        ``to_frame()`` by firm, ``total`` over firms.

    Raises
    ------
    NotSessionError
        If the market was closed that day.
    LookAheadError
        If no count was filed before it and `allow_lookahead` is False.
    PriceError
        If a close is missing on either session, is not in USD, or is dividend-adjusted (see `Prices.from_frame`).
    SharesError
        If a count is older than ``prices.provenance["splits_since"]``, the day from which splits are known.
    UnknownNameError
        If a firm has no count or no prices.

    Warns
    -----
    ShareCountWarning
        If a vendor's count was taken whose filing date is not known, a count was filed after a split and dated before
        it, a split since the count is taken for a spin-off, or a count is older than 400 days. The column ``note`` says
        so too.

    Notes
    -----
    Raw change: sum over classes of (close - close before) x shares. Abnormal change: abnormal return of the main
    ticker x cap before; its interval scales the study's prediction interval of day 0. The abnormal return is one of
    total returns, the raw change one of prices: on an ex-dividend day they differ by the dividend. An index that
    contains the firms absorbs part of their fall, and the interval knows nothing of it: see `LeaveOneOut`.
    """
    if prices is None and study is not None:
        if study.prices is None:
            raise InputError("prices", "the study was run on returns, which have no closes", "pass prices=")
        prices = study.prices
    prices, shares = market_inputs(prices, shares)
    session = resolve_session("date", date)
    if study is not None and study.spec.log:
        raise InputError("study", "has log returns, which do not scale a market cap", "run it with log=False")
    previous, _ = nearest_sessions(nyse(), session)
    check_share("confidence", confidence, 0.95)
    events = _events_on(study, session, shares)
    firms = _firms(tickers, events, shares)
    known = {firm: shares.known_on(firm, session, allow_lookahead=allow_lookahead) for firm in firms}
    rows = [{"firm": firm, **raw_change(counts, firm, prices, previous, session)} for firm, counts in known.items()]
    table = pd.DataFrame(rows).set_index("firm")
    table, total_ci = _with_abnormal(table, study, events, confidence)
    sums = ("cap_before_usd", "change_usd", "change_low_usd", "change_high_usd")
    total = pd.Series({name: float(table[name].sum()) for name in sums})
    total["abnormal_usd"] = float(table["abnormal_usd"].sum(skipna=False))
    total["ci_low_usd"], total["ci_high_usd"], note = total_ci
    _warn({firm: doubts_of(counts, prices, session) for firm, counts in known.items()})
    priced = [ticker for counts in known.values() for ticker in counts["priced_at"]]
    note = "; ".join(filter(None, [note, splits_note(prices, priced)]))
    source = f"closes: {prices.provenance.get('source', 'unknown')}; counts: {shares.source}"
    classes = {firm: class_values(counts, prices, previous, session) for firm, counts in known.items()}
    abnormal = _day_0(study, events, confidence)
    return MarketCapChange(session, previous, table, total, note, confidence, source, classes, abnormal)


def market_inputs(prices: Prices | Frame | None, shares: SharesTable | Frame | None) -> tuple[Prices, SharesTable]:
    """Return prices and counts, the bundled ones for None, and frames read as such."""
    prices = snapshot() if prices is None else prices
    prices = prices if isinstance(prices, Prices) else Prices.from_frame(prices)
    close_is = prices.provenance.get("close_is")
    if close_is in (ADJUSTED, PRESUMED):
        remedy = "give closes as traded (yfinance: auto_adjust=False), or say Prices.from_frame(frame, adjusted=False)"
        raise PriceError("prices", f"closes are {close_is}; a market cap needs them without dividends", remedy)
    shares = share_counts() if shares is None else shares
    return prices, shares if isinstance(shares, SharesTable) else SharesTable.from_frame(shares)


def _warn(doubts: Mapping[str, list[str]]) -> None:
    told = [f"{firm}: {'; '.join(found)}" for firm, found in doubts.items() if found]
    if told:
        more = f"; and {len(told) - 3} more: see the column note" if len(told) > 3 else ""
        warnings.warn(f"shares: {'; '.join(told[:3])}{more}", ShareCountWarning, stacklevel=3)


def _events_on(study: StudyResult | None, session: np.datetime64, shares: SharesTable) -> dict[str, int]:
    """Return the study's event of each firm whose day 0 is the session, by position; main tickers win."""
    if study is None:
        return {}
    out: dict[str, int] = {}
    without: list[str] = []
    for i in np.flatnonzero(study.panel.session == session):
        ticker = str(study.panel.ticker[i])
        try:
            firm = shares.firm_of(ticker)
        except UnknownNameError:
            without.append(ticker)
            continue  # a security without a count is no firm of this table
        if firm not in out or ticker == firm:
            out[firm] = int(i)
    if without and not out:
        what = f"no share count of {', '.join(without)}"
        raise InputError("shares", what, "give shares=, a table with the columns firm, shares, as_of, filed")
    if not out:
        raise InputError("study", f"has no event on {session}", "give a study of that session, or leave it out")
    return out


def _firms(tickers: Sequence[str] | None, events: Mapping[str, int], shares: SharesTable) -> list[str]:
    if tickers is None:
        return list(events) or shares.firms
    named = (tickers,) if isinstance(tickers, str) else tuple(tickers)
    if not named:
        raise InputError("tickers", "names no firm", "leave it out for all")
    return list(dict.fromkeys(shares.firm_of(t) for t in named))


def _with_abnormal(
    table: pd.DataFrame, study: StudyResult | None, events: Mapping[str, int], confidence: float
) -> tuple[pd.DataFrame, tuple[float, float, str]]:
    columns = ("abnormal_return", "abnormal_usd", "ci_low_usd", "ci_high_usd")
    table = table.assign(**dict.fromkeys(columns, np.nan))
    if study is None:
        return table, (np.nan, np.nan, "")
    day_0 = study.car(0, 0, confidence=confidence)
    for firm in table.index:
        if firm not in events:
            _add_note(table, firm, "the study has no event of this firm on that session")
            continue
        row = day_0.iloc[events[firm]]
        if row["note"]:
            _add_note(table, firm, str(row["note"]))
        if row["ticker"] != firm:
            _add_note(table, firm, f"abnormal return of {row['ticker']}")
        cap = table.loc[firm, "cap_before_usd"]
        scaled = [row["car"], *(cap * row[name] for name in ("car", "ci_low", "ci_high"))]
        table.loc[firm, list(columns)] = scaled
    return table, _total_interval(table, study, events, confidence)


def _day_0(study: StudyResult | None, events: Mapping[str, int], confidence: float) -> dict[str, dict[str, Any]]:
    """Return the study's day 0 of each firm: a row of its table of CARs, with the event's id and the quantile of t."""
    if study is None:
        return {}
    frame = study.car(0, 0, confidence=confidence).reset_index()
    rows = {firm: {str(k): v for k, v in frame.iloc[at].items()} for firm, at in events.items()}
    return {f: {**row, "quantile": float(t_quantile(0.5 + confidence / 2, row["df"]))} for f, row in rows.items()}


def _add_note(table: pd.DataFrame, firm: str, note: str) -> None:
    before = str(table.loc[firm, "note"])
    table.loc[firm, "note"] = f"{before}; {note}" if before else note


def _total_interval(
    table: pd.DataFrame, study: StudyResult, events: Mapping[str, int], confidence: float
) -> tuple[float, float, str]:
    """Return the interval of the summed abnormal dollars, ``total +- t sqrt(w'S w C)`` with w the caps before.

    The covariance S is that of the days all firms share; where they are fewer than ``min_obs`` there is no interval.
    The third value says what was left out, or why there is none.
    """
    if not set(table.index) <= set(events):
        return np.nan, np.nan, "no interval of the total: the study lacks some of the firms"
    system = common_system(study.sample(0, 0).take(np.array([events[firm] for firm in table.index])))
    if isinstance(system, str):
        return np.nan, np.nan, f"no interval of the total: {system}"
    shared = system.residuals.shape[1]
    if shared < study.spec.min_obs:
        return np.nan, np.nan, f"no interval of the total: the firms share {shared} estimation days"
    caps: FloatArray = table["cap_before_usd"].to_numpy(dtype=float)
    se = float(np.sqrt(caps @ system.covariance @ caps * system.factor))
    reach = float(t_quantile(0.5 + confidence / 2, np.array(float(system.dof)))) * se
    centre = float(table["abnormal_usd"].sum())
    return centre - reach, centre + reach, f"interval of the total {system.note}" if system.note else ""


def _dollars(row: Mapping[Any, Any]) -> list[str]:
    return [
        _format.usd_bn(row["change_usd"]),
        f"±{slack / 1e9:.2f}" if (slack := (row["change_high_usd"] - row["change_low_usd"]) / 2) > 0 else "exact",
        _format.usd_bn(row["abnormal_usd"]),
        _format.interval(row["ci_low_usd"], row["ci_high_usd"], "usd_bn"),
    ]
