"""Report of ``marketshock reproduce``: losses on January 27 and February 3, 2025, with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from .. import _format
from .._bundled import MAGNIFICENT_SEVEN
from .._files import together
from .._frame import ReadableFrame
from ..catalog.load import load_catalog
from ..claims.verify import Claims, verify_claims
from ..dollars.change import MarketCapChange, market_cap_change
from ..dollars.reported import Reconciliation, reconcile
from ..models.factor import MarketModel
from ..providers.shares import share_counts
from ..providers.snapshot import snapshot
from ..study.confounders import firms
from ..study.printed import test_table
from ..study.results import StudyResult
from ..study.run import event_study
from . import tables
from .claims import to_dict as claim_records
from .files import save_figure, write_record

INDEX_NOTE = (
    "The index contains the seven firms: what they share is partly taken out with it, and the intervals know nothing "
    "of that. ms.LeaveOneOut holds them against the rest of the index."
)
EVENTS = ("deepseek-selloff", "tariff-pause")
DATED = ("deepseek-r1", "tariff-order", "mexico-pause", "canada-pause", "google-call")
BENCHMARK = "^GSPC"
TOGETHER = ("joint_f", "joint_rank", "joint_equal", "portfolio", "kolari_pynnonen", "t_cross_sectional")
LEGEND = "t and p: t(M - 2) with the forecast error; SQ p: rank of AR(0) among the estimation residuals"


@dataclass(frozen=True)
class Reproduction:
    """The results behind ``marketshock reproduce``.

    The Magnificent Seven on both dates, tests of day 0 over the seven firms by event, one market-cap change per date,
    the reconciliation of the reported loss, other events of the documents for the alignment of their dates, and
    verdicts on the statements of the documents.
    """

    study: StudyResult
    tests: pd.DataFrame
    changes: tuple[MarketCapChange, ...]
    nvidia: Reconciliation
    dated: StudyResult
    claims: Claims


def reproduction() -> Reproduction:
    """Compute everything, offline."""
    catalog, prices, shares = load_catalog(), snapshot(), share_counts()
    model = MarketModel(BENCHMARK)
    study = event_study([catalog[e] for e in EVENTS], tickers=MAGNIFICENT_SEVEN, prices=prices, model=model)
    dated = event_study([catalog[e] for e in DATED], tickers=("NVDA",), prices=prices, model=model, duplicates="keep")
    sessions = study.events.groupby("event", sort=False)["date"].first()
    return Reproduction(
        study=study,
        tests=study.tests(0, 0, which=TOGETHER, by="event"),
        changes=tuple(market_cap_change(day, prices, shares, study=study) for day in sessions),
        nvidia=reconcile("NVDA", sessions.iloc[0], prices=prices, shares=shares),
        dated=dated,
        claims=verify_claims(catalog, prices=prices, shares=shares),
    )


def sections(result: Reproduction) -> Iterator[tuple[str, str]]:
    """Yield the headings and texts of the report, in order."""
    study = result.study
    yield "In short", "\n".join(_format.wrapped(line, "  ") for line in findings(result))
    yield "What was done with the dates", _dates(result)
    for event in dict.fromkeys(study.panel.event):
        day = study.events.loc[study.events["event"] == event, "date"].iloc[0].date()
        yield (
            f"Abnormal returns, {event}, day 0 = {day}",
            f"{_model(study)}\n{LEGEND}\n\n{tables.firm_table(study, event)}",
        )
        yield f"All seven together, {event}, day 0", repr(ReadableFrame.of(result.tests.loc[event], test_table))
    yield "Two warnings", "\n".join(map(_format.wrapped, [*overlap_notes(study), INDEX_NOTE]))
    for change in result.changes:
        yield f"Market caps, {change.session}", repr(change)
    yield "The $589 billion", repr(result.nvidia)
    yield "What the documents state", claims_summary(result.claims)


def _model(study: StudyResult) -> str:
    return f"{study.model_name}, estimation {study.spec.estimation}, simple total returns"


def _dates(result: Reproduction) -> str:
    others = f"Other dates of the documents:\n{tables.alignment_table(result.dated)}"
    return f"{tables.alignment_table(result.study)}\n\n{others}\n\n{tables.exclusion_table(result.study)}"


def findings(result: Reproduction) -> list[str]:
    """Return one paragraph per date with its findings, and the loss of NVIDIA by its official close."""
    lines = [_finding(result, event, change) for event, change in zip(EVENTS, result.changes, strict=True)]
    loss = -float(result.changes[0].table["change_usd"]["NVDA"])
    lines.append(
        f"NVIDIA lost {loss / 1e9:.1f} bn USD on {result.nvidia.session} by its official close; the "
        "section on the reported loss says where the 589 comes from."
    )
    return lines


def _finding(result: Reproduction, event: str, change: MarketCapChange) -> str:
    firms = result.study.car(0, 0)[(result.study.events["event"] == event).to_numpy()]
    clear = firms[firms["pvalue"] < 0.05]
    named = ", ".join(f"{r['ticker']} {_format.percent(r['car'], 1)}" for r in _format.rows(clear)) or "none"
    abnormal = _format.interval(change.total["ci_low_usd"], change.total["ci_high_usd"], "usd_bn")
    moved, part = (_format.usd_bn(change.total[name], 0) for name in ("change_usd", "abnormal_usd"))
    p = _format.p_equals(float(result.tests["pvalue"][(event, "joint_f")]))
    return (
        f"{change.session} ({event}): the seven changed by {moved} bn USD, of which abnormal {part} bn {abnormal}. "
        f"Abnormal returns with p < 0.05, one firm at a time: {named}. "
        f"That none of the seven moved abnormally: joint F, {p}."
    )


def claims_summary(claims: Claims) -> str:
    """Return the number of verdicts per status, and the claims that are not plainly reproduced."""
    named = {status: [v.claim.id for v in claims.values() if v.status == status] for status in claims.counts}
    lines = [f"{status.replace('_', ' ')}: {', '.join(ids)}" for status, ids in named.items() if status != "reproduced"]
    last = "marketshock claims prints each with its numbers, marketshock claims --id A11 one of them in full."
    return "\n".join(_format.wrapped(line, "  ") for line in [claims.summary, *lines, last])


def overlap_notes(study: StudyResult) -> list[str]:
    """Return one sentence per pair of events of a firm whose windows overlap in time, or that none do."""
    panel = study.panel
    known = pd.DataFrame({"event": panel.event, "firm": firms(panel.ticker), "row": panel.row})
    day_0 = known.groupby(["firm", "event"], sort=False)["row"].first().unstack("event")
    notes = []
    for a, b in combinations(dict.fromkeys(panel.event), 2):
        apart = (day_0[b] - day_0[a]).dropna()
        near = apart[apart.abs() < len(study.spec.window)]
        if len(near):
            shift = f"{int(near.iloc[0]):+d}"
            notes.append(
                f"The windows overlap: day 0 of {b} is day {shift} of {a}; the CAR of the whole window mixes both."
            )
    return notes or ["The windows of the events do not overlap."]


def to_dict(result: Reproduction) -> dict[str, Any]:
    """Return the whole result as plain values, ready for JSON."""
    study = result.study
    window = study.spec.window
    return {
        "spec": study.spec.to_dict(),
        "alignment": records(pd.concat([study.alignment, result.dated.alignment])),
        "exclusions": records(study.exclusions),
        "day_0": records(study.car(0, 0)),
        "window": records(study.car(window.first, window.last)),
        "tests": records(result.tests),
        "market_cap": [
            {"session": str(c.session), "firms": records(c.table), "total": {k: float(v) for k, v in c.total.items()}}
            for c in result.changes
        ],
        "reconciliation": {
            "firms": records(result.nvidia.table),
            "reported": records(result.nvidia.reported),
            "statement": result.nvidia.statement,
        },
        "claims": claim_records(result.claims),
    }


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame as JSON-ready records: index as columns, dates as text, NaN as None."""
    return [{key: _plain(value) for key, value in row.items()} for row in _format.rows(frame)]


def write(result: Reproduction, folder: Path) -> list[Path]:
    """Write everything as JSON, and the plots; return the paths."""
    with together(folder, "reproduce.json") as fresh:
        written = [*draw(result, fresh), write_record(fresh / "reproduce.json", to_dict(result))]
    return [folder / path.name for path in reversed(written)]


def draw(result: Reproduction, folder: Path) -> list[Path]:
    """Save the plots (CAR by firm with bands; market-cap change by firm) and return their paths."""
    from .. import plots

    by_firm, caps = plots.bare_figure(), plots.bare_figure()
    plots.car_by_firm(result.study, figure=by_firm)
    plots.market_caps(result.changes, figure=caps)
    drawn = {"car_by_firm.png": by_firm, "market_cap.png": caps}
    return [save_figure(figure, folder / name) for name, figure in drawn.items()]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    if value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value
