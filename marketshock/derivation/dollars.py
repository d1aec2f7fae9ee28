"""The dollar step of a study's derivation: the market cap before the first day, by share class, times the CAR."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import _format
from ..errors import MarketShockError
from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.mathtext import literal
from ..providers.shares import SharesTable
from ..sessions import previous_session
from ..valuation import Valuation
from .case import Case

_HEADING = "Dollars"


def dollars_step(case: Case, figures: dict[str, float], shares: SharesTable | None) -> Step:
    """Write out the CAR times the market cap before its first day, or why there are no dollars."""
    why = _refused(case)
    if why:
        return step_of(_HEADING, [f"None: {why}."], {})
    try:
        first = np.datetime64(case.date(case.window.first))
        before = previous_session(case.panel.returns.sessions, first)
        valuation = Valuation.of(case.prices, shares)
        counted = valuation.known_on(valuation.shares.firm_of(case.ticker), first)
        classes = counted.values(before)
    except MarketShockError as error:  # no count, or a close is missing: the p-value stands without dollars
        return step_of(_HEADING, [f"None: {literal(str(error))}."], {})
    made, rows = class_figures(classes)
    cap = sum(made[f"cap {k}"] for k in range(1, len(rows) + 1))
    made |= {name: figures[name] for name in ("car", "low", "high")}
    made |= {"cap before": cap, **{f"usd {name}": made[name] * cap for name in ("car", "low", "high")}}
    heading = f"Dollars: the market cap at the close of {before} times the CAR"
    return step_of(heading, _body(case, classes, counted.doubts, counted.firm), made)


def _refused(case: Case) -> str:
    """Return why a CAR cannot be turned into dollars whatever the counts and closes, "" if it can."""
    if case.prices is None:
        return "the study was run on returns, and a market cap needs closes"
    if case.spec.log:
        return "log returns do not scale a market cap"
    return "" if case.date(case.window.first) else "there is no close before the first day"


def class_figures(classes: pd.DataFrame) -> tuple[dict[str, float], list[dict[str, object]]]:
    """Return the figures of each share class by name, numbered from 1, and the classes as rows."""
    rows = [{str(k): v for k, v in row.items()} for row in _format.rows(classes.reset_index(drop=True))]
    made: dict[str, float] = {}
    for k, row in enumerate(rows, 1):
        n, before = float(row["counted"]), float(row["close_before"])
        made |= {f"filed {k}": float(row["shares"]), f"factor {k}": float(row["split_factor"]), f"shares {k}": n}
        made |= {f"before {k}": before, f"cap {k}": n * before, f"after {k}": float(row["close_after"])}
    return made, rows


def class_cells(row: dict[str, object], k: int, split: bool) -> tuple[str, ...]:
    """Return the first cells of a share class's row: name, ticker, date of the count, filing date, count and splits."""
    filed = "not known" if pd.isna(row["filed"]) else str(pd.Timestamp(str(row["filed"])).date())  # type: ignore[call-overload]
    dated = str(pd.Timestamp(str(row["as_of"])).date())
    counted = (f"{{filed {k}:d}}", f"x {{factor {k}:g}}") if split else (f"{{filed {k}:d}}",)
    return literal(str(row["share_class"])), literal(str(row["priced_at"])), dated, filed, *counted


CLASS_HEAD = ("class", "priced at", "counted", "filed", "shares")


def _body(case: Case, classes: pd.DataFrame, doubts: list[str], firm: str) -> list[Block]:
    _, rows = class_figures(classes)
    split = bool((classes["split_factor"] != 1).any())
    head = (*CLASS_HEAD, *(["splits"] if split else []), "close before", "value, USD")
    grid = [(*class_cells(row, k, split), f"{{before {k}:,.4f}}", f"{{cap {k}:bn}}") for k, row in enumerate(rows, 1)]
    label = f"CAR({case.window.first}, {case.window.last})"
    caps = " + ".join(f"{{cap {k}:bn}}" for k in range(1, len(rows) + 1)) if len(rows) > 1 else ""
    body: list[Block] = [
        "Last counts filed before the first day, at closes as traded (not adjusted for dividends).",
        Grid(head, tuple(grid)),
        Line("cap", "sum of shares x close", caps, "{cap before:bn} USD"),
        Line("dollars", f"{label} x cap", "{car:.6f} x {cap before:bn}", "{usd car:bn} USD"),
        Line("dollars low", "low x cap", "{low:.6f} x {cap before:bn}", "{usd low:bn} USD"),
        Line("dollars high", "high x cap", "{high:.6f} x {cap before:bn}", "{usd high:bn} USD"),
    ]
    if len(case.days) > 1:
        body.append("The CAR is a sum, not a compounded return: all of it is taken of the cap before the first day.")
    if case.ticker != firm:
        body.append(f"The abnormal return is that of {literal(case.ticker)}, the cap that of all classes of the firm.")
    return [*body, *(f"{literal(doubt)}." for doubt in doubts)]
