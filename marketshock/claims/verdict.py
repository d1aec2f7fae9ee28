"""Verdicts on claims, from the findings of their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ..catalog.claim import Claim, Part, Unit
from ..explained.explanation import Explanation
from .explain import explain_verdict
from .finding import Finding, Status
from .shown import show, show_interval

STATUSES: tuple[Status, ...] = get_args(Status)
"""The worst first: a claim of several parts has the status of its worst part that could be checked."""

MEANING: Mapping[Status, str] = {
    "reproduced": "the figures give what is stated, read plainly",
    "reproduced_by_convention": "the figures give it by one convention and not by all that are as plain; it is named",
    "misleading": "the number is right, the cause it is given is not",
    "contradicted": "the figures that would settle it give something else by every convention tried",
    "not_reproduced": "figures that stand in for the right ones do not give it by every convention",
    "not_checkable": "the figures that would settle it are not there",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a claim, with the numbers.

    Attributes
    ----------
    claim : Claim
        The statement.
    status : str
        One of `STATUSES`, explained by `MEANING`.
    findings : tuple of Finding
        One per part.
    """

    claim: Claim
    status: Status
    findings: tuple[Finding, ...]

    @property
    def computed(self) -> str:
        """The computed values, part by part."""
        return "; ".join(f.computed for f in self.findings)

    @property
    def stated(self) -> str:
        """The stated values, part by part."""
        return "; ".join(f.stated for f in self.findings)

    @property
    def tolerance(self) -> str:
        """The intervals that agree, part by part, from the precision of what was stated."""
        return "; ".join("-" if f.part.stated is None else show_interval(f.part.stated) for f in self.findings)

    @property
    def convention(self) -> str:
        """The conventions the values rest on, each once."""
        named = [f.measure.convention for f in self.findings if f.measure is not None]
        return "; ".join(dict.fromkeys(named))

    @property
    def inputs(self) -> dict[str, float | str]:
        """The figures that went in, by name."""
        return {name: value for f in self.findings for name, value in f.answer.inputs.items()}

    @property
    def reason(self) -> str:
        """Why this status, in a sentence or two."""
        return " ".join(dict.fromkeys(text for f in self.findings for text in _reasons(f, len(self.findings) > 1)))

    def explain(self) -> Explanation:
        """Write out how the verdict comes from the figures.

        Returns
        -------
        Explanation
            The claim; for each part the figures that went in with their sources, the interval that agrees with the
            statement, every convention tried with its value and the distance to that interval; and the rule that
            decides. The figures of each step are in ``step.values``, unrounded: decimals for percent, USD, ordinal days
            for dates.
        """
        return explain_verdict(self.claim, self.findings, self.status, MEANING[self.status], self.reason)


def combine(claim: Claim, findings: Sequence[Finding]) -> Verdict:
    """Return the verdict of a claim: its worst part counts; a part that cannot be checked only where all are such."""
    checked = [f.status for f in findings if f.status != "not_checkable"]
    status = min(checked, key=STATUSES.index) if checked else "not_checkable"
    return Verdict(claim, status, tuple(findings))


def _reasons(finding: Finding, several: bool) -> list[str]:
    """Return the sentences about one part."""
    part, answer, measure = finding.part, finding.answer, finding.measure
    lead = f"{part.what}: " if several and part.what else ""
    said = []
    if measure is not None and part.stated is not None:
        verb = "agrees with" if finding.agrees(measure) else "does not agree with"
        computed = show(measure.value, part.stated.unit)
        said.append(f"{lead}{computed} ({measure.convention}) {verb} {finding.stated}.")
    if finding.status == "reproduced_by_convention" and measure is not answer.measures[0]:
        plain = answer.measures[0]
        said.append(f"Read plainly ({plain.convention}) it is {show(plain.value, _unit(part))}.")
    if part.stated is not None and part.stated.reading:
        said.append(f"{_sentence(part.stated.reading)}")
    if answer.stand_in:
        said.append(f"Stand-in: {_sentence(answer.stand_in)}")
    if answer.cause:
        said.append(_sentence(answer.cause))
    if answer.note:
        said.append(_sentence(answer.note))
    if answer.missing:
        said.append(f"{lead if measure is None else ''}{_sentence(answer.missing)}")
    return said


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _unit(part: Part) -> Unit:
    return part.stated.unit if part.stated is not None else "ratio"
