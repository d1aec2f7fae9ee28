"""The first steps: from closing prices to returns, and the days a model is estimated on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.mathtext import literal
from ..models.benchmark import LeaveOneOut, Term
from .case import Case

_NAMED = 3  # missing days that are named


def closes_of(case: Case) -> dict[str, float]:
    """Return the closes behind the returns of the event days: P(t) of the security, Pm(t) or P1(t) of a benchmark."""
    if case.prices is None:
        return {}
    out = {}
    for symbol, column, _ in _series(case):
        for day in _with_day_before(case):
            close = _close(case, column, day)
            if not np.isnan(close):
                out[f"{symbol}({day})"] = close
    return out


def returns_step(case: Case, figures: dict[str, float]) -> Step:
    """Write out the returns of the event days and, where they are known, the closes they were made of."""
    series = _series(case) if case.prices is not None else []
    of_closes = {symbol: returned for symbol, _, returned in series}
    others = [r for r in (case.offset, *case.regressors) if r and r not in of_closes.values()]
    head = ["day", "date"]
    for symbol, column, returned in series:
        head += [f"{symbol} {literal(column)}", returned]
    head += [*([] if series else ["R"]), *others]
    rows = []
    for day in _with_day_before(case) if series else case.days:
        names = [name for symbol, returned in of_closes.items() for name in (symbol, returned)]
        names += [*([] if series else ["R"]), *others]
        cells = [_cell(figures, name, day, name in of_closes) for name in names]
        rows.append((str(day), case.date(day) or "no session", *cells))
    made = _left_out(case)
    loose = [name for name in others if made is None or name != made[0]]
    given = [f"{', '.join(loose)}: returns without closes of their own."] if series and loose else []
    body = [
        *_formulas(case, of_closes, figures),
        *_without_firm(case),
        *given,
        Grid(tuple(head), tuple(rows)),
        *_missing(case),
    ]
    heading = "Closes of the event days and the returns made of them" if series else "Returns of the event days"
    return step_of(heading, body, figures)


def _formulas(case: Case, of_closes: dict[str, str], figures: dict[str, float]) -> Iterator[Block]:
    if not of_closes:
        yield "The study was run on returns: they are the data, and no closes are known."
        return
    yield _what_closes(case)
    day = next((d for d in case.written_out or case.summed), None)
    if day is None:
        return
    for symbol, returned in of_closes.items():
        if f"{symbol}({day})" not in figures or f"{symbol}({day - 1})" not in figures:
            continue
        ratio = f"{symbol}({day}) / {symbol}({day - 1})"
        numbers = f"{{{symbol}({day}):.4f}} / {{{symbol}({day - 1}):.4f}}"
        log = case.spec.log
        yield Line(
            f"{returned}({day})",
            f"ln({ratio})" if log else f"{ratio} - 1",
            f"ln({numbers})" if log else f"{numbers} - 1",
            f"{{{returned}({day}):.6f}}",
        )


def _what_closes(case: Case) -> str:
    told = {} if case.prices is None else case.prices.provenance
    if told.get("returns_from") == "close":
        return (
            f"Closes as they were given ({told.get('close_is', 'not said')}): there are no adjusted ones beside them."
        )
    return "Closes adjusted for splits and dividends."


def _cell(figures: dict[str, float], name: str, day: int, close: bool) -> str:
    key = f"{name}({day})"
    return (f"{{{key}:.4f}}" if close else f"{{{key}:.6f}}") if key in figures else "-"


def _missing(case: Case) -> Iterator[str]:
    """Say which of the days are missing, and that they are left out."""
    for day, there in zip(case.days, case.there, strict=True):
        if there:
            continue
        date = case.date(day)
        if not date:
            yield f"Day {day} lies beyond the last return: it is left out of every sum below."
        elif case.prices is None:
            yield f"Day {day}, {date}, has no return: it is left out of every sum below."
        else:
            own = [case.ticker, *(c for _, c, _ in _series(case)[1:])]
            gone = [f"{c} on {case.date(d)}" for c in own for d in (day - 1, day) if np.isnan(_close(case, c, d))]
            why = f" (no close of {', '.join(gone)})" if gone else ""
            yield f"Day {day}, {date}, has no return{why}: it is left out of every sum below."


def _series(case: Case) -> list[tuple[str, str, str]]:
    """Return (symbol of the close, column, symbol of the return) of the security and of each benchmark with closes."""
    out = [("P", case.ticker, "R")]
    returns = case.panel.returns
    terms = [(case.spec.model.offset, case.offset)] if case.offset == "Rm" else []
    for term, symbol in [*zip(case.terms, case.regressors, strict=True), *terms]:
        if term is None or not _is_price(term) or str(term.column) in returns.factor_names:
            continue
        if case.prices is not None and str(term.column) in case.prices.adj_close.columns:
            out.append(("Pm" if symbol == "Rm" else f"P{symbol[1:]}", str(term.column), symbol))
    return out


def _is_price(term: Term) -> bool:
    """Return whether a term is the return of one column, as it is."""
    return isinstance(term.column, str) and term.less is None and not term.shift


def _with_day_before(case: Case) -> list[int]:
    return [case.window.first - 1, *case.days]


def _close(case: Case, column: str, day: int) -> float:
    date = case.date(day)
    if case.prices is None or not date or pd.Timestamp(date) not in case.prices.adj_close.index:
        return float("nan")
    frame = case.prices.adj_close
    at = int(np.searchsorted(frame.index.to_numpy(), np.datetime64(date, "ns")))
    return float(frame[column].to_numpy(dtype=float)[at])


def legend_of(case: Case) -> list[str]:
    """Say what the symbols of benchmark and factors stand for."""
    said = [f"R: return of {literal(case.ticker)}"]
    model = case.spec.model
    if case.offset and model.offset is not None:
        what = "return of" if case.kind == "adjusted" else "risk-free return,"
        said += [f"{case.offset}: {what} {literal(str(model.offset))}", f"Y = R - {case.offset}"]
    for term, symbol in zip(case.terms, case.regressors, strict=True):
        of_factor = str(term.column) in case.panel.returns.factor_names
        what = "factor " if of_factor else "return of " if _is_price(term) else ""
        said.append(f"{symbol}: {what}{literal(str(term))}")
    return ["; ".join(said) + "."]


def index_of(case: Case) -> dict[str, float]:
    """Return the index a benchmark without the firm is made of, and the firm's weight; {} if there is no such one."""
    found = _left_out(case)
    if found is None:
        return {}
    _, column = found
    index, row = case.panel.returns.column(column.index), int(case.panel.row[0])
    out = {f"Ri({day})": float(index[row + day]) for day in case.summed}
    return {**out, "w": dict(column.weights).get(case.ticker, 0.0)}


