"""Checks of prices: returns, moves within a day, volatility, recoveries, distance from a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._format import percent
from .._typing import FloatArray
from .evidence import Evidence, MissingEvidenceError
from .finding import Answer, Measure

CLOSE = "close to close"
_MOST_FROM_RESULTS = 0.5  # share of a move above which the results are its cause


def day_return(evidence: Evidence, *, ticker: str, date: dt.date, price: str = "close", timing: str = "") -> Answer:
    """Return of a day: the named price against the close before, then the other readings.

    With ``timing="after_close"`` the day itself is the plain reading and the next session, the first that could react,
    the other one.
    """
    session = evidence.session(date)
    measures = [*_readings(evidence, ticker, session, price)]
    if timing == "after_close":
        after = evidence.session(date, after_close=True)
        value = evidence.price(ticker, after) / evidence.price(ticker, session) - 1
        measures.insert(1, Measure(f"{CLOSE}, first session after the announcement ({after})", value))
    inputs = {f"{ticker} close {evidence.before(session)}": evidence.price(ticker, evidence.before(session))}
    inputs |= {f"{ticker} {field} {session}": evidence.price(ticker, session, field) for field in {price, "close"}}
    return Answer(tuple(measures), dict(sorted(inputs.items())))


def _readings(evidence: Evidence, ticker: str, session: np.datetime64, price: str) -> list[Measure]:
    before = evidence.price(ticker, evidence.before(session))
    close = Measure(CLOSE, evidence.price(ticker, session) / before - 1)
    if price == "close":
        return [close, Measure("log return", float(np.log1p(close.value)))]
    at = Measure(f"{price} against the close before", evidence.price(ticker, session, price) / before - 1)
    return [at, close]


def period_return(evidence: Evidence, *, ticker: str, start: dt.date, end: dt.date, apart_from: str = "") -> Answer:
    """Return from the close of `start` to the close of `end`, of prices and with dividends.

    With ``apart_from="results"`` the check also computes whether most of the move came on sessions of the firm's own
    results. If so, the number is right and its stated cause is wrong.
    """
    plain, total = _change(evidence, ticker, start, end), _change(evidence, ticker, start, end, "reinvested")
    measures = (Measure("price return", plain), Measure("total return", total))
    cause = _results_instead(evidence, ticker, start, end) if apart_from == "results" else ""
    inputs = {f"{ticker} close {day}": evidence.price(ticker, evidence.session(day)) for day in (start, end)}
    return Answer(measures, inputs, cause=cause)


def _change(evidence: Evidence, ticker: str, start: dt.date, end: dt.date, field: str = "close") -> float:
    first, last = (evidence.price(ticker, evidence.session(day), field) for day in (start, end))
    return last / first - 1


def _results_instead(evidence: Evidence, ticker: str, start: dt.date, end: dt.date) -> str:
    """Return which sessions of the firm's own results made most of a move, "" if they did not."""
    first, last = evidence.session(start), evidence.session(end)
    sessions = [s for s in evidence.results_of(ticker) if first < s <= last]
    whole = np.log1p(_change(evidence, ticker, start, end))
    moves = {s: float(np.log(evidence.price(ticker, s) / evidence.price(ticker, evidence.before(s)))) for s in sessions}
    if not moves or sum(moves.values()) / whole <= _MOST_FROM_RESULTS:
        return ""
    named = ", ".join(f"{percent(np.expm1(move), 1)} on {s}" for s, move in moves.items())
    rest = percent(float(np.expm1(whole - sum(moves.values()))), 1)
    return f"{ticker}: most of it came with its own results ({named}); without that session it would be {rest}"


def relative_return(evidence: Evidence, *, ticker: str, benchmark: str, start: dt.date, end: dt.date) -> Answer:
    """Return of a period minus that of a benchmark."""
    both = {name: _change(evidence, name, start, end) for name in (ticker, benchmark)}
    total = _change(evidence, ticker, start, end, "reinvested") - both[benchmark]
    measures = (Measure("price return less the index's", both[ticker] - both[benchmark]),)
    return Answer(
        (*measures, Measure("total return less the index's as quoted", total)),
        {f"{name} {start} to {end}": value for name, value in both.items()},
    )


def laggards(
    evidence: Evidence, *, tickers: Sequence[str], benchmark: str, start: dt.date, end: dt.date, margin: float = 0.0
) -> Answer:
    """Number of firms whose return of a period is below a benchmark's by more than `margin`."""
    index = _change(evidence, benchmark, start, end)
    measures, inputs = [], {f"{benchmark} {start} to {end}": index}
    for convention, field in (("price return", "close"), ("total return", "reinvested")):
        returns = {ticker: _change(evidence, ticker, start, end, field) for ticker in tickers}
        behind = [ticker for ticker, value in returns.items() if value < index - margin]
        measures.append(Measure(f"{convention} below the index's", float(len(behind))))
        if field == "close":
            inputs |= {f"{ticker} {start} to {end}": value for ticker, value in returns.items()}
            ahead = [ticker for ticker in tickers if ticker not in behind]
    return Answer(tuple(measures), inputs, note=f"Not behind: {', '.join(ahead) or 'none'}")


