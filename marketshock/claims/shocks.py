"""Checks of moves in units of their volatility: count, size, rank, frequency, co-movement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from .._format import rows
from ..catalog.classes import SHARE_CLASSES
from ..panel.returns import sessions_of_prices
from ..sessions import previous_session
from ..volatility.fragility import Fragility
from ..volatility.membership import Membership
from ..volatility.portfolios import volatility_portfolios
from .evidence import Evidence, MissingEvidenceError
from .finding import Answer, Measure

_FEWEST = 10  # sessions of a correlation
Group = int | str | Sequence[str]
_INFERRED = "The document does not say how it measures volatility; the first convention is read off the bank's notes"


def sigma(evidence: Evidence, *, ticker: str, date: dt.date, timing: str = "") -> Answer:
    """Move of a day in units of its trailing volatility, by every convention."""
    session = evidence.index_session(date, after_close=timing == "after_close")

    def z(measured: Fragility) -> float:
        return _one(measured.z, session, ticker)

    plain = evidence.shocks["log returns, about zero"]
    inputs = {f"{ticker} log return {session}": _one(plain.returns, session, ticker)}
    inputs[f"{ticker} volatility before"] = _one(plain.volatility, session, ticker)
    return Answer(_measures(evidence, z), inputs, note=_INFERRED, equal=True)


def sigma_count(evidence: Evidence, *, date: dt.date, threshold: float = 3.0) -> Answer:
    """Number of firms, then of listings, whose move of a day is an event."""
    session = evidence.index_session(date)
    if threshold != next(iter(evidence.shocks.values())).spec.threshold:
        raise MissingEvidenceError(f"events are counted from 3 sigma, not from {threshold:g}")
    firms = _measures(evidence, lambda f: float(f.count(str(session))), ", firms")
    listings = _measures(evidence, lambda f: float(f.count(str(session), by="listing")), ", listings")
    plain = next(iter(evidence.shocks.values())).counts(str(session), str(session)).iloc[0]
    inputs = {
        "firms with a z": float(plain["n_securities"]),
        "up": float(plain["n_up"]),
        "down": float(plain["n_down"]),
    }
    note = f"Members of {evidence.members().as_of}, two classes of a firm once. {_INFERRED}"
    return Answer((*firms, *listings), inputs, note=note, equal=True)


def sigma_rank(
    evidence: Evidence,
    *,
    ticker: str,
    date: dt.date,
    start: dt.date,
    end: dt.date,
    largest: Group,
    direction: str = "absolute",
    timing: str = "",
) -> Answer:
    """Rank of a move among those of a period, in a group as of the session before each."""
    session = evidence.index_session(date, after_close=timing == "after_close")
    members = _members(evidence, largest)

    def rank(measured: Fragility) -> float:
        table = measured.ranking(str(start), str(end), direction=direction, n=None, members=members)  # type: ignore[arg-type]
        own = table.index[(table["ticker"] == ticker) & (table["date"] == pd.Timestamp(session))]
        return float(own[0]) if len(own) else float("nan")

    first = next(iter(evidence.shocks.values()))
    top = first.ranking(str(start), str(end), direction=direction, n=4, members=members)  # type: ignore[arg-type]
    inputs: dict[str, float | str] = {f"{r['ticker']} {r['date'].date()}, sigma": r["z"] for r in rows(top)}
    note = "Caps of November 2024 carried along the closes say who is in the group. " + _INFERRED
    return Answer(_measures(evidence, rank), inputs, note=note, equal=True)


def shock_frequency(evidence: Evidence, *, group: Group, year: int, against: int) -> Answer:
    """Events per stock-year of one year less those of another, and the same of frequency times mean size."""
    table = _by_year(evidence, group)
    years = _have(table, [year, against])
    often, both = (years[name].astype(float).to_dict() for name in ("per_stock_year", "fragility"))
    inputs = {f"events a stock-year, {y}": often[y] for y in (year, against)}
    measures = [
        Measure("events a stock-year", often[year] - often[against]),
        Measure("frequency x mean size", both[year] - both[against]),
    ]
    return Answer(tuple(measures), inputs, note=_survivors(evidence, group))


def fragility_record(evidence: Evidence, *, group: Group, year: int, end: dt.date, years: int) -> Answer:
    """Rank of a year's fragility, frequency times mean size, among all years with figures."""
    table = _have(_by_year(evidence, group, end), [year])
    inputs = {f"frequency x mean size, {y}": float(v) for y, v in table["fragility"].items()}
    measures = tuple(
        Measure(words, 1.0 + float((table[name] > table[name][year]).sum()))
        for words, name in (("frequency x mean size", "fragility"), ("events a stock-year", "per_stock_year"))
    )
    missing = f"There are figures of {len(table)} years; the claim is about {years}" * (len(table) < years)
    return Answer(measures, inputs, note=_survivors(evidence, group), missing=missing)


