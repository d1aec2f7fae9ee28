"""The printed form of a study's frames."""

from __future__ import annotations

import pandas as pd

from .. import _format
from .._frame import Table
from ..inference.registry import DOES_NOT_APPLY, TESTS


def car_table(frame: pd.DataFrame, label: str, confidence: float) -> Table:
    """Return the printed form of `StudyResult.car`."""
    head = ["event", "ticker", "day 0", label, "se", f"{100 * confidence:.0f} % interval", "t", "df", "p"]
    adjusted = "pvalue_adjusted" in frame
    records = _format.rows(frame)
    rows = [
        [
            r["event_id"],
            r["ticker"],
            str(r["date"].date()),
            _format.percent(r["car"]) + ("*" if r["note"] else ""),
            _format.percent(r["se"]).removeprefix("+"),
            _format.interval(r["ci_low"], r["ci_high"], "percent"),
            _format.number(r["t"]),
            str(r["df"]),
            _format.pvalue(r["pvalue"]),
            *([_format.pvalue(r["pvalue_adjusted"])] if adjusted else []),
        ]
        for r in records
    ]
    head += ["p adjusted"] if adjusted else []
    return head, rows, [f"* {r['event_id']}: {r['note']}" for r in records if r["note"]]


def test_table(frame: pd.DataFrame) -> Table:
    """Return the printed form of `StudyResult.tests`; what does not apply stands below with its reason."""
    rows: list[list[str]] = []
    said: dict[str, list[str]] = {}
    others = [str(name) for name in frame.index.names if name != "test"]
    for r in _format.rows(frame):
        label = " ".join([*(_shown(r[name]) for name in others), TESTS[r["test"]].label])
        if r["event_id"] != "(all)":
            label = f"{label}: {r['event_id']}"
        if not r["note"].startswith(DOES_NOT_APPLY):
            df = r["df"] if isinstance(r["df"], tuple) else (r["df"],)
            shown = ", ".join(f"{d:g}" for d in df if d == d)
            distribution = f"{r['distribution']}({shown})" if shown else r["distribution"]
            rows.append([label, _format.number(r["statistic"]), distribution, _format.pvalue(r["pvalue"]), r["null"]])
        if r["note"]:
            said.setdefault(r["note"], []).append(label)
    below = [f"{', '.join(labels)}: {note}" for note, labels in said.items()]
    sided = frame["alternative"].iloc[0]
    return ["test", "statistic", "distribution", f"p ({sided})", "null"], rows, below


def _shown(value: object) -> str:
    """Return what a row is of, as text: of a session its date, which has no time of day."""
    return str(value.date()) if isinstance(value, pd.Timestamp) else str(value)


test_table.__test__ = False  # type: ignore[attr-defined]  # pytest: no test, whatever its name
