"""Derivation of a firm's market-cap change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.explanation import Explanation
from ..explained.mathtext import literal
from .days import interval_lines
from .dollars import class_figures, class_grid, class_rows, dollar_lines


@dataclass(frozen=True, eq=False)
class FirmChange:
    """A change of one firm (its main ticker) between two sessions, and the figures it rests on.

    `classes` is a frame of `FirmShares.values`. `abnormal` has the figures of the study's day 0, and is empty without
    one: event_id, ticker, car, se, df, ci_low, ci_high, quantile (of t). `confidence` is the coverage of the interval,
    `note` a remark on the firm's counts, `source` the sources of closes and counts.
    """

    firm: str
    previous: np.datetime64
    session: np.datetime64
    classes: pd.DataFrame
    abnormal: Mapping[str, Any]
    confidence: float
    note: str
    source: str


def explain_change(change: FirmChange) -> Explanation:
    """Write out share counts times closes by class, the difference, its rounding band, and the abnormal part."""
    figures = figures_of_change(change)
    steps = [_counts(change, figures), _caps(change, figures), _band(change, figures), _abnormal(change, figures)]
    rounded = "the rounding of the counts leaves {change low:bn} to {change high:bn}"
    band = rounded if figures["slack"] else "the counts are exact"
    about = [
        f"Change = {{change:bn}} USD, {{return:pct}} of the market cap before; {band}.",
        f"From {literal(change.source)}.",
    ]
    if change.note:
        about.append(f"Note: {literal(change.note)}.")
    title = f"{literal(change.firm)}: market-cap change from {change.previous} to {change.session}"
    return Explanation(title, tuple(about), tuple(steps))


def figures_of_change(change: FirmChange) -> dict[str, float]:
    """Return every figure of the derivation, unrounded, in USD and decimals."""
    made, names = class_figures(change.classes), ("cap", "cap after", "change", "slack")
    total = dict.fromkeys(names, 0.0)
    for k, row in enumerate(class_rows(change.classes), 1):
        unit, move = float(row["band"]), made[f"after {k}"] - made[f"before {k}"]
        made |= {f"unit {k}": unit, f"move {k}": move, f"change {k}": move * made[f"shares {k}"]}
        made |= {f"cap after {k}": made[f"after {k}"] * made[f"shares {k}"], f"slack {k}": abs(move) * unit / 2}
        total = {name: total[name] + made[f"{name} {k}"] for name in names}
    made |= {"cap before": total["cap"], **{name: total[name] for name in names[1:]}}
    made |= {"return": total["change"] / total["cap"]}
    made |= {"change low": total["change"] - total["slack"], "change high": total["change"] + total["slack"]}
    if not change.abnormal:
        return made
    columns = {"ar": "car", "se": "se", "df": "df", "quantile": "quantile", "low": "ci_low", "high": "ci_high"}
    made |= {name: float(change.abnormal[column]) for name, column in columns.items()}
    made |= {f"usd {name}": made[name] * total["cap"] for name in ("ar", "low", "high")}
    return made | {"confidence": change.confidence, "level": 0.5 + change.confidence / 2}


def _counts(change: FirmChange, figures: dict[str, float]) -> Step:
    rows = class_rows(change.classes)
    forms = dict.fromkeys(f"{row['basis']} count" + (f" of a {row['form']}" if row["form"] else "") for row in rows)
    body: list[Block] = [
        class_grid(
            change.classes, ("rounded to",), lambda k: (f"{{unit {k}:d}}" if figures[f"unit {k}"] else "exact",)
        ),
        literal(f"Basis: {', '.join(forms)}."),
    ]
    if any(row["lookahead"] for row in rows):
        body.append("The count was filed on or after the session: it was not known then.")
    return step_of("Share counts, as they were filed last before the session", body, figures)


def _caps(change: FirmChange, figures: dict[str, float]) -> Step:
    rows = class_rows(change.classes)
    names = ("before {}:,.4f", "after {}:,.4f", "cap {}:bn", "cap after {}:bn", "change {}:bn")
    grid = [
        (literal(str(row["share_class"])), literal(str(row["priced_at"])), *(f"{{{n.format(k)}}}" for n in names))
        for k, row in enumerate(rows, 1)
    ]
    head = ("class", "priced at", f"close {change.previous}", f"close {change.session}", "before", "after", "change")
    numbers = "{shares 1:d} x ({after 1:,.4f} - {before 1:,.4f})"
    if len(rows) > 1:
        numbers = " + ".join(f"{{change {k}:bn}}" for k in range(1, len(rows) + 1))
    body: list[Block] = [
        Grid(head, tuple(grid)),
        Line("change", "sum of shares x (close after - close before)", numbers, "{change:bn} USD"),
        Line("return", "change / cap before", "{change:bn} / {cap before:bn}", "{return:.6f}"),
    ]
    return step_of("Shares x close on both sessions, USD", body, figures)


def _band(change: FirmChange, figures: dict[str, float]) -> Step:
    rounded = [k for k in range(1, len(change.classes) + 1) if figures[f"unit {k}"]]
    if not rounded:
        return step_of("Rounding band", ["Every count is exact: rounding leaves nothing open."], figures)
    numbers = " + ".join(f"|{{move {k}:,.4f}}| x {{unit {k}:d}} / 2" for k in rounded)
    body: list[Block] = [
        "A count rounded to a unit may be off by half of it.",
        Line("slack", "sum of |close after - close before| x unit / 2", numbers, "{slack:bn} USD"),
        Line("low", "change - slack", "{change:bn} - {slack:bn}", "{change low:bn} USD"),
        Line("high", "change + slack", "{change:bn} + {slack:bn}", "{change high:bn} USD"),
    ]
    return step_of("Rounding band", body, figures)


def _abnormal(change: FirmChange, figures: dict[str, float]) -> Step:
    heading, found = "Abnormal part", change.abnormal
    if not found:
        return step_of(heading, ["None: no study of this firm on that session was given."], figures)
    if np.isnan(figures["ar"]):
        return step_of(heading, [f"None: {literal(str(found['event_id']))} has no return on that session."], figures)
    body: list[Block] = [
        f"AR(0) of {literal(str(found['ticker']))} in the study, event {literal(str(found['event_id']))}: "
        "{ar:.6f} with a standard error of {se:.6f} on {df:d} degrees of freedom. study.explain derives it.",
        *interval_lines("AR", "se", "ar"),
        *dollar_lines("AR", "cap before", "ar"),
        "Low and high are the {confidence:share} interval.",
    ]
    return step_of(heading, body, figures)
