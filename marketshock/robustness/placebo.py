"""How unusual a day is among all other days of the same security."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from .._typing import BoolArray, FloatArray, IntArray
from ..errors import NoUsableEventsError, check_choice
from ..inference.outcome import tails
from ..panel.returns import Returns
from ..study.inputs import positions_of
from ..study.results import StudyResult
from ..windows import Window, days_of
from ._again import study_again

RankedBy: TypeAlias = Literal["car", "t"]

_PORTFOLIO = "(mean of the firms)"


@dataclass(frozen=True, eq=False, repr=False)
class Placebo(Printable):
    """Events among the placebo days of their securities.

    Made by `placebo`.

    Attributes
    ----------
    table : DataFrame
        Indexed by event_id, with a row "(mean, DATE)" where events share a date: ticker, date (day 0), car (decimal),
        t, rank (1 is the lowest of the n_placebo + 1 days), n_placebo, percentile (percent of the placebo days at or
        below the event), pvalue (two-sided), pvalue_less, pvalue_greater, note. NaN where there is nothing to rank.
    distribution : DataFrame
        The placebo days, indexed by event_id and session: car (decimal), t.
    window : Window
        The days tested, relative to day 0.
    by : {"car", "t"}
        What is ranked.
    model : str
        Name of the model.
    """

    table: pd.DataFrame
    distribution: pd.DataFrame
    window: Window
    by: RankedBy
    model: str

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    def printout(self) -> Printout:
        """Return the printed form: the rank of each event among its placebo days."""
        days = self.distribution.index.get_level_values("session")
        span = f"{days.min().date()} to {days.max().date()}" if len(days) else "none"
        what = "CAR" if self.by == "car" else "t of the CAR"
        title = (f"Placebo days: {self.model}, days {self.window}, ranked by the {what}", f"sessions {span}")
        marks = [f"* {r['event_id']}: {r['note']}" for r in _format.rows(self.table) if r["note"]]
        return Printout(title, (PrintedTable(*self._cells(), marks=marks),))

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        label = f"CAR{self.window}".replace(" ", "")
        head = ["event", "day 0", label, "t", "rank", "of", "percentile", "p", "p less", "p greater"]
        rows = [
            [
                r["event_id"],
                str(r["date"].date()),
                _format.percent(r["car"]) + ("*" if r["note"] else ""),
                _format.number(r["t"]),
                _format.number(r["rank"], 0),
                str(r["n_placebo"] + 1),
                _format.number(r["percentile"], 1),
                *(_format.pvalue(r[name]) for name in ("pvalue", "pvalue_less", "pvalue_greater")),
            ]
            for r in _format.rows(self.table)
        ]
        return head, rows


@dataclass(frozen=True, slots=True)
class _Days:
    """The placebo days of one security: session ordinals, CAR and t, each (n,)."""

    rows: IntArray
    car: FloatArray
    t: FloatArray

    def at(self, rows: IntArray) -> _Days:
        """Return some of the days, those that are there."""
        keep = np.isin(self.rows, rows)
        return _Days(self.rows[keep], self.car[keep], self.t[keep])


def placebo(
    study: StudyResult,
    event_id: str | Sequence[str] | None = None,
    first: int | None = None,
    last: int | None = None,
    *,
    by: RankedBy = "car",
    before_only: bool = False,
) -> Placebo:
    """Rank each event's CAR among the CARs of all other days of its security, each estimated like the event.

    Parameters
    ----------
    study : StudyResult
        Its model, options and returns are taken.
    event_id : str or sequence of str, optional
        Which events; all by default.
    first, last : int, optional
        Trading days relative to day 0, both included; by default the whole event window.
    by : {"car", "t"}, optional
        Rank the CARs, or the CARs over their standard errors: volatility moves, and a quiet year makes a day look
        large.
    before_only : bool, optional
        Compare with sessions before the event only: the estimation windows of later ones hold the event.

    Returns
    -------
    Placebo
        A placebo day is every session whose estimation window lies inside the data with ``min_obs`` returns or more,
        whose tested days all have a return, and whose tested window does not touch the event window of any event of the
        study on that security. Days of other news stay: they are what the event is compared with. For two events or
        more on one date also the mean of their CARs, on the days all have; its t is that of the equal-weighted
        portfolio, NaN where the benchmark leaves out the firm.

    Raises
    ------
    UnknownNameError
        If an event is not in the study.
    WindowError
        If the days are not inside the study's window.
    ChoiceError
        If `by` is not known.

    Notes
    -----
    With R placebo days, pvalue_less = (1 + #{<= event}) / (R + 1), pvalue_greater likewise with >=, and pvalue twice
    the smaller, at most 1. They are exact if the event's day is exchangeable with the others. Windows of several days
    overlap, so that about R / L of them are independent.

    References
    ----------
    Brown and Warner (1980), Journal of Financial Economics 8, for event dates drawn from all days; Gelbach, Helland and
    Klick (2013) for ranking one event; Phipson and Smyth (2010) for the 1 in both counts.

    Examples
    --------
    >>> import marketshock as ms
    >>> event, model = ms.load_catalog()["deepseek-selloff"], ms.MarketModel("^GSPC")
    >>> study = ms.event_study(event, tickers=["NVDA"], prices=ms.snapshot(), model=model)
    >>> int(ms.placebo(study, first=0, last=0).table["rank"].iloc[0])
    1
    """
    check_choice("by", by, ("car", "t"))
    window = days_of(study.spec.window, first, last)
    chosen = positions_of(study.panel, event_id)
    candidates = {ticker: _candidates(study, ticker, window) for ticker in dict.fromkeys(study.panel.ticker[chosen])}
    days = {ticker: _days(study, ticker, rows, window) for ticker, rows in candidates.items()}
    found = [*_of_events(study, chosen, days, window), *_of_means(study, chosen, days, window)]
    if before_only:
        found = [(row, placebos.at(placebos.rows[placebos.rows < row["_at"]])) for row, placebos in found]
    table = pd.DataFrame([_ranked(row, placebos, by, len(window)) for row, placebos in found]).set_index("event_id")
    return Placebo(table, _distribution(study, found), window, by, study.model_name)


def _candidates(study: StudyResult, ticker: str, window: Window) -> IntArray:
    """Return the sessions whose windows lie inside the data and touch no event of that security."""
    panel = study.single_panel
    rows = np.arange(max(0, -panel.estimation.first), len(panel.returns.days) - max(0, window.last))
    touched: BoolArray = np.zeros(len(rows), dtype=bool)
    for event in panel.row[panel.ticker == ticker]:
        touched |= (rows + window.first <= event + panel.window.last) & (
            rows + window.last >= event + panel.window.first
        )
    return rows[~touched]


def _days(study: StudyResult, ticker: str, rows: IntArray, window: Window, returns: Returns | None = None) -> _Days:
    """Study one security on each of some sessions."""
    names = np.array([str(row) for row in rows], dtype=object)
    tickers = np.full(len(rows), ticker, dtype=object)
    session = study.single_panel.returns.days[rows]
    none = np.empty(0)
    if not len(rows):
        return _Days(rows, none, none)
    try:
        made = study_again(study, names, tickers, session, window=window, min_event_obs=len(window), returns=returns)
    except NoUsableEventsError:
        return _Days(rows[:0], none, none)
    total = made.sample(window.first, window.last).sum
    return _Days(made.panel.row, total.car, total.scar)


def _of_events(
    study: StudyResult, chosen: IntArray, days: dict[str, _Days], window: Window
) -> Iterator[tuple[dict[str, Any], _Days]]:
    car = study.car(window.first, window.last)
    for i in chosen:
        of_event = car.iloc[i]
        row = {
            "event_id": str(study.panel.event_id[i]),
            "ticker": str(study.panel.ticker[i]),
            **{name: of_event[name] for name in ("date", "car", "t", "note")},
            "_at": int(study.panel.row[i]),
        }
        yield row, days[row["ticker"]]


def _of_means(
    study: StudyResult, chosen: IntArray, days: dict[str, _Days], window: Window
) -> Iterator[tuple[dict[str, Any], _Days]]:
    """Average the events of each date that has two or more, on the placebo days all of them have."""
    car = study.car(window.first, window.last)["car"].to_numpy()
    for at in np.unique(study.panel.row[chosen]):
        events = chosen[study.panel.row[chosen] == at]
        tickers = [str(t) for t in study.panel.ticker[events]]
        if len(set(tickers)) < 2:
            continue
        common = days[tickers[0]].rows
        for ticker in tickers[1:]:
            common = np.intersect1d(common, days[ticker].rows)
        mean = np.mean([days[ticker].at(common).car for ticker in tickers], axis=0)
        t, t_event = _portfolio_t(study, tickers, common, int(at), window)
        date = pd.Timestamp(study.single_panel.returns.days[at])
        row = {
            "event_id": f"(mean, {date.date()})",
            "ticker": "",
            "date": date,
            "car": float(np.nanmean(car[events])),
            "t": t_event,
            "note": "",
            "_at": int(at),
        }
        yield row, _Days(common, mean, t)


def _portfolio_t(
    study: StudyResult, tickers: list[str], rows: IntArray, at: int, window: Window
) -> tuple[FloatArray, float]:
    """Return the t of the equal-weighted portfolio on some sessions, (n,), and on the event's."""
    blank = np.full(len(rows), np.nan)
    if any(weights is not None for weights in study.panel.own_weights):
        return blank, np.nan  # each firm has a benchmark of its own, and the portfolio none
    returns = study.single_panel.returns.of_one_session()
    members = returns.values[:, [returns.names.index(ticker) for ticker in tickers]].mean(axis=1)
    widened = replace(returns, names=(*returns.names, _PORTFOLIO), values=np.column_stack([returns.values, members]))
    made = _days(study, _PORTFOLIO, np.union1d(rows, [at]), window, widened)
    t = dict(zip(made.rows.tolist(), made.t.tolist(), strict=True))
    return np.array([t.get(row, np.nan) for row in rows.tolist()]), t.get(at, np.nan)


def _ranked(row: dict[str, Any], placebos: _Days, by: RankedBy, length: int) -> dict[str, Any]:
    """Return the table's row of one event."""
    value, others = row[by], getattr(placebos, by)
    others = others[~np.isnan(others)]
    n = len(others)
    note = [row["note"]] if row["note"] else []
    rank = percentile = less = greater = two_sided = np.nan
    if np.isnan(value):
        note.append(f"no {by} to rank")
    elif not n:
        note.append("no session to compare with: give a longer history, or a shorter estimation window")
    else:
        below, above = int((others <= value).sum()), int((others >= value).sum())
        rank, percentile = float(1 + (others < value).sum()), 100 * below / n
        less, greater = (1 + below) / (n + 1), (1 + above) / (n + 1)
        two_sided = tails(less, greater, "two-sided")
    if length > 1 and n:
        note.append(f"windows of {length} days overlap: about {n // length} of the {n} are independent")
    kept = {name: row[name] for name in ("event_id", "ticker", "date", "car", "t")}
    return {
        **kept,
        "rank": rank,
        "n_placebo": n,
        "percentile": percentile,
        "pvalue": two_sided,
        "pvalue_less": less,
        "pvalue_greater": greater,
        "note": "; ".join(note),
    }


def _distribution(study: StudyResult, found: list[tuple[dict[str, Any], _Days]]) -> pd.DataFrame:
    days = study.single_panel.returns.days
    index = pd.MultiIndex.from_arrays(
        [
            np.repeat([row["event_id"] for row, _ in found], [len(p.rows) for _, p in found]),
            np.concatenate([days[p.rows] for _, p in found]).astype("datetime64[ns]"),
        ],
        names=["event_id", "session"],
    )
    car, t = (np.concatenate([getattr(p, name) for _, p in found]) for name in ("car", "t"))
    return pd.DataFrame({"car": car, "t": t}, index=index)
