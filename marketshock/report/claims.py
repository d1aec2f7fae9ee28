"""Verdicts on claims as text, Markdown and plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .. import _format
from ..claims.finding import Finding
from ..claims.shown import show, show_interval
from ..claims.verdict import MEANING, Verdict
from ..claims.verify import Claims

_WIDEST = {"stated": 26, "computed": 28, "text": 58}


def sections(claims: Claims) -> Iterator[tuple[str, str]]:
    """Yield one heading and text per document, the reasons of claims not plainly reproduced below, and the summary."""
    for name in dict.fromkeys(v.claim.document for v in claims.values()):
        mine = [v for v in claims.values() if v.claim.document == name]
        head = ["id", "status", "claim", "stated", "computed"]
        table = _format.text_table(head, [_row(v) for v in mine], left=len(head))
        reasons = [_format.wrapped(f"{v.claim.id}: {v.reason}", "  ") for v in mine if v.status != "reproduced"]
        yield f"Claims of {name}", "\n".join([table, *([""] if reasons else []), *reasons])
    yield "Summary", f"{claims.summary}\n{legend(claims)}"


def legend(claims: Claims) -> str:
    """Return the meanings of the statuses that occur, one line each."""
    return "\n".join(
        _format.wrapped(f"{status.replace('_', ' ')}: {MEANING[status]}", "  ") for status in claims.counts
    )


def details(verdict: Verdict) -> str:
    """Return everything about one claim: what was stated, every convention tried, the figures that went in."""
    claim = verdict.claim
    lines = [
        _format.wrapped(f"{claim.id}: {claim.text}", "  "),
        f"{claim.document}, paragraph {claim.paragraph}" + (f", event {claim.event}" if claim.event else ""),
        "",
        f"Verdict: {verdict.status.replace('_', ' ')} ({MEANING[verdict.status]})",
        _format.wrapped(verdict.reason, "  "),
    ]
    for finding in verdict.findings:
        lines += ["", *_tried(finding)]
    if claim.needs:
        lines += ["", _format.wrapped(f"What would settle it: {claim.needs}", "  ")]
    return "\n".join(lines)


def markdown(claims: Claims) -> str:
    """Return a Markdown table a document, every claim with its reason, and the summary."""
    parts = []
    for name in dict.fromkeys(v.claim.document for v in claims.values()):
        rows = [
            [v.claim.id, v.status.replace("_", " "), v.claim.text, v.stated, v.computed, v.reason]
            for v in claims.values()
            if v.claim.document == name
        ]
        head = ["id", "status", "claim", "stated", "computed", "reason"]
        lines = [f"| {' | '.join(_cell(c) for c in row)} |" for row in [head, ["---"] * len(head), *rows]]
        parts.append("\n".join([f"## {name}", "", *lines]))
    return "\n\n".join([*parts, claims.summary]) + "\n"


def to_dict(claims: Claims) -> dict[str, Any]:
    """Return verdicts as plain values, ready for JSON."""
    return {"summary": claims.counts, "claims": [_record(v) for v in claims.values()]}


def _row(verdict: Verdict) -> list[str]:
    cut = {"text": verdict.claim.text, "stated": verdict.stated, "computed": verdict.computed}
    short = {
        name: text if len(text) <= _WIDEST[name] else f"{text[: _WIDEST[name] - 3]}..." for name, text in cut.items()
    }
    return [verdict.claim.id, verdict.status.replace("_", " "), short["text"], short["stated"], short["computed"]]


def _tried(finding: Finding) -> list[str]:
    part = finding.part
    title = f"{part.what}: " if part.what else ""
    if part.stated is None:
        return [f"{title}nothing to compute"]
    rows = [
        [m.convention, show(m.value, part.stated.unit), "yes" if finding.agrees(m) else "no"]
        for m in finding.answer.measures
    ]
    head = ["convention", "computed", "agrees"]
    said = [f"{title}stated {finding.stated}; agrees with {_interval(finding)}"]
    inputs = [_format.wrapped(f"  {name}: {plain(value)}", "    ") for name, value in finding.answer.inputs.items()]
    table = _format.text_table(head, rows).splitlines() if rows else []
    return [*said, "", *table, *(["", "From:", *inputs] if inputs else [])]


def _interval(finding: Finding) -> str:
    return show_interval(finding.part.stated) if finding.part.stated is not None else "-"


def plain(value: float | str) -> str:
    """Return a figure as text."""
    return value if isinstance(value, str) else f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _record(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "id": claim.id,
        "document": claim.document,
        "paragraph": claim.paragraph,
        "event": claim.event,
        "text": claim.text,
        "status": verdict.status,
        "stated": verdict.stated,
        "computed": verdict.computed,
        "tolerance": verdict.tolerance,
        "convention": verdict.convention,
        "reason": verdict.reason,
        "needs": claim.needs,
        "parts": [_part(f) for f in verdict.findings],
    }


def _part(finding: Finding) -> dict[str, Any]:
    stated = finding.part.stated
    return {
        "what": finding.part.what,
        "kind": finding.part.kind,
        "status": finding.status,
        "stated": None if stated is None else stated.value,
        "unit": None if stated is None else stated.unit,
        "wording": None if stated is None else stated.wording,
        "interval": None if stated is None else [_finite(bound) for bound in stated.interval()],
        "tried": [
            {"convention": m.convention, "value": _finite(m.value), "agrees": finding.agrees(m)}
            for m in finding.answer.measures
        ],
        "inputs": {name: v if isinstance(v, str) else _finite(float(v)) for name, v in finding.answer.inputs.items()},
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
