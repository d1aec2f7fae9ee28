"""First steps of a derivation: from closing prices to returns, and the days on which a model is estimated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.mathtext import figure, literal
from ..models.benchmark import LeaveOneOut, Term
from ..providers.total_return import OF_BOTH, OF_DIVIDENDS
from .event import DerivedEvent

_NAMED = 3  # missing days that are named


def closes_of(event: DerivedEvent) -> dict[str, float]:
    """Return the closes of the event days: P(t) of the security, Pm(t) or P1(t) of a benchmark; D(t), Dm(t) or D1(t)
    is what was paid on an ex-day.
    """
    ago = min([event.window.first - 1, *(day - event.sessions(day) for day in event.summed)])
    days = range(ago, event.window.last + 1)
    made = {f"{p}({day})": _close(event, column, day) for p, column, _ in _series(event) for day in days}
    for p, column, _ in _series(event):
        paid = {f"D{p[1:]}({day})": _paid(event, column, day) for day in days[1:]}
        made |= {name: cash for name, cash in paid.items() if cash}
    return {name: value for name, value in made.items() if not np.isnan(value)}


def returns_step(event: DerivedEvent, figures: dict[str, float]) -> Step:
    """Write out the returns of the event days and, where they are known, the closes behind them."""
    series, made = _series(event), _left_out(event)
    columns: list[tuple[str, str, str]] = []
    for p, column, r in series:
        paid = f"D{p[1:]}"
        columns += [(f"{p} {literal(column)}", p, ".4f")]
        columns += [(paid, paid, ".4f")] if any(f"{paid}({day})" in figures for day in event.days) else []
        columns += [(r, r, ".6f")]
    others = [symbol for symbol in _returns_of(event) if symbol not in {r for _, _, r in series}]
    columns += [(name, name, ".6f") for name in ([] if series else ["R"]) + others]
    rows = []
    eve = {event.window.first - 1, *(day - event.sessions(day) for day in event.summed)} - set(event.days)
    for day in (sorted(eve) if series else []) + list(event.days):
        named = ((f"{name}({day})", spec) for _, name, spec in columns)
        cells = (figure(name, spec) if name in figures else "-" for name, spec in named)
        rows.append((str(day), event.date(day) or "no session", *cells))
    loose = [name for name in others if made is None or name != made[0]]
    body: list[Block] = [*_formulas(event, series, figures), *_without_firm(event)]
    body += [f"{', '.join(loose)}: returns without closes of their own."] if series and loose else []
    body += [Grid(("day", "date", *(head for head, _, _ in columns)), tuple(rows)), *_missing(event)]
    heading = "Closes of the event days and the returns made of them" if series else "Returns of the event days"
    return step_of(heading, body, figures)


def _formulas(event: DerivedEvent, series: list[tuple[str, str, str]], figures: dict[str, float]) -> Iterator[Block]:
    if event.prices is None:
        yield "The study was run on returns: they are the data, and no closes are known."
        return
    yield _closes_are(event.prices.provenance)
    for day in _shown(event, series, figures):
        for p, _, r in series:
            ago = day - event.sessions(day)
            if f"{p}({day})" in figures and f"{p}({ago})" in figures:
                paid = f"D{p[1:]}({day})"
                close, numbers = f"{p}({day})", f"{{{p}({day}):.4f}}"
                if paid in figures:
                    close, numbers = f"({close} + {paid})", f"({numbers} + {{{paid}:.4f}})"
                ratio, numbers = f"{close} / {p}({ago})", f"{numbers} / {{{p}({ago}):.4f}}"
                before, after = ("ln(", ")") if event.spec.log else ("", " - 1")
                value = figure(f"{r}({day})")
                yield Line(f"{r}({day})", f"{before}{ratio}{after}", f"{before}{numbers}{after}", value)


def _closes_are(told: Mapping[str, Any]) -> str:
    """Return what the closes are."""
    if told.get("returns_from") == "close":
        kind = told.get("close_is", "not said")
        return f"Closes as they were given ({kind}): there are no adjusted ones beside them."
    if told.get("ex_days") == OF_DIVIDENDS:
        return "Closes adjusted for splits. What was paid on an ex-day, D, is added to its close."
    if told.get("ex_days") == OF_BOTH:
        return (
            "Adjusted closes, in which the return of an ex-day is (close + D) / close before - 1, with the dividend D "
            "that closes and adjusted closes imply."
        )
    return "Closes adjusted for splits and dividends."


def _shown(event: DerivedEvent, series: list[tuple[str, str, str]], figures: dict[str, float]) -> list[int]:
    """Return the days whose returns are written out: the first, and those on which something was paid."""
    paid = [day for day in event.days if any(f"D{p[1:]}({day})" in figures for p, _, _ in series)]
    return sorted({*event.written_out[:1], *paid})


def _missing(event: DerivedEvent) -> Iterator[str]:
    """Name the days that are missing and left out."""
    for day, there in zip(event.days, event.there, strict=True):
        date, over = event.date(day), event.sessions(day)
        if there and over > 1:
            yield f"The return of day {day} is from the close of day {day - over}: it covers {over} sessions."
        if there or event.covered(day):
            continue
        if not date:
            yield f"Day {day} lies beyond the last return: it is left out of every sum below."
            continue
        own = [column for _, column, _ in _series(event)]
        gone = [f"{c} on {event.date(d)}" for c in own for d in (day - 1, day) if np.isnan(_close(event, c, d))]
        why = f" (no close of {', '.join(gone)})" if gone else ""
        yield f"Day {day}, {date}, has no return{why}: it is left out of every sum below."


def _returns_of(event: DerivedEvent) -> dict[str, Term]:
    """Return offset and regressors by symbol."""
    offset = event.spec.model.offset
    named = {event.offset: offset} if offset is not None else {}
    return {**named, **dict(zip(event.regressors, event.terms, strict=True))}


def _series(event: DerivedEvent) -> list[tuple[str, str, str]]:
    """Return (symbol of the close, column, symbol of the return) of the security and of benchmarks with closes."""
    if event.prices is None:
        return []
    out = [("P", event.ticker, "R")]
    for symbol, term in sorted(_returns_of(event).items(), key=lambda item: item[0] == event.offset):
        column = str(term.column)
        known = column in event.prices.close.columns and column not in event.panel.returns.factor_names
        if known and _is_price(term) and symbol != "RF":
            out.append(("Pm" if symbol == "Rm" else f"P{symbol[1:]}", column, symbol))
    return out


def _is_price(term: Term) -> bool:
    """Return whether a term is the return of one column, as it is."""
    return isinstance(term.column, str) and term.less is None and not term.shift


def _close(event: DerivedEvent, column: str, day: int) -> float:
    """Return the close that a return is computed from, NaN where there is none."""
    date = event.date(day)
    if event.prices is None or not date:
        return float("nan")
    held = event.prices.levels if event.prices.paid(column) is None else event.prices.close
    stamp = pd.Timestamp(date)
    return float(held.loc[stamp, column]) if stamp in held.index else float("nan")  # type: ignore[arg-type]


def _paid(event: DerivedEvent, column: str, day: int) -> float:
    """Return the cash that the return of a day holds, 0 where there is none."""
    date, paid = event.date(day), None if event.prices is None else event.prices.paid(column)
    if event.prices is None or paid is None or not date:
        return 0.0
    return float(paid[event.prices.dates == pd.Timestamp(date)].sum())


def legend_of(event: DerivedEvent) -> str:
    """Name the series behind the symbols."""
    said = [f"R: return of {literal(event.ticker)}"]
    for symbol, term in _returns_of(event).items():
        factor = str(term.column) in event.panel.returns.factor_names
        what = "factor " if factor else "return of " if _is_price(term) else ""
        if symbol == event.offset:
            what = "risk-free return, " if symbol == "RF" else "return of "
        said.append(f"{symbol}: {what}{literal(str(term))}")
        said += [f"Y = R - {symbol}"] if symbol == event.offset else []
    return "; ".join(said) + "."


def index_of(event: DerivedEvent) -> dict[str, float]:
    """Return the index behind a benchmark without the firm, and the firm's weight; {} without such a benchmark."""
    found = _left_out(event)
    if found is None:
        return {}
    index, row = event.panel.returns.column(found[1].index), int(event.panel.row[0])
    out = {f"Ri({day})": float(index[row + day]) for day in event.summed}
    return {**out, "w": dict(found[1].weights).get(event.ticker, 0.0)}


