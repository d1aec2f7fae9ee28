"""Verdicts on a page: a table a document, every convention tried, what the verdicts mean."""

from __future__ import annotations

from ..claims.verdict import MEANING, Verdict, show
from ..claims.verify import Claims
from .blocks import Part, Section, Table, Text

_HEAD = ("id", "verdict", "claim", "stated", "agrees", "computed", "convention", "reason")
_TERMS = {
    "verdict": "What each means stands under Verdicts.",
    "stated": "In the document, at the precision it was given.",
    "agrees": "Which values agree with what was stated, by that precision.",
    "computed": "By the convention in the next column.",
    "convention": "The first that agrees, else the plain reading.",
    "reason": "Why this verdict.",
}
_TRIED_TERMS = {
    "part": "Of the claim, where it has several.",
    "convention": "The plain reading first, then the others.",
    "agrees": "With what was stated.",
}


def section(claims: Claims) -> Section:
    """Return the section of verdicts."""
    documents = list(dict.fromkeys(v.claim.document for v in claims.values()))
    by = {name: [v for v in claims.values() if v.claim.document == name] for name in documents}
    counts = [[_words(status), str(n), MEANING[status]] for status, n in claims.counts.items()]
    parts = [Part("Verdicts", [Table("How many of each", ("verdict", "claims", "meaning"), counts)])]
    parts += [Part(f"Claims of {name}", [_table(name, mine)]) for name, mine in by.items()]
    needs = [f"{v.claim.id}: {v.claim.needs}" for v in claims.values() if v.claim.needs]
    parts.append(Part("Every convention tried", [_tried(claims)]))
    parts += [Part("What would settle the others", [Text(tuple(needs), listed=True)])] if needs else []
    record = {"claims of": {name: len(mine) for name, mine in by.items()}}
    return Section("What the documents state", (claims.summary,), parts, record)


def _table(document: str, verdicts: list[Verdict]) -> Table:
    rows = [
        [v.claim.id, _words(v.status), v.claim.text, v.stated, v.tolerance, v.computed, v.convention or "-", v.reason]
        for v in verdicts
    ]
    return Table(f"Claims of {document} against the figures", _HEAD, rows, terms=_TERMS)


def _tried(claims: Claims) -> Table:
    rows = [
        [
            v.claim.id,
            f.part.what or "-",
            f.stated,
            m.convention,
            show(m.value, f.part.stated.unit),
            "yes" if f.agrees(m) else "no",
        ]
        for v in claims.values()
        for f in v.findings
        if f.part.stated is not None
        for m in f.answer.measures
    ]
    head = ("id", "part", "stated", "convention", "computed", "agrees")
    return Table("What each convention gives", head, rows, terms=_TRIED_TERMS)


def _words(status: str) -> str:
    return status.replace("_", " ")
