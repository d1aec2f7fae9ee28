"""Frames of a study and their printed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._frame import PrintedTable, Printout, Table
from .._typing import IntArray, StrArray
from ..inference.mean import MeanCar
from ..inference.registry import DOES_NOT_APPLY, TESTS
from ..panel.joined import AnyPanel
from ..panel.spec import StudySpec
from ..windows import Window

TEST_COLUMNS = (
    *("test", "event_id", "first", "last", "statistic", "distribution", "df", "df2", "pvalue", "n_events"),
    *("null", "alternative", "note", "assumptions", "reference"),
)
"""Columns of `StudyResult.tests`, without the label of ``by``."""


_SHOWN = 20  # events a repr lists


def models_named(names: Sequence[str]) -> str:
    """Return the names of models as one: of market models the benchmarks, "market model (^GSPC, ^GDAXI)"."""
    distinct = list(dict.fromkeys(names))
    heads = {name.partition(" (")[0] for name in distinct}
    if len(distinct) == 1 or len(heads) > 1 or not all(name.endswith(")") for name in distinct):
        return "; ".join(distinct)
    inner = [name.partition(" (")[2].removesuffix(")") for name in distinct]
    return f"{heads.pop()} ({', '.join(inner)})"


def study_printout(
    spec: StudySpec,
    model: str,
    panel: AnyPanel,
    cars: Mapping[Window, pd.DataFrame],
    given: int,
    incomplete: int,
    moved: int,
    excluded: int,
    lost: int,
    reopened: int,
    halts: Sequence[str],
    found: tuple[str, str] = ("", ""),
) -> Printout:
    """Return the printed form of `StudyResult`: the CARs of some windows, of the first events.

    The numbers are those of events given, with missing days, moved to a session, and excluded; of days left out for
    want of a benchmark; and of events whose day 0 a halt has moved. The sentences are of events without a price on
    day 0; `found` counts the findings on what is read, and names the first.
    """
    unequal = len({(part.window, part.estimation) for part in panel.parts}) > 1
    own = "windows of their own within " if unequal else ""
    choice = "" if spec.gaps == "missing" else f", returns over gaps: {spec.gaps}"
    title = (
        f"Event study: {len(panel)} of {given} events, {model}",
        f"{own}window {spec.window}, estimation {spec.estimation} in trading days "
        f"({', '.join(panel.calendars)} sessions), {'log' if spec.log else 'simple'} returns{choice}",
    )
    more = len(panel) - _SHOWN
    marks = [f"* {incomplete} event(s) lack days of the window: see the note in study.car(...)"] if incomplete else []
    marks += [f"... and {more} more events; study.car(0, 0) has all"] if more > 0 else []
    marks += [f"{moved} date(s) moved to a session: study.alignment"] if moved else []
    marks += halts
    marks += (
        [f"{reopened} event(s) without a price on their day: day 0 is the next session with one"] if reopened else []
    )
    marks += [f"{lost} day(s) without a return of the benchmark left out: study.events"] if lost else []
    marks += [f"{excluded} event(s) excluded: study.exclusions"] if excluded else []
    marks += [f"{found[0]} from the checks: study.findings, and * in study.car(...): {found[1]}"] if found[0] else []
    head = ["event", "ticker", "day 0"]
    cells: list[StrArray | list[str]] = [panel.event, panel.ticker, np.datetime_as_string(panel.session)]
    for window, car in cars.items():
        frame = car[:_SHOWN]
        head += ["AR(0)" if window == Window(0, 0) else f"CAR{window}".replace(" ", ""), "t", "p"]
        starred = zip(frame["car"], frame["note"], strict=True)
        cells.append([_format.percent(v) + ("*" if note else "") for v, note in starred])
        cells += [[_format.number(v) for v in frame["t"]], [_format.pvalue(v) for v in frame["pvalue"]]]
    rows = [[str(column[k]) for column in cells] for k in range(min(len(panel), _SHOWN))]
    return Printout(title, (PrintedTable(head, rows, 3, marks),))


def aar_frame(days: IntArray, means: Sequence[MeanCar], left: Sequence[str] = ()) -> pd.DataFrame:
    """Return the frame of `StudyResult.aar` of the mean abnormal return of each day, and what it leaves out."""
    columns = {
        "n_events": [one.n for one in means],
        "aar": [one.mean for one in means],
        "se": [one.se for one in means],
        "caar": np.cumsum([one.mean for one in means]),
        "method": [one.how for one in means],
        "note": [
            "; ".join(part for part in (one.note, *out) if part)
            for one, *out in (zip(means, left, strict=True) if left else zip(means, strict=True))
        ],
    }
    return pd.DataFrame(columns, index=pd.Index(days, name="day"))


def dated_rows(rows: Sequence[Mapping[str, Any]], window: Window) -> pd.DataFrame:
    """Return the rows of tests as a frame that states the window under test."""
    return pd.DataFrame([{**row, "first": window.first, "last": window.last} for row in rows])[list(TEST_COLUMNS)]


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
            p = _format.pvalue(r["pvalue"])
            rows.append([label, _format.number(r["statistic"]), distribution_text(r), p, r["null"]])
        if r["note"]:
            said.setdefault(r["note"], []).append(label)
    below = [f"{', '.join(labels)}: {note}" for note, labels in said.items()]
    sided = frame["alternative"].iloc[0]
    return ["test", "statistic", "distribution", f"p ({sided})", "null"], rows, below


def distribution_text(row: Mapping[str, Any]) -> str:
    """Return the distribution of a row of `StudyResult.tests` with its degrees of freedom: "F(7, 242)"."""
    shown = ", ".join(f"{df:g}" for df in (row["df"], row["df2"]) if not np.isnan(df))
    return f"{row['distribution']}({shown})" if shown else str(row["distribution"])


def _shown(value: object) -> str:
    """Return what a row is of, as text: of a session its date, which has no time of day."""
    return str(value.date()) if isinstance(value, pd.Timestamp) else str(value)


test_table.__test__ = False  # type: ignore[attr-defined]  # pytest: no test, whatever its name
