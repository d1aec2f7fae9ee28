"""The dollar step of a study's derivation: the market cap before the first day, by share class, times the CAR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from ..errors import MarketShockError
from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.mathtext import literal
from ..providers.shares import SharesTable
from ..sessions import previous_session
from ..valuation import Valuation
from .event import DerivedEvent


def dollars_step(event: DerivedEvent, figures: dict[str, float], shares: SharesTable | None) -> Step:
    """Write out the CAR times the market cap before its first day, or the reason why there are no dollars."""
    why = _refused(event)
    if why:
        return step_of("Dollars", [f"None: {why}."], {})
    try:
        first = np.datetime64(event.date(event.window.first))
        before = previous_session(event.panel.returns.sessions, first)
        valuation = Valuation.of(event.prices, shares)
        counted = valuation.known_on(valuation.shares.firm_of(event.ticker), first)
        classes = counted.values(before)
    except MarketShockError as error:  # no count, or a close is missing: the p-value stands without dollars
        return step_of("Dollars", [f"None: {literal(str(error))}."], {})
    made = class_figures(classes)
    cap = sum(made[f"cap {k}"] for k in range(1, len(classes) + 1))
    made |= {"cap before": cap, **{name: figures[name] for name in ("car", "low", "high")}}
    made |= {f"usd {name}": made[name] * cap for name in ("car", "low", "high")}
    caps = " + ".join(f"{{cap {k}:bn}}" for k in range(1, len(classes) + 1)) if len(classes) > 1 else ""
    body: list[Block] = [
        "Last counts filed before the first day, at closes as traded (not adjusted for dividends).",
        class_grid(classes, ("close before", "value, USD"), lambda k: (f"{{before {k}:,.4f}}", f"{{cap {k}:bn}}")),
        Line("cap", "sum of shares x close", caps, "{cap before:bn} USD"),
        *dollar_lines(event.label, "cap", "car"),
    ]
    if len(event.days) > 1:
        body.append("The CAR is a sum, not a compounded return: all of it is taken of the cap before the first day.")
    if event.ticker != counted.firm:
        body.append(f"The abnormal return is that of {literal(event.ticker)}, the cap that of all classes of the firm.")
    body += [f"{literal(doubt)}." for doubt in counted.doubts]
    return step_of(f"Dollars: the market cap at the close of {before} times the CAR", body, made)


def _refused(event: DerivedEvent) -> str:
    """Return why a CAR cannot be turned into dollars whatever the counts, "" if it can."""
    if event.prices is None:
        return "the study was run on returns, and a market cap needs closes"
    if event.spec.log:
        return "log returns do not scale a market cap"
    return "" if event.date(event.window.first) else "there is no close before the first day"


def class_figures(classes: pd.DataFrame) -> dict[str, float]:
    """Return the figures of each share class by name, numbered from 1."""
    made: dict[str, float] = {}
    for k, row in enumerate(class_rows(classes), 1):
        n, before = float(row["counted"]), float(row["close_before"])
        made |= {f"filed {k}": float(row["shares"]), f"factor {k}": float(row["split_factor"]), f"shares {k}": n}
        made |= {f"before {k}": before, f"cap {k}": n * before, f"after {k}": float(row["close_after"])}
    return made


def class_rows(classes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the share classes as rows."""
    return _format.rows(classes.reset_index(drop=True))


def class_grid(classes: pd.DataFrame, head: tuple[str, ...], cells: Callable[[int], tuple[str, ...]]) -> Grid:
    """Return the share classes with their counts and filing dates, and more cells of the class with a number."""
    split = bool((classes["split_factor"] != 1).any())
    rows = []
    for k, row in enumerate(class_rows(classes), 1):
        filed = "not known" if pd.isna(row["filed"]) else str(pd.Timestamp(row["filed"]).date())
        counted = (f"{{filed {k}:d}}", *([f"x {{factor {k}:g}}"] if split else []))
        dates = (str(pd.Timestamp(row["as_of"]).date()), filed)
        rows.append((literal(str(row["share_class"])), literal(str(row["priced_at"])), *dates, *counted, *cells(k)))
    names = ("class", "priced at", "counted", "filed", "shares", *(["splits"] if split else []))
    return Grid((*names, *head), tuple(rows))


def dollar_lines(label: str, cap: str, name: str) -> list[Line]:
    """Write out a return and its bounds times the market cap before."""
    return [
        Line(f"dollars{which}", f"{of} x {cap}", f"{{{n}:.6f}} x {{cap before:bn}}", f"{{usd {n}:bn}} USD")
        for which, of, n in (("", label, name), (" low", "low", "low"), (" high", "high", "high"))
    ]
