"""From measures to verdicts: what was computed, by which convention, and whether it agrees with what was stated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from ..catalog.claim import Claim, Part, Unit
from ..explained.explanation import Explanation
from .shown import show, show_interval, show_stated

Status: TypeAlias = Literal[
    "contradicted", "not_reproduced", "misleading", "not_checkable", "reproduced_by_convention", "reproduced"
]
STATUSES: tuple[Status, ...] = get_args(Status)
"""The worst first: a claim of several parts has the status of its worst one that could be checked."""

MEANING: Mapping[Status, str] = {
    "reproduced": "the figures give what is stated, read plainly",
    "reproduced_by_convention": "the figures give it by one convention and not by all that are as plain; it is named",
    "misleading": "the number is right, the cause it is given is not",
    "contradicted": "the figures that would settle it give something else by every convention tried",
    "not_reproduced": "figures that stand in for the right ones do not give it by every convention",
    "not_checkable": "the figures that would settle it are not there",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """What a claim is about, computed by one convention.

    Attributes
    ----------
    convention : str
        How, in words; the first measure of an answer is the plain reading.
    value : float
        In the unit stated; NaN where it cannot be computed.
    """

    convention: str
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check found.

    Attributes
    ----------
    measures : tuple of Measure
        The plain reading first, then the other conventions tried.
    inputs : mapping of str to float or str
        The figures that went in, by name.
    note : str
        What a reader should know besides.
    cause : str
        Where the number agrees but has another cause: which.
    stand_in : str
        Which figures stand in for those that would settle it, "" if none do.
    missing : str
        Why what was computed cannot confirm the claim. It may still contradict it.
    equal : bool
        Whether the document leaves the convention open: then it is reproduced plainly only if all measures agree.
    """

    measures: tuple[Measure, ...] = ()
    inputs: Mapping[str, float | str] = field(default_factory=dict)
    note: str = ""
    cause: str = ""
    stand_in: str = ""
    missing: str = ""
    equal: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a claim against its measures.

    Attributes
    ----------
    part : Part
        What was stated.
    answer : Answer
        What was computed.
    status : str
        One of `STATUSES`.
    measure : Measure or None
        The measure the status rests on: the first that agrees, else the plain reading.
    sources : tuple of str
        Where the figures that went in come from.
    """

    part: Part
    answer: Answer
    status: Status
    measure: Measure | None
    sources: tuple[str, ...] = ()

    def agrees(self, measure: Measure) -> bool:
        """Return whether a measure agrees with what was stated."""
        return self.part.stated is not None and self.part.stated.agrees(measure.value)

    @property
    def computed(self) -> str:
        """The value, as text in the unit stated."""
        if self.measure is None or self.part.stated is None:
            return "-"
        text = show(self.measure.value, self.part.stated.unit)
        return f"({text} of what there is)" if self.status == "not_checkable" else text

    @property
    def stated(self) -> str:
        """What was stated, as text."""
        return "-" if self.part.stated is None else show_stated(self.part.stated)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim is true, and the numbers.

    Attributes
    ----------
    claim : Claim
        What was stated.
    status : str
        One of `STATUSES`; `MEANING` says what each means.
    findings : tuple of Finding
        One a part.
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
            What is claimed; of each part the figures that went in with their sources, the interval that agrees with
            what was stated, every convention tried with what it gives and how far that lies inside or outside; and
            which of it decides. The figures of each step are in ``step.values``, unrounded: decimals for percent, USD,
            ordinal days for dates.
        """
        from .explain import explain_verdict  # which reads verdicts

        return explain_verdict(self, MEANING[self.status])


def judge(part: Part, answer: Answer, sources: Sequence[str] = ()) -> Finding:
    """Hold the measures of a part against what was stated.

    The first measure is the plain reading. If it agrees the part is reproduced; if only another does, reproduced by
    that convention; if none does, contradicted, or not reproduced where other figures stand in. Figures that stand in
    make "reproduced_by_convention" at the most, and that only if every convention agrees. An answer with something
    missing can contradict, not confirm.
    """
    known = [m for m in answer.measures if not math.isnan(m.value)]
    if part.stated is None or not known:
        return Finding(part, answer, "not_checkable", known[0] if known else None, tuple(sources))
    agreeing = [m for m in known if part.stated.agrees(m.value)]
    chosen = agreeing[0] if agreeing else known[0]
    return Finding(part, answer, _status(answer, chosen, len(agreeing), len(known)), chosen, tuple(sources))


def _status(answer: Answer, chosen: Measure, agreeing: int, known: int) -> Status:
    if not agreeing:
        return "not_reproduced" if answer.stand_in else "contradicted"
    if answer.missing:
        return "not_checkable"
    if answer.stand_in:
        return "reproduced_by_convention" if agreeing == known else "not_reproduced"
    if answer.cause:
        return "misleading"
    plain = chosen is answer.measures[0] and (agreeing == known or not answer.equal)
    return "reproduced" if plain else "reproduced_by_convention"


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
