"""Market-cap changes in dollars: closes times the share counts known before the session, with the abnormal part.

A firm is the sum of its share classes. An unlisted class is valued at the close of a listed one (``priced_at``).
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
from .._typing import FloatArray, Frame, OnFindings
from ..derivation.marketcap import FirmChange, explain_change
from ..errors import InputError, ShareCountWarning, UnknownNameError, check_share
from ..explained.explanation import Explanation
from ..inference.joint import common_system
from ..inference.outcome import t_quantile
from ..providers.base import Prices, with_currencies
from ..providers.found import Handling, PriceFinding, counts_of, findings_frame
from ..providers.shares import SharesTable
from ..study.results import StudyResult
from ..valuation import Valuation, change_of
from ._clock import Clock, clock_of, clock_of_event, session_on, sessions_before
from .findings import checked_caps, noted_by_firm

_SUMMED = ("cap_before_usd", "change_usd", "change_low_usd", "change_high_usd")
_ABNORMAL = ("abnormal_return", "abnormal_usd", "ci_low_usd", "ci_high_usd")
_NAMED = 3  # firms whose doubts a warning spells out


@dataclass(frozen=True, eq=False, repr=False)
class MarketCapChange(Printable):
    """Market-cap changes of several firms on one session.

    Attributes
    ----------
    session, previous : datetime64[D]
        The event's session and the one before it, on the calendar of the first firm; a firm whose market has another
        session before says so in its note.
    table : DataFrame
        One row per firm, see `to_frame`.
    total : Series
        Sums over the firms: cap_before_usd, change_usd, change_low_usd, change_high_usd, abnormal_usd and its interval
        ci_low_usd, ci_high_usd, which takes the firms' covariance into account.
    note : str
        Which closes in the total look wrong; what its interval leaves out, or why there is none; which sessions were
        taken where the dates of the prices do not fit the NYSE; what is not known of splits.
    confidence : float
        Coverage of the intervals.
    source : str
        Sources of the closes and of the share counts.
    classes : mapping of str to DataFrame
        By firm, one row per share class: the columns of `SharesTable.known_on`, split_factor, counted (shares times
        that factor), band (unit of that count, 0 where it is exact), close_before, close_after.
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
    _before: Mapping[str, np.datetime64] = field(default_factory=dict)
    found: tuple[PriceFinding, ...] = ()

    @property
    def findings(self) -> pd.DataFrame:
        """What the checks found in the closes that are read: ticker, date, rule, size, cause, severity."""
        return findings_frame(self.found)

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
        before = self._before.get(name, self.previous)
        return explain_change(
            FirmChange(name, before, self.session, self.classes[name], found, self.confidence, note, self.source)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per firm, indexed by firm (its main ticker).

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
        marks += [f"{counts_of(self.found)} from the checks: change.findings, and * above"] if self.found else []
        ahead = "* count filed (or, where that is not known, dated) on or after the session: not known then"
        marks += [ahead] if self.table["lookahead"].any() else []
        return Printout(title, (PrintedTable(*self._cells(), marks=marks),))

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        head = ["firm", "shares bn", "filed", "close", "", "return", "change", "band", "abnormal", "interval"]
        doubted = {f.ticker for f in self.found}
        odd = {firm for firm, rows in self.classes.items() if doubted & {firm, *rows["priced_at"]}}
        rows = [
            [
                r["firm"] + ("*" if r["lookahead"] else ""),
                _format.number(r["shares"] / 1e9, 3),
                "not known" if pd.isna(r["filed"]) else str(r["filed"].date()),
                _format.number(r["close_before"]),
                _format.number(r["close_after"]),
                _format.percent(r["return"]) + ("*" if r["firm"] in odd else ""),
                *_dollars(r),
            ]
            for r in _format.rows(self.table)
        ]
        total = "total*" if odd else "total"
        return head, [*rows, [total, "", "", "", "", "", *_dollars(dict(self.total))]]


def market_cap_change(
    date: object,
    prices: Prices | Frame | None = None,
    shares: SharesTable | Frame | None = None,
    *,
    study: StudyResult | None = None,
    tickers: Sequence[str] | None = None,
    allow_lookahead: bool = False,
    confidence: float = 0.95,
    tolerate: Sequence[str] = (),
    on_findings: OnFindings = "warn",
) -> MarketCapChange:
    """Compute what firms lost or gained in market value on one session.

    Parameters
    ----------
    date : date or str
        The session, e.g. "2025-01-27". Each firm's change is measured from the session before on its own calendar: that
        of its event in the study or, without a study, New York's or the days on which the firm itself has a price (see
        ``calendar="auto"`` of `event_study`). Rows on which only other securities have a price do not count.
    prices : Prices or DataFrame, optional
        Closes that are adjusted for splits and not for dividends; by default the study's, without a study the bundled
        official ones.
    shares : SharesTable or DataFrame, optional
        Counts as they were filed; the bundled ones by default. Each is multiplied by the splits in ``prices.splits``
        that came after its date. Where that is None (``note`` reports it) the counts must be in the shares that the
        closes are quoted in. A ratio above 1 that is neither whole nor a fraction of numbers up to 20 is taken for a
        spin-off: it multiplies counts only if it came after the session, to undo the adjustment of the closes.
    study : StudyResult, optional
        Supplies the abnormal return of that session (day 0) and its uncertainty; with simple returns.
    tickers : sequence of str, optional
        Firms, named by any of their tickers. By default those of the study on that session, otherwise all of `shares`.
    allow_lookahead : bool, optional
        Use a count filed on or after the session where none was filed before; it is marked.
    confidence : float, optional
        Coverage of the intervals.
    tolerate, on_findings : optional
        As in `event_study`. Checked are the closes of the session and the one before, and for splits those since the
        day of the count; ``change.findings`` lists what was found.

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
        If a close is missing on either session or is not in USD, by the prices or by its market in the study, or if
        closes are dividend-adjusted (see `Prices.from_frame`) or not adjusted for a split that is known, or are refused
        by the checks (see `check_prices`): here a step near a split ratio of 8 or more is.
    SharesError
        If a count is older than ``prices.provenance["splits_since"]``, the day from which splits are known.
    UnknownNameError
        If a firm has no count or no prices.

    Warns
    -----
    PriceWarning
        If closes that are read look wrong.
    ShareCountWarning
        If a vendor's count was taken whose filing date is not known, a count was filed after a split and dated before
        it, a split since the count is taken for a spin-off, or a count is older than 400 days. The column ``note``
        repeats it.

    Notes
    -----
    Raw change: sum over classes of (close - close before) x shares. Abnormal change: abnormal return of the main
    ticker x cap before; its interval scales the study's prediction interval of day 0. The abnormal return is one of
    total returns, the raw change one of prices: on an ex-dividend day they differ by the dividend. An index that
    contains the firms absorbs part of their fall, and the interval does not include that: see `LeaveOneOut`.
    """
    if study is not None and study.spec.log:
        raise InputError("study", "has log returns, which do not scale a market cap", "run it with log=False")
    check_share("confidence", confidence, 0.95)
    handling = Handling.of(tolerate, on_findings)
    valuation = Valuation.of(_prices(prices, study), shares)
    session, events, clocks = _clocks(date, valuation, study, tickers)
    firms, before = list(clocks), sessions_before(clocks, date)
    valued = {firm: valuation.known_on(firm, session, allow_lookahead=allow_lookahead) for firm in firms}
    found = checked_caps(valued.values(), handling, "change.findings")
    classes = {firm: counted.values(before[firm]) for firm, counted in valued.items()}
    rows = [{"firm": firm, **change_of(valued[firm], classes[firm])} for firm in firms]
    abnormal = _day_0(study, events, confidence)
    table = _with_abnormal(pd.DataFrame(rows).set_index("firm"), study, abnormal)
    previous = before[firms[0]]
    for firm in (firm for firm in firms if before[firm] != previous):
        _add_note(table, firm, f"from {before[firm]}, the session before of its own market")
    seen = noted_by_firm(valued, found)
    for firm, words in seen.items():
        _add_note(table, firm, words)
    total, note = _total(table, study, events, confidence)
    note = "; ".join(filter(None, [_in_total(seen), note]))
    _warn({firm: counted.doubts for firm, counted in valued.items()})
    unknown = valuation.splits_note(ticker for counted in valued.values() for ticker in counted.tickers)
    note = "; ".join(filter(None, [note, *dict.fromkeys(c.note for c in clocks.values()), unknown]))
    source = f"closes: {valuation.prices.provenance.get('source', 'unknown')}; counts: {valuation.shares.source}"
    return MarketCapChange(session, previous, table, total, note, confidence, source, classes, abnormal, before, found)


def _clocks(
    date: object, valuation: Valuation, study: StudyResult | None, tickers: Sequence[str] | None
) -> tuple[np.datetime64, dict[str, int], dict[str, Clock]]:
    """Return the session of a date, the study's events on it by firm, and the clock of each firm asked for."""
    if study is None:
        clocks = {firm: clock_of(valuation, firm) for firm in _firms(tickers, {}, valuation.shares)}
        return session_on(date, list(clocks.values())), {}, clocks
    panel = study.panel
    session = session_on(date, [Clock(part.returns.sessions) for part in panel.parts])
    events = _events_on(study, session, valuation.shares)
    firms = _firms(tickers, events, valuation.shares)
    own = {f: clock_of_event(panel, events[f]) if f in events else clock_of(valuation, f) for f in firms}
    return session, events, own


def _in_total(seen: Mapping[str, str]) -> str:
    """Return what the total rests on where a firm's closes look wrong, "" where none do."""
    named = [f"{firm}: {words}" for firm, words in list(seen.items())[:_NAMED]]
    more = f" and {len(seen) - _NAMED} more firms" if len(seen) > _NAMED else ""
    return f"the total holds {'; '.join(named)}{more}" if seen else ""


def _prices(prices: Prices | Frame | None, study: StudyResult | None) -> Prices | Frame | None:
    if prices is None and study is not None and study.prices is None:
        raise InputError("prices", "the study was run on returns, which have no closes", "pass prices=")
    if study is None:
        return prices
    held = study.prices if prices is None else prices if isinstance(prices, Prices) else Prices.from_frame(prices)
    return None if held is None else with_currencies(held, study.currencies)


def _warn(doubts: Mapping[str, list[str]]) -> None:
    found = [f"{firm}: {'; '.join(sentences)}" for firm, sentences in doubts.items() if sentences]
    if found:
        more = f"; and {len(found) - _NAMED} more: see the column note" if len(found) > _NAMED else ""
        warnings.warn(f"shares: {'; '.join(found[:_NAMED])}{more}", ShareCountWarning, stacklevel=3)


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


def _day_0(study: StudyResult | None, events: Mapping[str, int], confidence: float) -> dict[str, dict[str, Any]]:
    """Return day 0 of each firm: a row of the study's table of CARs, with the event's id and the quantile of t."""
    if study is None:
        return {}
    frame = study.car(0, 0, confidence=confidence).reset_index()
    rows = {firm: {str(k): v for k, v in frame.iloc[at].items()} for firm, at in events.items()}
    return {f: {**row, "quantile": float(t_quantile(0.5 + confidence / 2, row["df"]))} for f, row in rows.items()}


def _with_abnormal(
    table: pd.DataFrame, study: StudyResult | None, abnormal: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Add the abnormal columns, NaN for a firm without an event, and what is to be noted about them."""
    table = table.assign(**dict.fromkeys(_ABNORMAL, np.nan))
    for firm in table.index if study is not None else ():
        if firm not in abnormal:
            _add_note(table, firm, "the study has no event of this firm on that session")
            continue
        row, cap = abnormal[firm], table.loc[firm, "cap_before_usd"]
        _add_note(table, firm, str(row["note"]))
        _add_note(table, firm, f"abnormal return of {row['ticker']}" if row["ticker"] != firm else "")
        _add_note(table, firm, _ex_day(study, row))
        table.loc[firm, list(_ABNORMAL)] = [row["car"], *(cap * row[name] for name in ("car", "ci_low", "ci_high"))]
    return table


def _ex_day(study: StudyResult | None, row: Mapping[str, Any]) -> str:
    """Return what was paid on the session, which the abnormal return holds and the change of prices does not."""
    prices = None if study is None else study.prices
    paid = None if prices is None else prices.paid(str(row["ticker"]))
    if prices is None or paid is None:
        return ""
    cash = float(paid[prices.dates == row["date"]].sum())
    return f"ex-day: {cash:g} paid per share is in the abnormal return, not in the change" if cash else ""


def _add_note(table: pd.DataFrame, firm: str, note: str) -> None:
    table.loc[firm, "note"] = "; ".join(filter(None, [str(table.loc[firm, "note"]), note]))


def _total(
    table: pd.DataFrame, study: StudyResult | None, events: Mapping[str, int], confidence: float
) -> tuple[pd.Series[Any], str]:
    """Return the sums over the firms, and what the interval of the abnormal part leaves out."""
    total = pd.Series({name: float(table[name].sum()) for name in _SUMMED})
    total["abnormal_usd"] = float(table["abnormal_usd"].sum(skipna=False))
    low, high, note = (np.nan, np.nan, "") if study is None else _total_interval(table, study, events, confidence)
    total["ci_low_usd"], total["ci_high_usd"] = low, high
    return total, note


def _total_interval(
    table: pd.DataFrame, study: StudyResult, events: Mapping[str, int], confidence: float
) -> tuple[float, float, str]:
    """Return the interval of the summed abnormal dollars, ``total +- t sqrt(w'S w C)`` with w the caps before.

    The covariance S is that of the days all firms share; where they are fewer than ``min_obs`` there is no interval.
    The third value is what was left out, or why there is no interval.
    """
    if not set(table.index) <= set(events):
        return np.nan, np.nan, "no interval of the total: the study lacks some of the firms"
    system = common_system(study.sample(0, 0).take(np.array([events[firm] for firm in table.index])))
    if isinstance(system, str):
        return np.nan, np.nan, f"no interval of the total: {system}"
    shared = system.common.residuals.shape[1]
    if shared < study.spec.min_obs:
        return np.nan, np.nan, f"no interval of the total: the firms share {shared} estimation days"
    caps: FloatArray = table["cap_before_usd"].to_numpy(dtype=float)
    se = float(np.sqrt(caps @ system.common.covariance @ caps * system.factor))
    half = float(t_quantile(0.5 + confidence / 2, np.array(float(system.common.dof)))) * se
    center = float(table["abnormal_usd"].sum())
    return center - half, center + half, f"interval of the total {system.common.note}" if system.common.note else ""


def _dollars(row: Mapping[Any, Any]) -> list[str]:
    return [
        _format.usd_bn(row["change_usd"]),
        f"±{slack / 1e9:.2f}" if (slack := (row["change_high_usd"] - row["change_low_usd"]) / 2) > 0 else "exact",
        _format.usd_bn(row["abnormal_usd"]),
        _format.interval(row["ci_low_usd"], row["ci_high_usd"], "usd_bn"),
    ]
