"""Checks of all claims of a catalog, and their verdicts as a table. A check that fails does not stop the others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout, ReadableFrame, Table
from .._typing import Frame
from ..catalog.claim import Claim, Part
from ..catalog.load import load_catalog, release_calendar
from ..catalog.model import Catalog
from ..engines.progress import Progress, watched
from ..errors import CatalogError, MarketShockError, UnknownNameError
from ..providers.base import Prices
from ..providers.facts import recorded_facts
from ..providers.members import IndexMembers, sp500
from ..providers.shares import SharesTable
from ..valuation import Valuation
from .evidence import Evidence
from .finding import Answer, Finding, Status, judge
from .registry import KINDS, check_claim
from .sources import sources_of
from .verdict import MEANING, STATUSES, Verdict, combine


@dataclass(frozen=True, eq=False)
class Claims(Mapping[str, Verdict], Printable):
    """Verdicts by claim id, in the order of the catalog.

    Attributes
    ----------
    verdicts : mapping of str to Verdict
        By id; the result itself is this mapping.
    """

    verdicts: Mapping[str, Verdict]

    def __getitem__(self, claim_id: str) -> Verdict:
        if claim_id not in self.verdicts:
            raise UnknownNameError("claim", [claim_id], list(self.verdicts))
        return self.verdicts[claim_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def table(self) -> pd.DataFrame:
        """Verdicts with one row per claim, indexed by id.

        Text columns: document, paragraph (int), text, status, stated, computed, tolerance, convention, reason; those of
        a claim with several parts hold the parts one after the other. Numeric columns, of the first part that has the
        status of the claim: stated_value, computed_value, low and high (the interval that agrees with the stated
        value; infinite where it has one bound), in `unit`: decimals for percent, USD, ordinal days for dates. NaN, and
        "" as unit, where there is none.
        """
        rows = [_row(verdict) for verdict in self.values()]
        return ReadableFrame.of(pd.DataFrame(rows).set_index("id"), _printed)

    def of_document(self, name: str) -> Claims:
        """Return the verdicts of one document, by its name or the beginning of it.

        Raises
        ------
        UnknownNameError
            If no claim is of that document.
        """
        kept = {i: v for i, v in self.verdicts.items() if v.claim.document.startswith(name)}
        if not kept or not name:
            raise UnknownNameError("document", [name], sorted({v.claim.document for v in self.values()}))
        return Claims(kept)

    def only(self, claim_id: str) -> Claims:
        """Return the verdict of one claim, as a result of its own."""
        return Claims({claim_id: self[claim_id]})

    @property
    def counts(self) -> dict[Status, int]:
        """Number of claims per status, the best status first; a status without a claim is left out."""
        found = Counter(v.status for v in self.values())
        return {status: found[status] for status in reversed(STATUSES) if found[status]}

    @property
    def summary(self) -> str:
        """The number of claims, and of each status, in one line."""
        parts = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in self.counts.items())
        return f"{len(self)} claims: {parts}."

    def __repr__(self) -> str:
        return f"{self.table!r}\n\n{self.summary}"

    def printout(self) -> Printout:
        """Return the printed form: one row per claim, and the meaning of each status."""
        head, rows, below = _printed(self.table)
        return Printout((self.summary,), (PrintedTable(head, rows, left=len(head), marks=below),))


def verify_claims(
    catalog: Catalog | None = None,
    *,
    prices: Prices | Frame | None = None,
    shares: SharesTable | Frame | None = None,
    index: IndexMembers | None = None,
    facts: pd.DataFrame | None = None,
    releases: Catalog | None = None,
    progress: Progress = None,
) -> Claims:
    """Check every claim of a catalog against figures and recorded facts; offline.

    Parameters
    ----------
    catalog : Catalog, optional
        Catalog whose ``claims`` are checked; the bundled one by default.
    prices : Prices or DataFrame, optional
        Daily bars, closes as traded; the bundled ones by default. Open, high and low are needed by claims about them.
    shares : SharesTable or DataFrame, optional
        Share counts; the bundled ones by default.
    index : IndexMembers, optional
        Members of an index; the bundled S&P 500 by default.
    facts : DataFrame, optional
        As `recorded_facts` returns them.
    releases : Catalog, optional
        Dates of earnings releases; `release_calendar` by default.
    progress : bool or callable, optional
        True shows a bar; ``progress(items, n)`` wraps the work in one of your own.

    Returns
    -------
    Claims
        One verdict per claim. A claim without the data it needs is "not_checkable", with the reason.

    Raises
    ------
    CatalogError
        If a claim names an unknown kind or parameter, lacks one, or the catalog holds no claims.

    Notes
    -----
    The interval that agrees follows the precision stated, see `Stated`. The first convention tried is the plain
    reading; if only another one gives the stated value, the verdict names it. A verdict reports whether a number
    follows from figures, not what an author meant.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.verify_claims()["A11"].status
    'reproduced_by_convention'
    """
    catalog = load_catalog() if catalog is None else catalog
    if not catalog.claims:
        raise CatalogError("catalog", "holds no [[claim]] table", "give a catalog with claims")
    for claim in catalog.claims.values():
        check_claim(claim)
    valuation = Valuation.of(prices, shares)
    evidence = Evidence(
        valuation.prices,
        valuation.shares,
        sp500() if index is None else index,
        recorded_facts() if facts is None else facts,
        release_calendar() if releases is None else releases,
    )
    todo = list(catalog.claims.values())
    return Claims({claim.id: _verdict(claim, evidence) for claim in watched(todo, len(todo), progress)})


def _verdict(claim: Claim, evidence: Evidence) -> Verdict:
    return combine(claim, [_finding(part, evidence) for part in claim.parts])


def _finding(part: Part, evidence: Evidence) -> Finding:
    """Return the finding of one part; missing evidence is a reason, not an error."""
    try:
        answer = KINDS[part.kind](evidence.about(part.parameters), **part.parameters)
    except MarketShockError as error:
        answer = Answer(missing=f"What is needed is not there: {error}")
    return judge(part, answer, sources_of(evidence, part))


def _row(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    decisive = next(f for f in verdict.findings if f.status == verdict.status)
    stated, measure = decisive.part.stated, decisive.measure
    low, high = (math.nan, math.nan) if stated is None else stated.interval()
    return {
        "id": claim.id,
        "document": claim.document,
        "paragraph": claim.paragraph,
        "text": claim.text,
        "status": verdict.status,
        "stated": verdict.stated,
        "computed": verdict.computed,
        "tolerance": verdict.tolerance,
        "stated_value": math.nan if stated is None else float(stated.value),
        "computed_value": math.nan if measure is None else float(measure.value),
        "low": float(low),
        "high": float(high),
        "unit": "" if stated is None else stated.unit,
        "convention": verdict.convention,
        "reason": verdict.reason,
    }


def _printed(frame: pd.DataFrame) -> Table:
    head = ["id", "status", "claim", "stated", "computed"]
    rows = [
        [
            r["id"],
            r["status"].replace("_", " "),
            _short(r["text"], 44),
            _short(r["stated"], 24),
            _short(r["computed"], 26),
        ]
        for r in _format.rows(frame)
    ]
    return head, rows, [f"{s.replace('_', ' ')}: {MEANING[s]}" for s in reversed(STATUSES)]


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