def comovement(evidence: Evidence, *, group: Sequence[str], among: Group, start: dt.date, end: dt.date) -> Answer:
    """Correlation of the daily mean |z| of a group with that of the other members."""
    members = _members(evidence, among)
    measured = next(iter(evidence.shocks.values()))
    z = measured.z.loc[str(start) : str(end)].abs()
    days = z.index.to_numpy().astype("datetime64[D]")
    inside = members.on(days, [str(t) for t in z.columns]) if members is not None else np.ones(z.shape, bool)
    own = np.array([SHARE_CLASSES.get(str(t), str(t)) in group for t in z.columns])
    if not own.any() or len(z) < _FEWEST:
        raise MissingEvidenceError(f"there are {len(z)} sessions and {int(own.sum())} listings of the group")
    pair = pd.DataFrame({"group": z.loc[:, own].mean(axis=1), "others": z.where(inside).loc[:, ~own].mean(axis=1)})
    without = pair[pair.index != pair["group"].idxmax()]
    measures = (
        Measure("correlation of daily mean |z|", pair["group"].corr(pair["others"])),
        Measure("without the group's largest day", without["group"].corr(without["others"])),
    )
    note = "Closeness is no cause: both move with the market"
    return Answer(measures, {"sessions": float(len(pair))}, note=note, equal=True)


def volatility_groups(
    evidence: Evidence, *, sector: str, start: dt.date, end: dt.date, what: str, stand_in: str
) -> Answer:
    """Return of the least volatile group, of the most volatile one, or their difference; by lookback and groups."""
    measures = []
    for name, total in _group_returns(evidence, sector, start, end).items():
        column = {"low": total.iloc[:, 0], "high": total.iloc[:, -1]}.get(what, total.iloc[:, 0] - total.iloc[:, -1])
        measures += [Measure(f"{name[0]}, {days} sessions, {name[1]}", float(v)) for days, v in column.items()]
    note = "Firms that left the index before are not there: survivors"
    return Answer(tuple(measures), note=note, stand_in=stand_in)


def _group_returns(
    evidence: Evidence, sector: str, start: dt.date, end: dt.date
) -> dict[tuple[str, str], pd.DataFrame]:
    """Return total returns by lookback (rows) and group (columns) for each way to form the groups; computed once."""
    key = ("volatility_groups", sector, start, end)
    if key not in evidence.made:
        index = evidence.members()
        prices = index.prices.reinvested[index.of_sector(sector)]
        within = Membership.from_frame(index.joined()[prices.columns])
        first = str(previous_session(sessions_of_prices(index.prices)[0], evidence.index_session(start)))
        evidence.made[key] = {
            (name, who): volatility_portfolios(prices, groups=groups, start=first, end=str(end), members=members)
            .table["total_return"]
            .unstack("portfolio")
            for groups, name in ((3, "terciles"), (5, "quintiles"))
            for who, members in (("members at the time", within), (f"members of {index.as_of}", None))
        }
    found: dict[tuple[str, str], pd.DataFrame] = evidence.made[key]
    return found


def _measures(evidence: Evidence, of: Callable[[Fragility], float], what: str = "") -> tuple[Measure, ...]:
    return tuple(Measure(f"{name}{what}", of(measured)) for name, measured in evidence.shocks.items())


def _one(frame: pd.DataFrame, session: np.datetime64, ticker: str) -> float:
    if ticker not in frame.columns or pd.Timestamp(session) not in frame.index:
        raise MissingEvidenceError(f"there is no move of {ticker} on {session}")
    return float(frame[ticker][pd.Timestamp(session)])


def _members(evidence: Evidence, group: Group) -> Membership | None:
    """Return the group: the N largest as of the session before, tickers, or None for all ("index")."""
    if isinstance(group, int):
        return Membership.top(group, evidence.members().market_caps())
    return None if group == "index" else Membership.of([group] if isinstance(group, str) else list(group))


def _by_year(evidence: Evidence, group: Group, end: dt.date | None = None) -> pd.DataFrame:
    measured = next(iter(evidence.shocks.values()))
    return pd.DataFrame(measured.by_year(end=None if end is None else str(end), members=_members(evidence, group)))


def _have(table: pd.DataFrame, years: Sequence[int]) -> pd.DataFrame:
    for year in years:
        if year not in table.index:
            raise MissingEvidenceError(f"there are no moves of {year}")
    return table


def _survivors(evidence: Evidence, group: Group) -> str:
    if not isinstance(group, int):
        return ""
    day = evidence.members().as_of
    return f"Of the {group} largest among the members of {day}: survivors, by share counts of November 2024"
