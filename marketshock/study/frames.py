"""Frames of a study, made of its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, StrArray
from ..errors import check_choice
from ..inference.evidence import Evidence
from ..inference.mean import mean_car
from ..inference.power import minimum_detectable, power_of_t
from ..inference.sample import Sample
from ..models.base import ModelFit
from ..panel.alignment import Exclusion
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


def events_frame(panel: AnyPanel, fit: ModelFit, evidence: Evidence) -> pd.DataFrame:
    """Return the frame of `StudyResult.events`."""
    first, last = estimation_ends(panel)
    table = panel.table
    columns = {"event": panel.event, "group": panel.group, **table.given_columns(panel.position)}
    columns |= {"n_obs": fit.n_obs, "n_event_days": evidence.event_mask.sum(axis=1)}
    columns |= {"estimation_first": stamps(first), "estimation_last": stamps(last)}
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
            rows = np.clip(p.row + getattr(p.estimation, end), 0, len(p.returns.days) - 1)
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


def long_frame(panel: AnyPanel, ar: FloatArray, sar: FloatArray) -> pd.DataFrame:
    """Return the frame of `StudyResult.to_frame`."""
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
    }
    return pd.DataFrame(columns, index=index)


def power_frame(sample: Sample, event_id: StrArray, effect: float, level: float, power: float) -> pd.DataFrame:
    """Return the frame of `StudyResult.power`."""
    mean = mean_car(sample)
    se = np.append(np.sqrt(sample.sum.variance), mean.se)
    df = np.append(sample.evidence.fit.dof.astype(float), mean.df)
    columns = {
        "se": se,
        "df": df,
        "mde": minimum_detectable(se, df, level, power),
        "power": power_of_t(effect, se, df, level),
        "method": [*np.where(sample.there, "prediction", "none"), mean.how],
        "note": [*np.where(sample.there, "", "no return in the window"), mean.note],
    }
    return pd.DataFrame(columns, index=pd.Index([*event_id, "(mean)"], name="event_id"))


def missing_notes(panel: AnyPanel, mask: BoolArray, window: Window) -> StrArray:
    """Return for each event the days of a window without a return, as a sentence; "" if there is none, (E,)."""
    asked = panel.asked[:, window.first - panel.window.first :][:, : len(window)]
    notes = np.full(len(panel), "", dtype=object)
    incomplete = np.flatnonzero((asked & ~mask).any(axis=1))
    if not len(incomplete):
        return notes
    days = panel.take(incomplete).dates(window)
    for k, i in enumerate(incomplete):
        gaps = days[k][asked[i] & ~mask[i]]
        inside = gaps[~np.isnat(gaps)]
        named = ", ".join(str(d) for d in inside[:3])
        beyond = "after the last price" if len(inside) < len(gaps) else ""
        what = ", ".join(part for part in (named + (", ..." if len(inside) > 3 else ""), beyond) if part)
        notes[i] = f"{len(gaps)} of {int(asked[i].sum())} days without a return: {what}"
    return notes
