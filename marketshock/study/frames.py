"""Frames of a study, made of its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from .._format import percent
from .._typing import BoolArray, DateArray, FloatArray, IntArray, StrArray
from ..errors import check_choice
from ..inference.evidence import Evidence
from ..inference.mean import mean_car
from ..inference.power import minimum_detectable, power_of_t
from ..inference.sample import Sample
from ..models.base import ModelFit, ReturnModel
from ..panel.alignment import Exclusion
from ..panel.build import benchmark_named
from ..panel.event_panel import EventPanel
from ..panel.halts import Gap, gaps_between, halted
from ..panel.joined import AnyPanel, JoinedPanel
from ..windows import Window


def stamps(days: DateArray) -> DateArray:
    """Return days as a frame holds them: to the second, because nanoseconds end in 2262."""
    return days.astype("datetime64[s]")


def index_of(panel: AnyPanel) -> pd.Index:
    """Return the index of the frames by event."""
    return pd.Index(panel.event_id, name="event_id")


def by_day(panel: AnyPanel, values: FloatArray) -> pd.DataFrame:
    """Return an array (E, L) as a frame, events by days."""
    return pd.DataFrame(values.copy(), index_of(panel), pd.Index(panel.window.offsets(), name="day"))


def by_event(panel: AnyPanel, **columns: Any) -> pd.DataFrame:
    """Return columns by event after the ticker and day 0 of each."""
    return pd.DataFrame({"ticker": panel.ticker, "date": stamps(panel.session), **columns}, index_of(panel))


def events_frame(panel: AnyPanel, fit: ModelFit, evidence: Evidence, benchmarks: Sequence[str] = ()) -> pd.DataFrame:
    """Return the frame of `StudyResult.events`, with the benchmarks of the parts."""
    first, last = estimation_ends(panel)
    table = panel.table
    columns = {"event": panel.event, "group": panel.group, **table.given_columns(panel.position)}
    if isinstance(panel, JoinedPanel):
        taken = {"benchmark": benchmarks, "calendar": [", ".join(part.calendars) for part in panel.parts]}
        for name, values in taken.items():
            if len(set(values)) > 1:
                one = [np.full(len(p), v, dtype=object) for p, v in zip(panel.parts, values, strict=True)]
                columns[name] = panel.gathered(one)
    columns |= {"n_obs": fit.n_obs, "n_event_days": evidence.event_mask.sum(axis=1)}
    columns |= {"estimation_first": stamps(first), "estimation_last": stamps(last)}
    columns |= {"n_benchmark_missing": panel.n_unexplained()}
    if table.own_windows is not None:
        for name in ("first", "last"):
            days = [np.full(len(p), getattr(p.window, name)) for p in panel.parts]
            columns[f"window_{name}"] = panel.gathered(days) if isinstance(panel, JoinedPanel) else days[0]
    columns |= {name: column[panel.position] for name, column in table.traits.items()}
    return by_event(panel, **columns)


def labels_of(events: pd.DataFrame, by: str, *others: str) -> StrArray:
    """Return what each event has in a column of `StudyResult.events`, "" where it has nothing, (E,).

    Raises `ChoiceError`, which names `others` too, if there is no such column.
    """
    check_choice("by", by, (*events.columns, *others))
    column = events[by]
    missing = column.isna()
    return (column.astype(object).where(~missing, "") if missing.any() else column).to_numpy()


def estimation_ends(panel: AnyPanel) -> tuple[DateArray, DateArray]:
    """Return the first and the last session of each event's estimation window, (E,), within the data."""
    ends = []
    for end in ("first", "last"):
        parts = []
        for p in panel.parts:
            event = p.row if p.shift is None else p.row - p.shift
            rows = np.clip(event + getattr(p.estimation, end), 0, len(p.returns.days) - 1)
            parts.append(p.returns.days[rows])
        ends.append(panel.gathered(parts) if isinstance(panel, JoinedPanel) else parts[0])
    return ends[0], ends[1]


def days_summed(panel: AnyPanel, window: Window) -> dict[str, Any]:
    """Return the first and the last day of a window, cut to each event's own one."""
    if not isinstance(panel, JoinedPanel):
        return {"first": window.first, "last": window.last}
    first = [np.full(len(p), max(p.window.first, window.first)) for p in panel.parts]
    last = [np.full(len(p), min(p.window.last, window.last)) for p in panel.parts]
    return {"first": panel.gathered(first), "last": panel.gathered(last)}


def exclusions_frame(exclusions: Sequence[Exclusion]) -> pd.DataFrame:
    """Return the frame of `StudyResult.exclusions`."""
    columns = ["event_id", "ticker", "date", "code", "reason"]
    frame = pd.DataFrame([asdict(e) for e in exclusions], columns=columns)
    given = np.array([e.date for e in exclusions], dtype="datetime64[D]")
    return frame.assign(date=stamps(given)).set_index("event_id")


def long_frame(panel: AnyPanel, evidence: Evidence) -> pd.DataFrame:
    """Return the frame of `StudyResult.to_frame`."""
    ar, sar, there, span = evidence.abnormal.ar, evidence.abnormal.sar, evidence.event_mask, panel.event_span
    before = np.zeros(ar.shape, dtype=bool) if evidence.starts_before is None else evidence.starts_before
    n_days, session = len(panel.window), panel.dates(panel.window).ravel()
    day = np.tile(panel.window.offsets(), len(panel))
    index = pd.MultiIndex.from_arrays([np.repeat(panel.event_id, n_days), day], names=["event_id", "day"])
    realised = panel.realised(slice(None))
    columns = {
        "ticker": np.repeat(panel.ticker, n_days),
        "date": np.repeat(stamps(panel.session), n_days),
        "session": stamps(session),
        "return": realised.ravel(),
        "expected": (realised - ar).ravel(),
        "ar": ar.ravel(),
        "sar": sar.ravel(),
        "n_sessions": np.where(there, 1 if span is None else span, 0).ravel(),
        "starts_before_window": before.ravel(),
    }
    return pd.DataFrame(columns, index=index)


