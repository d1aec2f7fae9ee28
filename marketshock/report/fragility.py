"""Fragility of a list of stocks as text, files and plots: the output of ``marketshock fragility``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import _format
from .._files import together
from .._frame import ReadableFrame
from ..engines.progress import Progress
from ..errors import InputError
from ..volatility._select import By, Direction, period, session_row
from ..volatility._tables import count_table, rank_table
from ..volatility.clustering import Clustering
from ..volatility.contribution import IndexContribution, index_contribution
from ..volatility.fragility import Fragility
from ..volatility.membership import Membership
from .files import save_figure, write_frames, write_record
from .reproduce import records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WAYS: tuple[tuple[Direction, str], ...] = (("absolute", "moves"), ("up", "upward moves"), ("down", "downward moves"))
_CROWDED, _BARS = 10, 15
_BEFORE, _AFTER = 40, 20  # sessions of the heat map around a date


@dataclass(frozen=True, slots=True)
class Asked:
    """Options of the report: one session or a period (all sessions where None), rows of each ranking, counting.

    The tickers of `group` are shown separately; `universe` names the securities measured and those that are missing;
    `provenance` is that of the prices: source, period, vintage, as `Prices.provenance` has them.
    """

    date: str | None = None
    start: str | None = None
    end: str | None = None
    rows: int = 10
    by: By = "firm"
    group: tuple[str, ...] = ()
    universe: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.date and (self.start or self.end):
            raise InputError("date", "is given beside a period", "give one session, or a start and an end")
        if self.rows < 1:
            raise InputError("rows", f"got {self.rows}", "give 1 or more")


@dataclass(frozen=True)
class FragilityReport:
    """The results behind ``marketshock fragility``: z with the members as of each day, the options, and what was asked.

    The tables are counts, events, ranking_absolute, ranking_up, ranking_down, by_year, and for a group by_year_group
    and counts_group. Clustering is there where it was asked for, the group's contribution where caps are known.
    """

    measured: Fragility
    asked: Asked
    tables: Mapping[str, pd.DataFrame]
    clustering: Clustering | None
    contribution: IndexContribution | None


def fragility_report(
    measured: Fragility, asked: Asked, *, clustered: bool = False, weighed: bool = False, progress: Progress = None
) -> FragilityReport:
    """Make the tables; with `clustered` test whether events cluster.

    With `weighed` compute what the group did to the bundled index on the date, or over the period.

    Raises
    ------
    InputError, NotSessionError, UnknownNameError
        If the date, the period or the group is not in the data.
    """
    span = (asked.date, asked.date) if asked.date else (asked.start, asked.end)
    if asked.date:
        measured.count(asked.date, by=asked.by)  # refuses a day that is no session
    tables = {
        "counts": measured.counts(asked.start, asked.end, by=asked.by),
        "events": measured.events(*span, by=asked.by),
        "by_year": measured.by_year(asked.start, asked.end, by=asked.by),
    }
    for way, _ in _WAYS:
        tables[f"ranking_{way}"] = measured.ranking(*span, direction=way, n=asked.rows, by=asked.by)
    contribution = None
    if asked.group:
        own = Membership.of(asked.group)
        tables["by_year_group"] = measured.by_year(asked.start, asked.end, members=own, by=asked.by)
        tables["counts_group"] = measured.counts(*span, members=own, by=asked.by)
        contribution = _contribution(measured, asked) if weighed else None
    told = measured.clustering(asked.start, asked.end, by=asked.by, progress=progress) if clustered else None
    return FragilityReport(measured, asked, tables, told, contribution)


def sections(report: FragilityReport) -> Iterator[tuple[str, str]]:
    """Yield the headings and texts of the report, in order."""
    asked, tables, measured = report.asked, report.tables, report.measured
    yield "How it is measured", "\n".join(_format.wrapped(line, "  ") for line in measured_lines(report))
    counts, day = tables["counts"], asked.date
    if day:
        on_day = measured.counts(day, day, by=asked.by)
        yield f"Events on {day}", _printed(on_day, count_table)
    crowded = counts.sort_values("n_events", ascending=False, kind="stable")[: min(_CROWDED, asked.rows)]
    yield "The most crowded days", _printed(crowded, count_table)
    when = f"on {day}" if day else "of the period"
    for way, words in _WAYS:
        yield f"The largest {words} {when}", _printed(tables[f"ranking_{way}"], rank_table)
    yield "By year", repr(tables["by_year"])
    if asked.group:
        yield f"By year, {', '.join(asked.group)}", repr(tables["by_year_group"])
    if report.contribution is not None:
        yield "The group in the index", repr(report.contribution)
    if report.clustering is not None:
        yield "Do they come together?", str(report.clustering)


def to_dict(report: FragilityReport) -> dict[str, Any]:
    """Return the whole result as plain values, ready for JSON."""
    measured, told, whole = report.measured, report.clustering, report.contribution
    plain: dict[str, Any] = {
        "spec": asdict(measured.spec),
        "asked": {**asdict(report.asked), "group": list(report.asked.group)},
        "members": None if measured.members is None else measured.members.name,
        "without_z": {str(reason): int(n) for reason, n in measured.without_z.items()},
        **{name: records(frame) for name, frame in report.tables.items()},
    }
    if report.asked.date:
        plain["on_date"] = records(measured.counts(report.asked.date, report.asked.date, by=report.asked.by))[0]
    if told is not None:
        plain["clustering"] = records(pd.DataFrame([asdict(told)]))[0]
    if whole is not None:
        summary = records(whole.summary.to_frame().T)[0]
        span = {"before": str(whole.before), "end": str(whole.end), "notes": list(whole.notes)}
        plain["contribution"] = {**span, "summary": summary, "firms": records(whole.table[whole.table["in_group"]])}
    return plain


def write(report: FragilityReport, folder: Path, inputs: Iterable[str] = ()) -> list[Path]:
    """Write every table and z as CSV, the whole as JSON and three pictures; return the paths.

    `inputs` are files that must not be replaced; see `together`.
    """
    with together(folder, "fragility.json", inputs=inputs) as fresh:
        written = [*write_frames({**report.tables, "z": report.measured.z}, fresh), *draw(report, fresh)]
        written.append(write_record(fresh / "fragility.json", to_dict(report)))
    return [folder / path.name for path in written]


def draw(report: FragilityReport, folder: Path) -> list[Path]:
    """Save the pictures of counts, z and ranking and return their paths."""
    return [save_figure(figure, folder / f"{name}.png") for name, figure in figures(report).items()]


def figures(report: FragilityReport) -> dict[str, Figure]:
    """Draw counts, heatmap and ranking, each where there is something to draw."""
    from .. import plots
    from ..plots._style import alone

    asked, measured = report.asked, report.measured
    span = (asked.date, asked.date) if asked.date else (asked.start, asked.end)
    counts = partial(plots.fragility_counts, measured, asked.start, asked.end, by=asked.by)
    heatmap = partial(plots.fragility_heatmap, measured, asked.group or None, *_around(measured, asked))
    wide = (9.2, 1.6 + 0.155 * max(len(asked.group) or 40, 12))
    drawn = {"counts": alone(counts, (8.0, 3.8)), "heatmap": alone(heatmap, wide)}
    if not report.tables["ranking_absolute"].empty:
        ranking = partial(plots.fragility_ranking, measured, *span, n=_BARS, by=asked.by)
        drawn["ranking"] = alone(ranking, (6.5, 1.4 + 0.24 * _BARS))
    return drawn


def _around(measured: Fragility, asked: Asked) -> tuple[object, object]:
    """Return the last sessions of the period, or those around the date."""
    days = measured.market.days
    if asked.date:
        at = session_row(days, asked.date)
        return days[max(0, at - _BEFORE)], days[min(len(days) - 1, at + _AFTER)]
    rows = period(days, asked.start, asked.end)
    return days[max(rows.start, rows.stop - _BEFORE - _AFTER)], days[rows.stop - 1]


def _contribution(measured: Fragility, asked: Asked) -> IndexContribution:
    """Return what the group did to the bundled index on the date, or over the period."""
    if asked.date:
        return index_contribution(asked.group, asked.date)
    days = measured.market.days
    rows = period(days, asked.start, asked.end)
    first = max(rows.start, 1)  # the first session has none before it
    return index_contribution(asked.group, days[first], days[rows.stop - 1])


def measured_lines(report: FragilityReport) -> list[str]:
    """Return how z is measured, and of whom, one sentence per line."""
    measured, asked = report.measured, report.asked
    days, n = measured.market.days, report.tables["counts"]["n_securities"]
    lost = [f"{count:,} {reason}" for reason, count in measured.without_z.items() if count]
    who = "everybody" if measured.members is None else measured.members.name
    several = {"firm": "one a firm", "listing": "every listing"}[asked.by]
    return [
        f"{measured.spec}.",
        f"{asked.universe}; {days[0]} to {days[-1]}.",
        f"Counted, as of each day: {who}, {several}; {n[n > 0].min() if n.any() else 0} to {n.max()} a session.",
        f"Ticker-days without a z: {', '.join(lost) or 'none'}.",
    ]


def _printed(frame: pd.DataFrame, printer: Callable[[pd.DataFrame], Any]) -> str:
    return repr(ReadableFrame.of(frame, printer)) if len(frame) else "none"
