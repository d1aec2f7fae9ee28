"""Moves in units of their own volatility on a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import pandas as pd

from ..._format import MISSING, number, pvalue
from ..._frame import Table as Printed
from ...volatility._tables import PARTIAL, count_table, rank_table, year_table
from ...volatility.clustering import Clustering
from ...volatility.fragility import Fragility
from ..fragility import _CROWDED, _WAYS, Asked, FragilityReport, figures, fragility_report, measured_lines
from .blocks import Block, Part, Picture, Section, Table, Text

_TERMS = {
    "events": "Moves whose |z| reaches the threshold.",
    "of": "Firms with a z that day.",
    "share": "Events over firms.",
    "return": "Of that session; log or simple as above.",
    "volatility": "Of the sessions that end the day before, a day.",
    "z": "Return over volatility.",
    "stocks": "With a z in the year.",
    "stock-days": "Days with a z, over all stocks.",
    "per stock-year": "Events per stock in a year of sessions.",
    "mean |z|": "Of the events.",
    "product": "Events per stock-year times their mean |z|.",
    "normal": "Expected events per stock-year under independent normal returns of constant variance (Student's t).",
}
_SHOWS = {
    "counts": ("Events of each session", "Upward moves above the line, downward moves below it."),
    "heatmap": (
        "z by stock and session",
        "Red below zero, blue above, grey where there is none; dots mark moves that reach the threshold.",
    ),
    "ranking": ("The largest moves", "Bars of z, the largest on top."),
}


def section(measured: Fragility) -> Section:
    """Return the section of all sessions."""
    who = "the tickers of the prices given"
    return report_section(fragility_report(measured, Asked(None, None, None, 10, "firm", (), who)))


def report_section(report: FragilityReport) -> Section:
    """Return the section of a date, or of a period."""
    asked, tables, measured = report.asked, report.tables, report.measured
    day, counts = asked.date, report.tables["counts"]
    parts = []
    if day:
        on_day = measured.counts(day, day, by=asked.by)
        events = tables["events"].sort_values("z", key=abs, ascending=False, kind="stable")
        ranked = events.assign(rank=range(1, len(events) + 1))
        blocks = [_table(f"Events on {day}", on_day, count_table), _table(f"The moves of {day}", ranked, rank_table)]
        parts.append(Part(f"Events on {day}", blocks))
    crowded = counts.sort_values("n_events", ascending=False, kind="stable")[:_CROWDED]
    parts.append(Part("The most crowded days", [_table("Sessions with the most events", crowded, count_table)]))
    when = f"on {day}" if day else "of the period"
    ranks = [_table(f"The largest {words} {when}", tables[f"ranking_{way}"], rank_table) for way, words in _WAYS]
    parts.append(Part(f"The largest moves {when}", ranks))
    by_year, year = partial(year_table, year=measured.market.session_year), f"A year: {measured.market.session_year}."
    parts.append(Part("By year", [_table("Events by year", tables["by_year"], by_year, year)]))
    if asked.group:
        caption = f"Events by year, {', '.join(asked.group)}"
        parts.append(Part("The group by year", [_table(caption, tables["by_year_group"], by_year, year)]))
    if report.clustering is not None:
        parts.append(Part("Do they come together?", [_clustered(report.clustering)]))
    parts.append(Part("Pictures", _pictures(report)))
    return Section(f"Fragility{f' of {day}' if day else ''}", tuple(measured_lines(report)), parts, _record(report))


def _pictures(report: FragilityReport) -> list[Block]:
    drawn = figures(report)
    return [
        Picture(_SHOWS[name][0], f"{_SHOWS[name][1]} {report.measured.spec}.", partial(drawn.__getitem__, name))
        for name in drawn
    ]


def _table(caption: str, frame: pd.DataFrame, printer: Callable[[pd.DataFrame], Printed], *more: str) -> Block:
    if frame.empty:
        return Text((f"{caption}: none.",))
    head, rows, _ = printer(frame)
    notes = (*((PARTIAL,) if "partial" in frame and frame["partial"].any() else ()), *more)
    return Table(caption, head, rows, terms=_TERMS, notes=notes)


def _clustered(told: Clustering) -> Table:
    rows = [[name.replace("_", " "), _one(name, value)] for name, value in asdict(told).items()]
    return Table("Whether events of different stocks come together", ("measure", "value"), rows, notes=(str(told),))


def _one(name: str, value: object) -> str:
    if isinstance(value, float):
        return pvalue(value) if "pvalue" in name else number(value, 4)
    return MISSING if value is None else str(value)


def _record(report: FragilityReport) -> dict[str, object]:
    measured, days = report.measured, report.measured.market.days
    return {
        "spec": asdict(measured.spec),
        "asked": {**asdict(report.asked), "group": list(report.asked.group)},
        "members": None if measured.members is None else measured.members.name,
        "sessions": [str(days[0]), str(days[-1]), len(days)],
        "tickers": len(measured.market.names),
        "without z": {str(reason): int(n) for reason, n in measured.without_z.items()},
    }
