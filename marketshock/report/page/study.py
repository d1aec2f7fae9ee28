"""A study on a page: abnormal returns by event and firm, tests with their papers, dates, what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from ... import _format
from ...inference.mean import HOW
from ...inference.registry import MEANING, TESTS, Assumption
from ...plots._style import COLOURS
from ...plots.car import PANELS
from ...study.printed import car_table, distribution_text
from ...study.results import StudyResult
from ..files import study_record
from ..reproduce import INDEX_NOTE, Reproduction, findings, overlap_notes
from ..tables import firm_rows
from .blocks import Block, Derivation, Part, Picture, Section, Table, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_APART = 8  # events that get a table each
_WRITTEN_OUT = 24  # events whose numbers are written out

_T = "Patell (1976); for several days Mikkelson and Partch (1988)"
_FIRM_TERMS = {
    "event": "The event and its security.",
    "ticker": "The security.",
    "day 0": "The session the event was mapped to.",
    "return": "Return of day 0, close to close; the provenance says whether dividends are in it.",
    "AR(0)": "Abnormal return of day 0: the return less what the model expects.",
    "95 % interval": "Of AR(0), in percent; the variance is that of a forecast: residuals and estimation error.",
    "interval": "Of the sum, in percent; the variance is that of a forecast: residuals and estimation error.",
    "se": "Standard error of the forecast.",
    "t": f"AR(0), or the sum, over its standard error, with the degrees of freedom of the estimation. {_T}.",
    "df": "Degrees of freedom of the estimation.",
    "p": "Two-sided, of that t.",
    "t, CAR": f"The CAR over its standard error. {_T}.",
    "p, CAR": "Two-sided, of that t.",
    "SQ p": (
        "Rank of AR(0) among the residuals of the estimation window, two-sided; no normality is assumed. "
        "Gelbach, Helland and Klick (2013)."
    ),
}
_CAR = "Sum of the abnormal returns over these trading days, both included."
_SHORT: dict[Assumption, str] = {
    "normal": "normal",
    "independent": "independent",
    "constant_variance": "variance",
    "one_sign": "sign",
    "complete": "complete",
}
_TEST_TERMS = {
    "test": "Its name; the column reference has its paper.",
    "tested": "One event's security, or all of the sample.",
    "statistic": "As the paper defines it.",
    "distribution": "Under the null, with its degrees of freedom.",
    "p": "By the alternative in the caption; small where the null and the data do not go together.",
    "n": "Events in the sample.",
    "null": "What is tested.",
    "reference": "The paper.",
    "assumes": "What the test takes for granted: " + "; ".join(f"{_SHORT[k]}: {MEANING[k]}" for k in _SHORT) + ".",
    "note": "By its number below the table: what fails in this sample, or why the test does not apply.",
}
_DATE_TERMS = {
    "date": "As it was given.",
    "time, UTC": "As it was given, where it was.",
    "day 0": "The session whose return is the first that can hold the event.",
    "moved": "Calendar days from the given day to day 0.",
    "rule": "Why that session.",
}


def section(study: StudyResult) -> Section:
    """Return the section of a study."""
    events = list(dict.fromkeys(study.panel.event))
    window = study.spec.window
    derivations = list(_derivations(study))
    parts = [
        Part("Abnormal returns", list(_abnormal(study, events))),
        *([Part("How they were computed", derivations)] if derivations else []),
        *([Part("Average by day", [_average(study)])] if len(study) > 1 else []),
        Part("Tests", list(_tests(study, events))),
        *dates_parts(study),
    ]
    left = f"; {len(study.exclusions)} left out" if len(study.exclusions) else ""
    kind = "log" if study.spec.log else "simple"
    lead = (
        f"{len(study)} of {len(study.alignment)} events studied{left}. Model: {study.model_name}. Event window "
        f"{window}, estimation window {study.spec.estimation} in trading days ({', '.join(study.panel.calendars)} "
        f"sessions); {kind} returns.",
        *(
            [" ".join(overlap_notes(study))]
            if 1 < len(events) <= _APART and len(set(study.panel.session.tolist())) > 1
            else []
        ),
    )
    return Section(f"Event study: {_named(events)}", lead, parts, _record(study))


def in_short(result: Reproduction) -> Section:
    """Return the main job's findings in words."""
    blocks = Text(tuple(findings(result)), listed=True)
    warning = Text((INDEX_NOTE,))
    return Section("In short", (), [Part("What was found", [blocks]), Part("To be read with it", [warning])], {})


def dates_section(study: StudyResult) -> Section:
    """Return a section of what was done with the dates of a study, and nothing else."""
    return Section("Other dates of the documents", (), dates_parts(study), _record(study))