def _left_out(event: DerivedEvent) -> tuple[str, LeaveOneOut] | None:
    """Return symbol and definition of the benchmark without the firm itself."""
    for symbol, term in _returns_of(event).items():
        if isinstance(term.column, LeaveOneOut) and term.column.leave_out == "own":
            return symbol, term.column
    return None


def _without_firm(event: DerivedEvent) -> Iterator[Block]:
    """Write out ``(Ri - w R) / (1 - w)`` on one day."""
    found, day = _left_out(event), next(iter(event.written_out), None)
    if found is None or day is None:
        return
    symbol, index = found[0], literal(found[1].index)
    yield f"{symbol} is {index} without the firm: Ri is the return of the index, w the weight of the firm in it."
    numbers = f"({{Ri({day}):.6f}} - {{w:g}} x {{R({day}):.6f}}) / (1 - {{w:g}})"
    yield Line(f"{symbol}({day})", f"(Ri({day}) - w R({day})) / (1 - w)", numbers, figure(f"{symbol}({day})"))


def window_step(event: DerivedEvent, figures: dict[str, float]) -> Step:
    """List the days on which the model is estimated, and those that are missing."""
    estimation = event.spec.estimation
    ends = (estimation.first, estimation.last)
    first, last = (event.estimation_date(day) or "before the first return" for day in ends)
    body: list[Block] = [
        f"Days {estimation.first} to {estimation.last}, {first} to {last}: {{sessions:d}} sessions, "
        "n = {n:d} of them with data."
    ]
    gone = [event.estimation_date(int(day)) for day in estimation.offsets()[~event.panel.estimation_data.mask[0]]]
    named = [date for date in gone if date]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    parts = [", ".join(named[:_NAMED]) + more] if named else []
    parts += [f"{len(gone) - len(named)} before the first return"] if len(gone) > len(named) else []
    span = event.panel.estimation_data.span
    over = 0 if span is None else int((event.panel.estimation_data.mask[0] & (span[0] > 1)).sum())
    if gone:
        what = "Without a return of their own, {gaps:d} in all" if over else "Missing, {gaps:d} in all, and left out"
        body.append(f"{what}: {'; '.join(parts)}.")
    if over:
        body.append(f"{over} of the returns are over gaps: each begins at the last price before the days missing.")
    return step_of("Estimation window", body, figures)
