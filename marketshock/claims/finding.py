"""Findings: one part of a claim, the values computed for it by each convention, and whether they agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..catalog.claim import Part
from .shown import show, show_stated

Status: TypeAlias = Literal[
    "contradicted", "not_reproduced", "misleading", "not_checkable", "reproduced_by_convention", "reproduced"
]


@dataclass(frozen=True, slots=True)
class Measure:
    """The quantity of a claim in the unit stated, by the convention named; NaN where it cannot be computed."""

    convention: str
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a check.

    Attributes
    ----------
    measures : tuple of Measure
        The plain reading first, then the other conventions tried.
    inputs : mapping of str to float or str
        The figures that went in, by name.
    note : str
        A remark for the reader.
    cause : str
        The true cause of a number that agrees but is explained otherwise, "" if there is none.
    stand_in : str
        The figures used in place of those that would settle it, "" if there are none.
    missing : str
        Why the measures cannot confirm the claim. They may still contradict it.
    equal : bool
        Whether the document leaves the convention open: then it is reproduced plainly only if all measures agree.
    cited : tuple of str
        Sources that the texts of `inputs` name already.
    """

    measures: tuple[Measure, ...] = ()
    inputs: Mapping[str, float | str] = field(default_factory=dict)
    note: str = ""
    cause: str = ""
    stand_in: str = ""
    missing: str = ""
    equal: bool = False
    cited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a claim against its measures, with the names and sources of the figures that went in.

    The status rests on `measure`: the first that agrees, otherwise the plain reading; None if there is none.
    """

    part: Part
    answer: Answer
    status: Status
    measure: Measure | None
    sources: tuple[tuple[str, str], ...] = ()

    def agrees(self, measure: Measure) -> bool:
        """Return whether a measure agrees with what was stated."""
        return self.part.stated is not None and self.part.stated.agrees(measure.value)

    @property
    def computed(self) -> str:
        """The value as text, in the unit stated."""
        if self.measure is None or self.part.stated is None:
            return "-"
        text = show(self.measure.value, self.part.stated.unit)
        return f"({text} of what there is)" if self.status == "not_checkable" else text

    @property
    def stated(self) -> str:
        """The stated value as text."""
        return "-" if self.part.stated is None else show_stated(self.part.stated)


def judge(part: Part, answer: Answer, sources: Sequence[tuple[str, str]] = ()) -> Finding:
    """Compare the measures of a part with its statement.

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