def _left_out(case: Case) -> tuple[str, LeaveOneOut] | None:
    """Return symbol and make of the benchmark from which the firm itself was taken out."""
    offset = case.spec.model.offset
    pairs = [*zip(case.terms, case.regressors, strict=True), *([(offset, case.offset)] if offset else [])]
    for term, symbol in pairs:
        if isinstance(term.column, LeaveOneOut) and term.column.leave_out == "own":
            return symbol, term.column
    return None


def _without_firm(case: Case) -> Iterator[Block]:
    """Write out ``(Ri - w R) / (1 - w)`` on one day."""
    found, day = _left_out(case), next(iter(case.written_out), None)
    if found is None or day is None:
        return
    symbol, column = found
    index = literal(column.index)
    yield f"{symbol} is {index} without the firm: Ri is the return of the index, w the weight of the firm in it."
    yield Line(
        f"{symbol}({day})",
        f"(Ri({day}) - w R({day})) / (1 - w)",
        f"({{Ri({day}):.6f}} - {{w:g}} x {{R({day}):.6f}}) / (1 - {{w:g}})",
        f"{{{symbol}({day}):.6f}}",
    )


def window_step(case: Case, figures: dict[str, float]) -> Step:
    """Say which days the model is estimated on, and which of them are missing."""
    estimation = case.spec.estimation
    data = case.panel.estimation_data
    first, last = (case.date(day) or "before the first return" for day in (estimation.first, estimation.last))
    body: list[Block] = [
        f"Days {estimation.first} to {estimation.last}, {first} to {last}: {{sessions:d}} sessions, "
        "n = {n:d} of them with data."
    ]
    gone = np.array(case.spec.estimation.offsets())[~data.mask[0]]
    if len(gone):
        named = [case.date(int(day)) for day in gone if case.date(int(day))]
        before = len(gone) - len(named)
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        parts = [", ".join(named[:_NAMED]) + more] if named else []
        parts += [f"{before} before the first return"] if before else []
        body.append("Missing, {gaps:d} in all, and left out: " + "; ".join(parts) + ".")
    return step_of("Estimation window", body, figures)
