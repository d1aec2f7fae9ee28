"""Verdicts on a page: one table per document, every convention tried, the meanings of the verdicts."""

from __future__ import annotations

from ...claims.shown import show, show_interval
from ...claims.verdict import MEANING, Verdict
from ...claims.verify import Claims
from ..claims import plain
from .blocks import Part, Section, Table, Text

_HEAD = ("id", "verdict", "claim", "stated", "computed", "reason")
_TERMS = {
    "verdict": "What each means stands under Verdicts.",
    "stated": "In the document, at the precision it was given.",
    "computed": "By the first convention that agrees, else by the plain reading; the reason names it.",
    "reason": "Why this verdict, and by which convention.",
}
_TRIED_TERMS = {
    "part": "Of the claim, where it has several.",
    "agrees with": "Which values agree with what was stated, by its precision and its words.",
    "convention": "The plain reading first, then the others.",
    "agrees": "Whether what was computed is one of them.",
}


def section(claims: Claims) -> Section:
    """Return the section of verdicts."""
    documents = list(dict.fromkeys(v.claim.document for v in claims.values()))
    by = {name: [v for v in claims.values() if v.claim.document == name] for name in documents}
    counts = [[_words(status), str(n), MEANING[status]] for status, n in claims.counts.items()]
    parts = [Part("Verdicts", [Table("How many of each", ("verdict", "claims", "meaning"), counts)])]
    parts += [Part(f"Claims of {name}", [_table(name, mine)]) for name, mine in by.items()]
    needs = [f"{v.claim.id}: {v.claim.needs}" for v in claims.values() if v.claim.needs]
    parts += [Part("Every convention tried", [_tried(claims)]), Part("The figures that went in", [_inputs(claims)])]
    parts += [Part("What would settle the others", [Text(tuple(needs), listed=True)])] if needs else []
    record = {"claims of": {name: len(mine) for name, mine in by.items()}}
    return Section("What the documents state", (claims.summary,), parts, record)


def _table(document: str, verdicts: list[Verdict]) -> Table:
    rows = [[v.claim.id, _words(v.status), v.claim.text, v.stated, v.computed, v.reason] for v in verdicts]
    return Table(f"Claims of {document} against the figures", _HEAD, rows, terms=_TERMS)


def _tried(claims: Claims) -> Table:
    rows = [
        [
            v.claim.id,
            f.part.what or "-",
            f.stated,
            show_interval(f.part.stated),
            m.convention,
            show(m.value, f.part.stated.unit),
            "yes" if f.agrees(m) else "no",
        ]
        for v in claims.values()
        for f in v.findings
        if f.part.stated is not None
        for m in f.answer.measures
    ]
    head = ("id", "part", "stated", "agrees with", "convention", "computed", "agrees")
    return Table("What each convention gives", head, rows, terms=_TRIED_TERMS)


def _inputs(claims: Claims) -> Table:
    rows = [[v.claim.id, name, plain(value)] for v in claims.values() for name, value in v.inputs.items()]
    return Table("What was computed from", ("id", "figure", "value"), rows)


def _words(status: str) -> str:
    return status.replace("_", " ")
