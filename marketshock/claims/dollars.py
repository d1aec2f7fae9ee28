"""Checks of dollars: market-cap changes, record losses, weights in an index and shares of its rise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._format import rows
from .._typing import FloatArray
from ..dollars.reported import reconcile
from ..providers.shares import COVER
from .evidence import Evidence, MissingEvidenceError
from .finding import Answer, Measure


def market_cap_change(evidence: Evidence, *, ticker: str, date: dt.date, reported: float = 0.0) -> Answer:
    """Change of a firm's market cap on a session, by every price and share count that `reconcile` lists.

    The plain reading is the figure of `marketshock.market_cap_change`: the official close times the last count filed
    before. Other cover counts at that close come next, the latest first.
    """
    session = evidence.session(date)
    found = reconcile(ticker, str(session), reported or 1e9, prices=evidence.prices, shares=evidence.shares)
    listed = _plainest_first(found.table)
    measures = tuple(Measure(f"{row['price_convention']} x {row['share_count']}", row["change_usd"]) for row in listed)
    inputs = {f"{ticker} close {found.previous}": listed[0]["close_before"]}
    inputs |= {f"{ticker} shares, {row['share_count']}": row["shares"] for row in listed}
    inputs |= {f"{ticker} {row['price_convention']} {session}": row["close_after"] for row in listed}
    return Answer(measures, inputs, note="Which price and count an outlet used is inference")


def _plainest_first(table: pd.DataFrame) -> list[dict[str, Any]]:
    covers = table["official"] & (table["basis"] == COVER)
    order = [table[table["is_own"]], table[covers & ~table["is_own"]].iloc[::-1], table[~covers & ~table["is_own"]]]
    return rows(pd.concat([part for part in order if len(part)]))


def record_loss(evidence: Evidence, *, ticker: str, date: dt.date, records: Sequence[str] = ()) -> Answer:
    """Rank of a firm's loss of the day among those of the bundled firms until then and the recorded records.

    Share counts are those known on the day, for the losses of earlier days too.
    """
    session = evidence.session(date)
    losses = {firm: _losses(evidence, firm, session) for firm in evidence.shares.firms}
    firm = evidence.shares.firm_of(ticker)
    own = losses[firm][-1] if evidence.at(session) else np.nan
    if np.isnan(own):
        raise MissingEvidenceError(f"a close of {firm} on {session} or before it is missing")
    others = np.concatenate([values[:-1] if name == firm else values for name, values in losses.items()])
    others = others[~np.isnan(others)]
    facts = {name: float(str(evidence.fact(name)["value"])) for name in records}
    rank = 1.0 + float(np.sum(others > own)) + sum(value > own for value in facts.values())
    inputs: dict[str, float | str] = {f"{ticker} loss {session}, USD": float(own)}
    inputs |= {f"largest other loss since {evidence.days[0]}, USD": float(others.max())} if len(others) else {}
    inputs |= {f"{evidence.fact(name)['what']}, USD": value for name, value in facts.items()}
    note = f"Of {len(losses)} firms since {evidence.days[0]} and of the records the press named before"
    return Answer((Measure("losses of market value in a day", rank),), inputs, note=note)


def _losses(evidence: Evidence, firm: str, session: np.datetime64) -> FloatArray:
    """Return a firm's loss on every session until one, in USD, (T - 1,); the last is that of the session."""
    days = evidence.days[: evidence.at(session) + 1]
    return -evidence.valuation.known_on(firm, session).changes(days)


def index_weight(evidence: Evidence, *, tickers: Sequence[str], date: dt.date) -> Answer:
    """Weight of firms in the index by market cap: the lower bound, then the upper one.

    Lower bound: every listing without a cap is worth the smallest cap of the list. Upper bound: it is worth nothing.
    """
    index = evidence.members()
    caps = _caps(evidence, date)
    rest = len(index.table) - len(index.caps_usd)
    group = _group_cap(evidence, tickers, caps)
    total = float(caps.sum())
    inputs = {"caps known, USD": total, "listings without a cap": float(rest), "their caps, USD": group}
    lower = Measure("lower bound", group / (total + rest * index.smallest_usd))
    note = "Caps of all shares; the index counts those that float freely"
    return Answer((lower, Measure("upper bound", group / total)), inputs, note=note)


def share_of_rise(
    evidence: Evidence, *, tickers: Sequence[str], start: dt.date, end: dt.date, benchmark: str
) -> Answer:
    """Share of an index's rise that a group made: growth of its caps over that of the index's.

    Caps are carried along adjusted closes with the shares of one day, the total of the index along its level.
    """
    index = evidence.members()
    group = [_group_cap(evidence, tickers, _caps(evidence, day)) for day in (start, end)]
    level = [evidence.price(benchmark, evidence.session(day)) for day in (start, end)]
    at = evidence.price(benchmark, index.caps_at)
    rest = (len(index.table) - len(index.caps_usd)) * index.smallest_usd
    known = float(index.caps_usd.sum())
    shares = [(group[1] - group[0]) / (total * (level[1] - level[0]) / at) for total in (known + rest, known)]
    inputs: dict[str, float | str] = {}
    for day, cap, value in zip((start, end), group, level, strict=True):
        inputs |= {f"caps of the group {day}, USD": cap, f"{benchmark} {day}": value}
    note = "With the share counts of one day; buybacks and dividends are in the closes"
    return Answer((Measure("lower bound", shares[0]), Measure("upper bound", shares[1])), inputs, note=note)


def _group_cap(evidence: Evidence, tickers: Sequence[str], caps: pd.Series[Any]) -> float:
    """Return the cap of a group on a day, every one of its firms."""
    gone = [ticker for ticker in tickers if ticker not in caps.index or pd.isna(caps[ticker])]
    if gone:
        raise MissingEvidenceError(f"there is no market cap of {', '.join(gone)} in {evidence.members().name}")
    return float(caps[list(tickers)].sum())


def _caps(evidence: Evidence, date: dt.date) -> pd.Series[Any]:
    caps, session = evidence.members().market_caps(), pd.Timestamp(evidence.index_session(date))
    if session not in caps.index:
        raise MissingEvidenceError(
            f"the members' closes, {caps.index[0].date()} to {caps.index[-1].date()}, have no {session.date()}"
        )
    return pd.Series(caps.loc[session])