def dates_parts(study: StudyResult) -> list[Part]:
    """Return alignment and exclusions, all of them."""
    return [
        Part("Dates", [dates_table(study.alignment)]),
        Part("Left out", [exclusions_block(study.exclusions)]),
    ]


def dates_table(alignment: pd.DataFrame, times: bool = True) -> Table:
    """Return what was done with each date, with the time that was given or without."""
    rows = [
        [str(r["event_id"]), r["ticker"], _day(r["given"])]
        + ([_moment(r["timestamp_utc"])] if times else [])
        + [_day(r["session"]), f"{r['moved']:+d}" if r["moved"] else "0", r["rule"]]
        for r in _format.rows(alignment)
    ]
    head = ["event", "ticker", "date", *(["time, UTC"] if times else []), "day 0", "moved", "rule"]
    return Table("What was done with each date", head, rows, terms=_DATE_TERMS)


def exclusions_block(frame: pd.DataFrame, what: str = "left out") -> Block:
    """Return the events left out with their reasons, or a line that says none was."""
    if frame.empty:
        return Text((f"No event was {what}.",))
    rows = [
        [str(r["event_id"]), r["ticker"], _day(r["date"]), str(r["code"]).replace("_", " "), r["reason"]]
        for r in _format.rows(frame)
    ]
    head = ["event", "ticker", "date", "why", "reason"]
    return Table(f"Events {what}", head, rows, terms={"date": "As it was given."})


def _abnormal(study: StudyResult, events: list[str]) -> Iterator[Block]:
    """Yield one table per event, or one of all where there are many events, and the picture that fits."""
    window = study.spec.window
    label = f"CAR{window}".replace(" ", "")
    terms = {**_FIRM_TERMS, label: _CAR}
    days = f"trading days {window.first} to {window.last}"
    if not window.first <= 0 <= window.last:
        head, rows, below = car_table(study.car(window.first, window.last), label, 0.95)
        head = [name.replace("95 % interval", "interval") for name in head]
        yield Table(f"Cumulative abnormal returns, {days}", head, rows, terms=terms, notes=tuple(below))
    elif len(events) > _APART or len(events) == len(study) > 1:
        derived = _derived(study, label)
        yield Table(
            f"Abnormal returns of day 0 and of {days}",
            *_firms(study),
            terms=terms,
            notes=_notes(study),
            derived=derived,
        )
    else:
        for event in events:
            sessions = sorted({str(d) for d in study.panel.session[study.panel.event == event]})
            on = f"day 0 = {sessions[0]}" if len(sessions) == 1 else f"day 0 of {len(sessions)} sessions"
            told = _notes(study, event)
            caption = f"{event}, {on}: abnormal returns of day 0 and of {days}"
            yield Table(caption, *_firms(study, event), terms=terms, notes=told, derived=_derived(study, label, event))
    yield _picture(study)


def _spans(study: StudyResult) -> dict[str, tuple[int, int]]:
    """Return the days that are written out, by the column that holds their sum; none of a study of many events."""
    window = study.spec.window
    if len(study) > _WRITTEN_OUT or not window.first <= 0 <= window.last:
        return {}
    return {"AR(0)": (0, 0), f"CAR{window}".replace(" ", ""): (window.first, window.last)}


def _derived(study: StudyResult, label: str, event: str | None = None) -> dict[tuple[int, str], str]:
    names = study.panel.event_id if event is None else study.panel.event_id[study.panel.event == event]
    spans = {column: span for column, span in _spans(study).items() if column in ("AR(0)", label)}
    return {
        (k, column): _key(name, span)
        for k, name in enumerate(names)
        for column, span in spans.items()
        if _within(study, name, span) is not None
    }


def _derivations(study: StudyResult) -> Iterator[Block]:
    for span in _spans(study).values():
        for name in study.panel.event_id:
            days = _within(study, name, span)
            if days is not None:
                told = study.explain(str(name), *days)
                yield Derivation(_key(name, span), told.title, str(told))


def _within(study: StudyResult, name: str, span: tuple[int, int]) -> tuple[int, int] | None:
    """Return the days that lie in an event's own window; None if none does."""
    own = study.part_of(str(name)).spec.window
    first, last = max(span[0], own.first), min(span[1], own.last)
    return (first, last) if first <= last else None


def _key(name: str, span: tuple[int, int]) -> str:
    first, last = (f"minus {-day}" if day < 0 else str(day) for day in span)  # ids know no minus sign
    return f"{name} {first} to {last}"


def _firms(study: StudyResult, event: str | None = None) -> tuple[list[str], list[list[str]]]:
    """Return head and rows; on a page every column has a name of its own."""
    head, rows = firm_rows(study, event)
    return [*head[:-2], "t, CAR", "p, CAR"], rows


