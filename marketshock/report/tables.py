"""Frames of results as text tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .. import _format
from ..providers.found import NOTE, PriceFinding
from ..study.results import StudyResult

_SHOWN = 20  # rows of a table of events


def alignment_table(study: StudyResult) -> str:
    """Return the alignment of each event's date: one line per event, whatever its securities."""
    frame = study.alignment.drop_duplicates(["event", "given", "session"])
    if len(frame) > _SHOWN:
        frame = frame[frame["moved"] != 0]
    rest = f"\n... {len(frame) - _SHOWN} more moved" if len(frame) > _SHOWN else ""
    rows = [
        [r["event"], _day(r["given"]), _day(r["session"]), f"{r['moved']:+d}" if r["moved"] else "0", r["rule"]]
        for r in _format.rows(frame[:_SHOWN])
    ]
    return _format.text_table(["event", "date", "day 0", "moved", "rule"], rows, left=1) + rest


def exclusion_table(study: StudyResult) -> str:
    """Return the events left out with their reasons, or a line that says none was."""
    if study.exclusions.empty:
        return "No event was left out."
    lines = [
        _format.wrapped(f"{r['event_id']} ({r['ticker']}, {_day(r['date'])}): {r['reason']}", "  ")
        for r in _format.rows(study.exclusions[:_SHOWN])
    ]
    rest = [f"... and {len(study.exclusions) - _SHOWN} more"] if len(study.exclusions) > _SHOWN else []
    return "\n".join(["Left out:", *lines, *rest])


def findings_text(found: Sequence[PriceFinding]) -> str:
    """Return the warnings of the checks by name, and the number of notes with the first of them; "" for none."""
    notes, rest = [f for f in found if f.severity == NOTE], [f for f in found if f.severity != NOTE]
    lines = [_format.wrapped(f"{f.severity}: {f.text}", "  ") for f in rest[:_SHOWN]]
    lines += [f"... and {len(rest) - _SHOWN} more warnings"] if len(rest) > _SHOWN else []
    if notes:
        head = f"{len(notes)} notes, the first: " if len(notes) > 1 else "note: "
        lines.append(_format.wrapped(head + notes[0].text, "  "))
    return "\n".join(["Checks:", *lines]) if lines else ""


def firm_table(study: StudyResult, event: str) -> str:
    """Return the per-firm table of one event as text."""
    return _format.text_table(*firm_rows(study, event))


def firm_rows(study: StudyResult, event: str | None = None) -> tuple[list[str], list[list[str]]]:
    """Return head and rows: return, AR of day 0 with interval, t, p, SQ p, and the whole window.

    Without `event` all events are there, each with its id and day 0.
    """
    window = study.spec.window
    returns = study.to_frame().xs(0, level="day")["return"]
    sq = study.tests(0, 0, which="sq").set_index("event_id")["pvalue"]
    frame = study.car(0, 0).assign(total=returns, sq=sq, event=study.panel.event)
    frame = frame.join(study.car(window.first, window.last)[["car", "t", "pvalue"]].add_suffix("_window"))
    head = ["ticker", "return", "AR(0)", "95 % interval", "t", "p", "SQ p", f"CAR{window}".replace(" ", ""), "t", "p"]
    frame = frame if event is None else frame[frame["event"] == event]
    named = [[r["event_id"], _day(r["date"])] if event is None else [] for r in _format.rows(frame)]
    rows = [
        [
            *first,
            r["ticker"],
            _format.percent(r["total"]),
            _format.percent(r["car"]),
            _format.interval(r["ci_low"], r["ci_high"], "percent"),
            _format.number(r["t"]),
            _format.pvalue(r["pvalue"]),
            _format.pvalue(r["sq"]),
            _format.percent(r["car_window"]),
            _format.number(r["t_window"]),
            _format.pvalue(r["pvalue_window"]),
        ]
        for first, r in zip(named, _format.rows(frame), strict=True)
    ]
    return (["event", "day 0", *head] if event is None else head), rows


def _day(value: pd.Timestamp) -> str:
    return "-" if pd.isna(value) else str(value.date())
