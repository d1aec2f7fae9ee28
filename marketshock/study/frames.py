"""Frames of a study, made of its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, IntArray, StrArray
from ..catalog.table import UNSET
from ..errors import check_choice
from ..inference.evidence import Evidence
from ..inference.mean import mean_car
from ..inference.power import minimum_detectable, power_of_t
from ..inference.sample import Sample
from ..models.base import ModelFit
from ..panel.alignment import Exclusion
from ..panel.event_panel import EventPanel
from ..windows import Window


def stamps(days: DateArray) -> DateArray:
    """Return days as a frame holds them: to the second, because nanoseconds end in 2262."""
    return days.astype("datetime64[s]")


def index_of(panel: EventPanel) -> pd.Index:
    """Return the index of the frames by event."""
    return pd.Index(panel.event_id, name="event_id")


def by_day(panel: EventPanel, values: FloatArray) -> pd.DataFrame:
    """Return an array (E, L) as a frame, events by days."""
    return pd.DataFrame(values.copy(), index_of(panel), pd.Index(panel.window.offsets(), name="day"))


def by_event(panel: EventPanel, **columns: Any) -> pd.DataFrame:
    """Return columns by event after the ticker and day 0 of each."""
    return pd.DataFrame({"ticker": panel.ticker, "date": stamps(panel.session), **columns}, index_of(panel))


def events_frame(panel: EventPanel, fit: ModelFit, evidence: Evidence) -> pd.DataFrame:
    """Return the frame of `StudyResult.events`."""
    first = np.clip(panel.row + panel.estimation.first, 0, None)
    last = np.clip(panel.row + panel.estimation.last, 0, None)
    table, own = panel.table, panel.table.own_windows
    columns = {"event": panel.event, "group": panel.group, **table.given_columns(panel.position)}
    columns |= {"n_obs": fit.n_obs, "n_event_days": evidence.event_mask.sum(axis=1)}
    columns |= {"estimation_first": stamps(panel.returns.days[first])}
    columns |= {"estimation_last": stamps(panel.returns.days[last])}
    if own is not None:
        for at, (name, day) in enumerate((("window_first", panel.window.first), ("window_last", panel.window.last))):
            days = own[panel.position, at]
            columns[name] = np.where(days == UNSET, day, days)
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


def exclusions_frame(exclusions: Sequence[Exclusion]) -> pd.DataFrame:
    """Return the frame of `StudyResult.exclusions`."""
    columns = ["event_id", "ticker", "date", "code", "reason"]
    frame = pd.DataFrame([asdict(e) for e in exclusions], columns=columns)
    given = np.array([e.date for e in exclusions], dtype="datetime64[D]")
    return frame.assign(date=stamps(given)).set_index("event_id")


def long_frame(panel: EventPanel, ar: FloatArray, sar: FloatArray) -> pd.DataFrame:
    """Return the frame of `StudyResult.to_frame`."""
    days, n_days = panel.returns.days, len(panel.window)
    rows = _rows(panel, panel.window).ravel()
    inside = (rows >= 0) & (rows < len(days))
    session = np.where(inside, days[np.clip(rows, 0, len(days) - 1)], np.datetime64("NaT"))
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


def missing_notes(panel: EventPanel, mask: BoolArray, window: Window) -> StrArray:
    """Return for each event the days of a window without a return, as a sentence; "" if there is none, (E,)."""
    days, rows = panel.returns.days, _rows(panel, window)
    notes = np.full(len(panel), "", dtype=object)
    for i in np.flatnonzero(~mask.all(axis=1)):
        gaps = rows[i][~mask[i]]
        inside = gaps[gaps < len(days)]
        named = ", ".join(str(d) for d in days[inside][:3])
        beyond = "after the last price" if len(inside) < len(gaps) else ""
        what = ", ".join(part for part in (named + (", ..." if len(inside) > 3 else ""), beyond) if part)
        notes[i] = f"{len(gaps)} of {mask.shape[1]} days without a return: {what}"
    return notes


def _rows(panel: EventPanel, window: Window) -> IntArray:
    """Return the session ordinals of the days of a window, (E, n)."""
    return np.asarray(panel.row[:, None] + window.offsets())