def volatility_ratio(
    evidence: Evidence, *, ticker: str, date: dt.date, end: dt.date, windows: Sequence[int] = (21, 60)
) -> Answer:
    """Standard deviation of daily returns after a day over that before it, without and with the day itself."""
    first, last = evidence.at(evidence.session(date)), evidence.at(evidence.session(end))
    closes = evidence.series(ticker)
    returns = np.concatenate([[np.nan], closes[1:] / closes[:-1] - 1])
    measures, inputs = [], {}
    for name, begin in (("without the event day", first + 1), ("with the event day", first)):
        after = _deviation(returns[begin : last + 1], ticker)
        inputs[f"{ticker} daily sd after, {name}"] = after
        for window in windows:
            before = _deviation(returns[first - window : first] if first > window else returns[:0], ticker)
            inputs[f"{ticker} daily sd of {window} sessions before"] = before
            measures.append(Measure(f"{name}, against {window} sessions before", after / before))
    return Answer(tuple(measures), inputs)


def _deviation(returns: FloatArray, ticker: str) -> float:
    if len(returns) < 2 or np.isnan(returns).any():
        raise MissingEvidenceError(f"there are too few returns of {ticker}")
    return float(np.std(returns, ddof=1))


def trough(evidence: Evidence, *, ticker: str, start: dt.date, end: dt.date) -> Answer:
    """Day of the lowest close between two days, and of the lowest price."""
    first = evidence.at(evidence.session(start))
    measures, inputs = [], {}
    for convention, field in (("lowest close", "close"), ("lowest price of the day", "low")):
        values = evidence.span(ticker, start, end, field)
        day = evidence.days[first + int(np.argmin(values))]
        measures.append(Measure(convention, float(day.astype(object).toordinal())))
        inputs[f"{ticker} {convention}, {day}"] = float(values.min())
    return Answer(tuple(measures), inputs)


def pared(evidence: Evidence, *, tickers: Sequence[str], date: dt.date) -> Answer:
    """Part of the day's deepest fall that was recovered by the close: the least over several indices."""
    session = evidence.session(date)
    before = evidence.before(session)
    there, gone = _known(evidence, tickers)
    back = {
        t: (evidence.price(t, session) - evidence.price(t, session, "low")) / evidence.price(t, before) for t in there
    }
    inputs = {f"{t} low to close, of the close before": value for t, value in back.items()}
    return Answer((Measure("from the low to the close", min(back.values())),), inputs, note=gone)


def rises_after(evidence: Evidence, *, tickers: Sequence[str], date: dt.date, sessions: int = 10) -> Answer:
    """Number of sessions after a day on which the close rose without a break: the least over several indices."""
    place = evidence.at(evidence.session(date))
    there, gone = _known(evidence, tickers)
    runs = {}
    for ticker in there:
        closes = evidence.series(ticker)[place : place + sessions + 1]
        if len(closes) < 2 or np.isnan(closes).any():
            raise MissingEvidenceError(f"there are no closes of {ticker} after {date}")
        falls = np.flatnonzero(np.diff(closes) <= 0)
        runs[ticker] = float(falls[0]) if len(falls) else float(len(closes) - 1)
    inputs = {f"{ticker} rises in a row": run for ticker, run in runs.items()}
    return Answer((Measure("closes that rose in a row", min(runs.values())),), inputs, note=gone)


def _known(evidence: Evidence, tickers: Sequence[str]) -> tuple[list[str], str]:
    """Return the tickers that have prices, and a note on the others."""
    there = [ticker for ticker in tickers if ticker in evidence.prices.close.columns]
    gone = [ticker for ticker in tickers if ticker not in there]
    if not there:
        raise MissingEvidenceError(f"there are no prices of {', '.join(gone)}")
    return there, f"Not checked, for want of prices: {', '.join(gone)}" if gone else ""


def from_record(evidence: Evidence, *, ticker: str, date: dt.date) -> Answer:
    """Distance of a close from the highest close until then, and from the highest price."""
    place = evidence.at(evidence.session(date))
    close = evidence.series(ticker)[place]
    measures, inputs = [], {f"{ticker} close {evidence.days[place]}": float(close)}
    for highest, field in (("highest close", "close"), ("highest price", "high")):
        past = evidence.series(ticker, field)[: place + 1]
        record = float(np.nanmax(past))
        inputs[f"{ticker} {highest}, {evidence.days[int(np.nanargmax(past))]}"] = record
        measures.append(Measure(f"below the {highest}", float(close / record - 1)))
    return Answer(tuple(measures), inputs, note=f"The record is that of the prices since {evidence.days[0]}")


def spread_of_closes(evidence: Evidence, *, ticker: str, start: dt.date, end: dt.date) -> Answer:
    """Highest over lowest close of a period, less one."""
    closes = evidence.span(ticker, start, end)
    inputs: Mapping[str, Any] = {f"{ticker} highest close": closes.max(), f"{ticker} lowest close": closes.min()}
    return Answer((Measure("highest over lowest close", float(closes.max() / closes.min() - 1)),), inputs)