def power_frame(sample: Sample, event_id: StrArray, effect: float, level: float, power: float) -> pd.DataFrame:
    """Return the frame of `StudyResult.power`."""
    mean, there = mean_car(sample), sample.whole.n_days > 0
    se = np.append(np.sqrt(sample.whole.variance), mean.se)
    df = np.append(sample.evidence.fit.dof.astype(float), mean.df)
    columns = {
        "se": se,
        "df": df,
        "mde": minimum_detectable(se, df, level, power),
        "power": power_of_t(effect, se, df, level),
        "method": [*np.where(there, "prediction", "none"), mean.how],
        "note": [
            *np.where(there, "", "no return in the window"),
            "; ".join(part for part in (mean.note, sample.left_note) if part),
        ],
    }
    return pd.DataFrame(columns, index=pd.Index([*event_id, "(mean)"], name="event_id"))


def missing_notes(panel: EventPanel, mask: BoolArray, window: Window, model: ReturnModel) -> StrArray:
    """Return for each event what its window lacks, as a sentence; "" if nothing, (E,).

    The days of which no return covers the session, those without a benchmark, and the moves over gaps in the prices.
    """
    span = panel.event_span
    notes = np.full(len(panel), "", dtype=object)
    odd = ~mask.all(axis=1)
    if span is not None:
        days = slice(window.first - panel.window.first, window.last + 1 - panel.window.first)
        span = np.where(mask, span[:, days], 1)
        odd |= (span > 1).any(axis=1)
    at = np.flatnonzero(odd)
    part = panel.take(at)
    rows, lacks = part.window_rows(window), part.unexplained(window)
    for k, i in enumerate(at):
        one = np.ones(mask.shape[1], dtype=np.int64) if span is None else span[i]
        parts = [_missing(panel.returns.days, rows[k][~_covered(mask[i], one)], len(window))]
        if lacks[k].any():
            lost = _listed(window.first + np.flatnonzero(lacks[k]))
            parts.append(f"the benchmark ({benchmark_named(model)}) has none on day{lost}")
        found = gaps_between(panel.returns, int(panel.column[i]), int(rows[k][0]), int(rows[k][-1]))
        parts += [_move(gap, int(panel.row[i]), mask[i], one, window) for gap in found if gap.closed]
        notes[i] = "; ".join(said for said in parts if said)
    return notes


def halts(panel: EventPanel, mask: BoolArray, model: ReturnModel) -> list[str]:
    """Return the notes of events without a price on day 0, each after its event's id; of more than three the number."""
    at = np.flatnonzero(halted(panel.returns, panel.row, panel.column))
    notes = missing_notes(panel.take(at[:3]), mask[at[:3]], panel.window, model)
    said = [f"{panel.event_id[i]}: {note}" for i, note in zip(at[:3], notes, strict=True)]
    return said + ([f"... and {len(at) - 3} more events without a price on day 0"] if len(at) > 3 else [])


def _covered(mask: BoolArray, span: IntArray) -> BoolArray:
    """Return the days that some return of the window covers, (n,)."""
    out = mask.copy()
    for day in np.flatnonzero(mask & (span > 1)):
        out[max(0, day + 1 - span[day]) : day] = True
    return out


def _missing(days: DateArray, gaps: IntArray, n_days: int) -> str:
    if not len(gaps):
        return ""
    inside = gaps[gaps < len(days)]
    named = ", ".join(str(d) for d in days[inside][:3])
    beyond = "after the last price" if len(inside) < len(gaps) else ""
    what = ", ".join(part for part in (named + (", ..." if len(inside) > 3 else ""), beyond) if part)
    return f"{len(gaps)} of {n_days} days without a return: {what}"


def _move(gap: Gap, zero: int, mask: BoolArray, span: IntArray, window: Window) -> str:
    """Return the move over a gap in the prices that touches a window, and whether it is in the sum."""
    lost, back = np.arange(gap.before + 1, gap.after) - zero, gap.after - zero
    it = "them" if len(lost) > 1 else "it"
    said = f"no price on day{_listed(lost)}; the return over {it}, {percent(gap.move, 1)}, is on day {back}"
    place = back - window.first
    if not (0 <= place < len(mask) and mask[place] and span[place] > 1):
        return f"{said} and not in this sum"
    return f"{said}, and begins before the window" if span[place] > place + 1 else said


def _listed(days: IntArray) -> str:
    """Return days relative to day 0 after the word "day": " 0", "s 0 and 1", "s 0 to 4", "s -3, 0 and 2"."""
    if len(days) == 1:
        return f" {days[0]}"
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"s {days[0]} to {days[-1]}"
    more = ", ..." if len(days) > 4 else f" and {days[-1]}"
    return "s " + ", ".join(map(str, days[: min(4, len(days) - 1)])) + more


def _rows(panel: EventPanel, window: Window) -> IntArray:
    """Return the session ordinals of the days of a window, (E, n)."""
    return np.asarray(panel.row[:, None] + window.offsets())