def _picture(study: StudyResult) -> Block:
    tickers = pd.Series(study.panel.ticker)
    if tickers.nunique() > PANELS or tickers.value_counts().max() > len(COLOURS):
        return Text(("Too many securities or events for a picture of each.",))
    first = study.spec.window.first
    return Picture(
        "Cumulative abnormal returns by security",
        f"Cumulative abnormal returns from day {first} through the event window, a panel a security, a line an event, "
        f"with 95 % bands at each day. Model: {study.model_name}.",
        partial(_draw, study),
    )


def _draw(study: StudyResult) -> Figure:
    from ... import plots

    figure = plots.bare_figure()
    plots.car_by_firm(study, figure=figure)
    return figure


def _average(study: StudyResult) -> Table:
    frame = study.aar()
    rows = [
        [
            f"{r['day']:+d}" if r["day"] else "0",
            str(r["n_events"]),
            _format.percent(r["aar"]),
            _format.percent(r["se"]).removeprefix("+"),
            _format.percent(r["caar"]),
        ]
        for r in _format.rows(frame)
    ]
    methods = ", ".join(HOW[how] for how in dict.fromkeys(frame["method"]) if how != "none")
    terms = {
        "day": "Trading days from day 0.",
        "events": "With a return that day.",
        "AAR": "Mean abnormal return over the events.",
        "se": f"Standard error {methods}." if methods else "No standard error: see below.",
        "CAAR": "Running sum of the AAR.",
    }
    head, notes = ["day", "events", "AAR", "se", "CAAR"], tuple(dict.fromkeys(filter(None, frame["note"])))
    return Table("Average abnormal return of each day", head, rows, terms=terms, notes=notes)


def _tests(study: StudyResult, events: list[str]) -> Iterator[Table]:
    """Yield the tests of day 0 and of the window: of all events together, and of each event where there are few."""
    window = study.spec.window
    spans = [(window.first, window.last)]
    if window.first <= 0 <= window.last and len(window) > 1:
        spans.insert(0, (0, 0))
    apart = 1 < len(events) <= _APART and len(events) < len(study)
    for first, last in spans:
        days = f"day {first}" if first == last else f"days {first} to {last}"
        if apart:
            frame = study.tests(first, last, by="event")
            for event in events:
                own = frame[frame.index.get_level_values("event") == event]
                yield tests_table(own.droplevel("event"), f"{event}: tests of {days}", event)
        yield tests_table(study.tests(first, last), _whole(events, days), events[0] if len(events) == 1 else "")


def _whole(events: list[str], days: str) -> str:
    return f"{events[0] if len(events) == 1 else 'All events'}: tests of {days}"


def tests_table(frame: pd.DataFrame, caption: str, event: str) -> Table:
    """Return tests with what they assume, their papers, and what fails of the assumptions as notes below."""
    head = ["test", "tested", "statistic", "distribution", "p", "n", "null", "reference", "assumes", "note"]
    said = {note: str(k) for k, note in enumerate(dict.fromkeys(filter(None, frame["note"])), start=1)}
    rows = [
        [
            TESTS[r["test"]].label,
            "all" if r["event_id"] == "(all)" else r["event_id"].removeprefix(f"{event}/"),
            _format.number(r["statistic"]),
            _distribution(r),
            _format.pvalue(r["pvalue"]),
            str(r["n_events"]),
            r["null"],
            r["reference"],
            ", ".join(_SHORT[name] for name in TESTS[r["test"]].assumes) or "none of these",
            said.get(r["note"], ""),
        ]
        for r in _format.rows(frame)
    ]
    notes = tuple(f"{mark}: {note}" for note, mark in said.items())
    return Table(f"{caption}, {frame['alternative'].iloc[0]}", head, rows, terms=_TEST_TERMS, notes=notes)


def _distribution(row: Mapping[str, Any]) -> str:
    return distribution_text(row) if row["distribution"] else _format.MISSING  # "" where the test does not apply


def _notes(study: StudyResult, event: str | None = None) -> tuple[str, ...]:
    """Return the days that an event lacks, one line per event; of the events of one name, or of all."""
    window = study.spec.window
    noted = study.car(window.first, window.last)["note"]
    noted = noted if event is None else noted[study.panel.event == event]
    return tuple(f"{name}: {note}" for name, note in noted.items() if note)


def _record(study: StudyResult) -> dict[str, Any]:
    """Return the record without the versions, which the page has once."""
    return {name: value for name, value in study_record(study).items() if name != "versions"}


def _named(events: list[str]) -> str:
    return ", ".join(events) if len(events) <= 3 else f"{len(events)} events"


def _day(value: Any) -> str:
    return _format.MISSING if pd.isna(value) else str(pd.Timestamp(value).date())


def _moment(value: Any) -> str:
    return _format.MISSING if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d %H:%M}"
